"""Addresses and CIDRs of subnets that can never be right: named, with the value, and nothing changes."""

from typing import Any

import pytest

from tests.api.network.neutron import BASE, Neutron


@pytest.fixture(scope="module")
def network(quiet: Neutron) -> dict[str, Any]:
    return quiet.network()


@pytest.mark.parametrize(
    ("attributes", "status", "word"),
    [
        ({"cidr": ""}, 400, "CIDR"),
        ({"cidr": "10.0.0.0"}, 400, "10.0.0.0"),
        ({"cidr": "10.0.0.0/-1"}, 400, "10.0.0.0/-1"),
        ({"cidr": "10.0.0.0/24\n"}, 400, "10.0.0.0/24"),
        ({"cidr": " 10.0.0.0/24"}, 400, "10.0.0.0/24"),
        ({"cidr": "10.0.0.0/255.255.255.0"}, 400, "255.255.255.0"),
        ({"cidr": "010.0.0.0/8"}, 400, "010.0.0.0/8"),
        ({"cidr": "0x0a000000/8"}, 400, "0x0a000000/8"),
        ({"cidr": "167772160/8"}, 400, "167772160/8"),
        ({"cidr": "0.0.0.0/0"}, 400, "0 is not allowed as CIDR prefix length"),
        ({"cidr": "0.0.0.0/8"}, 400, "First IP"),
        ({"cidr": "127.0.0.0/8"}, 400, "Loopback"),
        ({"cidr": "224.0.0.0/24"}, 400, "Multicast"),
        ({"cidr": "10.0.0.0/31"}, 400, "prefix length that is incompatible with DHCP"),
        ({"cidr": "10.0.0.0/" + "9" * 60}, 400, "cidr"),
        ({"cidr": "\uff11\uff10.0.0.0/8"}, 400, "CIDR"),
        ({"cidr": "fe80::%eth0/64", "ip_version": 6}, 400, "fe80::%eth0/64"),
        ({"cidr": "::ffff:10.0.0.0/120", "ip_version": 6}, 400, "::ffff:10.0.0.0/120"),
        ({"cidr": "2001:db8::/127", "ip_version": 6}, 400, "prefix length"),
        ({"cidr": "2001:db8::/48", "ip_version": 6, "ipv6_address_mode": "slaac"}, 400, "/64"),
        ({"cidr": "2001:db8::/64", "ip_version": 6, "ipv6_address_mode": "fast"}, 400, "fast"),
        ({"gateway_ip": ""}, 400, "gateway_ip"),
        ({"gateway_ip": "10.0.0.1/24"}, 400, "10.0.0.1/24"),
        ({"gateway_ip": "10.0.0.1\n"}, 400, "gateway_ip"),
        ({"gateway_ip": 167772161}, 400, "gateway_ip"),
        ({"gateway_ip": "10.0.0.0"}, 400, "Gateway is not valid on subnet"),
        ({"gateway_ip": "10.0.0.255"}, 400, "Gateway is not valid on subnet"),
        ({"gateway_ip": ["10.0.0.1"]}, 400, "gateway_ip"),
        ({"allocation_pools": [{"start": "10.0.0.9", "end": "10.0.0.2"}]}, 400, "10.0.0.9"),
        ({"allocation_pools": [{"start": "::1", "end": "::2"}]}, 400, "::1"),
        ({"allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.9"}] * 2}, 409, "overlapping"),
        ({"allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.3"}] * 101}, 400, "101"),
        ({"allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.3"}] * 1025}, 400, "1025"),
        ({"allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.3", "x": 1}]}, 400, "allocation_pools"),
        ({"allocation_pools": {"start": "10.0.0.2", "end": "10.0.0.3"}}, 400, "allocation_pools"),
        ({"dns_nameservers": ["10.0.0.1", "10.0.0.1"]}, 400, "10.0.0.1"),
        ({"dns_nameservers": "10.0.0.1"}, 400, "dns_nameservers"),
        ({"dns_nameservers": ["1.2.3.4\nserver=x"]}, 400, "dns_nameservers"),
        ({"dns_nameservers": [None]}, 400, "dns_nameservers"),
        ({"host_routes": [{"destination": "10.0.0.0/8\n", "nexthop": "10.0.0.1"}]}, 400, "host_routes"),
        ({"host_routes": [{"destination": "10.0.0.0/8", "nexthop": "10.0.0.1,x"}]}, 400, "host_routes"),
        ({"host_routes": [{"destination": "10.0.0.0/8"}]}, 400, "host_routes"),
        ({"host_routes": [{"destination": "10.1.0.0/16", "nexthop": "10.0.0.1"}] * 2}, 400, "host_routes"),
        ({"host_routes": [{"destination": f"10.{n}.0.0/16", "nexthop": "10.0.0.1"} for n in range(21)]}, 400, "21"),
        ({"service_types": "compute:nova"}, 400, "service_types"),
        ({"service_types": ["compute nova"]}, 400, "service_types"),
        ({"service_types": ["compute:nova\n"]}, 400, "service_types"),
        ({"enable_dhcp": "perhaps"}, 400, "'perhaps'"),
        ({"ip_version": "four"}, 400, "'four'"),
        ({"ip_version": 4.0}, 400, "'4.0'"),
        ({"network_id": "{00000000-0000-0000-0000-000000000000}"}, 400, "network_id"),
        ({"network_id": "urn:uuid:00000000-0000-0000-0000-000000000000"}, 400, "network_id"),
        ({"network_id": "00000000000000000000000000000000"}, 400, "network_id"),
        ({"network_id": None}, 400, "network_id"),
        ({"use_default_subnetpool": "x"}, 400, "'x'"),
        ({"subnetpool_id": 5, "cidr": None}, 400, "subnetpool_id"),
        ({"id": "x"}, 400, "'id' not allowed in POST"),
        ({"shared": True}, 400, "'shared' not allowed in POST"),
    ],
)
def test_subnet_that_cannot_be_is_refused_with_the_value(
    quiet: Neutron, network: dict[str, Any], attributes: dict[str, object], status: int, word: str
) -> None:
    usual = {"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24"}
    before = quiet.dump()
    answer = quiet.member.post(f"{BASE}/subnets", {"subnet": {**usual, **attributes}})
    assert answer.status == status, answer.body
    said = answer.body["NeutronError"]
    assert word in f"{said['message']} {said['detail']}"
    assert quiet.dump() == before


def test_host_bits_are_dropped_and_addresses_are_shown_as_everybody_writes_them(quiet: Neutron) -> None:
    network = quiet.network()
    made = quiet.subnet(network, "10.0.0.77/24", gateway_ip="10.0.0.1")
    assert made["cidr"] == "10.0.0.0/24"
    six = quiet.subnet(network, "2001:0DB8:0:0::1/64", gateway_ip="2001:DB8:0:0:0:0:0:FE")
    assert (six["cidr"], six["gateway_ip"]) == ("2001:db8::/64", "2001:db8::fe")
