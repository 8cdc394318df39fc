"""What happens to hosts by itself: somebody's hands on the card, a pulled cable, a controller or a host that goes away.

Each is noticed within seconds, shown, and put right.
"""

from typing import Any

import pytest

from lab.cloud import BOOT_LIMIT_S, GONE_LIMIT_S, PHYSNET2_FUNCTIONS, READY_LIMIT_S, LabCloud
from tests.lab.conftest import Nets

pytestmark = pytest.mark.requires("lab")


@pytest.fixture(scope="module")
def served(cloud: LabCloud, flavor: str, nets: Nets) -> tuple[str, dict[str, Any]]:
    """A server on n0 with one blue VF."""
    port = cloud.make_port(nets.blue, ip="10.1.0.41")
    server = cloud.boot("served", "n0", flavor, [port])
    cloud.wait_active(server)
    return server, cloud.port(port["id"])


def device_events(cloud: LabCloud, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloud.client.want(200, "GET", "/mooring/v1/events?limit=1000")["events"]
    return [event for event in found if event["kind"] == kind]


def status(cloud: LabCloud, port_id: str) -> str:
    return str(cloud.port(port_id)["status"])


def test_a_vlan_set_by_hand_is_noticed_told_and_put_right(cloud: LabCloud, served: tuple[str, dict[str, Any]]) -> None:
    _, port = served
    index = cloud.vf_index("n0", port["id"])
    pf = cloud.lab["n0"].netdev("pf0")
    before = len(device_events(cloud, "device.degraded"))
    cloud.lab["n0"].sh(f"ip link set {pf} vf {index} vlan 99")
    cloud.wait(lambda: len(device_events(cloud, "device.degraded")) > before, READY_LIMIT_S, "the change is noticed")
    told = device_events(cloud, "device.degraded")[-1]["detail"]
    assert "vlan is 99" in told["reason"]
    assert "wanted 100" in told["reason"]
    cloud.wait(lambda: status(cloud, port["id"]) == "ACTIVE", READY_LIMIT_S, "the port is ACTIVE again")
    assert "vlan 100" in vf_line(cloud, pf, index)


def vf_line(cloud: LabCloud, pf: str, index: int) -> str:
    lines = cloud.lab["n0"].sh(f"ip link show {pf}").splitlines()
    return next(line for line in lines if line.strip().startswith(f"vf {index} "))


def test_a_pulled_cable_takes_the_port_down_until_it_is_back(
    cloud: LabCloud, served: tuple[str, dict[str, Any]]
) -> None:
    _, port = served
    cloud.lab["n0"].cut("pf0")
    try:
        cloud.wait(lambda: status(cloud, port["id"]) == "DOWN", READY_LIMIT_S, "the port is DOWN")
        assert "no carrier" in str(cloud.port(port["id"])["mooring:fault"])
    finally:
        cloud.lab["n0"].mend("pf0")
    cloud.wait(lambda: status(cloud, port["id"]) == "ACTIVE", READY_LIMIT_S, "the port is ACTIVE again")


def test_a_pf_set_down_by_hand_is_set_up_again(cloud: LabCloud, served: tuple[str, dict[str, Any]]) -> None:
    _, port = served
    pf = cloud.lab["n0"].netdev("pf0")
    cloud.lab["n0"].sh(f"ip link set {pf} down")
    cloud.wait(
        lambda: "UP" in cloud.lab["n0"].sh(f"ip link show {pf}").split(">")[0].split("<")[1].split(","),
        READY_LIMIT_S,
        "the PF is up again",
    )
    cloud.wait(lambda: status(cloud, port["id"]) == "ACTIVE", READY_LIMIT_S, "the port is ACTIVE again")


def test_what_the_card_cannot_do_is_an_error_of_the_port_and_its_guest_goes_on(
    cloud: LabCloud, served: tuple[str, dict[str, Any]]
) -> None:
    server, port = served
    set_port(cloud, port["id"], admin_state_up=False)
    cloud.wait(lambda: status(cloud, port["id"]) == "ERROR", READY_LIMIT_S, "the port is in ERROR")
    assert "link_state" in str(cloud.port(port["id"])["mooring:fault"])
    set_port(cloud, port["id"], admin_state_up=True)
    cloud.wait(lambda: status(cloud, port["id"]) == "ACTIVE", READY_LIMIT_S, "the port is ACTIVE again")
    assert (cloud.server(server) or {})["status"] == "ACTIVE"


def test_changes_of_a_port_reach_its_vf_under_the_running_guest(
    cloud: LabCloud, served: tuple[str, dict[str, Any]]
) -> None:
    _, port = served
    pf, index = cloud.lab["n0"].netdev("pf0"), cloud.vf_index("n0", port["id"])
    set_port(cloud, port["id"], port_security_enabled=False, trusted=True)
    cloud.wait(lambda: "spoof checking off" in vf_line(cloud, pf, index), READY_LIMIT_S, "the spoof check is off")
    cloud.wait(lambda: "trust on" in vf_line(cloud, pf, index), READY_LIMIT_S, "trust is on")
    set_port(cloud, port["id"], port_security_enabled=True, trusted=False)
    cloud.wait(lambda: "spoof checking on" in vf_line(cloud, pf, index), READY_LIMIT_S, "the spoof check is on")


def set_port(cloud: LabCloud, port_id: str, **changes: object) -> None:
    cloud.client.want(200, "PUT", f"/network/v2.0/ports/{port_id}", {"port": changes})


def test_a_vf_goes_in_and_out_of_a_running_guest(
    cloud: LabCloud, nets: Nets, served: tuple[str, dict[str, Any]]
) -> None:
    server, _ = served
    cloud.wait_said("n0", server, "guest: up at")
    port = cloud.make_port(nets.green, ip="10.3.0.41")
    attach = {"interfaceAttachment": {"port_id": port["id"]}}
    cloud.client.want(200, "POST", f"/compute/v2.1/servers/{server}/os-interface", attach)
    cloud.wait(lambda: status(cloud, port["id"]) == "ACTIVE", BOOT_LIMIT_S, "the attached port is ACTIVE")
    cloud.wait_said("n0", server, f"{port['mac_address']} igbvf")
    cloud.client.want(202, "DELETE", f"/compute/v2.1/servers/{server}/os-interface/{port['id']}")
    cloud.wait(
        lambda: len(cloud.devices("n0", physical_network="physnet2", state="available")) == PHYSNET2_FUNCTIONS,
        GONE_LIMIT_S,
        "the VF is free again",
    )


def test_a_controller_that_was_away_finds_everything_as_it_was(
    cloud: LabCloud, served: tuple[str, dict[str, Any]]
) -> None:
    server, port = served
    cloud.rig.restart_controller()
    cloud.wait(lambda: all(cloud.rig.alive(host.name) for host in cloud.lab.hosts), READY_LIMIT_S, "the hosts are back")
    assert (cloud.server(server) or {})["status"] == "ACTIVE"
    assert status(cloud, port["id"]) == "ACTIVE"
    assert cloud.rig.findings() == []


def test_a_host_that_lost_its_power_brings_its_servers_back(
    cloud: LabCloud, served: tuple[str, dict[str, Any]]
) -> None:
    server, port = served
    boot_id = cloud.lab["n0"].boot_id
    cloud.power_cycle("n0")
    assert cloud.lab["n0"].boot_id != boot_id
    cloud.wait(
        lambda: f"mooring-{server}" in cloud.lab["n0"].sh("virsh list --name"), BOOT_LIMIT_S, "the domain runs again"
    )
    cloud.wait(lambda: status(cloud, port["id"]) == "ACTIVE", BOOT_LIMIT_S, "its port is ACTIVE again")
    pf, index = cloud.lab["n0"].netdev("pf0"), cloud.vf_index("n0", port["id"])
    assert "vlan 100" in vf_line(cloud, pf, index)
    assert cloud.rig.findings() == []


def test_vfs_taken_away_by_hand_are_missed_and_come_back_with_the_next_agent(
    cloud: LabCloud, flavor: str, nets: Nets
) -> None:
    """A macvtap port's VF stays with the host, so the kernel lets it go at once; a guest's it would wait for."""
    host = cloud.lab["n1"]
    port = cloud.make_port(nets.green, "macvtap", ip="10.3.0.42")
    server = cloud.boot("bereft", "n1", flavor, [port])
    cloud.wait_active(server)
    host.sh(f"echo 0 > /sys/bus/pci/devices/{host.address('pf1')}/sriov_numvfs")
    cloud.wait(lambda: status(cloud, port["id"]) != "ACTIVE", READY_LIMIT_S, "the port is not ACTIVE any more")
    assert cloud.devices("n1", state="removed-pending")
    cloud.client.want(204, "DELETE", f"/compute/v2.1/servers/{server}")
    cloud.wait(lambda: cloud.server(server) is None, GONE_LIMIT_S, "the server is gone")
    cloud.kill_agent("n1")
    cloud.start_agent("n1")
    cloud.wait(
        lambda: len(cloud.devices("n1", physical_network="physnet2", state="available")) == PHYSNET2_FUNCTIONS,
        READY_LIMIT_S,
        "all VFs of physnet2 are free again",
    )
