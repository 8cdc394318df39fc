"""Hosts as Nova's admins see them: hypervisors, compute services, availability zones."""

from typing import Any

import pytest

from tests.api.compute.cloud import BASE, HOST, Compute, at

UNKNOWN = "00000000-0000-0000-0000-000000000000"
SERVICES = f"{BASE}/os-services"


def hypervisors(compute: Compute, query: str = "", version: str = "2.88") -> list[dict[str, Any]]:
    answer = compute.admin.send("GET", f"{BASE}/os-hypervisors{query}", headers=at(version))
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.body["hypervisors"]
    return found


def test_a_hypervisor_is_looked_up_by_name_as_the_client_does(quiet: Compute) -> None:
    answer = quiet.admin.send("GET", f"{BASE}/os-hypervisors/{HOST}", headers=at("2.88"))
    assert (answer.status, answer.body["badRequest"]["message"]) == (400, f"Invalid uuid {HOST}")
    (listed,) = hypervisors(quiet)
    shown = quiet.admin.send("GET", f"{BASE}/os-hypervisors/{listed['id']}", headers=at("2.88"))
    assert shown.body["hypervisor"]["hypervisor_hostname"] == HOST
    assert quiet.admin.send("GET", f"{BASE}/os-aggregates", headers=at("2.81")).body == {"aggregates": []}


@pytest.mark.parametrize(
    ("ident", "version"), [("7", "2.52"), ("00000000-0000-0000-0000-000000000000", "2.53"), ("x", "2.1")]
)
def test_an_unknown_hypervisor_is_404(quiet: Compute, ident: str, version: str) -> None:
    answer = quiet.admin.send("GET", f"{BASE}/os-hypervisors/{ident}", headers=at(version))
    assert (answer.status, answer.body.keys()) == (404, {"itemNotFound"})


def test_a_hypervisor_shows_its_servers_when_asked(compute: Compute) -> None:
    server = compute.boot()
    (found,) = hypervisors(compute, "?with_servers=true&hypervisor_hostname_pattern=CN")
    assert found["servers"] == [{"name": f"mooring-{server}", "uuid": server}]
    assert "servers" not in hypervisors(compute)[0]


@pytest.mark.parametrize(
    ("query", "version", "status"),
    [
        ("?hypervisor_hostname_pattern=zz", "2.53", 404),
        ("?hypervisor_hostname_pattern=cn", "2.52", 400),
        ("?limit=1", "2.32", 400),
        ("?limit=1", "2.33", 200),
        ("?limit=1&hypervisor_hostname_pattern=cn", "2.53", 400),
        ("?marker=nope", "2.53", 404),
        ("?color=red", "2.88", 400),
    ],
)
def test_the_query_has_what_its_version_has(quiet: Compute, query: str, version: str, status: int) -> None:
    assert quiet.admin.send("GET", f"{BASE}/os-hypervisors{query}", headers=at(version)).status == status


def test_a_page_of_hypervisors_leads_to_the_next(quiet: Compute) -> None:
    body = quiet.admin.send("GET", f"{BASE}/os-hypervisors?limit=1", headers=at("2.88")).body
    path = body["hypervisors_links"][0]["href"].partition("falconframework.org")[2]
    assert quiet.admin.send("GET", path, headers=at("2.88")).body == {"hypervisors": []}


def test_used_resources_are_what_the_servers_take(compute: Compute) -> None:
    compute.boot("a", networks="none", flavorRef="2")
    compute.boot("b", networks="none", flavorRef="1")
    (found,) = hypervisors(compute, "/detail", "2.87")
    assert (found["vcpus_used"], found["memory_mb_used"], found["running_vms"]) == (2, 1536, 2)
    assert found["free_ram_mb"] == found["memory_mb"] - 1536


def test_a_host_that_fell_silent_is_down(compute: Compute) -> None:
    server = compute.boot(networks="none")
    assert (hypervisors(compute)[0]["state"], compute.show(server, as_admin=True)["host_status"]) == ("up", "UP")
    compute.clock.advance(1000)
    assert (hypervisors(compute)[0]["state"], compute.show(server, as_admin=True)["host_status"]) == ("down", "DOWN")
    (service,) = compute.admin.get(f"{BASE}/os-services").body["services"]
    assert service["state"] == "down"


def service_id(compute: Compute) -> str:
    answer = compute.admin.send("GET", f"{BASE}/os-services?host={HOST}&binary=nova-compute", headers=at("2.69"))
    (found,) = answer.body["services"]
    return str(found["id"])


