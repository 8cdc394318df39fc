"""How many addresses there are and how many are taken, in numbers of any size."""

from tests.api.network.neutron import BASE, ZERO, Neutron

PATH = f"{BASE}/network-ip-availabilities"
PLURAL = "network_ip_availabilities"


def test_addresses_are_counted_in_pools_and_beside_them(neutron: Neutron) -> None:
    network = neutron.network(name="n")
    small = neutron.subnet(
        network, "192.0.2.0/28", allocation_pools=[{"start": "192.0.2.2", "end": "192.0.2.6"}], gateway_ip=None
    )
    neutron.port(network)
    neutron.port(network, fixed_ips=[{"ip_address": "192.0.2.9"}])
    shown = neutron.admin.get(f"{PATH}/{network['id']}").body["network_ip_availability"]
    assert (shown["network_name"], shown["project_id"], shown["tenant_id"]) == ("n", *[network["project_id"]] * 2)
    (counted,) = shown["subnet_ip_availability"]
    assert (counted["subnet_id"], counted["cidr"], counted["ip_version"]) == (small["id"], "192.0.2.0/28", 4)
    for each in (shown, counted):
        assert (each["total_ips"], each["used_ips"]) == (5, 2)
        assert each["ip_availability_details"] == {
            "total_ips_in_subnet": 14, "total_ips_in_allocation_pool": 5, "used_ips_in_subnet": 2,
            "used_ips_in_allocation_pool": 1,
        }  # fmt: skip


def test_numbers_of_ipv6_are_whole(neutron: Neutron) -> None:
    network = neutron.network()
    neutron.subnet(network, "2001:db8::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    neutron.subnet(network, "2001:db8:1::/48", enable_dhcp=False)
    neutron.port(network)
    shown = neutron.admin.get(f"{PATH}/{network['id']}").body["network_ip_availability"]
    assert shown["total_ips"] == 2**64 - 1 + 2**80 - 1
    assert (shown["used_ips"], shown["ip_availability_details"]["used_ips_in_allocation_pool"]) == (2, 2)
    assert shown["ip_availability_details"]["total_ips_in_subnet"] == 2**64 + 2**80


def test_list_is_filtered_paged_and_cut(neutron: Neutron) -> None:
    both, only6, bare = neutron.network(name="both"), neutron.network(name="six"), neutron.network(name="bare")
    for network, cidr in ((both, "192.0.2.0/24"), (both, "2001:db8::/64"), (only6, "2001:db8::/64")):
        neutron.subnet(network, cidr)

    def names(query: str) -> list[str]:
        return sorted(row["network_name"] for row in neutron.admin.get(f"{PATH}?{query}").body[PLURAL])

    assert names("") == ["bare", "both", "six"]
    assert names("ip_version=4") == ["both"]
    assert names("ip_version=6") == ["both", "six"]
    assert names(f"network_id={bare['id']}") == ["bare"]
    assert names("network_name=six") == ["six"]
    assert names("project_id=x") == []
    (row,) = neutron.admin.get(f"{PATH}?ip_version=4").body[PLURAL]
    assert [each["ip_version"] for each in row["subnet_ip_availability"]] == [4]
    page = neutron.admin.get(f"{PATH}?limit=2&fields=network_id").body
    assert [*map(list, page[PLURAL])] == [["network_id"]] * 2
    assert {link["rel"] for link in page[f"{PLURAL}_links"]} == {"next", "previous"}


def test_counts_are_told_to_admins_and_services_only(neutron: Neutron) -> None:
    network = neutron.network()
    assert neutron.member.get(PATH).body == {PLURAL: []}
    assert neutron.member.get(f"{PATH}/{network['id']}").status == 404
    assert neutron.service.get(f"{PATH}/{network['id']}").status == 200
    assert neutron.admin.get(f"{PATH}/{ZERO}").status == 404
    for query in ("bogus=1", "ip_version=x", "sort_key=total_ips&sort_dir=asc"):
        assert neutron.admin.get(f"{PATH}?{query}").status == 400
