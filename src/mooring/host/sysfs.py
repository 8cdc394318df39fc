"""What sysfs shows of a host's network functions: PFs, VFs and plain ones, with everything that is wrong with them.

The same reader serves a live ``/sys``, a recording of one, and the trees that ``mooring.testing`` builds. The truth
about which VF is number N of which PF are the PF's ``virtfnN`` links (``Documentation/ABI/testing/sysfs-bus-pci``); a
VF's own ``physfn`` has to agree with them.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from mooring.errors import HostFault, NotFound
from mooring.host.attribute import DeviceFiles, ReadFile, errno_name, is_folder, read_file, shown
from mooring.host.vf_links import SeenFunction, judge
from mooring.model.pci import FunctionKind, PciAddress, PciFunction

VF_MAX = 65535
"""TotalVFs is a 16-bit register (SR-IOV specification, 3.3.6)."""
_NUMA_NODE_MAX = 1023
_IOMMU_GROUP_MAX = 2**31 - 1
_MTU_MAX = 65535
_LINK_SPEED_MAX_MBPS = 10_000_000
_SPEED_UNKNOWN = (-1, 2**32 - 1)
_IFNAME_MAX_BYTES = 15
_DRIVER_NAME_MAX_CHARS = 64
_NETWORK_CLASS = 0x02

_CLASS = re.compile(r"0x([0-9a-f]{2})[0-9a-f]{4}", re.ASCII)
_UEVENT_CLASS = re.compile(r"^PCI_CLASS=([0-9A-F]{1,2})[0-9A-F]{4}$", re.ASCII | re.MULTILINE)
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.ASCII)
_VIRTFN = re.compile(r"virtfn(0|[1-9][0-9]{0,4})", re.ASCII)
_VIRTIO = re.compile(r"virtio[0-9]+", re.ASCII)
_UPLINK_PORT = re.compile(r"p[0-9]+", re.ASCII)
_IOMMU_GROUP = re.compile(r"[0-9]{1,10}", re.ASCII)
_LINK_IS_UP = {
    "up": True,
    "unknown": None,
    **dict.fromkeys(("down", "lowerlayerdown", "dormant", "notpresent", "testing"), False),
}
_GUEST_UPPERS = ("upper_macvtap", "upper_macvlan")


def find_root(path: Path) -> Path:
    """The folder that holds ``bus/pci/devices``: ``path`` itself, or ``path/sys``. Raises NotFound."""
    for root in (path, path / "sys"):
        devices = Path(os.path.realpath(root / "bus/pci/devices"))
        if is_folder(devices) and _is_inside(devices, root):
            return root
    raise NotFound("sysfs tree", str(path), hint="give the folder that holds bus/pci/devices, as /sys does")


def read_functions(
    root: Path, *, only: Collection[PciAddress] | None = None, read: ReadFile = read_file
) -> tuple[PciFunction, ...]:
    """Every network-class function (0x02xxxx), ordered by address.

    With ``only``, just these: a VF is known by what its PF says of it, so name the PF as well.

    No damage raises: a function is listed with a sentence in ``faults`` for each thing that is wrong with it. One whose
    class cannot be told is listed too, for it may be one. A function that goes away during the scan is left out.
    ``read`` is what fetches one attribute. Raises NotFound when there is no sysfs, HostFault when its list of devices
    cannot be read.
    """
    root = find_root(root)
    wanted = (address for address in _addresses(root) if only is None or address in only)
    seen = (_read_function(root, address, read) for address in wanted)
    return judge([one for one in seen if one is not None])


def host_use(root: Path, function: PciFunction) -> str | None:
    """Why the host itself uses a function: its netdev is in a bond or a bridge, or carries a VLAN or the like.

    ``None``: nothing that sysfs shows. A macvtap or macvlan on top is a guest's and is not counted; whose guest that
    is, the hypervisor knows. IP addresses and sockets are not in sysfs at all.
    """
    root = find_root(root)
    files = DeviceFiles(_folder(root, function.address))
    if not _is_inside(files.folder, root):
        return "its use by the host cannot be told: its entry leads out of sysfs"
    for path in _netdev_paths(files):
        netdev = path.rpartition("/")[2]
        names = files.names(path)
        if "master" in names:
            kind = "bond" if "bonding_slave" in names else "bridge" if "brport" in names else "switch"
            return f"{netdev} is in {kind} {shown(files.link(f'{path}/master') or '')}"
        for name in names:
            if name.startswith("upper_") and not name.startswith(_GUEST_UPPERS):
                return f"{netdev} carries {shown(name.removeprefix('upper_'))}"
    if files.faults and os.path.lexists(files.folder):
        return f"its use by the host cannot be told: {files.faults[0]}"
    return None


def _addresses(root: Path) -> Iterator[PciAddress]:
    try:
        names = sorted(entry.name for entry in (root / "bus/pci/devices").iterdir())
    except OSError as failure:
        raise HostFault(
            f"{root}/bus/pci/devices cannot be listed ({errno_name(failure)})", hint="run the agent as root"
        ) from failure
    return (address for name in names if (address := _address(name)) is not None)


def _address(text: str | None) -> PciAddress | None:
    """An address in the kernel's own spelling; anything else is ``None``."""
    try:
        address = PciAddress.parse(text or "")
    except ValueError:
        return None
    return address if str(address) == text else None


