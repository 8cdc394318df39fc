"""``kill -9`` at every named step of the controller and of the agent, then a restart.

No VF has two owners, none is lost, what was acknowledged is there, and the server ends
ACTIVE, or in ERROR with a reason, or gone when its deletion was acknowledged.
"""

import http.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from mooring.model.outside import AgentStep, ControllerStep
from mooring.testing.cards import INTEL_82576
from mooring.testing.client import Answer, wait_until
from mooring.testing.host import Plan, Spec
from mooring.testing.hosts import port
from mooring.testing.rig import Rig

T = TypeVar("T")
VFS = 3
DEATHS_MAX = 3
SETTLE_MAX_S = 30.0
PORTS = (port(INTEL_82576, "0000:81:00.0", "ens1f0", 1, VFS),)
SMALL = Plan(PORTS, (Spec("ens1f0", "physnet1"),), {})
BOTH = Plan(PORTS, (Spec("ens1f0", "physnet1", whole=True),), {})
"""The PF itself is handed out, too."""
OF_WHOLE_PFS = (AgentStep.VFS_REMOVED, AgentStep.VFS_MADE)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def prepare(rig: Rig, plan: Plan = SMALL, vnic_type: str = "direct") -> dict[str, object]:
    """A host, a network, a port and a flavor; returns the body of a server create."""
    rig.start_controller()
    rig.add_hosts({"h1": plan})
    rig.start_agent("h1")
    rig.wait_available(VFS)
    wish = {"network_id": rig.make_network(100, "192.0.2.0/24"), "binding:vnic_type": vnic_type}
    made = rig.client.want(201, "POST", "/network/v2.0/ports", {"port": wish})["port"]
    return {"server": {"name": "s", "flavorRef": rig.make_flavor(), "networks": [{"port": made["id"]}]}}


def call(rig: Rig, method: str, path: str, body: object = None) -> Answer | None:
    """The answer, or None when the controller died before it gave one."""
    try:
        return rig.client.call(method, path, body)
    except (OSError, http.client.HTTPException):
        wait_until(lambda: rig.controller is None or rig.controller.is_dead(), SETTLE_MAX_S, "the controller is dead")
        return None


def revive(rig: Rig) -> None:
    """Start again whatever died, with no appointment this time."""
    if rig.controller is None or rig.controller.is_dead():
        rig.armed.unlink(missing_ok=True)
        rig.start_controller()
    for name, agent in list(rig.agents.items()):
        if agent.is_dead():
            rig.armed.unlink(missing_ok=True)
            rig.start_agent(name)


def steadily(rig: Rig, ask: Callable[[], T]) -> T:
    """What ``ask`` gives, asked again of a controller that was revived when it died meanwhile."""
    for _ in range(DEATHS_MAX):
        revive(rig)
        try:
            return ask()
        except (OSError, http.client.HTTPException):
            wait_until(
                lambda: rig.controller is None or rig.controller.is_dead(), SETTLE_MAX_S, "the controller is dead"
            )
    raise AssertionError("the controller dies again and again")


def server_of(rig: Rig) -> dict[str, object] | None:
    servers = steadily(rig, lambda: rig.client.want(200, "GET", "/compute/v2.1/servers/detail"))["servers"]
    return servers[0] if servers else None


def tell_boot_and_undoing(rig: Rig, body: dict[str, object]) -> None:
    """Boot, wait for the end state, delete, wait for the end state; reviving what dies."""
    created = call(rig, "POST", "/compute/v2.1/servers", body)
    if created is not None:
        assert created.status == 202, created.body
        assert server_of(rig) is not None, "an acknowledged server is lost"
    elif server_of(rig) is None:
        wait_until(lambda: steadily(rig, lambda: rig.alive("h1")), SETTLE_MAX_S, "the host is heard from")
        steadily(rig, lambda: rig.client.want(202, "POST", "/compute/v2.1/servers", body))
    wait_for(rig, "ACTIVE")
    check_books(rig, owned=1)
    server = server_of(rig)
    assert server is not None
    deleted = call(rig, "DELETE", f"/compute/v2.1/servers/{server['id']}")
    if deleted is None and server_of(rig) is not None:
        steadily(rig, lambda: rig.client.call("DELETE", f"/compute/v2.1/servers/{server['id']}"))
    wait_for(rig, None)
    check_books(rig, owned=0)


