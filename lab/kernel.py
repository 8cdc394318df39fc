"""Debian's generic kernel, unmodified: the cloud kernel has no igb, and one's own would prove less."""

import lzma
import shutil
import struct
import subprocess
from pathlib import Path

from lab.debian import Apt
from lab.errors import LabError
from lab.netdevsim import add_netdevsim

PACKAGE = "linux-image-amd64"

_ZSTD = b"\x28\xb5\x2f\xfd"
_XZ = b"\xfd7zXZ\x00"
_ELF = b"\x7fELF"


def make_kernel(folder: Path) -> None:
    """Fill ``folder``: ``version``, ``vmlinuz`` and ``modules/`` (compressed, with netdevsim)."""
    apt = Apt(folder / "apt")
    apt.update()
    image = next(name for name in apt.depends(PACKAGE) if name.startswith("linux-image-"))
    version = image.removeprefix("linux-image-")
    # Newer kernels have the binary and the modules in packages of their own, named by the same version.
    split = [name for name in apt.depends(image) if name.startswith("linux-") and name.endswith(version)]
    tree = folder / "tree"
    apt.unpack([image, *split], tree)
    (folder / "version").write_text(version)
    next(tree.rglob(f"vmlinuz-{version}")).rename(folder / "vmlinuz")
    next(tree.rglob(f"modules/{version}")).rename(folder / "modules")
    add_netdevsim(apt, version, folder / "modules")
    for rest in (tree, apt.folder):
        shutil.rmtree(rest)


def unpacked(vmlinuz: bytes, zstd: list[str]) -> bytes:
    """The ELF kernel inside a bzImage (boot protocol 2.08 and later, Documentation/arch/x86/boot.rst).

    QEMU starts it by its PVH entry, which spares every boot a decompression under emulation. ``zstd`` is the command
    to unpack that format with, which the standard library of 3.11 has not.
    """
    setup_sectors = vmlinuz[0x1F1] or 4
    offset, size = struct.unpack_from("<II", vmlinuz, 0x248)
    packed = vmlinuz[(setup_sectors + 1) * 512 + offset :][:size]
    if packed.startswith(_ZSTD):
        # The last four bytes are the unpacked size, which zstd would take for a damaged second frame.
        done = subprocess.run([*zstd, "-dcq"], input=packed[:-4], capture_output=True, timeout=60, check=False)
        kernel = done.stdout
    elif packed.startswith(_XZ):
        kernel = lzma.LZMADecompressor().decompress(packed)
    else:
        kernel = b""
    if not kernel.startswith(_ELF):
        raise LabError(f"no kernel found in vmlinuz (it begins with {packed[:6].hex()})")
    return kernel
