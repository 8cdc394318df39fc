"""QoS policies, their rules, and which types there are."""

from typing import Any

import pytest

from mooring.testing.in_process import Answer, InProcessClient
from tests.api.network.neutron import BASE, Neutron, made

POLICIES = f"{BASE}/qos/policies"
NUMBERS: dict[str, dict[str, Any]] = {
    "bandwidth_limit": {"max_kbps": 5000, "max_burst_kbps": 100, "direction": "egress"},
    "minimum_bandwidth": {"min_kbps": 1000, "direction": "egress"},
    "dscp_marking": {"dscp_mark": 26},
    "packet_rate_limit": {"max_kpps": 50, "max_burst_kpps": 5, "direction": "ingress"},
    "minimum_packet_rate": {"min_kpps": 7, "direction": "any"},
}
KINDS = list(NUMBERS)
ALIASED = [kind for kind in KINDS if kind != "packet_rate_limit"]
ZERO = "00000000-0000-0000-0000-000000000000"


def policy(neutron: Neutron, who: InProcessClient | None = None, **attributes: Any) -> dict[str, Any]:
    return made((who or neutron.admin).post(POLICIES, {"policy": {"name": "q", **attributes}}), "policy")


def members_policy(neutron: Neutron, **attributes: Any) -> dict[str, Any]:
    return policy(neutron, project_id=neutron.project(neutron.member), **attributes)


def add(neutron: Neutron, policy_id: str, kind: str, **values: object) -> dict[str, Any]:
    answer = neutron.admin.post(f"{POLICIES}/{policy_id}/{kind}_rules", {f"{kind}_rule": values})
    return made(answer, f"{kind}_rule")


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["NeutronError"]["type"]


def manager(neutron: Neutron, project: str = "demo") -> InProcessClient:
    return neutron.nobody.member(project, ("manager",), f"manager-of-{project}")


# --- policies -------------------------------------------------------------------------------------------------


def test_a_new_policy_has_neutrons_shape(neutron: Neutron) -> None:
    shown = policy(neutron, description="d")
    assert shown.keys() == {
        "id", "project_id", "tenant_id", "name", "shared", "rules", "is_default", "description", "tags",
        "revision_number", "created_at", "updated_at",
    }  # fmt: skip
    assert (shown["shared"], shown["rules"], shown["is_default"], shown["revision_number"]) == (False, [], False, 0)
    assert neutron.admin.get(f"{POLICIES}/{shown['id']}").body == {"policy": shown}


def test_a_policy_shows_its_rules_by_type_and_counts_them_as_revisions(neutron: Neutron) -> None:
    ident = policy(neutron)["id"]
    ids = {kind: add(neutron, ident, kind, **NUMBERS[kind])["id"] for kind in reversed(KINDS)}
    shown = neutron.admin.get(f"{POLICIES}/{ident}").body["policy"]
    assert shown["revision_number"] == len(KINDS)
    assert shown["rules"] == [
        {**NUMBERS[kind], "id": ids[kind], "qos_policy_id": ident, "type": kind} for kind in sorted(KINDS)
    ]


@pytest.mark.parametrize(
    ("caller", "expected"), [("admin", 201), ("nova", 201), ("member", 403), ("reader", 403), ("service", 403)]
)
def test_policies_are_made_by_admins(neutron: Neutron, caller: str, expected: int) -> None:
    assert getattr(neutron, caller).post(POLICIES, {"policy": {"name": "q"}}).status == expected


def test_a_projects_manager_keeps_the_projects_policies(neutron: Neutron) -> None:
    who = manager(neutron)
    mine = policy(neutron, who)["id"]
    assert who.put(f"{POLICIES}/{mine}", {"policy": {"name": "r"}}).body["policy"]["name"] == "r"
    path = f"{POLICIES}/{mine}/dscp_marking_rules"
    rule = made(who.post(path, {"dscp_marking_rule": {"dscp_mark": 8}}), "dscp_marking_rule")["id"]
    assert who.put(f"{path}/{rule}", {"dscp_marking_rule": {"dscp_mark": 10}}).status == 200
    assert who.delete(f"{path}/{rule}").status == 204
    assert who.delete(f"{POLICIES}/{mine}").status == 204


