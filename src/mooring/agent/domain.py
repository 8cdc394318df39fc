"""The domains of one host, with their files: which functions each holds, and the verbs that change one, read back."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mooring.errors import HostFault, NotFound
from mooring.host.domainxml import DomainKind, Wiring, domain_xml, interface_xml
from mooring.host.livexml import LiveInterface, parse_marker
from mooring.host.machine import Machine
from mooring.host.numa import read_numa_cells
from mooring.model.desired import DesiredInterface, DesiredServer
from mooring.model.outside import AgentStep, Steps
from mooring.model.pci import PciAddress, PciFunction

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plugged:
    """One network device, or passed-through function, of a domain."""

    port_id: str
    """Empty for what no port asked for."""
    mac: str | None
    """``None`` for a plain PCI device, of which the XML has no place for one."""
    address: PciAddress | None
    """The function behind it, a macvtap port's VF included; ``None`` for a bridge, and for a NIC that is shared."""
    source: str = ""
    """The netdev or bridge, where it is on one."""

    def serves(self, wanted: DesiredInterface) -> bool:
        # The MAC of a VF that the guest has itself is its PF's to change; the domain names the one that it began with.
        is_vf = self.address is not None and not self.source
        is_mac_right = is_vf or self.mac in (None, wanted.mac.lower())
        return self.port_id == wanted.port_id and is_mac_right and self.address == wanted.address


@dataclass(frozen=True, slots=True)
class Guest:
    """One domain of ours."""

    server_id: str
    is_running: bool
    plugged: tuple[Plugged, ...] = ()

    @property
    def holds(self) -> frozenset[PciAddress]:
        """The functions that it has, or would have when started."""
        return frozenset(device.address for device in self.plugged if device.address is not None)

    def surplus(self, server: DesiredServer) -> tuple[Plugged, ...]:
        """Our network devices that the server should not have.

        What has no port id stays: somebody else plugged it in, or the guest keeps it for all its life.
        """
        return tuple(
            device
            for device in self.plugged
            if device.port_id and not any(device.serves(wanted) for wanted in server.interfaces)
        )

    def missing(self, server: DesiredServer) -> tuple[DesiredInterface, ...]:
        return tuple(
            wanted for wanted in server.interfaces if not any(device.serves(wanted) for device in self.plugged)
        )

    def lacks(self, server: DesiredServer) -> tuple[PciAddress, ...]:
        """The functions that its flavor asked for and that it has not."""
        return tuple(address for address in server.passthrough if address not in self.holds)


def netdevs_of(functions: Mapping[PciAddress, PciFunction]) -> dict[PciAddress, str]:
    """The network device of each function that has one."""
    return {address: function.netdev for address, function in functions.items() if function.netdev is not None}


class Guests:
    """The hypervisor's domains of ours, by server id, and the files behind them."""

    def __init__(self, machine: Machine, kind: DomainKind, steps: Steps):
        self._hypervisor = machine.hypervisor
        self._disks = machine.disks
        self.sysfs_root = machine.sysfs_root
        self._plumbing = machine.plumbing
        self._kind = kind
        self._steps = steps

    def observe(self, netdevs: Mapping[PciAddress, str]) -> dict[str, Guest]:
        """All of them, with what their XML says they hold. Raises what the hypervisor raises: unknown is not none."""
        addresses = {netdev: address for address, netdev in netdevs.items()}
        guests: dict[str, Guest] = {}
        for state in self._hypervisor.domains():
            try:
                domain = parse_marker(self._hypervisor.xml(state.server_id))
            except NotFound:
                continue  # it went between the two calls
            if domain is not None:
                plugged = tuple(_plugged(device, addresses) for device in domain.interfaces)
                guests[state.server_id] = Guest(state.server_id, state.is_running, plugged)
        return guests

    def destroy(self, server_id: str) -> None:
        """Stop it, then delete its files. Raises HostFault when either is still there afterwards."""
        self.stop(server_id)
        self._disks.discard(server_id)

    def stop(self, server_id: str) -> None:
        """End and undefine the domain; the guest's disk stays. Raises HostFault when it is still there afterwards."""
        self._hypervisor.destroy(server_id)
        if any(state.server_id == server_id for state in self._hypervisor.domains()):
            raise HostFault(f"the domain of server {server_id} is still there after it was destroyed")
        self._steps.reach(AgentStep.DOMAIN_DESTROYED)
        _log.info("domain-destroyed server=%s", server_id)

    def start(self, server: DesiredServer, netdevs: Mapping[PciAddress, str]) -> None:
        """Make its files, define and start it.

        Raises HostFault when it does not run afterwards with just the devices it should have, and what its disks or
        the hypervisor say.
        """
        wiring = self._wiring(server.interfaces, netdevs)
        if server.numa_nodes:
            wiring = replace(wiring, numa_cells=read_numa_cells(self.sysfs_root))
        files = self._disks.prepare(server)
        self._hypervisor.start(domain_xml(server, self._kind, wiring, files))
        guest = self.observe(netdevs).get(server.id)
        if guest is None or not guest.is_running:
            raise HostFault(f"the domain of server {server.id} does not run after its start")
        if guest.missing(server):
            raise HostFault(f"the domain of server {server.id} lacks {len(guest.missing(server))} of its ports")
        if guest.lacks(server):
            raise HostFault(f"the domain of server {server.id} lacks {', '.join(map(str, guest.lacks(server)))}")
        self._steps.reach(AgentStep.DOMAIN_STARTED)
        interfaces, functions = len(server.interfaces), len(server.passthrough)
        _log.info("domain-started server=%s interfaces=%d passthrough=%d", server.id, interfaces, functions)

    def attach(self, server: DesiredServer, wanted: DesiredInterface, netdevs: Mapping[PciAddress, str]) -> None:
        """Raises HostFault when it is not plugged in afterwards."""
        self._hypervisor.attach(server.id, interface_xml(wanted, self._wiring([wanted], netdevs)))
        guest = self.observe(netdevs).get(server.id)
        if guest is None or wanted in guest.missing(server):
            raise HostFault(f"port {wanted.port_id} is not plugged into server {server.id} after it was attached")
        _log.info("interface-attached server=%s port=%s", server.id, wanted.port_id)

    def _wiring(self, interfaces: Iterable[DesiredInterface], netdevs: Mapping[PciAddress, str]) -> Wiring:
        bridges = {interface.bridge for interface in interfaces if interface.bridge is not None}
        return Wiring(netdevs, self._plumbing.ovs_bridges(bridges))

    def detach(self, server_id: str, port_id: str) -> None:
        """Raises Conflict while the guest has not let go."""
        self._hypervisor.detach(server_id, port_id)
        _log.info("interface-detached server=%s port=%s", server_id, port_id)


def _plugged(device: LiveInterface, addresses: Mapping[str, PciAddress]) -> Plugged:
    has_vf = device.kind == "direct" and not device.is_of_host
    address = addresses.get(device.source) if has_vf else device.address
    source = device.source if device.kind in ("bridge", "direct") else ""
    return Plugged(device.port_id, device.mac.lower() if device.mac else None, address, source)
