"""The contract of VF tables, kept by the simulated one and by netlink over a kernel in miniature.

On a real kernel with netdevsim the same class runs in the lab.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from mooring.errors import HostFault, MooringError, Unsupported
from mooring.host.machine import VfTable
from mooring.host.netlink import NetlinkVfTable
from mooring.host.patience import PatientVfTable
from mooring.host.rtnetlink import RouteSocket
from mooring.model.vf import VfField, VfSettings
from mooring.testing.cards import INTEL_82576, INTEL_E810, INTEL_X710, Card
from mooring.testing.contracts import VfTableContract, broken_promises
from mooring.testing.vf_table import Mishaps, SimulatedVfTable
from tests.unit.host.miniature import MiniatureKernel

PF = "enp1s0"
MACS = tuple(f"02:00:00:00:01:{index:02x}" for index in range(4))
REFUSED: Mapping[str, Mapping[VfField, type[MooringError]]] = {INTEL_82576.name: {VfField.LINK_STATE: Unsupported}}


def table_of(kind: str, card: SimulatedVfTable) -> VfTable:
    netlink = NetlinkVfTable(RouteSocket(lambda: MiniatureKernel(card, len(MACS))))
    tables: dict[str, VfTable] = {"simulated": card, "netlink": netlink, "patient": PatientVfTable(netlink)}
    return tables[kind]


@pytest.mark.parametrize("card", [INTEL_82576, INTEL_X710, INTEL_E810], ids=lambda card: card.driver)
@pytest.mark.parametrize("kind", ["simulated", "netlink", "patient"])
class TestVfTable(VfTableContract):
    @pytest.fixture(autouse=True)
    def _set(self, kind: str, card: Card, tmp_path: Path) -> None:
        simulated = SimulatedVfTable(tmp_path)
        simulated.plug(PF, card, MACS)
        self.on(
            table_of(kind, simulated),
            PF,
            vf_count=len(MACS),
            refused=REFUSED.get(card.name),
            has_min_rate=card.min_rate,
            vlan_protocols=card.vlan_protocols,
        )


@pytest.fixture(params=["simulated", "netlink"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("entries", range(len(MACS)))
def test_a_truncated_list_is_a_fault_and_never_a_result(kind: str, entries: int, tmp_path: Path) -> None:
    card = SimulatedVfTable(tmp_path)
    card.plug(PF, INTEL_E810, MACS)
    card.misbehave(PF, Mishaps(truncated_to=entries))
    table = table_of(kind, card)
    with pytest.raises(HostFault):
        table.look(PF)
    with pytest.raises(HostFault):
        table.read(PF, 0)


def test_the_links_own_state_is_seen(kind: str, tmp_path: Path) -> None:
    card = SimulatedVfTable(tmp_path)
    card.plug(PF, INTEL_E810, MACS, carrier=False)
    table = table_of(kind, card)
    seen = [table.look(PF)]
    card.set_link(PF, up=False, carrier=True)
    seen.append(table.look(PF))
    table.bring_up(PF)
    seen.append(table.look(PF))
    assert [(view.is_up, view.has_carrier) for view in seen] == [(True, False), (False, False), (True, True)]


def test_a_broken_promise_is_told_by_its_name(tmp_path: Path) -> None:
    card = SimulatedVfTable(tmp_path)
    card.plug(PF, INTEL_E810, MACS)
    contract = VfTableContract().on(card, PF, vf_count=len(MACS))
    assert broken_promises(contract) == {}
    card.misbehave(PF, Mishaps(lies_about=frozenset({VfField.TRUST})))
    assert "trust" in broken_promises(contract)["test_a_write_changes_one_field_of_one_vf"]


def test_a_card_that_does_not_report_trust_shows_none(kind: str, tmp_path: Path) -> None:
    card = SimulatedVfTable(tmp_path)
    card.plug(PF, INTEL_E810, MACS)
    card.overwrite(PF, 0, VfSettings(mac=MACS[0], trust=None))
    assert table_of(kind, card).read(PF, 0).trust is None
