"""Who may set, see and touch what. Presence of an attribute is what needs the right, whatever its value."""

from typing import Any

import pytest

from tests.api.network.neutron import BASE, Neutron

PROVIDER = {"provider:network_type", "provider:physical_network", "provider:segmentation_id"}
BINDING = {"binding:host_id", "binding:profile", "binding:vif_type", "binding:vif_details"}
ADMINS = {"trusted", "hints", "resource_request"}

#: Attribute, a value that is right, and who may set it.
RESTRICTED = [
    ("network", "shared", False, {"admin", "nova"}),
    ("network", "router:external", False, {"admin", "nova"}),
    ("network", "is_default", False, {"admin", "nova"}),
    ("port", "binding:host_id", "cn1", {"admin", "nova", "service"}),
    ("port", "binding:host_id", None, {"admin", "nova", "service"}),
    ("port", "binding:host_id", "", {"admin", "nova", "service"}),
    ("port", "binding:profile", {}, {"nova", "service"}),
    ("port", "binding:profile", None, {"nova", "service"}),
    ("port", "trusted", False, {"admin", "nova"}),
    ("port", "hints", None, {"admin", "nova"}),
]


@pytest.mark.parametrize(("noun", "attribute", "value", "allowed"), RESTRICTED)
@pytest.mark.parametrize("caller", ["admin", "nova", "service", "member", "reader"])
def test_restricted_attribute_is_set_by_its_roles_only(
    neutron: Neutron, noun: str, attribute: str, value: object, allowed: set[str], caller: str
) -> None:
    network = neutron.vlan_network()
    port = neutron.port(network)
    who = getattr(neutron, caller)
    usual: dict[str, Any] = {"network": {}, "port": {"network_id": network["id"]}}[noun]
    ident = {"network": network["id"], "port": port["id"]}[noun]
    create = {**usual, attribute: value}
    calls = [
        ("POST", f"{BASE}/{noun}s", {noun: create}),
        ("POST", f"{BASE}/{noun}s", {f"{noun}s": [usual, create]}),
        ("PUT", f"{BASE}/{noun}s/{ident}", {noun: {attribute: value}}),
    ]
    for method, path, body in calls:
        before = neutron.dump()
        answer = who.send(method, path, body)
        if caller in allowed:
            assert answer.status < 300, answer.body
        else:
            assert (answer.status, answer.body["NeutronError"]["type"]) == (403, "PolicyNotAuthorized")
            assert neutron.dump() == before


@pytest.mark.parametrize(
    ("noun", "caller", "hidden"),
    [
        ("network", "member", PROVIDER),
        ("network", "reader", PROVIDER),
        ("network", "service", PROVIDER),
        ("network", "admin", set()),
        ("port", "member", BINDING | ADMINS),
        ("port", "reader", BINDING | ADMINS),
        ("port", "service", ADMINS),
        ("port", "admin", set()),
    ],
)
def test_view_of_each_caller(neutron: Neutron, noun: str, caller: str, hidden: set[str]) -> None:
    network = neutron.vlan_network()
    row = {"network": network, "port": neutron.port(network)}[noun]
    who = getattr(neutron, caller)
    whole = neutron.show(noun, row["id"], neutron.nova)
    views = [neutron.show(noun, row["id"], who), who.get(f"{BASE}/{noun}s?id={row['id']}").body[f"{noun}s"][0]]
    for view in views:
        assert whole.keys() - view.keys() == hidden
    for name in hidden:
        answer = who.get(f"{BASE}/{noun}s/{row['id']}?fields={name}")
        assert answer.body == {noun: {}}


@pytest.mark.parametrize(
    "query",
    [
        "ports?binding:host_id=cn1",
        "networks?provider:segmentation_id=100",
        "networks?provider:physical_network=physnet1",
    ],
)
@pytest.mark.parametrize("value", ["", "&name=x"])
def test_filter_by_what_is_hidden_is_refused(neutron: Neutron, query: str, value: str) -> None:
    answer = neutron.member.get(f"{BASE}/{query}{value}")
    assert answer.status == 400
    assert "is invalid attribute for filtering" in answer.body["NeutronError"]["message"]


