"""Server groups and scheduler hints: made, shown in each version's shape, joined, obeyed, left and deleted."""

from collections import Counter
from typing import Any

import pytest

from mooring.model.server import GroupPolicy, ServerGroup
from mooring.service.server_groups import MEMBERS_MAX, SERVER_GROUPS_MAX
from mooring.store.server_groups import SERVER_GROUPS
from mooring.store.tx import Tx
from mooring.testing.in_process import Answer
from tests.api.compute.cloud import BASE, HOSTS, Compute, at

GROUPS = f"{BASE}/os-server-groups"
UNKNOWN = "00000000-0000-0000-0000-000000000000"
NAMED = {"name": "web", "policy": "anti-affinity"}


def send(compute: Compute, method: str, path: str = "", body: object = None, version: str = "2.96") -> Answer:
    return compute.member.send(method, f"{GROUPS}{path}", body, at(version))


def make(compute: Compute, policy: str = "anti-affinity", **rules: int) -> str:
    said = {"name": "web", "policy": policy, **({"rules": rules} if rules else {})}
    answer = send(compute, "POST", body={"server_group": said})
    assert answer.status == 200, answer.body
    return str(answer.body["server_group"]["id"])


def show(compute: Compute, group: str) -> dict[str, Any]:
    answer = send(compute, "GET", f"/{group}")
    assert answer.status == 200, answer.body
    shown: dict[str, Any] = answer.body["server_group"]
    return shown


def names(compute: Compute, query: str = "", *, as_admin: bool = False) -> list[str]:
    who = compute.admin if as_admin else compute.member
    answer = who.send("GET", f"{GROUPS}{query}", headers=at("2.96"))
    assert answer.status == 200, answer.body
    return [group["name"] for group in answer.body["server_groups"]]


def create(compute: Compute, hints: dict[str, Any], name: str = "vm", key: str = "os:scheduler_hints") -> Answer:
    body = {**compute.body(name, networks="none"), key: hints}
    return compute.member.send("POST", f"{BASE}/servers", body, at("2.100"))


def boot(compute: Compute, hints: dict[str, Any], name: str = "vm") -> dict[str, Any]:
    answer = create(compute, hints, name)
    assert answer.status == 202, answer.body
    compute.cloud.settle()
    return compute.show(answer.body["server"]["id"], "2.100", as_admin=True)


def host(server: dict[str, Any]) -> str:
    return str(server["OS-EXT-SRV-ATTR:host"])


def message(answer: Answer, status: int) -> str:
    assert answer.status == status, answer.body
    (fault,) = answer.body.values()
    return str(fault["message"])


@pytest.mark.parametrize(
    ("version", "said", "shown"),
    [
        ("2.1", {"policies": ["affinity"]}, {"policies": ["affinity"], "metadata": {}}),
        ("2.13", {"policies": ["anti-affinity"]}, {"policies": ["anti-affinity"], "metadata": {}, "owned": True}),
        ("2.15", {"policies": ["soft-affinity"]}, {"policies": ["soft-affinity"], "metadata": {}, "owned": True}),
        (
            "2.63",
            {"policies": ["soft-anti-affinity"]},
            {"policies": ["soft-anti-affinity"], "metadata": {}, "owned": 1},
        ),
        ("2.64", {"policy": "affinity"}, {"policy": "affinity", "rules": {}, "owned": True}),
        ("2.64", {"policy": "soft-affinity", "rules": {}}, {"policy": "soft-affinity", "rules": {}, "owned": True}),
        (
            "2.100",
            {"policy": "anti-affinity", "rules": {"max_server_per_host": "3"}},
            {"policy": "anti-affinity", "rules": {"max_server_per_host": 3}, "owned": True},
        ),
    ],
)
def test_each_version_has_its_shape(
    compute: Compute, version: str, said: dict[str, Any], shown: dict[str, Any]
) -> None:
    made = send(compute, "POST", body={"server_group": {"name": "web", **said}}, version=version)
    assert made.status == 200, made.body
    group = made.body["server_group"]
    wanted: dict[str, Any] = {"id": group["id"], "name": "web", "members": [], **shown}
    if wanted.pop("owned", False):
        wanted |= {"project_id": compute.project, "user_id": group["user_id"]}
    assert group == wanted
    assert send(compute, "GET", f"/{group['id']}", version=version).body["server_group"] == group
    assert send(compute, "GET", version=version).body["server_groups"] == [group]


