"""Security groups and their rules: kept and shown as Neutron does, with a ``default`` that is always there."""

from typing import Any

import pytest

from mooring.testing.in_process import Answer, InProcessClient
from tests.api.network.neutron import BASE, ZERO, Neutron

GROUPS, RULES = f"{BASE}/security-groups", f"{BASE}/security-group-rules"


def group(neutron: Neutron, who: InProcessClient | None = None, **attributes: object) -> dict[str, Any]:
    answer = (who or neutron.member).post(GROUPS, {"security_group": {"name": "web", **attributes}})
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.body["security_group"]
    return found


def add_rule(neutron: Neutron, group_id: str, who: InProcessClient | None = None, **attributes: object) -> Answer:
    body = {"security_group_id": group_id, "direction": "ingress", **attributes}
    return (who or neutron.member).post(RULES, {"security_group_rule": body})


def default_of(who: InProcessClient) -> dict[str, Any]:
    (found,) = who.get(f"{GROUPS}?name=default").body["security_groups"]
    assert isinstance(found, dict)
    return found


def kind(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["NeutronError"]["type"]


def test_default_group_is_made_at_the_first_look_even_a_readers(neutron: Neutron) -> None:
    (found,) = neutron.reader.get(GROUPS).body["security_groups"]
    assert (found["name"], found["description"], found["stateful"]) == ("default", "Default security group", True)
    rules = {(r["direction"], r["ethertype"], r["remote_group_id"]) for r in found["security_group_rules"]}
    assert rules == {
        ("ingress", "IPv4", found["id"]), ("ingress", "IPv6", found["id"]), ("egress", "IPv4", None),
        ("egress", "IPv6", None),
    }  # fmt: skip
    assert [each["id"] for each in neutron.member.get(GROUPS).body["security_groups"]] == [found["id"]]
    assert neutron.events().count("security_group.created") == 1
    assert len(neutron.other.get(RULES).body["security_group_rules"]) == 4


def test_admin_looks_for_the_groups_of_a_project_and_finds_its_default(neutron: Neutron) -> None:
    project = neutron.project(neutron.member)
    (found,) = neutron.admin.get(f"{GROUPS}?project_id={project}").body["security_groups"]
    assert (found["name"], found["project_id"]) == ("default", project)
    assert neutron.admin.get(f"{GROUPS}?project_id=nobody").body == {"security_groups": []}


def test_new_group_lets_everything_out_and_goes_with_its_rules(neutron: Neutron) -> None:
    made = group(neutron, description="d", tags=["t"])
    assert {(r["direction"], r["ethertype"]) for r in made["security_group_rules"]} == {
        ("egress", "IPv4"), ("egress", "IPv6"),
    }  # fmt: skip
    assert (made["revision_number"], made["tags"], made["shared"]) == (1, ["t"], False)
    rule = add_rule(neutron, made["id"], protocol="tcp").body["security_group_rule"]
    shown = neutron.member.get(f"{GROUPS}/{made['id']}").body["security_group"]
    assert rule in shown["security_group_rules"]
    assert shown["revision_number"] == 2, "its rules are part of it"
    assert neutron.member.delete(f"{GROUPS}/{made['id']}").status == 204
    assert kind(neutron.member.get(f"{RULES}/{rule['id']}")) == (404, "SecurityGroupRuleNotFound")
    answer = neutron.member.get(f"{GROUPS}/{made['id']}")
    assert kind(answer) == (404, "SecurityGroupNotFound")
    assert answer.body["NeutronError"]["message"] == f"Security group {made['id']} does not exist"


@pytest.mark.parametrize(
    ("method", "body", "answer"),
    [
        ("POST", {"name": "default"}, (409, "SecurityGroupDefaultAlreadyExists")),
        ("POST", {"name": "DEFAULT"}, (409, "SecurityGroupDefaultAlreadyExists")),
        ("POST", {"name": "x" * 256}, (400, "HTTPBadRequest")),
        ("POST", {"name": True}, (400, "HTTPBadRequest")),
        ("POST", {"shared": True}, (400, "HTTPBadRequest")),
        ("POST", {"security_group_rules": []}, (400, "HTTPBadRequest")),
        ("PUT", {"name": "test"}, (409, "SecurityGroupCannotUpdateDefault")),
        ("PUT", {"name": "default"}, (409, "SecurityGroupDefaultAlreadyExists")),
        ("DELETE", None, (409, "SecurityGroupCannotRemoveDefault")),
    ],
)
def test_default_group_is_one_and_stays(
    neutron: Neutron, method: str, body: dict[str, object] | None, answer: tuple[int, str]
) -> None:
    path = GROUPS if method == "POST" else f"{GROUPS}/{default_of(neutron.member)['id']}"
    sent = None if body is None else {"security_group": body}
    assert kind(neutron.member.send(method, path, sent)) == answer


def test_default_group_takes_a_description_and_comes_back_after_an_admin_deleted_it(neutron: Neutron) -> None:
    found = default_of(neutron.member)
    path = f"{GROUPS}/{found['id']}"
    answer = neutron.member.put(path, {"security_group": {"description": "ours"}})
    assert answer.body["security_group"]["description"] == "ours"
    assert neutron.admin.delete(path).status == 204
    assert default_of(neutron.member)["id"] != found["id"]


@pytest.mark.parametrize(
    ("attributes", "answer"),
    [
        ({"security_group_id": ZERO}, (404, "SecurityGroupNotFound")),
        ({"remote_group_id": "bad_group_id"}, (404, "SecurityGroupNotFound")),
        ({"remote_group_id": ZERO}, (404, "SecurityGroupNotFound")),
        ({"direction": "sideways"}, (400, "HTTPBadRequest")),
        ({"protocol": "bogus"}, (400, "SecurityGroupRuleInvalidProtocol")),
        ({"protocol": {}}, (400, "SecurityGroupRuleInvalidProtocol")),
        ({"ethertype": "IPv5"}, (400, "SecurityGroupRuleInvalidEtherType")),
        ({"protocol": "tcp", "port_range_min": -16, "port_range_max": 80}, (400, "SecurityGroupInvalidPortValue")),
        ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 79}, (400, "SecurityGroupInvalidPortRange")),
        ({"remote_ip_prefix": "bad"}, (400, "InvalidCIDR")),
        ({"remote_ip_prefix": "::/0"}, (400, "SecurityGroupRuleParameterConflict")),
        ({"remote_address_group_id": ZERO}, (400, "HTTPBadRequest")),
        ({"normalized_cidr": "10.0.0.0/8"}, (400, "HTTPBadRequest")),
        ({"bogus": 1}, (400, "HTTPBadRequest")),
    ],
)
def test_rule_that_cannot_be_is_refused_by_name_and_changes_nothing(
    neutron: Neutron, attributes: dict[str, Any], answer: tuple[int, str]
) -> None:
    made = group(neutron)
    before = neutron.dump()
    assert kind(add_rule(neutron, made["id"], **attributes)) == answer
    assert neutron.dump() == before


