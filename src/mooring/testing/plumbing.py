"""Open vSwitch and VLANs of a simulated host: a file, and the netdevs that it has in the host's sysfs tree."""

import os
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mooring import wire
from mooring.errors import Conflict, HostFault, NotFound
from mooring.host.machine import RepresentorPort, VlanNetdev


@dataclass(frozen=True, slots=True)
class _State:
    ovs_bridges: tuple[str, ...] = ()
    ports: tuple[RepresentorPort, ...] = ()
    vlans: tuple[VlanNetdev, ...] = ()
    is_ovs_silent: bool = False


class SimulatedPlumbing:
    """``Plumbing`` over ``file``, which need not be there, and the tree at ``root``."""

    def __init__(self, file: Path, root: Path):
        self._file = file
        self._root = root

    def make_ovs_bridge(self, name: str) -> None:
        """``ovs-vsctl add-br``."""
        add_nic(self._root, name)
        state = self._load()
        self._save(replace(state, ovs_bridges=(*state.ovs_bridges, name)))

    def silence_ovs(self, *, is_silent: bool) -> None:
        """``ovsdb-server`` ends, or is there again."""
        self._save(replace(self._load(), is_ovs_silent=is_silent))

    def forget_port(self, representor: str) -> None:
        """``ovs-vsctl del-port`` by somebody."""
        state = self._load()
        self._save(replace(state, ports=tuple(port for port in state.ports if port.representor != representor)))

    def reboot(self) -> None:
        """VLANs are the kernel's and gone; Open vSwitch has a database."""
        for netdev in self.vlan_netdevs():
            self.remove_vlan(netdev.name)

    def ovs_bridges(self, names: Collection[str]) -> frozenset[str]:
        state = self._load()
        known = frozenset(names) & frozenset(state.ovs_bridges)
        if known and state.is_ovs_silent:
            raise HostFault("Open vSwitch did not say whether a bridge is its own")
        return known

    def representor_ports(self) -> Sequence[RepresentorPort]:
        return self._answering().ports

    def plug(self, port: RepresentorPort) -> None:
        state = self._answering()
        if port.bridge not in state.ovs_bridges:
            raise HostFault(f"ovs-vsctl failed (1): no bridge named {port.bridge}")
        self._flag(port.representor, "0x1003")
        others = tuple(other for other in state.ports if other.representor != port.representor)
        self._save(replace(state, ports=(*others, port)))

    def unplug(self, representor: str) -> None:
        self._answering()
        self.forget_port(representor)
        if (self._root / "class/net" / representor).exists():
            self._flag(representor, "0x1002")

    def vlan_netdevs(self) -> Sequence[VlanNetdev]:
        return self._load().vlans

    def add_vlan(self, wanted: VlanNetdev) -> None:
        state = self._load()
        there = next((netdev for netdev in state.vlans if netdev.name == wanted.name), None)
        if there is None and (self._root / "class/net" / wanted.name).exists():
            raise Conflict(f"{wanted.name} is here already, and is no VLAN's sub-interface")
        if there is not None and there != wanted:
            raise Conflict(f"{wanted.name} is here already, for VLAN {there.vlan_id} of {there.parent}")
        self._flag(wanted.parent, "0x1003")
        if there is None:
            add_nic(self._root, wanted.name)
            self._save(replace(state, vlans=(*state.vlans, wanted)))
        self._flag(wanted.name, "0x1003")

    def remove_vlan(self, name: str) -> None:
        state = self._load()
        if all(netdev.name != name for netdev in state.vlans):
            return
        self._save(replace(state, vlans=tuple(netdev for netdev in state.vlans if netdev.name != name)))
        link = self._root / "class/net" / name
        shutil.rmtree(link.resolve())
        link.unlink()

    def _flag(self, netdev: str, flags: str) -> None:
        folder = self._root / "class/net" / netdev
        if not folder.exists():
            raise NotFound("netdev", netdev)
        (folder / "flags").write_text(f"{flags}\n")

    def _answering(self) -> _State:
        state = self._load()
        if state.is_ovs_silent:
            raise HostFault("ovs-vsctl failed (1): database connection failed")
        return state

    def _load(self) -> _State:
        return wire.decode(_State, self._file.read_bytes()) if self._file.exists() else _State()

    def _save(self, state: _State) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_bytes(wire.encode(state))
        fresh.replace(self._file)


def add_nic(root: Path, name: str) -> None:
    """A netdev that is no PCI function: an ordinary NIC, a bridge, a VLAN's sub-interface."""
    home, shown = root / "devices/virtual/net" / name, root / "class/net" / name
    home.mkdir(parents=True)
    for file, text in {"flags": "0x1002", "operstate": "down", "type": "1", "mtu": "1500"}.items():
        (home / file).write_text(f"{text}\n")
    shown.symlink_to(os.path.relpath(home, shown.parent))
