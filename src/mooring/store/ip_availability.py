"""How many addresses of subnets are taken, and how many of their pools are free: two reads for many networks."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import bindparam, func, select

from mooring.model.network import Subnet
from mooring.store import tables
from mooring.store.networks import SUBNETS
from mooring.store.sql import Sql
from mooring.store.tx import Tx

_S, _A, _F, _N = tables.subnets.c, tables.ip_allocations.c, tables.free_ranges.c, tables.networks.c
_WANTED = select(func.json_each(bindparam("wanted")).table_valued("value").c.value)
_SUBNETS = Sql(select(*SUBNETS.columns).where(_S.network_id.in_(_WANTED)).order_by(_S.created_at, _S.id))
_TAKEN = Sql(select(_A.subnet_id, func.count()).where(_A.subnet_id.in_(_WANTED)).group_by(_A.subnet_id))
_FREE = Sql(select(_F.subnet_id, _F.first, _F.last).where(_F.subnet_id.in_(_WANTED)))
_WITH_VERSION = Sql(select(_S.network_id).where(_S.ip_version.in_(_WANTED)).distinct())


def _array(values: Iterable[object]) -> str:
    return msgspec.json.encode(list(values)).decode()


def subnets_of_networks(tx: Tx, network_ids: Iterable[str]) -> dict[str, list[Subnet]]:
    """Network id to its subnets, oldest first."""
    found: dict[str, list[Subnet]] = {}
    for row in tx.all(_SUBNETS, wanted=_array(network_ids)):
        subnet = SUBNETS.value(row)
        found.setdefault(subnet.network_id, []).append(subnet)
    return found


def taken_counts(tx: Tx, subnet_ids: Iterable[str]) -> dict[str, int]:
    """Subnet id to how many of its addresses ports have, in its pools or not."""
    return {str(ident): int(str(count)) for ident, count in tx.all(_TAKEN, wanted=_array(subnet_ids))}


def free_counts(tx: Tx, subnet_ids: Iterable[str]) -> dict[str, int]:
    """Subnet id to how many addresses of its pools nobody has."""
    found: dict[str, int] = {}
    for ident, first, last in tx.all(_FREE, wanted=_array(subnet_ids)):
        found[str(ident)] = found.get(str(ident), 0) + int(str(last), 16) - int(str(first), 16) + 1
    return found


def networks_with_version(tx: Tx, ip_versions: Iterable[int]) -> set[str]:
    """The ids of the networks that have a subnet of one of these IP versions."""
    return {str(network_id) for (network_id,) in tx.all(_WITH_VERSION, wanted=_array(ip_versions))}
