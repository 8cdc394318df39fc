"""What this machine does with block devices: mounts, swap, and whatever else has one to itself.

``proc_pid_mountinfo(5)`` and ``/proc/swaps`` name the use, of our own mount namespace and of the first. An open with
``O_EXCL`` is answered EBUSY when anything in the kernel holds the disk or one of its partitions: a mount anywhere, ZFS,
a volume group, a target that exports it (bd_prepare_to_claim in block/bdev.c). It is how ``mkfs`` finds that out.
"""

import errno
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mooring.errors import HostFault
from mooring.host.attribute import errno_name
from mooring.host.patience import Patience

_FILE_MAX_BYTES = 16 * 1024 * 1024
_OPEN_LIMIT_S = 5.0
_MOUNT_NUMBER, _MOUNT_POINT, _FIELDS_MIN = 2, 4, 10
_ESCAPE = re.compile(r"\\([0-7]{3})")
_UNTOLD = "is not known to be unused"

OpenDisk = Callable[[str], None]


def open_exclusively(node: str) -> None:
    """Open and close. Raises OSError: EBUSY for a disk that something has to itself."""
    os.close(os.open(node, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK | os.O_CLOEXEC))


class Mounts:
    """Of the mount namespace that this process is in."""

    def __init__(self, proc: Path = Path("/proc"), *, open_disk: OpenDisk = open_exclusively) -> None:
        self._proc = proc
        self._open_disk = open_disk
        self._patience = Patience()

    def uses(self, disks: Mapping[str, str]) -> Mapping[str, str]:
        """How each of these block devices that is used is, by name; their numbers are ``259:1``.

        What cannot be told is told as use.
        """
        try:
            found = {**self._swaps(disks), **self._mounted(disks)}
        except (OSError, UnicodeError, ValueError) as failure:
            return dict.fromkeys(disks, f"{_UNTOLD}: {failure}")
        return found or {name: told for name in disks if (told := self._claimed(name))}

    def _mounted(self, disks: Mapping[str, str]) -> Mapping[str, str]:
        by_number = {number: name for name, number in disks.items() if number}
        found: dict[str, str] = {}
        for line in (*self._text("self/mountinfo").splitlines(), *self._mounts_of_init()):
            fields = line.split(" ")
            if len(fields) < _FIELDS_MIN or "-" not in fields:
                raise ValueError(f"{line!r} in mountinfo is no mount")
            # btrfs has a number of its own, and its source is the device.
            source = fields[fields.index("-") + 2]
            name = by_number.get(fields[_MOUNT_NUMBER]) or _name(source)
            if name in disks:
                found.setdefault(name, f"is mounted on {_unescaped(fields[_MOUNT_POINT])}")
        return found

    def _mounts_of_init(self) -> Sequence[str]:
        """A service's own namespace may lack some. Where init is hidden, its mounts are."""
        try:
            return self._text("1/mountinfo").splitlines()
        except OSError:
            return ()

    def _swaps(self, disks: Mapping[str, str]) -> Mapping[str, str]:
        names = [_name(line.split()[0]) for line in self._text("swaps").splitlines()[1:] if line.strip()]
        return {name: "is swap space" for name in names if name in disks}

    def _claimed(self, name: str) -> str:
        node = f"/dev/{name.replace('!', '/')}"
        try:
            self._patience.call(name, f"opening {node}", _OPEN_LIMIT_S, lambda: self._open_disk(node))
        except HostFault as slow:
            return f"{_UNTOLD}: {slow.message}"
        except OSError as failure:
            if failure.errno == errno.EBUSY:
                return "is held by something in the kernel"
            if failure.errno == errno.ENOMEDIUM:  # a reader without a card in it
                return ""
            # Not there at all: the service has a /dev of its own (PrivateDevices=).
            return f"{_UNTOLD}: {node} cannot be opened ({errno_name(failure)})"
        return ""

    def _text(self, name: str) -> str:
        with (self._proc / name).open("rb") as stream:
            content = stream.read(_FILE_MAX_BYTES + 1)
        if len(content) > _FILE_MAX_BYTES:
            raise ValueError(f"/proc/{name} is over {_FILE_MAX_BYTES} bytes")
        return content.decode("utf-8", "surrogateescape")


def _name(source: str) -> str:
    """What ``class/block`` calls a device in /dev, links to it followed; empty for another source."""
    if not source.startswith("/dev/"):
        return ""
    return os.path.realpath(_unescaped(source)).removeprefix("/dev/").replace("/", "!")


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text)
