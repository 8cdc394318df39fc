"""Subnet pools and address scopes: what is cut out of a pool, what a pool may become, and what never overlaps."""

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.network.neutron import BASE, ZERO, Neutron, made


def pool(neutron: Neutron, *prefixes: str, who: Any = None, **attributes: object) -> dict[str, Any]:
    body = {"name": "p", "prefixes": prefixes or ("10.0.0.0/16",), **attributes}
    return made((who or neutron.member).post(f"{BASE}/subnetpools", {"subnetpool": body}), "subnetpool")


def scope(neutron: Neutron, version: int = 4, who: Any = None, **attributes: object) -> dict[str, Any]:
    body = {"ip_version": version, **attributes}
    return made((who or neutron.member).post(f"{BASE}/address-scopes", {"address_scope": body}), "address_scope")


def subnet(neutron: Neutron, network: dict[str, Any], who: Any = None, **attributes: object) -> Any:
    body = {"network_id": network["id"], "ip_version": 4, **attributes}
    return (who or neutron.member).post(f"{BASE}/subnets", {"subnet": body})


def fault(answer: Any) -> tuple[int, str]:
    return answer.status, answer.body["NeutronError"]["type"]


def test_pool_is_shown_as_neutron_shows_it(neutron: Neutron) -> None:
    shown = pool(neutron, "10.0.1.0/24", "10.0.0.0/24", min_prefixlen=26, description="d")
    assert shown["prefixes"] == ["10.0.0.0/23"]
    assert [shown[f"{name}_prefixlen"] for name in ("min", "max", "default")] == ["26", "32", "26"]
    assert (shown["ip_version"], shown["default_quota"], shown["address_scope_id"]) == (4, None, None)
    assert (shown["shared"], shown["is_default"], shown["revision_number"], shown["tags"]) == (False, False, 0, [])
    assert neutron.show("subnetpool", shown["id"], neutron.member) == shown
    assert neutron.events()[-1] == "subnetpool.created"


def test_subnets_are_cut_without_overlap_and_given_back(neutron: Neutron) -> None:
    source = pool(neutron, "10.0.0.0/24", min_prefixlen=25, default_prefixlen=26)
    first = made(subnet(neutron, neutron.network(), subnetpool_id=source["id"]), "subnet")
    assert (first["cidr"], first["gateway_ip"], first["subnetpool_id"]) == ("10.0.0.0/26", "10.0.0.1", source["id"])
    second = made(subnet(neutron, neutron.network(), subnetpool_id=source["id"], prefixlen=25), "subnet")
    assert second["cidr"] == "10.0.0.128/25"
    third = made(subnet(neutron, neutron.network(), subnetpool_id=source["id"], cidr="10.0.0.64/26"), "subnet")
    full = subnet(neutron, neutron.network(), subnetpool_id=source["id"])
    assert fault(full) == (409, "SubnetAllocationError")
    assert "/26" in full.body["NeutronError"]["message"]
    neutron.member.delete(f"{BASE}/subnets/{third['id']}")
    again = made(subnet(neutron, neutron.network(), subnetpool_id=source["id"]), "subnet")
    assert again["cidr"] == "10.0.0.64/26"
    assert neutron.ids(f"subnets?subnetpool_id={source['id']}") == sorted([first["id"], second["id"], again["id"]])
    in_use = neutron.member.delete(f"{BASE}/subnetpools/{source['id']}")
    assert fault(in_use) == (400, "SubnetPoolDeleteError")


def test_ipv6_subnets_are_cut_too(neutron: Neutron) -> None:
    source = pool(neutron, "2001:db8::/48")
    for number in range(3):
        answer = subnet(neutron, neutron.network(), ip_version=6, subnetpool_id=source["id"])
        assert made(answer, "subnet")["cidr"] == f"2001:db8:0:{number:x}::/64".replace(":0:0::", "::")


