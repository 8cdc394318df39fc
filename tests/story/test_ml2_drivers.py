"""Somebody else's mechanism driver in a whole cloud: servers whose ports it refuses, and one that hangs."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mooring.config import ControllerConfig
from mooring.errors import Conflict, MechanismDriverError
from mooring.ml2.context import PortContext
from mooring.model.port import PortStatus, VnicType
from mooring.model.server import ServerStatus
from mooring.service.server_ports import NicWish
from mooring.service.servers import ServerWish
from mooring.testing.cloud import Cloud
from mooring.testing.hosts import named_plans
from mooring.testing.outside import SeededIds, SteppedClock
from tests.api.network.recording import Script
from tests.story.conftest import Told

DRIVERS = ("theirs", "sriovnicswitch", "linuxbridge")
LONG_S = 20.0


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def told(tmp_path: Path, script: Script) -> Iterator[Told]:
    clock = SteppedClock()
    ranges = ("physnet1:100:199", "physnet2:100:199")
    config = ControllerConfig(mechanism_drivers=DRIVERS, bind_wait_s=0.1, network_vlan_ranges=ranges)
    drivers = script.loaders("theirs")
    cloud = Cloud(tmp_path, named_plans(1), clock=clock, ids=SeededIds(), config=config, drivers=drivers)
    yield Told(cloud, clock)
    findings = cloud.findings()
    cloud.close()
    assert findings == []


def test_a_server_whose_port_is_refused_after_it_was_made_goes_with_it(told: Told, script: Script) -> None:
    network = told.network("physnet1", 100, "direct")
    script.fail["theirs create_port_postcommit"] = Conflict("the switch has no port left")
    with pytest.raises(MechanismDriverError) as caught:
        told.create(network)
    assert [str(fault) for fault in caught.value.faults.values()] == ["the switch has no port left"]
    told.cloud.settle()
    assert script.hooks("port")[-1] == "theirs delete_port_postcommit"
    script.fail.clear()
    server = told.boot(network)
    assert server.status is ServerStatus.ACTIVE


def test_a_driver_hears_of_the_binding_and_of_the_status_of_a_servers_port(told: Told, script: Script) -> None:
    server = told.boot(told.port(told.network("physnet1", 100), VnicType.DIRECT))
    bound = [
        (context.original_vif_type, context.vif_type, context.host)
        for _, hook, context in script.told
        if hook == "update_port_postcommit"
    ]
    assert ("unbound", "hw_veb", "sim1") in bound
    statuses = [(context.original_status, context.status) for _, hook, context in script.told if "update" in hook]
    assert statuses[-1] == ("BUILD", "ACTIVE")
    script.told.clear()
    told.delete(server)
    unbound = [(context.original_vif_type, context.vif_type) for _, hook, context in script.told if "update" in hook]
    assert ("hw_veb", "unbound") in unbound


def test_what_a_driver_says_against_what_a_host_reported_is_kept_and_changes_nothing(
    told: Told, script: Script
) -> None:
    port = told.port(told.network("physnet1", 100), VnicType.DIRECT)
    server = told.create(port)
    script.fail["theirs update_port_precommit"] = script.fail["theirs update_port_postcommit"] = Conflict("no")
    told.cloud.settle()
    assert told.server(server.id).status is ServerStatus.ACTIVE
    assert told.stored(port).status is PortStatus.ACTIVE
    script.fail.clear()


def test_a_driver_that_hangs_costs_one_wait_and_the_server_is_bound_by_the_next(told: Told, script: Script) -> None:
    gate, calls = threading.Event(), list[str]()

    def hangs(context: PortContext) -> None:
        calls.append(context.current["id"])
        gate.wait(LONG_S)

    script.bind["theirs"] = hangs
    network = told.network("physnet1", 100, "direct")
    servers = [told.boot(network) for _ in range(3)]
    gate.set()
    assert {server.status for server in servers} == {ServerStatus.ACTIVE}
    assert len(calls) == 1


def test_explain_says_which_driver_said_what_for_which_segment(told: Told, script: Script) -> None:
    script.bind["theirs"] = lambda context: context.refuse("no trunk to this rack")
    bare = told.network("physnet2", 100)
    answer = told.explain(ServerWish("vm", told.flavor.id, nics=(NicWish(network_id=bare.id),)))
    [host] = answer["hosts"]  # type: ignore[misc]  # a list of one, as the plan has it
    assert "theirs: no trunk to this rack; " in host["reason"]
    assert "(segment vlan 100)" in host["reason"]
