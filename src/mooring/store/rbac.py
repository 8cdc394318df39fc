"""Who else may use an object: the RBAC entries, and who is using what on the strength of them."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, exists, func, literal_column, select, update

from mooring.model.rbac import EVERYBODY, Action, ObjectType, RbacPolicy
from mooring.store import tables
from mooring.store.rows import Records, micros
from mooring.store.sql import Sql
from mooring.store.tx import Tx

RBAC_POLICIES = Records(tables.rbac_policies, RbacPolicy)

_R = tables.rbac_policies.c
_WANTED = select(func.json_each(bindparam("wanted")).table_valued("value").c.value)
_IS_TARGET = _R.target_project.in_([bindparam("project"), literal_column(f"'{EVERYBODY}'")])
_OPEN_AMONG = Sql(
    select(_R.object_id).where(_R.object_id.in_(_WANTED), _R.action == bindparam("action"), _IS_TARGET).distinct()
)
_IS_OPEN = Sql(select(exists().where(_R.object_id == bindparam("object"), _IS_TARGET)))
_FORGET = Sql(delete(tables.rbac_policies).where(_R.object_id == bindparam("object")))


def open_among(tx: Tx, object_ids: Iterable[str], project_id: str, action: Action) -> set[str]:
    """Those of the objects that an entry opens to ``project_id``, by name or with the star."""
    wanted = msgspec.json.encode(list(object_ids)).decode()
    return {str(ident) for (ident,) in tx.all(_OPEN_AMONG, wanted=wanted, project=project_id, action=action.value)}


def is_open(tx: Tx, object_id: str, project_id: str) -> bool:
    """Whether any entry, of whichever action, opens the object to ``project_id``."""
    row = tx.one(_IS_OPEN, object=object_id, project=project_id)
    return row is not None and bool(row[0])


def forget(tx: Tx, object_id: str) -> int:
    """The object goes, and its entries with it."""
    return tx.run(_FORGET, object=object_id)


def entry_for(tx: Tx, object_id: str, action: Action, target_project: str = EVERYBODY) -> RbacPolicy | None:
    return RBAC_POLICIES.first(tx, object_id=object_id, action=action.value, target_project=target_project)


# --- the objects ----------------------------------------------------------------------------------------------

_TABLES = {
    ObjectType.NETWORK: tables.networks,
    ObjectType.QOS_POLICY: tables.qos_policies,
    ObjectType.SUBNETPOOL: tables.subnetpools,
    ObjectType.ADDRESS_SCOPE: tables.address_scopes,
    ObjectType.SECURITY_GROUP: tables.security_groups,
}
_OWNER = {
    kind: Sql(select(table.c.project_id).where(table.c.id == bindparam("object"))) for kind, table in _TABLES.items()
}
_REVISE = {
    kind: Sql(
        update(table)
        .where(table.c.id == bindparam("object"))
        .values(revision_number=table.c.revision_number + 1, updated_at=bindparam("at"))
    )
    for kind, table in _TABLES.items()
    if "revision_number" in table.c
}
_COLUMN = {Action.SHARED: "shared", Action.EXTERNAL: "external"}
_MARK = {
    (kind, action): Sql(update(table).where(table.c.id == bindparam("object")).values({column: bindparam("is_open")}))
    for kind, table in _TABLES.items()
    for action, column in _COLUMN.items()
    if column in table.c
}
_MARK_SUBNETS = {
    action: Sql(
        update(tables.subnets)
        .where(tables.subnets.c.network_id == bindparam("object"))
        .values({column: bindparam("is_open")})
    )
    for action, column in _COLUMN.items()
}


def _entries(kind: ObjectType, action: Action) -> Any:
    """Whether an object of ``kind`` has the entries that its column for ``action`` tells of."""
    entry = (_R.object_id == _TABLES[kind].c.id) & (_R.action == literal_column(f"'{action}'"))
    return exists().where(entry if action is Action.EXTERNAL else entry & (_R.target_project == literal_column("'*'")))


_WRONG_MARKS = {
    (kind, action): Sql(
        select(_TABLES[kind].c.id, _TABLES[kind].c[_COLUMN[action]])
        .where((_TABLES[kind].c[_COLUMN[action]] == 1) != _entries(kind, action))
        .order_by(_TABLES[kind].c.id)
    )
    for kind, action in _MARK
}


def owner_of(tx: Tx, kind: ObjectType, object_id: str) -> str | None:
    """The project of an object; ``None``: there is no such object."""
    row = tx.one(_OWNER[kind], object=object_id)
    return None if row is None else str(row[0])


def follow(tx: Tx, entry: RbacPolicy, *, is_there: bool) -> None:
    """The object of an entry that came or went: a new revision, and its columns.

    ``shared`` says that everybody has it; ``external`` that a network is external to somebody.
    """
    if entry.object_type in _REVISE:
        tx.run(_REVISE[entry.object_type], object=entry.object_id, at=micros(tx.now))
    if entry.action is Action.EXTERNAL:
        is_there = bool(RBAC_POLICIES.where(tx, object_id=entry.object_id, action=entry.action.value))
    elif entry.target_project != EVERYBODY:
        return
    tx.run(_MARK[entry.object_type, entry.action], object=entry.object_id, is_open=int(is_there))
    if entry.object_type is ObjectType.NETWORK:
        tx.run(_MARK_SUBNETS[entry.action], object=entry.object_id, is_open=int(is_there))


def wrong_marks(tx: Tx) -> Iterator[tuple[ObjectType, str, str, bool]]:
    """(object type, column, id, what the column says) of each object of which a column and the entries disagree."""
    for (kind, action), sql in _WRONG_MARKS.items():
        for ident, is_marked in tx.all(sql):
            yield kind, _COLUMN[action], str(ident), bool(is_marked)


# --- who uses it ----------------------------------------------------------------------------------------------

_P, _N, _S, _SP = tables.ports.c, tables.networks.c, tables.subnets.c, tables.subnetpools.c
_MEMBERS = func.json_each(_P.security_group_ids).table_valued("value")
_OBJECT: Any = bindparam("object")
#: By object type, statements that give the projects whose objects use one.
_USERS = {
    ObjectType.NETWORK: (
        Sql(select(_P.project_id).where(_P.network_id == _OBJECT).distinct()),
        Sql(select(_S.project_id).where(_S.network_id == _OBJECT).distinct()),
    ),
    ObjectType.QOS_POLICY: (
        Sql(select(_P.project_id).where(_P.qos_policy_id == _OBJECT).distinct()),
        Sql(select(_N.project_id).where(_N.qos_policy_id == _OBJECT).distinct()),
    ),
    ObjectType.SUBNETPOOL: (Sql(select(_S.project_id).where(_S.subnetpool_id == _OBJECT).distinct()),),
    ObjectType.ADDRESS_SCOPE: (Sql(select(_SP.project_id).where(_SP.address_scope_id == _OBJECT).distinct()),),
    ObjectType.SECURITY_GROUP: (
        Sql(
            select(_P.project_id)
            .where(exists(select(_MEMBERS.c.value).where(_MEMBERS.c.value == _OBJECT).correlate(tables.ports)))
            .distinct()
        ),
    ),
}


def users_of(tx: Tx, kind: ObjectType, object_id: str) -> set[str]:
    """The projects that have something which uses the object."""
    return {str(project) for sql in _USERS[kind] for (project,) in tx.all(sql, object=object_id)}
