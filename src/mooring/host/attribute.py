"""Reading one device's files in sysfs, bounded: whatever is wrong becomes a sentence, never an exception.

A recording may be damaged or hostile, and a live device may go away between two reads. So no attribute is followed
through a symbolic link, nothing waits for a FIFO, at most ``ATTRIBUTE_MAX_BYTES`` are taken (the kernel itself never
gives more than a page), and a link is read for its last component, not followed. All of it is relative to the open
folder of the device: what takes its place meanwhile is not read.
"""

import errno
import os
import stat
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Self

ATTRIBUTE_MAX_BYTES = 4096
_SHOWN_MAX_CHARS = 40
_NUMBER_MAX_CHARS = 20
_NO_ANSWER = frozenset({errno.ENOENT, errno.EINVAL, errno.EOPNOTSUPP})
"""How drivers say that they do not say: ``speed`` without link is EINVAL, ``phys_port_name`` often EOPNOTSUPP."""
_GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO})

_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

ReadFile = Callable[[Path], bytes]


def read_file(path: Path) -> bytes:
    """A regular file's bytes, at most one more than ``ATTRIBUTE_MAX_BYTES``.

    Raises OSError: the kernel's own, and ELOOP for a link, a FIFO or a folder in a file's place.
    """
    return _read(str(path), None)


def _read(name: str, folder: int | None) -> bytes:
    descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        return os.read(descriptor, ATTRIBUTE_MAX_BYTES + 1) or _require_file(descriptor)
    except OSError:
        _require_file(descriptor)
        raise
    finally:
        os.close(descriptor)


def _require_file(descriptor: int) -> bytes:
    """Nothing, from a regular file. Only asked where something is odd: sysfs has no others, and a look costs time."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.ELOOP, "not a regular file")
    return b""


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

    Once it is made nothing here raises OSError: whatever is wrong is added to ``faults`` as a sentence, and the answer
    is empty. To be closed, as a context manager does.
    """

    __slots__ = ("_descriptor", "_path", "_read", "faults", "missed")

    def __init__(self, path: str, read: ReadFile | None = None) -> None:
        """``read`` fetches an attribute instead of the kernel. Raises OSError when there is no folder at ``path``."""
        self._descriptor = os.open(path, _FOLDER)
        self._path = path
        self._read = read
        self.faults: list[str] = []
        self.missed = False
        """Something was not there: perhaps the whole device is gone."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def fault(self, sentence: str) -> None:
        """Add what the caller saw in what was read."""
        self.faults.append(sentence)

    def text(self, name: str, *, optional: bool = False) -> str | None:
        """One attribute without its newline. ``optional``: no such file, or a driver without an answer, is no fault."""
        try:
            raw = _read(name, self._descriptor) if self._read is None else self._read(Path(self._path, name))
        except OSError as failure:
            self._cannot_read(name, failure, optional=optional)
            return None
        # Nearly all there is to say of a sound attribute, in one look.
        if raw.isascii() and raw[-1:] == b"\n" and 1 < len(raw) <= ATTRIBUTE_MAX_BYTES and b"\0" not in raw:
            return raw[:-1].decode("ascii")
        return self._odd(name, raw)

    def _odd(self, name: str, raw: bytes) -> str | None:
        if len(raw) > ATTRIBUTE_MAX_BYTES:
            self.fault(f"{name} is longer than {ATTRIBUTE_MAX_BYTES} bytes")
        elif not raw.isascii() or b"\0" in raw:
            self.fault(f"{name} is binary")
        elif raw in {b"", b"\n"}:
            self.fault(f"{name} is empty")
        else:
            return raw.decode("ascii")
        return None

    def number(
        self, name: str, low: int, high: int, *, optional: bool = False, unset: Collection[int] = ()
    ) -> int | None:
        """A decimal number from ``low`` to ``high``. A value in ``unset`` means that the kernel does not say."""
        text = self.text(name, optional=optional)
        if text is None:
            return None
        value = int(text) if len(text) <= _NUMBER_MAX_CHARS and text.removeprefix("-").isdigit() else None
        if value is None or not (low <= value <= high or value in unset):
            self.fault(f"{name} is {shown(text)}, not a number from {low} to {high}")
            return None
        return None if value in unset else value

    def link(self, name: str) -> str | None:
        """The last component of where a link points, unfollowed. A missing link is no fault."""
        try:
            return os.readlink(name, dir_fd=self._descriptor).rpartition("/")[2]
        except OSError as failure:
            if failure.errno == errno.EINVAL:
                self.fault(f"{name} is not a link")
            else:
                self._cannot_read(name, failure, optional=True)
            return None

    def has(self, name: str) -> bool:
        """Whether there is such a file, link or folder; links are not followed."""
        return os.access(name, os.F_OK, dir_fd=self._descriptor, follow_symlinks=False)

    def names(self, name: str = ".") -> list[str]:
        """What is in a folder, sorted. A missing folder is empty; a file or a link in its place is a fault."""
        try:
            if name == ".":
                return sorted(os.listdir(self._descriptor))  # noqa: PTH208 - an open folder
            descriptor = os.open(name, _FOLDER, dir_fd=self._descriptor)
            try:
                return sorted(os.listdir(descriptor))  # noqa: PTH208 - an open folder
            finally:
                os.close(descriptor)
        except OSError as failure:
            if failure.errno in {errno.ENOTDIR, errno.ELOOP}:
                self.fault(f"{name} is not a folder")
            else:
                self._cannot_read(name, failure, optional=failure.errno == errno.ENOENT)
            return []

    def _cannot_read(self, name: str, failure: OSError, *, optional: bool) -> None:
        self.missed = self.missed or failure.errno in _GONE
        if optional and failure.errno in _NO_ANSWER:
            return
        if failure.errno == errno.ENOENT:
            self.fault(f"{name} is missing")
        elif failure.errno == errno.ELOOP:
            self.fault(f"{name} is not a regular file")
        else:
            self.fault(f"{name} cannot be read ({errno_name(failure)})")
