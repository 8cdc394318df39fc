"""QEMU's command line for a host, and how to run the lab's QEMU on this machine.

The machine: Q35 with an emulated IOMMU that remaps interrupts, which VFIO wants; a single-port 82576 (``igb``) on a
root port of its own at 0000:01:00.0; a dual-port one on NUMA node 1 at 0000:81:00.0 and .1; plain virtio NICs; and an
NVMe disk at 0000:02:00.0, which is no NIC and is handed out all the same.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MEMORY_MIB = 2048
NVME_ADDRESS = "0000:02:00.0"

#: TCG emulates AMD's SVM, so a host has a /dev/kvm. What is switched off is what TCG would warn that it has not.
_TCG_CPU = "EPYC-v1,+svm,-fxsr-opt,-misalignsse,-osvw,-topoext,-nrip-save,-xsavec"

#: no_timer_check: the kernel's timer test fails on a busy machine under emulation, and with interrupt remapping that
#: is a panic. The rest saves time at boot.
_KERNEL_ARGUMENTS = (
    "console=ttyS0 quiet panic=-1 no_timer_check tsc=reliable mitigations=off audit=0 nokaslr nowatchdog "
    "rcupdate.rcu_cpu_stall_suppress=1 random.trust_cpu=on cryptomgr.notests raid=noautodetect "
    "intel_iommu=on iommu=pt"
)


@dataclass(frozen=True, slots=True)
class Nic:
    """A NIC of a host: its name in the lab, the wire it is on, and its place."""

    name: str
    physnet: str
    mac_end: str
    device: str
    address: str = ""


#: ``pf*`` are ports of 82576 cards, of which the guest kernel makes VFs. The others are renamed to their names here.
NICS = (
    Nic("pf0", "physnet1", "01", "igb,bus=rp0", "0000:01:00.0"),
    # Without a next function number in function 0's ARI capability, Linux looks no further than function 0.
    Nic("pf1", "physnet2", "02", "igb,bus=rp1,addr=0.0,multifunction=on,x-pcie-ari-nextfn-1=on", "0000:81:00.0"),
    Nic("pf2", "physnet2", "03", "igb,bus=rp1,addr=0.1", "0000:81:00.1"),
    Nic("uplink1", "physnet1", "02", "virtio-net-pci,romfile=,bus=pcie.0,addr=0x0a"),
    Nic("uplink2", "physnet2", "03", "virtio-net-pci,romfile=,bus=pcie.0,addr=0x0b"),
)


@dataclass(frozen=True, slots=True)
class Disk:
    """A raw disk, which the host tells from others by ``serial``."""

    serial: str
    image: Path
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """All that QEMU is told of one host. ``sockets`` gives each NIC's (wire end, own end)."""

    name: str
    index: int
    folder: Path
    boot: Path
    disks: Sequence[Disk]
    sockets: dict[str, tuple[Path, Path]]
    forward: Sequence[tuple[int, int]] = ()
    nvme: Path | None = None
    """The image of its NVMe disk; ``None``: it has none."""

    def socket(self, what: str) -> Path:
        """Where QEMU listens: ``own`` and ``guest`` reach the hand, ``qmp`` the monitor."""
        return self.folder / f"{self.name}.{what}"

    @property
    def console(self) -> Path:
        return self.folder / f"{self.name}.console"

    def mac(self, nic: Nic) -> str:
        """Fixed, so that a test can name it: 52:54:00:0H:00:0N of a card, 52:54:00:ff:0H:0N of a plain NIC."""
        host = f"{self.index + 1:02x}"
        return f"52:54:00:{host}:00:{nic.mac_end}" if nic.address else f"52:54:00:ff:{host}:{nic.mac_end}"


def accelerator(cpuinfo: str, kvm_usable: bool) -> tuple[str, str]:
    """QEMU's ``-accel`` and ``-cpu``.

    KVM only on a processor that shows vmx or svm: a /dev/kvm alone may be a paravirtual hypervisor's, which does not
    run an unmodified kernel.
    """
    if kvm_usable and re.search(r"^flags\s*:.*\b(vmx|svm)\b", cpuinfo, re.MULTILINE):
        return "kvm", "host"
    return "tcg,thread=multi", _TCG_CPU


