"""Each field appears in the version that introduced it, and the headers say which version an answer is in."""

import pytest

from mooring.api.compute.microversion import LATEST, MIN, Microversion, requested
from mooring.errors import Invalid
from tests.api.compute.cloud import BASE, Compute, at

#: Version and what it adds to a shown server; an admin sees all of it.
SERVER_FIELDS = [
    ((2, 3), {
        "OS-EXT-SRV-ATTR:hostname", "OS-EXT-SRV-ATTR:kernel_id", "OS-EXT-SRV-ATTR:launch_index",
        "OS-EXT-SRV-ATTR:ramdisk_id", "OS-EXT-SRV-ATTR:reservation_id", "OS-EXT-SRV-ATTR:root_device_name",
        "OS-EXT-SRV-ATTR:user_data",
    }),
    ((2, 9), {"locked"}),
    ((2, 16), {"host_status"}),
    ((2, 19), {"description"}),
    ((2, 26), {"tags"}),
    ((2, 63), {"trusted_image_certificates"}),
    ((2, 71), {"server_groups"}),
    ((2, 73), {"locked_reason"}),
    ((2, 96), {"pinned_availability_zone"}),
    ((2, 100), {"scheduler_hints"}),
]  # fmt: skip
BASE_FIELDS = {
    "id", "name", "status", "tenant_id", "user_id", "metadata", "hostId", "image", "flavor", "created", "updated",
    "addresses", "accessIPv4", "accessIPv6", "links", "OS-DCF:diskConfig", "progress", "OS-EXT-AZ:availability_zone",
    "config_drive", "key_name", "OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at", "security_groups",
    "OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:hypervisor_hostname", "OS-EXT-SRV-ATTR:instance_name",
    "OS-EXT-STS:task_state", "OS-EXT-STS:vm_state", "OS-EXT-STS:power_state", "os-extended-volumes:volumes_attached",
}  # fmt: skip
ADMINS_ONLY = {"host_status"}


def before(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1] - 1}"


def test_a_shown_server_has_what_its_version_has_and_nothing_else(compute: Compute) -> None:
    server = compute.boot()
    expected = set(BASE_FIELDS)
    assert compute.show(server, str(MIN), as_admin=True).keys() == expected
    for version, more in SERVER_FIELDS:
        assert compute.show(server, before(version), as_admin=True).keys() == expected
        expected |= more
        assert compute.show(server, f"{version[0]}.{version[1]}", as_admin=True).keys() == expected
    assert compute.show(server, "latest", as_admin=True).keys() == expected


@pytest.mark.parametrize(("version", "more"), [("2.1", set()), ("2.89", set()), ("2.90", {"OS-EXT-SRV-ATTR:hostname"})])
def test_a_member_sees_no_host(compute: Compute, version: str, more: set[str]) -> None:
    shown = compute.show(compute.boot(), version)
    assert {key for key in shown if key.startswith("OS-EXT-SRV-ATTR") or key in ADMINS_ONLY} == more
    assert "cn1" not in str(shown)


def test_a_listed_server_has_no_groups(compute: Compute) -> None:
    server = compute.boot()
    listed = compute.member.send("GET", f"{BASE}/servers/detail", headers=at("2.96")).body["servers"]
    assert listed[0].keys() == compute.show(server).keys() - {"server_groups"}


def test_the_flavor_is_a_link_before_2_47_and_values_from_then_on(compute: Compute) -> None:
    server = compute.boot()
    assert compute.show(server, "2.46")["flavor"].keys() == {"id", "links"}
    assert compute.show(server, "2.47")["flavor"] == {
        "vcpus": 1, "ram": 512, "disk": 1, "ephemeral": 0, "swap": 0, "original_name": "m1.tiny", "extra_specs": {},
    }  # fmt: skip


def test_an_image_shows_its_properties_from_2_98_on(compute: Compute) -> None:
    server = compute.boot()
    assert compute.show(server, "2.97")["image"].keys() == {"id", "links"}
    assert compute.show(server, "2.98")["image"]["properties"] == {"os_type": "linux"}


@pytest.mark.parametrize(("version", "is_full"), [("2.1", False), ("2.74", False), ("2.75", True), ("2.96", True)])
def test_an_update_answers_whole_from_2_75_on(compute: Compute, version: str, is_full: bool) -> None:
    server = compute.boot()
    answer = compute.member.send("PUT", f"{BASE}/servers/{server}", {"server": {"name": "other"}}, at(version))
    assert answer.body["server"]["name"] == "other"
    shown = compute.show(server, version).keys()
    extended = {
        key for key in shown if key.startswith(("OS-EXT", "OS-SRV", "os-ext")) or key in
        ("security_groups", "key_name", "config_drive", "pinned_availability_zone")
    }  # fmt: skip
    assert answer.body["server"].keys() == (shown if is_full else shown - extended)


@pytest.mark.parametrize(
    ("version", "gone", "come"),
    [
        ("2.54", {"description", "extra_specs"}, set()),
        ("2.55", {"extra_specs"}, {"description"}),
        ("2.61", set(), {"description", "extra_specs"}),
    ],
)
def test_a_flavor_has_what_its_version_has(quiet: Compute, version: str, gone: set[str], come: set[str]) -> None:
    shown = quiet.member.send("GET", f"{BASE}/flavors/1", headers=at(version)).body["flavor"].keys()
    assert not gone & shown
    assert come <= shown