def _folder(root: Path, address: PciAddress) -> Path:
    return Path(os.path.realpath(root / "bus/pci/devices" / str(address)))


def _is_inside(path: Path, root: Path) -> bool:
    return path.is_relative_to(os.path.realpath(root))


def _read_function(root: Path, address: PciAddress, read: ReadFile) -> SeenFunction | None:
    """``None``: not a network function, or gone."""
    files = DeviceFiles(_folder(root, address), read)
    if not (_is_inside(files.folder, root) and is_folder(files.folder) and files.folder.name == str(address)):
        files.fault("its entry in bus/pci/devices does not lead to a folder of its own in this sysfs")
        seen = SeenFunction(PciFunction(address, FunctionKind.PCI, faults=tuple(files.faults)))
    elif not _is_network(files):
        return None
    else:
        seen = _seen(files, address, read)
    return seen if os.path.lexists(root / "bus/pci/devices" / str(address)) else None


def _is_network(files: DeviceFiles) -> bool:
    """By ``class``; when that is damaged by ``uevent``, which repeats it; when both are, perhaps, so yes."""
    text = files.text("class")
    if text is None:
        match = None
    elif (match := _CLASS.fullmatch(text.lower())) is None:
        files.fault(f"class is {shown(text)}, not like 0x020000")
    if match is None:
        match = _UEVENT_CLASS.search(files.text("uevent", optional=True) or "")
    return match is None or int(match[1], 16) == _NETWORK_CLASS


def _seen(files: DeviceFiles, address: PciAddress, read: ReadFile) -> SeenFunction:
    names = files.names()
    virtfn_names = [name for name in names if name.startswith("virtfn")]
    is_pf = bool(virtfn_names) or "sriov_totalvfs" in names or "sriov_numvfs" in names
    function = PciFunction(
        address=address,
        kind=FunctionKind.PF if is_pf else FunctionKind.PCI,
        vendor_id=files.hex_id("vendor"),
        product_id=files.hex_id("device"),
        driver=_driver(files),
        vf_total=files.number("sriov_totalvfs", 0, VF_MAX) if is_pf else None,
        vf_count=files.number("sriov_numvfs", 0, VF_MAX) if is_pf else None,
        numa_node=files.number("numa_node", 0, _NUMA_NODE_MAX, optional=True, unset=(-1,)),
        iommu_group=_iommu_group(files),
    )
    physfn, virtfns = _physfn(files), dict(_virtfns(files, virtfn_names))
    return SeenFunction(
        function=_with_netdev(replace(function, faults=tuple(files.faults)), files.folder, read),
        has_physfn="physfn" in names,
        physfn=physfn,
        virtfns=virtfns,
        absent=frozenset({"numa_node", "iommu_group"} - set(names)),
    )


