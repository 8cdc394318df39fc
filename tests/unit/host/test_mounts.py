"""How a disk's use is found: in the mounts, in the swap list, and by asking the kernel to have it alone."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from mooring.host import mounts
from mooring.host.mounts import Mounts, open_exclusively
from mooring.host.occupants import KernelOccupants

DISKS = {"nvme0n1": "259:0", "nvme0n1p1": "259:1", "cciss!c0d0": "104:0", "sdb": ""}
ROOT = "25 1 259:1 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw"
SWAPS = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def told(folder: Path, *lines: str, swaps: str = "", refusals: Mapping[str, int] | None = None) -> Mapping[str, str]:
    """What is said of the disks on a host with these mounts, and these answers to an exclusive open."""

    def open_disk(node: str) -> None:
        code = (refusals or {}).get(node, 0)
        if code:
            raise OSError(code, os.strerror(code))

    (folder / "self").mkdir(exist_ok=True)
    (folder / "self/mountinfo").write_text("".join(f"{line}\n" for line in lines))
    (folder / "swaps").write_text(SWAPS + swaps)
    occupants = KernelOccupants(folder, mounts=Mounts(folder, open_disk=open_disk))
    return occupants.disks(DISKS)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (ROOT, {"nvme0n1p1": "is mounted on /"}),
        ("25 1 259:0 / /srv/my\\040data rw - xfs /dev/nvme0n1 rw", {"nvme0n1": "is mounted on /srv/my data"}),
        ("25 1 0:31 /@ /home rw shared:1 master:2 - btrfs /dev/nvme0n1p1 rw", {"nvme0n1p1": "is mounted on /home"}),
        ("25 1 104:0 / /old rw - ext3 /dev/cciss/c0d0 rw", {"cciss!c0d0": "is mounted on /old"}),
        ("25 1 0:40 / /old rw - btrfs /dev/cciss/c0d0 rw", {"cciss!c0d0": "is mounted on /old"}),
        ("25 1 8:16 / /b rw - vfat /dev/sdb rw", {"sdb": "is mounted on /b"}),
        ("25 1 8:1 / /other rw - ext4 /dev/sda1 rw", {}),
        ("25 1 0:5 / /proc rw - proc proc rw", {}),
        ("25 1 0:50 / /tank rw - zfs tank/root rw", {}),
    ],
)
def test_a_mount_is_told_by_its_number_or_by_its_source(tmp_path: Path, line: str, says: Mapping[str, str]) -> None:
    assert told(tmp_path, line) == says


def test_the_first_of_several_mounts_is_told(tmp_path: Path) -> None:
    second = ROOT.replace(" / / ", " /x /var/x ").replace("25 1", "26 25")
    assert told(tmp_path, ROOT, second) == {"nvme0n1p1": "is mounted on /"}


def test_a_mount_that_only_the_first_namespace_has_is_told(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1/mountinfo").write_text(f"{ROOT}\n")
    assert told(tmp_path) == {"nvme0n1p1": "is mounted on /"}


def test_swap_space_is_told(tmp_path: Path) -> None:
    swaps = "/dev/nvme0n1p1                          partition\t999420\t\t0\t\t-2\n/swapfile\tfile\t1\t0\t-3\n"
    assert told(tmp_path, swaps=swaps) == {"nvme0n1p1": "is swap space"}


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (errno.EBUSY, "is held by something in the kernel"),
        (errno.EACCES, "is not known to be unused: /dev/nvme0n1 cannot be opened (EACCES)"),
        (errno.ENOENT, "is not known to be unused: /dev/nvme0n1 cannot be opened (ENOENT)"),
        (errno.EIO, "is not known to be unused: /dev/nvme0n1 cannot be opened (EIO)"),
        (errno.ENOMEDIUM, None),
    ],
)
def test_a_disk_that_cannot_be_had_alone_is_in_use(tmp_path: Path, code: int, says: str | None) -> None:
    """ZFS and mounts of other namespaces are in no list; and what cannot be asked is not unused."""
    assert told(tmp_path, refusals={"/dev/nvme0n1": code}) == ({} if says is None else {"nvme0n1": says})


def test_a_disk_that_is_in_use_is_not_opened(tmp_path: Path) -> None:
    assert told(tmp_path, ROOT, refusals={"/dev/cciss/c0d0": errno.EBUSY}) == {"nvme0n1p1": "is mounted on /"}


@pytest.mark.parametrize("line", ["garbage", "25 1 259:1 / / rw,relatime shared:1 ext4 /dev/nvme0n1p1 rw"])
def test_mounts_that_cannot_be_read_are_no_proof_of_anything(tmp_path: Path, line: str) -> None:
    said = told(tmp_path, line)
    assert set(said) == set(DISKS)
    assert {text.partition(":")[0] for text in said.values()} == {"is not known to be unused"}


def test_no_list_of_mounts_is_no_proof_either(tmp_path: Path) -> None:
    said = Mounts(tmp_path, open_disk=lambda _: None).uses({"sda": "8:0"})
    assert said["sda"].startswith("is not known to be unused")


def test_a_node_that_nobody_has_is_opened_and_closed(tmp_path: Path) -> None:
    node = tmp_path / "disk"
    node.touch()
    before = len(list(Path("/proc/self/fd").iterdir()))
    open_exclusively(str(node))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    with pytest.raises(FileNotFoundError):
        open_exclusively(str(tmp_path / "none"))


def test_this_machines_own_mounts_can_be_read() -> None:
    said = mounts.Mounts(open_disk=lambda _: None).uses({"no-such-disk": "4095:1048575"})
    assert said == {}