@pytest.mark.parametrize(
    ("attributes", "answer"),
    [
        ({"prefixlen": 23}, (400, "MinPrefixSubnetAllocationError")),
        ({"prefixlen": 29}, (400, "MaxPrefixSubnetAllocationError")),
        ({"cidr": "10.0.0.0/23"}, (400, "MinPrefixSubnetAllocationError")),
        ({"cidr": "10.1.0.0/24"}, (409, "SubnetAllocationError")),
        ({"cidr": "10.0.0.0/24", "prefixlen": 24}, (400, "BadRequest")),
        ({"use_default_subnetpool": True}, (400, "BadRequest")),
        ({"ip_version": 6}, (400, "InvalidInput")),
        ({"allocation_pools": [{"start": "10.0.0.5", "end": "10.0.0.9"}]}, (400, "BadRequest")),
        ({"subnetpool_id": ZERO}, (404, "SubnetPoolNotFound")),
        ({"subnetpool_id": "x"}, (400, "HTTPBadRequest")),
        ({"subnetpool_id": "prefix_delegation"}, (400, "HTTPBadRequest")),
        ({"subnetpool_id": None}, (400, "BadRequest")),
        ({"prefixlen": -1}, (400, "HTTPBadRequest")),
        ({"prefixlen": 10**30}, (400, "MaxPrefixSubnetAllocationError")),
    ],
)
def test_wish_that_the_pool_cannot_grant_is_refused(
    neutron: Neutron, attributes: dict[str, object], answer: tuple[int, str]
) -> None:
    source = pool(neutron, "10.0.0.0/16", min_prefixlen=24, max_prefixlen=28)
    network = neutron.network()
    before = neutron.dump()
    assert fault(subnet(neutron, network, **{"subnetpool_id": source["id"], **attributes})) == answer
    assert neutron.dump() == before


def test_quota_of_a_pool_holds_for_each_project(neutron: Neutron) -> None:
    source = pool(neutron, who=neutron.admin, min_prefixlen=8, default_quota=512, shared=True)
    for caller in (neutron.member, neutron.other):
        for _ in range(2):
            network = neutron.network(caller)
            assert subnet(neutron, network, caller, subnetpool_id=source["id"], prefixlen=24).status == 201
        network = neutron.network(caller)
        refused = subnet(neutron, network, caller, subnetpool_id=source["id"], prefixlen=30)
        assert fault(refused) == (409, "SubnetPoolQuotaExceeded")


def test_default_pool_serves_whoever_asks_and_is_one_for_each_version(neutron: Neutron) -> None:
    network = neutron.network()
    assert fault(subnet(neutron, network, use_default_subnetpool=True)) == (400, "BadRequest")
    default = pool(neutron, who=neutron.admin, is_default=True, shared=True, default_prefixlen=24)
    pool(neutron, "2001:db8::/48", who=neutron.admin, is_default=True, shared=True)
    made_of_it = made(subnet(neutron, network, use_default_subnetpool=True), "subnet")
    assert (made_of_it["subnetpool_id"], made_of_it["cidr"]) == (default["id"], "10.0.0.0/24")
    body = {"name": "q", "prefixes": ["10.9.0.0/16"], "is_default": True}
    assert fault(neutron.admin.post(f"{BASE}/subnetpools", {"subnetpool": body})) == (400, "InvalidInput")
    assert fault(neutron.member.post(f"{BASE}/subnetpools", {"subnetpool": body}))[0] == 403


def test_prefixes_grow_and_never_shrink(neutron: Neutron) -> None:
    source = pool(neutron, "10.0.0.0/24")
    grown = neutron.change("subnetpool", source["id"], prefixes=["10.0.0.0/23", "10.9.0.0/24"])
    assert grown.body["subnetpool"]["prefixes"] == ["10.0.0.0/23", "10.9.0.0/24"]
    assert grown.body["subnetpool"]["revision_number"] == 1
    shrunk = neutron.change("subnetpool", source["id"], prefixes=["10.0.0.0/24"])
    assert fault(shrunk) == (400, "IllegalSubnetPoolPrefixUpdate")
    bounds = neutron.change("subnetpool", source["id"], max_prefixlen=7)
    assert fault(bounds) == (400, "IllegalSubnetPoolPrefixBounds")
    assert fault(neutron.change("subnetpool", source["id"], neutron.admin, shared=True)) == (400, "HTTPBadRequest")
    stale = neutron.member.send(
        "PUT", f"{BASE}/subnetpools/{source['id']}", {"subnetpool": {"name": "n"}}, {"If-Match": "revision_number=0"}
    )
    assert stale.status == 412
    assert neutron.change("subnetpool", source["id"], name="p").body["subnetpool"]["revision_number"] == 1


