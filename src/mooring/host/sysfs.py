"""What sysfs shows of a host's PCI functions, bridges apart: PFs, VFs and plain ones, with all that is wrong with them.

The same reader serves a live ``/sys``, a recording of one, and the trees that ``mooring.testing`` builds. The truth
about which VF is number N of which PF are the PF's ``virtfnN`` links (``Documentation/ABI/testing/sysfs-bus-pci``); a
VF's own ``physfn`` has to agree with them.

A thousand functions are looked at every half minute, so the system calls are counted: ``uevent`` has class and ids in
one file (``pci_uevent`` in drivers/pci/pci-driver.c), only what has no ``physfn`` is listed, and the links of
``class/net`` tell each function's netdevs in one go.
"""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from mooring.errors import HostFault, NotFound
from mooring.host.attribute import DeviceFiles, ReadFile, errno_name, is_folder, shown
from mooring.host.netdevs import NetdevPaths, listed_paths, paths_by_function, read_netdev
from mooring.host.vf_links import SeenFunction, judge
from mooring.model.pci import PciAddress, PciFunction

_LIVE = Path("/sys")
VF_MAX = 65535
"""TotalVFs is a 16-bit register (SR-IOV specification, 3.3.6)."""
_NUMA_NODE_MAX = 1023
_IOMMU_GROUP_MAX = 2**31 - 1
_BRIDGE_CLASS = 0x06
_NAMES_MAX = 8192
_UEVENTS_MAX = 256
_NOBODY = "ffff"
"""All ones is what a bus reads where nobody answers."""

_PCI_LINES = re.compile(
    r"^PCI_CLASS=(?P<class>[0-9A-F]{4,6})\nPCI_ID=(?P<vendor>[0-9A-F]{4}):(?P<product>[0-9A-F]{4})$",
    re.ASCII | re.MULTILINE,
)
_DRIVER, _SLOT_NAME = "DRIVER=", "PCI_SLOT_NAME="
_DRIVER_NAME = re.compile(r"[!-~]{1,64}", re.ASCII)
_CLASS = re.compile(r"0x([0-9a-f]{6})", re.ASCII)
_VIRTFN = re.compile(r"virtfn(0|[1-9][0-9]{0,4})", re.ASCII)
_IOMMU_GROUP = re.compile(r"[0-9]{1,10}", re.ASCII)


def find_root(path: Path) -> Path:
    """The folder that holds ``bus/pci/devices``: ``path`` itself, or ``path/sys``. Raises NotFound."""
    for root in (path, path / "sys"):
        devices = Path(os.path.realpath(root / "bus/pci/devices"))
        if is_folder(devices) and devices.is_relative_to(os.path.realpath(root)):
            return root
    raise NotFound("sysfs tree", str(path), hint="give the folder that holds bus/pci/devices, as /sys does")


def is_live(root: Path) -> bool:
    """Whether it is this machine's own sysfs: of a recording the kernel has nothing more to say."""
    return root.resolve() == _LIVE


def read_functions(
    root: Path, *, only: Collection[PciAddress] | None = None, read: ReadFile | None = None
) -> tuple[PciFunction, ...]:
    """Every function but bridges (class 0x06xxxx), which nobody can be given, ordered by address.

    With ``only``, just these: a VF is known by what its PF says of it, and a PF is sound when its VFs are, so name
    them as well.

    No damage raises: a function is listed with a sentence in ``faults`` for each thing that is wrong with it. One whose
    class cannot be told is listed too, for it may be one. A function that goes away during the scan is left out.
    ``read`` fetches an attribute instead of the kernel. What sysfs does not have (serial, eswitch mode, features) is
    added by ``host/traits.py``. Raises NotFound when there is no sysfs, HostFault when its list of devices cannot be
    read.
    """
    root = find_root(root)
    # For a few functions their own folders are quicker asked than the list of all netdevs.
    scan = _Scan(root, paths_by_function(root) if only is None else None, read)
    names = _names(root) if only is None else [str(address) for address in only]
    seen = (scan.function(name) for name in sorted(names, key=lambda name: (len(name), name)))
    return judge([one for one in seen if one is not None], is_all=only is None)


