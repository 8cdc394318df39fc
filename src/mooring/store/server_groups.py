"""Server groups: rows. Their members are the servers that name them."""

from collections.abc import Collection, Mapping

from sqlalchemy import bindparam, func, null, select, update

from mooring.model.server import ServerGroup
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.sql import Sql
from mooring.store.tx import Tx

SERVER_GROUPS = Records(tables.server_groups, ServerGroup)
_S = tables.servers.c
_G = tables.server_groups.c
_COUNT = Sql(select(func.count()).where(_G.project_id == bindparam("project_id")))
_SIZE = Sql(select(func.count()).where(_S.server_group_id == bindparam("group_id")))
_MEMBERS = Sql(select(_S.server_group_id, _S.id).where(_S.server_group_id.is_not(None)).order_by(_S.id))
_MEMBERS_OF_ONE = Sql(
    select(_S.server_group_id, _S.id).where(_S.server_group_id == bindparam("group_id")).order_by(_S.id)
)
_HOSTS = Sql(
    select(_S.host, func.count())
    .where(_S.server_group_id == bindparam("group_id"), _S.host.is_not(None))
    .group_by(_S.host)
)
_LET_GO = Sql(update(tables.servers).where(_S.server_group_id == bindparam("group_id")).values(server_group_id=null()))


def count(tx: Tx, project_id: str) -> int:
    """How many server groups a project has."""
    return _number(tx, _COUNT, project_id=project_id)


def size(tx: Tx, group_id: str) -> int:
    """How many members a server group has."""
    return _number(tx, _SIZE, group_id=group_id)


def members(tx: Tx, group_ids: Collection[str]) -> Mapping[str, list[str]]:
    """Group id to the ids of its servers, sorted; one statement, whether for one group or for many."""
    found: dict[str, list[str]] = {group_id: [] for group_id in group_ids}
    one = next(iter(found)) if len(found) == 1 else None
    rows = tx.all(_MEMBERS) if one is None else tx.all(_MEMBERS_OF_ONE, group_id=one)
    for group_id, server_id in rows:
        if group_id in found:
            found[str(group_id)].append(str(server_id))
    return found


def hosts_of(tx: Tx, group_id: str) -> Mapping[str, int]:
    """Host to how many servers of the group are on it."""
    return {str(host): int(str(number)) for host, number in tx.all(_HOSTS, group_id=group_id)}


def let_go(tx: Tx, group_id: str) -> None:
    """Take every member out of the group."""
    tx.run(_LET_GO, group_id=group_id)


def _number(tx: Tx, sql: Sql, **params: object) -> int:
    row = tx.one(sql, **params)
    return 0 if row is None else int(str(row[0]))
