"""Whether the host itself uses a function, and how: what is used is never handed out.

Sysfs shows bonds, bridges, switches and what is stacked on a netdev; the rest is asked of ``Occupants``. An address on
a PF makes that PF the host's own, not its VFs. Of what is no NIC, ``host/device_use.py`` knows.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from mooring.core.endpoints import is_network, is_passthrough
from mooring.host.attribute import DeviceFiles, shown
from mooring.host.device_use import Disks, device_nodes, device_use
from mooring.host.machine import Occupants
from mooring.host.netdevs import listed_paths
from mooring.host.sysfs import Folders, find_root
from mooring.model.pci import FunctionKind, PciAddress, PciFunction

_GUEST_UPPERS = ("upper_macvtap", "upper_macvlan")


def host_uses(
    root: Path, functions: Sequence[PciFunction], occupants: Occupants | None = None
) -> Mapping[PciAddress, str]:
    """Why the host itself uses each function that it uses: its netdev is in a bond, its disk is mounted, and so on.

    Without ``occupants``, only what sysfs shows. A macvtap or macvlan on top is a guest's and is not counted; whose
    guest that is, the hypervisor knows. What cannot be told counts as use. Raises what ``occupants`` raise. Looking
    into disks takes a while: give it what somebody might be handed.
    """
    if not functions:
        return {}
    root = find_root(root)
    folders = Folders(root)
    carried = occupants.netdevs() if occupants is not None else {}
    disks = Disks(root, occupants) if any(map(_is_device, functions)) else None
    uses: dict[PciAddress, str] = {}
    for one in functions:
        use = _in_sysfs(folders, one)
        if use is None and disks is not None and _is_device(one):
            use = _of_device(folders, one, disks) or None
        if use is None and one.netdev is not None and one.netdev in carried:
            use = f"{one.netdev} {carried[one.netdev]}"
        if use is not None:
            uses[one.address] = use
    return uses


def open_elsewhere(
    root: Path, functions: Sequence[PciFunction], occupants: Occupants, guests: Collection[PciAddress]
) -> Mapping[PciAddress, str]:
    """Which functions another program drives, with VFIO or UIO, or by the nodes of a driver that is no NIC's.

    Those of our own ``guests`` are not asked about. Looks into every process when there is anything to look for.
    """
    root = find_root(root)
    folders = Folders(root)
    asked = [one for one in functions if one.address not in guests]
    handed = {one.address: tuple(_nodes(folders, one)) for one in asked if is_passthrough(one.driver)}
    disks = Disks(root, None) if any(map(_is_device, functions)) else None
    # Of what a driver of the host's has, nobody may be meant to look into every process: what is seen counts.
    driven = {
        one.address: tuple(_own_nodes(folders, one, disks)) for one in asked if disks is not None and _is_device(one)
    }
    return {**_opened(driven, occupants, is_seen=True), **_opened(handed, occupants, is_seen=False)}


def _opened(
    nodes: Mapping[PciAddress, Sequence[str]], occupants: Occupants, *, is_seen: bool
) -> Mapping[PciAddress, str]:
    wanted = {node for some in nodes.values() for node in some}
    holders = occupants.holders(wanted, is_seen=is_seen) if wanted else {}
    opened = ((address, next((node for node in some if node in holders), None)) for address, some in nodes.items())
    return {address: f"{node} is open in {holders[node]}" for address, node in opened if node is not None}


def _is_device(function: PciFunction) -> bool:
    return is_network(function) is False


def _of_device(folders: Folders, function: PciFunction, disks: Disks) -> str:
    try:
        files = DeviceFiles(folders.of(str(function.address)))
    except OSError:
        return "its use by the host cannot be told: its entry does not lead to a folder of its own in this sysfs"
    with files:
        use = device_use(files, function, disks)
        if not use and files.faults and folders.has(str(function.address)):
            return f"its use by the host cannot be told: {files.faults[0]}"
    return use


def _in_sysfs(folders: Folders, function: PciFunction) -> str | None:
    if function.netdev is None:
        return _without_netdev(function)
    try:
        files = DeviceFiles(folders.of(str(function.address)))
    except OSError:
        return "its use by the host cannot be told: its entry does not lead to a folder of its own in this sysfs"
    with files:
        for path in listed_paths(files):
            netdev, names = path.rpartition("/")[2], files.names(path)
            if "master" in names:
                return f"{netdev} is in {_kind_of_master(names)} {shown(files.link(f'{path}/master') or '')}"
            for name in names:
                if name.startswith("upper_") and not name.startswith(_GUEST_UPPERS):
                    return f"{netdev} carries {shown(name.removeprefix('upper_'))}"
        if files.faults and folders.has(str(function.address)):
            return f"its use by the host cannot be told: {files.faults[0]}"
    return None


def _kind_of_master(names: Collection[str]) -> str:
    return "bond" if "bonding_slave" in names else "bridge" if "brport" in names else "switch"


def _without_netdev(function: PciFunction) -> str | None:
    """A driver that makes netdevs, and none to be seen: a container has it. What has faults is not offered anyway."""
    has_none = function.driver is None or is_passthrough(function.driver) or function.faults
    if has_none or function.kind is FunctionKind.PCI or _is_device(function):
        return None
    return f"{function.driver} has it and shows no netdev: that is in another network namespace"


def _nodes(folders: Folders, function: PciFunction) -> Iterator[str]:
    """The device nodes by which a program drives a function."""
    if function.iommu_group is not None:
        yield f"/dev/vfio/{function.iommu_group}"
        yield f"/dev/vfio/noiommu-{function.iommu_group}"
    try:
        files = DeviceFiles(folders.of(str(function.address)))
    except OSError:
        return
    with files:
        for name in files.names("vfio-dev"):
            yield f"/dev/vfio/devices/{name}"
        for name in files.names("uio"):
            yield f"/dev/{name}"


def _own_nodes(folders: Folders, function: PciFunction, disks: Disks) -> Iterator[str]:
    """Those that its own driver makes."""
    try:
        files = DeviceFiles(folders.of(str(function.address)))
    except OSError:
        return
    with files:
        yield from device_nodes(files, function, disks)
