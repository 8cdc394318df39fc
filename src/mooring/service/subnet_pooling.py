"""Where a new subnet's CIDR comes from: the request, a pool that it names, or the default one."""

from collections.abc import Iterable
from dataclasses import replace

from mooring.core.addressing import parse_cidr
from mooring.core.subnets import SubnetWish
from mooring.errors import Invalid
from mooring.model.identity import Caller
from mooring.model.network import Subnet, SubnetPool
from mooring.service.subnetpools import check_subnet, cut_subnet, get_subnetpool, scope_affinity
from mooring.store.subnetpools import SUBNETPOOLS, default_pool
from mooring.store.tx import Tx


def pool_for(
    tx: Tx, who: Caller, wish: SubnetWish, pool_id: str | None, is_default_wanted: bool, prefixlen: int | None
) -> SubnetPool | None:
    """The pool that a new subnet is of; ``None`` when the request names its CIDR and no pool.

    Raises Invalid, in Neutron's words, for a request that says too little or too much, NotFound for the pool.
    """
    if wish.cidr is not None and prefixlen is not None:
        raise _bad_request("cidr and prefixlen must not be supplied together")
    if is_default_wanted and pool_id is not None:
        raise _bad_request("subnetpool_id and use_default_subnetpool cannot both be specified")
    if is_default_wanted:
        pool = default_pool(tx, wish.ip_version)
        if pool is None:
            raise _bad_request(f"No default subnetpool found for IPv{wish.ip_version}")
        return pool
    if pool_id is None:
        if wish.cidr is None:
            raise _bad_request("a subnetpool must be specified in the absence of a cidr")
        return None
    return get_subnetpool(tx, who, pool_id)


def _bad_request(reason: str) -> Invalid:
    return Invalid(f"Bad subnets request: {reason}.", code="BadRequest")


def from_pool(tx: Tx, pool: SubnetPool, project_id: str, wish: SubnetWish, prefixlen: int | None) -> SubnetWish:
    """The wish with a CIDR of the pool: the one that it names, or a free one."""
    if wish.ip_version != pool.ip_version:
        raise Invalid(
            f"Invalid input for operation: Cannot allocate IPv{wish.ip_version} subnet from IPv{pool.ip_version} "
            "subnet pool."
        )
    if wish.cidr is not None:
        check_subnet(tx, pool, project_id, parse_cidr(wish.cidr))
        return wish
    if wish.allocation_pools:
        raise _bad_request("allocation_pools allowed only for specific subnet requests")
    return replace(wish, cidr=cut_subnet(tx, pool, project_id, prefixlen))


def check_affinity(tx: Tx, ip_version: int, pool: SubnetPool | None, others: Iterable[Subnet]) -> None:
    """Raises Invalid unless a network's subnets of one IP version are of one pool, or of pools of one address scope."""
    pools = {
        subnet.subnetpool_id: None if subnet.subnetpool_id is None else SUBNETPOOLS.get(tx, subnet.subnetpool_id)
        for subnet in others
        if subnet.ip_version == ip_version
    }
    scope = next((each.address_scope_id for each in pools.values() if each is not None and each.address_scope_id), None)
    if scope is not None and pool is not None:
        if pool.address_scope_id != scope:
            raise scope_affinity()
    elif pools.keys() - {None if pool is None else pool.id}:
        raise Invalid(
            "Subnets hosted on the same network must be allocated from the same subnet pool.",
            code="NetworkSubnetPoolAffinityError",
        )