def test_a_manager_of_another_project_sees_a_shared_policy_and_changes_none(neutron: Neutron) -> None:
    shared, hidden = policy(neutron, shared=True)["id"], policy(neutron)["id"]
    who = manager(neutron)
    assert who.get(f"{POLICIES}/{shared}").status == 200
    assert refusal(who.put(f"{POLICIES}/{shared}", {"policy": {"name": "r"}})) == (403, "PolicyNotAuthorized")
    assert refusal(who.put(f"{POLICIES}/{hidden}", {"policy": {"name": "r"}})) == (404, "QosPolicyNotFound")
    path = f"{POLICIES}/{shared}/dscp_marking_rules"
    assert refusal(who.post(path, {"dscp_marking_rule": {"dscp_mark": 8}})) == (403, "PolicyNotAuthorized")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_member_is_refused_its_own_policy_and_told_nothing_of_others(neutron: Neutron, method: str) -> None:
    own, foreign = members_policy(neutron)["id"], policy(neutron)["id"]
    body = {"policy": {"name": "r"}} if method == "PUT" else None
    assert refusal(neutron.member.send(method, f"{POLICIES}/{own}", body)) == (403, "PolicyNotAuthorized")
    assert refusal(neutron.member.send(method, f"{POLICIES}/{foreign}", body)) == (404, "QosPolicyNotFound")


def test_an_unknown_policy_is_named_in_neutrons_words(neutron: Neutron) -> None:
    answer = neutron.admin.get(f"{POLICIES}/{ZERO}")
    assert answer.body["NeutronError"]["message"] == f"QoS policy {ZERO} could not be found."


def test_a_project_has_one_default_policy(neutron: Neutron) -> None:
    first = members_policy(neutron, is_default=True)["id"]
    body = {"policy": {"is_default": True, "project_id": neutron.project(neutron.member)}}
    assert refusal(neutron.admin.post(POLICIES, body)) == (409, "QoSPolicyDefaultAlreadyExists")
    second = members_policy(neutron)["id"]
    change = {"policy": {"is_default": True}}
    assert refusal(neutron.admin.put(f"{POLICIES}/{second}", change)) == (409, "QoSPolicyDefaultAlreadyExists")
    assert neutron.admin.put(f"{POLICIES}/{first}", {"policy": {"is_default": False}}).status == 200
    assert neutron.admin.put(f"{POLICIES}/{second}", change).status == 200


def test_networks_of_a_project_get_its_default_policy_unless_they_name_one(neutron: Neutron) -> None:
    default, other = members_policy(neutron, is_default=True)["id"], members_policy(neutron)["id"]
    assert neutron.network()["qos_policy_id"] == default
    assert neutron.network(qos_policy_id=other)["qos_policy_id"] == other


def test_policies_are_filtered_sorted_and_paged(neutron: Neutron) -> None:
    ids = [policy(neutron, name=name, shared=name == "b")["id"] for name in ("c", "a", "b")]
    listed = neutron.admin.get(f"{POLICIES}?sort_key=name&sort_dir=asc").body["policies"]
    assert [row["name"] for row in listed] == ["a", "b", "c"]
    assert [row["id"] for row in neutron.admin.get(f"{POLICIES}?name=c").body["policies"]] == [ids[0]]
    assert [row["id"] for row in neutron.admin.get(f"{POLICIES}?shared=true").body["policies"]] == [ids[2]]
    assert [row["id"] for row in neutron.member.get(POLICIES).body["policies"]] == [ids[2]]
    page = neutron.admin.get(f"{POLICIES}?limit=2&sort_key=name&sort_dir=asc").body
    assert [row["name"] for row in page["policies"]] == ["a", "b"]
    assert page["policies_links"][0]["rel"] == "next"


def test_policies_have_tags_and_guarded_revisions(neutron: Neutron) -> None:
    ident = policy(neutron)["id"]
    assert neutron.admin.put(f"{POLICIES}/{ident}/tags", {"tags": ["red", "blue"]}).status == 200
    assert [row["id"] for row in neutron.admin.get(f"{POLICIES}?tags=red").body["policies"]] == [ident]
    assert neutron.admin.get(f"{POLICIES}/{ident}").body["policy"]["revision_number"] == 1
    stale = {"If-Match": "revision_number=0"}
    answer = neutron.admin.send("PUT", f"{POLICIES}/{ident}", {"policy": {"name": "x"}}, stale)
    assert refusal(answer) == (412, "RevisionNumberConstraintFailed")


