"""A simulated host's DHCP servers: a file for each, and what a test says has become of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mooring import wire
from mooring.errors import HostFault, NotFound
from mooring.host.machine import DhcpSeen, DhcpServers
from mooring.model.desired import DesiredDhcp
from mooring.model.host import DhcpInterface

_NO_MAC = ""


@dataclass(frozen=True, slots=True)
class Running:
    """One server, as its host has it."""

    wanted: DesiredDhcp
    starts: int = 1
    """How often its process was started."""
    reads: int = 0
    """How often that was told to read its hosts again."""
    is_alive: bool = True


@dataclass(frozen=True, slots=True)
class _Said:
    """What a test says."""

    fault: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)


class SimulatedDhcp(DhcpServers):
    """``DhcpServers`` in ``folder``, which need not be there. Any number of processes may share it."""

    def __init__(self, folder: Path, interfaces: Mapping[str, str], sysfs_root: Path):
        self._folder = folder
        self._interfaces = interfaces
        self._netdevs = sysfs_root / "class/net"

    def uninstall(self, reason: str = "dnsmasq is not installed on this host: apt-get install dnsmasq-base") -> None:
        """From now on nothing can be served; empty: everything again."""
        self._save("said", replace(self._said(), fault=reason))

    def refuse(self, network_id: str, reason: str) -> None:
        """The network's server cannot be made any more; empty: it can."""
        said = self._said()
        self._save("said", replace(said, refused={**said.refused, network_id: reason}))

    def kill(self, network_id: str) -> None:
        """The server's process ends by itself."""
        self._save(network_id, replace(self.running(network_id), is_alive=False))

    def running(self, network_id: str) -> Running:
        """Raises NotFound when there is none."""
        try:
            return wire.decode(Running, (self._folder / f"{network_id}.json").read_bytes())
        except FileNotFoundError as missing:
            raise NotFound("DHCP server", network_id) from missing

    def reboot(self) -> None:
        """Nothing of it outlives its host's power."""
        for network_id in self.served():
            self.remove(network_id)

    def interfaces(self) -> Sequence[DhcpInterface]:
        fault = self._said().fault
        return tuple(self._interface(*pair, fault) for pair in sorted(self._interfaces.items()))

    def served(self) -> Sequence[str]:
        return tuple(sorted(path.stem for path in self._folder.glob("*.json") if path.stem != "said"))

    def is_alive(self, network_id: str) -> bool:
        return network_id in self.served() and self.running(network_id).is_alive

    def serve(self, wanted: DesiredDhcp) -> DhcpSeen:
        if wanted.physical_network not in self._interfaces:
            raise NotFound("DHCP interface", wanted.physical_network, hint="see dhcp_interfaces in agent.toml")
        said = self._said()
        reason = said.fault or said.refused.get(wanted.network_id, "")
        if reason:
            raise HostFault(reason)
        had = self.running(wanted.network_id) if wanted.network_id in self.served() else Running(wanted, starts=0)
        if not had.starts or not had.is_alive or _plugged(had.wanted) != _plugged(wanted) or _moved(had.wanted, wanted):
            self._save(wanted.network_id, Running(wanted, had.starts + 1, had.reads))
        elif had.wanted != wanted:
            self._save(wanted.network_id, replace(had, wanted=wanted, reads=had.reads + 1))
        return DhcpSeen(wanted.mac, wanted.addresses)

    def remove(self, network_id: str) -> None:
        (self._folder / f"{network_id}.json").unlink(missing_ok=True)

    def _interface(self, physnet: str, netdev: str, fault: str) -> DhcpInterface:
        try:
            mac = (self._netdevs / netdev / "address").read_text().strip()
        except OSError:
            return DhcpInterface(physnet, netdev, _NO_MAC, fault or f"{netdev} is not there")
        return DhcpInterface(physnet, netdev, mac, fault)

    def _said(self) -> _Said:
        try:
            return wire.decode(_Said, (self._folder / "said.json").read_bytes())
        except FileNotFoundError:
            return _Said()

    def _save(self, name: str, what: object) -> None:
        self._folder.mkdir(exist_ok=True)
        fresh = self._folder / f"{name}.new"
        fresh.write_bytes(wire.encode(what))
        fresh.replace(self._folder / f"{name}.json")


def _plugged(wanted: DesiredDhcp) -> object:
    """What a new process is needed for."""
    return (wanted.physical_network, wanted.vlan_id, wanted.mtu, wanted.mac, wanted.addresses, wanted.subnets)


def _moved(before: DesiredDhcp, after: DesiredDhcp) -> bool:
    """Whether an address became another host's."""
    had = {address: host.mac for host in before.hosts for address in host.addresses}
    return any(had.get(address, host.mac) != host.mac for host in after.hosts for address in host.addresses)
