"""The disk that servers of the lab boot from: SeaBIOS, syslinux, Debian's kernel, and one small init.

A server gets it as any cloud image: an overlay of the qcow2, its address from the config drive, its orders for a test
from the server's metadata. inside/guest-init says what it prints and obeys.
"""

import gzip
import shutil
from pathlib import Path

from lab.initrd import INSIDE, archive, lay_out_system
from lab.tools import inside

#: Loaded before the guest looks around; the rest of the initrd's modules come by need.
MODULES = (
    "virtio_blk", "virtio_net", "igbvf", "igb", "nls_cp437", "nls_ascii", "nls_iso8859-1", "vfat", "isofs",
    "evdev", "button", "sr_mod", "sd_mod", "ahci", "nvme",
)  # fmt: skip

_DISK_KIB = 48 * 1024
_KERNEL_ARGUMENTS = (
    "console=ttyS0 quiet no_timer_check tsc=reliable mitigations=off nokaslr audit=0 nowatchdog cryptomgr.notests "
    "panic=5"
)
_SYSLINUX = f"""\
DEFAULT guest
PROMPT 0
TIMEOUT 1
SERIAL 0 115200
LABEL guest
  LINUX vmlinuz
  INITRD initrd
  APPEND {_KERNEL_ARGUMENTS}
"""

# A FAT file system from the first sector on, with syslinux's boot sector: what SeaBIOS starts as a hard disk. Clusters
# of 32 KiB: with those of 2 KiB, nested under emulation, the kernel takes 7 s to load and not 1.
_ASSEMBLE = f"""
mkfs.vfat -C -s 64 -n GUEST /mnt/guest.raw {_DISK_KIB}
syslinux --install /mnt/guest.raw
mcopy -i /mnt/guest.raw /mnt/vmlinuz ::vmlinuz
mcopy -i /mnt/guest.raw /mnt/initrd.gz ::initrd
mcopy -i /mnt/guest.raw /mnt/syslinux.cfg ::syslinux.cfg
qemu-img convert -f raw -O qcow2 /mnt/guest.raw /mnt/guest.qcow2
rm /mnt/guest.raw
"""


def make_guest(folder: Path, root: Path, kernel: Path) -> None:
    """Fill ``folder`` with ``guest.qcow2``."""
    tree = root / "tree"
    system = folder / "initrd"
    lay_out_system(system, tree, kernel, INSIDE / "guest-init", MODULES)
    shutil.copy(INSIDE / "json.awk", system / "json.awk")
    (folder / "initrd.gz").write_bytes(gzip.compress(archive(system), mtime=0))
    shutil.rmtree(system)
    shutil.copy(kernel / "vmlinuz", folder / "vmlinuz")
    (folder / "syslinux.cfg").write_text(_SYSLINUX)
    inside(tree, folder, _ASSEMBLE, limit_s=120, hint="the disk is put together by tools of the lab's Debian root")