def test_a_policy_in_use_is_not_deleted(neutron: Neutron) -> None:
    on_network, on_port = members_policy(neutron)["id"], members_policy(neutron)["id"]
    network = neutron.network(qos_policy_id=on_network)
    port = neutron.port(network, qos_policy_id=on_port)
    for ident, user in ((on_network, f"network {network['id']}"), (on_port, f"port {port['id']}")):
        answer = neutron.admin.delete(f"{POLICIES}/{ident}")
        assert refusal(answer) == (409, "QosPolicyInUse")
        assert answer.body["NeutronError"]["message"] == f"QoS Policy {ident} is used by {user}."


def test_a_deleted_policy_takes_its_rules_and_its_sharing_along(neutron: Neutron) -> None:
    ident = policy(neutron, shared=True)["id"]
    rule = add(neutron, ident, "dscp_marking", dscp_mark=8)["id"]
    assert neutron.admin.delete(f"{POLICIES}/{ident}").status == 204
    assert neutron.admin.get(f"{BASE}/qos/alias-dscp-marking-rules/{rule}").status == 404
    assert neutron.admin.get(f"{BASE}/rbac-policies").body == {"rbac_policies": []}


# --- rules ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_is_made_shown_changed_listed_and_removed(neutron: Neutron, kind: str) -> None:
    ident = policy(neutron)["id"]
    path, noun = f"{POLICIES}/{ident}/{kind}_rules", f"{kind}_rule"
    rule = add(neutron, ident, kind, **NUMBERS[kind])
    assert rule == {**NUMBERS[kind], "id": rule["id"]}
    one = f"{path}/{rule['id']}"
    assert neutron.admin.get(one).body == {noun: rule}
    assert neutron.admin.get(path).body == {f"{noun}s": [rule]}
    name = next(iter(NUMBERS[kind]))
    assert neutron.admin.put(one, {noun: {name: 8}}).body == {noun: {**rule, name: 8}}
    assert neutron.admin.get(f"{path}?{name}=8&fields=id").body == {f"{noun}s": [{"id": rule["id"]}]}
    assert neutron.admin.get(f"{path}?{name}=9").body == {f"{noun}s": []}
    assert neutron.admin.delete(one).status == 204
    assert refusal(neutron.admin.get(one)) == (404, "QosRuleNotFound")


@pytest.mark.parametrize("kind", ALIASED)
def test_a_rule_is_found_by_its_id_alone(neutron: Neutron, kind: str) -> None:
    rule = add(neutron, policy(neutron)["id"], kind, **NUMBERS[kind])
    one, noun = f"{BASE}/qos/alias-{kind.replace('_', '-')}-rules/{rule['id']}", f"alias_{kind}_rule"
    assert neutron.admin.get(one).body == {noun: rule}
    name = next(iter(NUMBERS[kind]))
    assert neutron.admin.put(one, {noun: {name: 8}}).body[noun][name] == 8
    assert neutron.member.get(one).status == 404
    assert neutron.admin.delete(one).status == 204
    assert refusal(neutron.admin.delete(one)) == (404, "QosRuleNotFound")


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("bandwidth_limit", {"max_kbps": 1}, {"max_kbps": 1, "max_burst_kbps": 0, "direction": "egress"}),
        ("minimum_bandwidth", {"min_kbps": "2"}, {"min_kbps": 2, "direction": "egress"}),
        ("packet_rate_limit", {"max_kpps": 1}, {"max_kpps": 1, "max_burst_kpps": 0, "direction": "egress"}),
        ("minimum_packet_rate", {"min_kpps": 1}, {"min_kpps": 1, "direction": "egress"}),
    ],
)
def test_what_a_rule_does_not_say_has_neutrons_defaults(
    neutron: Neutron, kind: str, given: dict[str, object], expected: dict[str, object]
) -> None:
    rule = add(neutron, policy(neutron)["id"], kind, **given)
    assert rule == {**expected, "id": rule["id"]}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bandwidth_limit", {}),
        ("bandwidth_limit", {"max_kbps": -1}),
        ("bandwidth_limit", {"max_kbps": 2_147_483_648}),
        ("bandwidth_limit", {"max_kbps": 10**30}),
        ("bandwidth_limit", {"max_kbps": "many"}),
        ("bandwidth_limit", {"max_kbps": None}),
        ("bandwidth_limit", {"max_kbps": True}),
        ("bandwidth_limit", {"max_kbps": 1.5}),
        ("bandwidth_limit", {"max_kbps": 1, "direction": "any"}),
        ("bandwidth_limit", {"max_kbps": 1, "direction": ["egress"]}),
        ("bandwidth_limit", {"max_kbps": 1, "max_burst_kbps": -1}),
        ("bandwidth_limit", {"max_kbps": 1, "min_kbps": 1}),
        ("bandwidth_limit", {"max_kbps": 1, "id": ZERO}),
        ("minimum_bandwidth", {"direction": "egress"}),
        ("dscp_marking", {"dscp_mark": 58}),
        ("dscp_marking", {"dscp_mark": 7}),
        ("minimum_packet_rate", {"min_kpps": 1, "direction": "both"}),
    ],
)
def test_a_rule_of_another_form_is_a_bad_request(neutron: Neutron, kind: str, values: dict[str, object]) -> None:
    path = f"{POLICIES}/{policy(neutron)['id']}/{kind}_rules"
    assert neutron.admin.post(path, {f"{kind}_rule": values}).status == 400


