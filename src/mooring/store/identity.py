"""Projects, users, roles, who has which role where, and logins."""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, func, null, select, update
from sqlalchemy.sql import ColumnElement

from mooring.model.identity import Assignment, Project, Role, Token, User
from mooring.store import tables
from mooring.store.rows import Records, micros
from mooring.store.sql import Sql
from mooring.store.tx import Tx

PROJECTS = Records(tables.projects, Project)
USERS = Records(tables.users, User)
ROLES = Records(tables.roles, Role)
TOKENS = Records(tables.tokens, Token, key="secret_hash")
ASSIGNMENTS = Records(tables.assignments, Assignment, key="user_id")

_A, _T = tables.assignments.c, tables.tokens.c


def _any_or(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """The column equals the parameter, or the parameter is NULL and asks for nothing."""
    return bindparam(name).is_(None) | (column == bindparam(name))


_ROLES_OF = Sql(
    select(*ROLES.columns)
    .join(tables.assignments, _A.role_id == tables.roles.c.id)
    .where(_A.user_id == bindparam("user_id"), _A.project_id == bindparam("project_id"))
    .order_by(tables.roles.c.name)
)
_PROJECTS_OF = Sql(
    select(*PROJECTS.columns)
    .where(tables.projects.c.id.in_(select(_A.project_id).where(_A.user_id == bindparam("user_id"))))
    .order_by(tables.projects.c.name)
)
_NAMED_ASSIGNMENTS = Sql(
    select(_A.user_id, tables.users.c.name, _A.project_id, tables.projects.c.name, _A.role_id, tables.roles.c.name)
    .join(tables.users, tables.users.c.id == _A.user_id)
    .join(tables.projects, tables.projects.c.id == _A.project_id)
    .join(tables.roles, tables.roles.c.id == _A.role_id)
    .where(_any_or(_A.user_id, "user_id"), _any_or(_A.project_id, "project_id"), _any_or(_A.role_id, "role_id"))
    .order_by(tables.projects.c.name, tables.users.c.name, tables.roles.c.name)
)
_UNASSIGN = Sql(
    delete(tables.assignments).where(
        _A.user_id == bindparam("user_id"), _A.project_id == bindparam("project_id"), _A.role_id == bindparam("role_id")
    )
)
_FORGET_EXPIRED = Sql(delete(tables.tokens).where(_T.expires_at <= bindparam("now")))
_REVOKE = Sql(delete(tables.tokens).where(_any_or(_T.user_id, "user_id"), _any_or(_T.project_id, "project_id")))
_FORGET_DEFAULT = Sql(
    update(tables.users)
    .where(tables.users.c.default_project_id == bindparam("project_id"))
    .values(default_project_id=null())
)
_BELONGINGS = {
    "servers": tables.servers.c.project_id,
    "ports": tables.ports.c.project_id,
    "subnets": tables.subnets.c.project_id,
    "networks": tables.networks.c.project_id,
    "images": tables.images.c.owner,
}
_COUNTS = {
    noun: Sql(select(func.count()).where(column == bindparam("project_id"))) for noun, column in _BELONGINGS.items()
}


@dataclass(frozen=True, slots=True)
class NamedAssignment:
    """An assignment with the names of what it names."""

    user_id: str
    user_name: str
    project_id: str
    project_name: str
    role_id: str
    role_name: str


def roles_of(tx: Tx, user_id: str, project_id: str) -> list[Role]:
    """The roles that the user has in the project, by name."""
    return [ROLES.value(row) for row in tx.all(_ROLES_OF, user_id=user_id, project_id=project_id)]


def projects_of(tx: Tx, user_id: str) -> list[Project]:
    """The projects in which the user has a role, disabled ones too, by name."""
    return [PROJECTS.value(row) for row in tx.all(_PROJECTS_OF, user_id=user_id)]


def named_assignments(
    tx: Tx, user_id: str | None = None, project_id: str | None = None, role_id: str | None = None
) -> list[NamedAssignment]:
    """Assignments of this user, project and role; ``None`` is any."""
    rows = tx.all(_NAMED_ASSIGNMENTS, user_id=user_id, project_id=project_id, role_id=role_id)
    return [NamedAssignment(*map(str, row)) for row in rows]


def unassign(tx: Tx, assignment: Assignment) -> bool:
    """Take the role away; False when the user did not have it."""
    found = tx.run(_UNASSIGN, user_id=assignment.user_id, project_id=assignment.project_id, role_id=assignment.role_id)
    return found == 1


def revoke(tx: Tx, *, user_id: str | None = None, project_id: str | None = None) -> int:
    """Forget the tokens of this user in this project; ``None`` is any. Returns how many there were."""
    return tx.run(_REVOKE, user_id=user_id, project_id=project_id)


def forget_expired(tx: Tx) -> int:
    """Drop the tokens that have run out."""
    return tx.run(_FORGET_EXPIRED, now=micros(tx.now))


def forget_default_project(tx: Tx, project_id: str) -> None:
    """Users whose default this project is have none from now on."""
    tx.run(_FORGET_DEFAULT, project_id=project_id)


def belongings(tx: Tx, project_id: str) -> dict[str, int]:
    """How many of what a project has, without the zeros; the order is the one to delete them in."""
    found = {}
    for noun, sql in _COUNTS.items():
        row = tx.one(sql, project_id=project_id)
        if row is not None and row[0]:
            found[noun] = int(str(row[0]))
    return found
