"""The files of each server on a real host: an overlay on a registered image, the config drive, the console log.

``SERVERS/<server id>/{root.qcow2,config-drive.iso,console.log}`` over ``IMAGES/<image id>.<disk format>``. A file is
made under another name, synced and renamed: one that is there is whole, whenever its maker died. A root disk that is
there is the guest's own and is never made again; the config drive says how things are now, and is made for each start.
"""

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mooring.errors import HostFault, Invalid
from mooring.host.configdrive import content, write_iso
from mooring.host.machine import Disks, DomainFiles
from mooring.host.programs import SEARCH_PATH
from mooring.host.qemu_img import ImageFile, make_overlay, require_file
from mooring.model.desired import DesiredImage, DesiredServer

ROOT_DISK = "root.qcow2"
CONFIG_DRIVE = "config-drive.iso"
CONSOLE_LOG = "console.log"

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
#: QEMU's own user must pass through, and nobody else needs to look around.
_FOLDER_MODE = 0o711
#: libvirt gives the file to QEMU's user for as long as the guest runs.
_FILE_MODE = 0o600
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
#: In a tool's complaint; the last is xorriso's own, which reckons before it writes.
_FULL_WORDS = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "exceeds free space on media")


class HostDisks(Disks):
    """``Disks`` in two folders of this host; ``servers`` is made if need be, ``images`` is the operator's."""

    def __init__(self, images: Path, servers: Path, search_path: str = SEARCH_PATH) -> None:
        self._images = images
        self._servers = servers
        self._search_path = search_path

    def prepare(self, server: DesiredServer) -> DomainFiles:
        folder = self._folder(server.id)
        files = content(server)
        with self._reported(f"files of server {server.id}"):
            _make_folder(self._servers)
            _make_folder(folder)
            _remove_half_made(folder)
            root_disk = None if server.image is None else self._root_disk(folder, server.image, server.disk_gib)
            drive = folder / CONFIG_DRIVE
            with _fresh(drive) as fresh:
                write_iso(fresh, files, self._search_path)
        return DomainFiles(drive, folder / CONSOLE_LOG, root_disk)

    def discard(self, server_id: str) -> None:
        folder = self._folder(server_id)
        with self._reported(f"discard of the files of server {server_id}"):
            if os.path.lexists(folder):
                shutil.rmtree(folder)
                _sync(self._servers)
            if os.path.lexists(folder):
                raise HostFault(f"{folder} was deleted and is still there")

    def kept(self) -> Sequence[str]:
        with self._reported("list of servers' files"):
            if not self._servers.exists():
                return []
            return sorted(entry.name for entry in self._servers.iterdir() if _ID.fullmatch(entry.name))

    def console_tail(self, server_id: str, bytes_max: int) -> bytes:
        with self._reported(f"console log of server {server_id}"):
            return read_console_tail(self._folder(server_id) / CONSOLE_LOG, bytes_max)

    def _folder(self, server_id: str) -> Path:
        return self._servers / _checked(server_id, "server")

    def _root_disk(self, folder: Path, image: DesiredImage, disk_gib: int) -> Path:
        """The overlay, made if it is not there. What it leans on must be there in any case."""
        path = self._images / f"{_checked(image.id, 'image')}.{image.disk_format}"
        file = ImageFile(image.id, path, image.disk_format)
        root_disk = folder / ROOT_DISK
        if os.path.lexists(root_disk):
            if not stat.S_ISREG(root_disk.lstat().st_mode):
                raise HostFault(f"{root_disk} is not a plain file")
            require_file(file)
            return root_disk
        with _fresh(root_disk) as fresh:
            make_overlay(fresh, file, disk_gib, self._search_path)
        return root_disk

    @contextmanager
    def _reported(self, what: str) -> Iterator[None]:
        """What the system or a tool answers, as our errors; a full disk with the bytes that are free."""
        try:
            yield
        except OSError as failed:
            if failed.errno in _FULL:
                raise self._full(what) from failed
            raise HostFault(f"{what}: {failed.strerror}: {failed.filename}") from failed
        except HostFault as failed:
            if any(words in failed.message for words in _FULL_WORDS):
                raise self._full(what) from failed
            raise

    def _full(self, what: str) -> HostFault:
        free_bytes = shutil.disk_usage(self._servers).free if self._servers.exists() else 0
        return HostFault(
            f"{what}: no space left below {self._servers}: {free_bytes} bytes free",
            hint="delete servers of this host, or give the folder a larger file system",
        )


def read_console_tail(log: Path, bytes_max: int) -> bytes:
    """The last bytes that the guest wrote to its console; empty when it has written none.

    virtlogd renames a full log to ``NAME.0`` and begins anew, so that the end of the story may be in two files.
    """
    tail = b""
    for file in (log, log.with_name(f"{log.name}.0")):
        try:
            with file.open("rb") as stream:
                start = max(stream.seek(0, os.SEEK_END) - (bytes_max - len(tail)), 0)
                stream.seek(start)
                tail = stream.read(bytes_max - len(tail)) + tail
        except FileNotFoundError:
            break
    return tail


def _checked(ident: str, noun: str) -> str:
    """An id that names a file, and nothing above or beside it."""
    if _ID.fullmatch(ident) is None:
        raise Invalid(f"{ident!r} is not the id of a {noun}")
    return ident


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(_FOLDER_MODE)
        _sync(folder.parent)


def _remove_half_made(folder: Path) -> None:
    for entry in folder.glob(".*"):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextmanager
def _fresh(target: Path) -> Iterator[Path]:
    """A name to make a file under. It takes the place of ``target`` at the end; after an error nothing is left."""
    fresh = target.with_name(f".{target.name}.new")
    try:
        yield fresh
        fresh.chmod(_FILE_MODE)
        _sync(fresh)
        fresh.replace(target)
        _sync(target.parent)
    finally:
        fresh.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