def test_contradicting_rules_are_conflicts(neutron: Neutron) -> None:
    ident = policy(neutron)["id"]
    add(neutron, ident, "bandwidth_limit", max_kbps=5000)
    again = neutron.admin.post(f"{POLICIES}/{ident}/bandwidth_limit_rules", {"bandwidth_limit_rule": {"max_kbps": 1}})
    assert refusal(again) == (409, "QoSRulesConflict")
    above = {"minimum_bandwidth_rule": {"min_kbps": 5001}}
    assert refusal(neutron.admin.post(f"{POLICIES}/{ident}/minimum_bandwidth_rules", above)) == (
        409,
        "QoSRuleParameterConflict",
    )
    other = add(neutron, ident, "bandwidth_limit", max_kbps=1, direction="ingress")["id"]
    change = {"bandwidth_limit_rule": {"direction": "egress"}}
    path = f"{POLICIES}/{ident}/bandwidth_limit_rules/{other}"
    assert refusal(neutron.admin.put(path, change)) == (409, "QoSRulesConflict")


def test_a_rule_of_another_policy_or_type_is_not_there(neutron: Neutron) -> None:
    mine, other = policy(neutron)["id"], policy(neutron)["id"]
    rule = add(neutron, mine, "dscp_marking", dscp_mark=8)["id"]
    assert refusal(neutron.admin.get(f"{POLICIES}/{other}/dscp_marking_rules/{rule}")) == (404, "QosRuleNotFound")
    assert refusal(neutron.admin.get(f"{POLICIES}/{mine}/bandwidth_limit_rules/{rule}")) == (404, "QosRuleNotFound")
    assert refusal(neutron.admin.get(f"{POLICIES}/{ZERO}/dscp_marking_rules/{rule}")) == (404, "QosPolicyNotFound")


def test_a_member_reads_the_rules_of_its_projects_policy_and_adds_none(neutron: Neutron) -> None:
    ident = members_policy(neutron)["id"]
    rule = add(neutron, ident, "dscp_marking", dscp_mark=8)["id"]
    path = f"{POLICIES}/{ident}/dscp_marking_rules"
    assert neutron.member.get(f"{path}/{rule}").status == 200
    assert neutron.other.get(f"{path}/{rule}").status == 404
    body = {"dscp_marking_rule": {"dscp_mark": 10}}
    assert neutron.member.post(path, body).status == 403
    assert neutron.member.put(f"{path}/{rule}", body).status == 403
    assert neutron.other.put(f"{path}/{rule}", body).status == 404


def test_a_policy_with_a_rule_that_the_bound_ports_driver_cannot_do_is_refused(neutron: Neutron) -> None:
    network = neutron.vlan_network()
    port = neutron.port(network, neutron.nova, **{"binding:vnic_type": "direct", "binding:host_id": "cn1"})
    assert port["binding:vif_type"] == "hw_veb"
    good, bad = policy(neutron)["id"], policy(neutron)["id"]
    add(neutron, good, "bandwidth_limit", max_kbps=5000)
    add(neutron, bad, "bandwidth_limit", max_kbps=5000, direction="ingress")
    assert neutron.change("port", port["id"], neutron.admin, qos_policy_id=good).status == 200
    answer = neutron.change("port", port["id"], neutron.admin, qos_policy_id=bad)
    assert refusal(answer) == (409, "QosRuleNotSupported")
    assert answer.body["NeutronError"]["message"] == (
        f"Rule bandwidth_limit is not supported by port {port['id']} "
        "(its mechanism driver sriovnicswitch supports it for egress)"
    )
    mark = {"dscp_marking_rule": {"dscp_mark": 26}}
    answer = neutron.admin.post(f"{POLICIES}/{good}/dscp_marking_rules", mark)
    assert refusal(answer) == (409, "QosRuleNotSupported")
    assert len(neutron.admin.get(f"{POLICIES}/{good}").body["policy"]["rules"]) == 1


