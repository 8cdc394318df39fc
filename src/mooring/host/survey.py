"""A look at a bare host before an agent runs on it: nothing is changed, and every read and wait has a limit.

``core/hostcheck.py`` and ``core/pfcheck.py`` say what the findings mean. Whatever cannot be read is left open there
(``None``, or not in the survey), for a file that is missing is an answer here and no error.
"""

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mooring.core.devspec import DeviceSpec, concerned
from mooring.errors import HostFault, MooringError
from mooring.host.attribute import read_file
from mooring.host.bridges import ovs_among
from mooring.host.host_use import host_uses
from mooring.host.occupants import occupants_of
from mooring.host.programs import SEARCH_PATH
from mooring.host.sysfs import find_root, read_functions
from mooring.host.traits import CardTraits
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.survey import BridgeKind, FileState, LibvirtAnswer, Loading, Platform, Survey

LIBVIRT_WAIT_S = 30.0
"""libvirt's client waits for its daemon without a limit, and the daemon may try KVM first, which takes a while."""
_FILE_MAX_BYTES = 65_536
_MODULES_MAX_BYTES = 16 * 1024 * 1024
_INTERRUPTS_MAX_BYTES = 64 * 1024 * 1024
"""A line for each interrupt with a column for each processor."""
_GROUP_MEMBERS_MAX = 64
_IOMMU_TABLES = ("DMAR", "IVRS", "IORT", "VIOT")
_OTHERS_MAY_READ = 0o077
_BRIDGE_CLASS = "0x0604"
_FIRST_IOV_RESOURCE, _IOV_RESOURCES_END = 7, 13
"""``PCI_IOV_RESOURCES`` of include/linux/pci.h: six standard BARs and the ROM come before, bridge windows behind."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the kernel shows itself."""

    root: Path = Path("/")
    """The folder that proc, dev and lib are in."""
    sysfs: Path = Path("/sys")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an agent.toml names on its host, and what programs are looked for."""

    folders: Sequence[Path] = ()
    key_file: Path | None = None
    bridges: Sequence[str] = ()
    programs: Sequence[str] = ()
    device_specs: Sequence[DeviceSpec] = ()
    """Of what is no NIC, only what they name is looked into."""


def survey(places: Places, wishes: Wishes, libvirt: LibvirtAnswer) -> Survey:
    """Everything at once. ``libvirt`` is what ``ask_libvirt`` answered."""
    status = _fields(_text(places.root / "proc/self/status"))
    fault, functions = "", tuple[PciFunction, ...]()
    uses: Mapping[PciAddress, str] = {}
    try:
        places = replace(places, sysfs=find_root(places.sysfs))
        functions = CardTraits.of(places.sysfs).added_to(read_functions(places.sysfs))
        named = concerned(functions, wishes.device_specs)
        handed = [one for one in functions if one.address in named]
        uses = host_uses(places.sysfs, handed, occupants_of(places.sysfs))
    except MooringError as failed:
        fault = failed.message
    return Survey(
        platform=_platform(places),
        libvirt=libvirt,
        programs=frozenset(name for name in wishes.programs if _is_installed(places.root, name)),
        is_root=(status.get("Uid", "").split() or ["0", "0"])[1:2] == ["0"],
        capabilities=_number(status.get("CapEff"), 16),
        folders={str(path): _folder_state(path) for path in wishes.folders},
        key_file=None if wishes.key_file is None else _secret_state(wishes.key_file),
        bridges={name: _bridge_kind(places, name) for name in wishes.bridges},
        functions=functions,
        fault=fault,
        host_uses=uses,
        shared_groups=_shared_groups(places.sysfs, functions),
        without_room=frozenset(one.address for one in functions if _has_no_room(places.sysfs, one)),
    )


def ask_libvirt(ask: Callable[[], LibvirtAnswer], wait_s: float = LIBVIRT_WAIT_S) -> LibvirtAnswer:
    """The answer, or why there is none; ``ask`` may block for good, and may raise a MooringError."""
    answers: list[LibvirtAnswer] = []

    def wait() -> None:
        try:
            answers.append(ask())
        except MooringError as refused:
            answers.append(LibvirtAnswer(silence=refused.message, code=refused.code, hint=refused.hint))

    thread = threading.Thread(target=wait, name="mooring-ask-libvirt", daemon=True)
    thread.start()
    thread.join(wait_s)
    return answers[0] if answers else LibvirtAnswer(silence=f"no answer within {wait_s:g} s", code="Unreachable")


def _platform(places: Places) -> Platform:
    proc, sysfs = places.root / "proc", places.sysfs
    kernel = _text(proc / "sys/kernel/osrelease").strip()
    cpu = _fields(_text(proc / "cpuinfo"))
    flags = frozenset(cpu.get("flags", "").split())
    return Platform(
        kernel=kernel,
        command_line=tuple(_text(proc / "cmdline").split()),
        cpu_vendor=cpu.get("vendor_id"),
        cpu_virtualizes=bool(flags & {"vmx", "svm"}) if flags else None,
        is_guest="hypervisor" in flags,
        iommu_tables=_iommu_tables(sysfs),
        iommu_units=tuple(_names(sysfs / "class/iommu")),
        iommu_group_count=len(_names(sysfs / "kernel/iommu_groups")),
        interrupts_are_remapped=_are_remapped(proc / "interrupts") if "vendor_id" in cpu else None,
        vfio_pci=_loading(places, "vfio-pci", kernel),
        has_vfio_device=(places.root / "dev/vfio/vfio").exists(),
        is_noiommu=_is_on(sysfs / "module/vfio/parameters/enable_unsafe_noiommu_mode"),
        allows_unsafe_interrupts=_is_on(sysfs / "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"),
        has_kvm_device=(places.root / "dev/kvm").exists(),
    )


def _iommu_tables(sysfs: Path) -> tuple[str, ...] | None:
    """``None``: this firmware shows no ACPI tables at all."""
    names = _names(sysfs / "firmware/acpi/tables")
    return tuple(name for name in _IOMMU_TABLES if name in names) if names else None


def _are_remapped(path: Path) -> bool | None:
    """On x86 the interrupt chips behind a remapping unit are named so: ``IR-PCI-MSI``, ``IR-IO-APIC``."""
    try:
        with path.open("rb") as stream:
            return b" IR-" in stream.read(_INTERRUPTS_MAX_BYTES)
    except OSError:
        return None


def _loading(places: Places, module: str, kernel: str) -> Loading:
    if (places.sysfs / "bus/pci/drivers" / module).is_dir():
        return Loading.LOADED
    modules = places.root / "lib/modules" / kernel
    file = re.compile(rf"/{re.escape(module)}\.ko", re.ASCII)
    if file.search(_text(modules / "modules.builtin", _MODULES_MAX_BYTES)):
        return Loading.LOADED
    is_there = file.search(_text(modules / "modules.dep", _MODULES_MAX_BYTES))
    return Loading.LOADABLE if is_there else Loading.MISSING


def _is_installed(root: Path, name: str) -> bool:
    return shutil.which(name, path=_search_path(root)) is not None


def _search_path(root: Path) -> str:
    return os.pathsep.join(str(root / folder.lstrip("/")) for folder in SEARCH_PATH.split(os.pathsep))


def _folder_state(path: Path) -> FileState:
    """Of one that is not there, whether it could be made."""
    nearest = next((each for each in (path, *path.parents) if each.exists()), None)
    if nearest is None or not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return FileState.DENIED
    return FileState.GOOD if nearest == path else FileState.MISSING


def _secret_state(path: Path) -> FileState:
    try:
        found = path.stat()
    except FileNotFoundError:
        return FileState.MISSING
    except OSError:
        return FileState.DENIED
    if found.st_mode & _OTHERS_MAY_READ:
        return FileState.EXPOSED
    return FileState.GOOD if os.access(path, os.R_OK) else FileState.DENIED


def _bridge_kind(places: Places, name: str) -> BridgeKind:
    netdevs = places.sysfs / "class/net"
    if name not in _names(netdevs):
        return BridgeKind.MISSING
    if (netdevs / name / "bridge").is_dir():
        filters = _is_on(netdevs / name / "bridge/vlan_filtering")
        return BridgeKind.VLAN_AWARE if filters else BridgeKind.PLAIN
    with suppress(HostFault):
        if ovs_among(places.sysfs, [name], _search_path(places.root)):
            return BridgeKind.OPEN_VSWITCH
    return BridgeKind.OTHER


def _shared_groups(sysfs: Path, functions: Iterable[PciFunction]) -> Mapping[PciAddress, tuple[str, ...]]:
    """VFIO hands out whole groups (Documentation/driver-api/vfio.rst); bridges in a group are not in its way."""
    found: dict[PciAddress, tuple[str, ...]] = {}
    for one in functions:
        if one.kind is FunctionKind.VF and one.iommu_group is not None:
            members = _names(sysfs / "kernel/iommu_groups" / str(one.iommu_group) / "devices")[:_GROUP_MEMBERS_MAX]
            others = tuple(name for name in members if name != str(one.address) and not _is_bridge(sysfs, name))
            if others:
                found[one.address] = others
    return found


def _is_bridge(sysfs: Path, name: str) -> bool:
    return _text(sysfs / "bus/pci/devices" / name / "class").startswith(_BRIDGE_CLASS)


def _has_no_room(sysfs: Path, pf: PciFunction) -> bool:
    """None of the VFs' BARs has an address: ``sriov_enable`` (drivers/pci/iov.c) answers ENOMEM then."""
    if pf.kind is not FunctionKind.PF or pf.vf_count != 0 or not pf.vf_total:
        return False
    try:
        lines = read_file(sysfs / "bus/pci/devices" / str(pf.address) / "resource").splitlines()
        starts = [int(line.split()[0], 16) for line in lines[_FIRST_IOV_RESOURCE:_IOV_RESOURCES_END]]
    except (OSError, ValueError, IndexError):
        return False
    return len(starts) == _IOV_RESOURCES_END - _FIRST_IOV_RESOURCE and not any(starts)


def _is_on(path: Path) -> bool:
    """A parameter of a module, or a switch in sysfs."""
    return _text(path).strip() in ("Y", "1")


def _text(path: Path, max_bytes: int = _FILE_MAX_BYTES) -> str:
    """What is there, up to the limit; of a file that cannot be read, nothing."""
    try:
        with path.open("rb") as stream:
            return stream.read(max_bytes).decode("ascii", "replace")
    except OSError:
        return ""


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names are wanted, and no paths
    except OSError:
        return []


def _fields(text: str) -> Mapping[str, str]:
    """``NAME: VALUE`` by line, as in /proc/self/status; of a name that comes again, the first."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return found


def _number(text: str | None, base: int) -> int:
    try:
        return int(text or "0", base)
    except ValueError:
        return 0