def test_rule_is_shown_with_its_prefix_as_given_and_normal(neutron: Neutron) -> None:
    made = group(neutron)
    rule = add_rule(neutron, made["id"], remote_ip_prefix="10.0.0.34/24", protocol=17).body["security_group_rule"]
    assert (rule["remote_ip_prefix"], rule["normalized_cidr"]) == ("10.0.0.34/24", "10.0.0.0/24")
    assert (rule["protocol"], rule["ethertype"], rule["revision_number"]) == ("17", "IPv4", 0)
    assert neutron.member.get(f"{RULES}/{rule['id']}").body == {"security_group_rule": rule}


def test_rule_that_is_there_is_a_conflict_alone_and_in_a_bulk(neutron: Neutron) -> None:
    made = group(neutron)
    wanted = {"security_group_id": made["id"], "direction": "ingress", "protocol": "tcp"}
    assert kind(neutron.member.post(RULES, {"security_group_rules": [wanted, wanted]})) == (
        409, "DuplicateSecurityGroupRuleInPost",
    )  # fmt: skip
    bulk = neutron.member.post(
        RULES, {"security_group_rules": [wanted, {"security_group_rule": {**wanted, "protocol": "udp"}}]}
    )
    assert [rule["protocol"] for rule in bulk.body["security_group_rules"]] == ["tcp", "udp"]
    answer = add_rule(neutron, made["id"], protocol="6")
    assert kind(answer) == (409, "SecurityGroupRuleExists")
    assert bulk.body["security_group_rules"][0]["id"] in answer.body["NeutronError"]["message"]
    other = group(neutron)["id"]
    mixed = [wanted, {**wanted, "security_group_id": other}]
    assert kind(neutron.member.post(RULES, {"security_group_rules": mixed})) == (
        400,
        "SecurityGroupNotSingleGroupRules",
    )
    nonsense: list[Any] = [[], {}, [5]]
    for body in nonsense:
        assert neutron.member.post(RULES, {"security_group_rules": body}).status == 400


