"""Compute's quotas: what ``openstack quota show`` asks, answered; and what would set them, refused."""

import pytest

from tests.api.compute.cloud import BASE, Compute, at

LIMITS = {
    "cores": -1, "instances": -1, "ram": -1, "key_pairs": 0, "metadata_items": 128, "server_groups": 100,
    "server_group_members": 1000,
}  # fmt: skip
FILES = {"injected_files", "injected_file_content_bytes", "injected_file_path_bytes"}
NETWORKS = {"fixed_ips", "floating_ips", "security_groups", "security_group_rules"}


@pytest.mark.parametrize("last", ["", "/defaults"])
def test_everybodys_limits_are_the_same(quiet: Compute, last: str) -> None:
    answer = quiet.member.send("GET", f"{BASE}/os-quota-sets/{quiet.project}{last}", headers=at("2.57"))
    assert answer.body == {"quota_set": {"id": quiet.project, **LIMITS}}


@pytest.mark.parametrize(("version", "more"), [("2.1", FILES | NETWORKS), ("2.36", FILES), ("2.57", set())])
def test_limits_lose_what_other_services_took_over(quiet: Compute, version: str, more: set[str]) -> None:
    answer = quiet.member.send("GET", f"{BASE}/os-quota-sets/{quiet.project}", headers=at(version))
    assert answer.body["quota_set"].keys() == {"id", *LIMITS, *more}


def test_details_count_what_is_used(compute: Compute) -> None:
    assert compute.member.post(f"{BASE}/servers", compute.body()).status == 202
    answer = compute.member.send("GET", f"{BASE}/os-quota-sets/{compute.project}/detail", headers=at("2.57"))
    shown = answer.body["quota_set"]
    assert shown["instances"] == {"limit": -1, "in_use": 1, "reserved": 0}
    assert shown["cores"]["in_use"] > 0
    assert shown["server_groups"] == {"limit": 100, "in_use": 0, "reserved": 0}


def test_quotas_of_another_project_are_for_admins(quiet: Compute) -> None:
    for last in ("", "/detail"):
        assert quiet.member.get(f"{BASE}/os-quota-sets/other{last}").status == 403
        assert quiet.admin.get(f"{BASE}/os-quota-sets/other{last}").status == 200


def test_a_limit_that_nothing_would_keep_is_refused(quiet: Compute) -> None:
    path = f"{BASE}/os-quota-sets/{quiet.project}"
    answer = quiet.admin.put(path, {"quota_set": {"cores": 5}})
    assert (answer.status, "not kept" in answer.body["conflictingRequest"]["message"]) == (409, True)
    assert quiet.member.put(path, {"quota_set": {"cores": 5}}).status == 403
    assert quiet.admin.delete(path).status == 202
