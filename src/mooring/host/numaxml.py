"""The guest's NUMA cells in domain XML, as Nova writes those of a guest whose processors are not pinned.

Each cell's vCPUs float over the processors of one host node and its memory is that node's alone, while QEMU's own
threads float over all of these nodes. The shapes are those of https://libvirt.org/formatdomain.html (CPU Tuning, NUMA
Node Tuning, Guest NUMA topology).
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement

from mooring.errors import HostFault, Invalid
from mooring.model.desired import DesiredServer
from mooring.model.host import NumaCell

_KIB_PER_MIB = 1024


def add_tuning(domain: Element, server: DesiredServer, host_cells: Sequence[NumaCell]) -> None:
    """Where vCPUs and memory of each cell are to be; nothing for a guest without cells.

    Raises Invalid when there is not a vCPU and a MiB for each cell, HostFault for a node that the host has not, or
    that has no processors.
    """
    if not server.numa_nodes:
        return
    nodes = _nodes(server, host_cells)
    everything = _numbers({cpu for node in nodes for cpu in node.cpus})
    cputune = SubElement(domain, "cputune")
    for vcpus, node in zip(_vcpus(server), nodes, strict=True):
        for vcpu in vcpus:
            SubElement(cputune, "vcpupin", vcpu=str(vcpu), cpuset=_numbers(node.cpus))
    SubElement(cputune, "emulatorpin", cpuset=everything)
    numatune = SubElement(domain, "numatune")
    SubElement(numatune, "memory", mode="strict", nodeset=_numbers({node.id for node in nodes}))
    for cell, node in enumerate(nodes):
        SubElement(numatune, "memnode", cellid=str(cell), mode="strict", nodeset=str(node.id))


def add_cells(cpu: Element, server: DesiredServer) -> None:
    """What the guest sees of it. Raises Invalid as ``add_tuning`` does."""
    if not server.numa_nodes:
        return
    numa = SubElement(cpu, "numa")
    # In whole MiB: QEMU takes no finer ones, and libvirt would round each of them up.
    shares_mib = _shares(server.memory_mib, len(server.numa_nodes), "MiB of memory")
    for cell, (vcpus, share_mib) in enumerate(zip(_vcpus(server), shares_mib, strict=True)):
        memory = str(share_mib * _KIB_PER_MIB)
        SubElement(numa, "cell", id=str(cell), cpus=_numbers(vcpus), memory=memory, unit="KiB")


def _nodes(server: DesiredServer, host_cells: Sequence[NumaCell]) -> list[NumaCell]:
    """The host node of each cell."""
    known = {cell.id: cell for cell in host_cells}
    for number in server.numa_nodes:
        if number not in known:
            has = f"nodes {_numbers(known)}" if known else "none"
            raise HostFault(f"a cell of the guest is to be on NUMA node {number}, and this host has {has}")
        if not known[number].cpus:
            raise HostFault(f"a cell of the guest is to be on NUMA node {number}, which has no processors")
    return [known[number] for number in server.numa_nodes]


def _vcpus(server: DesiredServer) -> list[range]:
    """The vCPUs of each cell, in order."""
    found, first = [], 0
    for share in _shares(server.vcpus, len(server.numa_nodes), "vCPUs"):
        found.append(range(first, first + share))
        first += share
    return found


def _shares(total: int, count: int, what: str) -> list[int]:
    """As even as can be; what is left over is the first one's."""
    if total < count:
        raise Invalid(f"{total} {what} are too few for {count} NUMA cells")
    return [total // count + (total % count if cell == 0 else 0) for cell in range(count)]


def _numbers(numbers: Iterable[int]) -> str:
    """``0-3,8``: libvirt's way to write a set of processors or of nodes."""
    runs = []
    for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        of_run = [number for _, number in run]
        runs.append(str(of_run[0]) if len(of_run) == 1 else f"{of_run[0]}-{of_run[-1]}")
    return ",".join(runs)
