"""Subnet pools: prefixes that subnets are cut from, without overlap and within a project's share."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mooring.core.addressing import Cidr
from mooring.core.prefixes import (
    PREFIX_BITS_MAX,
    Bounds,
    check_free,
    check_grown,
    check_length,
    compact,
    cut,
    overlapping,
    quota_units,
    settle_bounds,
    version_of,
)
from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.network import AddressScope, SubnetPool
from mooring.model.rbac import EVERYBODY, ObjectType
from mooring.service import quotas, sharing
from mooring.service.address_scopes import get_address_scope
from mooring.service.ownership import denied, is_mine, is_visible, scope_of
from mooring.service.world import World
from mooring.store import subnetpools
from mooring.store.rows import Query
from mooring.store.subnetpools import ADDRESS_SCOPES, SUBNETPOOLS
from mooring.store.tx import Event, Tx

_BOUNDS = ("min_prefixlen", "max_prefixlen", "default_prefixlen")


@dataclass(frozen=True, slots=True)
class PoolWish:
    """What ``POST /subnetpools`` asks for, checked for form by the API."""

    project_id: str
    name: str
    prefixes: tuple[str, ...]
    min_prefixlen: int | None = None
    max_prefixlen: int | None = None
    default_prefixlen: int | None = None
    default_quota: int | None = None
    address_scope_id: str | None = None
    shared: bool = False
    is_default: bool = False
    description: str = ""


def get_subnetpool(tx: Tx, who: Caller, pool_id: str) -> SubnetPool:
    """Raises NotFound for another project's too, unless it is shared with the caller's."""
    pool = SUBNETPOOLS.get(tx, pool_id)
    if pool is None or not (
        pool.shared or is_visible(who, pool.project_id) or sharing.is_open_to(tx, who, ObjectType.SUBNETPOOL, pool.id)
    ):
        raise NotFound("subnet_pool", pool_id)
    return pool


def list_subnetpools(tx: Tx, who: Caller, query: Query) -> list[SubnetPool]:
    return SUBNETPOOLS.find(tx, replace(query, visible_to=query.visible_to or scope_of(who)))


def create_subnetpool(tx: Tx, world: World, who: Caller, wish: PoolWish) -> SubnetPool:
    """Raises Invalid for prefixes and bounds that can never be, Conflict for an overlap within an address scope."""
    quotas.spend(tx, world, wish.project_id, "subnetpool")
    prefixes = compact(wish.prefixes)
    version = version_of(prefixes)
    bounds = settle_bounds(version, wish.min_prefixlen, wish.max_prefixlen, wish.default_prefixlen)
    pool = SubnetPool(
        world.ids.uuid(), wish.project_id, wish.name, version, prefixes, bounds.shortest, bounds.longest,
        bounds.default, tx.now, tx.now, wish.default_quota, wish.address_scope_id, wish.shared, wish.is_default,
        wish.description,
    )  # fmt: skip
    _check_only_default(tx, pool)
    _check_scope(tx, who, pool)
    SUBNETPOOLS.insert(tx, pool)
    if pool.shared:
        sharing.set_shared(tx, world, who, ObjectType.SUBNETPOOL, pool.id, pool.project_id, True)
    _tell(tx, who, "subnetpool.created", pool)
    return pool


def update_subnetpool(tx: Tx, _world: World, who: Caller, pool_id: str, changes: Mapping[str, Any]) -> SubnetPool:
    """Set fields of a pool; its prefixes only grow. Without a change nothing is written."""
    before = get_subnetpool(tx, who, pool_id)
    if not is_mine(who, before.project_id):
        raise denied("update_subnetpool")
    fields = dict(changes)
    if "prefixes" in fields:
        fields["prefixes"] = compact(fields["prefixes"])
        check_grown(before.prefixes, fields["prefixes"])
    after = replace(before, **fields)
    settle_bounds(after.ip_version, *(getattr(after, name) for name in _BOUNDS))
    if after == before:
        return before
    if after.is_default and not before.is_default:
        _check_only_default(tx, after)
    _check_scope_is_mine(tx, who, before)
    if (after.address_scope_id, after.prefixes) != (before.address_scope_id, before.prefixes):
        _check_scope(tx, who, after)
    after = replace(after, updated_at=tx.now, revision_number=before.revision_number + 1)
    SUBNETPOOLS.update(tx, after)
    _tell(tx, who, "subnetpool.updated", after)
    return after


def delete_subnetpool(tx: Tx, _world: World, who: Caller, pool_id: str) -> None:
    """Raises Invalid, ``SubnetPoolDeleteError``, while a subnet is of it: Neutron's 400."""
    pool = get_subnetpool(tx, who, pool_id)
    if not is_mine(who, pool.project_id):
        raise denied("delete_subnetpool")
    if subnetpools.is_used(tx, pool.id):
        raise Invalid(
            "Unable to delete subnet pool: Subnet pool has existing allocations.",
            code="SubnetPoolDeleteError",
            hint=f"delete its subnets first: openstack subnet list --subnet-pool {pool.id}",
        )
    SUBNETPOOLS.delete(tx, pool.id)
    sharing.forget(tx, pool.id)
    _tell(tx, who, "subnetpool.deleted", pool)


