"""The ports of servers: how to find them, and what a server's nic asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mooring.core.function_wish import PCI_GROUP
from mooring.errors import Conflict, Invalid
from mooring.model.host import DEFAULT_ZONE
from mooring.model.identity import Caller
from mooring.model.network import Network, Segment
from mooring.model.port import FUNCTION_VNIC_TYPES, Binding, Port, VnicType
from mooring.model.port_profile import PortProfile
from mooring.model.server import Server
from mooring.service.asked_groups import asked_group
from mooring.service.networks import get_network
from mooring.service.port_addresses import FixedIpWish
from mooring.service.port_profiles import check_for, check_vnic_type, named, profile_of
from mooring.service.ports import PortWish, create_port, usable_port
from mooring.service.world import World
from mooring.store.networks import every_segment_of
from mooring.store.ports import PORTS
from mooring.store.rows import Query
from mooring.store.tx import Tx

#: What this version can carry through to a running server.
SERVED_VNIC_TYPES = frozenset({VnicType.NORMAL, *FUNCTION_VNIC_TYPES})


@dataclass(frozen=True, slots=True)
class NicWish:
    """One nic of a server, as asked: a port made before, or a network to make one on."""

    port_id: str | None = None
    network_id: str | None = None
    fixed_ip: str | None = None
    tag: str | None = None
    vnic_type: str | None = None
    port_profile: str | None = None
    pci_group: str | None = None
    """The name of the PCI group that its function is to be of."""


@dataclass(frozen=True, slots=True)
class Nic:
    """A nic with its network looked up; ``port`` is provisional until the server has a host."""

    port: Port
    network: Network
    segments: tuple[Segment, ...]
    wish: NicWish
    port_profile: PortProfile | None = None
    """Its port's own, or its network's default."""

    def vlan_id(self, segment_id: str | None) -> int:
        """The VLAN of the bound segment; 0 is untagged."""
        return next((segment.segmentation_id or 0 for segment in self.segments if segment.id == segment_id), 0)


def ports_of(tx: Tx, server_ids: Sequence[str]) -> Mapping[str, list[Port]]:
    """Server id to its ports, in the order of its nics."""
    found: dict[str, list[Port]] = {}
    query = Query(equals={"device_id": list(server_ids)}, sort=(("device_index", True), ("id", True)))
    for port in PORTS.find(tx, query) if server_ids else ():
        found.setdefault(port.device_id, []).append(port)
    return found


def unserved(name: str) -> Invalid:
    """What would reach no guest is refused, not taken and forgotten."""
    return Invalid(f"{name} is not served: nothing would carry it to the guest", hint=f"leave {name} out")


def look_up(
    tx: Tx, world: World, who: Caller, wish: NicWish, ordinal: int, image_vnic_type: VnicType | None = None
) -> Nic:
    """Find the port or the network of a nic, and check that it can be used. Changes nothing.

    ``image_vnic_type`` is what the server's image would have where the nic says nothing. Raises NotFound, Conflict for
    a port in use, Invalid for a wish that contradicts itself.
    """
    if wish.port_id is not None:
        if wish.network_id is not None:
            raise Invalid(
                f"nic {ordinal} names both port {wish.port_id} and network {wish.network_id}", hint="name one"
            )
        port = usable_port(tx, who, wish.port_id)
        if port.device_id:
            raise Conflict(f"Port {port.id} is still in use.", code="PortInUse")
        network = get_network(tx, who, port.network_id)
        port = _with_group(port, wish, ordinal)
    elif wish.network_id is not None:
        network = get_network(tx, who, wish.network_id)
        port = _provisional(tx, world, who, network, wish, ordinal, image_vnic_type)
    else:
        raise Invalid(f"nic {ordinal} names neither a port nor a network", hint="give port or uuid")
    if port.binding.vnic_type not in SERVED_VNIC_TYPES:
        served = ", ".join(sorted(SERVED_VNIC_TYPES))
        raise Invalid(
            f"vnic_type {port.binding.vnic_type} of nic {ordinal} is not served here", hint=f"served: {served}"
        )
    if port.binding.vnic_type is VnicType.DIRECT_PHYSICAL and not port.admin_state_up:
        raise Invalid(
            f"port {port.id} of nic {ordinal} is administratively down, and a whole PF cannot be held down",
            hint="openstack port set --enable",
        )
    segments = tuple(every_segment_of(tx, network.id))
    port, profile = _with_profile(tx, who, port, network, segments, wish.port_profile)
    return Nic(port, network, segments, wish, profile)


def _with_profile(
    tx: Tx, who: Caller, port: Port, network: Network, segments: Sequence[Segment], name_or_id: str | None
) -> tuple[Port, PortProfile | None]:
    """The port as if the nic's port profile were its own already, and the profile that counts for it.

    Raises NotFound for a profile that there is not, Conflict for one that does not fit the network.
    """
    if name_or_id is not None:
        named_one = named(tx, who, name_or_id)
        check_vnic_type(named_one, port.binding.vnic_type)
        port = replace(port, port_profile_id=named_one.id)
    profile = profile_of(tx, port, network)
    if profile is not None:
        check_for(profile, network, segments, who)
    return port, profile


def _with_group(port: Port, wish: NicWish, ordinal: int) -> Port:
    """The port as if the nic's PCI group stood in its profile already."""
    own = port.binding.profile.get(PCI_GROUP)
    if wish.pci_group is None or wish.pci_group == own:
        return port
    if own is not None:
        raise Invalid(f"nic {ordinal} asks for PCI group {wish.pci_group}, and its port {port.id} for {own}")
    return replace(port, binding=replace(port.binding, profile={**port.binding.profile, PCI_GROUP: wish.pci_group}))


