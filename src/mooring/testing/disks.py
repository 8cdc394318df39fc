"""Servers' files on a simulated host: small honest ones, and mishaps to order.

``servers/<id>/`` holds ``root.json`` (what the disk leans on), ``config-drive.json`` (all that the guest would read, by
path) and ``console.log``. They outlive the process. Images have no files: each counts as present and whole until a
mishap says otherwise.
"""

import base64
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mooring import wire
from mooring.errors import HostFault, Invalid, NotFound
from mooring.host.configdrive import content
from mooring.host.disks import CONSOLE_LOG, read_console_tail
from mooring.host.machine import Disks, DomainFiles
from mooring.model.desired import DesiredImage, DesiredServer


@dataclass(frozen=True, slots=True)
class DiskMishaps:
    """What is wrong with the images and the disk, until it is said again."""

    missing: tuple[str, ...] = ()
    """The ids of the images that are not on this host."""
    spoiled: Mapping[str, str] = field(default_factory=dict)
    """The ids of the images that will not do, each with what is wrong with it."""
    is_full: bool = False
    """HostFault for whatever is to be made."""


@dataclass(frozen=True, slots=True)
class SimulatedRoot:
    """What a root disk is: an overlay of this size on that image. A new one for each time that it is made."""

    image: DesiredImage
    disk_gib: int


class SimulatedDisks(Disks):
    """``Disks`` over a folder, which is made if need be. Any number of processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._servers = folder / "servers"
        self._mishaps_file = folder / "mishaps.json"
        self._servers.mkdir(parents=True, exist_ok=True)

    def misbehave(self, mishaps: DiskMishaps) -> None:
        """From now on; ``DiskMishaps()`` ends it."""
        _replace(self._mishaps_file, wire.encode(mishaps))

    def config_drive(self, server_id: str) -> Mapping[str, bytes]:
        """What the guest would read: path to content. Raises NotFound."""
        try:
            body = (self._servers / server_id / "config-drive.json").read_bytes()
        except FileNotFoundError as missing:
            raise NotFound("config drive", server_id) from missing
        return {path: base64.b64decode(text) for path, text in wire.decode(dict[str, str], body).items()}

    def prepare(self, server: DesiredServer) -> DomainFiles:
        mishaps = self._mishaps()
        files = content(server)
        folder = self._servers / server.id
        root_disk = None if server.image is None else folder / "root.json"
        if server.image is not None:
            _check(server.image, mishaps)
        if mishaps.is_full:
            raise HostFault(f"files of server {server.id}: no space left below {self._servers}: 0 bytes free")
        folder.mkdir(exist_ok=True)
        if root_disk is not None and server.image is not None and not root_disk.exists():
            _replace(root_disk, wire.encode(SimulatedRoot(server.image, server.disk_gib)))
        drive = folder / "config-drive.json"
        _replace(drive, wire.encode({path: base64.b64encode(body).decode() for path, body in files.items()}))
        return DomainFiles(drive, folder / CONSOLE_LOG, root_disk)

    def discard(self, server_id: str) -> None:
        shutil.rmtree(self._servers / server_id, ignore_errors=True)
        if (self._servers / server_id).exists():
            raise HostFault(f"the files of server {server_id} were deleted and are still there")

    def kept(self) -> Sequence[str]:
        return sorted(entry.name for entry in self._servers.iterdir() if entry.is_dir())

    def console_tail(self, server_id: str, bytes_max: int) -> bytes:
        return read_console_tail(self._servers / server_id / CONSOLE_LOG, bytes_max)

    def _mishaps(self) -> DiskMishaps:
        try:
            return wire.decode(DiskMishaps, self._mishaps_file.read_bytes())
        except FileNotFoundError:
            return DiskMishaps()


def _check(image: DesiredImage, mishaps: DiskMishaps) -> None:
    if image.id in mishaps.missing:
        raise NotFound("file of image", image.id, hint="put it on this host")
    if image.id in mishaps.spoiled:
        raise Invalid(f"image {image.id} {mishaps.spoiled[image.id]}")


def _replace(target: Path, body: bytes) -> None:
    fresh = target.with_name(f".{target.name}.new")
    fresh.write_bytes(body)
    fresh.replace(target)