def _check_only_default(tx: Tx, pool: SubnetPool) -> None:
    if pool.is_default and subnetpools.default_pool(tx, pool.ip_version) is not None:
        raise Invalid(
            "Invalid input for operation: A default subnetpool for this IP family has already been set. Only one "
            "default may exist per IP family."
        )


def _check_scope(tx: Tx, who: Caller, pool: SubnetPool) -> None:
    """Whether a pool may be of its address scope: the caller sees it, versions agree, and no pool of it overlaps."""
    if pool.address_scope_id is None:
        return
    scope = get_address_scope(tx, who, pool.address_scope_id)
    if scope.ip_version != pool.ip_version:
        raise Invalid(
            f"Illegal subnetpool association: subnetpool {pool.id} cannot associate with address scope {scope.id} "
            f"because subnetpool ip_version is not {scope.ip_version}.",
            code="IllegalSubnetPoolIpVersionAssociationToAddressScope",
        )
    if subnetpools.has_neighbours(tx, pool):
        raise scope_affinity()
    for other in subnetpools.pools_of_scope(tx, scope.id):
        if other.id != pool.id and overlapping(other.prefixes, pool.prefixes):
            raise Conflict(
                "Failed to associate address scope: subnetpools within an address scope must have unique prefixes.",
                code="AddressScopePrefixConflict",
            )


def scope_affinity() -> Invalid:
    return Invalid(
        "Subnets of the same address family hosted on the same network must all participate in the same address scope.",
        code="NetworkAddressScopeAffinityError",
    )


def _check_scope_is_mine(tx: Tx, who: Caller, pool: SubnetPool) -> None:
    """A pool of somebody else's address scope is theirs to change, not its owner's."""
    scope = scope_of_pool(tx, pool)
    if scope is not None and not is_mine(who, scope.project_id):
        raise Invalid(
            f"Illegal subnetpool update : subnetpool {pool.id} cannot be updated when associated with shared address "
            f"scope {scope.id}.",
            code="IllegalSubnetPoolUpdate",
        )


def scope_of_pool(tx: Tx, pool: SubnetPool) -> AddressScope | None:
    return None if pool.address_scope_id is None else ADDRESS_SCOPES.get(tx, pool.address_scope_id)


def check_scope_reaches(tx: Tx, pool_id: str, target_project: str) -> None:
    """Raises Invalid for sharing a pool with a project that its address scope is not shared with."""
    pool = SUBNETPOOLS.get(tx, pool_id)
    scope_id = None if pool is None else pool.address_scope_id
    if scope_id is not None and not {target_project, EVERYBODY} & sharing.targets(tx, scope_id):
        raise Invalid(
            f"Failed to create RBAC policy on object {pool_id} because target project doesn't have access to "
            "associated address scope.",
            code="RbacPolicyInitError",
            hint=f"share address scope {scope_id} with the project first",
        )


def cut_subnet(tx: Tx, pool: SubnetPool, project_id: str, bits: int | None) -> str:
    """A free CIDR of a pool, of its default prefix length unless another is given."""
    bits = pool.default_prefixlen if bits is None else bits
    check_length(bits, _bounds(pool))
    taken = subnetpools.taken_of(tx, pool.id)
    # Any prefix of that length counts the same.
    _check_quota(pool, project_id, taken, f"{pool.prefixes[0].partition('/')[0]}/{bits}")
    return cut(pool.prefixes, [cidr for cidr, _ in taken], bits)


def check_subnet(tx: Tx, pool: SubnetPool, project_id: str, cidr: Cidr) -> None:
    """Raises Invalid and Conflict unless a subnet that names its CIDR may have it out of the pool."""
    check_length(cidr.prefixlen, _bounds(pool))
    taken = subnetpools.taken_of(tx, pool.id)
    _check_quota(pool, project_id, taken, str(cidr))
    check_free(pool.prefixes, [each for each, _ in taken], cidr)


def _bounds(pool: SubnetPool) -> Bounds:
    return Bounds(pool.min_prefixlen, min(pool.max_prefixlen, PREFIX_BITS_MAX[pool.ip_version]), pool.default_prefixlen)


def _check_quota(pool: SubnetPool, project_id: str, taken: list[tuple[str, str]], cidr: str) -> None:
    if not pool.default_quota:
        return
    used = sum((quota_units(each) for each, owner in taken if owner == project_id), start=quota_units(cidr))
    if used > pool.default_quota:
        raise Conflict(
            "Per-project subnet pool prefix quota exceeded.",
            code="SubnetPoolQuotaExceeded",
            hint=f"it would be {float(used):g} of {pool.default_quota}",
        )


def _tell(tx: Tx, who: Caller, kind: str, pool: SubnetPool) -> None:
    tx.tell(Event(kind, pool.id, pool.project_id, None, who.user_id, who.request_id, {"name": pool.name}))