@pytest.mark.parametrize(("version", "swap"), [("2.74", ""), ("2.75", 0)])
def test_no_swap_is_empty_text_before_2_75(quiet: Compute, version: str, swap: object) -> None:
    assert quiet.member.send("GET", f"{BASE}/flavors/1", headers=at(version)).body["flavor"]["swap"] == swap


@pytest.mark.parametrize(("version", "has_tag"), [("2.69", False), ("2.70", True)])
def test_an_interface_has_a_tag_from_2_70_on(compute: Compute, version: str, has_tag: bool) -> None:
    answer = compute.member.send("GET", f"{BASE}/servers/{compute.boot()}/os-interface", headers=at(version))
    assert ("tag" in answer.body["interfaceAttachments"][0]) is has_tag


@pytest.mark.parametrize(
    ("version", "kind", "numbers", "cpu_info"),
    [("2.1", int, True, ""), ("2.28", int, True, {}), ("2.53", str, True, {}), ("2.88", str, False, None)],
)
def test_a_hypervisor_loses_its_numbers_in_2_88(
    quiet: Compute, version: str, kind: type, numbers: bool, cpu_info: object
) -> None:
    (shown,) = quiet.admin.send("GET", f"{BASE}/os-hypervisors/detail", headers=at(version)).body["hypervisors"]
    assert type(shown["id"]) is type(shown["service"]["id"]) is kind
    assert ("vcpus" in shown, "memory_mb_used" in shown, "uptime" in shown) == (numbers, numbers, not numbers)
    assert shown.get("cpu_info") == cpu_info
    again = quiet.admin.send("GET", f"{BASE}/os-hypervisors/{shown['id']}", headers=at(version))
    assert again.body["hypervisor"] == shown


@pytest.mark.parametrize(
    ("version", "gone"),
    [
        ("2.35", set()),
        ("2.36", {"maxSecurityGroups", "totalFloatingIpsUsed"}),
        ("2.39", {"maxSecurityGroups", "maxImageMeta"}),
        ("2.57", {"maxPersonality", "maxImageMeta"}),
    ],
)
def test_limits_lose_what_other_services_took_over(quiet: Compute, version: str, gone: set[str]) -> None:
    all_of_old = {"maxSecurityGroups", "totalFloatingIpsUsed", "maxImageMeta", "maxPersonality", "totalCoresUsed"}
    shown = quiet.member.send("GET", f"{BASE}/limits", headers=at(version)).body["limits"]["absolute"].keys()
    assert all_of_old - shown >= gone
    assert (version == "2.35") is (all_of_old <= shown)


@pytest.mark.parametrize(
    ("headers", "version"),
    [
        ({}, MIN),
        ({"openstack-api-version": "compute 2.53"}, (2, 53)),
        ({"openstack-api-version": "volume 3.1, Compute 2.53"}, (2, 53)),
        ({"openstack-api-version": "volume 3.1"}, MIN),
        ({"openstack-api-version": "compute latest"}, LATEST),
        ({"x-openstack-nova-api-version": "2.60"}, (2, 60)),
        ({"openstack-api-version": "compute 2.53", "x-openstack-nova-api-version": "2.60"}, (2, 53)),
    ],
)
def test_the_version_is_read_from_either_header(headers: dict[str, str], version: Microversion) -> None:
    assert requested(headers) == version


@pytest.mark.parametrize("text", ["2", "2.", ".5", "2.01", "02.1", "two", "2.5.1", "2.99999", "", "-2.1", "2.٣"])
def test_a_version_that_is_no_pair_of_numbers_is_400(quiet: Compute, text: str) -> None:
    with pytest.raises(Invalid, match="invalid format"):
        requested({"openstack-api-version": f"compute {text}"})
    if text.isascii():
        answer = quiet.member.send("GET", f"{BASE}/servers", headers=at(text))
        assert (answer.status, answer.body.keys()) == (400, {"badRequest"})


@pytest.mark.parametrize("text", ["2.0", "1.1", "2.101", "3.1"])
def test_a_version_that_we_do_not_have_is_406_and_names_those_that_we_have(quiet: Compute, text: str) -> None:
    answer = quiet.member.send("GET", f"{BASE}/servers", headers=at(text))
    assert answer.status == 406
    assert answer.body["computeFault"]["message"] == (
        f"Version {text} is not supported by the API. Minimum is {MIN} and maximum is {LATEST}."
    )


def test_latest_is_answered_with_its_number(quiet: Compute) -> None:
    answer = quiet.member.send("GET", f"{BASE}/servers", headers=at("latest"))
    assert answer.headers["openstack-api-version"] == f"compute {LATEST}"
    assert answer.headers["x-openstack-nova-api-version"] == str(LATEST)


@pytest.mark.parametrize("path", ["/compute", "/compute/", "/compute/v2.1", "/compute/v2.1/"])
def test_versions_are_told_to_anybody(quiet: Compute, path: str) -> None:
    answer = quiet.nobody.get(path)
    assert answer.status == 200
    told = answer.body["version"] if "version" in answer.body else answer.body["versions"][0]
    assert (told["id"], told["status"], told["min_version"], told["version"]) == ("v2.1", "CURRENT", "2.1", str(LATEST))
