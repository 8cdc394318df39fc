"""Who uses a simulated host's netdevs, disks and devices: what a test says."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mooring import wire
from mooring.host.machine import Occupants


@dataclass(frozen=True, slots=True)
class _Said:
    netdevs: Mapping[str, str] = field(default_factory=dict)
    holders: Mapping[str, str] = field(default_factory=dict)
    disks: Mapping[str, str] = field(default_factory=dict)


class SimulatedOccupants(Occupants):
    """``Occupants`` over ``file``, which need not be there. Any number of processes may share it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def give_address(self, netdev: str, cidr: str) -> None:
        """Somebody's ``ip address add``."""
        said = self._said()
        self._save(replace(said, netdevs={**said.netdevs, netdev: f"has address {cidr}"}))

    def open_node(self, node: str, holder: str) -> None:
        """A program opens a device node, as ``process 4711 (testpmd)``."""
        said = self._said()
        self._save(replace(said, holders={**said.holders, node: holder}))

    def mount(self, disk: str, where: str) -> None:
        """``mount /dev/DISK WHERE``."""
        said = self._said()
        self._save(replace(said, disks={**said.disks, disk: f"is mounted on {where}"}))

    def leave(self) -> None:
        """Nobody uses anything any more."""
        self._save(_Said())

    def netdevs(self) -> Mapping[str, str]:
        return self._said().netdevs

    def disks(self, disks: Mapping[str, str]) -> Mapping[str, str]:
        return {name: use for name, use in self._said().disks.items() if name in disks}

    def holders(self, nodes: Collection[str], *, is_seen: bool = False) -> Mapping[str, str]:  # noqa: ARG002 - all is
        return {node: holder for node, holder in self._said().holders.items() if node in nodes}

    def _said(self) -> _Said:
        try:
            return wire.decode(_Said, self._file.read_bytes())
        except FileNotFoundError:
            return _Said()

    def _save(self, said: _Said) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_bytes(wire.encode(said))
        fresh.replace(self._file)
