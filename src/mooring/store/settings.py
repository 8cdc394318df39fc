"""What the controller was last started with and has to compare: one row a name."""

from sqlalchemy import bindparam, delete, insert, select

from mooring.store import tables
from mooring.store.sql import Sql
from mooring.store.tx import Tx

_C = tables.settings.c
_READ = Sql(select(_C.value).where(_C.name == bindparam("key")))
_FORGET = Sql(delete(tables.settings).where(_C.name == bindparam("key")))
_KEEP = Sql(insert(tables.settings).values(name=bindparam("key"), value=bindparam("text")))


def read_setting(tx: Tx, name: str) -> str | None:
    row = tx.one(_READ, key=name)
    return None if row is None else str(row[0])


def write_setting(tx: Tx, name: str, text: str) -> None:
    tx.run(_FORGET, key=name)
    tx.run(_KEEP, key=name, text=text)
