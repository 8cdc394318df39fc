"""The first admin, and the roles that the policy knows."""

from mooring.model.identity import ROLE_NAMES, Assignment, Project, Role, User
from mooring.model.outside import Ids
from mooring.store.identity import ASSIGNMENTS, PROJECTS, ROLES, USERS, named_assignments
from mooring.store.tx import Event, Tx

ADMIN = "admin"


def has_admin(tx: Tx) -> bool:
    """Whether anybody has the role admin anywhere, so that ``bootstrap`` would make nobody."""
    role = ROLES.first(tx, name=ADMIN)
    return role is not None and bool(named_assignments(tx, role_id=role.id))


def bootstrap(tx: Tx, ids: Ids, admin_password_hash: str) -> bool:
    """Make the roles, and the user ``admin`` with the role admin in the project ``admin`` when nobody has that role.

    Does nothing the second time. Returns whether the user was made, so that the password is worth telling.
    """
    for name in ROLE_NAMES:
        if ROLES.first(tx, name=name) is None:
            role = ROLES.insert(tx, Role(ids.hex_id(), name))
            tx.tell(Event("role.created", role.id))
    if has_admin(tx):
        return False
    project = PROJECTS.first(tx, name=ADMIN)
    if project is None:
        description = "Made at the first start, for administrators."
        project = PROJECTS.insert(tx, Project(ids.hex_id(), ADMIN, tx.now, description))
        tx.tell(Event("project.created", project.id, project.id))
    user = USERS.first(tx, name=ADMIN)
    is_new = user is None
    if user is None:
        user = USERS.insert(tx, User(ids.hex_id(), ADMIN, admin_password_hash, tx.now))
        tx.tell(Event("user.created", user.id))
    admin = ROLES.first(tx, name=ADMIN)
    if admin is not None:
        ASSIGNMENTS.insert(tx, Assignment(user.id, project.id, admin.id))
        tx.tell(Event("assignment.created", user.id, project.id, detail={"role": ADMIN}))
    return is_new
