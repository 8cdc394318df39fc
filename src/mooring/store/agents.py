"""What an admin wrote about an agent: the one thing of it that is stored, for the rest follows from its host."""

from sqlalchemy import bindparam, delete, func, insert, select

from mooring.store import tables
from mooring.store.sql import Sql
from mooring.store.tx import Tx

_PREFIX = "agent-description:"
_C = tables.settings.c
_ALL = Sql(select(_C.name, _C.value).where(_C.name.startswith(_PREFIX)))
_FORGET = Sql(delete(tables.settings).where(_C.name == bindparam("key")))
_KEEP = Sql(insert(tables.settings).values(name=bindparam("key"), value=bindparam("text")))
_DEVICES = Sql(select(tables.claims.c.host, func.count()).group_by(tables.claims.c.host))


def descriptions(tx: Tx) -> dict[str, str]:
    """Agent id to its description, where there is one."""
    return {str(name).removeprefix(_PREFIX): str(text) for name, text in tx.all(_ALL)}


def describe(tx: Tx, agent_id: str, text: str | None) -> None:
    tx.run(_FORGET, key=_PREFIX + agent_id)
    if text is not None:
        tx.run(_KEEP, key=_PREFIX + agent_id, text=text)


def devices_in_use(tx: Tx) -> dict[str, int]:
    """Host name to how many of its functions have an owner."""
    return {str(host): int(str(count)) for host, count in tx.all(_DEVICES)}
