"""Functions that a flavor asked for: the guest's from its start to its end, with nothing of a port about them."""

import dataclasses

from mooring.core.devspec import DeviceSpec
from mooring.host.livexml import parse
from mooring.model.desired import DesiredFunction, Purpose
from mooring.model.host import NumaCell
from mooring.model.outside import AgentStep
from mooring.model.vf import LinkState, VfField, VfSettings, Vlan
from mooring.testing.hypervisor import HypervisorMishaps
from mooring.testing.numa_tree import build_nodes
from mooring.testing.vf_table import Mishaps
from tests.unit.agent.hosts import (
    ABSENT,
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
    desired,
    outcomes,
    server,
)

WHOLE = (DeviceSpec(pf=PF_NETDEV, physical_network="physnet1", whole=True),)


def hostdevs(host: Host, server_id: str = WEB) -> int:
    return len(parse(host.hypervisor.xml(server_id)).findall("devices/hostdev"))


# VFs of NICs


def test_guest_starts_with_a_ports_vf_and_one_that_its_flavor_asked_for(host: Host) -> None:
    wanted = desired([host.serving(0), host.portless(1)], [server([host.interface(0)], passthrough=[host.vf(1)])])
    assert outcomes(host.agent().turn(wanted)) == [IN_USE, IN_USE, RUNNING]
    assert host.settings(1) == host.portless(1).settings
    assert {host.bus.driver(host.vf(index)) for index in (0, 1)} == {"vfio-pci"}
    assert hostdevs(host) == 1


def test_the_same_again_writes_nothing(host: Host) -> None:
    agent = host.agent()
    wanted = desired([host.portless(1)], [server([], passthrough=[host.vf(1)])])
    first = agent.turn(wanted)
    written = len(host.table.writes())
    assert agent.turn(wanted) == first
    assert host.writes_since(written) == []


def test_link_of_a_passed_through_vf_is_down_until_its_guest_has_it(host: Host) -> None:
    seen: list[LinkState | None] = []
    steps = CallAt(AgentStep.DOMAIN_STARTED, lambda: seen.append(host.settings(1).link_state))
    host.agent(steps).turn(desired([host.portless(1)], [server([], passthrough=[host.vf(1)])]))
    assert seen == [LinkState.DISABLE]
    assert host.settings(1).link_state is LinkState.AUTO


def test_given_back_function_is_clean_once_its_domain_is_gone_and_not_before(host: Host) -> None:
    agent = host.agent()
    agent.turn(desired([host.portless(1)], [server([], passthrough=[host.vf(1)])]))
    host.hypervisor.misbehave(HypervisorMishaps(destroy=1))
    gone = desired([host.clean(1, generation=3)], [server([], generation=2, is_wanted=False)], 2)
    assert outcomes(agent.turn(gone)) == [FAILED]
    assert host.settings(1).link_state is LinkState.DISABLE
    assert outcomes(agent.turn(gone)) == [BASELINE_VERIFIED, ABSENT]
    assert host.bus.driver(host.vf(1)) == host.card.vf_driver


def test_guest_is_not_started_without_what_its_flavor_asked_for(host: Host) -> None:
    wanted = server([], passthrough=[host.vf(1)])
    report = host.agent().turn(desired([], [wanted]))
    assert [one.reason for one in report.servers] == [
        f"{host.vf(1)}, which the flavor asked for, is not desired for server {WEB}"
    ]
    of_another = host.agent().turn(desired([host.portless(1, MAIL)], [wanted], 2))
    assert outcomes(of_another) == [PROGRAMMED, FAILED]
    assert host.running() == set()


def test_guest_is_not_started_with_a_function_that_does_not_read_back(host: Host) -> None:
    host.table.misbehave(PF_NETDEV, Mishaps(lies_about=frozenset({VfField.VLAN})))
    host.table.overwrite(PF_NETDEV, 1, dataclasses.replace(host.settings(1), vlan=Vlan(7)))
    report = host.agent().turn(desired([host.portless(1)], [server([], passthrough=[host.vf(1)])]))
    assert outcomes(report) == [QUARANTINED, FAILED]
    assert "which the flavor asked for, is not programmed: " in report.servers[0].reason
    assert host.running() == set()


def test_function_that_lies_once_its_guest_has_it_is_quarantined_with_its_link_down(host: Host) -> None:
    def lie() -> None:
        host.table.overwrite(PF_NETDEV, 1, dataclasses.replace(host.settings(1), vlan=Vlan(7)))
        host.table.misbehave(PF_NETDEV, Mishaps(lies_about=frozenset({VfField.VLAN})))

    agent = host.agent(CallAt(AgentStep.DOMAIN_STARTED, lie))
    report = agent.turn(desired([host.portless(1)], [server([], passthrough=[host.vf(1)])]))
    assert outcomes(report) == [QUARANTINED, FAILED]
    assert host.settings(1).link_state is LinkState.DISABLE


