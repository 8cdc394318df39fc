"""Who else may use an object: RBAC policies, and what ``shared`` does beside them."""

from typing import Any

import pytest

from mooring.testing.in_process import Answer, InProcessClient
from tests.api.network.neutron import BASE, Neutron, made

ENTRIES = f"{BASE}/rbac-policies"
POLICIES = f"{BASE}/qos/policies"
ZERO = "00000000-0000-0000-0000-000000000000"
EVERYBODY = "*"


def share(
    neutron: Neutron, object_id: str, target: str, who: InProcessClient | None = None, **more: object
) -> dict[str, Any]:
    return made(ask(neutron, object_id, target, who, **more), "rbac_policy")


def ask(neutron: Neutron, object_id: str, target: str, who: InProcessClient | None = None, **more: object) -> Answer:
    body = {
        "object_type": "network", "object_id": object_id, "action": "access_as_shared", "target_tenant": target, **more,
    }  # fmt: skip
    return (who or neutron.member).post(ENTRIES, {"rbac_policy": body})


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["NeutronError"]["type"]


def test_a_policy_has_neutrons_shape(neutron: Neutron) -> None:
    network, other = neutron.network(), neutron.project(neutron.other)
    shown = share(neutron, network["id"], other)
    owner = network["project_id"]
    assert shown == {
        "id": shown["id"], "project_id": owner, "tenant_id": owner, "object_type": "network",
        "object_id": network["id"], "action": "access_as_shared", "target_tenant": other,
    }  # fmt: skip
    assert neutron.member.get(f"{ENTRIES}/{shown['id']}").body == {"rbac_policy": shown}
    assert neutron.ids(f"networks?id={network['id']}", neutron.other) == [network["id"]]


def test_the_target_sees_the_object_with_its_subnets_and_not_the_policy(neutron: Neutron) -> None:
    network = neutron.network()
    subnet = neutron.subnet(network)
    assert neutron.other.get(f"{BASE}/networks/{network['id']}").status == 404
    entry = share(neutron, network["id"], neutron.project(neutron.other))
    assert neutron.show("network", network["id"], neutron.other)["shared"] is True
    assert neutron.show("network", network["id"], neutron.member)["shared"] is False
    assert neutron.show("subnet", subnet["id"], neutron.other)["id"] == subnet["id"]
    assert neutron.ids("subnets", neutron.other) == [subnet["id"]]
    assert neutron.other.get(ENTRIES).body == {"rbac_policies": []}
    assert refusal(neutron.other.get(f"{ENTRIES}/{entry['id']}")) == (404, "RbacPolicyNotFound")
    assert neutron.member.delete(f"{ENTRIES}/{entry['id']}").status == 204
    assert neutron.other.get(f"{BASE}/networks/{network['id']}").status == 404
    assert neutron.ids("subnets", neutron.other) == []


def test_the_target_makes_ports_and_changes_nothing_of_the_network(neutron: Neutron) -> None:
    network = neutron.network()
    share(neutron, network["id"], neutron.project(neutron.other))
    port = neutron.port(network, neutron.other)
    assert neutron.change("network", network["id"], neutron.other, name="mine").status == 403
    assert neutron.member.delete(f"{BASE}/ports/{port['id']}").status in (204, 404)


def test_a_port_holds_the_policy_that_it_was_made_by(neutron: Neutron) -> None:
    network = neutron.network()
    entry = share(neutron, network["id"], neutron.project(neutron.other))
    port = neutron.port(network, neutron.other)
    path = f"{ENTRIES}/{entry['id']}"
    answer = neutron.member.delete(path)
    assert refusal(answer) == (409, "RbacPolicyInUse")
    assert neutron.project(neutron.other) in answer.body["NeutronError"]["message"]
    moved = {"rbac_policy": {"target_tenant": neutron.project(neutron.admin)}}
    assert refusal(neutron.member.put(path, moved)) == (409, "RbacPolicyInUse")
    wild = share(neutron, network["id"], EVERYBODY, neutron.admin)
    assert neutron.member.delete(path).status == 204
    assert refusal(neutron.admin.delete(f"{ENTRIES}/{wild['id']}")) == (409, "RbacPolicyInUse")
    assert neutron.other.delete(f"{BASE}/ports/{port['id']}").status == 204
    assert neutron.admin.delete(f"{ENTRIES}/{wild['id']}").status == 204


def test_a_policy_for_the_owner_itself_holds_nothing(neutron: Neutron) -> None:
    network = neutron.network()
    entry = share(neutron, network["id"], network["project_id"])
    neutron.port(network)
    assert neutron.member.delete(f"{ENTRIES}/{entry['id']}").status == 204


