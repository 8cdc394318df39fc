"""``kill -9`` of a real agent at every named step of an attach and of its undoing, on a real kernel's VF.

One server dies its way through: each agent gets as far as the next step and no further, and the next one goes on.
"""

import pytest

from lab.cloud import GONE_LIMIT_S, READY_LIMIT_S, STATE, WHOLE_PF, WHOLE_PF_VFS, LabCloud
from mooring.model.outside import AgentStep
from tests.lab.conftest import Nets

pytestmark = pytest.mark.requires("lab")

BOOT = (
    AgentStep.DESIRED_RECEIVED,
    AgentStep.INTENT_JOURNALLED,
    AgentStep.LINK_ISOLATED,
    AgentStep.FUNCTION_RESET,
    AgentStep.SETTINGS_WRITTEN,
    AgentStep.SETTINGS_VERIFIED,
    AgentStep.DOMAIN_STARTED,
    AgentStep.BEFORE_REPORT,
    AgentStep.REPORTED,
)
#: An agent that comes after the start finds the link open: igb cannot hold it down. So this one dies in a live attach.
ATTACH = (AgentStep.LINK_RESTORED,)
DELETE = (
    AgentStep.DESIRED_RECEIVED,
    AgentStep.DOMAIN_DESTROYED,
    AgentStep.INTENT_JOURNALLED,
    AgentStep.LINK_ISOLATED,
    AgentStep.FUNCTION_RESET,
    AgentStep.SETTINGS_WRITTEN,
    AgentStep.SETTINGS_VERIFIED,
    AgentStep.LINK_RESTORED,
    AgentStep.BASELINE_VERIFIED,
    AgentStep.BEFORE_REPORT,
    AgentStep.REPORTED,
)
#: A PF that a server has whole loses its VFs before, and has them again behind.
TAKE_WHOLE, GIVE_WHOLE = (AgentStep.VFS_REMOVED,), (AgentStep.VFS_MADE,)


def die_through(cloud: LabCloud, host: str, steps: tuple[AgentStep, ...]) -> None:
    """The agent that runs is killed; then one agent for each step, each until its step."""
    cloud.kill_agent(host)
    cloud.lab[host].sh(f"touch {STATE}/armed")
    for step in steps:
        cloud.start_agent(host, step)
        cloud.wait(lambda: cloud.agent_is_dead(host), READY_LIMIT_S, f"the agent reached {step}")
    cloud.lab[host].sh(f"rm {STATE}/armed")
    cloud.start_agent(host)


def test_every_step_is_one_that_an_agent_dies_at() -> None:
    assert set(AgentStep) == {*BOOT, *ATTACH, *DELETE, *TAKE_WHOLE, *GIVE_WHOLE}


def test_an_agent_that_dies_at_every_step_leaves_nothing_undone_and_nothing_behind(
    cloud: LabCloud, flavor: str, nets: Nets
) -> None:
    cloud.kill_agent("n0")  # or it would be done before the first appointment
    port = cloud.make_port(nets.blue)
    server = cloud.boot("often", "n0", flavor, [port])
    die_through(cloud, "n0", BOOT)
    cloud.wait_active(server)
    cloud.wait_said("n0", server, "guest: up at")  # or it would not take another device
    more = cloud.make_port(nets.green)
    cloud.kill_agent("n0")
    attach = {"interfaceAttachment": {"port_id": more["id"]}}
    cloud.client.want(200, "POST", f"/compute/v2.1/servers/{server}/os-interface", attach)
    die_through(cloud, "n0", ATTACH)
    cloud.wait(lambda: cloud.port(more["id"])["status"] == "ACTIVE", READY_LIMIT_S, "the attached port is ACTIVE")
    assert cloud.lab["n0"].sh("virsh list --name").split() == [f"mooring-{server}"]
    slot = cloud.slot(port["id"])
    assert cloud.driver("n0", slot) == "vfio-pci"
    assert f"{port['mac_address']}" in cloud.lab["n0"].sh(f"ip link show {cloud.lab['n0'].netdev('pf0')}")
    cloud.kill_agent("n0")
    cloud.client.want(204, "DELETE", f"/compute/v2.1/servers/{server}")
    die_through(cloud, "n0", DELETE)
    cloud.wait(lambda: cloud.server(server) is None, GONE_LIMIT_S, "the server is gone")
    cloud.wait_available(GONE_LIMIT_S)
    assert cloud.driver("n0", slot) == "igbvf"
    assert cloud.lab["n0"].sh("virsh list --all --name").strip() == ""
    assert cloud.lab["n0"].sh(f"ls {STATE}/servers").strip() == ""


def test_an_agent_that_dies_while_the_vfs_of_a_whole_pf_go_or_come_ends_what_it_began(
    cloud: LabCloud, flavor: str, nets: Nets
) -> None:
    cloud.kill_agent("n0")
    port = cloud.make_port(nets.bare, "direct-physical")
    server = cloud.boot("entire", "n0", flavor, [port])
    die_through(cloud, "n0", TAKE_WHOLE)
    cloud.wait_active(server)
    assert cloud.slot(port["id"]) == WHOLE_PF
    assert cloud.driver("n0", WHOLE_PF) == "vfio-pci"
    assert cloud.devices("n0", pf=WHOLE_PF, state="available") == []
    cloud.kill_agent("n0")
    cloud.client.want(204, "DELETE", f"/compute/v2.1/servers/{server}")
    die_through(cloud, "n0", GIVE_WHOLE)
    cloud.wait(lambda: cloud.server(server) is None, GONE_LIMIT_S, "the server is gone")
    cloud.wait_available(GONE_LIMIT_S)
    assert cloud.driver("n0", WHOLE_PF) == "igb"
    numvfs = cloud.lab["n0"].sh(f"cat /sys/bus/pci/devices/{WHOLE_PF}/sriov_numvfs")
    assert int(numvfs) == WHOLE_PF_VFS
