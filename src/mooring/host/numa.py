"""The NUMA nodes of a host, as the kernel lays them out in sysfs.

``devices/system/node/nodeN/cpulist`` has the processors that are online (``node_read_cpumap`` in drivers/base/node.c),
``meminfo`` the memory, ``devices/system/cpu/cpuN/topology/physical_package_id`` the socket of a processor
(drivers/base/topology.c). A node without processors holds memory only, a CXL expander's for one.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mooring.errors import HostFault
from mooring.host.attribute import ATTRIBUTE_MAX_BYTES, errno_name, read_file
from mooring.model.host import NumaCell

_NODES = "devices/system/node"
_NODE = re.compile(r"node(0|[1-9][0-9]{0,3})", re.ASCII)
_NODE_MAX = 1023
"""``CONFIG_NODES_SHIFT`` is 10 at most."""
_CPU_MAX = 8191
"""``CONFIG_NR_CPUS`` is 8192 at most."""
_RANGE = re.compile(r"(0|[1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?", re.ASCII)
_TOTAL = re.compile(rb"^Node (?P<node>[0-9]{1,4}) MemTotal: +(?P<kib>[0-9]{1,15}) kB$", re.MULTILINE)
_PACKAGE = re.compile(rb"[0-9]{1,9}")


def read_numa_cells(sysfs_root: Path) -> tuple[NumaCell, ...]:
    """Every node, by id; none where the kernel shows no NUMA, and of a recording that left the nodes out.

    A node whose processors or memory cannot be told is left out, so that nothing is placed on it: never half a cell.
    Raises HostFault when the nodes cannot be listed.
    """
    folder = sysfs_root / _NODES
    try:
        names = os.listdir(folder)  # noqa: PTH208 - as text
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as failure:
        raise HostFault(f"{folder} cannot be listed ({errno_name(failure)})", hint="run the agent as root") from failure
    matches = (_NODE.fullmatch(name) for name in names)
    ids = sorted(int(match[1]) for match in matches if match is not None and int(match[1]) <= _NODE_MAX)
    cells = (_cell(sysfs_root, folder / f"node{number}", number) for number in ids)
    return tuple(cell for cell in cells if cell is not None)


def _cell(root: Path, folder: Path, number: int) -> NumaCell | None:
    cpulist, meminfo = _raw(folder / "cpulist"), _raw(folder / "meminfo")
    if cpulist is None or meminfo is None:
        return None
    cpus, total = parse_cpu_list(cpulist.decode("ascii", "replace").removesuffix("\n")), _TOTAL.search(meminfo)
    if cpus is None or total is None or int(total["node"]) != number:
        return None
    return NumaCell(number, cpus, int(total["kib"]) // 1024, _socket(root, cpus))


def parse_cpu_list(text: str) -> tuple[int, ...] | None:
    """``0-3,8`` as the kernel prints a mask (``%*pbl``): rising, nothing twice; empty for none. Else ``None``."""
    if not text:
        return ()
    cpus: list[int] = []
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is None:
            return None
        first, last = int(match[1]), int(match[2] or match[1])
        if not (cpus[-1] if cpus else -1) < first <= last <= _CPU_MAX:
            return None
        cpus += range(first, last + 1)
    return tuple(cpus)


def _socket(root: Path, cpus: tuple[int, ...]) -> int | None:
    """The one that all of them are in. With ``numa=off`` one node spans every socket."""
    found: int | None = None
    for package in _packages(root, cpus):
        if package is None or found not in (None, package):
            return None
        found = package
    return found


def _packages(root: Path, cpus: tuple[int, ...]) -> Iterator[int | None]:
    """Of each processor; ``None`` where the kernel says -1, which is its word for unknown, or nothing of sense."""
    for cpu in cpus:
        raw = _raw(root / f"devices/system/cpu/cpu{cpu}/topology/physical_package_id")
        known = None if raw is None else _PACKAGE.fullmatch(raw.removesuffix(b"\n"))
        yield int(known[0]) if known else None


def _raw(path: Path) -> bytes | None:
    """``None`` for what cannot be read, and for more than the kernel ever gives."""
    try:
        raw = read_file(path)
    except OSError:
        return None
    return raw if len(raw) <= ATTRIBUTE_MAX_BYTES else None
