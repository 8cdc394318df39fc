"""What one turn does for interfaces besides their functions: representors on bridges, VLANs below macvtaps.

Nothing of it is journalled: what was made carries our mark on the host itself, and what no server wants is taken away
again. A representor leaves its bridge before its VF is cleaned for its next owner, whose frames it would carry.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from mooring.agent.scene import Scene
from mooring.errors import Forbidden, HostFault, MooringError, Unsupported
from mooring.host.machine import Plumbing, RepresentorPort, VlanNetdev
from mooring.model.desired import Desired, DesiredInterface, DesiredServer
from mooring.model.pci import PciAddress
from mooring.model.port import VifType, VnicType

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PlumbingHands:
    """The same for every turn of an agent. The mappings are the host's own: nothing else of it is ever touched."""

    plumbing: Plumbing
    bridge_mappings: Mapping[str, str]
    interface_mappings: Mapping[str, str]


class PlumbingWork:
    """Of one turn. ``note`` takes what is in no report and a person may want to know."""

    def __init__(self, hands: PlumbingHands, note: Callable[[str], None]):
        self._hands = hands
        self._note = note
        self._ports: Mapping[str, RepresentorPort] | None = None
        self._left: dict[str, str] = {}
        """Representors that could not be taken off their bridges, with the reason; "" is all of them."""

    def take_away(self, desired: Desired, scene: Scene) -> None:
        """Whatever of ours no wanted server's interface, and no domain, needs any more. What fails is noted."""
        wanted = [one for server in desired.servers if server.is_wanted for one in server.interfaces]
        if any(scene.representor(function.address) for function in desired.functions):
            held = {address for guest in scene.guests.values() for address in guest.holds}
            self._unplug_all_but({one.address for one in wanted if _is_offloaded(one)} | held, scene)
        if self._hands.interface_mappings:
            sources = {device.source for guest in scene.guests.values() for device in guest.plugged}
            self._remove_vlans_but({one.source for one in wanted} | sources)

    def require_unplugged(self, address: PciAddress, scene: Scene) -> None:
        """Raises HostFault while the VF's representor is on the bridge of the owner before, for all that is known."""
        representor = scene.representor(address)
        if representor is not None and (reason := self._left.get(representor) or self._left.get("")) is not None:
            raise HostFault(f"{representor}, the representor of {address}, is not off its bridge: {reason}")

    def connect(self, server: DesiredServer, interface: DesiredInterface, scene: Scene) -> None:
        """What the interface needs on the host, read back; nothing is written when it is there.

        Raises Forbidden for a bridge or a NIC that the host's own file does not name, HostFault for a VF without a
        representor and for what does not read back, and what the tools say.
        """
        if _is_offloaded(interface):
            self._plug(server, interface, scene)
        elif interface.vif_type == VifType.MACVTAP:
            self._lay_vlan(interface)

    def _plug(self, server: DesiredServer, interface: DesiredInterface, scene: Scene) -> None:
        address, bridge = interface.address, interface.bridge or ""
        if bridge not in self._hands.bridge_mappings.values():
            raise Forbidden(f"this host's bridge_mappings do not name {bridge!r}")
        representor = None if address is None else scene.representor(address)
        if representor is None:
            raise HostFault(
                f"{address} of port {interface.port_id} has no representor",
                hint="is its PF in switchdev mode? devlink dev eswitch show pci/ADDRESS",
            )
        mac = interface.mac.lower()
        wanted = RepresentorPort(bridge, representor, interface.vlan_id, interface.port_id, mac, server.id)
        if self._plugged().get(representor) == wanted:
            return
        self._hands.plumbing.plug(wanted)
        self._ports = None
        if self._plugged().get(representor) != wanted:
            raise HostFault(f"{representor} is not the port of {bridge} that it should be, after it was plugged")
        _log.info("representor-plugged netdev=%s bridge=%s port=%s", representor, bridge, interface.port_id)

    def _lay_vlan(self, interface: DesiredInterface) -> None:
        parent, source = interface.parent or "", interface.source or ""
        if parent not in self._hands.interface_mappings.values():
            raise Forbidden(f"this host's interface_mappings do not name {parent!r}")
        if not interface.vlan_id:
            if source != parent:
                raise Forbidden(f"an untagged port is on {parent} itself, and not on {source!r}")
            return
        wanted = VlanNetdev(source, parent, interface.vlan_id)
        if wanted in self._hands.plumbing.vlan_netdevs():
            return
        self._hands.plumbing.add_vlan(wanted)
        _log.info("vlan-laid netdev=%s parent=%s vlan=%d", source, parent, interface.vlan_id)

    def _plugged(self) -> Mapping[str, RepresentorPort]:
        """By representor; one question a turn, until something is changed."""
        if self._ports is None:
            self._ports = {port.representor: port for port in self._hands.plumbing.representor_ports()}
        return self._ports

    def _unplug_all_but(self, kept: Iterable[PciAddress | None], scene: Scene) -> None:
        wanted = {scene.representor(address) for address in kept if address is not None}
        try:
            surplus = sorted(self._plugged().keys() - wanted)
        except Unsupported:
            return  # without Open vSwitch there is nothing that one could be on
        except MooringError as silent:
            self._leave("", silent)
            return
        for representor in surplus:
            self._ports = None
            try:
                self._hands.plumbing.unplug(representor)
                _log.info("representor-unplugged netdev=%s", representor)
            except MooringError as failed:
                self._leave(representor, failed)

    def _leave(self, representor: str, failed: MooringError) -> None:
        self._left[representor] = failed.message
        self._note(f"{representor or 'representors'} could not be taken off the bridge: {failed.message}")

    def _remove_vlans_but(self, kept: Iterable[str | None]) -> None:
        try:
            for name in sorted({netdev.name for netdev in self._hands.plumbing.vlan_netdevs()} - {*kept}):
                self._hands.plumbing.remove_vlan(name)
                _log.info("vlan-removed netdev=%s", name)
        except MooringError as failed:
            self._note(f"a VLAN's netdev that nobody needs is still there: {failed.message}")


def _is_offloaded(interface: DesiredInterface) -> bool:
    return interface.vif_type == VifType.OVS and interface.vnic_type == VnicType.DIRECT