def test_bulk_of_groups_is_made_at_once_or_not_at_all(neutron: Neutron) -> None:
    bodies = [{"name": f"g{n}"} for n in range(11)]
    answer = neutron.member.post(GROUPS, {"security_groups": bodies})
    assert kind(answer) == (409, "OverQuota"), "ten are a project's, its default among them"
    assert neutron.member.get(f"{GROUPS}?name=g0").body == {"security_groups": []}
    assert len(neutron.member.post(GROUPS, {"security_groups": bodies[:2]}).body["security_groups"]) == 2


def test_rules_are_counted_against_their_quota(neutron: Neutron) -> None:
    project, made = neutron.project(neutron.member), group(neutron)
    used = len(neutron.member.get(RULES).body["security_group_rules"])
    neutron.admin.put(f"{BASE}/quotas/{project}", {"quota": {"security_group_rule": used + 1}})
    assert add_rule(neutron, made["id"], protocol="tcp").status == 201
    assert kind(add_rule(neutron, made["id"], protocol="udp")) == (409, "OverQuota")
    assert kind(neutron.member.post(GROUPS, {"security_group": {}})) == (409, "OverQuota"), "a group has two rules"


def test_another_projects_groups_and_rules_are_not_there(neutron: Neutron) -> None:
    made = group(neutron)
    rule = add_rule(neutron, made["id"], protocol="tcp").body["security_group_rule"]
    other = neutron.other
    assert kind(other.get(f"{GROUPS}/{made['id']}")) == (404, "SecurityGroupNotFound")
    assert kind(other.get(f"{RULES}/{rule['id']}")) == (404, "SecurityGroupRuleNotFound")
    assert kind(add_rule(neutron, made["id"], other)) == (404, "SecurityGroupNotFound")
    for method in ("PUT", "DELETE"):
        assert other.send(method, f"{GROUPS}/{made['id']}", {"security_group": {"name": "x"}}).status == 404
    assert other.delete(f"{RULES}/{rule['id']}").status == 404
    assert rule["id"] not in [each["id"] for each in other.get(RULES).body["security_group_rules"]]
    assert neutron.reader.delete(f"{GROUPS}/{made['id']}").status == 403


def test_admins_rule_in_a_members_group_is_the_members_to_see(neutron: Neutron) -> None:
    made = group(neutron)
    rule = add_rule(neutron, made["id"], neutron.admin, protocol="tcp").body["security_group_rule"]
    assert rule["project_id"] != made["project_id"]
    assert rule["id"] in [each["id"] for each in neutron.member.get(RULES).body["security_group_rules"]]
    query = f"{RULES}?security_group_id={made['id']}&protocol=TCP"
    assert [each["id"] for each in neutron.member.get(query).body["security_group_rules"]] == [rule["id"]]


