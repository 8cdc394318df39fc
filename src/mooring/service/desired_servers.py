"""The servers that one host should run, with all that their guests are to be told of themselves.

Everything but user data is read in as many statements as there are networks and images on the host, however many
servers use them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mooring.model.desired import DesiredImage, DesiredInterface, DesiredServer, InterfaceAddress, Route
from mooring.model.host import Host
from mooring.model.network import Subnet
from mooring.model.pci import PciAddress
from mooring.model.port import FUNCTION_VNIC_TYPES, Port, VifType
from mooring.model.request import Claim
from mooring.model.server import Server, ServerStatus
from mooring.service.server_ports import ports_of
from mooring.store.images import IMAGES
from mooring.store.networks import NETWORKS, subnets_of
from mooring.store.servers import SERVERS
from mooring.store.tx import Tx

_MTU = 1500
_DISK_FORMAT = "qcow2"


@dataclass(frozen=True, slots=True)
class _Net:
    """What interfaces need of a network."""

    mtu: int
    subnets: Mapping[str, Subnet]


@dataclass(slots=True)
class _Books:
    """What was read already, in one transaction."""

    tx: Tx
    networks: dict[str, _Net] = field(default_factory=dict)
    images: dict[str, DesiredImage] = field(default_factory=dict)

    def network(self, network_id: str) -> _Net:
        if network_id not in self.networks:
            network = NETWORKS.get(self.tx, network_id)
            subnets = {subnet.id: subnet for subnet in subnets_of(self.tx, network_id)}
            self.networks[network_id] = _Net(network.mtu if network else _MTU, subnets)
        return self.networks[network_id]

    def image(self, image_id: str) -> DesiredImage:
        if image_id not in self.images:
            image = IMAGES.get(self.tx, image_id)
            self.images[image_id] = DesiredImage(image_id, image.disk_format if image else _DISK_FORMAT)
        return self.images[image_id]


def servers_of(
    tx: Tx, host: Host, claimed: Mapping[str, Claim], passed_through: Mapping[str, tuple[PciAddress, ...]]
) -> Iterable[DesiredServer]:
    """The host's servers. ``claimed`` are the claims by port id whose functions are plugged in, or to be.

    ``passed_through`` are, by server id, the functions that are its guest's without being of a port.
    """
    books = _Books(tx)
    servers = SERVERS.where(tx, host=host.name)
    ports = ports_of(tx, [server.id for server in servers])
    for server in servers:
        is_wanted = server.status is not ServerStatus.DELETING
        interfaces = [
            _interface(port, claimed.get(port.id), books.network(port.network_id))
            for port in (ports.get(server.id, []) if is_wanted else [])
            if _is_plugged(port, claimed)
        ]
        wanted = _server(server, host, is_wanted, interfaces, books)
        yield replace(wanted, passthrough=passed_through.get(server.id, ())) if is_wanted else wanted


def _is_plugged(port: Port, claimed: Mapping[str, Claim]) -> bool:
    """A port whose function is on its way back, or gone, is still bound, and no longer the guest's."""
    return port.binding.is_bound and (port.id in claimed or port.binding.vnic_type not in FUNCTION_VNIC_TYPES)


def _server(
    server: Server, host: Host, is_wanted: bool, interfaces: Iterable[DesiredInterface], books: _Books
) -> DesiredServer:
    flavor = server.flavor
    if not is_wanted:
        return DesiredServer(server.id, server.name, server.generation, False, flavor.vcpus, flavor.ram_mib)
    return DesiredServer(
        server.id, server.name, server.generation, True, flavor.vcpus, flavor.ram_mib, flavor.disk_gib,
        books.image(server.image_id) if server.image_id is not None else None, tuple(interfaces),
        project_id=server.project_id, availability_zone=host.availability_zone, metadata=server.metadata,
        user_data=server.user_data, launch_index=server.launch_index, numa_nodes=server.numa_nodes,
    )  # fmt: skip


def _interface(port: Port, claim: Claim | None, network: _Net) -> DesiredInterface:
    details = port.binding.vif_details
    bridge = _text(details, "bridge_name")
    profile_id = str(details["profileid"]) if port.binding.vif_type == VifType.QBH else None
    return DesiredInterface(
        port.id, port.mac_address, port.binding.vnic_type.value, port.binding.vif_type,
        claim.address if claim else None, int(str(details.get("vlan") or 0)), bridge, profile_id, network.mtu,
        port.network_id, tuple(_addresses(port, network.subnets)), port.device_tag,
        source=_text(details, "macvtap_source"), parent=_text(details, "physical_interface"),
    )  # fmt: skip


def _text(details: Mapping[str, object], key: str) -> str | None:
    value = details.get(key)
    return None if value is None else str(value)


def _addresses(port: Port, subnets: Mapping[str, Subnet]) -> Iterable[InterfaceAddress]:
    for fixed in port.fixed_ips:
        subnet = subnets.get(fixed.subnet_id)
        if subnet is not None:
            routes = tuple(Route(route.destination, route.nexthop) for route in subnet.host_routes)
            yield InterfaceAddress(fixed.ip_address, subnet.cidr, subnet.gateway_ip, subnet.dns_nameservers, routes)
