"""Images and overlays, by qemu-img; and what of an image is checked before qemu-img, or a guest, opens it.

An image that names another file makes the host read, or write, that file for the guest (CVE-2024-32498), and
``qemu-img info`` itself opens an external data file (CVE-2024-4467). So the header is read here first.
"""

import stat
import struct
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mooring.errors import HostFault, Invalid, NotFound
from mooring.host.programs import SEARCH_PATH, Program, run

QEMU_IMG = Program(("qemu-img",), ("qemu-utils",))
GIB = 1 << 30
#: Glance's names of the formats that a guest may boot from here; QEMU's are the same.
FORMATS = ("qcow2", "raw")

_QCOW2_MAGIC = b"QFI\xfb"
#: docs/interop/qcow2.rst: magic, version, backing_file_offset, and at byte 72 incompatible_features.
_QCOW2_START = struct.Struct(">4sIQ")
_QCOW2_FEATURES = struct.Struct(">Q")
_FEATURES_AT = 72
_VERSION_WITH_FEATURES = 3
_VERSIONS = (2, 3)
_EXTERNAL_DATA_FILE = 1 << 2
_HEADER_BYTES = 512
#: How other formats begin. A raw disk begins with a boot sector, and none of these is one.
_OTHER_MAGICS = {
    _QCOW2_MAGIC: "qcow2",
    b"QED\0": "qed",
    b"KDMV": "vmdk",
    b"COWD": "vmdk",
    b"# Disk DescriptorFile": "vmdk",
    b"vhdxfile": "vhdx",
    b"conectix": "vpc",
    b"<<< ": "vdi",
    b"LUKS\xba\xbe": "luks",
    b"WithoutFreeSpace": "parallels",
    b"WithouFreSpacExt": "parallels",
}


@dataclass(frozen=True, slots=True)
class ImageFile:
    """Where an image is, and what it says it is."""

    id: str
    path: Path
    disk_format: str

    def __str__(self) -> str:
        return f"image {self.id} at {self.path}"


class _Info(msgspec.Struct, rename="kebab"):
    """What is read of ``qemu-img info --output=json``."""

    format: str
    virtual_size: int
    backing_filename: str | None = None
    format_specific: dict[str, object] = {}


def require_file(image: ImageFile) -> None:
    """Raises NotFound when the image is not there, Invalid for what is no plain file."""
    try:
        mode = image.path.lstat().st_mode
    except FileNotFoundError as missing:
        raise NotFound("file of image", f"{image.id} at {image.path}", hint="put it on this host") from missing
    if not stat.S_ISREG(mode):
        raise Invalid(f"{image} is not a plain file", hint="copy it there, or make a hard link")


def inspect(image: ImageFile, search_path: str = SEARCH_PATH) -> int:
    """The bytes that a guest sees of the image, if it is of its stated format and stands alone.

    Raises NotFound when it is not there, Invalid with the reason for one that will not do, Unsupported without
    qemu-img, and HostFault when what that says cannot be read.
    """
    if image.disk_format not in FORMATS:
        raise Invalid(f"image {image.id} has disk format {image.disk_format!r}", hint=f"served: {', '.join(FORMATS)}")
    require_file(image)
    with image.path.open("rb") as stream:
        _check_header(image, stream.read(_HEADER_BYTES))
    command = [QEMU_IMG.find(search_path), "info", "-f", image.disk_format, "--output=json", str(image.path)]
    try:
        info = msgspec.json.decode(run(command), type=_Info)
    except msgspec.DecodeError as garbled:
        raise HostFault(f"qemu-img's words on {image} do not parse: {garbled}") from garbled
    except HostFault as failed:
        raise Invalid(f"{image} is no {image.disk_format} that can be used: {failed.message}") from failed
    data = info.format_specific.get("data", {})
    if info.backing_filename is not None or (isinstance(data, dict) and "data-file" in data):
        raise Invalid(f"{image} leans on another file", hint=_FLATTEN)
    return info.virtual_size


_FLATTEN = "flatten it: qemu-img convert -O qcow2 IMAGE FLAT"


def _check_header(image: ImageFile, header: bytes) -> None:
    if image.disk_format == "raw":
        other = next((name for magic, name in _OTHER_MAGICS.items() if header.startswith(magic)), None)
        if other is not None:
            raise Invalid(f"{image} is registered as raw and is {other}", hint="set its disk_format")
        return
    if not header.startswith(_QCOW2_MAGIC) or len(header) < _QCOW2_START.size:
        raise Invalid(f"{image} is registered as qcow2 and is none", hint="set its disk_format, or convert it")
    _, version, backing_file_offset = _QCOW2_START.unpack_from(header)
    if version not in _VERSIONS:
        raise Invalid(f"{image} is of qcow2 version {version}, and 2 and 3 are known")
    if backing_file_offset:
        raise Invalid(f"{image} leans on another file, its backing file", hint=_FLATTEN)
    if version < _VERSION_WITH_FEATURES:
        return
    if len(header) < _FEATURES_AT + _QCOW2_FEATURES.size:
        raise Invalid(f"{image} ends within its header")
    (features,) = _QCOW2_FEATURES.unpack_from(header, _FEATURES_AT)
    if features & _EXTERNAL_DATA_FILE:
        raise Invalid(f"{image} leans on another file, its external data file", hint=_FLATTEN)


def make_overlay(target: Path, image: ImageFile, disk_gib: int, search_path: str = SEARCH_PATH) -> None:
    """A qcow2 at ``target`` of ``disk_gib``, 0 for the image's own size, that reads from ``image`` what it has not.

    Raises Invalid for a disk that the image does not fit on, and what ``inspect`` does.
    """
    size_bytes = inspect(image, search_path)
    if 0 < disk_gib * GIB < size_bytes:
        raise Invalid(
            f"the flavor's disk of {disk_gib} GiB is smaller than image {image.id} of {size_bytes} bytes",
            hint="take a flavor with a larger disk",
        )
    size = [f"{disk_gib}G"] if disk_gib else []
    command = [QEMU_IMG.find(search_path), "create", "-q", "-f", "qcow2", "-F", image.disk_format]
    run([*command, "-b", str(image.path), str(target), *size])
