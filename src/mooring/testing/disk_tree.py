"""The disk that an NVMe driver makes of its function, in a simulated sysfs."""

import os
import shutil
from itertools import count
from pathlib import Path

_MAJOR = 259
"""``blkext`` (Documentation/admin-guide/devices.txt)."""


def add_disk(root: Path, folder: Path) -> str:
    """A controller with one namespace of one partition; answer the disk's name: ``nvme0n1``."""
    listed = root / "class/block"
    number = next(each for each in count() if not (listed / f"nvme{each}n1").is_symlink())
    controller, disk = folder / f"nvme/nvme{number}", f"nvme{number}n1"
    minor = 2 * number
    for offset, home in enumerate((controller / disk, controller / disk / f"{disk}p1")):
        (home / "holders").mkdir(parents=True)
        (home / "dev").write_text(f"{_MAJOR}:{minor + offset}\n")
        (listed / home.name).symlink_to(os.path.relpath(home, listed))
    (controller / "serial").write_text(f"S{folder.name.replace(':', '').replace('.', '').upper():<19}\n")
    return disk


def remove_disks(root: Path, folder: Path) -> None:
    for disk in folder.glob("nvme/nvme*/nvme*"):
        for home in (disk, *disk.glob(f"{disk.name}p*")):
            (root / "class/block" / home.name).unlink(missing_ok=True)
    shutil.rmtree(folder / "nvme", ignore_errors=True)
