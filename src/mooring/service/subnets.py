"""Subnets: planned, opened for allocation, and closed again when no port has an address of theirs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mooring.core.addressing import eui64_address, is_auto_address, parse_cidr
from mooring.core.mtu import check_mtu
from mooring.core.subnets import (
    SubnetWish,
    check_cidr,
    check_dhcp,
    check_gateway,
    check_ipv6_modes,
    check_pools,
    plan_subnet,
)
from mooring.errors import Conflict, NotFound
from mooring.model.identity import Caller
from mooring.model.network import HostRoute, Network, Subnet
from mooring.model.port import FixedIp, Port
from mooring.model.rbac import ObjectType
from mooring.service import dhcp, quotas, sharing
from mooring.service.ml2_hooks import subnet_changed
from mooring.service.networks import get_network
from mooring.service.ownership import denied, is_mine, is_visible, scope_of
from mooring.service.port_addresses import open_pools, release
from mooring.service.subnet_pooling import check_affinity, from_pool, pool_for
from mooring.service.subnet_segments import check_new_segment, check_segment_change
from mooring.service.world import World
from mooring.store import addresses, networks
from mooring.store.networks import NETWORKS, SUBNETS
from mooring.store.ports import PORTS
from mooring.store.rows import Query
from mooring.store.tx import Event, Tx


@dataclass(frozen=True, slots=True)
class NewSubnet:
    """What ``POST /subnets`` asks for, checked for form by the API."""

    project_id: str
    wish: SubnetWish
    name: str = ""
    description: str = ""
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    service_types: tuple[str, ...] = ()
    subnetpool_id: str | None = None
    use_default_subnetpool: bool = False
    prefixlen: int | None = None
    """Of the CIDR that the pool is to give; ``None`` is the pool's default."""
    segment_id: str | None = None


def get_subnet(tx: Tx, who: Caller, subnet_id: str) -> Subnet:
    """Raises NotFound for another project's subnet too, unless its network is shared."""
    subnet = SUBNETS.get(tx, subnet_id)
    if subnet is None or not (is_visible(who, subnet.project_id) or _is_shared(tx, who, subnet.network_id)):
        raise NotFound("subnet", subnet_id)
    return subnet


def _is_shared(tx: Tx, who: Caller, network_id: str) -> bool:
    """Whether the network is everybody's, the caller's project's by an RBAC policy, or its own."""
    network = NETWORKS.get(tx, network_id)
    return network is not None and (
        network.shared
        or is_visible(who, network.project_id)
        or sharing.is_shared_with(tx, who, ObjectType.NETWORK, network.id)
    )


def list_subnets(tx: Tx, who: Caller, query: Query) -> list[Subnet]:
    """The caller's own subnets and those of shared networks; all for the privileged."""
    return SUBNETS.find(tx, replace(query, visible_to=query.visible_to or scope_of(who)))


def create_subnet(tx: Tx, world: World, who: Caller, new: NewSubnet) -> Subnet:
    """Plan and store a subnet; its network gets a new revision.

    Ports that are there get their address of a subnet on which guests make their own. Raises Invalid and Conflict
    with Neutron's codes, NotFound for the network, Forbidden when it is only shared with the caller.
    """
    pool = pool_for(tx, who, new.wish, new.subnetpool_id, new.use_default_subnetpool, new.prefixlen)
    network = get_network(tx, who, new.wish.network_id)
    if not is_mine(who, network.project_id):
        raise denied("create_subnet")
    quotas.spend(tx, world, new.project_id, "subnet")
    wish = new.wish if pool is None else from_pool(tx, pool, new.project_id, new.wish, new.prefixlen)
    plan = plan_subnet(wish)
    others = networks.subnets_of(tx, network.id)
    check_cidr(parse_cidr(plan.cidr), wish.ip_version, network.id, [subnet.cidr for subnet in others])
    check_affinity(tx, wish.ip_version, pool, others)
    check_new_segment(tx, network.id, new.segment_id, others)
    check_mtu(network.id, network.mtu, wish.ip_version)
    subnet = Subnet(
        world.ids.uuid(), network.id, new.project_id, new.name, wish.ip_version, plan.cidr, tx.now, tx.now,
        plan.gateway_ip, wish.enable_dhcp, plan.allocation_pools, new.dns_nameservers, new.host_routes,
        wish.ipv6_ra_mode, wish.ipv6_address_mode, new.service_types, new.description,
        subnetpool_id=None if pool is None else pool.id, segment_id=new.segment_id,
    )  # fmt: skip
    SUBNETS.insert(tx, subnet, shared=int(network.shared), external=int(network.external))
    open_pools(tx, subnet)
    networks.touch(tx, network.id)
    if is_auto_address(subnet):
        _announce(tx, who, network, subnet)
    subnet_changed(tx, world, who, None, subnet)
    dhcp.network_touched(tx, world, who, network.id)
    _tell(tx, who, "subnet.created", subnet)
    return subnet


