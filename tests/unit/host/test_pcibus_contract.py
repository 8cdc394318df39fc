"""What a ``PciBus`` promises, kept by the real one over a simulated kernel with the manners of each card."""

from pathlib import Path

import pytest

from mooring.host.patience import PatientPciBus
from mooring.model.pci import PciAddress
from mooring.testing.cards import INTEL_82576, INTEL_X710, MELLANOX_CX6, Card
from mooring.testing.contracts_pci import PciBusContract
from mooring.testing.pcibus import SimulatedPciBus
from mooring.testing.sysfs_tree import SimulatedPf, build, folder_of
from mooring.testing.vf_table import SimulatedVfTable

PF = PciAddress.parse("0000:81:00.0")
SPARE = PciAddress.parse("0000:81:00.1")


def bus_of(folder: Path, card: Card) -> tuple[SimulatedPciBus, SimulatedPf]:
    ports = [
        SimulatedPf(card, PF, "ens1f0", "52:54:00:01:00:00", num_vfs=3),
        SimulatedPf(card, SPARE, "ens1f1", "52:54:00:01:01:00", num_vfs=0),
    ]
    build(folder / "sys", ports)
    table = SimulatedVfTable(folder / "vf")
    for pf in ports:
        table.plug(pf.netdev, card, tuple(pf.vf_mac(index) for index in range(pf.num_vfs)))
    return SimulatedPciBus(folder / "pci", folder / "sys", table), ports[0]


@pytest.mark.parametrize("card", [INTEL_82576, INTEL_X710, MELLANOX_CX6], ids=lambda card: card.name)
class TestSimulated(PciBusContract):
    @pytest.fixture(autouse=True)
    def _about(self, tmp_path: Path, card: Card) -> None:
        bus, pf = bus_of(tmp_path, card)
        self.on(bus, tmp_path / "sys", pf=PF, vf=pf.vf_address(1), spare_pf=SPARE)


class TestWithoutReset(PciBusContract):
    @pytest.fixture(autouse=True)
    def _about(self, tmp_path: Path) -> None:
        bus, pf = bus_of(tmp_path, INTEL_82576)
        (folder_of(tmp_path / "sys", pf.vf_address(1)) / "reset").unlink()
        self.on(bus, tmp_path / "sys", pf=PF, vf=pf.vf_address(1), has_flr=False)


class TestPatient(PciBusContract):
    @pytest.fixture(autouse=True)
    def _about(self, tmp_path: Path) -> None:
        bus, pf = bus_of(tmp_path, INTEL_X710)
        self.on(PatientPciBus(bus), tmp_path / "sys", pf=PF, vf=pf.vf_address(1), spare_pf=SPARE)