@pytest.mark.parametrize(
    ("version", "said", "words"),
    [
        ("2.64", {}, "'name' is a required property"),
        ("2.64", {"name": "web"}, "'policy' is a required property"),
        ("2.63", {"name": "web"}, "'policies' is a required property"),
        ("2.63", {**NAMED, "policies": ["affinity"]}, "'policy' was unexpected"),
        ("2.64", {**NAMED, "policies": ["affinity"]}, "'policies' was unexpected"),
        ("2.63", {"name": "web", "policies": ["affinity"], "rules": {}}, "'rules' was unexpected"),
        ("2.14", {"name": "web", "policies": ["soft-affinity"]}, "'soft-affinity' is not one of"),
        ("2.15", {"name": "web", "policies": ["legacy"]}, "'legacy' is not one of"),
        ("2.15", {"name": "web", "policies": []}, "should be non-empty"),
        ("2.15", {"name": "web", "policies": ["affinity", "anti-affinity"]}, "is too long"),
        ("2.15", {"name": "web", "policies": "affinity"}, "is not of type 'array'"),
        ("2.64", {"name": "web", "policy": "near"}, "'near' is not one of"),
        ("2.64", {"name": "web", "policy": 1}, "1 is not one of"),
        ("2.64", {"name": " web", "policy": "affinity"}, "Can not start or end with whitespace"),
        ("2.64", {"name": "", "policy": "affinity"}, "should be non-empty"),
        ("2.64", {"name": "w" * 256, "policy": "affinity"}, "is too long"),
        ("2.64", {**NAMED, "rules": {"max_server_per_host": 0}}, "0 is less than the minimum of 1"),
        ("2.64", {**NAMED, "rules": {"max_server_per_host": -1}}, "-1 is less than"),
        ("2.64", {**NAMED, "rules": {"max_server_per_host": True}}, "Value: True"),
        ("2.64", {**NAMED, "rules": {"max_server_per_host": "x"}}, "does not match"),
        ("2.64", {**NAMED, "rules": {"max_server_per_host": 2**31}}, "greater than the maximum"),
        ("2.64", {**NAMED, "rules": {"more": 1}}, "'more' was unexpected"),
        ("2.64", {**NAMED, "rules": []}, "is not of type 'object'"),
        ("2.64", {"name": "web", "policy": "affinity", "rules": {"max_server_per_host": 1}}, "Only anti-affinity"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_a_wrong_group_is_refused_by_field_and_value(
    quiet: Compute, version: str, said: dict[str, Any], words: str
) -> None:
    assert words in message(send(quiet, "POST", body={"server_group": said}, version=version), 400)
    assert names(quiet) == []


def test_a_list_has_pages_and_only_the_project_s_own(compute: Compute) -> None:
    for name in ("a", "b", "c"):
        send(compute, "POST", body={"server_group": {**NAMED, "name": name}})
        compute.clock.advance(1)
    compute.admin.send("POST", GROUPS, {"server_group": {**NAMED, "name": "admins"}}, at("2.64"))
    assert names(compute) == ["a", "b", "c"]
    assert names(compute, "?limit=2") == ["a", "b"]
    assert names(compute, "?limit=2&offset=2") == ["c"]
    assert names(compute, "?limit=0") == ["a", "b", "c"]
    assert names(compute, "?offset=9") == []
    last = send(compute, "GET", "?limit=1&offset=1").body["server_groups"][0]["id"]
    assert names(compute, f"?limit=2&marker={last}") == ["c"]
    assert names(compute, "?all_projects=True") == ["a", "b", "c"]
    assert names(compute, as_admin=True) == ["admins"]
    assert sorted(names(compute, "?all_projects", as_admin=True)) == ["a", "admins", "b", "c"]


@pytest.mark.parametrize("query", ["?limit=x", "?limit=-1", "?offset=-1", "?offset=x", "?marker=nope", "?name=web"])
def test_a_query_that_is_not_understood_is_refused(quiet: Compute, query: str) -> None:
    message(send(quiet, "GET", query), 400)


def test_a_group_of_another_project_does_not_exist(compute: Compute) -> None:
    group = make(compute)
    stranger = compute.nobody.member("other")
    for method in ("GET", "DELETE"):
        answer = stranger.send(method, f"{GROUPS}/{group}")
        assert message(answer, 404) == f"Instance group {group} could not be found."
    body = {**compute.body(networks="none"), "os:scheduler_hints": {"group": group}}
    for who in (stranger, compute.admin):
        answer = who.send("POST", f"{BASE}/servers", body, at("2.96"))
        assert answer.status == 400
    assert compute.admin.send("GET", f"{GROUPS}/{group}").status == 200
    assert show(compute, group)["members"] == []


def test_a_reader_reads_and_makes_nothing(compute: Compute) -> None:
    group = make(compute)
    reader = compute.nobody.member("demo", ("reader",), "demo-reader")
    assert reader.get(f"{GROUPS}/{group}").status == 200
    assert reader.get(GROUPS).status == 200
    assert reader.post(GROUPS, {"server_group": NAMED}).status == 403
    assert reader.delete(f"{GROUPS}/{group}").status == 403


def test_servers_of_an_anti_affinity_group_have_a_host_each(trio: Compute) -> None:
    group = make(trio)
    servers = [boot(trio, {"group": group}, f"vm{number}") for number in range(4)]
    assert sorted(host(server) for server in servers[:3]) == list(HOSTS)
    assert servers[3]["status"] == "ERROR"
    assert "3 have 1 of at most 1 servers of the anti-affinity group" in servers[3]["fault"]["message"]
    assert show(trio, group)["members"] == sorted(server["id"] for server in servers)
    assert {tuple(server["server_groups"]) for server in servers} == {(group,)}
    assert servers[0]["scheduler_hints"] == {"group": [group]}


def test_a_rule_lets_an_anti_affinity_group_have_more_on_a_host(trio: Compute) -> None:
    group = make(trio, max_server_per_host=2)
    servers = [boot(trio, {"group": group}, f"vm{number}") for number in range(7)]
    assert Counter(host(server) for server in servers[:6]) == dict.fromkeys(HOSTS, 2)
    assert servers[6]["status"] == "ERROR"


def test_servers_of_an_affinity_group_share_a_host(trio: Compute) -> None:
    group = make(trio, "affinity")
    servers = [boot(trio, {"group": group}, f"vm{number}") for number in range(3)]
    assert len({host(server) for server in servers}) == 1
    trio.admin.send("PUT", f"{BASE}/os-services/disable", {"host": host(servers[0]), "binary": "nova-compute"})
    late = boot(trio, {"group": group}, "late")
    assert late["status"] == "ERROR"
    assert "no server of the affinity group, which is elsewhere" in late["fault"]["message"]


@pytest.mark.parametrize(("policy", "hosts"), [("soft-affinity", 1), ("soft-anti-affinity", 3)])
def test_a_soft_policy_is_kept_while_it_can_be(trio: Compute, policy: str, hosts: int) -> None:
    group = make(trio, policy)
    servers = [boot(trio, {"group": group}, f"vm{number}") for number in range(4)]
    assert {server["status"] for server in servers} == {"ACTIVE"}
    assert len({host(server) for server in servers}) == hosts


def test_a_deleted_group_lets_its_servers_go_on(trio: Compute) -> None:
    group = make(trio)
    server = boot(trio, {"group": group})
    assert send(trio, "DELETE", f"/{group}").status == 204
    assert message(send(trio, "GET", f"/{group}"), 404) == f"Instance group {group} could not be found."
    shown = trio.show(server["id"], "2.100")
    assert (shown["status"], shown["server_groups"]) == ("ACTIVE", [])
    assert shown["scheduler_hints"] == {"group": [group]}
    assert trio.told("server-group") == [
        ("server-group.created", {"name": "web", "policy": "anti-affinity"}),
        ("server-group.deleted", {"name": "web", "policy": "anti-affinity"}),
    ]


def test_a_deleted_server_leaves_its_group_and_makes_room(compute: Compute) -> None:
    group = make(compute)
    first = boot(compute, {"group": group})
    assert boot(compute, {"group": group}, "second")["status"] == "ERROR"
    compute.member.delete(f"{BASE}/servers/{first['id']}")
    compute.cloud.settle()
    third = boot(compute, {"group": group}, "third")
    assert third["status"] == "ACTIVE"
    assert third["id"] in show(compute, group)["members"]
    assert first["id"] not in show(compute, group)["members"]


def test_groups_are_shown_from_2_71_on_and_not_in_lists(compute: Compute) -> None:
    group = make(compute)
    server = boot(compute, {"group": group})["id"]
    assert "server_groups" not in compute.show(server, "2.70")
    assert compute.show(server, "2.71")["server_groups"] == [group]
    (listed,) = compute.member.send("GET", f"{BASE}/servers/detail", headers=at("2.100")).body["servers"]
    assert "server_groups" not in listed
    assert listed["scheduler_hints"] == {"group": [group]}
    renamed = compute.member.send("PUT", f"{BASE}/servers/{server}", {"server": {"name": "new"}}, at("2.71"))
    assert renamed.body["server"]["server_groups"] == [group]


def test_hints_put_a_server_beside_others_and_apart_from_others(trio: Compute) -> None:
    first = boot(trio, {})
    second = boot(trio, {"different_host": first["id"]}, "second")
    third = boot(trio, {"different_host": [first["id"], second["id"]]}, "third")
    assert sorted(map(host, (first, second, third))) == list(HOSTS)
    assert third["scheduler_hints"] == {"different_host": [first["id"], second["id"]]}
    beside = boot(trio, {"same_host": [second["id"]]}, "beside")
    assert host(beside) == host(second)
    nowhere = boot(trio, {"different_host": [first["id"], second["id"], third["id"]]}, "nowhere")
    assert (nowhere["status"], "a server that it is not to be beside" in nowhere["fault"]["message"]) == ("ERROR", True)
    lost = boot(trio, {"same_host": nowhere["id"]}, "lost")
    assert "3 have none of the servers that it is to be beside" in lost["fault"]["message"]


def test_hints_are_taken_under_their_old_name(compute: Compute) -> None:
    group = make(compute)
    answer = create(compute, {"group": group}, key="OS-SCH-HNT:scheduler_hints")
    assert show(compute, group)["members"] == [answer.body["server"]["id"]]


def test_another_project_s_server_is_no_neighbour(compute: Compute) -> None:
    server = boot(compute, {})["id"]
    body = {**compute.body(networks="none"), "os:scheduler_hints": {"same_host": server}}
    stranger = compute.nobody.member("other")
    body["server"] = {**compute.body(networks="none")["server"], "imageRef": ""}  # type: ignore[dict-item]  # an object
    answer = stranger.send("POST", f"{BASE}/servers", body, at("2.96"))
    assert f"Instance {server} of scheduler hint same_host could not be found." in message(answer, 400)


def test_a_project_has_so_many_groups_and_a_group_so_many_members(compute: Compute) -> None:
    def fill(tx: Tx) -> None:
        for number in range(SERVER_GROUPS_MAX):
            group = ServerGroup(f"g{number}", "g", compute.project, "u", tx.now, GroupPolicy.AFFINITY)
            SERVER_GROUPS.insert(tx, group)

    compute.cloud.controller.store.write_now(fill)
    full = send(compute, "POST", body={"server_group": NAMED})
    assert "Quota exceeded, too many server groups." in message(full, 403)
    limits = compute.member.get(f"{BASE}/limits").body["limits"]["absolute"]
    assert (limits["totalServerGroupsUsed"], limits["maxServerGroups"]) == (SERVER_GROUPS_MAX, SERVER_GROUPS_MAX)
    assert limits["maxServerGroupMembers"] == MEMBERS_MAX
