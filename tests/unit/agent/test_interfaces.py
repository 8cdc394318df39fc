"""Interfaces of a running server, plugged in and out."""

from dataclasses import replace

from mooring.model.vf import LinkState, Vlan
from mooring.testing.hypervisor import HypervisorMishaps
from tests.unit.agent.hosts import (
    BASELINE_VERIFIED,
    FAILED,
    IN_USE,
    PROGRAMMED,
    RUNNING,
    WEB,
    Host,
    boot,
    desired,
    outcomes,
    port_mac,
    server,
)


def test_an_interface_is_attached_to_a_running_server(host: Host) -> None:
    host.agent().turn(boot(host, 0))
    report = host.agent().turn(
        desired([host.serving(0), host.serving(1)], [server([host.interface(0), host.interface(1)], generation=2)], 2)
    )
    assert outcomes(report) == [IN_USE, IN_USE, RUNNING]
    assert host.settings(1) == host.serving(1).settings
    assert len(host.hypervisor.domains()[0].port_ids) == 2


def test_an_interface_is_detached_and_its_function_baselined(host: Host) -> None:
    host.agent().turn(boot(host, 0, 1))
    less = desired([host.serving(0), host.clean(1, generation=3)], [server([host.interface(0)], generation=2)], 2)
    report = host.agent().turn(less)
    assert {one.address: one.outcome for one in report.functions} == {
        host.vf(0): IN_USE,
        host.vf(1): BASELINE_VERIFIED,
    }
    assert [one.outcome for one in report.servers] == [RUNNING]
    assert host.settings(1) == host.clean(1).settings


def test_a_guest_that_does_not_let_go_keeps_its_function_isolated_and_unanswered(host: Host) -> None:
    host.agent().turn(boot(host, 0, 1))
    host.hypervisor.misbehave(HypervisorMishaps(detach=1))
    less = desired([host.serving(0), host.clean(1, generation=3)], [server([host.interface(0)], generation=2)], 2)
    agent = host.agent()
    assert outcomes(agent.turn(less)) == [IN_USE]
    assert host.settings(1).link_state is LinkState.DISABLE
    assert sorted(outcomes(agent.turn(less))) == sorted([IN_USE, BASELINE_VERIFIED, RUNNING])


def test_a_port_that_moved_to_another_function_is_unplugged_and_plugged_again(host: Host) -> None:
    host.agent().turn(boot(host, 0))
    moved = replace(host.interface(0), address=host.vf(1))
    wanted = desired(
        [host.clean(0, generation=3), host.serving(1, mac=port_mac(0), vlan=Vlan(100))],
        [server([moved], generation=2)],
        sequence=2,
    )
    report = host.agent().turn(wanted)
    assert outcomes(report) == [BASELINE_VERIFIED, IN_USE, RUNNING]
    assert host.hypervisor.domains()[0].functions == (host.vf(1),)


def test_an_attach_that_fails_leaves_the_server_failed_and_the_rest_in_use(host: Host) -> None:
    host.agent().turn(boot(host, 0))
    host.hypervisor.misbehave(HypervisorMishaps(attach=1))
    more = desired(
        [host.serving(0), host.serving(1)], [server([host.interface(0), host.interface(1)], generation=2)], 2
    )
    agent = host.agent()
    assert outcomes(agent.turn(more)) == [IN_USE, PROGRAMMED, FAILED]
    assert outcomes(agent.turn(more)) == [IN_USE, IN_USE, RUNNING]


def test_a_guest_that_powered_itself_off_is_started_again(host: Host) -> None:
    agent = host.agent()
    agent.turn(boot(host, 0))
    host.hypervisor.power_off(WEB)
    assert outcomes(agent.turn(boot(host, 0))) == [IN_USE, RUNNING]
    assert host.running() == {WEB}