def test_subnets_of_a_network_are_of_one_pool_or_of_none(neutron: Neutron) -> None:
    one, two, network = pool(neutron, "10.0.0.0/16"), pool(neutron, "10.1.0.0/16"), neutron.network()
    made(subnet(neutron, network, subnetpool_id=one["id"], prefixlen=24), "subnet")
    made(subnet(neutron, network, subnetpool_id=one["id"], prefixlen=24), "subnet")
    other = subnet(neutron, network, subnetpool_id=two["id"], prefixlen=24)
    assert fault(other) == (400, "NetworkSubnetPoolAffinityError")
    assert fault(subnet(neutron, network, cidr="192.0.2.0/24")) == (400, "NetworkSubnetPoolAffinityError")
    assert subnet(neutron, network, ip_version=6, cidr="2001:db8::/64").status == 201


def test_pools_of_one_scope_never_overlap_and_share_networks(neutron: Neutron) -> None:
    home = scope(neutron)
    one = pool(neutron, "10.0.0.0/16", address_scope_id=home["id"])
    two = pool(neutron, "10.1.0.0/16", address_scope_id=home["id"])
    body = {"name": "x", "prefixes": ["10.0.128.0/17"], "address_scope_id": home["id"]}
    answer = neutron.member.post(f"{BASE}/subnetpools", {"subnetpool": body})
    assert fault(answer) == (409, "AddressScopePrefixConflict")
    grown = neutron.change("subnetpool", two["id"], prefixes=["10.0.0.0/15"])
    assert fault(grown) == (409, "AddressScopePrefixConflict")
    network = neutron.network()
    for source in (one, two):
        made(subnet(neutron, network, subnetpool_id=source["id"], prefixlen=24), "subnet")
    shown = neutron.show("network", network["id"])
    assert (shown["ipv4_address_scope"], shown["ipv6_address_scope"]) == (home["id"], None)
    strange = pool(neutron, "10.2.0.0/16")
    answer = subnet(neutron, network, subnetpool_id=strange["id"], prefixlen=24)
    assert fault(answer) == (400, "NetworkAddressScopeAffinityError")
    moved = neutron.change("subnetpool", one["id"], address_scope_id=scope(neutron)["id"])
    assert fault(moved) == (400, "NetworkAddressScopeAffinityError")
    assert fault(neutron.member.delete(f"{BASE}/address-scopes/{home['id']}")) == (409, "AddressScopeInUse")


def test_scope_of_another_ip_version_or_project_is_refused(neutron: Neutron) -> None:
    body = {"name": "x", "prefixes": ["10.0.0.0/16"], "address_scope_id": scope(neutron, 6)["id"]}
    answer = neutron.member.post(f"{BASE}/subnetpools", {"subnetpool": body})
    assert fault(answer) == (400, "IllegalSubnetPoolIpVersionAssociationToAddressScope")
    body["address_scope_id"] = scope(neutron, who=neutron.other)["id"]
    assert fault(neutron.member.post(f"{BASE}/subnetpools", {"subnetpool": body})) == (404, "AddressScopeNotFound")


def test_pool_of_an_admins_scope_is_the_admins_to_change(neutron: Neutron) -> None:
    shared = scope(neutron, who=neutron.admin, shared=True)
    source = pool(neutron, address_scope_id=shared["id"])
    assert fault(neutron.change("subnetpool", source["id"], prefixes=["10.0.0.0/15"])) == (
        400, "IllegalSubnetPoolUpdate",
    )  # fmt: skip
    assert neutron.change("subnetpool", source["id"], neutron.admin, prefixes=["10.0.0.0/15"]).status == 200


def test_shared_pools_and_scopes_are_everybodys_to_use_and_nobodys_to_change(neutron: Neutron) -> None:
    shared, own = pool(neutron, who=neutron.admin, shared=True), pool(neutron, who=neutron.other)
    assert neutron.show("subnetpool", shared["id"], neutron.member)["shared"] is True
    assert neutron.ids("subnetpools") == [shared["id"]]
    assert neutron.member.get(f"{BASE}/subnetpools/{own['id']}").status == 404
    assert neutron.change("subnetpool", shared["id"], name="mine").status == 403
    assert neutron.member.delete(f"{BASE}/subnetpools/{shared['id']}").status == 403
    home = scope(neutron, who=neutron.admin, shared=True, name="all")
    listed = neutron.member.get(f"{BASE}/address-scopes?name=all").body["address_scopes"]
    assert listed == [home | {"shared": True}]
    path = f"{BASE}/address-scopes/{home['id']}"
    assert fault(neutron.admin.put(path, {"address_scope": {"shared": False}})) == (400, "AddressScopeUpdateError")
    assert neutron.member.put(path, {"address_scope": {"name": "x"}}).status == 403
    assert neutron.member.delete(path).status == 403
    assert neutron.admin.put(path, {"address_scope": {"name": "x"}}).body["address_scope"]["name"] == "x"
    assert neutron.admin.delete(path).status == 204
    assert fault(neutron.admin.get(path)) == (404, "AddressScopeNotFound")


