"""Who has which role in which project."""

from mooring.errors import NotFound
from mooring.model.identity import Assignment, Caller, Role
from mooring.service.projects import get_project
from mooring.service.users import get_user
from mooring.store.identity import ASSIGNMENTS, ROLES, revoke, roles_of, unassign
from mooring.store.tx import Event, Tx


def get_role(tx: Tx, role_id: str) -> Role:
    role = ROLES.get(tx, role_id)
    if role is None:
        raise NotFound("role", role_id)
    return role


def granted_roles(tx: Tx, user_id: str, project_id: str) -> list[Role]:
    """The user's roles in the project. Raises NotFound for an unknown user or project."""
    get_project(tx, project_id)
    get_user(tx, user_id)
    return roles_of(tx, user_id, project_id)


def check_grant(tx: Tx, assignment: Assignment) -> None:
    """Raise NotFound unless the user has the role in the project."""
    role = get_role(tx, assignment.role_id)
    if role not in granted_roles(tx, assignment.user_id, assignment.project_id):
        raise _no_grant(assignment)


def grant(tx: Tx, who: Caller, assignment: Assignment) -> None:
    """Give the role; a role that the user has already is no error."""
    role = get_role(tx, assignment.role_id)
    if role not in granted_roles(tx, assignment.user_id, assignment.project_id):
        ASSIGNMENTS.insert(tx, assignment)
        _tell(tx, who, "assignment.created", assignment, role)


def ungrant(tx: Tx, who: Caller, assignment: Assignment) -> None:
    """Take the role away; the user's logins in the project end. Raises NotFound when there is nothing to take."""
    role = get_role(tx, assignment.role_id)
    granted_roles(tx, assignment.user_id, assignment.project_id)
    if not unassign(tx, assignment):
        raise _no_grant(assignment)
    revoke(tx, user_id=assignment.user_id, project_id=assignment.project_id)
    _tell(tx, who, "assignment.deleted", assignment, role)


def _tell(tx: Tx, who: Caller, kind: str, assignment: Assignment, role: Role) -> None:
    detail = {"role": role.name}
    tx.tell(Event(kind, assignment.user_id, assignment.project_id, None, who.user_id, who.request_id, detail))


def _no_grant(assignment: Assignment) -> NotFound:
    what = f"role {assignment.role_id} of user {assignment.user_id} in project {assignment.project_id}"
    return NotFound("role assignment", what)
