"""The simulated card: its manners, its mishaps, its memory, and what it tells a watch."""

import errno
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.errors import Conflict, HostFault, Invalid, MooringError, NotFound, Unsupported
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan
from mooring.testing.cards import INTEL_82576, INTEL_E810, MELLANOX_CX6
from mooring.testing.contracts import FIELDS
from mooring.testing.vf_table import Mishaps, SimulatedVfTable

PF = "enp1s0"
MACS = tuple(f"02:00:00:00:01:{index:02x}" for index in range(4))
WANTED = VfSettings("02:00:00:00:00:aa", Vlan(100, 3), False, True, TxRate(5, 500), LinkState.DISABLE)
LONG_S = 30.0


@pytest.fixture
def igb(tmp_path: Path) -> SimulatedVfTable:
    table = SimulatedVfTable(tmp_path)
    table.plug(PF, INTEL_82576, MACS)
    return table


@pytest.fixture
def ice(tmp_path: Path) -> SimulatedVfTable:
    table = SimulatedVfTable(tmp_path)
    table.plug(PF, INTEL_E810, MACS)
    return table


def test_a_newborn_vf_is_as_its_card_makes_it(igb: SimulatedVfTable) -> None:
    assert igb.look(PF).vfs == {index: replace(INTEL_82576.newborn, mac=mac) for index, mac in enumerate(MACS)}


@pytest.mark.parametrize(
    ("field", "wanted", "error"),
    [
        (VfField.LINK_STATE, VfSettings(link_state=LinkState.DISABLE), Unsupported),
        (VfField.RATE, VfSettings(rate=TxRate(5, 0)), Invalid),
        (VfField.RATE, VfSettings(rate=TxRate(0, 2000)), Invalid),
    ],
)
def test_what_igb_refuses_is_refused_and_changes_nothing(
    igb: SimulatedVfTable, field: VfField, wanted: VfSettings, error: type[MooringError]
) -> None:
    before = igb.read(PF, 0)
    with pytest.raises(error):
        igb.write(PF, 0, (field,), wanted)
    assert igb.read(PF, 0) == before


def test_igb_takes_vlan_4095_and_a_zero_mac(igb: SimulatedVfTable) -> None:
    wanted = VfSettings(mac="00:00:00:00:00:00", vlan=Vlan(4095))
    igb.write(PF, 0, (VfField.VLAN, VfField.MAC), wanted)
    assert (igb.read(PF, 0).mac, igb.read(PF, 0).vlan) == (wanted.mac, wanted.vlan)


@pytest.mark.parametrize("link", [{"up": False}, {"carrier": False}])
def test_igb_without_a_link_refuses_every_rate(igb: SimulatedVfTable, link: dict[str, bool]) -> None:
    igb.set_link(PF, **link)
    with pytest.raises(Invalid):
        igb.write(PF, 0, (VfField.RATE,), VfSettings(rate=TxRate()))


def test_the_cable_stays_out_when_the_pf_is_brought_up(igb: SimulatedVfTable) -> None:
    igb.set_link(PF, up=False, carrier=False)
    igb.bring_up(PF)
    view = igb.look(PF)
    assert (view.is_up, view.has_carrier) == (True, False)


def test_mlx_shows_4095_for_no_vlan(tmp_path: Path) -> None:
    table = SimulatedVfTable(tmp_path)
    table.plug(PF, replace(MELLANOX_CX6, no_vlan_shown_as=4095), MACS)
    assert table.read(PF, 0).vlan == Vlan(4095)


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EAGAIN])
def test_a_busy_vf_is_a_conflict_for_so_many_writes(ice: SimulatedVfTable, code: int) -> None:
    ice.misbehave(PF, Mishaps(busy_writes=2, busy_errno=code))
    for _ in range(2):
        with pytest.raises(Conflict):
            ice.write(PF, 0, (VfField.TRUST, VfField.MAC), WANTED)
    ice.write(PF, 0, (VfField.TRUST, VfField.MAC), WANTED)
    assert ice.read(PF, 0).trust is True


