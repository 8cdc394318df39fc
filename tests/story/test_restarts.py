"""Restarts, reboots and functions that come and go: nothing is lost, and unknown is never free."""

import pytest

from mooring.errors import Stale
from mooring.model.desired import FunctionOutcome, FunctionReport, Report, ServerOutcome, ServerReport
from mooring.model.port import PortStatus, VnicType
from mooring.model.request import Device
from mooring.model.server import ServerStatus
from mooring.model.vf import VfState, Vlan
from mooring.service.claims import change_state
from mooring.service.servers import delete_server
from mooring.store.devices import DEVICES
from mooring.testing.cloud import ADMIN
from tests.story.conftest import Told


def device_of(told: Told, mac: str) -> Device:
    found = told.read(lambda tx: [d for d in DEVICES.where(tx) if d.observed is not None and d.observed.mac == mac])
    (device,) = found
    return device


def test_a_restarted_controller_and_agent_leave_a_running_server_alone(told: Told) -> None:
    port = told.port(told.network("physnet1", 100), VnicType.DIRECT)
    server = told.boot(port)
    node = told.cloud.nodes[server.host or ""]
    before = (told.on_card(server.host or ""), node.host.hypervisor().xml(server.id))
    told.cloud.restart_controller()
    told.cloud.settle()
    assert told.server(server.id).status is ServerStatus.ACTIVE
    assert (told.on_card(server.host or ""), node.host.hypervisor().xml(server.id)) == before


def test_a_rebooted_host_programs_its_vfs_anew_before_its_servers_run(told: Told) -> None:
    port = told.port(told.network("physnet1", 100), VnicType.DIRECT)
    server = told.boot(port)
    name = server.host or ""
    told.cloud.nodes[name].host.reboot()
    assert all(settings.vlan == Vlan() for settings in told.on_card(name)), "a card comes up blank"
    told.cloud.restart_agent(name)
    assert device_of(told, port.mac_address).state is VfState.CLAIMED
    assert (told.server(server.id).status, told.stored(port).status) == (ServerStatus.HARD_REBOOT, PortStatus.BUILD)
    told.cloud.settle()
    assert device_of(told, port.mac_address).state is VfState.IN_USE
    assert any((settings.mac, settings.vlan) == (port.mac_address, Vlan(100)) for settings in told.on_card(name))
    assert (told.server(server.id).status, told.stored(port).status) == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    assert [domain.is_running for domain in told.cloud.nodes[name].host.hypervisor().domains()] == [True]


def test_an_older_agent_of_the_same_host_is_refused(told: Told) -> None:
    old = told.cloud.nodes["sim1"].agent
    desired = told.cloud.uplink("sim1").desired(-1, 0)
    assert desired is not None
    told.cloud.restart_agent("sim1")
    with pytest.raises(Stale):
        old.carry_out(desired)


def test_a_function_that_vanishes_while_owned_is_waited_for_and_never_handed_out(told: Told) -> None:
    port = told.port(told.network("physnet2", 200), VnicType.DIRECT)
    server = told.boot(port)
    device = device_of(told, port.mac_address)
    told.cloud.nodes["sim3"].host.remove_function(device.address)
    told.cloud.restart_agent("sim3")
    told.cloud.settle()
    assert device_of(told, port.mac_address).state is VfState.REMOVED_PENDING
    told.boot(told.network("physnet2", 201, default_vnic_type="direct"))
    assert told.boot(told.network("physnet2", 202, default_vnic_type="direct")).status is ServerStatus.ERROR
    told.delete(server)
    assert told.read(lambda tx: DEVICES.get(tx, device.id)).state is VfState.GONE  # type: ignore[union-attr]  # it is there


def test_a_report_about_one_function_out_of_turn_does_not_silence_the_others(told: Told) -> None:
    network = told.network("physnet2", 200)
    first, second = (told.boot(told.port(network, VnicType.DIRECT)) for _ in range(2))
    devices = [device_of(told, told.ports(server)[0].mac_address) for server in (first, second)]
    told.write(lambda tx: change_state(tx, devices[0], VfState.REMOVED_PENDING))
    claims = told.write(lambda tx: change_state(tx, devices[1], VfState.CLAIMED))
    reports = tuple(FunctionReport(d.address, d.generation, FunctionOutcome.IN_USE, d.observed) for d in devices)
    told.cloud.uplink("sim3").report(Report(told.cloud.epoch("sim3"), 1, reports))
    states = [told.read(lambda tx, d=d: DEVICES.get(tx, d.id)).state for d in devices]  # type: ignore[misc]  # a default binds d
    assert (claims.state, states) == (VfState.CLAIMED, [VfState.REMOVED_PENDING, VfState.IN_USE])
    told.cloud.restart_agent("sim3")
    told.cloud.settle()
    assert told.stored(told.ports(first)[0]).status is PortStatus.ACTIVE, "it is there, and so it comes back"


def test_a_vf_that_is_excluded_while_in_use_is_cleaned_and_never_handed_out_again(told: Told) -> None:
    port = told.port(told.network("physnet2", 200), VnicType.DIRECT)
    server = told.boot(port)
    device = device_of(told, port.mac_address)
    told.cloud.exclude("sim3", "ens99f0")
    told.cloud.settle()
    assert told.server(server.id).status is ServerStatus.ACTIVE
    told.delete(server)
    assert told.is_gone(server)
    assert all(settings.mac != port.mac_address for settings in told.on_card("sim3"))
    told.cloud.restart_agent("sim3")
    assert told.read(lambda tx: DEVICES.get(tx, device.id)).state is VfState.UNAVAILABLE  # type: ignore[union-attr]  # it is there


def test_a_host_that_speaks_of_anothers_server_is_not_heard(told: Told) -> None:
    network = told.network("physnet1", 100)
    server = told.boot(told.port(network, VnicType.NORMAL), forced_host="sim2")
    assert server.status is ServerStatus.ACTIVE
    told.write(lambda tx: delete_server(tx, told.world, ADMIN, server.id))
    for outcome in ServerOutcome:
        lie = ServerReport(server.id, server.generation + 1, outcome, "a lie")
        told.cloud.uplink("sim1").report(Report(told.cloud.epoch("sim1"), 1, servers=(lie,)))
    assert told.server(server.id).status is ServerStatus.DELETING
    assert told.server(server.id).fault is None
    told.cloud.settle()
    assert told.is_gone(server)