def test_shared_group_is_used_and_not_changed(neutron: Neutron) -> None:
    made = group(neutron, neutron.admin)
    target = neutron.project(neutron.member)
    policy = {
        "object_type": "security_group",
        "object_id": made["id"],
        "action": "access_as_shared",
        "target_tenant": target,
    }
    assert neutron.admin.post(f"{BASE}/rbac-policies", {"rbac_policy": policy}).status == 201
    shown = neutron.member.get(f"{GROUPS}/{made['id']}").body["security_group"]
    assert shown["shared"] is True
    assert neutron.member.put(f"{GROUPS}/{made['id']}", {"security_group": {"name": "x"}}).status == 403
    assert neutron.member.delete(f"{GROUPS}/{made['id']}").status == 403
    port = neutron.port(neutron.network(), security_groups=[made["id"]])
    assert port["security_groups"] == [made["id"]]


def test_group_of_a_port_stays_and_keeps_its_kind(neutron: Neutron) -> None:
    stateful, stateless = group(neutron), group(neutron, stateful=False)
    network = neutron.network()
    port = neutron.port(network, security_groups=[stateful["id"]])
    path = f"{GROUPS}/{stateful['id']}"
    assert kind(neutron.member.delete(path)) == (409, "SecurityGroupInUse")
    assert kind(neutron.member.put(path, {"security_group": {"stateful": False}})) == (409, "SecurityGroupInUse")
    both = [stateful["id"], stateless["id"]]
    assert kind(neutron.change("port", port["id"], security_groups=both)) == (409, "SecurityGroupConflict")
    body = {"port": {"network_id": network["id"], "security_groups": both}}
    assert kind(neutron.member.post(f"{BASE}/ports", body)) == (409, "SecurityGroupConflict")
    assert neutron.change("port", port["id"], security_groups=[]).body["port"]["security_groups"] == []
    assert neutron.member.put(path, {"security_group": {"stateful": False}}).body["security_group"]["stateful"] is False
    assert neutron.member.delete(path).status == 204


def test_lists_of_groups_are_filtered_sorted_and_cut_into_pages(neutron: Neutron) -> None:
    made = [group(neutron, name=name)["id"] for name in ("b", "a", "c")]
    listed = neutron.member.get(f"{GROUPS}?sort_key=name&sort_dir=desc&fields=name").body["security_groups"]
    assert [each["name"] for each in listed] == ["default", "c", "b", "a"]
    page = neutron.member.get(f"{GROUPS}?sort_key=name&sort_dir=asc&limit=2").body
    assert [each["id"] for each in page["security_groups"]] == [made[1], made[0]]
    assert page["security_groups_links"][0]["rel"] == "next"
    assert neutron.member.get(f"{GROUPS}?stateful=false").body == {"security_groups": []}
    assert neutron.member.get(f"{GROUPS}?bogus=1").status == 400
    for key in ("port_range_min", "protocol", "remote_ip_prefix"):
        assert neutron.member.get(f"{RULES}?sort_key={key}&sort_dir=desc&limit=3").status == 200


def test_groups_and_rules_have_tags(neutron: Neutron) -> None:
    made = group(neutron)
    rule = made["security_group_rules"][0]
    for path in (f"{GROUPS}/{made['id']}", f"{RULES}/{rule['id']}"):
        assert neutron.member.put(f"{path}/tags", {"tags": ["a", "b"]}).body == {"tags": ["a", "b"]}
        assert neutron.member.delete(f"{path}/tags/a").status == 204
        assert neutron.member.get(f"{path}/tags").body == {"tags": ["b"]}


def test_rule_of_members_goes_with_the_group_whose_members_it_lets_in(neutron: Neutron) -> None:
    made, other = group(neutron), group(neutron)
    rule = add_rule(neutron, made["id"], remote_group_id=other["id"]).body["security_group_rule"]
    assert neutron.member.delete(f"{GROUPS}/{other['id']}").status == 204
    assert neutron.member.get(f"{RULES}/{rule['id']}").status == 404
