"""What goes wrong in a turn: each failure in its own report, nothing wrong in anybody's hands, nothing else stopped."""

import errno
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mooring.core.devspec import DeviceSpec
from mooring.errors import Unreachable
from mooring.host.livexml import parse
from mooring.host.patience import PatientVfTable
from mooring.model.desired import DesiredImage, Purpose
from mooring.model.outside import AgentStep
from mooring.model.vf import LinkState, TxRate, VfField, Vlan
from mooring.testing.cards import INTEL_82576, INTEL_X710
from mooring.testing.disks import DiskMishaps
from mooring.testing.hypervisor import HypervisorMishaps, SimulatedHypervisor
from mooring.testing.vf_table import Mishaps
from tests.unit.agent.hosts import (
    BASELINE_VERIFIED,
    FAILED,
    IN_USE,
    MAIL,
    PF,
    PF_NETDEV,
    PROGRAMMED,
    QUARANTINED,
    RUNNING,
    WEB,
    CallAt,
    Host,
    KillAt,
    Killed,
    boot,
    desired,
    outcomes,
    server,
)

IMAGE = DesiredImage("0f0e0d0c-0b0a-4908-8706-050403020100", "qcow2")


@pytest.mark.parametrize("field", [VfField.MAC, VfField.VLAN, VfField.TRUST, VfField.LINK_STATE])
def test_a_lying_cards_function_is_quarantined_and_never_in_use(host: Host, field: VfField) -> None:
    host.table.misbehave(PF_NETDEV, Mishaps(lies_about=frozenset({field})))
    agent = host.agent()
    wanted = desired([host.serving(0, trust=True), host.clean(1)], [server([host.interface(0)])])
    for _ in range(2):
        report = agent.turn(wanted)
        assert report.functions[-1].outcome is QUARANTINED
        assert field in report.functions[-1].reason
        assert [one.outcome for one in report.servers] == [FAILED]
    assert host.running() == set()


def test_a_card_that_starts_to_lie_under_a_guest_is_reported_and_the_guest_is_left_isolated(host: Host) -> None:
    agent = host.agent()
    agent.turn(boot(host, 0))
    host.table.overwrite(PF_NETDEV, 0, replace(host.settings(0), trust=True))
    host.table.misbehave(PF_NETDEV, Mishaps(lies_about=frozenset({VfField.TRUST})))
    assert outcomes(agent.turn(boot(host, 0))) == [QUARANTINED, FAILED]
    assert host.running() == {WEB}
    assert host.settings(0).link_state is LinkState.DISABLE
    host.table.misbehave(PF_NETDEV, Mishaps())
    assert outcomes(agent.turn(boot(host, 0))) == [IN_USE, RUNNING]


def test_a_link_that_does_not_come_up_is_no_success(host: Host) -> None:
    lies = Mishaps(lies_about=frozenset({VfField.LINK_STATE}))
    steps = CallAt(AgentStep.SETTINGS_VERIFIED, lambda: host.table.misbehave(PF_NETDEV, lies))
    report = host.agent(steps).turn(desired([host.clean(0)]))
    assert outcomes(report) == [QUARANTINED]
    assert "link_state is disable, wanted auto" in report.functions[0].reason


def test_what_changes_while_the_link_opens_closes_it_again(host: Host) -> None:
    def meddle() -> None:
        host.table.overwrite(PF_NETDEV, 0, replace(host.settings(0), vlan=Vlan(13)))

    report = host.agent(CallAt(AgentStep.LINK_RESTORED, meddle)).turn(boot(host, 0))
    assert outcomes(report) == [QUARANTINED, FAILED]
    assert host.settings(0).link_state is LinkState.DISABLE


def test_a_refused_field_ends_the_writing_with_the_cards_own_answer(tmp_path: Path) -> None:
    host = Host(tmp_path, replace(INTEL_X710, refusals={VfField.VLAN: errno.EOPNOTSUPP}))
    report = host.agent().turn(boot(host, 0))
    assert outcomes(report) == [QUARANTINED, FAILED]
    assert "EOPNOTSUPP" in report.functions[0].reason
    assert [one.field for one in host.writes_since(0)] == [VfField.LINK_STATE, VfField.MAC, VfField.VLAN]


