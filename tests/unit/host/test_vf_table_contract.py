"""What every VF table keeps to: one class of tests, for the simulated one and for netlink.

Netlink's other end here is a kernel in miniature: it speaks pyroute2's messages over a simulated card, so that what is
proved is our encoding, decoding and reading of errnos; a real kernel with a real card is the lab's.
"""

import errno
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyroute2.netlink.exceptions import NetlinkError

from mooring.errors import Conflict, HostFault, Invalid, MooringError, NotFound, Unsupported
from mooring.host.machine import VfTable
from mooring.host.netlink import Message, NetlinkVfTable, RouteSocket
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan
from mooring.testing.cards import INTEL_82576, INTEL_E810, MELLANOX_CX6, Card
from mooring.testing.vf_table import Mishaps, SimulatedVfTable

PF = "enp1s0"
MACS = tuple(f"02:00:00:00:01:{index:02x}" for index in range(4))
_LINK_STATES = list(LinkState)
_NOT_IMPLEMENTED = 0xFFFFFFFF
_WIRE_FIELDS = {
    "mac": VfField.MAC,
    "vlan": VfField.VLAN,
    "spoofchk": VfField.SPOOF_CHECK,
    "trust": VfField.TRUST,
    "rate": VfField.RATE,
    "link_state": VfField.LINK_STATE,
}


class MiniatureKernel:
    """RTM_GETLINK and RTM_SETLINK of one PF, over a simulated card."""

    def __init__(self, card: SimulatedVfTable) -> None:
        self._card = card

    def open(self) -> AbstractContextManager[RouteSocket]:
        return nullcontext(self)

    def link(self, command: str, **arguments: Any) -> Iterable[Message]:
        if arguments.get("ifname", PF) != PF:
            raise NetlinkError(errno.ENODEV)
        if command == "set":
            self._set(arguments["vf"])
            return []
        return [self._shown() if "ext_mask" in arguments else {"index": 2, "attrs": []}]

    def _shown(self) -> Message:
        try:
            vfs = dict(self._card.read_all(PF))
        except HostFault:
            vfs = {}  # the kernel hands out a short list as if it were whole
        infos = [("IFLA_VF_INFO", {"attrs": _attributes(index, vf)}) for index, vf in vfs.items()]
        attributes = [("IFLA_NUM_VF", len(MACS)), ("IFLA_VFINFO_LIST", {"attrs": infos})]
        return {"index": 2, "attrs": attributes}

    def _set(self, request: dict[str, Any]) -> None:
        index = request.pop("vf")
        [(name, value)] = request.items()
        field = _WIRE_FIELDS[name]
        try:
            self._card.write(PF, index, field, VfSettings(**{field.value: _value(field, value)}))
        except MooringError as refused:
            code = refused.facts["errno"]
            assert isinstance(code, int)
            raise NetlinkError(code) from refused


def _attributes(index: int, vf: VfSettings) -> list[tuple[str, Any]]:
    assert vf.vlan is not None
    assert vf.rate is not None
    assert vf.link_state is not None
    flags = [_NOT_IMPLEMENTED if flag is None else int(flag) for flag in (vf.spoof_check, vf.trust)]
    return [
        ("IFLA_VF_MAC", {"vf": index, "mac": vf.mac}),
        ("IFLA_VF_VLAN", {"vf": index, "vlan": vf.vlan.id, "qos": vf.vlan.qos}),
        ("IFLA_VF_RATE", {"vf": index, "min_tx_rate": vf.rate.min_mbps, "max_tx_rate": vf.rate.max_mbps}),
        ("IFLA_VF_SPOOFCHK", {"vf": index, "spoofchk": flags[0]}),
        ("IFLA_VF_LINK_STATE", {"vf": index, "link_state": _LINK_STATES.index(vf.link_state)}),
        ("IFLA_VF_TRUST", {"vf": index, "trust": flags[1]}),
    ]


def _value(field: VfField, value: Any) -> Any:
    match field:
        case VfField.VLAN:
            return Vlan(value["vlan"], value["qos"])
        case VfField.RATE:
            return TxRate(value["min_tx_rate"], value["max_tx_rate"])
        case VfField.LINK_STATE:
            return _LINK_STATES[value]
        case VfField.MAC:
            return value
    return bool(value)


