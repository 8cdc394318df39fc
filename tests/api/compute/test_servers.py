"""Servers through the API: made in numbers, listed, filtered, renamed, deleted; and what other projects see."""

from typing import Any

import pytest

from mooring.model.port import VnicType
from mooring.store.ports import PORTS
from tests.api.compute.cloud import BASE, HOST, VFS, Compute, at

SERVERS = f"{BASE}/servers"


def listed(compute: Compute, query: str = "", *, as_admin: bool = False) -> list[str]:
    who = compute.admin if as_admin else compute.member
    answer = who.send("GET", f"{SERVERS}{query}", headers=at("2.96"))
    assert answer.status == 200, answer.body
    return [server["name"] for server in answer.body["servers"]]


def boot_at_intervals(compute: Compute, *names: str, **more: Any) -> list[str]:
    made = []
    for name in names:
        made.append(compute.boot(name, networks="none", **more))
        compute.clock.advance(10)
    return made


def test_what_the_command_line_client_sends_is_taken(compute: Compute) -> None:
    disk = {
        "uuid": compute.image, "boot_index": 0, "source_type": "image", "destination_type": "local",
        "delete_on_termination": True,
    }  # fmt: skip
    port = compute.port(VnicType.DIRECT).id
    more = {"min_count": 1, "max_count": 1, "block_device_mapping_v2": [disk], "networks": [{"port": port}]}
    answer = compute.create("cli-vm", "2.100", **more)
    assert answer.status == 202
    compute.cloud.settle()
    assert compute.show(answer.body["server"]["id"], "2.100")["status"] == "ACTIVE"


def test_everything_said_at_the_creation_is_shown(compute: Compute) -> None:
    said: dict[str, Any] = {"description": "mine", "tags": ["a", "b"], "metadata": {"k": "v"}}
    shown = compute.show(compute.boot(**said, security_groups=[{"name": "default"}]), as_admin=True)
    assert {key: shown[key] for key in said} == said


@pytest.mark.parametrize(
    "nic",
    [
        {"net-id": "NET", "v4-fixed-ip": "192.0.2.77", "vnic-type": "sriov"},
        {"uuid": "NET", "fixed_ip": "192.0.2.77", "vnic-type": "direct"},
    ],
)
def test_a_nic_is_understood_in_both_spellings(compute: Compute, nic: dict[str, str]) -> None:
    nic = {key: compute.network if value == "NET" else value for key, value in nic.items()}
    server = compute.boot(networks=[nic])
    assert compute.show(server)["addresses"]["sr1"][0]["addr"] == "192.0.2.77"
    (port,) = compute.member.get(f"{SERVERS}/{server}/os-interface").body["interfaceAttachments"]
    held = compute.cloud.controller.store.read_now(lambda tx: PORTS.get(tx, port["port_id"]))
    assert held is not None
    assert held.binding.vnic_type is VnicType.DIRECT


def test_several_servers_at_once_are_numbered_and_share_a_reservation(compute: Compute) -> None:
    answer = compute.create("many", networks="none", min_count=2, max_count=3, return_reservation_id=True)
    assert answer.status == 202
    assert answer.body.keys() == {"reservation_id"}
    query = f"?reservation_id={answer.body['reservation_id']}&sort_key=display_name&sort_dir=asc"
    assert listed(compute, query) == ["many-1", "many-2", "many-3"]


def test_a_server_without_a_fitting_function_says_why_and_only_admins_hear_where(compute: Compute) -> None:
    nic = [{"uuid": compute.network, "vnic-type": "direct"}]
    for number in range(VFS):
        assert compute.show(compute.boot(f"vm{number}", networks=nic))["status"] == "ACTIVE"
    failed = compute.boot("late", networks=nic)
    shown, admins = compute.show(failed), compute.show(failed, as_admin=True)
    assert shown["status"] == "ERROR"
    assert "no free VF on physnet1 (4 of 4 in use)" in shown["fault"]["message"]
    assert HOST not in str(shown)
    assert HOST in admins["fault"]["details"]
    assert listed(compute, "?status=ERROR") == ["late"]


