"""Subnets: pools that change under ports, gateways, and the revision of their network."""

from typing import Any

import pytest

from tests.api.network.neutron import BASE, Neutron


def pool(first: int, last: int) -> dict[str, str]:
    return {"start": f"192.0.2.{first}", "end": f"192.0.2.{last}"}


def lowest(neutron: Neutron, network: dict[str, object]) -> str:
    return str(neutron.port(network)["fixed_ips"][0]["ip_address"])


def test_new_pools_leave_out_what_ports_have(neutron: Neutron) -> None:
    network = neutron.network()
    subnet = neutron.subnet(network)
    neutron.port(network, fixed_ips=[{"ip_address": "192.0.2.20"}])
    answer = neutron.change("subnet", subnet["id"], allocation_pools=[pool(20, 21), pool(30, 30)])
    assert answer.body["subnet"]["allocation_pools"] == [pool(20, 21), pool(30, 30)]
    assert [lowest(neutron, network) for _ in range(2)] == ["192.0.2.21", "192.0.2.30"]


def test_empty_pools_give_nothing(neutron: Neutron) -> None:
    network = neutron.network()
    neutron.subnet(network, allocation_pools=[])
    answer = neutron.member.post(f"{BASE}/ports", {"port": {"network_id": network["id"]}})
    assert answer.body["NeutronError"]["type"] == "IpAddressGenerationFailure"


def test_address_given_back_outside_of_the_new_pools_stays_out(neutron: Neutron) -> None:
    network = neutron.network()
    subnet = neutron.subnet(network)
    port = neutron.port(network)
    neutron.change("subnet", subnet["id"], allocation_pools=[pool(100, 100)])
    neutron.member.delete(f"{BASE}/ports/{port['id']}")
    assert lowest(neutron, network) == "192.0.2.100"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"gateway_ip": "192.0.2.50"}, 409, "GatewayConflictWithAllocationPools"),
        ({"gateway_ip": "192.0.2.200"}, 409, "IpAddressInUse"),
        ({"gateway_ip": "192.0.2.0"}, 400, "InvalidInput"),
        ({"allocation_pools": [pool(1, 50)]}, 409, "GatewayConflictWithAllocationPools"),
        ({"allocation_pools": [pool(2, 50), pool(50, 60)]}, 409, "OverlappingAllocationPools"),
        ({"enable_dhcp": "never"}, 400, "InvalidInput"),
    ],
)
def test_update_that_contradicts_the_subnet_is_refused(
    neutron: Neutron, changes: dict[str, Any], status: int, code: str
) -> None:
    network = neutron.network()
    subnet = neutron.subnet(network, allocation_pools=[pool(10, 100)])
    neutron.port(network, fixed_ips=[{"ip_address": "192.0.2.200"}])
    answer = neutron.change("subnet", subnet["id"], **changes)
    assert (answer.status, answer.body["NeutronError"]["type"]) == (status, code)


def test_gateway_can_go_and_come(neutron: Neutron) -> None:
    subnet = neutron.subnet(neutron.network(), allocation_pools=[pool(10, 100)])
    assert neutron.change("subnet", subnet["id"], gateway_ip=None).body["subnet"]["gateway_ip"] is None
    assert neutron.change("subnet", subnet["id"], gateway_ip="192.0.2.9").body["subnet"]["gateway_ip"] == "192.0.2.9"


def test_network_has_a_new_revision_when_a_subnet_comes_and_goes(neutron: Neutron) -> None:
    network = neutron.network()
    revisions = [network["revision_number"]]
    subnet = neutron.subnet(network)
    revisions.append(neutron.show("network", network["id"])["revision_number"])
    neutron.member.delete(f"{BASE}/subnets/{subnet['id']}")
    revisions.append(neutron.show("network", network["id"])["revision_number"])
    assert revisions == [1, 2, 3]


def test_subnet_shows_what_its_network_is(neutron: Neutron) -> None:
    network = neutron.vlan_network()
    subnet = neutron.subnet(network)
    assert neutron.ids("subnets?shared=true", neutron.admin) == []
    neutron.change("network", network["id"], neutron.admin, **{"shared": True, "router:external": True})
    assert neutron.ids("subnets?shared=true&router:external=true", neutron.other) == [subnet["id"]]
    assert neutron.show("subnet", subnet["id"], neutron.other)["router:external"] is True
    later = neutron.subnet(network, "198.51.100.0/24")
    assert neutron.ids("subnets?shared=1", neutron.other) == sorted([subnet["id"], later["id"]])


def test_routes_and_nameservers_are_kept_in_their_order(neutron: Neutron) -> None:
    routes = [{"destination": f"198.51.{n}.0/24", "nexthop": "192.0.2.9"} for n in (9, 3)]
    servers = ["192.0.2.53", "2001:db8::53", "192.0.2.3"]
    subnet = neutron.subnet(neutron.network(), host_routes=routes, dns_nameservers=servers)
    assert (subnet["host_routes"], subnet["dns_nameservers"]) == (routes, servers)
    changed = neutron.change("subnet", subnet["id"], host_routes=None, dns_nameservers=None).body["subnet"]
    assert (changed["host_routes"], changed["dns_nameservers"]) == ([], [])
