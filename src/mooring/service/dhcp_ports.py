"""The port that a DHCP server has on its network: made, moved to another host, given new addresses, removed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mooring.core.macs import canonical_mac
from mooring.model.host import DhcpInterface
from mooring.model.identity import Caller
from mooring.model.network import Network, Segment, Subnet
from mooring.model.port import Binding, BindingLevel, FixedIp, Port, PortStatus, VifType
from mooring.service.ml2_hooks import port_changed
from mooring.service.port_addresses import FixedIpWish, Place, choose, exchange, release, write
from mooring.service.port_macs import choose_mac
from mooring.service.world import World
from mooring.store import dhcp, ports
from mooring.store.ports import PORTS
from mooring.store.tx import Event, Tx


@dataclass(frozen=True, slots=True)
class Site:
    """A network, and all of its subnets."""

    network: Network
    subnets: Sequence[Subnet]


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a server is to be."""

    host: str
    segment: Segment
    interface: DhcpInterface


def put(tx: Tx, world: World, who: Caller, site: Site, port: Port | None, seat: Seat) -> Port:
    """The server's port as it should be: on that host, with an address of each subnet that has DHCP.

    ``port`` is the one that there is, there or on another host. Raises Exhausted when a subnet has no address left.
    """
    mac = _mac(tx, world, site.network, port, seat.interface)
    fixed_ips = _addresses(tx, site, port, mac)
    if port is None:
        return _make(tx, world, who, site, seat, mac, fixed_ips)
    after = replace(port, mac_address=mac, fixed_ips=fixed_ips)
    if port.binding.host != seat.host:
        after = replace(after, device_id=_device_id(seat, site.network), binding=_binding(seat))
    if after == port:
        return port
    # Whatever was read back was of what it had been.
    after = replace(
        after, status=PortStatus.DOWN, fault=None, updated_at=tx.now, revision_number=port.revision_number + 1
    )
    ports.update(tx, after)
    exchange(tx, site.subnets, port, after)
    port_changed(tx, world, who, port, after)
    _tell(tx, who, "port.updated", after)
    return after


def _make(tx: Tx, world: World, who: Caller, site: Site, seat: Seat, mac: str, fixed_ips: tuple[FixedIp, ...]) -> Port:
    network = site.network
    port = Port(
        world.ids.uuid(), network.id, network.project_id, "", mac, tx.now, tx.now, fixed_ips=fixed_ips,
        device_id=_device_id(seat, network), device_owner=dhcp.DEVICE_OWNER, binding=_binding(seat),
        port_security_enabled=False,
    )  # fmt: skip
    ports.insert(tx, port)
    write(tx, port, fixed_ips)
    port_changed(tx, world, who, None, port)
    _tell(tx, who, "port.created", port)
    return port


def remove(tx: Tx, world: World, who: Caller, subnets: Sequence[Subnet], port: Port) -> None:
    """Delete the port and give its addresses back."""
    port_changed(tx, world, who, port, None)
    release(tx, subnets, port.fixed_ips)
    PORTS.delete(tx, port.id)
    _tell(tx, who, "port.deleted", port)


def _device_id(seat: Seat, network: Network) -> str:
    return f"dhcp-{seat.host}-{network.id}"


def _binding(seat: Seat) -> Binding:
    """No mechanism driver is asked: the agent plugs the server itself."""
    level = BindingLevel(dhcp.DRIVER, seat.segment.id)
    details = {"connectivity": "l2", "vlan": str(seat.segment.segmentation_id or 0)}
    return Binding(
        host=seat.host, vif_type=VifType.OTHER, vif_details=details, driver=dhcp.DRIVER, segment_id=seat.segment.id,
        levels=(level,),
    )  # fmt: skip


def _mac(tx: Tx, world: World, network: Network, port: Port | None, interface: DhcpInterface) -> str:
    """The netdev's own: a VF takes frames for no other. Where a port of the network has that, any."""
    wanted = canonical_mac(interface.mac) if interface.mac else None
    if port is not None and wanted in (None, port.mac_address):
        return port.mac_address
    if wanted is not None and not ports.is_mac_taken(tx, network.id, wanted):
        return wanted
    return port.mac_address if port is not None else choose_mac(tx, world, network.id, None)


def _addresses(tx: Tx, site: Site, port: Port | None, mac: str) -> tuple[FixedIp, ...]:
    """One of each subnet with DHCP, whomever its addresses are kept for; those that it has it keeps."""
    served = [replace(subnet, service_types=()) for subnet in site.subnets if subnet.enable_dhcp]
    has = port.fixed_ips if port is not None else ()
    wishes = [FixedIpWish(subnet.id) for subnet in served]
    chosen = choose(tx, Place(site.network.id, served, dhcp.DEVICE_OWNER, mac), wishes, has)
    return has if set(chosen) == set(has) else chosen


def _tell(tx: Tx, who: Caller, kind: str, port: Port) -> None:
    detail = {"host": port.binding.host, "vif_type": str(port.binding.vif_type)}
    tx.tell(Event(kind, port.id, port.project_id, None, who.user_id, who.request_id, detail))
