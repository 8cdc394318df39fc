"""The loop around the turns: announcing, listening, reporting, and when it stops."""

import logging
import threading
from dataclasses import replace

import pytest

from mooring.agent.loop import describe, is_settled
from mooring.errors import Invalid, MooringError, NotFound, Stale, Unauthenticated, Unreachable
from mooring.host.ledger import Ledger
from mooring.model.desired import Desired, FunctionOutcome, FunctionReport, Report, ServerOutcome, ServerReport
from mooring.testing.hypervisor import HypervisorMishaps
from mooring.testing.vf_table import Mishaps
from tests.unit.agent.hosts import PF, PF_NETDEV, VF_COUNT, WEB, Host, desired, outcomes, server


class Stop(threading.Event):
    """Set once the controller has nothing more to say; pauses are kept and not slept."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self.pauses_s: list[float] = []

    def is_set(self) -> bool:
        return not self._host.controller.coming or super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses_s.append(timeout or 0.0)
        return self.is_set()


def run(host: Host, *coming: Desired | BaseException | None) -> Stop:
    """A new agent that hears these one after the other, and nothing (None) for a second at a time."""
    host.controller.coming = list(coming)
    stop = Stop(host)
    host.agent().run(stop)
    return stop


@pytest.fixture
def baselines(host: Host) -> Desired:
    return desired([host.clean(0), host.clean(1)])


def test_an_agent_announces_its_whole_machine_first(host: Host) -> None:
    run(host, None)
    [snapshot] = host.controller.announced
    assert snapshot.boot_id == "boot-1"
    assert (snapshot.vcpus, snapshot.memory_mib, snapshot.disk_gib) == (8, 16384, 100)
    assert snapshot.bridge_mappings == {"physnet1": "br0"}
    assert len(snapshot.functions) == 1 + VF_COUNT
    offered = {one.function.address for one in snapshot.functions if one.is_offered}
    assert offered == {host.vf(index) for index in range(VF_COUNT)}
    assert all(one.observed is not None for one in snapshot.functions if one.function.address != PF)


def test_each_start_has_an_agent_id_of_its_own(host: Host) -> None:
    run(host, None)
    run(host, None)
    first, second = host.controller.announced
    assert first.agent_id != second.agent_id


def test_a_truncated_vf_list_is_announced_as_vfs_that_are_not_offered(host: Host) -> None:
    host.table.misbehave(PF_NETDEV, Mishaps(truncated_to=1))
    vfs = [one for one in host.agent().snapshot().functions if one.function.address != PF]
    assert len(vfs) == VF_COUNT
    assert not any(one.is_offered or one.observed for one in vfs)
    assert all("the kernel counts" in one.reason for one in vfs)


def test_what_is_desired_is_carried_out_and_reported(host: Host, baselines: Desired) -> None:
    run(host, baselines)
    [report] = host.controller.reports
    assert outcomes(report) == [FunctionOutcome.BASELINE_VERIFIED] * 2
    assert (report.epoch, report.sequence) == (1, 1)


def test_nothing_new_is_reported_again_only_before_the_controller_worries(host: Host, baselines: Desired) -> None:
    def pass_time(_seconds: float) -> None:
        host.clock.elapsed_s += 1

    host.controller.on_listen = pass_time
    run(host, baselines, *[None] * 60)
    assert len(host.controller.reports) == 3
    assert len(set(host.controller.reports)) == 1


def test_what_is_unsettled_is_tried_again_soon_and_then_less_often(host: Host, baselines: Desired) -> None:
    def pass_time(_seconds: float) -> None:
        host.clock.elapsed_s += 1

    host.controller.on_listen = pass_time
    host.table.misbehave(PF_NETDEV, Mishaps(busy_writes=1_000_000))
    run(host, baselines, *[None] * 20)
    assert len(host.controller.reports) == 5  # at 1, 2, 4, 8 and 16 s


def test_a_report_that_did_not_arrive_is_made_anew_after_a_pause_and_an_announcement(
    host: Host, baselines: Desired
) -> None:
    host.controller.refusals = [Unreachable("gone"), Unreachable("gone")]
    stop = run(host, baselines, None, None, None)
    assert len(host.controller.reports) == 1
    assert len(host.controller.announced) == 3
    assert stop.pauses_s == [1.0, 2.0]


def test_a_hypervisor_that_restarts_is_waited_for(host: Host) -> None:
    host.hypervisor.misbehave(HypervisorMishaps(unreachable=3))
    boot = desired([host.serving(0)], [server([host.interface(0)])])
    stop = run(host, boot, None, None, None)
    assert stop.pauses_s == [1.0, 2.0, 4.0]
    assert host.running() == {WEB}


def test_a_card_that_is_pulled_is_announced(host: Host) -> None:
    def pass_time(_seconds: float) -> None:
        host.clock.elapsed_s += 31
        host.table.unplug(PF_NETDEV)

    host.controller.on_listen = pass_time
    run(host, None, None, None)
    before, after = host.controller.announced
    assert any(one.is_offered for one in before.functions)
    assert not any(one.is_offered for one in after.functions)


def test_changed_settings_alone_are_no_new_inventory(host: Host, baselines: Desired) -> None:
    def pass_time(_seconds: float) -> None:
        host.clock.elapsed_s += 31

    host.controller.on_listen = pass_time
    run(host, baselines, None, None)
    assert len(host.controller.announced) == 1


@pytest.mark.parametrize("refusal", [Unauthenticated("no such key"), Stale("another agent")])
def test_an_agent_that_is_refused_stops_and_says_why(
    host: Host, refusal: MooringError, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(type(refusal)):
        run(host, refusal, None)
    assert refusal.message in caplog.text


def test_an_agent_stops_when_another_one_began_a_newer_epoch(host: Host) -> None:
    with pytest.raises(Stale, match="epoch 2 has begun"):
        run(host, desired([host.clean(0)], epoch=2), None)
    assert host.writes_since(0) == []


def test_a_desired_state_of_an_older_epoch_is_dropped(host: Host) -> None:
    host.controller.epoch = 3
    run(host, desired([host.clean(0)], epoch=2), None)
    assert host.writes_since(0) == []
    assert host.controller.reports == []


def test_an_agent_does_not_follow_a_controller_that_went_back_in_time(host: Host) -> None:
    Ledger(host.journal).obey(9)
    with pytest.raises(Stale, match="epoch 1 is older than 9"):
        run(host, None)


def test_a_controller_that_refuses_an_inventory_is_asked_again(host: Host) -> None:
    host.controller.announce_refusals = [Invalid("not a HostSnapshot")]
    stop = run(host, None)
    assert stop.pauses_s == [1.0]
    assert len(host.controller.announced) == 1


def turns(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "mooring.agent.loop"]


def test_a_turn_is_logged_only_when_its_sentence_differs(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    agent = host.agent()
    wanted = desired([host.clean(0)])
    with caplog.at_level(logging.INFO, logger="mooring.agent.loop"):
        agent.turn(wanted)
        agent.turn(replace(wanted, sequence=2))
        assert [record.message for record in turns(caplog)] == ["turn sequence=1 1 baseline-verified"]
        host.table.misbehave(PF_NETDEV, Mishaps(truncated_to=0))
        agent.turn(wanted)
    assert turns(caplog)[-1].levelno == logging.WARNING
    assert "0000:81:02.0: the VF list of ens1f0 has 0 entries" in turns(caplog)[-1].message


def test_a_turn_is_settled_when_everything_has_an_answer_and_none_is_a_failure(host: Host) -> None:
    wanted = desired([host.serving(0)], [server([host.interface(0)])])
    function = FunctionReport(host.vf(0), 2, FunctionOutcome.IN_USE)
    running = ServerReport(WEB, 1, ServerOutcome.RUNNING)
    assert is_settled(wanted, Report(1, 1, (function,), (running,)))
    assert not is_settled(wanted, Report(1, 1, (), (running,)))
    assert not is_settled(wanted, Report(1, 1, (function,), ()))
    assert not is_settled(wanted, Report(1, 1, (function,), (replace(running, outcome=ServerOutcome.FAILED),)))
    quarantined = replace(function, outcome=FunctionOutcome.QUARANTINED)
    assert not is_settled(wanted, Report(1, 1, (quarantined,), (running,)))


def test_a_turn_in_a_sentence_counts_what_is_well_and_names_what_is_not(host: Host) -> None:
    functions = (
        FunctionReport(host.vf(0), 2, FunctionOutcome.IN_USE),
        FunctionReport(host.vf(1), 2, FunctionOutcome.IN_USE),
        FunctionReport(host.vf(2), 2, FunctionOutcome.QUARANTINED, reason="vlan is none, wanted 7"),
    )
    report = Report(1, 1, functions, (ServerReport(WEB, 1, ServerOutcome.FAILED, "no such bridge"),))
    assert describe(report, ["a note"]) == (
        f"2 in-use, 1 quarantined, 1 failed; 0000:81:02.2: vlan is none, wanted 7; server {WEB}: no such bridge; a note"
    )
    assert describe(Report(1, 1), []) == "nothing desired"


def test_a_journal_that_cannot_be_written_stops_every_write_to_the_card(host: Host) -> None:
    agent = host.agent()
    agent.turn(desired())
    (host.journal / "ledger.jsonl").unlink()
    report = agent.turn(desired([host.clean(0)], [server([], is_wanted=False)]))
    assert outcomes(report) == [FunctionOutcome.QUARANTINED, ServerOutcome.FAILED]
    assert host.writes_since(0) == []


def test_a_sysfs_that_is_gone_is_an_error_and_not_an_empty_machine(host: Host) -> None:
    host.machine = replace(host.machine, sysfs_root=host.folder / "nowhere")
    with pytest.raises(NotFound, match="sysfs tree"):
        host.agent().turn(desired([host.clean(0)]))
