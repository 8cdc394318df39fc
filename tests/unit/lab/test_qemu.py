"""The machine that QEMU is told to be."""

from dataclasses import replace
from pathlib import Path

import pytest

from lab.qemu import NICS, Disk, Plan, accelerator, arguments


def plan(index: int = 0) -> Plan:
    sockets = {nic.name: (Path(f"/run/{nic.name}.wire"), Path(f"/run/{nic.name}.nic")) for nic in NICS}
    disks = (Disk("root", Path("/b/root.ext4")), Disk("state", Path("/run/n0.state"), writable=True))
    return Plan(f"n{index}", index, Path("/run"), Path("/b"), disks, sockets, [(8022, 22)])


def test_every_mac_of_every_host_is_its_own() -> None:
    macs = [plan(index).mac(nic) for index in range(4) for nic in NICS]
    assert len(set(macs)) == len(macs)


def test_only_the_state_disk_can_be_written() -> None:
    drives = [word for word in arguments(plan(), ("tcg", "max")) if word.startswith("file=")]
    assert [("readonly=on" in drive) for drive in drives] == [True, False]


def test_each_nic_is_wired_to_its_own_socket() -> None:
    words = arguments(plan(), ("tcg", "max"))
    for nic in NICS:
        assert any(f"id={nic.name},local.type=unix,local.path=/run/{nic.name}.nic" in word for word in words)
        assert any(f"netdev={nic.name},mac={plan().mac(nic)}" in word for word in words)


def test_nvme_disk_is_behind_a_root_port_of_its_own_and_can_be_written() -> None:
    assert not any("nvme" in word for word in arguments(plan(), ("tcg", "max")))
    words = arguments(replace(plan(), nvme=Path("/run/n0.nvme")), ("tcg", "max"))
    assert "file=/run/n0.nvme,format=raw,if=none,id=nvme" in words
    device = next(word for word in words if word.startswith("nvme,"))
    port = next(word for word in words if word.startswith("pcie-root-port,id=rp2,"))
    assert "bus=rp2" in device
    assert [other for other in words if other != device and "bus=rp2" in other] == []
    assert words.index(port) < words.index(device)


def test_ports_are_forwarded_from_loopback_alone() -> None:
    assert "user,id=mgmt,hostfwd=tcp:127.0.0.1:8022-:22" in arguments(plan(), ("tcg", "max"))


@pytest.mark.parametrize(
    ("cpuinfo", "usable", "name"),
    [
        ("flags\t\t: fpu svm sse\n", True, "kvm"),
        ("flags\t\t: fpu vmx\n", True, "kvm"),
        ("flags\t\t: fpu vmx\n", False, "tcg,thread=multi"),
        ("flags\t\t: fpu hypervisor\nbugs: svm\n", True, "tcg,thread=multi"),
    ],
)
def test_kvm_is_used_only_where_the_processor_has_it(cpuinfo: str, usable: bool, name: str) -> None:
    assert accelerator(cpuinfo, usable)[0] == name
