"""Claims: who owns which function. The primary key is the device, so that there is one owner or none."""

from sqlalchemy import func, select

from mooring.model.request import Claim
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.sql import Sql
from mooring.store.tx import Tx

CLAIMS = Records(tables.claims, Claim, key="device_id")
_COUNT = Sql(select(func.count()).select_from(tables.claims))


def of_server(tx: Tx, server_id: str) -> list[Claim]:
    return CLAIMS.where(tx, server_id=server_id)


def of_port(tx: Tx, port_id: str) -> Claim | None:
    return CLAIMS.first(tx, port_id=port_id)


def of_host(tx: Tx, host: str) -> list[Claim]:
    return CLAIMS.where(tx, host=host)


def count(tx: Tx) -> int:
    row = tx.one(_COUNT)
    return int(str(row[0])) if row else 0
