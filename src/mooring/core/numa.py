"""NUMA: how near a device is to a guest, which policies that satisfies, and on which nodes of a host cells fit.

The policies are Nova's, without one of its traps: it counts them out over all devices of a request
(``_filter_pools_for_numa_cells`` in nova/pci/stats.py), which for devices one by one comes to the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import combinations

from mooring.model.host import NumaCell
from mooring.model.request import NumaPolicy

#: Ways to lay a guest's cells on a host's nodes that are looked at: all of them with up to 11 nodes and 5 cells.
LAYOUTS_MAX = 462


class Nearness(IntEnum):
    """Of a device to a guest's cells, nearest first."""

    LOCAL = 0
    """On a node of one of the guest's cells."""
    SAME_SOCKET = 1
    UNTOLD = 2
    """The kernel does not say where it is."""
    REMOTE = 3


@dataclass(frozen=True, slots=True)
class GuestNodes:
    """The nodes of one host that a guest's cells are on, and those that share a socket with one of them."""

    local: frozenset[int] = frozenset()
    same_socket: frozenset[int] = frozenset()
    """Empty where the kernel does not tell the socket of every node, as in Nova."""

    @classmethod
    def of(cls, nodes: Sequence[int], sockets: Mapping[int, int | None]) -> "GuestNodes":
        """``sockets`` are those of all nodes of the host."""
        if not nodes or not sockets or None in sockets.values():
            return cls(frozenset(nodes))
        mine = {sockets.get(node) for node in nodes}
        return cls(frozenset(nodes), frozenset(node for node, socket in sockets.items() if socket in mine))

    def nearness(self, numa_node: int | None) -> Nearness:
        """Of a device. To a guest without cells everything is near."""
        if not self.local or numa_node in self.local:
            return Nearness.LOCAL
        if numa_node is None:
            return Nearness.UNTOLD
        return Nearness.SAME_SOCKET if numa_node in self.same_socket else Nearness.REMOTE

    def allows(self, policy: NumaPolicy | None, numa_node: int | None) -> bool:
        """Whether a device there will do; ``None`` is ``legacy``."""
        return self.nearness(numa_node) in _ALLOWED[policy or NumaPolicy.LEGACY]


_ALLOWED = {
    NumaPolicy.REQUIRED: frozenset({Nearness.LOCAL}),
    NumaPolicy.SOCKET: frozenset({Nearness.LOCAL, Nearness.SAME_SOCKET}),
    NumaPolicy.LEGACY: frozenset({Nearness.LOCAL, Nearness.UNTOLD}),
    NumaPolicy.PREFERRED: frozenset(Nearness),
}


@dataclass(frozen=True, slots=True)
class CellUse:
    """What of one node the cells of servers take."""

    vcpus: int = 0
    memory_mib: int = 0


@dataclass(frozen=True, slots=True)
class Cells:
    """The nodes of one host with what is taken of each."""

    cells: tuple[NumaCell, ...] = ()
    used: Mapping[int, CellUse] = field(default_factory=dict)

    @property
    def sockets(self) -> Mapping[int, int | None]:
        return {cell.id: cell.socket for cell in self.cells}

    def layouts(
        self, count: int, vcpus: int, memory_mib: int, vcpu_ratio: float, memory_ratio: float
    ) -> Iterator[tuple[int, ...]]:
        """The ways to put ``count`` cells on as many nodes, each with its share of a guest's vCPUs and memory.

        The emptiest nodes come first; at most ``LAYOUTS_MAX``.
        """
        share_vcpus, share_mib = -(-vcpus // count), -(-memory_mib // count)
        fitting = [cell for cell in self.cells if self._fits(cell, share_vcpus, share_mib, vcpu_ratio, memory_ratio)]
        fitting.sort(key=lambda cell: (self._use(cell).memory_mib - int(cell.memory_mib * memory_ratio), cell.id))
        for number, chosen in enumerate(combinations(fitting, count)):
            if number == LAYOUTS_MAX:
                return
            yield tuple(sorted(cell.id for cell in chosen))

    def _use(self, cell: NumaCell) -> CellUse:
        return self.used.get(cell.id, CellUse())

    def _fits(self, cell: NumaCell, vcpus: int, memory_mib: int, vcpu_ratio: float, memory_ratio: float) -> bool:
        used = self._use(cell)
        spare_vcpus = int(len(cell.cpus) * vcpu_ratio) - used.vcpus
        spare_mib = int(cell.memory_mib * memory_ratio) - used.memory_mib
        return vcpus <= min(spare_vcpus, len(cell.cpus)) and memory_mib <= min(spare_mib, cell.memory_mib)