def test_sharing_again_is_a_conflict(neutron: Neutron) -> None:
    network, other = neutron.network(), neutron.project(neutron.other)
    share(neutron, network["id"], other)
    assert refusal(ask(neutron, network["id"], other)) == (409, "DuplicateRbacPolicy")
    second = share(neutron, network["id"], neutron.project(neutron.admin))
    change = {"rbac_policy": {"target_tenant": other}}
    assert refusal(neutron.member.put(f"{ENTRIES}/{second['id']}", change)) == (409, "DuplicateRbacPolicy")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_only_an_admin_shares_with_everybody(neutron: Neutron, method: str) -> None:
    network = neutron.network()
    if method == "POST":
        answer = ask(neutron, network["id"], EVERYBODY)
    else:
        entry = share(neutron, network["id"], neutron.project(neutron.other))
        answer = neutron.member.put(f"{ENTRIES}/{entry['id']}", {"rbac_policy": {"target_tenant": EVERYBODY}})
    assert refusal(answer) == (403, "PolicyNotAuthorized")


def test_nobody_shares_what_is_not_its_own(neutron: Neutron) -> None:
    network = neutron.network()
    assert refusal(ask(neutron, network["id"], neutron.project(neutron.other), neutron.other)) == (400, "InvalidInput")
    assert ask(neutron, ZERO, EVERYBODY, neutron.admin).status == 404


@pytest.mark.parametrize(
    "more",
    [
        {"object_type": "router"},
        {"object_type": 7},
        {"action": "access_as_owner"},
        {"action": None},
        {"action": {}},
        {"action": ["access_as_shared"]},
        {"object_type": {}},
        {"target_tenant": None},
        {"target_tenant": "1234" * 100},
        {"target_tenant": "demo"},
        {"target_tenant": ["*"]},
        {"object_id": "net"},
        {"object_type": "qos_policy", "action": "access_as_external"},
        {"colour": "red"},
    ],
)
def test_a_policy_of_another_form_is_a_bad_request(neutron: Neutron, more: dict[str, object]) -> None:
    body = {
        "object_type": "network", "object_id": neutron.network()["id"], "action": "access_as_shared",
        "target_tenant": EVERYBODY, **more,
    }  # fmt: skip
    assert neutron.admin.post(ENTRIES, {"rbac_policy": body}).status == 400


def test_everybodys_policy_and_the_attribute_shared_are_one(neutron: Neutron) -> None:
    network = neutron.network(neutron.admin)
    subnet = neutron.subnet(network)
    assert neutron.change("network", network["id"], neutron.admin, shared=True).status == 200
    (entry,) = neutron.admin.get(f"{ENTRIES}?object_id={network['id']}").body["rbac_policies"]
    assert (entry["target_tenant"], entry["project_id"]) == (EVERYBODY, network["project_id"])
    assert neutron.admin.delete(f"{ENTRIES}/{entry['id']}").status == 204
    assert neutron.show("network", network["id"])["shared"] is False
    assert neutron.ids("networks?shared=true", neutron.admin) == []
    share(neutron, network["id"], EVERYBODY, neutron.admin)
    assert neutron.show("network", network["id"], neutron.member)["shared"] is True
    assert neutron.ids("networks?shared=true", neutron.member) == [network["id"]]
    assert neutron.ids("subnets?shared=true", neutron.member) == [subnet["id"]]


def test_a_policy_moves_between_projects_and_everybody(neutron: Neutron) -> None:
    network, other = neutron.network(), neutron.project(neutron.other)
    entry = share(neutron, network["id"], other)
    path = f"{ENTRIES}/{entry['id']}"
    assert neutron.admin.put(path, {"rbac_policy": {"target_tenant": EVERYBODY}}).status == 200
    assert neutron.show("network", network["id"], neutron.reader)["shared"] is True
    moved = neutron.admin.put(path, {"rbac_policy": {"target_tenant": other}}).body["rbac_policy"]
    assert moved == entry
    assert neutron.show("network", network["id"], neutron.reader)["shared"] is False


def test_sharing_is_a_new_revision_of_the_network(neutron: Neutron) -> None:
    network = neutron.network()
    before = neutron.show("network", network["id"])["revision_number"]
    share(neutron, network["id"], neutron.project(neutron.other))
    assert neutron.show("network", network["id"])["revision_number"] > before


def test_an_external_network_is_seen_by_all_and_its_subnets_are_not(neutron: Neutron) -> None:
    network = neutron.network(neutron.admin)
    neutron.subnet(network)
    entry = share(neutron, network["id"], EVERYBODY, neutron.admin, action="access_as_external")
    shown = neutron.show("network", network["id"], neutron.member)
    assert (shown["router:external"], shown["shared"]) == (True, False)
    assert neutron.ids("networks", neutron.member) == [network["id"]]
    assert neutron.ids("subnets", neutron.member) == []
    assert neutron.admin.delete(f"{ENTRIES}/{entry['id']}").status == 204
    assert neutron.show("network", network["id"])["router:external"] is False