def _provisional(
    tx: Tx, world: World, who: Caller, network: Network, wish: NicWish, ordinal: int, image_vnic_type: VnicType | None
) -> Port:
    """The port that a network's nic would get, without an address or a MAC of its own yet."""
    defaults = (image_vnic_type, network.default_vnic_type, world.config.default_vnic_type)
    text = wish.vnic_type or next(default for default in defaults if default is not None)
    profile: dict[str, object] = {}
    if wish.pci_group is not None:
        profile[PCI_GROUP] = wish.pci_group
        if wish.vnic_type is None:
            chosen = (asked_group(tx, who, wish.pci_group).default_vnic_type, *defaults)
            text = next((default for default in chosen if default in FUNCTION_VNIC_TYPES), None) or VnicType.DIRECT
    try:
        vnic_type = VnicType(text)
    except ValueError as unknown:
        known = ", ".join(sorted(SERVED_VNIC_TYPES))
        raise Invalid(f"vnic-type {text!r} of nic {ordinal} is unknown", hint=f"known: {known}") from unknown
    return Port(
        f"nic-{ordinal}", network.id, who.project_id or "", "", "", tx.now, tx.now,
        binding=Binding(vnic_type=vnic_type, profile=profile),
    )  # fmt: skip


def settle(tx: Tx, world: World, who: Caller, nic: Nic, server: Server, index: int) -> Port:
    """The nic's port, which exists from now on and belongs to the server as its nic number ``index``."""
    owner = f"compute:{server.availability_zone or DEFAULT_ZONE}"
    if nic.wish.port_id is not None:
        port = replace(nic.port, device_id=server.id, device_owner=owner, device_index=index, device_tag=nic.wish.tag)
        port = replace(port, updated_at=tx.now)
        return PORTS.update(tx, port)
    fixed_ips = None if nic.wish.fixed_ip is None else (FixedIpWish(ip_address=nic.wish.fixed_ip),)
    wish = PortWish(
        network_id=nic.network.id, project_id=who.project_id or "", vnic_type=nic.port.binding.vnic_type,
        profile=nic.port.binding.profile, port_profile=nic.port.port_profile_id,
        fixed_ips=fixed_ips, device_id=server.id, device_owner=owner, device_index=index, device_tag=nic.wish.tag,
        is_owned_by_server=True,
    )  # fmt: skip
    return create_port(tx, world, who, wish)
