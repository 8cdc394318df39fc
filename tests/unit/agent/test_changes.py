"""Functions in a guest's hands that change: by somebody's hand, by the wire, or because their port is changed."""

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mooring.errors import Unreachable
from mooring.model.desired import FunctionOutcome, Report
from mooring.model.vf import LinkState, TxRate, VfField, Vlan
from mooring.testing.cards import INTEL_82576
from mooring.testing.vf_table import Mishaps
from tests.unit.agent.hosts import IN_USE, PF_NETDEV, QUARANTINED, RUNNING, WEB, Host, boot, outcomes

DEGRADED = FunctionOutcome.DEGRADED


def reasons(report: Report) -> list[str]:
    return [one.reason for one in report.functions]


def test_a_change_by_hand_is_told_with_wanted_and_seen_before_it_is_put_right(host: Host) -> None:
    agent = host.agent()
    agent.carry_out(boot(host, 0))
    strange = replace(host.settings(0), vlan=Vlan(99))
    host.table.overwrite(PF_NETDEV, 0, strange)
    agent.carry_out(boot(host, 0))
    _, told, after = host.controller.reports
    assert [one.outcome for one in told.functions] == [DEGRADED]
    assert told.functions[0].observed == strange
    assert reasons(told) == ["vlan is 99 (qos 0, 802.1q), wanted 100 (qos 0, 802.1q)"]
    assert outcomes(after) == [IN_USE, RUNNING]
    assert host.settings(0) == host.serving(0).settings


def test_a_change_is_put_right_even_when_nobody_can_be_told(host: Host) -> None:
    agent = host.agent()
    agent.turn(boot(host, 0))
    host.table.overwrite(PF_NETDEV, 0, replace(host.settings(0), trust=True))
    host.controller.refusals = [Unreachable("gone")]
    assert outcomes(agent.turn(boot(host, 0))) == [IN_USE, RUNNING]
    assert host.settings(0).trust is False


def test_a_change_of_vlan_is_isolated_before_it_is_put_right(host: Host) -> None:
    agent = host.agent()
    agent.turn(boot(host, 0))
    host.table.overwrite(PF_NETDEV, 0, replace(host.settings(0), vlan=Vlan(99)))
    count = len(host.table.writes())
    agent.turn(boot(host, 0))
    written = [record.field for record in host.writes_since(count)]
    assert written == [VfField.LINK_STATE, VfField.VLAN, VfField.LINK_STATE]


def test_a_pf_that_somebody_set_down_is_told_and_brought_up(host: Host) -> None:
    agent = host.agent()
    agent.turn(boot(host, 0))
    host.table.set_link(PF_NETDEV, up=False)
    report = agent.turn(boot(host, 0))
    assert reasons(host.controller.reports[-1]) == ["PF ens1f0 is down"]
    assert host.table.look(PF_NETDEV).is_up
    assert outcomes(report) == [IN_USE, RUNNING]


def test_a_port_whose_cable_is_out_is_degraded_until_it_is_back(host: Host) -> None:
    agent = host.agent()
    agent.turn(boot(host, 0))
    host.table.set_link(PF_NETDEV, carrier=False)
    for _ in range(2):
        report = agent.turn(boot(host, 0))
        assert outcomes(report) == [DEGRADED, RUNNING]
        assert reasons(report) == ["PF ens1f0 has no carrier"]
    host.table.set_link(PF_NETDEV, carrier=True)
    assert outcomes(agent.turn(boot(host, 0))) == [IN_USE, RUNNING]


def test_a_server_starts_while_the_cable_is_out_and_its_port_waits(host: Host) -> None:
    host.table.set_link(PF_NETDEV, carrier=False)
    assert outcomes(host.agent().turn(boot(host, 0))) == [DEGRADED, RUNNING]
    assert host.running() == {WEB}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"trust": True}, VfField.TRUST),
        ({"spoof_check": False}, VfField.SPOOF_CHECK),
        ({"rate": TxRate(0, 500)}, VfField.RATE),
    ],
)
def test_a_changed_port_reaches_its_vf_and_its_guest_keeps_its_link(
    host: Host, changes: dict[str, Any], field: VfField
) -> None:
    agent = host.agent()
    agent.turn(boot(host, 0))
    count = len(host.table.writes())
    report = agent.turn(boot(host, 0, sequence=2, **changes))
    assert outcomes(report) == [IN_USE, RUNNING]
    assert [record.field for record in host.writes_since(count)] == [field]
    assert host.settings(0) == host.serving(0, **changes).settings
    assert not any(one.outcome is DEGRADED for told in host.controller.reports for one in told.functions)


def test_a_port_set_down_takes_its_vfs_link_down_and_up_again(host: Host) -> None:
    agent = host.agent()
    agent.turn(boot(host, 0))
    assert outcomes(agent.turn(boot(host, 0, sequence=2, link_state=LinkState.DISABLE))) == [IN_USE, RUNNING]
    assert host.settings(0).link_state is LinkState.DISABLE
    assert outcomes(agent.turn(boot(host, 0, sequence=3))) == [IN_USE, RUNNING]
    assert host.settings(0).link_state is LinkState.AUTO


def test_what_the_card_refuses_of_a_changed_port_leaves_the_guest_as_it_was(tmp_path: Path) -> None:
    host = Host(tmp_path, INTEL_82576)
    agent = host.agent()
    agent.turn(boot(host, 0))
    refused = boot(host, 0, sequence=2, trust=True, rate=TxRate(50, 0))
    report = agent.turn(refused)
    assert outcomes(report) == [DEGRADED, RUNNING]
    assert report.functions[0].is_refused
    assert "rate" in reasons(report)[0]
    assert host.settings(0) == host.serving(0).settings
    assert outcomes(agent.turn(boot(host, 0, sequence=3, trust=True))) == [IN_USE, RUNNING]
    assert host.settings(0).trust is True


def test_a_card_without_link_state_is_asked_once_and_then_remembered(tmp_path: Path) -> None:
    host = Host(tmp_path, INTEL_82576)
    agent = host.agent()
    agent.turn(boot(host, 0))
    down = boot(host, 0, sequence=2, link_state=LinkState.DISABLE)
    count = len(host.table.writes())
    for _ in range(3):
        report = agent.turn(down)
        assert outcomes(report) == [DEGRADED, RUNNING]
        assert report.functions[0].is_refused
        assert "cannot set link_state" in reasons(report)[0]
    assert host.writes_since(count) == []
    assert outcomes(agent.turn(boot(host, 0, sequence=3))) == [IN_USE, RUNNING]


def test_a_changed_port_whose_vf_does_not_show_it_is_quarantined(host: Host) -> None:
    agent = host.agent()
    agent.turn(boot(host, 0))
    host.table.misbehave(PF_NETDEV, Mishaps(lies_about=frozenset({VfField.TRUST})))
    assert outcomes(agent.turn(boot(host, 0, sequence=2, trust=True)))[0] is QUARANTINED


def test_a_busy_card_takes_a_change_when_it_is_done(host: Host) -> None:
    agent = host.agent()
    agent.turn(boot(host, 0))
    host.table.misbehave(PF_NETDEV, Mishaps(busy_writes=4, busy_errno=errno.EAGAIN))
    assert outcomes(agent.turn(boot(host, 0, sequence=2, trust=True))) == [IN_USE, RUNNING]
    assert sum(host.slept_s) < 5
