"""DHCP servers as the API shows them: their ports, their agents, and what becomes of both."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mooring.api.agent.dhcp import DhcpKeeper
from mooring.model.host import DhcpInterface
from mooring.store.hosts import HOSTS
from tests.api.network.books import unbalanced
from tests.api.network.neutron import BASE, Neutron, neutron_at

MACS = {"cn1": "52:54:00:00:01:01", "cn2": "52:54:00:00:02:01"}


def offer(neutron: Neutron, *hosts: str, reason: str = "") -> None:
    """These hosts offer DHCP on physnet1, or say why not."""
    store = neutron.nobody.controller.store
    for name in hosts:
        told = (DhcpInterface("physnet1", "ens1v0", MACS[name], reason),)
        host = store.read_now(lambda tx, name=name: HOSTS.get(tx, name))  # type: ignore[misc]  # a default of a lambda
        assert host is not None
        changed = replace(host, dhcp_interfaces=told)
        store.write_now(lambda tx, changed=changed: HOSTS.update(tx, changed))  # type: ignore[misc]  # the same


def look(neutron: Neutron) -> None:
    """What the controller does every other second."""
    asyncio.run(DhcpKeeper(neutron.nobody.controller).look())


def servers(neutron: Neutron, network: dict[str, Any]) -> list[dict[str, Any]]:
    answer = neutron.admin.get(f"{BASE}/ports?network_id={network['id']}&device_owner=network:dhcp")
    assert answer.status == 200
    found: list[dict[str, Any]] = answer.body["ports"]
    return sorted(found, key=lambda port: str(port["binding:host_id"]))


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Neutron]:
    """Each network is served by two hosts."""
    with neutron_at(tmp_path, dhcp_hosts_per_network=2) as made:
        yield made
        assert not made.nobody.controller.store.read_now(unbalanced)


def test_without_a_host_that_offers_dhcp_there_is_no_port(neutron: Neutron) -> None:
    network = neutron.vlan_network()
    subnet = neutron.subnet(network)
    offer(neutron, "cn1", reason="dnsmasq is not installed")
    neutron.change("subnet", subnet["id"], name="again")
    assert servers(neutron, network) == []


def test_the_port_of_a_dhcp_server_is_its_networks_projects_and_shows_where_it_is(neutron: Neutron) -> None:
    offer(neutron, "cn1")
    network = neutron.vlan_network()
    subnet = neutron.subnet(network)
    (port,) = servers(neutron, network)
    assert port["project_id"] == network["project_id"]
    assert (port["mac_address"], port["status"], port["name"]) == (MACS["cn1"], "DOWN", "")
    assert port["device_id"] == f"dhcp-cn1-{network['id']}"
    assert (port["binding:vif_type"], port["binding:host_id"]) == ("other", "cn1")
    assert [fixed["subnet_id"] for fixed in port["fixed_ips"]] == [subnet["id"]]
    assert neutron.show("port", port["id"], neutron.member)["device_owner"] == "network:dhcp"


@pytest.mark.parametrize(("physnet", "is_up"), [("physnet1", False), ("physnet2", True)])
def test_a_network_that_no_host_should_or_can_serve_has_none(neutron: Neutron, physnet: str, is_up: bool) -> None:
    offer(neutron, "cn1")
    network = neutron.vlan_network(100, physnet, admin_state_up=is_up)
    neutron.subnet(network)
    assert servers(neutron, network) == []


def test_two_hosts_serve_each_network_with_addresses_of_their_own(two: Neutron) -> None:
    offer(two, "cn1", "cn2")
    network = two.vlan_network()
    two.subnet(network)
    ports = servers(two, network)
    assert [port["binding:host_id"] for port in ports] == ["cn1", "cn2"]
    assert len({port["fixed_ips"][0]["ip_address"] for port in ports}) == 2


def test_a_host_that_offers_dhcp_later_gets_the_networks_that_are_there(two: Neutron) -> None:
    network = two.vlan_network()
    two.subnet(network)
    for hosts in (["cn1"], ["cn1", "cn2"]):
        offer(two, *hosts)
        look(two)
        assert [port["binding:host_id"] for port in servers(two, network)] == hosts
    offer(two, "cn1", reason="ens1v0 is not there")
    look(two)
    assert [port["binding:host_id"] for port in servers(two, network)] == ["cn2"]


def test_hosts_that_went_silent_are_noticed_once_they_count_as_dead(neutron: Neutron) -> None:
    offer(neutron, "cn1", "cn2")
    network = neutron.vlan_network()
    neutron.subnet(network)
    keeper = DhcpKeeper(neutron.nobody.controller)
    asyncio.run(keeper.look())
    (before,) = servers(neutron, network)
    neutron.clock.advance(neutron.world.config.agent_down_s - 1)
    neutron.world.heartbeats.hear("cn2")
    asyncio.run(keeper.look())
    assert servers(neutron, network) == [before]
    neutron.clock.advance(2)
    asyncio.run(keeper.look())
    (after,) = servers(neutron, network)
    assert (before["binding:host_id"], after["binding:host_id"]) == ("cn1", "cn2")
    assert (after["id"], after["fixed_ips"]) == (before["id"], before["fixed_ips"])


def test_networks_and_subnets_go_with_the_ports_of_dhcp_servers_and_with_no_others(neutron: Neutron) -> None:
    offer(neutron, "cn1")
    network = neutron.vlan_network()
    subnet = neutron.subnet(network)
    port = neutron.port(network)
    assert neutron.admin.delete(f"{BASE}/networks/{network['id']}").status == 409
    assert len(servers(neutron, network)) == 1
    neutron.admin.delete(f"{BASE}/ports/{port['id']}")
    other = neutron.subnet(network, "198.51.100.0/24")
    assert neutron.admin.delete(f"{BASE}/subnets/{subnet['id']}").status == 204
    assert [fixed["subnet_id"] for fixed in servers(neutron, network)[0]["fixed_ips"]] == [other["id"]]
    assert neutron.admin.delete(f"{BASE}/networks/{network['id']}").status == 204
    assert neutron.events().count("port.deleted") == 2


def test_a_dhcp_port_that_somebody_deletes_is_made_anew(neutron: Neutron) -> None:
    offer(neutron, "cn1")
    network = neutron.vlan_network()
    neutron.subnet(network)
    (before,) = servers(neutron, network)
    assert neutron.admin.delete(f"{BASE}/ports/{before['id']}").status == 204
    (after,) = servers(neutron, network)
    assert after["id"] != before["id"]


def test_a_port_that_merely_says_that_it_is_a_dhcp_servers_is_none(neutron: Neutron) -> None:
    offer(neutron, "cn1")
    network = neutron.vlan_network()
    neutron.subnet(network)
    neutron.port(network, device_owner="network:dhcp", device_id=f"dhcp-cn1-{network['id']}")
    assert sorted(port["binding:host_id"] for port in servers(neutron, network)) == ["", "cn1"]
    assert neutron.admin.delete(f"{BASE}/networks/{network['id']}").status == 204


def test_the_mac_of_the_hosts_netdev_may_be_taken_already(neutron: Neutron) -> None:
    network = neutron.vlan_network()
    neutron.port(network, neutron.admin, mac_address=MACS["cn1"])
    offer(neutron, "cn1")
    neutron.subnet(network)
    (port,) = servers(neutron, network)
    assert port["mac_address"].startswith("fa:16:3e:")


def test_a_change_of_a_port_wakes_the_dhcp_host_once_a_story(neutron: Neutron) -> None:
    offer(neutron, "cn1")
    network = neutron.vlan_network()
    neutron.subnet(network)
    before = neutron.events().count("dhcp.changed")
    ports = [{"network_id": network["id"]} for _ in range(3)]
    assert neutron.member.post(f"{BASE}/ports", {"ports": ports}).status == 201
    assert neutron.events().count("dhcp.changed") == before + 1


def test_a_host_that_serves_dhcp_has_a_dhcp_agent_that_counts_its_networks(neutron: Neutron) -> None:
    offer(neutron, "cn1")
    for vlan_id in (100, 101):
        neutron.subnet(neutron.vlan_network(vlan_id))
    answer = neutron.admin.get(f"{BASE}/agents?agent_type=DHCP%20agent")
    (agent,) = answer.body["agents"]
    assert (agent["host"], agent["alive"], agent["configurations"]["networks"]) == ("cn1", True, 2)
