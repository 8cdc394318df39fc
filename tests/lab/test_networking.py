"""The agent's side of networking on real drivers: DHCP over a VF's VLAN, and changes under a running server.

n1 serves DHCP of physnet1 by one of its VFs; guests of n0 ask over the wire.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.cloud import AGENT_FILE, BOOT_LIMIT_S, DHCP_POWERS, READY_LIMIT_S, LabCloud
from tests.lab.conftest import Nets

pytestmark = pytest.mark.requires("lab")

SERVING, SERVED = "n1", "n0"
DHCP_VF = "0000:01:10.6"
FOLDER = "/run/mooring-dhcp"
NEW_MAC = "fa:16:3e:77:77:77"
_SETTINGS = """\
dhcp = true

[agent.dhcp_interfaces]
physnet1 = "{netdev}"

[agent.bridge_mappings]"""
_CONTRACT = """\
import json
from pathlib import Path
from mooring.host.dhcp import DnsmasqServers
from mooring.host.occupants import KernelOccupants
from mooring.testing.contracts import broken_promises
from mooring.testing.contracts_dhcp import DhcpContract
servers = DnsmasqServers(
    {"physnet1": "dhcp-near"}, Path("/sys"), KernelOccupants(), lease_s=600, folder=Path("/run/dhcp-contract")
)
print(json.dumps(broken_promises(DhcpContract().on(servers, "physnet1"))))
"""


@pytest.fixture(scope="module")
def netdev(cloud: LabCloud) -> Iterator[str]:
    """n1 offers DHCP on physnet1 while this module lasts; the netdev of the VF that it does so by."""
    host = cloud.lab[SERVING]
    before = host.read_file(AGENT_FILE).decode()
    name = host.sh(f"ls /sys/bus/pci/devices/{DHCP_VF}/net").strip()
    cloud.powers[SERVING] = DHCP_POWERS
    restart(cloud, before.replace("\n[agent.bridge_mappings]", _SETTINGS.format(netdev=name), 1))
    yield name
    restart(cloud, before)
    cloud.wait(lambda: not host.sh(f"ls {FOLDER}").strip(), READY_LIMIT_S, "no DHCP is served any more")
    cloud.powers.clear()
    restart(cloud, before)


def restart(cloud: LabCloud, agent_toml: str) -> None:
    cloud.kill_agent(SERVING)
    cloud.lab[SERVING].put_file(AGENT_FILE, agent_toml)
    cloud.start_agent(SERVING)


@pytest.fixture(scope="module")
def server_port(cloud: LabCloud, netdev: str, nets: Nets) -> dict[str, Any]:  # noqa: ARG001 - n1 offers DHCP then
    """The ACTIVE port of the DHCP server of the blue network."""
    cloud.wait(
        lambda: [one["status"] for one in dhcp_ports(cloud, nets.blue)] == ["ACTIVE"], BOOT_LIMIT_S, "DHCP is ACTIVE"
    )
    return dhcp_ports(cloud, nets.blue)[0]


def dhcp_ports(cloud: LabCloud, network_id: str) -> list[dict[str, Any]]:
    path = f"/network/v2.0/ports?network_id={network_id}&device_owner=network:dhcp"
    found: list[dict[str, Any]] = cloud.client.want(200, "GET", path)["ports"]
    return found


def inside(cloud: LabCloud, network_id: str, command: str) -> str:
    """A program's output in the network namespace of a network's DHCP server."""
    name = f"mooring-dhcp-{network_id.replace('-', '')[:11]}"
    return cloud.lab[SERVING].sh(f"ip netns exec {name} {command}")


def test_a_vlan_of_the_vf_has_the_servers_mac_and_address(
    cloud: LabCloud, nets: Nets, netdev: str, server_port: dict[str, Any]
) -> None:
    assert server_port["binding:host_id"] == SERVING
    (link,) = [one for one in json.loads(inside(cloud, nets.blue, "ip -d -j address")) if one["ifname"] != "lo"]
    assert link["linkinfo"]["info_data"]["id"] == 100
    assert link["address"] == server_port["mac_address"]
    shown = cloud.lab[SERVING].sh(f"cat /sys/class/net/{netdev}/address").strip()
    assert link["address"] == shown
    addresses = {one["local"] for one in link["addr_info"]}
    assert {one["ip_address"] for one in server_port["fixed_ips"]} <= addresses


def test_the_vf_that_serves_is_held_back_from_servers_and_says_why(
    cloud: LabCloud,
    netdev: str,
    server_port: dict[str, Any],  # noqa: ARG001 - it serves by then
) -> None:
    (vf,) = cloud.devices(SERVING, address=DHCP_VF)
    assert not vf["is_offered"]
    assert f"{netdev} is used by DHCP of physnet1" in vf["reason"]


@pytest.fixture(scope="module")
def guest(cloud: LabCloud, flavor: str, nets: Nets, server_port: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A server on n0 that asks for its address, and its port."""
    port = cloud.make_port(nets.blue, ip="10.1.0.61")
    pings = [server_port["fixed_ips"][0]["ip_address"]]
    cloud.lab.physnet1.clear()
    server = cloud.boot("leased", SERVED, flavor, [port], pings=pings, dhcp="yes")
    cloud.wait_active(server)
    return server, port