@pytest.mark.parametrize("code", [errno.EPERM, errno.EINVAL, errno.EOPNOTSUPP, errno.EIO, errno.EBUSY, errno.EAGAIN])
def test_whatever_a_driver_answers_reaches_the_server_and_nothing_is_left_half_done(host: Host, code: int) -> None:
    host.table.misbehave(PF_NETDEV, Mishaps(errnos={VfField.VLAN: code}))
    agent = host.agent()
    report = agent.turn(boot(host, 0))
    assert outcomes(report) == [QUARANTINED, FAILED]
    assert errno.errorcode[code].replace("ENOTSUP", "EOPNOTSUPP") in report.servers[0].reason
    assert (host.running(), list(host.disks.kept())) == (set(), [])
    assert sum(host.slept_s) < 10
    host.table.misbehave(PF_NETDEV, Mishaps())
    assert outcomes(agent.turn(boot(host, 0))) == [IN_USE, RUNNING]


def test_a_write_that_hangs_costs_its_function_and_no_more(host: Host) -> None:
    host.machine = replace(host.machine, vf_table=PatientVfTable(host.table, call_limit_s=0.05))
    agent = host.agent()
    agent.turn(desired())
    host.table.misbehave(PF_NETDEV, Mishaps(hangs=True))
    wanted = desired([host.serving(0)], [server([host.interface(0)]), server([], MAIL)])
    report = agent.turn(wanted)
    assert outcomes(report) == [QUARANTINED, FAILED, RUNNING]
    assert "has not returned" in report.servers[0].reason
    host.table.misbehave(PF_NETDEV, Mishaps())
    for _ in range(100):
        if outcomes(report := agent.turn(wanted))[0] is IN_USE:
            break
    assert outcomes(report) == [IN_USE, RUNNING, RUNNING]


@pytest.mark.parametrize(
    ("mishaps", "words"),
    [
        (DiskMishaps(is_full=True), "no space left"),
        (DiskMishaps(missing=(IMAGE.id,)), IMAGE.id),
        (DiskMishaps(spoiled={IMAGE.id: "it is not qcow2"}), "it is not qcow2"),
    ],
)
def test_a_server_whose_disk_cannot_be_made_says_why_and_its_vf_waits_isolated(
    host: Host, mishaps: DiskMishaps, words: str
) -> None:
    host.disks.misbehave(mishaps)
    agent = host.agent()
    wanted = desired([host.serving(0)], [replace(server([host.interface(0)]), image=IMAGE)])
    report = agent.turn(wanted)
    assert outcomes(report) == [PROGRAMMED, FAILED]
    assert words in report.servers[0].reason
    assert host.settings(0).link_state is LinkState.DISABLE
    host.disks.misbehave(DiskMishaps())
    assert outcomes(agent.turn(wanted)) == [IN_USE, RUNNING]


def test_a_guest_keeps_its_disk_when_its_vf_goes_wrong_at_a_start(tmp_path: Path) -> None:
    host = Host(tmp_path, INTEL_82576)
    wanted = desired([host.serving(0, vlan=Vlan(100, 5))], [replace(server([host.interface(0)]), image=IMAGE)])
    broken = Mishaps(errnos={VfField.VLAN: errno.EIO})
    steps = CallAt(AgentStep.DOMAIN_STARTED, lambda: host.table.misbehave(PF_NETDEV, broken))
    assert outcomes(host.agent(steps).turn(wanted)) == [QUARANTINED, FAILED]
    assert (host.running(), list(host.disks.kept())) == (set(), [WEB])


def test_files_go_with_their_server_and_those_of_unknown_servers_stay(host: Host) -> None:
    agent = host.agent()
    agent.turn(boot(host, 0))
    agent.turn(desired([], [], 2))
    assert list(host.disks.kept()) == [WEB]
    agent.turn(desired([host.clean(0, generation=3)], [server([], generation=2, is_wanted=False)], 3))
    assert list(host.disks.kept()) == []