def test_another_projects_things_are_not_there(neutron: Neutron) -> None:
    network = neutron.vlan_network()
    rows = {"network": network, "subnet": neutron.subnet(network), "port": neutron.port(network)}
    for noun, row in rows.items():
        path = f"{BASE}/{noun}s/{row['id']}"
        calls: list[tuple[str, str, object]] = [
            ("GET", path, None),
            ("PUT", path, {noun: {"name": "x"}}),
            ("DELETE", path, None),
            ("GET", f"{path}/tags", None),
            ("PUT", f"{path}/tags", {"tags": ["x"]}),
            ("PUT", f"{path}/tags/x", None),
            ("DELETE", f"{path}/tags", None),
        ]
        for method, where, body in calls:
            answer = neutron.other.send(method, where, body)
            unknown = neutron.other.send(method, where.replace(row["id"], "another"), body)
            assert answer.status == unknown.status == 404
            said = answer.body["NeutronError"]["message"].replace(row["id"], "another")
            assert said == unknown.body["NeutronError"]["message"]
        assert neutron.ids(f"{noun}s?id={row['id']}", neutron.other) == []
    for noun, body in (("subnet", {"ip_version": 4, "cidr": "10.0.0.0/24"}), ("port", {})):
        answer = neutron.other.post(f"{BASE}/{noun}s", {noun: {"network_id": network["id"], **body}})
        assert (answer.status, answer.body["NeutronError"]["type"]) == (404, "NetworkNotFound")


def test_shared_network_is_used_and_not_owned(neutron: Neutron) -> None:
    network = neutron.vlan_network(shared=True)
    subnet = neutron.subnet(network)
    other = neutron.other
    assert neutron.show("network", network["id"], other)["subnets"] == [subnet["id"]]
    assert neutron.show("subnet", subnet["id"], other)["cidr"] == subnet["cidr"]
    port = neutron.port(network, other, fixed_ips=[{"subnet_id": subnet["id"]}])
    assert neutron.ids("ports") == [port["id"]], "the owner of a network sees who is on it"
    assert neutron.change("port", port["id"], neutron.member, name="mine").status == 403, "and owns no port on it"
    refused: list[tuple[str, str, object]] = [
        ("PUT", f"{BASE}/networks/{network['id']}", {"network": {"name": "x"}}),
        ("DELETE", f"{BASE}/networks/{network['id']}", None),
        ("PUT", f"{BASE}/subnets/{subnet['id']}", {"subnet": {"name": "x"}}),
        ("DELETE", f"{BASE}/subnets/{subnet['id']}", None),
        ("POST", f"{BASE}/subnets", {"subnet": {"network_id": network["id"], "ip_version": 4, "cidr": "10.0.0.0/24"}}),
    ]
    for method, path, body in refused:
        assert other.send(method, path, body).status == 403


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("mac_address", "02:00:00:00:00:01"),
        ("port_security_enabled", False),
        ("port_security_enabled", True),
        ("device_owner", "network:dhcp"),
        ("fixed_ips", [{"ip_address": "192.0.2.99"}]),
        ("allowed_address_pairs", [{"ip_address": "192.0.2.99"}]),
        ("allowed_address_pairs", []),
    ],
)
def test_guest_of_a_shared_network_does_not_choose_what_could_pass_for_another(
    neutron: Neutron, attribute: str, value: object
) -> None:
    network = neutron.vlan_network(shared=True)
    neutron.subnet(network)
    port = neutron.port(network, neutron.other)
    body = {"port": {"network_id": network["id"], attribute: value}}
    for answer in (
        neutron.other.post(f"{BASE}/ports", body),
        neutron.change("port", port["id"], neutron.other, **{attribute: value}),
    ):
        assert (answer.status, answer.body["NeutronError"]["type"]) == (403, "PolicyNotAuthorized")
        assert attribute in answer.body["NeutronError"]["message"]
    assert neutron.member.post(f"{BASE}/ports", body).status == 201


def test_guest_of_a_shared_network_may_name_the_address_that_it_has(neutron: Neutron) -> None:
    network = neutron.vlan_network(shared=True)
    subnet = neutron.subnet(network)
    port = neutron.port(network, neutron.other)
    same = [{"subnet_id": subnet["id"], "ip_address": port["fixed_ips"][0]["ip_address"]}]
    assert neutron.change("port", port["id"], neutron.other, fixed_ips=same).status == 200


def test_admin_makes_things_for_a_project(neutron: Neutron) -> None:
    project = neutron.project(neutron.member)
    for name in ("project_id", "tenant_id"):
        network = neutron.network(neutron.admin, **{name: project})
        assert neutron.show("network", network["id"], neutron.member)["tenant_id"] == project