def test_a_port_that_is_not_bound_takes_any_policy(neutron: Neutron) -> None:
    bad = members_policy(neutron)["id"]
    add(neutron, bad, "dscp_marking", dscp_mark=8)
    assert neutron.port(neutron.network(), qos_policy_id=bad)["qos_policy_id"] == bad


@pytest.mark.parametrize("noun", ["network", "port"])
def test_a_policy_that_the_caller_does_not_see_is_not_there_for_its_objects(neutron: Neutron, noun: str) -> None:
    hidden = policy(neutron)["id"]
    usual: dict[str, object] = {} if noun == "network" else {"network_id": neutron.network()["id"]}
    answer = neutron.member.post(f"{BASE}/{noun}s", {noun: {**usual, "qos_policy_id": hidden}})
    assert refusal(answer) == (404, "QosPolicyNotFound")


def test_a_policy_comes_off_with_null(neutron: Neutron) -> None:
    ident = members_policy(neutron)["id"]
    network = neutron.network(qos_policy_id=ident)
    port = neutron.port(network, qos_policy_id=ident)
    assert port["qos_network_policy_id"] == ident
    for noun, row in (("port", port), ("network", network)):
        assert neutron.change(noun, row["id"], qos_policy_id=None).body[noun]["qos_policy_id"] is None
    assert neutron.admin.delete(f"{POLICIES}/{ident}").status == 204


def test_a_ports_minimums_are_requested_in_placements_words(neutron: Neutron) -> None:
    ident = policy(neutron)["id"]
    egress = add(neutron, ident, "minimum_bandwidth", min_kbps=1000)
    add(neutron, ident, "minimum_packet_rate", min_kpps=7)
    port = neutron.port(neutron.vlan_network(), neutron.admin, qos_policy_id=ident, **{"binding:vnic_type": "direct"})
    bandwidth, packets = port["resource_request"]["request_groups"]
    assert bandwidth["required"] == ["CUSTOM_PHYSNET_PHYSNET1", "CUSTOM_VNIC_TYPE_DIRECT"]
    assert bandwidth["resources"] == {"NET_BW_EGR_KILOBIT_PER_SEC": egress["min_kbps"]}
    assert packets["required"] == ["CUSTOM_VNIC_TYPE_DIRECT"]
    assert packets["resources"] == {"NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC": 7}
    assert port["resource_request"]["same_subtree"] == [bandwidth["id"], packets["id"]]
    assert neutron.show("port", port["id"], neutron.admin)["resource_request"] == port["resource_request"]


# --- rule types -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("caller", ["admin", "member", "reader"])
def test_rule_types_are_what_the_drivers_support(neutron: Neutron, caller: str) -> None:
    answer = getattr(neutron, caller).get(f"{BASE}/qos/rule-types")
    assert answer.body == {"rule_types": [{"type": "bandwidth_limit"}, {"type": "minimum_bandwidth"}]}


def test_rule_types_can_be_all_that_there_are(neutron: Neutron) -> None:
    answer = neutron.member.get(f"{BASE}/qos/rule-types?all_rules=true")
    assert {row["type"] for row in answer.body["rule_types"]} == set(KINDS)
    assert neutron.member.get(f"{BASE}/qos/rule-types?colour=red").status == 400


def test_a_rule_type_says_which_driver_supports_what(neutron: Neutron) -> None:
    shown = neutron.admin.get(f"{BASE}/qos/rule-types/bandwidth_limit").body["rule_type"]
    numbers = {"parameter_type": "range", "parameter_values": {"start": 0, "end": 2_147_483_647}}
    assert shown == {
        "type": "bandwidth_limit",
        "drivers": [
            {
                "name": "sriovnicswitch",
                "supported_parameters": [
                    {"parameter_name": "max_kbps", **numbers},
                    {"parameter_name": "max_burst_kbps", **numbers},
                    {"parameter_name": "direction", "parameter_type": "choices", "parameter_values": ["egress"]},
                ],
            }
        ],
    }


def test_details_of_a_rule_type_are_for_admins(neutron: Neutron) -> None:
    assert refusal(neutron.member.get(f"{BASE}/qos/rule-types/bandwidth_limit")) == (403, "NotAuthorized")
    assert neutron.admin.get(f"{BASE}/qos/rule-types/colour").status == 404