def test_files_of_a_server_that_was_to_go_are_deleted_even_when_nobody_asks_any_more(host: Host) -> None:
    host.agent().turn(boot(host, 0))
    gone = desired([host.clean(0, generation=3)], [server([], generation=2, is_wanted=False)], 2)
    with pytest.raises(Killed):
        host.agent(CallAt(AgentStep.DOMAIN_DESTROYED, _die)).turn(gone)
    assert list(host.disks.kept()) == [WEB]
    host.agent().turn(desired([host.clean(0, generation=3)], [], 3))
    assert list(host.disks.kept()) == []


def _die() -> None:
    raise Killed


def test_a_field_that_cannot_be_written_and_is_right_already_is_no_obstacle(tmp_path: Path) -> None:
    host = Host(tmp_path, replace(INTEL_X710, refusals={VfField.TRUST: errno.EOPNOTSUPP}))
    assert outcomes(host.agent().turn(desired([host.clean(0)]))) == [BASELINE_VERIFIED]


def test_a_claim_that_was_cut_short_is_written_whole_again_whatever_the_card_shows(host: Host) -> None:
    host.table.overwrite(PF_NETDEV, 0, host.serving(0).settings)
    steps = KillAt(3)
    with pytest.raises(Killed):
        host.agent(steps).turn(desired([host.serving(0)]))
    assert steps.reached[-1] is AgentStep.LINK_ISOLATED
    count = len(host.table.writes())
    host.agent().turn(desired([host.serving(0)]))
    assert [one.field for one in host.writes_since(count)] == [
        VfField.MAC,
        VfField.VLAN,
        VfField.SPOOF_CHECK,
        VfField.TRUST,
    ]


class ForgetfulHypervisor(SimulatedHypervisor):
    """Starts what it is told, but for the interfaces."""

    def start(self, domain_xml: str) -> None:
        domain = parse(domain_xml)
        devices = domain.find("devices")
        assert devices is not None
        for interface in devices.findall("interface"):
            devices.remove(interface)
        super().start(ET.tostring(domain, encoding="unicode"))


class LazyHypervisor(SimulatedHypervisor):
    """Says that it started."""

    def start(self, domain_xml: str) -> None:
        del domain_xml


@pytest.mark.parametrize(
    ("kind", "words"), [(ForgetfulHypervisor, "lacks 1 of its ports"), (LazyHypervisor, "does not run")]
)
def test_a_start_is_believed_only_when_the_domain_shows_it(
    tmp_path: Path, kind: type[SimulatedHypervisor], words: str
) -> None:
    host = Host(tmp_path, hypervisor_kind=kind)
    report = host.agent().turn(boot(host, 0))
    assert outcomes(report) == [PROGRAMMED, FAILED]
    assert words in report.servers[0].reason
    assert host.settings(0).link_state is LinkState.DISABLE


def test_a_truncated_vf_list_quarantines_and_is_never_taken_for_absence(host: Host) -> None:
    host.table.misbehave(PF_NETDEV, Mishaps(truncated_to=2))
    report = host.agent().turn(desired([host.clean(index) for index in range(4)]))
    assert outcomes(report) == [QUARANTINED] * 4
    assert "2 entries" in report.functions[0].reason


def test_a_busy_vf_is_asked_again_a_few_times(host: Host) -> None:
    host.table.misbehave(PF_NETDEV, Mishaps(busy_writes=3))
    assert outcomes(host.agent().turn(desired([host.clean(0)]))) == [BASELINE_VERIFIED]
    assert len(host.slept_s) == 3


def test_a_vf_that_stays_busy_is_quarantined(host: Host) -> None:
    host.table.misbehave(PF_NETDEV, Mishaps(busy_writes=1000))
    assert outcomes(host.agent().turn(desired([host.clean(0)]))) == [QUARANTINED]
    assert len(host.slept_s) < 10


def test_one_functions_failure_stops_no_other_function_and_no_other_server(host: Host) -> None:
    stranger = replace(host.clean(3), address=host.vf(0), vf_index=0, purpose=Purpose.BASELINE)
    wanted = desired(
        [replace(stranger, vf_index=1), host.serving(1), host.serving(2, MAIL, rate=TxRate(5, 0))],
        [server([host.interface(1)]), server([host.interface(2)], MAIL)],
    )
    report = host.agent().turn(wanted)
    assert {one.address: one.outcome for one in report.functions} == {
        host.vf(0): QUARANTINED,
        host.vf(1): IN_USE,
        host.vf(2): QUARANTINED,
    }
    assert outcomes(report)[3:] == [RUNNING, FAILED]
    assert host.running() == {WEB}