def test_a_guest_gets_its_address_over_the_vfs_vlan(cloud: LabCloud, guest: tuple[str, dict[str, Any]]) -> None:
    server, port = guest
    cloud.wait_said(SERVED, server, "guest: dhcp eth0 10.1.0.61/24 router 10.1.0.1 mtu 1500")
    cloud.wait_said(SERVED, server, " ok\n")
    assert "guest: nic eth0 " + port["mac_address"] + " igbvf -" in cloud.console(SERVED, server)
    assert cloud.lab.physnet1.vlans(str(port["mac_address"])) == {100}


def test_an_agent_that_starts_anew_goes_on_with_the_servers_that_run(
    cloud: LabCloud,
    nets: Nets,
    guest: tuple[str, dict[str, Any]],  # noqa: ARG001 - after the guest was served
) -> None:
    host = cloud.lab[SERVING]
    before = host.sh(f"cat {FOLDER}/{nets.blue}/pid")
    cloud.kill_agent(SERVING)
    cloud.start_agent(SERVING)
    cloud.wait(lambda: cloud.rig.alive(SERVING), READY_LIMIT_S, "the agent is back")
    cloud.wait(lambda: dhcp_ports(cloud, nets.blue)[0]["status"] == "ACTIVE", READY_LIMIT_S, "DHCP is ACTIVE")
    assert host.sh(f"cat {FOLDER}/{nets.blue}/pid") == before


def vf_of(cloud: LabCloud, port_id: str) -> dict[str, Any]:
    """What the host's own ``ip`` shows of a port's VF."""
    host = cloud.lab[SERVED]
    (link,) = json.loads(host.sh(f"ip -d -j link show {host.netdev('pf0')}"))
    index = cloud.vf_index(SERVED, port_id)
    return next(dict(vf) for vf in link["vfinfo_list"] if vf["vf"] == index)


def set_port(cloud: LabCloud, port_id: str, **changes: object) -> None:
    cloud.client.want(200, "PUT", f"/network/v2.0/ports/{port_id}", {"port": changes})


def status(cloud: LabCloud, port_id: str) -> str:
    return str(cloud.port(port_id)["status"])


