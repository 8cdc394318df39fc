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
from mooring.service.networks import get_network
from mooring.service.ownership import denied, is_mine, is_visible, scope_of
from mooring.service.port_addresses import open_pools, release
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


def get_subnet(tx: Tx, who: Caller, subnet_id: str) -> Subnet:
    """Raises NotFound for another project's subnet too, unless its network is shared."""
    subnet = SUBNETS.get(tx, subnet_id)
    if subnet is not None and not is_visible(who, subnet.project_id):
        network = NETWORKS.get(tx, subnet.network_id)
        subnet = subnet if network is not None and network.shared else None
    if subnet is None:
        raise NotFound("subnet", subnet_id)
    return subnet


def list_subnets(tx: Tx, who: Caller, query: Query) -> list[Subnet]:
    """The caller's own subnets and those of shared networks; all for the privileged."""
    return SUBNETS.find(tx, replace(query, visible_to=query.visible_to or scope_of(who)))


def create_subnet(tx: Tx, world: World, who: Caller, new: NewSubnet) -> Subnet:
    """Plan and store a subnet; its network gets a new revision.

    Ports that are there get their address of a subnet on which guests make their own. Raises Invalid and Conflict
    with Neutron's codes, NotFound for the network, Forbidden when it is only shared with the caller.
    """
    network = get_network(tx, who, new.wish.network_id)
    if not is_mine(who, network.project_id):
        raise denied("create_subnet")
    plan = plan_subnet(new.wish)
    others = [subnet.cidr for subnet in networks.subnets_of(tx, network.id)]
    check_cidr(parse_cidr(plan.cidr), new.wish.ip_version, network.id, others)
    check_mtu(network.id, network.mtu, new.wish.ip_version)
    subnet = Subnet(
        world.ids.uuid(), network.id, new.project_id, new.name, new.wish.ip_version, plan.cidr, tx.now, tx.now,
        plan.gateway_ip, new.wish.enable_dhcp, plan.allocation_pools, new.dns_nameservers, new.host_routes,
        new.wish.ipv6_ra_mode, new.wish.ipv6_address_mode, new.service_types, new.description,
    )  # fmt: skip
    SUBNETS.insert(tx, subnet, shared=int(network.shared), external=int(network.external))
    open_pools(tx, subnet)
    networks.touch(tx, network.id)
    if is_auto_address(subnet):
        _announce(tx, who, network, subnet)
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
    PORTS.update(tx, after)
    detail = {"changes": ["fixed_ips"]}
    tx.tell(Event("port.updated", port.id, port.project_id, None, who.user_id, who.request_id, detail))


def update_subnet(tx: Tx, who: Caller, subnet_id: str, changes: Mapping[str, Any]) -> Subnet:
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
    if after.enable_dhcp:
        check_dhcp(cidr)
    check_ipv6_modes(cidr, after.enable_dhcp, after.ipv6_ra_mode, after.ipv6_address_mode)
    after = replace(after, updated_at=tx.now, revision_number=before.revision_number + 1)
    SUBNETS.update(tx, after)
    if after.allocation_pools != before.allocation_pools:
        open_pools(tx, after)
    _tell(tx, who, "subnet.updated", after)
    return after


def _free_gateway(tx: Tx, subnet: Subnet, gateway_ip: str) -> str:
    if gateway_ip != subnet.gateway_ip and addresses.is_allocated(tx, subnet.id, gateway_ip):
        raise Conflict(
            f"Unable to complete operation for network {subnet.network_id}. The IP address {gateway_ip} is in use.",
            code="IpAddressInUse",
        )
    return gateway_ip


def delete_subnet(tx: Tx, who: Caller, subnet_id: str) -> None:
    """Delete a subnet; its network gets a new revision.

    Addresses that guests made for themselves go with it. Raises Conflict while a port has another address of it.
    """
    subnet = get_subnet(tx, who, subnet_id)
    _check_owner(tx, who, subnet, "delete_subnet")
    used_by = addresses.ports_with_addresses(tx, subnet.id)
    if used_by and not is_auto_address(subnet):
        raise Conflict(
            f"Unable to complete operation on subnet {subnet.id}: One or more ports have an IP allocation from this "
            "subnet.",
            code="SubnetInUse",
        )
    for port_id in sorted(used_by):
        _withdraw(tx, who, subnet, port_id)
    SUBNETS.delete(tx, subnet.id)
    networks.touch(tx, subnet.network_id)
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
