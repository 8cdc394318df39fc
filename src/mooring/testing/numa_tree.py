"""The NUMA nodes of a simulated host, in its sysfs as the kernel lays them out, for ``host/numa.py`` to read."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from mooring.model.host import NumaCell


def two_sockets(vcpus: int, memory_mib: int) -> tuple[NumaCell, ...]:
    """A machine with two sockets and a node in each, which share processors and memory equally."""
    half = vcpus // 2
    return (
        NumaCell(0, tuple(range(half)), memory_mib // 2, 0),
        NumaCell(1, tuple(range(half, vcpus)), memory_mib - memory_mib // 2, 1),
    )


def build_nodes(root: Path, cells: Sequence[NumaCell]) -> None:
    """Write these cells below ``root``, which is what ``/sys`` is to a live host, over what is there of the same nodes.

    The recorded host has two nodes, whose memory was not recorded.
    """
    for cell in cells:
        node = root / f"devices/system/node/node{cell.id}"
        node.mkdir(parents=True, exist_ok=True)
        (node / "cpulist").write_text(cpu_list(cell.cpus) + "\n")
        kib = cell.memory_mib * 1024
        (node / "meminfo").write_text(
            f"Node {cell.id} MemTotal:       {kib} kB\nNode {cell.id} MemFree:        {kib} kB\n"
        )
        for cpu in cell.cpus:
            topology = root / f"devices/system/cpu/cpu{cpu}/topology"
            topology.mkdir(parents=True)
            (topology / "physical_package_id").write_text(f"{-1 if cell.socket is None else cell.socket}\n")


def cpu_list(cpus: Sequence[int]) -> str:
    """As the kernel prints a mask: ``0-3,8``."""
    runs: list[str] = []
    for _, run in groupby(enumerate(cpus), key=lambda pair: pair[1] - pair[0]):
        numbers = [cpu for _, cpu in run]
        runs.append(str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}")
    return ",".join(runs)
