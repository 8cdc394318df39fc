"""Networks: which segment they get, what may change while something depends on it, and what goes with them."""

from typing import Any

import pytest

from tests.api.network.neutron import BASE, Neutron

VLAN = "provider:segmentation_id"


def test_networks_without_a_wish_get_the_free_vlans_of_the_ranges(neutron: Neutron) -> None:
    made = [neutron.network() for _ in range(40)]
    got = [neutron.show("network", network["id"]) for network in made]
    placed = [(shown["provider:physical_network"], shown[VLAN]) for shown in got]
    assert placed == [*(("physnet1", n) for n in range(500, 520)), *(("physnet2", n) for n in range(2500, 2520))]
    answer = neutron.member.post(f"{BASE}/networks", {"network": {}})
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "NoNetworkAvailable")
    neutron.member.delete(f"{BASE}/networks/{made[7]['id']}")
    assert neutron.show("network", neutron.network()["id"])[VLAN] == 507


def test_admin_may_leave_the_vlan_open(neutron: Neutron) -> None:
    provider: dict[str, Any] = {"provider:network_type": "vlan", "provider:physical_network": "physnet2"}
    assert neutron.network(neutron.admin, **provider)[VLAN] == 2500


def test_flat_and_vlan_networks_share_a_physical_network(neutron: Neutron) -> None:
    flat = {"provider:network_type": "flat", "provider:physical_network": "physnet1"}
    assert neutron.network(neutron.admin, **flat)[VLAN] is None
    assert neutron.vlan_network(7)[VLAN] == 7


def test_segments_are_shown_in_the_order_of_the_request(neutron: Neutron) -> None:
    segments = [
        {"provider:network_type": "vlan", "provider:physical_network": physnet, VLAN: vlan}
        for physnet, vlan in (("physnet2", 9), ("physnet1", 8), ("physnet2", 7), ("physnet1", 6))
    ]
    network = neutron.network(neutron.admin, segments=segments)
    assert network["segments"] == segments
    assert neutron.show("network", network["id"])["segments"] == segments
    assert "provider:network_type" not in network


def test_half_a_multi_segment_network_is_not_made(neutron: Neutron) -> None:
    neutron.vlan_network(8)
    before = neutron.dump()
    segments = [
        {"provider:network_type": "vlan", "provider:physical_network": "physnet1", VLAN: vlan} for vlan in (6, 8)
    ]
    answer = neutron.admin.post(f"{BASE}/networks", {"network": {"segments": segments}})
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "VlanIdInUse")
    assert neutron.dump() == before


def test_vlan_moves_only_while_no_port_is_bound(neutron: Neutron) -> None:
    network = neutron.vlan_network(10)
    port = neutron.port(network, neutron.nova, **{"binding:vnic_type": "direct", "binding:host_id": "cn1"})
    answer = neutron.change("network", network["id"], neutron.admin, **{VLAN: 11})
    assert answer.status == 409
    assert port["id"] in answer.body["NeutronError"]["message"]
    neutron.change("port", port["id"], neutron.nova, **{"binding:host_id": ""})
    assert neutron.change("network", network["id"], neutron.admin, **{VLAN: 11}).body["network"][VLAN] == 11
    neutron.vlan_network(10)
    assert neutron.change("network", network["id"], neutron.admin, **{VLAN: 10}).status == 409


@pytest.mark.parametrize(("mtu", "shown"), [(0, 1500), (68, 68), (9216, 9216), ("1400", 1400)])
def test_mtu(neutron: Neutron, mtu: object, shown: int) -> None:
    assert neutron.network(mtu=mtu)["mtu"] == shown


@pytest.mark.parametrize(("cidr", "least"), [("192.0.2.0/24", 68), ("2001:db8::/64", 1280)])
def test_mtu_is_never_below_what_the_subnets_need(neutron: Neutron, cidr: str, least: int) -> None:
    small, enough = neutron.network(mtu=least - 1), neutron.network(mtu=least)
    body = {"network_id": small["id"], "ip_version": 6 if ":" in cidr else 4, "cidr": cidr}
    answer = neutron.member.post(f"{BASE}/subnets", {"subnet": body})
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "NetworkMTUSubnetConflict")
    neutron.subnet(enough, cidr)
    assert neutron.change("network", enough["id"], mtu=least - 1).status == 409


def test_default_vnic_type_is_shown_when_it_is_set(neutron: Neutron) -> None:
    name = "mooring:default_vnic_type"
    wanted: dict[str, Any] = {name: "direct"}
    network = neutron.network(**wanted)
    assert network[name] == "direct"
    assert name not in neutron.change("network", network["id"], **{name: None}).body["network"]


def test_network_takes_its_subnets_with_it(neutron: Neutron) -> None:
    network = neutron.network()
    subnet = neutron.subnet(network)
    assert neutron.member.delete(f"{BASE}/networks/{network['id']}").status == 204
    assert neutron.member.get(f"{BASE}/subnets/{subnet['id']}").status == 404


def test_network_is_not_taken_back_from_those_who_use_it(neutron: Neutron) -> None:
    network = neutron.vlan_network(shared=True)
    port = neutron.port(network, neutron.other)
    answer = neutron.change("network", network["id"], neutron.admin, shared=False)
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "InvalidSharedSetting")
    neutron.other.delete(f"{BASE}/ports/{port['id']}")
    assert neutron.change("network", network["id"], neutron.admin, shared=False).status == 200


def test_put_on_the_collection_finds_nothing(neutron: Neutron) -> None:
    answer = neutron.member.put(f"{BASE}/networks", {"network": {}})
    assert (answer.status, answer.body["NeutronError"]["message"]) == (404, "Network None could not be found.")
