"""One turn on cards that refuse what others take."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.model.outside import AgentStep
from mooring.model.vf import LinkState, VfField, Vlan
from mooring.testing.cards import INTEL_82576, INTEL_X710, MELLANOX_CX6, Card
from mooring.testing.vf_table import Mishaps
from tests.unit.agent.hosts import (
    ABSENT,
    BASELINE_VERIFIED,
    FAILED,
    IN_USE,
    PF_NETDEV,
    QUARANTINED,
    RUNNING,
    WEB,
    CallAt,
    Host,
    boot,
    desired,
    outcomes,
    server,
)


def test_igb_without_link_state_serves_and_is_baselined(tmp_path: Path) -> None:
    host = Host(tmp_path, INTEL_82576)
    agent = host.agent()
    assert outcomes(agent.turn(boot(host, 0))) == [IN_USE, RUNNING]
    assert host.settings(0) == host.serving(0).settings
    count = len(host.table.writes())
    assert outcomes(agent.turn(boot(host, 0))) == [IN_USE, RUNNING]
    assert host.writes_since(count) == []
    gone = desired([host.clean(0, generation=3)], [server([], generation=2, is_wanted=False)], sequence=2)
    assert outcomes(agent.turn(gone)) == [BASELINE_VERIFIED, ABSENT]
    refused = [record for record in host.writes_since(0) if record.field is VfField.LINK_STATE]
    assert [record.answer for record in refused] == ["EOPNOTSUPP"]


def test_igb_cannot_hold_a_port_down_and_says_so(tmp_path: Path) -> None:
    host = Host(tmp_path, INTEL_82576)
    report = host.agent().turn(boot(host, 0, link_state=LinkState.DISABLE))
    assert outcomes(report) == [QUARANTINED, FAILED]
    assert "link_state" in report.functions[0].reason
    assert host.running() == set()


def test_igb_is_baselined_while_its_cable_is_out(tmp_path: Path) -> None:
    host = Host(tmp_path, INTEL_82576)
    host.table.set_link(PF_NETDEV, carrier=False)
    assert outcomes(host.agent().turn(desired([host.clean(0)]))) == [BASELINE_VERIFIED]


@pytest.mark.parametrize(("card", "is_left_running"), [(INTEL_82576, False), (INTEL_X710, True)])
def test_a_guest_whose_vf_goes_wrong_at_the_start_keeps_it_only_where_the_card_isolates_it(
    tmp_path: Path, card: Card, is_left_running: bool
) -> None:
    host = Host(tmp_path, card)
    broken = Mishaps(errnos={VfField.VLAN: errno.EIO})
    steps = CallAt(AgentStep.DOMAIN_STARTED, lambda: host.table.misbehave(PF_NETDEV, broken))
    report = host.agent(steps).turn(boot(host, 0, vlan=Vlan(100, qos=5)))
    assert outcomes(report) == [QUARANTINED, FAILED]
    assert host.running() == ({WEB} if is_left_running else set())
    assert is_left_running == (host.settings(0).link_state is LinkState.DISABLE)
    host.table.misbehave(PF_NETDEV, Mishaps())
    assert outcomes(host.agent().turn(boot(host, 0, vlan=Vlan(100, qos=5)))) == [IN_USE, RUNNING]


@pytest.mark.parametrize(("card", "is_left_plugged"), [(INTEL_82576, False), (INTEL_X710, True)])
def test_an_attached_vf_that_goes_wrong_stays_plugged_only_where_the_card_isolates_it(
    tmp_path: Path, card: Card, is_left_plugged: bool
) -> None:
    host = Host(tmp_path, card)
    host.agent().turn(boot(host, 0))
    broken = Mishaps(errnos={VfField.VLAN: errno.EIO})
    # The first time is before the attach; the second, to write the priority that libvirt dropped.
    steps = CallAt(AgentStep.LINK_ISOLATED, lambda: host.table.misbehave(PF_NETDEV, broken), nth=2)
    more = desired(
        [host.serving(0), host.serving(1, vlan=Vlan(101, qos=5))],
        [server([host.interface(0), host.interface(1)], generation=2)],
        sequence=2,
    )
    assert outcomes(host.agent(steps).turn(more)) == [IN_USE, QUARANTINED, FAILED]
    assert (host.vf(1) in host.hypervisor.domains()[0].functions) == is_left_plugged
    host.table.misbehave(PF_NETDEV, Mishaps())
    assert outcomes(host.agent().turn(more)) == [IN_USE, IN_USE, RUNNING]


def test_mlx5_whose_spoof_check_is_off_at_birth_is_baselined(tmp_path: Path) -> None:
    host = Host(tmp_path, MELLANOX_CX6)
    assert outcomes(host.agent().turn(desired([host.clean(0)]))) == [BASELINE_VERIFIED]
    assert host.settings(0).spoof_check is True


def test_a_card_that_does_not_report_a_field_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    card = replace(MELLANOX_CX6, newborn=replace(MELLANOX_CX6.newborn, trust=None))
    host = Host(tmp_path, card)
    report = host.agent().turn(desired([host.clean(0)]))
    assert outcomes(report) == [QUARANTINED]
    assert "does not report trust" in report.functions[0].reason
    assert host.writes_since(0) == []