def test_pool_is_shared_by_rbac_where_its_scope_is(neutron: Neutron) -> None:
    home, theirs = scope(neutron), neutron.project(neutron.other)
    source = pool(neutron, address_scope_id=home["id"], min_prefixlen=24)

    def share(kind: str, ident: str) -> Any:
        body = {"object_type": kind, "object_id": ident, "action": "access_as_shared", "target_tenant": theirs}
        return neutron.member.post(f"{BASE}/rbac-policies", {"rbac_policy": body})

    assert fault(share("subnetpool", source["id"])) == (400, "RbacPolicyInitError")
    assert share("address_scope", home["id"]).status == 201
    assert share("subnetpool", source["id"]).status == 201
    network = neutron.network(neutron.other)
    assert subnet(neutron, network, neutron.other, subnetpool_id=source["id"]).status == 201
    assert neutron.show("subnetpool", source["id"], neutron.other)["shared"] is True
    assert neutron.show("subnetpool", source["id"], neutron.member)["shared"] is False


def test_pools_have_tags_and_scopes_have_none(neutron: Neutron) -> None:
    source, home = pool(neutron), scope(neutron)
    assert neutron.member.put(f"{BASE}/subnetpools/{source['id']}/tags/red").status == 201
    assert neutron.ids("subnetpools?tags=red") == [source["id"]]
    assert neutron.member.put(f"{BASE}/address-scopes/{home['id']}/tags/red").status == 404


