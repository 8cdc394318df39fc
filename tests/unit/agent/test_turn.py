"""One turn on a simulated host: what is written, in which order, and what is reported."""

from dataclasses import replace

from mooring.model.outside import AgentStep, ControllerStep, NoSteps
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan
from mooring.testing.hypervisor import HypervisorMishaps
from tests.unit.agent.hosts import (
    ABSENT,
    BASELINE_VERIFIED,
    FAILED,
    IN_USE,
    MAIL,
    PF_NETDEV,
    PROGRAMMED,
    QUARANTINED,
    RUNNING,
    WEB,
    Host,
    boot,
    desired,
    outcomes,
    port_mac,
    server,
)


def test_a_new_functions_baseline_is_written_whole_and_read_back(host: Host) -> None:
    host.table.overwrite(PF_NETDEV, 0, VfSettings("02:00:00:00:00:99", Vlan(66), False, True, TxRate(0, 10)))
    report = host.agent().turn(desired([host.clean(0)]))
    assert outcomes(report) == [BASELINE_VERIFIED]
    assert report.functions[0].observed == host.settings(0) == host.clean(0).settings


def test_what_a_card_shows_is_no_proof_for_a_function_that_was_never_baselined(host: Host) -> None:
    host.table.overwrite(PF_NETDEV, 0, host.clean(0).settings)
    host.agent().turn(desired([host.clean(0)]))
    written = [record.field for record in host.writes_since(0)]
    assert written[1:-1] == [VfField.MAC, VfField.VLAN, VfField.SPOOF_CHECK, VfField.TRUST]


def test_the_baseline_is_a_constant_whatever_else_the_controller_says(host: Host) -> None:
    wild = replace(host.clean(0).settings, vlan=Vlan(7), trust=True, spoof_check=False, rate=TxRate(0, 5))
    report = host.agent().turn(desired([replace(host.clean(0), settings=wild)]))
    assert outcomes(report) == [BASELINE_VERIFIED]
    assert host.settings(0) == host.clean(0).settings


def test_booting_a_server_isolates_first_and_opens_the_link_last(host: Host) -> None:
    report = host.agent().turn(boot(host, 0, trust=True))
    assert outcomes(report) == [IN_USE, RUNNING]
    assert host.running() == {WEB}
    assert host.settings(0) == host.serving(0, trust=True).settings
    written = [record.field for record in host.writes_since(0)]
    ours = [VfField.LINK_STATE, VfField.MAC, VfField.VLAN, VfField.SPOOF_CHECK, VfField.TRUST]
    libvirts = [VfField.MAC, VfField.VLAN]
    assert written == [*ours, *libvirts, VfField.LINK_STATE]
    assert [record.value for record in host.writes_since(0) if record.field is VfField.LINK_STATE] == [
        "disable",
        "auto",
    ]


def test_a_settings_gap_is_filled_from_the_baseline_because_an_earlier_owner_may_have_set_it(host: Host) -> None:
    host.table.overwrite(PF_NETDEV, 0, VfSettings("02:00:00:00:00:99", Vlan(66), False, True, TxRate(0, 10)))
    bare = replace(host.serving(0), settings=VfSettings(mac=port_mac(0), vlan=Vlan(100)))
    report = host.agent().turn(desired([bare], [server([host.interface(0)])]))
    assert outcomes(report) == [IN_USE, RUNNING]
    assert host.settings(0) == host.serving(0).settings


def test_a_settings_gap_is_filled_before_any_guest_is_there(host: Host) -> None:
    host.table.overwrite(PF_NETDEV, 0, VfSettings("02:00:00:00:00:99", Vlan(66), False, True, TxRate(0, 10)))
    host.agent().turn(desired([replace(host.serving(0), settings=VfSettings(mac=port_mac(0), vlan=Vlan(100)))]))
    assert host.settings(0) == replace(host.serving(0).settings, link_state=LinkState.DISABLE)


def test_a_function_without_a_mac_is_quarantined_for_there_is_no_constant_for_that(host: Host) -> None:
    report = host.agent().turn(desired([replace(host.clean(0), settings=VfSettings())]))
    assert outcomes(report) == [QUARANTINED]
    assert "no MAC" in report.functions[0].reason


def test_a_macvtap_port_keeps_its_vfs_netdev_and_is_in_use_all_the_same(host: Host) -> None:
    wanted = desired([host.serving(0)], [server([host.interface(0, "macvtap")])])
    assert outcomes(host.agent().turn(wanted)) == [IN_USE, RUNNING]
    assert outcomes(host.agent().turn(wanted)) == [IN_USE, RUNNING]


