"""``kill -9`` of the controller between any two steps of a boot and an undoing, and of the agent between any two steps
of its work; then a restart. No VF has two owners, none is lost, what was acknowledged is there, and the server ends
ACTIVE, or in ERROR with a reason, or gone when its deletion was acknowledged.
"""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from mooring.model.outside import AgentStep, ControllerStep
from mooring.testing.cards import INTEL_82576
from mooring.testing.client import Answer, wait_until
from mooring.testing.host import Plan, Spec
from mooring.testing.hosts import port
from mooring.testing.rig import Rig

VFS = 3
SETTLE_MAX_S = 30.0
SMALL = Plan((port(INTEL_82576, "0000:81:00.0", "ens1f0", 1, VFS),), (Spec("ens1f0", "physnet1"),), {})


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def prepare(rig: Rig) -> dict[str, object]:
    """A host, a network, a port and a flavor; returns the body of a server create."""
    rig.start_controller()
    rig.add_hosts({"h1": SMALL})
    provider = {
        "provider:network_type": "vlan", "provider:physical_network": "physnet1", "provider:segmentation_id": 100,
    }  # fmt: skip
    network = rig.client.want(201, "POST", "/network/v2.0/networks", {"network": {"name": "n", **provider}})["network"]
    subnet = {"network_id": network["id"], "ip_version": 4, "cidr": "192.0.2.0/24"}
    rig.client.want(201, "POST", "/network/v2.0/subnets", {"subnet": subnet})
    wish = {"network_id": network["id"], "binding:vnic_type": "direct"}
    made = rig.client.want(201, "POST", "/network/v2.0/ports", {"port": wish})["port"]
    flavor = {"name": "f", "ram": 512, "vcpus": 1, "disk": 1}
    flavor_id = rig.client.want(200, "POST", "/compute/v2.1/flavors", {"flavor": flavor})["flavor"]["id"]
    return {"server": {"name": "s", "flavorRef": flavor_id, "networks": [{"port": made["id"]}]}}


def call(rig: Rig, method: str, path: str, body: object = None) -> Answer | None:
    """The answer, or None when the controller died before it gave one."""
    try:
        return rig.client.call(method, path, body)
    except (OSError, http.client.HTTPException):
        return None


def revive(rig: Rig) -> None:
    """Start again whatever died, with no appointment this time."""
    if rig.controller is None or rig.controller.is_dead():
        rig.start_controller()
    for name, agent in list(rig.agents.items()):
        if agent.is_dead():
            rig.start_agent(name)


def server_of(rig: Rig) -> dict[str, object] | None:
    servers = rig.client.want(200, "GET", "/compute/v2.1/servers/detail")["servers"]
    return servers[0] if servers else None


def tell_boot_and_undoing(rig: Rig, body: dict[str, object]) -> None:
    """Boot, wait for the end state, delete, wait for the end state; reviving what dies."""
    created = call(rig, "POST", "/compute/v2.1/servers", body)
    revive(rig)
    if created is not None:
        assert created.status == 202, created.body
        assert server_of(rig) is not None, "an acknowledged server is lost"
    elif server_of(rig) is None:
        rig.client.want(202, "POST", "/compute/v2.1/servers", body)
    wait_for(rig, "ACTIVE")
    check_books(rig, owned=1)
    server = server_of(rig)
    assert server is not None
    deleted = call(rig, "DELETE", f"/compute/v2.1/servers/{server['id']}")
    revive(rig)
    if deleted is None and server_of(rig) is not None:
        call(rig, "DELETE", f"/compute/v2.1/servers/{server['id']}")
    wait_for(rig, None)
    check_books(rig, owned=0)


def wait_for(rig: Rig, status: str | None) -> None:
    def is_there() -> bool:
        revive(rig)
        server = server_of(rig)
        return (server["status"] if server else None) == status

    wait_until(is_there, SETTLE_MAX_S, f"the server is {status or 'gone'}")


def check_books(rig: Rig, *, owned: int) -> None:
    """Nothing lost and nothing doubled: in the controller's books, on the card, and in the hypervisor."""
    wait_until(lambda: rig.vfs_in("available") == VFS - owned, SETTLE_MAX_S, f"{VFS - owned} VFs are available")
    assert rig.vfs_in("in-use") == owned
    assert rig.findings() == []
    host = rig.hosts["h1"]
    port_macs = [device["desired"]["mac"] for device in rig.devices() if device["desired"]]  # type: ignore[index]  # JSON
    on_card = host.vf_table.read_all("ens1f0")
    assert sum(settings.mac in port_macs for settings in on_card.values()) == owned
    assert sum(bool(settings.vlan and settings.vlan.id) for settings in on_card.values()) == owned
    assert len(host.hypervisor().domains()) == owned


@pytest.mark.parametrize("step", ControllerStep)
def test_no_vf_is_lost_or_doubled_when_the_controller_is_killed_at(step: ControllerStep, rig: Rig) -> None:
    body = prepare(rig)
    rig.start_agent("h1")
    rig.wait_available(VFS)
    assert rig.controller is not None
    rig.controller.kill()
    rig.start_controller(step.value, "1")
    doomed = rig.controller
    tell_boot_and_undoing(rig, body)
    assert doomed is not rig.controller, f"{step} was never reached, so that nothing was shown"


@pytest.mark.parametrize("step", AgentStep)
def test_no_vf_is_lost_or_doubled_when_the_agent_is_killed_at(step: AgentStep, rig: Rig) -> None:
    body = prepare(rig)
    rig.start_agent("h1")
    rig.wait_available(VFS)
    rig.agents["h1"].kill()
    rig.start_agent("h1", step.value, "1")
    doomed = rig.agents["h1"]
    tell_boot_and_undoing(rig, body)
    assert doomed is not rig.agents["h1"], f"{step} was never reached, so that nothing was shown"