@pytest.mark.parametrize("field", FIELDS)
def test_a_lying_card_takes_the_write_and_shows_the_old_value(ice: SimulatedVfTable, field: VfField) -> None:
    ice.misbehave(PF, Mishaps(lies_about=frozenset({field})))
    before = ice.read(PF, 0)
    ice.write(PF, 0, FIELDS, WANTED)
    assert ice.read(PF, 0) == replace(WANTED, **{field.value: getattr(before, field.value)})


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.EPERM, HostFault),
        (errno.EIO, HostFault),
        (errno.EINVAL, Invalid),
        (errno.EOPNOTSUPP, Unsupported),
        (errno.ENODEV, NotFound),
    ],
)
def test_a_card_answers_with_the_errno_that_it_is_given(
    ice: SimulatedVfTable, code: int, error: type[MooringError]
) -> None:
    ice.misbehave(PF, Mishaps(errnos={VfField.MAC: code}))
    with pytest.raises(error):
        ice.write(PF, 0, (VfField.MAC,), WANTED)


CALLS: dict[str, Callable[[SimulatedVfTable], object]] = {
    "read": lambda table: table.read(PF, 0),
    "look": lambda table: table.look(PF),
    "bring_up": lambda table: table.bring_up(PF),
    "write": lambda table: table.write(PF, 0, (VfField.TRUST,), WANTED),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_card_that_hangs_returns_when_the_hanging_ends(ice: SimulatedVfTable, name: str) -> None:
    ice.misbehave(PF, Mishaps(hangs=True))
    thread = threading.Thread(target=CALLS[name], args=(ice,))
    thread.start()
    thread.join(0.05)
    was_hanging = thread.is_alive()
    ice.misbehave(PF, Mishaps())
    thread.join(LONG_S)
    assert (was_hanging, thread.is_alive()) == (True, False)


def test_the_card_outlives_who_wrote_to_it(tmp_path: Path, ice: SimulatedVfTable) -> None:
    ice.write(PF, 1, (VfField.VLAN,), WANTED)
    assert SimulatedVfTable(tmp_path).read(PF, 1).vlan == WANTED.vlan


def test_the_write_log_has_a_line_for_each_field_up_to_the_first_refused(igb: SimulatedVfTable) -> None:
    igb.write(PF, 1, (VfField.TRUST,), WANTED)
    with pytest.raises(Unsupported):
        igb.write(PF, 2, (VfField.MAC, VfField.LINK_STATE, VfField.TRUST), WANTED)
    igb.overwrite(PF, 3, WANTED)
    assert [(one.pf, one.vf, one.field, one.value, one.answer) for one in igb.writes()] == [
        (PF, 1, VfField.TRUST, True, "ok"),
        (PF, 2, VfField.MAC, WANTED.mac, "ok"),
        (PF, 2, VfField.LINK_STATE, "disable", "EOPNOTSUPP"),
    ]


def test_a_reloaded_driver_forgets_everything(ice: SimulatedVfTable) -> None:
    ice.write(PF, 1, (VfField.VLAN,), WANTED)
    ice.plug(PF, INTEL_E810, MACS[:2])
    assert ice.read(PF, 1).vlan == Vlan()
    ice.unplug(PF)
    with pytest.raises(NotFound):
        ice.read(PF, 1)


def test_a_watch_is_told_what_others_do(tmp_path: Path) -> None:
    told: list[str] = []
    table = SimulatedVfTable(tmp_path, told.append)
    table.plug(PF, INTEL_E810, MACS)
    table.write(PF, 1, (VfField.VLAN,), WANTED)
    assert told == [f"link {PF}"]
    table.overwrite(PF, 1, WANTED)
    table.set_link(PF, carrier=False)
    table.unplug(PF)
    assert told == [f"link {PF}"] * 3 + [f"link gone {PF}"]