def test_a_disabled_service_takes_no_new_servers_until_it_is_enabled(compute: Compute) -> None:
    old, path = compute.boot("old", networks="none"), f"{BASE}/os-services/{service_id(compute)}"
    body = {"status": "disabled", "disabled_reason": "new memory"}
    answer = compute.admin.send("PUT", path, body, at("2.69"))
    assert answer.status == 200
    shown = answer.body["service"]
    assert (shown["status"], shown["disabled_reason"], shown["host"]) == ("disabled", "new memory", HOST)
    assert compute.show(compute.boot("new", networks="none"))["status"] == "ERROR"
    assert compute.show(old, as_admin=True)["host_status"] == "MAINTENANCE"
    assert hypervisors(compute, "/detail")[0]["service"]["disabled_reason"] == "new memory"
    zone = compute.member.get(f"{BASE}/os-availability-zone").body["availabilityZoneInfo"][0]
    assert zone["zoneState"] == {"available": False}
    answer = compute.admin.send("PUT", path, {"status": "enabled"}, at("2.69"))
    assert (answer.body["service"]["status"], answer.body["service"]["disabled_reason"]) == ("enabled", None)
    assert compute.show(compute.boot("newer", networks="none"))["status"] == "ACTIVE"


def test_before_2_53_a_service_is_named_by_host_and_binary(compute: Compute) -> None:
    body = {"host": HOST, "binary": "nova-compute"}
    off = compute.admin.send(
        "PUT", f"{BASE}/os-services/disable-log-reason", {**body, "disabled_reason": "r"}, at("2.52")
    )
    assert off.body["service"] == {**body, "status": "disabled", "disabled_reason": "r"}
    assert (
        compute.admin.send("PUT", f"{BASE}/os-services/enable", body, at("2.52")).body["service"]["status"] == "enabled"
    )
    assert (
        compute.admin.send("PUT", f"{BASE}/os-services/disable", body, at("2.52")).body["service"]["status"]
        == "disabled"
    )


@pytest.mark.parametrize(
    ("word", "body", "version", "status"),
    [
        ("ID", {"status": "off"}, "2.53", 400),
        ("ID", {}, "2.53", 400),
        ("ID", {"disabled_reason": "r"}, "2.53", 400),
        ("ID", {"status": "enabled", "disabled_reason": "r"}, "2.53", 400),
        ("ID", {"forced_down": True}, "2.53", 400),
        ("ID", [], "2.53", 400),
        ("ID", {"status": "disabled", "disabled_reason": ""}, "2.53", 400),
        ("ID", {"color": "red"}, "2.53", 400),
        ("enable", {"status": "enabled"}, "2.53", 400),
        (UNKNOWN, {"status": "enabled"}, "2.53", 404),
        ("enable", {"host": HOST}, "2.52", 400),
        ("enable", {"host": "zz", "binary": "nova-compute"}, "2.52", 404),
        ("enable", {"host": HOST, "binary": "nova-scheduler"}, "2.52", 404),
        ("explode", {}, "2.52", 404),
    ],
)
def test_a_wrong_service_update_is_refused(quiet: Compute, word: str, body: object, version: str, status: int) -> None:
    path = f"{BASE}/os-services/{service_id(quiet) if word == 'ID' else word}"
    assert quiet.admin.send("PUT", path, body, at(version)).status == status
    assert hypervisors(quiet)[0]["status"] == "enabled"


@pytest.mark.parametrize("query", ["?binary=nova-scheduler", "?host=zz"])
def test_services_that_are_not_there_are_not_listed(quiet: Compute, query: str) -> None:
    assert quiet.admin.get(f"{BASE}/os-services{query}").body == {"services": []}


def test_zones_name_their_hosts_to_admins_only(quiet: Compute) -> None:
    assert quiet.member.get(f"{BASE}/os-availability-zone").body == {
        "availabilityZoneInfo": [{"zoneName": "nova", "zoneState": {"available": True}, "hosts": None}]
    }
    (zone,) = quiet.admin.get(f"{BASE}/os-availability-zone/detail").body["availabilityZoneInfo"]
    assert zone["hosts"][HOST]["nova-compute"]["available"] is True
    assert quiet.member.get(f"{BASE}/os-availability-zone/detail").status == 403


@pytest.mark.parametrize(
    "path",
    ["os-hypervisors", "os-hypervisors/detail", f"os-hypervisors/{UNKNOWN}", "os-services", "os-aggregates"],
)
def test_members_see_no_hosts(quiet: Compute, path: str) -> None:
    answer = quiet.member.get(f"{BASE}/{path}")
    assert (answer.status, answer.body.keys()) == (403, {"forbidden"})


@pytest.mark.parametrize("path", ["os-keypairs", "os-simple-tenant-usage", "os-migrations", "images", "nothing"])
def test_what_is_not_served_is_404(quiet: Compute, path: str) -> None:
    answer = quiet.admin.get(f"{BASE}/{path}")
    assert (answer.status, answer.body.keys()) == (404, {"itemNotFound"})