def test_a_network_is_external_as_long_as_it_is_so_to_somebody(neutron: Neutron) -> None:
    network = neutron.network(neutron.admin)
    other, member = (neutron.project(who) for who in (neutron.other, neutron.member))
    entries = [
        share(neutron, network["id"], each, neutron.admin, action="access_as_external") for each in (other, member)
    ]
    assert neutron.show("network", network["id"])["router:external"] is True
    assert neutron.ids("networks", neutron.other) == [network["id"]]
    assert neutron.admin.delete(f"{ENTRIES}/{entries[1]['id']}").status == 204
    assert neutron.show("network", network["id"])["router:external"] is True
    assert neutron.ids("networks", neutron.member) == []
    assert neutron.member.get(f"{BASE}/networks/{network['id']}").status == 404
    change = neutron.change("network", network["id"], neutron.admin, **{"router:external": False})
    assert change.status == 200
    assert neutron.admin.get(ENTRIES).body == {"rbac_policies": []}


def test_policies_are_listed_by_what_they_say(neutron: Neutron) -> None:
    network = neutron.network()
    first = share(neutron, network["id"], neutron.project(neutron.other))
    second = share(neutron, network["id"], neutron.project(neutron.admin))
    listed = neutron.member.get(f"{ENTRIES}?target_tenant={first['target_tenant']}&fields=id&fields=action").body
    assert listed == {"rbac_policies": [{"id": first["id"], "action": "access_as_shared"}]}
    assert len(neutron.member.get(f"{ENTRIES}?object_type=network").body["rbac_policies"]) == 2
    assert neutron.member.get(f"{ENTRIES}?object_type=qos_policy").body == {"rbac_policies": []}
    page = neutron.member.get(f"{ENTRIES}?limit=1").body["rbac_policies"]
    assert page[0]["id"] == min(first["id"], second["id"])


def test_policies_of_a_deleted_network_are_gone(neutron: Neutron) -> None:
    network = neutron.network()
    entry = share(neutron, network["id"], neutron.project(neutron.other))
    assert neutron.member.delete(f"{BASE}/networks/{network['id']}").status == 204
    assert neutron.admin.get(f"{ENTRIES}/{entry['id']}").status == 404


def test_a_projects_policies_have_a_quota(neutron: Neutron) -> None:
    network = neutron.network()
    answers = [ask(neutron, network["id"], f"{number:032x}") for number in range(11)]
    assert [answer.status for answer in answers] == [201] * 10 + [409]
    assert refusal(answers[-1]) == (409, "OverQuota")


# --- QoS policies ---------------------------------------------------------------------------------------------


def test_a_shared_qos_policy_is_used_by_its_target_and_held_by_what_uses_it(neutron: Neutron) -> None:
    policy = made(neutron.admin.post(POLICIES, {"policy": {"name": "q"}}), "policy")
    entry = share(neutron, policy["id"], neutron.project(neutron.member), neutron.admin, object_type="qos_policy")
    shown = neutron.member.get(f"{POLICIES}/{policy['id']}").body["policy"]
    assert shown["shared"] is True
    assert neutron.other.get(f"{POLICIES}/{policy['id']}").status == 404
    network = neutron.network(qos_policy_id=policy["id"])
    assert refusal(neutron.admin.delete(f"{ENTRIES}/{entry['id']}")) == (409, "RbacPolicyInUse")
    assert neutron.change("network", network["id"], qos_policy_id=None).status == 200
    assert neutron.admin.delete(f"{ENTRIES}/{entry['id']}").status == 204


def test_a_qos_policy_that_others_use_stays_shared(neutron: Neutron) -> None:
    policy = made(neutron.admin.post(POLICIES, {"policy": {"name": "q", "shared": True}}), "policy")
    network = neutron.network(qos_policy_id=policy["id"])
    change = {"policy": {"shared": False}}
    assert refusal(neutron.admin.put(f"{POLICIES}/{policy['id']}", change)) == (409, "RbacPolicyInUse")
    share(neutron, policy["id"], network["project_id"], neutron.admin, object_type="qos_policy")
    assert neutron.admin.put(f"{POLICIES}/{policy['id']}", change).status == 200
    assert neutron.member.get(f"{POLICIES}/{policy['id']}").status == 200
    assert neutron.other.get(f"{POLICIES}/{policy['id']}").status == 404