def test_priority_that_libvirt_drops_at_start_is_written_again_before_the_link_opens(host: Host) -> None:
    report = host.agent().turn(boot(host, 0, vlan=Vlan(100, qos=5)))
    assert outcomes(report) == [IN_USE, RUNNING]
    assert host.settings(0).vlan == Vlan(100, qos=5)
    assert host.writes_since(0)[-1].field is VfField.LINK_STATE


def test_the_same_desired_again_writes_nothing_and_reports_the_same(host: Host) -> None:
    wanted = desired(
        [host.serving(0), host.clean(1)],
        [server([host.interface(0)]), server([], MAIL, is_wanted=False)],
    )
    agent = host.agent()
    first = agent.turn(wanted)
    count, state = len(host.table.writes()), host.state()
    assert agent.turn(wanted) == first
    assert host.agent().turn(wanted) == first
    assert host.writes_since(count) == []
    assert host.state() == state


def test_a_function_without_a_server_is_programmed_and_keeps_its_link_down(host: Host) -> None:
    agent = host.agent()
    for _ in range(2):
        assert outcomes(agent.turn(desired([host.serving(0)]))) == [PROGRAMMED]
    assert host.settings(0) == replace(host.serving(0).settings, link_state=LinkState.DISABLE)


def test_deleting_a_server_isolates_destroys_and_baselines_in_one_turn(host: Host) -> None:
    host.agent().turn(boot(host, 0))
    count = len(host.table.writes())
    gone = desired([host.clean(0, generation=3)], [server([], generation=2, is_wanted=False)], sequence=2)
    report = host.agent().turn(gone)
    assert outcomes(report) == [BASELINE_VERIFIED, ABSENT]
    assert host.running() == set()
    assert host.settings(0) == host.clean(0).settings
    first = host.writes_since(count)[0]
    assert (first.field, first.value) == (VfField.LINK_STATE, "disable")


def test_a_function_is_not_baselined_while_its_domain_is_still_there(host: Host) -> None:
    host.agent().turn(boot(host, 0))
    before = host.settings(0)
    host.hypervisor.misbehave(HypervisorMishaps(destroy=1))
    gone = desired([host.clean(0, generation=3)], [server([], generation=2, is_wanted=False)], sequence=2)
    agent = host.agent()
    report = agent.turn(gone)
    assert outcomes(report) == [FAILED]
    assert "SIGKILL" in report.servers[0].reason
    assert host.settings(0) == replace(before, link_state=LinkState.DISABLE)
    assert outcomes(agent.turn(gone)) == [BASELINE_VERIFIED, ABSENT]


def test_a_function_of_a_server_that_leaves_is_left_isolated_until_its_baseline_is_wanted(host: Host) -> None:
    host.agent().turn(boot(host, 0))
    leaving = desired([host.serving(0)], [server([], generation=2, is_wanted=False)], sequence=2)
    assert outcomes(host.agent().turn(leaving)) == [ABSENT]
    assert host.settings(0).link_state is LinkState.DISABLE


def test_somebodys_change_behind_our_back_is_put_right(host: Host) -> None:
    agent = host.agent()
    agent.turn(boot(host, 0))
    host.table.overwrite(PF_NETDEV, 0, replace(host.settings(0), vlan=Vlan(13), spoof_check=False))
    assert outcomes(agent.turn(boot(host, 0))) == [IN_USE, RUNNING]
    assert host.settings(0) == host.serving(0).settings


def test_a_reboot_makes_every_proof_void(host: Host) -> None:
    host.agent().turn(desired([host.clean(0)]))
    count = len(host.table.writes())
    host.machine = replace(host.machine, boot_id="boot-2")
    host.agent().turn(desired([host.clean(0)]))
    assert len(host.writes_since(count)) > 1


def test_a_long_turn_tells_what_is_done_meanwhile(host: Host) -> None:
    class Slow(NoSteps):
        def reach(self, step: AgentStep | ControllerStep) -> None:
            host.clock.elapsed_s += 2 * (step is AgentStep.BASELINE_VERIFIED)

    report = host.agent(Slow()).turn(desired([host.clean(index) for index in range(4)]))
    [meanwhile] = host.controller.reports
    assert meanwhile.functions == report.functions[:3]
    assert (meanwhile.epoch, meanwhile.sequence) == (report.epoch, report.sequence)
