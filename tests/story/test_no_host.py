"""When no host will do: the fault says why, in counts for the owner, host by host for an admin."""

from dataclasses import replace

from mooring.model.port import VnicType
from mooring.model.server import ServerStatus
from mooring.service.server_ports import NicWish
from mooring.service.servers import ServerWish
from mooring.testing.cloud import ADMIN
from tests.story.conftest import Told


def test_the_fault_counts_what_is_missing_and_where(told: Told) -> None:
    network = told.network("physnet2", 200, default_vnic_type="direct")
    assert [told.boot(network).status for _ in range(2)] == [ServerStatus.ACTIVE] * 2
    server = told.boot(network)
    assert server.status is ServerStatus.ERROR
    assert server.host is None
    assert server.fault is not None
    assert server.fault.message.startswith("No valid host was found. 3 hosts: ")
    assert "2 of 2 in use" in server.fault.message
    assert "sim" not in server.fault.message, "host names are not the owner's business"
    assert all(name in server.fault.details for name in ("sim1", "sim2", "sim3"))


def test_a_server_that_found_no_host_leaves_its_port_free(told: Told) -> None:
    port = told.port(told.network("physnet2", 200), VnicType.DIRECT)
    server = told.boot(port, told.network("physnet1", 100), forced_host="sim1")
    assert server.status is ServerStatus.ERROR
    assert told.stored(port).device_id == ""
    assert told.ports(server) == []
    told.delete(server)
    assert told.is_gone(server)


def test_explain_answers_for_every_host_and_changes_nothing(told: Told) -> None:
    network = told.network("physnet1", 100)
    wish = ServerWish("vm", told.flavor.id, nics=(NicWish(network_id=network.id, vnic_type="direct"),))
    before = told.cloud.findings()
    answer = told.explain(wish)
    hosts = {row["host"]: row["answer"] for row in answer["hosts"]}  # type: ignore[attr-defined]  # JSON from the API has no types
    assert hosts == {"sim1": "yes", "sim2": "yes", "sim3": "yes"}
    assert told.cloud.findings() == before


def test_explain_tells_others_than_admins_counts_only(told: Told) -> None:
    network = told.network("physnet2", 200)
    member = replace(ADMIN, roles=frozenset({"member"}))
    wish = ServerWish(
        "vm", told.flavor.id, nics=(NicWish(network_id=network.id, vnic_type="direct"),), forced_host="sim1"
    )
    answer = told.explain(wish, member)
    assert answer["is_possible"] is False
    assert "hosts" not in answer
    assert "sim1" not in str(answer["message"])


def test_a_host_that_is_silent_gets_nothing_new(told: Told) -> None:
    network = told.network("physnet2", 200, default_vnic_type="direct")
    told.clock.advance(told.world.config.agent_down_s + 1)
    server = told.create(network)
    assert server.status is ServerStatus.ERROR
    assert server.fault is not None
    assert "agent" in server.fault.message