def vfs_of(root: Path, pf: PciAddress) -> tuple[PciAddress, ...]:
    """Where a PF's ``virtfnN`` links lead now; none for what is no PF, or is not there."""
    folder = f"{find_root(root)}/bus/pci/devices/{pf}"
    try:
        links = [f"{folder}/{name}" for name in os.listdir(folder) if _VIRTFN.fullmatch(name)]  # noqa: PTH208 - as text
        found = [_address(os.readlink(link).rpartition("/")[2]) for link in links]  # noqa: PTH115 - there may be many
    except OSError:
        return ()
    return tuple(sorted(address for address in found if address is not None))


def group_of(root: Path, address: PciAddress) -> tuple[PciAddress, ...]:
    """What is in a function's IOMMU group, itself and bridges included; none where there is no group."""
    folder = f"{find_root(root)}/bus/pci/devices/{address}/iommu_group/devices"
    try:
        found = [_address(name) for name in os.listdir(folder)]  # noqa: PTH208 - as text
    except OSError:
        return ()
    return tuple(sorted(address for address in found if address is not None))


def _names(root: Path) -> list[str]:
    devices = root / "bus/pci/devices"
    try:
        return [name for name in os.listdir(devices) if _address(name) is not None]  # noqa: PTH208 - as text
    except OSError as failure:
        raise HostFault(
            f"{devices} cannot be listed ({errno_name(failure)})", hint="run the agent as root"
        ) from failure


@lru_cache(_NAMES_MAX)
def _address(text: str) -> PciAddress | None:
    """An address in the kernel's own spelling; anything else is ``None``."""
    try:
        address = PciAddress.parse(text)
    except ValueError:
        return None
    return address if str(address) == text else None


class Folders:
    """Where the entries of ``bus/pci/devices`` lead. For one look: it remembers what is above them."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self._devices = f"{root}/bus/pci/devices"
        self._parents: dict[str, str | None] = {}

    def has(self, name: str) -> bool:
        """Whether there is an entry of that name, wherever it leads."""
        return os.path.lexists(f"{self._devices}/{name}")

    def of(self, name: str) -> str:
        """A function's own folder, every link above it followed. Raises OSError when that is not inside this sysfs."""
        parent, _, last = os.readlink(f"{self._devices}/{name}").rpartition("/")  # noqa: PTH115 - paths cost time
        if parent not in self._parents:
            path = os.path.realpath(f"{self._devices}/{parent}")
            self._parents[parent] = path if Path(path).is_relative_to(self._root) else None
        folder = self._parents[parent]
        if folder is None or last != name:
            raise NotADirectoryError(name)
        return f"{folder}/{name}"


class _Scan:
    """One look at one tree."""

    def __init__(self, root: Path, netdevs: Mapping[str, NetdevPaths] | None, read: ReadFile | None) -> None:
        """``netdevs`` is what ``class/net`` tells of every function; ``None``: each function's folder is asked."""
        self._folders = Folders(root)
        self._netdevs = netdevs
        self._read = read

    def function(self, name: str) -> SeenFunction | None:
        """``None``: a bridge, or gone."""
        address = _address(name)
        if address is None:
            return None
        try:
            files = DeviceFiles(self._folders.of(name), self._read)
        except OSError:
            fault = "its entry in bus/pci/devices does not lead to a folder of its own in this sysfs"
            return SeenFunction(name, address, [fault]) if self._folders.has(name) else None
        with files:
            seen = self._seen(files, name, address)
        return None if files.missed and not self._folders.has(name) else seen

    def _seen(self, files: DeviceFiles, name: str, address: PciAddress) -> SeenFunction | None:
        seen = SeenFunction(name, address, files.faults)
        if _is_bridge(seen, files):
            return None
        _read_links(seen, files)
        seen.numa_node = files.number("numa_node", 0, _NUMA_NODE_MAX, optional=True, unset=(-1,))
        seen.iommu_group = _iommu_group(files)
        # Whether there is such a file at all: there is one for all functions or for none.
        shown_here = {"numa_node": seen.numa_node, "iommu_group": seen.iommu_group}
        seen.absent = [what for what, value in shown_here.items() if value is None and not files.has(what)]
        known = None if self._netdevs is None else self._netdevs.get(name, ())
        seen.netdev = read_netdev(files, listed_paths(files) if known is None else known, is_pf=seen.is_pf)
        return seen


