"""What the host does with a function that is no NIC: disks below it, a screen, the nodes in /dev that lead to it.

A mounted file system or a volume group behind a controller is lost with its reset. So what a disk is used for is asked
in several ways, one of which tells even what mounts in other namespaces and ZFS do; and what cannot be told is use.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mooring.core.endpoints import is_passthrough
from mooring.host.attribute import DeviceFiles, errno_name, shown
from mooring.host.machine import Occupants
from mooring.model.pci import PciFunction

_BLOCKS_MAX = 65_536
_STORAGE, _DISPLAY = "01", "03"
_ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]", re.ASCII)
_SUBSYSTEM = re.compile(r"(.*/nvme-subsystem/[^/]+)/.+", re.ASCII)
_CONTROLLER = re.compile(r"nvme[0-9]+", re.ASCII)
_PATH = re.compile(r"nvme[0-9]+c[0-9]+n[0-9]+", re.ASCII)
"""One of several ways to a disk, which has no node and is used by nothing but the disk."""
_NODES = {"drm": "/dev/dri", "accel": "/dev/accel", "nvme": "/dev"}
"""Folders of a function whose entries are named as their nodes in /dev are."""


class Disks:
    """The block devices of one sysfs, each with the functions that it is reached through. For one look."""

    def __init__(self, root: Path, occupants: Occupants | None) -> None:
        self._root = root
        self._occupants = occupants
        self.fault = ""
        """Why block devices cannot be told; empty: they can."""
        self._names: dict[str, list[str]] = {}
        try:
            self._look()
        except OSError as failure:
            self.fault = f"class/block cannot be listed ({errno_name(failure)})"
        self._systems = _file_systems(root)

    def of(self, function: PciFunction) -> Sequence[str]:
        """Disks and partitions, by name, as ``class/block`` has them."""
        return self._names.get(str(function.address), ())

    def use(self, function: PciFunction) -> str:
        """How the host uses one of them; empty: it uses none."""
        names = self.of(function)
        for name in names:
            holder = next(iter(_names(self._root / "class/block" / name / "holders")), None)
            if holder is not None:
                return f"{name} is held by {shown(holder)}"
            if name in self._systems:
                return f"{name} has a mounted {self._systems[name]} file system"
        if names and self._occupants is not None:
            told = self._occupants.disks({name: self._number(name) for name in names})
            return next((f"{name} {told[name]}" for name in names if name in told), "")
        return ""

    def _look(self) -> None:
        folder = self._root / "class/block"
        names = os.listdir(folder)  # noqa: PTH208 - as text
        if len(names) > _BLOCKS_MAX:
            self.fault = f"class/block has {len(names)} entries, over {_BLOCKS_MAX}"
        for name in sorted(names[:_BLOCKS_MAX]):
            if _PATH.fullmatch(name):
                continue
            try:
                target = os.readlink(folder / name)  # noqa: PTH115 - there may be many
            except OSError:  # it went
                continue
            # Whatever lies between: below a volume management device the disks' own controllers have a bus.
            for address in {address for path in self._paths(target) for address in _ADDRESS.findall(path)}:
                self._names.setdefault(address, []).append(name)

    def _paths(self, target: str) -> Iterator[str]:
        """Where the device is; one that several NVMe controllers lead to is below none of them, and names them all."""
        yield target
        subsystem = _SUBSYSTEM.fullmatch(target)
        if subsystem is None:
            return
        folder = Path(os.path.realpath(self._root / "class/block" / subsystem[1]))
        for name in _names(folder):
            if _CONTROLLER.fullmatch(name):
                yield os.path.realpath(folder / name)

    def _number(self, name: str) -> str:
        """``259:1``; empty for one that does not tell."""
        try:
            return (self._root / "class/block" / name / "dev").read_text("ascii").strip()
        except (OSError, UnicodeError):
            return ""


def device_use(files: DeviceFiles, function: PciFunction, disks: Disks) -> str:
    """Why the host itself uses a function that is no NIC; empty: it does not."""
    if function.device_class.startswith(_DISPLAY):
        if files.text("boot_vga", optional=True) == "1":
            return "it is the screen that the host booted on (boot_vga)"
        buffers = [name for name in files.names("graphics") if name.startswith("fb")]
        if buffers:
            return f"it has the host's frame buffer {shown(buffers[0])}"
    is_driven = function.driver is not None and not is_passthrough(function.driver)
    if disks.fault and is_driven and function.device_class.startswith(_STORAGE):
        return f"its use by the host cannot be told: {disks.fault}"
    return disks.use(function)


def device_nodes(files: DeviceFiles, function: PciFunction, disks: Disks) -> Iterator[str]:
    """The nodes in /dev by which programs reach it while its own driver has it."""
    for folder, home in _NODES.items():
        for name in files.names(folder):
            yield f"{home}/{name}"
    for name in disks.of(function):
        yield _node(name)


def _node(name: str) -> str:
    """``!`` is how sysfs writes the slash of ``cciss/c0d0`` (device_get_devnode in drivers/base/core.c)."""
    return f"/dev/{name.replace('!', '/')}"


def _file_systems(root: Path) -> Mapping[str, str]:
    """The kind of each mounted file system by its block device, in whatever namespace it is mounted.

    ``fs/ext4/sda1``, ``fs/xfs/sda1`` and the like are there for each; ``fs/btrfs`` lists the devices of each file
    system.
    """
    found: dict[str, str] = {}
    for kind in _names(root / "fs"):
        if kind == "btrfs":
            for each in _names(root / "fs/btrfs"):
                found |= dict.fromkeys(_names(root / "fs/btrfs" / each / "devices"), kind)
        else:
            found |= dict.fromkeys(_names(root / "fs" / kind), kind)
    return found


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - as text
    except OSError:
        return []
