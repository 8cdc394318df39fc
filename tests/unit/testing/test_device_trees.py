"""Simulated cards that are no NICs are read back as they were meant, and their drivers come and go as the kernel's."""

from pathlib import Path

import pytest

from mooring.config import load_agent
from mooring.core.devspec import offer
from mooring.core.devspec_entries import parse_device_specs
from mooring.host.host_use import host_uses
from mooring.host.sysfs import read_functions
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.testing.host import SimulatedHost
from mooring.testing.hosts import DEVICES

GPU, DISK, FPGA = (PciAddress.parse(address) for address in ("0000:17:00.0", "0000:65:00.0", "0000:af:00.0"))


@pytest.fixture
def host(tmp_path: Path) -> SimulatedHost:
    return SimulatedHost.create(tmp_path / "host", DEVICES, controller="http://127.0.0.1:1", key="key")


def at(host: SimulatedHost, address: PciAddress) -> PciFunction:
    return next(one for one in host.functions() if one.address == address)


def disks(host: SimulatedHost) -> list[str]:
    return sorted(path.name for path in (host.root / "class/block").iterdir())


def test_cards_that_are_no_nics_are_read_back_as_built(host: SimulatedHost) -> None:
    functions = host.functions()
    assert [one.faults for one in functions if one.faults] == []
    shown = {
        str(one.address): (one.kind, one.device_class, one.driver, one.netdev, one.numa_node)
        for one in functions
        if one.netdev is None
    }
    vfs = {f"0000:af:00.{n}": (FunctionKind.VF, "120000", "dfl-pci", None, 1) for n in (5, 6, 7)}
    assert shown == {
        "0000:17:00.0": (FunctionKind.PCI, "030200", "nouveau", None, 0),
        "0000:65:00.0": (FunctionKind.PCI, "010802", "nvme", None, 0),
        "0000:af:00.0": (FunctionKind.PF, "120000", "dfl-pci", None, 1),
        "0000:b3:00.0": (FunctionKind.PCI, "030200", "nouveau", None, 1),
        **vfs,
    }
    assert (at(host, FPGA).vf_count, at(host, FPGA).vf_total) == (3, 3)


def test_all_of_the_plan_is_handed_out_by_its_own_specs(host: SimulatedHost) -> None:
    file = load_agent(host.folder / "agent.toml")
    functions = read_functions(host.root)
    uses = host_uses(host.root, functions, host.occupants)
    offers = offer(functions, parse_device_specs(file.device_specs, file.device_spec_lines), uses)
    kept = {str(one.function.address): one.reason for one in offers if not one.is_offered}
    assert kept == {"0000:3b:00.0": "a PF is not handed out, only its VFs are"}
    assert {one.tags for one in offers if one.function.vendor_id == "10de"} == {("gpu",)}


def test_a_drives_disk_is_there_while_its_driver_has_it(host: SimulatedHost) -> None:
    assert disks(host) == ["nvme0n1", "nvme0n1p1"]
    host.pci_bus.rebind(DISK, "vfio-pci")
    assert disks(host) == []
    host.pci_bus.rebind(DISK, "nvme")
    assert disks(host) == ["nvme0n1", "nvme0n1p1"]
    assert (host.root / "class/block/nvme0n1p1/dev").read_text() == "259:1\n"


def test_a_pf_that_loses_its_driver_loses_its_vfs(host: SimulatedHost) -> None:
    """dfl-pci, as any driver, disables SR-IOV when it is taken from its function."""
    host.pci_bus.rebind(FPGA, "vfio-pci")
    assert (at(host, FPGA).vf_count, [one for one in host.functions() if one.pf == FPGA]) == (0, [])
    host.pci_bus.rebind(FPGA, "dfl-pci")
    host.machine().pci_bus.set_vf_count(FPGA, 2)
    assert [one.driver for one in host.functions() if one.pf == FPGA] == ["dfl-pci"] * 2


def test_what_guests_had_is_with_its_own_driver_after_a_reboot(host: SimulatedHost) -> None:
    before = host.functions()
    for address in (GPU, DISK):
        host.pci_bus.rebind(address, "vfio-pci")
    host.reboot()
    assert host.functions() == before
