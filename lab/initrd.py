"""A first file system for a kernel: an archive in cpio's newc format (Documentation/driver-api/early-userspace)."""

import shutil
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from lab.modules import closure, lay_out

#: The programs that run inside hosts and servers.
INSIDE = Path(__file__).parent / "inside"

_ALIGNMENT = 4
_FIELDS = 13


def _record(name: str, mode: int, data: bytes) -> bytes:
    """One file: the magic, thirteen numbers of eight hex digits, the name, the data; each part padded to four."""
    encoded = name.encode() + b"\0"
    numbers = [0] * _FIELDS
    # Inode 0 for all: with one link each, the kernel never compares them.
    numbers[1], numbers[4], numbers[6], numbers[11] = mode, 1, len(data), len(encoded)
    header = b"070701" + b"".join(b"%08x" % number for number in numbers)
    return _padded(header + encoded) + _padded(data)


def _padded(part: bytes) -> bytes:
    return part + b"\0" * (-len(part) % _ALIGNMENT)


def archive(tree: Path) -> bytes:
    """The folder ``tree`` as a newc archive: its folders, files and symbolic links, all owned by root."""
    return b"".join([*_records(tree), _record("TRAILER!!!", 0, b"")])


def _records(tree: Path) -> Iterator[bytes]:
    for path in sorted(tree.rglob("*")):
        name, mode = str(path.relative_to(tree)), path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield _record(name, mode, str(path.readlink()).encode())
        elif stat.S_ISDIR(mode):
            yield _record(name, mode, b"")
        else:
            yield _record(name, mode, path.read_bytes())


def lay_out_system(into: Path, root: Path, kernel: Path, init: Path, modules: Sequence[str]) -> None:
    """Fill ``into`` with busybox, ``init``, and the modules, whose paths /modules lists in load order."""
    (into / "bin").mkdir(parents=True)
    shutil.copy(root / "bin/busybox", into / "bin/busybox")
    shutil.copy(init, into / "init")
    (into / "init").chmod(0o755)
    placed = lay_out(closure(kernel / "modules", modules), kernel / "modules", into / "lib/modules")
    (into / "modules").write_text("".join(f"/{each.relative_to(into)}\n" for each in placed))