def test_other_projects_servers_do_not_exist(compute: Compute) -> None:
    server = compute.boot(networks="none")
    stranger = compute.nobody.member("other")
    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", ""), ("POST", "/action"), ("GET", "/os-interface")):
        answer = stranger.send(
            method, f"{SERVERS}/{server}{path}", {"server": {"name": "stolen"}} if method != "GET" else None
        )
        assert answer.status == 404
        assert answer.body["itemNotFound"]["message"] == f"Instance {server} could not be found."
    assert stranger.get(SERVERS).body == {"servers": []}
    assert listed(compute) == ["vm"]


def test_a_reader_reads_and_makes_nothing(compute: Compute) -> None:
    server = compute.boot(networks="none")
    reader = compute.nobody.member("demo", ("reader",), "demo-reader")
    assert reader.get(f"{SERVERS}/{server}").status == 200
    assert reader.post(SERVERS, compute.body()).status == 403
    assert reader.delete(f"{SERVERS}/{server}").status == 403


def test_an_admin_sees_all_projects_when_asked_to(compute: Compute) -> None:
    compute.boot("theirs", networks="none")
    assert listed(compute, as_admin=True) == []
    assert listed(compute, "?all_tenants=True&deleted=False", as_admin=True) == ["theirs"]
    assert listed(compute, f"?project_id={compute.project}", as_admin=True) == ["theirs"]
    assert listed(compute, "?all_tenants=1&project_id=nobody", as_admin=True) == []
    assert listed(compute, f"/detail?all_tenants=1&host={HOST}", as_admin=True) == ["theirs"]
    assert listed(compute, "/detail?all_tenants=1&host=cn9", as_admin=True) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["web-2", "web-1", "db"]),
        ("?name=web", ["web-2", "web-1"]),
        ("?name=^web-[0-9]%2B$", ["web-2", "web-1"]),
        ("?name=WEB-1", ["web-1"]),
        ("?name=^eb", []),
        ("?name=", ["web-2", "web-1", "db"]),
        ("?name=b$", ["db"]),
        ("?status=active", ["web-2", "web-1", "db"]),
        ("?status=ERROR&status=ACTIVE", ["web-2", "web-1", "db"]),
        ("?status=BUILD", []),
        ("?vm_state=active&power_state=1", ["web-2", "web-1", "db"]),
        ("?task_state=deleting", []),
        ("?flavor=1", ["web-2", "web-1", "db"]),
        ("?flavor=2", []),
        ("?image=nope", []),
        ("?tags=red", ["db"]),
        ("?tags=red,blue", []),
        ("?tags-any=red,blue", ["db"]),
        ("?not-tags=red", ["web-2", "web-1"]),
        ("?description=the+base", ["db"]),
        ("?config_drive=true", ["web-2", "web-1", "db"]),
        ("?config_drive=false", []),
        ("?availability_zone=nova", ["web-2", "web-1", "db"]),
        ("?availability_zone=other", []),
        ("?changes-since=2026-01-01T12:00:15Z", ["web-2"]),
        ("?changes-before=2026-01-01T12:00:15", ["web-1", "db"]),
        ("?changes-since=2051-01-01T12:34:00Z", []),
        ("?deleted=true", []),
        ("?locked=false", ["web-2", "web-1", "db"]),
        ("?limit=2", ["web-2", "web-1"]),
        ("?limit=1&name=web-1", ["web-1"]),
        ("?limit=0", []),
        ("?sort_key=display_name&sort_dir=asc", ["db", "web-1", "web-2"]),
        ("?sort_dir=asc", ["db", "web-1", "web-2"]),
        ("?sort_key=launch_index&sort_key=display_name", ["web-2", "web-1", "db"]),
        ("?launch_index=0", ["web-2", "web-1", "db"]),
    ],
)
def test_a_list_is_filtered_and_sorted(some: Compute, query: str, found: list[str]) -> None:
    assert listed(some, query) == found
    assert listed(some, f"/detail{query}") == found


@pytest.fixture(scope="module")
def some(quiet: Compute) -> Compute:
    """Three servers, ten seconds apart, and nothing else ever."""
    boot_at_intervals(quiet, "db", tags=["red"], description="the base")
    boot_at_intervals(quiet, "web-1", "web-2")
    return quiet