def wait_for(rig: Rig, status: str | None) -> None:
    def is_there() -> bool:
        server = server_of(rig)
        return (server["status"] if server else None) == status

    wait_until(is_there, SETTLE_MAX_S, f"the server is {status or 'gone'}")


def check_books(rig: Rig, *, owned: int) -> None:
    """Nothing lost and nothing doubled: in the controller's books, on the card, and in the hypervisor."""

    def are_free() -> bool:
        return steadily(rig, lambda: rig.vfs_in("available")) == VFS - owned

    wait_until(are_free, SETTLE_MAX_S, f"{VFS - owned} VFs are available")
    assert steadily(rig, lambda: rig.vfs_in("in-use")) == owned
    assert steadily(rig, rig.findings) == []
    host = rig.hosts["h1"]
    desired = [device["desired"] for device in steadily(rig, rig.devices) if device["desired"]]
    port_macs = [settings["mac"] for settings in desired]  # type: ignore[index]  # JSON from the API has no types
    on_card = host.vf_table.look("ens1f0").vfs
    assert sum(settings.mac in port_macs for settings in on_card.values()) == owned
    assert sum(bool(settings.vlan and settings.vlan.id) for settings in on_card.values()) == owned
    assert len(host.hypervisor().domains()) == owned


@pytest.mark.parametrize("step", ControllerStep)
def test_no_vf_is_lost_or_doubled_when_the_controller_is_killed_at(step: ControllerStep, rig: Rig) -> None:
    body = prepare(rig)
    assert rig.controller is not None
    rig.controller.kill()
    rig.start_controller(step.value)
    wait_until(lambda: rig.alive("h1"), SETTLE_MAX_S, "the agent is back")
    rig.armed.touch()
    doomed = rig.controller
    tell_boot_and_undoing(rig, body)
    assert doomed is not rig.controller, f"{step} was never reached, so that nothing was shown"


@pytest.mark.parametrize("step", [step for step in AgentStep if step not in OF_WHOLE_PFS])
def test_no_vf_is_lost_or_doubled_when_the_agent_is_killed_at(step: AgentStep, rig: Rig) -> None:
    body = prepare(rig)
    rig.agents["h1"].kill()
    rig.start_agent("h1", step.value)
    wait_until(lambda: rig.alive("h1"), SETTLE_MAX_S, "the agent is back")
    rig.armed.touch()
    doomed = rig.agents["h1"]
    tell_boot_and_undoing(rig, body)
    assert doomed is not rig.agents["h1"], f"{step} was never reached, so that nothing was shown"


@pytest.mark.parametrize("step", OF_WHOLE_PFS)
def test_a_pf_and_its_vfs_change_places_though_the_agent_is_killed_at(step: AgentStep, rig: Rig) -> None:
    body = prepare(rig, BOTH, "direct-physical")
    rig.wait_available(VFS + 1)
    rig.agents["h1"].kill()
    rig.start_agent("h1", step.value)
    wait_until(lambda: rig.alive("h1"), SETTLE_MAX_S, "the agent is back")
    rig.armed.touch()
    doomed = rig.agents["h1"]
    rig.client.want(202, "POST", "/compute/v2.1/servers", body)
    wait_for(rig, "ACTIVE")
    server = server_of(rig)
    assert server is not None
    wait_until(lambda: steadily(rig, lambda: rig.vfs_in("available")) == 0, SETTLE_MAX_S, "its VFs are gone")
    rig.client.want(204, "DELETE", f"/compute/v2.1/servers/{server['id']}")
    wait_for(rig, None)
    wait_until(lambda: steadily(rig, lambda: rig.vfs_in("available")) == VFS + 1, SETTLE_MAX_S, "PF and VFs are free")
    assert len(rig.hosts["h1"].vf_table.look("ens1f0").vfs) == VFS
    assert (steadily(rig, rig.findings), rig.hosts["h1"].hypervisor().domains()) == ([], [])
    assert doomed is not rig.agents["h1"], f"{step} was never reached, so that nothing was shown"