def test_trust_spoof_check_and_qos_rate_reach_the_card_under_the_running_guest(
    cloud: LabCloud, guest: tuple[str, dict[str, Any]]
) -> None:
    port_id = guest[1]["id"]
    policy = cloud.client.want(201, "POST", "/network/v2.0/qos/policies", {"policy": {"name": "slow"}})["policy"]["id"]
    rules = f"/network/v2.0/qos/policies/{policy}/bandwidth_limit_rules"
    wish = {"bandwidth_limit_rule": {"max_kbps": 50_000, "direction": "egress"}}
    rule = cloud.client.want(201, "POST", rules, wish)["bandwidth_limit_rule"]["id"]
    set_port(cloud, port_id, trusted=True, port_security_enabled=False, qos_policy_id=policy)
    cloud.wait(lambda: vf_of(cloud, port_id)["trust"], READY_LIMIT_S, "trust is on")
    cloud.wait(lambda: vf_of(cloud, port_id)["rate"]["max_tx"] == 50, READY_LIMIT_S, "50 Mbit/s are on the card")
    assert vf_of(cloud, port_id)["spoofchk"] is False
    wish = {"bandwidth_limit_rule": {"max_kbps": 80_000}}
    cloud.client.want(200, "PUT", f"{rules}/{rule}", wish)
    cloud.wait(lambda: vf_of(cloud, port_id)["rate"]["max_tx"] == 80, READY_LIMIT_S, "80 Mbit/s are on the card")
    set_port(cloud, port_id, trusted=False, port_security_enabled=True, qos_policy_id=None)
    cloud.wait(lambda: vf_of(cloud, port_id)["rate"]["max_tx"] == 0, READY_LIMIT_S, "no rate is on the card")
    cloud.wait(lambda: status(cloud, port_id) == "ACTIVE", READY_LIMIT_S, "the port is ACTIVE")
    cloud.client.want(204, "DELETE", f"/network/v2.0/qos/policies/{policy}")


def test_admin_down_is_asked_of_the_card_which_says_that_it_cannot(
    cloud: LabCloud, guest: tuple[str, dict[str, Any]]
) -> None:
    """The 82576 has no link state of a VF; one that has it is netdevsim's, in test_contracts."""
    server, port = guest
    set_port(cloud, port["id"], admin_state_up=False)
    cloud.wait(lambda: status(cloud, port["id"]) == "ERROR", READY_LIMIT_S, "the port is in ERROR")
    assert "link_state" in str(cloud.port(port["id"])["mooring:fault"])
    set_port(cloud, port["id"], admin_state_up=True)
    cloud.wait(lambda: status(cloud, port["id"]) == "ACTIVE", READY_LIMIT_S, "the port is ACTIVE again")
    assert (cloud.server(server) or {})["status"] == "ACTIVE"


def test_a_new_mac_of_a_running_servers_port_is_on_the_card_and_dhcp_knows_it(
    cloud: LabCloud, nets: Nets, guest: tuple[str, dict[str, Any]]
) -> None:
    server, port = guest
    domain = f"mooring-{server}"
    before = cloud.lab[SERVED].sh(f"virsh domid {domain}")
    set_port(cloud, port["id"], mac_address=NEW_MAC)
    cloud.wait(lambda: vf_of(cloud, port["id"])["address"] == NEW_MAC, READY_LIMIT_S, "the card has the new MAC")
    cloud.wait(lambda: status(cloud, port["id"]) == "ACTIVE", READY_LIMIT_S, "the port is ACTIVE")
    assert cloud.lab[SERVED].sh(f"virsh domid {domain}") == before
    assert "guest: nic eth0 gone" not in cloud.console(SERVED, server)
    hosts = f"cat {FOLDER}/{nets.blue}/hosts"
    cloud.wait(lambda: NEW_MAC in cloud.lab[SERVING].sh(hosts), READY_LIMIT_S, "DHCP has the new MAC")


def test_dnsmasq_on_vlans_keeps_the_contract_of_the_simulated_servers(cloud: LabCloud) -> None:
    host = cloud.lab[SERVED]
    host.sh("ip link add dhcp-near type veth peer name dhcp-far; ip link set dhcp-far up; ip link set dhcp-near up")
    assert json.loads(host.run(["python3", "-c", _CONTRACT], limit_s=READY_LIMIT_S).out) == {}
    host.sh("ip link del dhcp-near")