class Subject:
    """A table, and the card behind it."""

    def __init__(self, folder: Path, kind: str, card: Card) -> None:
        self.card = SimulatedVfTable(folder)
        self.card.plug(PF, card, MACS)
        self.table: VfTable = self.card if kind == "simulated" else NetlinkVfTable(MiniatureKernel(self.card).open)


@pytest.fixture(params=["simulated", "netlink"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def igb(kind: str, tmp_path: Path) -> Subject:
    return Subject(tmp_path, kind, INTEL_82576)


@pytest.fixture
def ice(kind: str, tmp_path: Path) -> Subject:
    return Subject(tmp_path, kind, INTEL_E810)


WANTED = VfSettings("02:00:00:00:00:aa", Vlan(100, 3), False, True, TxRate(5, 500), LinkState.DISABLE)


class TestVfTableContract:
    def test_a_newborn_vf_is_as_its_card_makes_it(self, igb: Subject) -> None:
        newborn = replace(INTEL_82576.newborn, mac=MACS[2])
        assert igb.table.read(PF, 2) == newborn
        assert dict(igb.table.read_all(PF)) == {index: replace(newborn, mac=mac) for index, mac in enumerate(MACS)}

    @pytest.mark.parametrize("field", VfField)
    def test_a_write_changes_one_field_of_one_vf(self, ice: Subject, field: VfField) -> None:
        before = dict(ice.table.read_all(PF))
        ice.table.write(PF, 1, field, WANTED)
        after = {**before, 1: replace(before[1], **{field.value: getattr(WANTED, field.value)})}
        assert dict(ice.table.read_all(PF)) == after

    @pytest.mark.parametrize("field", VfField)
    def test_a_write_of_nothing_is_invalid(self, ice: Subject, field: VfField) -> None:
        with pytest.raises(Invalid):
            ice.table.write(PF, 1, field, VfSettings())

    def test_a_vf_that_is_not_there_is_not_found(self, igb: Subject) -> None:
        with pytest.raises(NotFound):
            igb.table.read(PF, 9)

    def test_a_pf_that_is_not_there_is_not_found(self, igb: Subject) -> None:
        with pytest.raises(NotFound):
            igb.table.read_all("enp9s0")
        with pytest.raises(NotFound):
            igb.table.write("enp9s0", 0, VfField.TRUST, WANTED)

    @pytest.mark.parametrize(
        ("field", "wanted", "error"),
        [
            (VfField.LINK_STATE, VfSettings(link_state=LinkState.DISABLE), Unsupported),
            (VfField.RATE, VfSettings(rate=TxRate(5, 0)), Invalid),
            (VfField.RATE, VfSettings(rate=TxRate(0, 2000)), Invalid),
            (VfField.MAC, VfSettings(mac="01:00:00:00:00:01"), Invalid),
            (VfField.VLAN, VfSettings(vlan=Vlan(4096)), Invalid),
            (VfField.VLAN, VfSettings(vlan=Vlan(1, 8)), Invalid),
        ],
    )
    def test_what_igb_refuses_is_refused_and_changes_nothing(
        self, igb: Subject, field: VfField, wanted: VfSettings, error: type[MooringError]
    ) -> None:
        before = igb.table.read(PF, 0)
        with pytest.raises(error):
            igb.table.write(PF, 0, field, wanted)
        assert igb.table.read(PF, 0) == before

    def test_igb_takes_vlan_4095_and_a_zero_mac(self, igb: Subject) -> None:
        igb.table.write(PF, 0, VfField.VLAN, VfSettings(vlan=Vlan(4095)))
        igb.table.write(PF, 0, VfField.MAC, VfSettings(mac="00:00:00:00:00:00"))
        assert igb.table.read(PF, 0).vlan == Vlan(4095)

    def test_igb_without_a_link_refuses_every_rate(self, igb: Subject) -> None:
        igb.card.set_link(PF, has_link=False)
        with pytest.raises(Invalid):
            igb.table.write(PF, 0, VfField.RATE, VfSettings(rate=TxRate()))

    def test_a_maximum_below_the_minimum_is_refused_by_the_kernel(self, ice: Subject) -> None:
        with pytest.raises(Invalid):
            ice.table.write(PF, 0, VfField.RATE, VfSettings(rate=TxRate(10, 5)))

    def test_a_card_that_does_not_report_trust_shows_none(self, kind: str, tmp_path: Path) -> None:
        card = replace(MELLANOX_CX6, newborn=replace(MELLANOX_CX6.newborn, trust=None))
        assert Subject(tmp_path, kind, card).table.read(PF, 0).trust is None

    def test_a_busy_vf_is_a_conflict_until_it_is_not(self, ice: Subject) -> None:
        ice.card.misbehave(PF, Mishaps(busy_writes=2))
        for _ in range(2):
            with pytest.raises(Conflict):
                ice.table.write(PF, 0, VfField.TRUST, WANTED)
        ice.table.write(PF, 0, VfField.TRUST, WANTED)
        assert ice.table.read(PF, 0).trust is True

    @pytest.mark.parametrize("entries", range(len(MACS)))
    def test_a_truncated_list_is_a_fault_and_never_a_result(self, ice: Subject, entries: int) -> None:
        ice.card.misbehave(PF, Mishaps(truncated_to=entries))
        with pytest.raises(HostFault):
            ice.table.read_all(PF)
        with pytest.raises(HostFault):
            ice.table.read(PF, 0)

    @pytest.mark.parametrize("field", VfField)
    def test_a_lying_card_takes_the_write_and_shows_the_old_value(self, ice: Subject, field: VfField) -> None:
        ice.card.misbehave(PF, Mishaps(lies_about=frozenset({field})))
        before = ice.table.read(PF, 0)
        ice.table.write(PF, 0, field, WANTED)
        assert ice.table.read(PF, 0) == before

    def test_any_other_errno_is_a_fault(self, ice: Subject) -> None:
        ice.card.misbehave(PF, Mishaps(errnos={VfField.MAC: errno.EIO}))
        with pytest.raises(HostFault, match="EIO"):
            ice.table.write(PF, 0, VfField.MAC, WANTED)


def test_the_simulated_card_outlives_who_wrote_to_it(tmp_path: Path) -> None:
    first = SimulatedVfTable(tmp_path)
    first.plug(PF, INTEL_E810, MACS)
    first.write(PF, 1, VfField.VLAN, WANTED)
    assert SimulatedVfTable(tmp_path).read(PF, 1).vlan == WANTED.vlan


def test_the_write_log_has_a_line_for_each_request_and_its_answer(tmp_path: Path) -> None:
    table = SimulatedVfTable(tmp_path)
    table.plug(PF, INTEL_82576, MACS)
    table.write(PF, 1, VfField.TRUST, WANTED)
    with pytest.raises(Unsupported):
        table.write(PF, 2, VfField.LINK_STATE, WANTED)
    table.overwrite(PF, 3, WANTED)
    assert [(one.pf, one.vf, one.field, one.value, one.answer) for one in table.writes()] == [
        (PF, 1, VfField.TRUST, True, "ok"),
        (PF, 2, VfField.LINK_STATE, "disable", "EOPNOTSUPP"),
    ]


def test_mlx_shows_4095_for_no_vlan(tmp_path: Path) -> None:
    table = SimulatedVfTable(tmp_path)
    table.plug(PF, replace(MELLANOX_CX6, no_vlan_shown_as=4095), MACS)
    assert table.read(PF, 0).vlan == Vlan(4095)


def test_a_reloaded_driver_forgets_everything(tmp_path: Path) -> None:
    table = SimulatedVfTable(tmp_path)
    table.plug(PF, INTEL_E810, MACS)
    table.write(PF, 1, VfField.VLAN, WANTED)
    table.plug(PF, INTEL_E810, MACS[:2])
    assert table.read(PF, 1).vlan == Vlan()
    table.unplug(PF)
    with pytest.raises(NotFound):
        table.read(PF, 1)
