"""Restarts, reboots and functions that come and go: nothing is lost, and unknown is never free."""

import pytest

from mooring.errors import Stale
from mooring.model.port import VnicType
from mooring.model.request import Device
from mooring.model.server import ServerStatus
from mooring.model.vf import VfState
from mooring.store.devices import DEVICES
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
    assert all(settings.mac != port.mac_address for settings in told.on_card(name))
    told.cloud.restart_agent(name)
    assert device_of(told, port.mac_address).state is VfState.CLAIMED
    told.cloud.settle()
    assert device_of(told, port.mac_address).state is VfState.IN_USE
    assert any(settings.mac == port.mac_address for settings in told.on_card(name))
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
