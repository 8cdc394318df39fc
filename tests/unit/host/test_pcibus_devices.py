"""Resets and drivers of functions that are no NICs, and of whole ones: whatever the kernel has for them."""

from pathlib import Path

import pytest

from mooring.errors import Conflict, HostFault
from mooring.model.pci import PciAddress
from mooring.testing.cards import INTEL_82576, ZERO_MAC
from mooring.testing.pci_kernel import PciMishaps
from mooring.testing.pcibus import SimulatedPciBus
from mooring.testing.sysfs_tree import SimulatedPf, build, folder_of
from mooring.testing.vf_table import SimulatedVfTable

PF = PciAddress.parse("0000:81:00.0")
VF = PciAddress.parse("0000:81:10.0")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    build(tmp_path / "sys", [SimulatedPf(INTEL_82576, PF, "ens1f0", "52:54:00:01:00:00", num_vfs=1)])
    return tmp_path / "sys"


@pytest.fixture
def bus(tmp_path: Path, root: Path) -> SimulatedPciBus:
    table = SimulatedVfTable(tmp_path / "vf")
    table.plug("ens1f0", INTEL_82576, (ZERO_MAC,))
    return SimulatedPciBus(tmp_path / "pci", root, table)


def disguise(root: Path, address: PciAddress, **files: str) -> Path:
    """The function as another kind of device; its folder."""
    folder = folder_of(root, address)
    for name, text in {"class": "0x030200", **files}.items():
        (folder / name).write_text(f"{text}\n")
    return folder


@pytest.mark.parametrize(
    ("methods", "has_flr"),
    [("flr bus", True), ("device_specific flr", True), ("bus", False), ("pm bus", False)],
)
def test_whatever_reset_the_kernel_has_is_used_where_any_will_do(
    root: Path, bus: SimulatedPciBus, methods: str, has_flr: bool
) -> None:
    disguise(root, VF, reset_method=methods)
    bus.unbind(VF)
    assert bus.reset(VF) is has_flr
    assert bus.reset(VF, any_method=True) is True
    assert len([write for write in bus.writes() if write.file == "reset"]) == 1 + has_flr


def test_function_that_the_kernel_cannot_reset_says_so_however_it_is_asked(root: Path, bus: SimulatedPciBus) -> None:
    bus.unbind(VF)
    (folder_of(root, VF) / "reset").unlink()
    assert bus.reset(VF, any_method=True) is False


def test_no_reset_of_any_kind_is_done_under_a_driver(root: Path, bus: SimulatedPciBus) -> None:
    disguise(root, VF, reset_method="bus")
    with pytest.raises(Conflict, match="is on igbvf"):
        bus.reset(VF, any_method=True)


def test_what_is_no_nic_may_stay_without_a_driver(root: Path, bus: SimulatedPciBus) -> None:
    bus.misbehave(PciMishaps(ignores=frozenset({"drivers_probe"})))
    bus.unbind(VF)
    with pytest.raises(HostFault, match="no driver took"):
        bus.bind(VF)
    disguise(root, VF)
    bus.bind(VF)
    assert bus.driver(VF) is None


def test_what_is_no_nic_goes_back_to_the_driver_that_the_operator_chose_for_it(
    root: Path, bus: SimulatedPciBus
) -> None:
    """``driverctl set-override`` keeps a GPU from the host's own driver, which may not let go of it again."""
    folder = disguise(root, VF, driver_override="vfio-pci")
    bus.unbind(VF)
    bus.bind(VF)
    assert (bus.driver(VF), (folder / "driver_override").read_text().strip()) == ("vfio-pci", "vfio-pci")
    bus.bind(VF)
    assert bus.driver(VF) == "vfio-pci"