def _is_bridge(seen: SeenFunction, files: DeviceFiles) -> bool:
    """By ``uevent``, with ids and driver; when it is damaged by ``class``; when both are, perhaps not, so no."""
    text = files.text("uevent")
    if text is not None:
        told = _told_by_uevent(text.partition(_SLOT_NAME)[0])
        seen.driver, seen.device_class = told.driver, told.device_class
        seen.vendor_id, seen.product_id = told.vendor_id, told.product_id
        for fault in told.faults:
            files.fault(fault)
        if told.is_bridge is not None:
            return told.is_bridge
    by_class = _CLASS.fullmatch((files.text("class", optional=True) or "").lower())
    return by_class is not None and int(by_class[1], 16) >> 16 == _BRIDGE_CLASS


class _Uevent(NamedTuple):
    is_bridge: bool | None = None
    driver: str | None = None
    vendor_id: str = ""
    product_id: str = ""
    device_class: str = ""
    faults: tuple[str, ...] = ()


@lru_cache(_UEVENTS_MAX)
def _told_by_uevent(head: str) -> _Uevent:
    """What is before the function's own name is the same for many functions."""
    match = _PCI_LINES.search(head)
    if match is None:
        return _Uevent(faults=(f"uevent is {shown(head)}, without PCI_CLASS and PCI_ID",))
    if int(match["class"], 16) >> 16 == _BRIDGE_CLASS:
        return _Uevent(is_bridge=True)
    faults, driver = [], None
    if head.startswith(_DRIVER):
        driver = head[len(_DRIVER) : head.index("\n")]
        if _DRIVER_NAME.fullmatch(driver) is None:
            faults.append(f"uevent names the driver {shown(driver)}, which is no driver's name")
            driver = None
    vendor_id, product_id = match["vendor"].lower(), match["product"].lower()
    if _NOBODY in {vendor_id, product_id}:
        faults.append(f"uevent says {shown(match[0])}: the function does not answer")
    return _Uevent(False, driver, vendor_id, product_id, match["class"].lower().zfill(6), tuple(faults))


def _read_links(seen: SeenFunction, files: DeviceFiles) -> None:
    """What makes it a PF or a VF. Only what does not look like a VF has to be listed."""
    target = files.link("physfn")
    seen.has_physfn = target is not None
    if target is not None and target != seen.name:
        seen.physfn = target if _address(target) is not None else None
        if seen.physfn is None:
            files.fault(f"physfn points to {shown(target)}, which is no PCI address")
        return
    names = files.names()
    seen.has_physfn, seen.physfn = "physfn" in names, target
    virtfn_names = [name for name in names if name.startswith("virtfn")]
    seen.is_pf = bool(virtfn_names) or "sriov_totalvfs" in names or "sriov_numvfs" in names
    if seen.is_pf:
        seen.vf_total = files.number("sriov_totalvfs", 0, VF_MAX)
        seen.vf_count = files.number("sriov_numvfs", 0, VF_MAX)
        seen.virtfns = dict(_virtfns(files, virtfn_names))


def _virtfns(files: DeviceFiles, names: Iterable[str]) -> Iterator[tuple[int, str | None]]:
    for name in names:
        match = _VIRTFN.fullmatch(name)
        if match is None or int(match[1]) >= VF_MAX:
            files.fault(f"{shown(name)} is no virtfn link that a kernel makes")
            continue
        target = files.link(name)
        if target is not None and _address(target) is None:
            files.fault(f"{name} points to {shown(target)}, which is no PCI address")
            target = None
        yield int(match[1]), target


def _iommu_group(files: DeviceFiles) -> int | None:
    """The number holds for this boot only and is never a key."""
    name = files.link("iommu_group")
    if name is not None and not (_IOMMU_GROUP.fullmatch(name) and int(name) <= _IOMMU_GROUP_MAX):
        files.fault(f"iommu_group points to {shown(name)}, which is no group's number")
        return None
    return None if name is None else int(name)
