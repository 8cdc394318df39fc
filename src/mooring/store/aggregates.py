"""Host aggregates: rows."""

from collections.abc import Collection

from sqlalchemy import bindparam, insert

from mooring.model.host import Aggregate
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.sql import Sql
from mooring.store.tx import Tx

AGGREGATES = Records(tables.aggregates, Aggregate)
_COLUMNS = [column.name for column in tables.aggregates.c if column.name != "id"]
_INSERT = Sql(insert(tables.aggregates).values({name: bindparam(name) for name in _COLUMNS}))


def insert_next(tx: Tx, aggregate: Aggregate) -> Aggregate:
    """Store it under the next number, which is in what is returned. Raises Taken on a taken name."""
    flat = AGGREGATES.flat(aggregate)
    tx.run(_INSERT, **{name: flat[name] for name in _COLUMNS})
    stored = AGGREGATES.first(tx, uuid=aggregate.uuid)
    if stored is None:
        raise LookupError(f"aggregate {aggregate.uuid} is not where it was stored")
    return stored


def of_hosts(tx: Tx, hosts: Collection[str]) -> list[Aggregate]:
    """The aggregates that any of these hosts is in, by number."""
    return [aggregate for aggregate in AGGREGATES.where(tx) if not set(hosts).isdisjoint(aggregate.hosts)]