def program(root: Path) -> tuple[list[str], dict[str, str]]:
    """The start of the command, and its environment: the QEMU of the lab's root, with that root's own libraries."""
    libraries = root / "usr/lib/x86_64-linux-gnu"
    argv = [
        f"{root}/lib64/ld-linux-x86-64.so.2", "--library-path", str(libraries), "--argv0", "qemu-system-x86_64",
        f"{root}/usr/bin/qemu-system-x86_64",
    ]  # fmt: skip
    for data in ("qemu", "seabios"):
        argv += ["-L", f"{root}/usr/share/{data}"]
    return [*argv, "-L", f"{root}/usr/lib/ipxe/qemu"], {"QEMU_MODULE_DIR": str(libraries / "qemu")}


def arguments(plan: Plan, accel: tuple[str, str]) -> list[str]:
    """QEMU's arguments for the host, without the program."""
    accel_name, cpu = accel
    node_mib = MEMORY_MIB // 2
    return [
        "-name", plan.name, "-uuid", f"00000000-6d6f-6f72-696e-{plan.index + 1:012x}",
        "-M", "q35,kernel-irqchip=split", "-accel", accel_name, "-cpu", cpu, "-smp", "1", "-m", str(MEMORY_MIB),
        "-object", f"memory-backend-ram,id=m0,size={node_mib}M", "-numa", "node,nodeid=0,memdev=m0,cpus=0",
        "-object", f"memory-backend-ram,id=m1,size={node_mib}M", "-numa", "node,nodeid=1,memdev=m1",
        "-nodefaults", "-display", "none", "-no-reboot",
        "-kernel", f"{plan.boot}/vmlinux", "-initrd", f"{plan.boot}/initrd.img",
        "-append", f"{_KERNEL_ARGUMENTS} lab.name={plan.name}",
        "-serial", f"file:{plan.console}",
        "-qmp", f"unix:{plan.socket('qmp')},server=on,wait=off",
        "-device", "intel-iommu,intremap=on,caching-mode=on",
        "-device", "pcie-root-port,id=rp0,chassis=1,slot=1,bus=pcie.0,addr=0x10",
        "-device", "pxb-pcie,id=node1,bus_nr=0x80,numa_node=1,bus=pcie.0,addr=0x1c",
        "-device", "pcie-root-port,id=rp1,chassis=2,slot=2,bus=node1,addr=0x0",
        "-device", "pcie-root-port,id=rp2,chassis=3,slot=3,bus=pcie.0,addr=0x11",
        *_hand(plan), *_disks(plan), *_nvme(plan), *_nics(plan),
    ]  # fmt: skip


def _hand(plan: Plan) -> list[str]:
    words = ["-device", "virtio-serial-pci,bus=pcie.0"]
    for line in ("own", "guest"):
        words += ["-chardev", f"socket,id={line},path={plan.socket(line)},server=on,wait=off"]
        words += ["-device", f"virtserialport,chardev={line},name=lab.{line}"]
    return words


def _disks(plan: Plan) -> list[str]:
    words = []
    for disk in plan.disks:
        # Hosts share the read-only disks; QEMU's file locks would not let them.
        access = "readonly=off" if disk.writable else "readonly=on,file.locking=off"
        words += ["-drive", f"file={disk.image},format=raw,if=none,id={disk.serial},{access}"]
        words += ["-device", f"virtio-blk-pci,bus=pcie.0,drive={disk.serial},serial={disk.serial}"]
    return words


def _nvme(plan: Plan) -> list[str]:
    if plan.nvme is None:
        return []
    drive = f"file={plan.nvme},format=raw,if=none,id=nvme"
    return ["-drive", drive, "-device", f"nvme,bus=rp2,drive=nvme,serial={plan.name}"]


def _nics(plan: Plan) -> list[str]:
    words = []
    for nic in NICS:
        near, own = plan.sockets[nic.name]
        ends = f"local.type=unix,local.path={own},remote.type=unix,remote.path={near}"
        words += ["-netdev", f"dgram,id={nic.name},{ends}"]
        words += ["-device", f"{nic.device},netdev={nic.name},mac={plan.mac(nic)}"]
    forwards = "".join(f",hostfwd=tcp:127.0.0.1:{here}-:{there}" for here, there in plan.forward)
    management = Nic("mgmt", "", "01", "")
    words += ["-netdev", f"user,id=mgmt{forwards}"]
    words += ["-device", f"virtio-net-pci,romfile=,bus=pcie.0,addr=0x0c,netdev=mgmt,mac={plan.mac(management)}"]
    return words
