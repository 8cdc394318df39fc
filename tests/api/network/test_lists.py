"""Lists: every filter finds what it says and no more, and pages put together are the list."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.network.neutron import BASE, Neutron


class Shelf:
    """Networks, subnets and ports with many equal values, so that order has to be decided by the id."""

    def __init__(self, neutron: Neutron):
        self.neutron = neutron
        self.networks = [
            neutron.vlan_network(200 + n, name=f"net{n % 2}", mtu=1400 + n % 3, admin_state_up=n % 2 == 0)
            for n in range(5)
        ]
        self.subnets = []
        shapes: list[dict[str, Any]] = [{}, {"gateway_ip": None}, {"gateway_ip": None}, {"enable_dhcp": False}]
        for n, more in enumerate(shapes):
            neutron.clock.advance(1)
            self.subnets.append(neutron.subnet(self.networks[n % 2], f"10.0.{n}.0/24", name=f"sub{n % 2}", **more))
        self.subnets.append(neutron.subnet(self.networks[0], "2001:db8::/64", ipv6_ra_mode="dhcpv6-stateful"))
        self.ports = [
            neutron.port(self.networks[n % 3], name=f"port{n % 2}", device_id=f"dev{n % 3}", tags=[f"t{n}", "all"])
            for n in range(7)
        ]
        neutron.change("port", self.ports[0]["id"], neutron.nova, **{"binding:host_id": "cn1"})
        neutron.port(neutron.network(neutron.other), neutron.other)


@pytest.fixture(scope="module")
def shelf(quiet: Neutron) -> Shelf:
    return Shelf(quiet)


def names(rows: list[dict[str, Any]], *places: int) -> set[str]:
    return {rows[place]["id"] for place in places}


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("name=port0", (0, 2, 4, 6)),
        ("name=port0&name=port1", range(7)),
        ("name=", ()),
        ("name=port0&device_id=dev0", (0, 6)),
        ("tags=all,t3", (3,)),
        ("tags=t3&tags=t4", (3, 4)),
        ("tags-any=t3,t4", (3, 4)),
        ("not-tags=all,t3", (0, 1, 2, 4, 5, 6)),
        ("not-tags-any=t3,t4", (0, 1, 2, 5, 6)),
        ("admin_state_up=true", range(7)),
        ("admin_state_up=0", ()),
        ("status=ACTIVE", ()),
        ("status=DOWN", range(7)),
        ("device_owner=", range(7)),
        ("fixed_ips=ip_address=192.0.2.3", ()),
        ("fixed_ips=ip_address_substr=10.0.1.", (1, 4)),
        ("mac_address=00:00:00:00:00:01", ()),
        ("project_id=no&tenant_id=no", ()),
        ("revision_number=2", (0,)),
        ("qos_policy_id=x", ()),
    ],
)
def test_filter_of_ports(shelf: Shelf, query: str, places: Any) -> None:
    assert set(shelf.neutron.ids(f"ports?{query}")) == names(shelf.ports, *places)


def test_filters_by_values_of_the_rows_themselves(shelf: Shelf) -> None:
    neutron, port = shelf.neutron, shelf.ports[3]
    address, subnet = port["fixed_ips"][0]["ip_address"], port["fixed_ips"][0]["subnet_id"]
    for query in (
        f"id={port['id']}",
        f"id={port['id']}&id=another",
        f"mac_address={port['mac_address'].upper()}",
        f"fixed_ips=ip_address%3D{address}",
        f"fixed_ips=ip_address={address}&fixed_ips=subnet_id={subnet}",
    ):
        assert neutron.ids(f"ports?{query}") == [port["id"]], query
    mine = port["project_id"]
    assert len(neutron.ids(f"ports?project_id={mine}")) == 7
    assert neutron.ids(f"ports?project_id={mine}&tenant_id=another") == []
    assert neutron.ids(f"ports?fixed_ips=ip_address={address}&fixed_ips=subnet_id=another") == []
    assert neutron.ids("ports?binding:host_id=cn1", neutron.nova) == [shelf.ports[0]["id"]]


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("provider:segmentation_id=202", (2,)),
        ("provider:segmentation_id=202&provider:segmentation_id=203", (2, 3)),
        ("provider:physical_network=physnet1&name=net1", (1, 3)),
        ("provider:network_type=flat", ()),
        ("mtu=1401", (1, 4)),
        ("shared=true", ()),
        ("router:external=false&name=net0", (0, 2, 4)),
        ("status=ACTIVE&name=net0", (0, 2, 4)),
        ("status=DOWN", ()),
        ("is_default=true", ()),
    ],
)
def test_filter_of_networks(shelf: Shelf, query: str, places: Any) -> None:
    assert set(shelf.neutron.ids(f"networks?{query}", shelf.neutron.admin)) == names(shelf.networks, *places)


def test_many_ids_are_no_trouble(shelf: Shelf) -> None:
    query = "&".join(f"id={n:08d}" for n in range(500))
    assert shelf.neutron.ids(f"ports?{query}&id={shelf.ports[2]['id']}") == [shelf.ports[2]["id"]]


SORTS = [
    ("networks", ["name"]),
    ("networks", ["mtu", "name"]),
    ("networks", ["admin_state_up"]),
    ("networks", ["status", "name"]),
    ("networks", ["id", "name"]),
    ("subnets", ["gateway_ip"]),
    ("subnets", ["ipv6_ra_mode", "enable_dhcp", "name"]),
    ("subnets", ["cidr"]),
    ("ports", ["device_id", "name"]),
    ("ports", ["network_id"]),
    ("ports", []),
]


@pytest.mark.parametrize(("plural", "keys"), SORTS)
@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("more", ["", "&tags-any=all,t1&not-tags=none"])
def test_pages_put_together_are_the_list_in_both_directions(
    shelf: Shelf, plural: str, keys: list[str], direction: str, limit: int, more: str
) -> None:
    order = "&".join(f"sort_key={key}&sort_dir={direction}" for key in keys)
    whole = shelf.neutron.member.get(f"{BASE}/{plural}?{order}{more}").body[plural]
    if keys and keys[0] != "status":
        values = [(row[keys[0]] is not None, row[keys[0]] or 0) for row in whole]
        assert values == sorted(values, reverse=direction == "desc")
    for rel, first in (("next", ""), ("previous", "&page_reverse=true")):
        pages = walk(shelf.neutron, f"{BASE}/{plural}?{order}{more}&limit={limit}{first}", plural, rel)
        ordered = pages if rel == "next" else pages[::-1]
        assert [row["id"] for page in ordered for row in page] == [row["id"] for row in whole]
        assert all(len(page) <= limit for page in pages)


def walk(neutron: Neutron, path: str, plural: str, rel: str) -> list[list[dict[str, Any]]]:
    pages = []
    for _ in range(20):
        body = neutron.member.get(path).body
        pages.append(body[plural])
        links = {link["rel"]: link["href"] for link in body.get(f"{plural}_links", ())}
        if rel not in links:
            return pages
        path = links[rel].removeprefix("http://falconframework.org")
    raise AssertionError(f"no end of pages: {path}")


def test_fields_cut_down_every_row(shelf: Shelf) -> None:
    rows = shelf.neutron.member.get(f"{BASE}/ports?fields=id&fields=name&fields=binding:host_id").body["ports"]
    assert all(row.keys() == {"id", "name"} for row in rows)
    assert shelf.neutron.member.get(f"{BASE}/ports?fields=id,name").body["ports"] == [{}] * 7
    port_id = shelf.ports[0]["id"]
    shown = shelf.neutron.member.get(f"{BASE}/ports/{port_id}?fields=status").body
    assert shown == {"port": {"status": "DOWN"}}


WORDS = st.sampled_from(
    ["port0", "port1", "dev1", "true", "", "DOWN", "t1", "all", "cn1", "id", "name", "asc", "desc", "2"]
)
QUERIES = st.lists(
    st.tuples(
        st.sampled_from(
            ["name", "device_id", "admin_state_up", "status", "tags", "not-tags-any", "project_id", "tenant_id",
             "binding:host_id", "sort_key", "sort_dir", "limit", "page_reverse", "fields", "all_projects",
             "all_tenants"]
        ),
        WORDS,
    ),
    max_size=5,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=QUERIES)
def test_no_query_shows_more_than_no_query(shelf: Shelf, query: list[tuple[str, str]]) -> None:
    everything = {row["id"]: row for row in shelf.neutron.member.get(f"{BASE}/ports").body["ports"]}
    answer = shelf.neutron.member.get(f"{BASE}/ports?{'&'.join(f'{key}={value}' for key, value in query)}")
    assert answer.status in (200, 400)
    for row in answer.body.get("ports", ()):
        assert any(row.items() <= whole.items() for whole in everything.values())