def test_passed_through_vf_that_changes_by_itself_is_told_and_put_right(host: Host) -> None:
    agent = host.agent()
    wanted = desired([host.portless(1)], [server([], passthrough=[host.vf(1)])])
    agent.turn(wanted)
    host.table.overwrite(PF_NETDEV, 1, dataclasses.replace(host.settings(1), vlan=Vlan(99)))
    assert outcomes(agent.turn(wanted)) == [IN_USE, RUNNING]
    (told,) = host.controller.reports
    assert told.functions[0].reason.startswith("vlan is 99")
    assert host.settings(1) == host.portless(1).settings


def test_running_guest_never_gets_a_function_later_and_its_ports_still_do(host: Host) -> None:
    agent = host.agent()
    agent.turn(desired([host.serving(0)], [server([host.interface(0)])]))
    more = server([host.interface(0), host.interface(2)], generation=2, passthrough=[host.vf(1)])
    report = agent.turn(desired([host.serving(0), host.portless(1), host.serving(2)], [more], 2))
    assert outcomes(report) == [IN_USE, PROGRAMMED, IN_USE, FAILED]
    assert report.servers[0].reason == (
        f"{host.vf(1)} is not in the running guest, which gets it when it is started anew and not before"
    )
    assert hostdevs(host) == 0


def test_running_guest_never_loses_a_function_that_is_no_longer_asked_for(host: Host) -> None:
    """It is the controller's word that it went from the host, and then the guest has it no more anyhow."""
    agent = host.agent()
    agent.turn(desired([host.portless(1)], [server([], passthrough=[host.vf(1)])]))
    assert outcomes(agent.turn(desired([], [server([])], 2))) == [RUNNING]
    assert outcomes(agent.turn(desired([host.clean(1, generation=3)], [server([])], 3))) == [RUNNING]
    assert (hostdevs(host), host.bus.driver(host.vf(1))) == (1, "vfio-pci")


def test_nics_vf_without_a_mac_is_never_taken_for_a_function_without_settings(host: Host) -> None:
    nothing = dataclasses.replace(host.portless(1), settings=VfSettings())
    report = host.agent().turn(desired([nothing], [server([], passthrough=[host.vf(1)])]))
    assert outcomes(report) == [QUARANTINED, FAILED]
    assert report.functions[0].reason == "no MAC is desired for the function"


# What there is nothing to program of


def test_whole_pf_that_a_flavor_asked_for_is_served_and_given_back(bare: Host) -> None:
    agent = bare.agent(specs=WHOLE)
    serving = DesiredFunction(PF, None, None, 2, Purpose.SERVE, VfSettings(), WEB)
    assert outcomes(agent.turn(desired([serving], [server([], passthrough=[PF])]))) == [IN_USE, RUNNING]
    assert (bare.bus.driver(PF), hostdevs(bare)) == ("vfio-pci", 1)
    clean = dataclasses.replace(serving, generation=3, purpose=Purpose.BASELINE, server_id=None)
    gone = desired([clean], [server([], generation=2, is_wanted=False)], 2)
    assert outcomes(agent.turn(gone)) == [BASELINE_VERIFIED, ABSENT]
    assert bare.bus.driver(PF) == bare.card.driver


def test_settings_that_nobody_could_write_are_refused_and_not_passed_over(bare: Host) -> None:
    wanted = DesiredFunction(PF, None, None, 2, Purpose.SERVE, VfSettings(mac="02:00:00:00:00:01"), WEB)
    report = bare.agent(specs=WHOLE).turn(desired([wanted]))
    assert outcomes(report) == [QUARANTINED]
    assert "has no settings that could be written, and some are wanted" in report.functions[0].reason


# Cells


def test_guest_with_numa_cells_is_laid_on_the_nodes_that_were_chosen(host: Host) -> None:
    build_nodes(host.sysfs, [NumaCell(0, (0, 1), 4096, 0), NumaCell(1, (2, 3), 4096, 1)])
    wanted = dataclasses.replace(server([], passthrough=[host.vf(1)]), vcpus=2, numa_nodes=(1, 0))
    assert outcomes(host.agent().turn(desired([host.portless(1)], [wanted]))) == [IN_USE, RUNNING]
    pins = parse(host.hypervisor.xml(WEB)).iterfind("cputune/vcpupin")
    assert [pin.get("cpuset") for pin in pins] == ["2-3", "0-1"]


def test_guest_is_not_started_on_nodes_that_the_host_has_not(host: Host) -> None:
    report = host.agent().turn(desired([], [dataclasses.replace(server([]), numa_nodes=(3,))]))
    assert [one.reason for one in report.servers] == [
        "a cell of the guest is to be on NUMA node 3, and this host has none"
    ]
