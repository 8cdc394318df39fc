"""A folder with proc, sys, dev and lib that stands for a host which has all that VFs need."""

from pathlib import Path

from mooring.model.survey import LibvirtAnswer
from mooring.testing.cards import INTEL_82576
from mooring.testing.hosts import port
from mooring.testing.sysfs_tree import build

KERNEL = "6.12.43+deb12-amd64"
ANSWER = LibvirtAnswer(11_003_000, "QEMU", 10_000_002)
PF = "0000:81:00.0"
_CPU = "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu vmx aes\n\nprocessor\t: 1\nvendor_id\t: Other\n"
_STATUS = "Name:\tmooring\nUid:\t1000\t0\t0\t0\nCapEff:\t0000000000201000\n"


def write(root: Path, name: str, text: str = "") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def build_host(root: Path, num_vfs: int = 2) -> None:
    """Debian 12 with a backported kernel, and one port of an 82576 with so many VFs."""
    build(root / "sys", [port(INTEL_82576, PF, "ens1f0", 1, num_vfs)])
    write(root, "proc/sys/kernel/osrelease", f"{KERNEL}\n")
    write(root, "proc/cmdline", "quiet intel_iommu=on\n")
    write(root, "proc/cpuinfo", _CPU)
    write(root, "proc/self/status", _STATUS)
    write(root, "proc/interrupts", "  CPU0\n 24:  1  IR-PCI-MSIX-0000:01:00.0  0-edge  enp1s0\n")
    write(root, "sys/firmware/acpi/tables/DMAR")
    write(root, "sys/firmware/acpi/tables/APIC")
    (root / "sys/class/iommu/dmar0").mkdir(parents=True)
    write(root, "dev/vfio/vfio")
    write(root, "dev/kvm")
    for program in ("qemu-img", "xorrisofs", "libvirtd"):
        write(root, f"usr/bin/{program}").chmod(0o755)
