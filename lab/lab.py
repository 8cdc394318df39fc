"""The lab as a value: hosts and wires that exist for as long as a ``with`` block."""

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from lab import qemu
from lab.build import Images
from lab.host import BOOT_LIMIT_S, LabHost
from lab.tools import ext4
from lab.wire import Wire

STATE_MIB = 4096
NVME_BYTES = 1 << 20


class Lab:
    """Two hosts on two wires.

    with Lab(build()) as lab:
        lab["n0"].sh("echo 4 > /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs")
        lab.physnet1.seen(src=lab["n0"].mac("pf0"), vlan=100)

    ``forward`` has (port of this machine's 127.0.0.1, port inside) for each host; from inside, this machine's loopback
    is 10.0.2.2. ``folder`` is where sockets, consoles and state disks are; a temporary one otherwise.
    """

    def __init__(
        self,
        images: Images,
        *,
        hosts: int = 2,
        forward: Sequence[Sequence[tuple[int, int]]] = (),
        folder: Path | None = None,
    ) -> None:
        self._images = images
        self._keep = folder is not None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="lab."))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.physnet1 = Wire("physnet1", self.folder)
        self.physnet2 = Wire("physnet2", self.folder)
        self.wires = {"physnet1": self.physnet1, "physnet2": self.physnet2}
        forwards = [*forward, *[()] * hosts]
        self.hosts = [self._host(index, forwards[index]) for index in range(hosts)]

    def __getitem__(self, name: str) -> LabHost:
        return next(host for host in self.hosts if host.name == name)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self, limit_s: float = BOOT_LIMIT_S) -> None:
        """Boot all hosts side by side, and wait until they take commands."""
        for host in self.hosts:
            host.start()
        for host in self.hosts:
            host.wait(limit_s)

    def close(self) -> None:
        """Take the hosts' power away, and remove the folder if it was ours.

        Nothing that they hold is wanted any more, so they are not shut down in order first.
        """
        for host in self.hosts:
            host.kill()
        for wire in self.wires.values():
            wire.close()
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _host(self, index: int, forward: Sequence[tuple[int, int]]) -> LabHost:
        name, images = f"n{index}", self._images
        state = self.folder / f"{name}.state"
        ext4(images.root / "tree", None, state, size_mib=STATE_MIB, label="state", journal=True)
        disks = (
            qemu.Disk("debian", images.root / "root.ext4"),
            qemu.Disk("layer", images.layer / "layer.ext4"),
            qemu.Disk("deps", images.deps / "deps.ext4"),
            qemu.Disk("mooring", images.mooring / "mooring.ext4"),
            qemu.Disk("state", state, writable=True),
        )
        nvme = self.folder / f"{name}.nvme"
        nvme.write_bytes(nvme_words(name).encode().ljust(NVME_BYTES, b"\0"))
        hosts: list[LabHost] = []
        sockets = {}
        for nic in qemu.NICS:
            carrier = _later(hosts, nic.name)
            sockets[nic.name] = self.wires[nic.physnet].add(f"{name}.{nic.name}", carrier)
        plan = qemu.Plan(name, index, self.folder, images.boot, disks, sockets, forward, nvme)
        program, env = qemu.program(images.root / "tree")
        cpuinfo = Path("/proc/cpuinfo").read_text()
        accel = qemu.accelerator(cpuinfo, os.access("/dev/kvm", os.R_OK | os.W_OK))
        hosts.append(LabHost(plan, [*program, *qemu.arguments(plan, accel)], env, self.wires))
        return hosts[0]


def nvme_words(name: str) -> str:
    """What is on the NVMe disk of the host of that name, from its first byte on."""
    return f"the nvme of {name}\n"


def _later(hosts: list[LabHost], nic: str) -> Callable[[bool], None]:
    """A wire's port is there before its host is: tell the host of its carrier once there is one."""

    def tell(up: bool) -> None:
        for host in hosts:
            host.carrier(nic, up)

    return tell