def _with_netdev(function: PciFunction, folder: Path, read: ReadFile) -> PciFunction:
    """The function with its netdev. One that goes away meanwhile, as it does on the way to vfio-pci, is no fault."""
    files = DeviceFiles(folder, read)
    path = _netdev_path(files)
    if path is not None:
        function = replace(
            function,
            netdev=path.rpartition("/")[2],
            mac=_mac(files, f"{path}/address"),
            link_speed_mbps=files.number(f"{path}/speed", 0, _LINK_SPEED_MAX_MBPS, optional=True, unset=_SPEED_UNKNOWN),
            link_is_up=_link_is_up(files, f"{path}/operstate"),
            mtu=files.number(f"{path}/mtu", 0, _MTU_MAX),
        )
        if not os.path.lexists(folder / path):
            return replace(function, netdev=None, mac=None, link_speed_mbps=None, link_is_up=None, mtu=None)
    return replace(function, faults=(*function.faults, *files.faults))


def _driver(files: DeviceFiles) -> str | None:
    name = files.link("driver")
    if name is not None and not (name.isprintable() and 0 < len(name) <= _DRIVER_NAME_MAX_CHARS):
        files.fault(f"driver points to {shown(name)}, which is no driver's name")
        return None
    return name


def _iommu_group(files: DeviceFiles) -> int | None:
    """The number holds for this boot only and is never a key."""
    name = files.link("iommu_group")
    if name is not None and not (_IOMMU_GROUP.fullmatch(name) and int(name) <= _IOMMU_GROUP_MAX):
        files.fault(f"iommu_group points to {shown(name)}, which is no group's number")
        return None
    return None if name is None else int(name)


def _physfn(files: DeviceFiles) -> PciAddress | None:
    target = files.link("physfn")
    address = _address(target)
    if target is not None and address is None:
        files.fault(f"physfn points to {shown(target)}, which is no PCI address")
    return address


def _virtfns(files: DeviceFiles, names: Iterable[str]) -> Iterator[tuple[int, PciAddress | None]]:
    for name in names:
        match = _VIRTFN.fullmatch(name)
        if match is None or int(match[1]) >= VF_MAX:
            files.fault(f"{shown(name)} is no virtfn link that a kernel makes")
            continue
        target = files.link(name)
        if target is not None and _address(target) is None:
            files.fault(f"{name} points to {shown(target)}, which is no PCI address")
        yield int(match[1]), _address(target)


def _netdev_path(files: DeviceFiles) -> str | None:
    """The function's own netdev. In switchdev mode a PF's folder holds the representors too; its uplink is ``pN``."""
    paths = list(_netdev_paths(files))
    if len(paths) > 1:
        for path in paths:
            port = files.text(f"{path}/phys_port_name", optional=True)
            if port is not None and _UPLINK_PORT.fullmatch(port):
                return path
    return paths[0] if paths else None


def _netdev_paths(files: DeviceFiles) -> Iterator[str]:
    """``net/NAME`` of each netdev; a virtio function keeps its own one level deeper, at ``virtioN/net/NAME``."""
    for parent in ("net", *(f"{name}/net" for name in files.names() if _VIRTIO.fullmatch(name))):
        for name in files.names(parent):
            if name.isprintable() and not re.search(r"[\s/:]", name) and len(os.fsencode(name)) <= _IFNAME_MAX_BYTES:
                yield f"{parent}/{name}"
            else:
                files.fault(f"{parent} holds {shown(name)}, which is no netdev's name")


def _mac(files: DeviceFiles, name: str) -> str | None:
    text = files.text(name)
    if text is None:
        return None
    mac = text.lower()
    if _MAC.fullmatch(mac) is None or int(mac[:2], 16) & 1:
        files.fault(f"{name} is {shown(text)}, not the MAC address of one Ethernet device")
        return None
    return mac


def _link_is_up(files: DeviceFiles, name: str) -> bool | None:
    """RFC 2863 operational state; ``unknown`` is what drivers show that do not keep it."""
    text = files.text(name)
    if text is not None and text not in _LINK_IS_UP:
        files.fault(f"{name} is {shown(text)}, which is no operational state")
    return _LINK_IS_UP.get(text or "")