POOL = {"name": "p", "prefixes": ["10.0.0.0/16"]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"prefixes": ["10.0.0.0/16"]}, ("'name' not specified",)),
        ({"name": "p"}, ("'prefixes' not specified",)),
        (POOL | {"name": " "}, ("name", "Blank")),
        (POOL | {"name": None}, ("name", "None")),
        (POOL | {"prefixes": []}, ("Empty subnet pool prefix list",)),
        (POOL | {"prefixes": "10.0.0.0/16"}, ("prefixes", "10.0.0.0/16", "list")),
        (POOL | {"prefixes": ["10.0.0.0"]}, ("prefixes", "'10.0.0.0'", "as in")),
        (POOL | {"prefixes": ["10.0.0.0/33"]}, ("prefixes", "10.0.0.0/33")),
        (POOL | {"prefixes": ["10.0.0.0/8\n"]}, ("prefixes", "10.0.0.0/8")),
        (POOL | {"prefixes": ["010.0.0.0/8"]}, ("prefixes", "010.0.0.0/8")),
        (POOL | {"prefixes": ["::ffff:10.0.0.0/112"]}, ("prefixes", "::ffff:10.0.0.0/112")),
        (POOL | {"prefixes": ["fe80::%eth0/64"]}, ("prefixes", "fe80::%eth0/64")),
        (POOL | {"prefixes": [10]}, ("prefixes", "'10'")),
        (POOL | {"prefixes": ["10.0.0.0/16"] * 2}, ("prefixes", "Duplicate", "10.0.0.0/16")),
        (POOL | {"prefixes": ["10.0.0.0/8"] * 1001}, ("prefixes", "1001", "1000")),
        (POOL | {"prefixes": ["10.0.0.0/8", "2001:db8::/32"]}, ("Cannot mix IPv4 and IPv6",)),
        (POOL | {"min_prefixlen": True}, ("min_prefixlen", "'True'")),
        (POOL | {"min_prefixlen": -1}, ("min_prefixlen", "-1")),
        (POOL | {"min_prefixlen": "x"}, ("min_prefixlen", "'x'")),
        (POOL | {"min_prefixlen": 24.0}, ("min_prefixlen", "'24.0'")),
        (POOL | {"min_prefixlen": 33}, ("min_prefixlen=33", "max_prefixlen=32")),
        (POOL | {"max_prefixlen": 33}, ("max_prefixlen=33", "ip_version_max=32")),
        (POOL | {"default_prefixlen": 7}, ("default_prefixlen=7", "min_prefixlen=8")),
        (POOL | {"default_quota": -1}, ("default_quota", "-1")),
        (POOL | {"default_quota": 2**63}, ("default_quota", str(2**63))),
        (POOL | {"address_scope_id": "x"}, ("address_scope_id", "'x'", "UUID")),
        (POOL | {"is_default": 2}, ("is_default", "'2'")),
        (POOL | {"ip_version": 4}, ("'ip_version' not allowed in POST",)),
        (POOL | {"tags": ["a"]}, ("'tags' not allowed in POST",)),
        (POOL | {"bogus": 1}, ("'bogus'",)),
    ],
)
def test_pool_that_cannot_be_is_named_with_field_and_value(
    quiet: Neutron, body: dict[str, object], words: tuple[str, ...]
) -> None:
    before = quiet.dump()
    answer = quiet.admin.post(f"{BASE}/subnetpools", {"subnetpool": body})
    assert answer.status == 400, answer.body
    said = answer.body["NeutronError"]
    for word in words:
        assert word in f"{said['message']} {said['detail']}"
    assert quiet.dump() == before


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, ("'ip_version' not specified",)),
        ({"ip_version": 5}, ("ip_version", "5")),
        ({"ip_version": True}, ("ip_version", "'True'")),
        ({"ip_version": None}, ("ip_version", "'None'")),
        ({"ip_version": 4, "name": 7}, ("name", "'7'")),
        ({"ip_version": 4, "name": "n" * 256}, ("name", "255")),
        ({"ip_version": 4, "shared": "x"}, ("shared", "'x'")),
        ({"ip_version": 4, "description": "d"}, ("'description'",)),
        ({"ip_version": 4, "project_id": "a", "tenant_id": "b"}, ("project_id", "tenant_id")),
    ],
)
def test_scope_that_cannot_be_is_named_with_field_and_value(
    quiet: Neutron, body: dict[str, object], words: tuple[str, ...]
) -> None:
    answer = quiet.admin.post(f"{BASE}/address-scopes", {"address_scope": body})
    assert answer.status == 400, answer.body
    said = answer.body["NeutronError"]
    for word in words:
        assert word in f"{said['message']} {said['detail']}"


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(max_size=8) | st.sampled_from(["10.0.0.0/8", "2001:db8::/32", ZERO, "vlan", "physnet1", "*"])
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS | TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=2), max_leaves=5
)
ATTRIBUTES = {
    "subnetpool": (
        "name", "prefixes", "min_prefixlen", "max_prefixlen", "default_prefixlen", "default_quota", "address_scope_id",
        "is_default", "shared",
    ),
    "address-scope": ("name", "ip_version", "shared", "project_id"),
    "segment": ("network_id", "network_type", "physical_network", "segmentation_id", "name", "description"),
}  # fmt: skip
USUAL: dict[str, dict[str, object]] = {
    "subnetpool": POOL, "address-scope": {"ip_version": 4}, "segment": {"network_id": ZERO, "network_type": "vlan"},
}  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), noun=st.sampled_from(sorted(ATTRIBUTES)))
def test_no_value_of_any_attribute_breaks_the_server(quiet: Neutron, data: st.DataObject, noun: str) -> None:
    given_attributes = data.draw(st.dictionaries(st.sampled_from(ATTRIBUTES[noun]), JSON, max_size=3))
    body = {noun.replace("-", "_"): {**USUAL[noun], **given_attributes}}
    assert quiet.admin.post(f"{BASE}/{noun}s", body).status < 500
    name, value = data.draw(st.sampled_from(ATTRIBUTES[noun])), data.draw(TEXTS)
    query = urlencode([(name, value), ("limit", data.draw(st.sampled_from(["", "0", "1", "-1", "x"])))])
    assert quiet.admin.get(f"{BASE}/{noun}s?{query}").status < 500


@pytest.mark.parametrize("ident", ["x", ZERO, ZERO.upper(), f"{ZERO}%0A", "..", "%00", "'; DROP TABLE subnetpools"])
@pytest.mark.parametrize("collection", ["subnetpools", "address-scopes", "segments", "network-ip-availabilities"])
def test_ident_that_is_none_finds_nothing(quiet: Neutron, collection: str, ident: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = quiet.admin.send(method, f"{BASE}/{collection}/{ident}", {} if method == "PUT" else None)
        assert 400 <= answer.status < 500, answer.body