def _announce(tx: Tx, who: Caller, network: Network, subnet: Subnet) -> None:
    """Guests make an address of this subnet for themselves as soon as it is there: so their ports have it."""
    for port in PORTS.where(tx, network_id=network.id):
        own = FixedIp(subnet.id, eui64_address(subnet.cidr, port.mac_address))
        _readdress(tx, who, port, (*port.fixed_ips, own))
        addresses.allocate(tx, subnet.id, own.ip_address, port.id)


def _readdress(tx: Tx, who: Caller, port: Port, fixed_ips: tuple[FixedIp, ...]) -> None:
    after = replace(port, fixed_ips=fixed_ips, updated_at=tx.now, revision_number=port.revision_number + 1)
    tx.followed.append((port, PORTS.update(tx, after)))
    detail = {"changes": ["fixed_ips"]}
    tx.tell(Event("port.updated", port.id, port.project_id, None, who.user_id, who.request_id, detail))


def update_subnet(tx: Tx, world: World, who: Caller, subnet_id: str, changes: Mapping[str, Any]) -> Subnet:
    """Set fields of a subnet; new pools leave out what ports have. Without a change nothing is written."""
    before = get_subnet(tx, who, subnet_id)
    _check_owner(tx, who, before, "update_subnet")
    cidr = parse_cidr(before.cidr)
    fields = dict(changes)
    if fields.get("gateway_ip") is not None:
        fields["gateway_ip"] = _free_gateway(tx, before, check_gateway(cidr, fields["gateway_ip"]))
    if "allocation_pools" in fields or "gateway_ip" in fields:
        pools = fields.get("allocation_pools", before.allocation_pools)
        fields["allocation_pools"] = check_pools(cidr, pools, fields.get("gateway_ip", before.gateway_ip))
    after = replace(before, **fields)
    if after == before:
        return before
    if after.segment_id != before.segment_id:
        others = [subnet for subnet in networks.subnets_of(tx, before.network_id) if subnet.id != before.id]
        check_segment_change(tx, before, after.segment_id, others)
    if after.enable_dhcp:
        check_dhcp(cidr)
    check_ipv6_modes(cidr, after.enable_dhcp, after.ipv6_ra_mode, after.ipv6_address_mode)
    after = replace(after, updated_at=tx.now, revision_number=before.revision_number + 1)
    SUBNETS.update(tx, after)
    if after.allocation_pools != before.allocation_pools:
        open_pools(tx, after)
    subnet_changed(tx, world, who, before, after)
    dhcp.network_touched(tx, world, who, after.network_id)
    _tell(tx, who, "subnet.updated", after)
    return after


def _free_gateway(tx: Tx, subnet: Subnet, gateway_ip: str) -> str:
    if gateway_ip != subnet.gateway_ip and addresses.is_allocated(tx, subnet.id, gateway_ip):
        raise Conflict(
            f"Unable to complete operation for network {subnet.network_id}. The IP address {gateway_ip} is in use.",
            code="IpAddressInUse",
        )
    return gateway_ip


def delete_subnet(tx: Tx, world: World, who: Caller, subnet_id: str) -> None:
    """Delete a subnet; its network gets a new revision.

    Addresses that guests made for themselves, and those of DHCP servers, go with it. Raises Conflict while a port has
    another address of it.
    """
    subnet = get_subnet(tx, who, subnet_id)
    _check_owner(tx, who, subnet, "delete_subnet")
    dhcp.leave_subnet(tx, who, subnet.id)
    used_by = addresses.ports_with_addresses(tx, subnet.id)
    if used_by and not is_auto_address(subnet):
        raise Conflict(
            f"Unable to complete operation on subnet {subnet.id}: One or more ports have an IP allocation from this "
            "subnet.",
            code="SubnetInUse",
        )
    for port_id in sorted(used_by):
        _withdraw(tx, who, subnet, port_id)
    subnet_changed(tx, world, who, subnet, None)
    SUBNETS.delete(tx, subnet.id)
    networks.touch(tx, subnet.network_id)
    dhcp.network_touched(tx, world, who, subnet.network_id)
    _tell(tx, who, "subnet.deleted", subnet)


def _withdraw(tx: Tx, who: Caller, subnet: Subnet, port_id: str) -> None:
    port = PORTS.get(tx, port_id)
    if port is None:
        return
    gone = [fixed for fixed in port.fixed_ips if fixed.subnet_id == subnet.id]
    release(tx, [subnet], gone)
    _readdress(tx, who, port, tuple(fixed for fixed in port.fixed_ips if fixed not in gone))


def _check_owner(tx: Tx, who: Caller, subnet: Subnet, rule: str) -> None:
    """A subnet is its project's, and its network's owner's."""
    if is_mine(who, subnet.project_id):
        return
    network = NETWORKS.get(tx, subnet.network_id)
    if network is None or not is_mine(who, network.project_id):
        raise denied(rule)


def _tell(tx: Tx, who: Caller, kind: str, subnet: Subnet) -> None:
    detail = {"network": subnet.network_id, "cidr": subnet.cidr}
    tx.tell(Event(kind, subnet.id, subnet.project_id, None, who.user_id, who.request_id, detail))