def test_a_name_that_is_no_pattern_is_looked_up_as_it_stands(compute: Compute) -> None:
    compute.boot("web (1+1)", networks="none")
    assert listed(compute, "?name=web+%281%2B1%29") == ["web (1+1)"]


def test_servers_are_found_by_their_addresses(compute: Compute) -> None:
    compute.boot("one", networks=[{"uuid": compute.network, "fixed_ip": "192.0.2.50"}])
    compute.boot("two", networks=[{"uuid": compute.network, "fixed_ip": "192.0.2.60"}])
    assert listed(compute, "?ip=192.0.2.5") == ["one"]
    assert listed(compute, "?ip=^192.0.2.60$") == ["two"]
    assert listed(compute, "?ip6=192.0.2.60") == []


@pytest.mark.parametrize(
    "query", ["limit=2", "limit=2&name=vm", "limit=1&sort_key=display_name&sort_dir=asc", "limit=2&status=ACTIVE"]
)
def test_pages_show_every_server_once(compute: Compute, query: str) -> None:
    names = [f"vm{number}" for number in range(5)]
    boot_at_intervals(compute, *names)
    seen, path = [], f"{SERVERS}?{query}"
    for _ in range(len(names) + 1):
        body = compute.member.send("GET", path, headers=at("2.96")).body
        seen += [server["name"] for server in body["servers"]]
        if "servers_links" not in body:
            break
        path = body["servers_links"][0]["href"].partition("falconframework.org")[2]
    assert sorted(seen) == names
    assert len(seen) == len(names)


def test_a_marker_of_another_project_is_unknown(compute: Compute) -> None:
    server = compute.boot(networks="none")
    answer = compute.nobody.member("other").get(f"{SERVERS}?marker={server}")
    assert (answer.status, answer.body["badRequest"]["message"]) == (400, f"marker [{server}] not found")


def test_name_and_description_change_and_nothing_else_does(compute: Compute) -> None:
    server = compute.boot(networks="none")
    body = {"server": {"name": "new", "description": None}}
    answer = compute.member.send("PUT", f"{SERVERS}/{server}", body, at("2.96"))
    assert (answer.status, answer.body["server"]["name"], answer.body["server"]["description"]) == (200, "new", None)
    wrongs: list[dict[str, object]] = [
        {"description": "d"},
        {"accessIPv4": "192.0.2.1"},
        {"metadata": {}},
        {"name": ""},
    ]
    for wrong in wrongs:
        assert compute.member.send("PUT", f"{SERVERS}/{server}", {"server": wrong}, at("2.18")).status == 400
    assert compute.show(server)["name"] == "new"


def test_a_server_that_is_being_deleted_shows_it_and_then_is_gone(compute: Compute) -> None:
    server = compute.boot()
    assert compute.member.delete(f"{SERVERS}/{server}").status == 204
    shown = compute.show(server)
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("ACTIVE", "deleting")
    assert listed(compute, "?task_state=deleting&status=ACTIVE") == ["vm"]
    compute.cloud.settle()
    assert compute.member.get(f"{SERVERS}/{server}").status == 404
    assert compute.member.delete(f"{SERVERS}/{server}").status == 404


@pytest.mark.parametrize("body", [{}, {"a": 1, "b": 2}, [], "os-stop"])
def test_an_action_is_one_word(compute: Compute, body: object) -> None:
    server = compute.boot(networks="none")
    answer = compute.member.send("POST", f"{SERVERS}/{server}/action", body)
    assert (answer.status, answer.body.keys()) == (400, {"badRequest"})


def test_limits_count_what_the_project_has(compute: Compute) -> None:
    boot_at_intervals(compute, "a", "b", flavorRef="2")
    absolute = compute.member.get(f"{BASE}/limits?reserved=False").body["limits"]["absolute"]
    used = (absolute["totalInstancesUsed"], absolute["totalCoresUsed"], absolute["totalRAMUsed"])
    assert used == (2, 2, 2048)
    assert compute.admin.get(f"{BASE}/limits?tenant_id={compute.project}").body["limits"]["absolute"] == absolute
    assert compute.member.get(f"{BASE}/limits?tenant_id=other").status == 403
    assert compute.member.get(f"{BASE}/limits?color=red").status == 400
