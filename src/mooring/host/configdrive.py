"""The config drive: what a guest without DHCP and without a metadata service reads about itself at its first boot.

An iso9660 file system labelled ``config-2`` with OpenStack's layout, which cloud-init, cloudbase-init and Ignition
know. What is in it is pure and made from the desired server; one program writes it.
"""

import base64
import binascii
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Interface, IPv6Interface, ip_interface, ip_network
from pathlib import Path

from mooring.core.hostnames import hostname
from mooring.errors import Invalid
from mooring.host.programs import SEARCH_PATH, Program, run
from mooring.model.desired import DesiredInterface, DesiredServer, InterfaceAddress
from mooring.model.port import VifType, VnicType

LABEL = "config-2"
#: All three take the options that are given here; xorriso's is the one that is still looked after.
MAKE_ISO = Program(("xorrisofs", "genisoimage", "mkisofs"), ("xorriso", "genisoimage"))
#: The newest layout that all readers know, and the name for "the newest".
VERSIONS = ("2018-08-27", "latest")

#: The vif types that Nova shows to guests by their own names; all others are ``phy``, a nic like any other.
_SHOWN_VIF_TYPES = frozenset({VifType.BRIDGE, VifType.HW_VEB, VifType.OVS})
_LINK_ID_CHARS = 14


def content(server: DesiredServer) -> Mapping[str, bytes]:
    """Path below the drive's root to file content. Raises Invalid for user data or an address that is none."""
    files = {
        "meta_data.json": _json(meta_data(server)),
        "network_data.json": _json(network_data(server.interfaces)),
        "vendor_data.json": _json({}),
    }
    if server.user_data is not None:
        try:
            files["user_data"] = base64.b64decode(server.user_data, validate=False)
        except (binascii.Error, ValueError) as wrong:
            raise Invalid(f"the user data of server {server.id} is not base64: {wrong}") from wrong
    return {f"openstack/{version}/{name}": body for version in VERSIONS for name, body in files.items()}


def meta_data(server: DesiredServer) -> dict[str, object]:
    """``meta_data.json``, with Nova's keys."""
    return {
        "uuid": server.id,
        "name": server.name,
        "hostname": hostname(server.name, server.id),
        "availability_zone": server.availability_zone,
        "project_id": server.project_id,
        "launch_index": server.launch_index,
        "meta": dict(server.metadata),
        "devices": list(_devices(server.interfaces)),
    }


def network_data(interfaces: Sequence[DesiredInterface]) -> dict[str, object]:
    """``network_data.json``: links, networks and services, each address static, for there is no DHCP.

    Raises Invalid for an address or a subnet that does not parse.
    """
    links: list[dict[str, object]] = []
    networks: list[dict[str, object]] = []
    services: list[dict[str, object]] = []
    for interface in interfaces:
        links += _links(interface)
        for address in interface.addresses:
            networks.append(_network(f"network{len(networks)}", str(links[-1]["id"]), interface, address))
            services += [service for service in _services(address) if service not in services]
    return {"links": links, "networks": networks, "services": services}


def _devices(interfaces: Sequence[DesiredInterface]) -> Iterator[dict[str, object]]:
    """The nics of which a guest cannot see everything itself: a device tag, or the VLAN that it has to tag."""
    for interface in interfaces:
        device: dict[str, object] = {"type": "nic", "bus": "pci", "mac": interface.mac.lower()}
        vlan_id = _guest_vlan(interface)
        if vlan_id:
            device["vlan"] = vlan_id
        if interface.tag is not None:
            device["tags"] = [interface.tag]
        if vlan_id or interface.tag is not None:
            yield device


def _links(interface: DesiredInterface) -> Iterator[dict[str, object]]:
    """The nic, and the VLAN on it where the guest itself must tag. The last one is where the addresses belong."""
    link_id = f"tap{interface.port_id}"[:_LINK_ID_CHARS]
    mac = interface.mac.lower()
    yield {
        "id": link_id,
        "vif_id": interface.port_id,
        "type": interface.vif_type if interface.vif_type in _SHOWN_VIF_TYPES else "phy",
        "mtu": interface.mtu,
        "ethernet_mac_address": mac,
    }
    vlan_id = _guest_vlan(interface)
    if vlan_id:
        yield {
            "id": f"{link_id}.{vlan_id}",
            "type": "vlan",
            "vlan_link": link_id,
            "vlan_id": vlan_id,
            "vlan_mac_address": mac,
        }


def _guest_vlan(interface: DesiredInterface) -> int:
    """The VLAN that nobody but the guest can tag: a whole PF has no VLAN of its own."""
    return interface.vlan_id if interface.vnic_type == VnicType.DIRECT_PHYSICAL else 0


def _network(
    network_id: str, link_id: str, interface: DesiredInterface, address: InterfaceAddress
) -> dict[str, object]:
    fixed = _parsed(address)
    family = "ipv6" if fixed.version == 6 else "ipv4"  # noqa: PLR2004 - the protocol's number
    anywhere = "::" if fixed.version == 6 else "0.0.0.0"  # noqa: PLR2004, S104 - a route's destination, nothing binds it
    routes = [_route(route.destination, route.next_hop) for route in address.host_routes]
    if address.gateway_ip is not None:
        routes.insert(0, {"network": anywhere, "netmask": anywhere, "gateway": address.gateway_ip})
    return {
        "id": network_id,
        "type": family,
        "link": link_id,
        "ip_address": str(fixed.ip),
        "netmask": str(fixed.netmask),
        "routes": routes,
        "network_id": interface.network_id,
        "services": list(_services(address)),
    }


def _parsed(address: InterfaceAddress) -> IPv4Interface | IPv6Interface:
    try:
        return ip_interface(f"{address.ip_address}/{ip_network(address.cidr).prefixlen}")
    except ValueError as wrong:
        raise Invalid(f"address {address.ip_address!r} in {address.cidr!r}: {wrong}") from wrong


def _route(destination: str, next_hop: str) -> dict[str, object]:
    try:
        network = ip_network(destination)
    except ValueError as wrong:
        raise Invalid(f"route to {destination!r}: {wrong}") from wrong
    return {"network": str(network.network_address), "netmask": str(network.netmask), "gateway": next_hop}


def _services(address: InterfaceAddress) -> Iterator[dict[str, object]]:
    for server in address.dns_nameservers:
        yield {"type": "dns", "address": server}


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def write_iso(target: Path, files: Mapping[str, bytes], search_path: str = SEARCH_PATH) -> None:
    """An iso9660 at ``target`` with these files, names as they are (Rock Ridge and Joliet).

    Raises Unsupported without a program that can, HostFault when it fails; OSError when the disk is full.
    """
    maker = MAKE_ISO.find(search_path)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".config-drive.") as tree:
        for path, body in files.items():
            file = Path(tree) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
        run([maker, "-quiet", "-J", "-r", "-V", LABEL, "-o", str(target), tree])
