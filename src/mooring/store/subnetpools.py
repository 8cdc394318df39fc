"""Subnet pools and address scopes: rows, and what was cut out of a pool."""

from sqlalchemy import bindparam, select

from mooring.model.network import AddressScope, SubnetPool
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.sql import Sql
from mooring.store.tx import Tx

SUBNETPOOLS = Records(tables.subnetpools, SubnetPool)
ADDRESS_SCOPES = Records(tables.address_scopes, AddressScope)

_L, _S = tables.subnetpools.c, tables.subnets.c
_TAKEN = Sql(select(_S.cidr, _S.project_id).where(_S.subnetpool_id == bindparam("pool")))
_IS_USED = Sql(select(_S.id).where(_S.subnetpool_id == bindparam("pool")).limit(1))
_OF_SCOPE = Sql(select(*SUBNETPOOLS.columns).where(_L.address_scope_id == bindparam("scope")).order_by(_L.id))
_DEFAULT = Sql(
    select(*SUBNETPOOLS.columns)
    .where(_L.is_default == 1, _L.ip_version == bindparam("version"))
    .order_by(_L.id)
    .limit(1)
)
_NEIGHBOURS = Sql(
    select(_S.id)
    .where(
        _S.network_id.in_(select(_S.network_id).where(_S.subnetpool_id == bindparam("pool"))),
        _S.ip_version == bindparam("version"),
        _S.subnetpool_id.is_distinct_from(bindparam("pool")),
    )
    .limit(1)
)


def taken_of(tx: Tx, pool_id: str) -> list[tuple[str, str]]:
    """(CIDR, project id) of every subnet that was cut out of a pool."""
    return [(str(cidr), str(project_id)) for cidr, project_id in tx.all(_TAKEN, pool=pool_id)]


def is_used(tx: Tx, pool_id: str) -> bool:
    return tx.one(_IS_USED, pool=pool_id) is not None


def pools_of_scope(tx: Tx, scope_id: str) -> list[SubnetPool]:
    return [SUBNETPOOLS.value(row) for row in tx.all(_OF_SCOPE, scope=scope_id)]


def default_pool(tx: Tx, ip_version: int) -> SubnetPool | None:
    """The pool that everybody's subnets of this IP version may come from."""
    row = tx.one(_DEFAULT, version=ip_version)
    return None if row is None else SUBNETPOOLS.value(row)


def has_neighbours(tx: Tx, pool: SubnetPool) -> bool:
    """Whether a network has subnets of the pool and, of the same IP version, subnets that are not of it."""
    return tx.one(_NEIGHBOURS, pool=pool.id, version=pool.ip_version) is not None