def test_a_start_that_fails_leaves_the_function_programmed_and_isolated(host: Host) -> None:
    host.hypervisor.misbehave(HypervisorMishaps(start=1))
    agent = host.agent()
    assert outcomes(agent.turn(boot(host, 0))) == [PROGRAMMED, FAILED]
    assert host.settings(0).link_state is LinkState.DISABLE
    assert outcomes(agent.turn(boot(host, 0))) == [IN_USE, RUNNING]


def test_a_hypervisor_that_does_not_answer_fails_nobody(host: Host) -> None:
    agent = host.agent()
    host.hypervisor.misbehave(HypervisorMishaps(unreachable=1))
    with pytest.raises(Unreachable):
        agent.turn(boot(host, 0))
    assert host.writes_since(0) == []
    assert outcomes(agent.turn(boot(host, 0))) == [IN_USE, RUNNING]


def test_a_server_is_not_started_with_a_function_that_is_desired_for_another(host: Host) -> None:
    wanted = desired([host.serving(0, MAIL)], [server([host.interface(0)])])
    report = host.agent().turn(wanted)
    assert outcomes(report) == [PROGRAMMED, FAILED]
    assert "not desired for server" in report.servers[0].reason
    assert host.running() == set()


def test_a_function_that_another_guest_holds_is_not_touched(host: Host) -> None:
    host.agent().turn(boot(host, 0))
    count = len(host.table.writes())
    stolen = desired(
        [host.serving(0, MAIL, generation=3)], [server([host.interface(0)]), server([host.interface(0)], MAIL)], 2
    )
    report = host.agent().turn(stolen)
    assert report.functions[0].outcome is QUARANTINED
    assert WEB in report.functions[0].reason
    assert host.writes_since(count) == []


def test_a_function_that_the_host_does_not_hand_out_is_refused_whatever_the_controller_says(host: Host) -> None:
    specs = [
        DeviceSpec(pf=PF_NETDEV, vfs=frozenset({0}), exclude=True),
        DeviceSpec(pf=PF_NETDEV, physical_network="physnet1"),
    ]
    report = host.agent(specs=specs).turn(desired([host.clean(0), host.serving(1), host.clean(2)]))
    assert {one.address: one.outcome for one in report.functions} == {
        host.vf(0): QUARANTINED,
        host.vf(1): PROGRAMMED,
        host.vf(2): BASELINE_VERIFIED,
    }
    assert "excludes it" in next(one.reason for one in report.functions if one.address == host.vf(0))
    assert {record.vf for record in host.writes_since(0)} == {1, 2}


def test_a_function_that_is_not_the_vf_that_the_controller_means_is_quarantined(host: Host) -> None:
    report = host.agent().turn(desired([replace(host.clean(0), vf_index=2)]))
    assert outcomes(report) == [QUARANTINED]
    assert "is VF 0 of 0000:81:00.0 here" in report.functions[0].reason


def test_a_pf_is_never_programmed(host: Host) -> None:
    report = host.agent().turn(desired([replace(host.clean(0), address=PF)]))
    assert outcomes(report) == [QUARANTINED]
    assert host.writes_since(0) == []


def test_a_domain_that_nobody_desires_is_left_alone_and_mentioned(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    host.agent().turn(boot(host, 0))
    before = host.state()
    with caplog.at_level("INFO"):
        assert outcomes(host.agent().turn(desired(sequence=2))) == []
    assert host.state() == before
    assert f"the domain of server {WEB} is here and not desired" in caplog.text


def test_a_function_of_a_domain_that_nobody_desires_is_not_baselined(host: Host) -> None:
    host.agent().turn(boot(host, 0))
    before = host.state()
    assert outcomes(host.agent().turn(desired([host.clean(0, generation=3)], sequence=2))) == []
    assert host.state() == before
