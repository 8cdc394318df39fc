"""Reading one device's files in sysfs, bounded: whatever is wrong becomes a sentence, never an exception.

A recording may be damaged or hostile, and a live device may go away between two reads. So no attribute is followed
through a symbolic link, no FIFO or device node is opened, at most ``ATTRIBUTE_MAX_BYTES`` are taken (the kernel itself
never gives more than a page), and a link is read for its last component, not followed.
"""

import errno
import os
import re
import stat
from collections.abc import Callable, Collection
from pathlib import Path

ATTRIBUTE_MAX_BYTES = 4096
_SHOWN_MAX_CHARS = 40
_NUMBER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_HEX_ID = re.compile(r"0x([0-9a-f]{4})", re.ASCII)
_NO_ANSWER = frozenset({errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP})
"""How drivers say that they do not say: ``speed`` without link is EINVAL, ``phys_port_name`` often EOPNOTSUPP."""

ReadFile = Callable[[Path], bytes]


def read_file(path: Path) -> bytes:
    """A regular file's bytes, at most one more than ``ATTRIBUTE_MAX_BYTES``.

    Raises OSError: the kernel's own, and ELOOP for a link, a FIFO, a device node or a folder in a file's place.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(errno.ELOOP, "not a regular file")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return os.read(descriptor, ATTRIBUTE_MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def is_folder(path: Path) -> bool:
    """False for whatever cannot be looked at, too."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False


def shown(text: str) -> str:
    """Foreign text for a sentence: quoted, short, and printable."""
    return ascii(text if len(text) <= _SHOWN_MAX_CHARS else text[:_SHOWN_MAX_CHARS] + "...")


def errno_name(failure: OSError) -> str:
    """``EIO`` and the like."""
    return errno.errorcode.get(failure.errno or 0, "no errno")


class DeviceFiles:
    """The files of one device's folder. Names are relative to it (``vendor``, ``net/ens1f0/address``).

    Nothing here raises OSError: whatever is wrong is added to ``faults`` as a sentence, and the answer is empty.
    """

    def __init__(self, folder: Path, read: ReadFile = read_file) -> None:
        self.folder = folder
        self.faults: list[str] = []
        self._read = read

    def fault(self, sentence: str) -> None:
        """Add what the caller saw in what was read."""
        self.faults.append(sentence)

    def text(self, name: str, *, optional: bool = False) -> str | None:
        """One attribute without its newline. ``optional``: no such file, or a driver without an answer, is no fault."""
        try:
            raw = self._read(self.folder / name)
        except OSError as failure:
            if not (optional and failure.errno in _NO_ANSWER):
                self._cannot_read(name, failure)
            return None
        text = raw.decode("ascii", "replace").removesuffix("\n")
        if len(raw) > ATTRIBUTE_MAX_BYTES:
            self.fault(f"{name} is longer than {ATTRIBUTE_MAX_BYTES} bytes")
        elif not raw.isascii() or b"\0" in raw:
            self.fault(f"{name} is binary")
        elif not text:
            self.fault(f"{name} is empty")
        else:
            return text
        return None

    def number(
        self, name: str, low: int, high: int, *, optional: bool = False, unset: Collection[int] = ()
    ) -> int | None:
        """A decimal number from ``low`` to ``high``. A value in ``unset`` means that the kernel does not say."""
        text = self.text(name, optional=optional)
        if text is None:
            return None
        value = int(text) if _NUMBER.fullmatch(text) else None
        if value is None or not (low <= value <= high or value in unset):
            self.fault(f"{name} is {shown(text)}, not a number from {low} to {high}")
            return None
        return None if value in unset else value

    def hex_id(self, name: str) -> str:
        """The four digits of a vendor or device id, lower case; empty when there are none."""
        text = self.text(name)
        if text is None:
            return ""
        match = _HEX_ID.fullmatch(text.lower())
        if match is None or match[1] == "ffff":  # all ones is what a bus reads where nobody answers
            self.fault(f"{name} is {shown(text)}, not an id like 0x8086")
            return ""
        return match[1]

    def link(self, name: str) -> str | None:
        """The last component of where a link points, unfollowed. A missing link is no fault."""
        try:
            return (self.folder / name).readlink().name
        except FileNotFoundError:
            return None
        except OSError as failure:
            if failure.errno == errno.EINVAL:
                self.fault(f"{name} is not a link")
            else:
                self._cannot_read(name, failure)
            return None

    def names(self, name: str = ".") -> list[str]:
        """What is in a folder, sorted. A missing folder is empty; a file or a link in its place is a fault."""
        try:
            if stat.S_ISDIR((self.folder / name).lstat().st_mode):
                return sorted(entry.name for entry in (self.folder / name).iterdir())
        except FileNotFoundError:
            return []
        except OSError as failure:
            self._cannot_read(name, failure)
            return []
        self.fault(f"{name} is not a folder")
        return []

    def _cannot_read(self, name: str, failure: OSError) -> None:
        if failure.errno == errno.ENOENT:
            self.fault(f"{name} is missing")
        elif failure.errno == errno.ELOOP:
            self.fault(f"{name} is not a regular file")
        else:
            self.fault(f"{name} cannot be read ({errno_name(failure)})")
