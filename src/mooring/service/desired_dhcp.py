"""The DHCP servers that one host should run, derived from their ports and from all ports on their networks."""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_network

from mooring.model.desired import DesiredDhcp, DhcpHost, DhcpSubnet, Route
from mooring.model.host import Host
from mooring.model.network import Subnet
from mooring.model.port import Port
from mooring.store import dhcp
from mooring.store.networks import NETWORKS, SEGMENTS, subnets_of
from mooring.store.ports import PORTS
from mooring.store.tx import Tx


def dhcp_of(tx: Tx, host: Host) -> Iterable[DesiredDhcp]:
    """By network. Costs nothing of a host that has nothing to do with DHCP."""
    if not host.dhcp_interfaces:
        return
    for port in dhcp.ports_on(tx, host.name):
        network = NETWORKS.get(tx, port.network_id)
        segment = SEGMENTS.get(tx, port.binding.segment_id or "")
        subnets = {subnet.id: subnet for subnet in subnets_of(tx, port.network_id) if subnet.enable_dhcp}
        if network is not None and segment is not None and subnets:
            yield DesiredDhcp(
                network.id, segment.physical_network, segment.segmentation_id or 0, network.mtu, port.id,
                port.mac_address, addresses_of(port, subnets), tuple(map(_subnet, subnets.values())),
                tuple(_hosts(PORTS.where(tx, network_id=network.id), subnets)),
            )  # fmt: skip


def addresses_of(port: Port, subnets: Mapping[str, Subnet]) -> tuple[str, ...]:
    """Those of its addresses that are of ``subnets``, each with its subnet's prefix length."""
    return tuple(
        f"{fixed.ip_address}/{ip_network(subnets[fixed.subnet_id].cidr).prefixlen}"
        for fixed in port.fixed_ips
        if fixed.subnet_id in subnets
    )


def _subnet(subnet: Subnet) -> DhcpSubnet:
    routes = tuple(Route(route.destination, route.nexthop) for route in subnet.host_routes)
    return DhcpSubnet(
        subnet.id, subnet.cidr, subnet.gateway_ip, subnet.dns_nameservers, routes, subnet.ipv6_ra_mode,
        subnet.ipv6_address_mode,
    )  # fmt: skip


def _hosts(on_network: Sequence[Port], subnets: Mapping[str, Subnet]) -> Iterable[DhcpHost]:
    """Everybody with an address but the servers themselves."""
    for port in on_network:
        addresses = tuple(fixed.ip_address for fixed in port.fixed_ips if fixed.subnet_id in subnets)
        if addresses and port.device_owner != dhcp.DEVICE_OWNER:
            yield DhcpHost(port.id, port.mac_address, addresses, port.extra_dhcp_opts)
