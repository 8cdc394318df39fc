"""Flavors through the API: made, listed, described, deleted, and their extra specs."""

import pytest

from mooring.service.flavors import EXTRA_SPECS_MAX
from tests.api.compute.cloud import BASE, Compute, at

FLAVORS = f"{BASE}/flavors"


def make(compute: Compute, name: str, **more: object) -> dict[str, object]:
    body = {"flavor": {"name": name, "ram": 64, "vcpus": 1, "disk": 1, **more}}
    answer = compute.admin.send("POST", FLAVORS, body, at("2.61"))
    assert answer.status == 200, answer.body
    found: dict[str, object] = answer.body["flavor"]
    return found


def names(compute: Compute, query: str = "", *, as_admin: bool = False) -> list[str]:
    who = compute.admin if as_admin else compute.member
    return [flavor["name"] for flavor in who.get(f"{FLAVORS}{query}").body["flavors"]]


def test_a_flavor_comes_back_as_it_was_asked_for(compute: Compute) -> None:
    asked = {
        "id": "42", "OS-FLV-EXT-DATA:ephemeral": 2, "swap": 3, "rxtx_factor": 2.5, "description": "big",
        "os-flavor-access:is_public": False,
    }  # fmt: skip
    made = make(compute, "m1.big", **asked)
    assert {key: made[key] for key in asked} == asked
    assert compute.admin.send("GET", f"{FLAVORS}/42", headers=at("2.61")).body["flavor"] == made


@pytest.mark.parametrize("ident", [None, "", "auto"])
def test_without_an_id_a_flavor_gets_a_fresh_one(compute: Compute, ident: str | None) -> None:
    assert len(str(make(compute, "f", id=ident)["id"])) == 36


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "m1.tiny"}, "Flavor with name m1.tiny already exists."),
        ({"id": "1"}, "Flavor with ID 1 already exists."),
    ],
)
def test_a_taken_name_or_id_is_409(quiet: Compute, fields: dict[str, object], said: str) -> None:
    body = {"flavor": {"name": "new", "ram": 64, "vcpus": 1, "disk": 1, **fields}}
    answer = quiet.admin.send("POST", FLAVORS, body)
    assert (answer.status, answer.body["conflictingRequest"]["message"]) == (409, said)


def test_numbers_may_be_digits_and_ids_may_be_numbers(compute: Compute) -> None:
    made = make(compute, "f", ram="128", id=77)
    assert (made["ram"], made["id"]) == (128, "77")


def test_a_flavor_that_is_not_public_is_unknown_to_members(compute: Compute) -> None:
    ident = make(compute, "hidden", **{"os-flavor-access:is_public": False})["id"]
    assert names(compute) == names(compute, "?is_public=None") == ["m1.tiny", "m1.small"]
    assert names(compute, "?is_public=false", as_admin=True) == ["hidden"]
    assert set(names(compute, "?is_public=None", as_admin=True)) == {"m1.tiny", "m1.small", "hidden"}
    answer = compute.member.get(f"{FLAVORS}/{ident}")
    assert (answer.status, answer.body["itemNotFound"]["message"]) == (404, f"Flavor {ident} could not be found.")
    assert (
        compute.create(flavorRef=ident).body["badRequest"]["message"].startswith(f"Flavor {ident} could not be found.")
    )


def test_pages_follow_the_marker_until_there_are_no_more(compute: Compute) -> None:
    for number in range(3):
        make(compute, f"f{number}", id=f"f{number}")
    seen, path = [], f"{FLAVORS}/detail?limit=2&sort_key=name&sort_dir=desc"
    for _ in range(5):
        body = compute.member.get(path).body
        seen += [flavor["name"] for flavor in body["flavors"]]
        if "flavors_links" not in body:
            break
        path = body["flavors_links"][0]["href"].partition("falconframework.org")[2]
    assert seen == ["m1.tiny", "m1.small", "f2", "f1", "f0"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?minRam=600", ["m1.small"]),
        ("?minDisk=2", []),
        ("?limit=0", []),
        ("?marker=1", ["m1.small"]),
        ("?limit=1", ["m1.tiny"]),
    ],
)
def test_a_list_can_be_narrowed(quiet: Compute, query: str, found: list[str]) -> None:
    assert names(quiet, query) == found


@pytest.mark.parametrize(
    "query", ["?minRam=x", "?marker=none", "?bogus=1", "?sort_key=color", "?is_public=si", "?limit=-1"]
)
def test_a_wrong_query_is_400(quiet: Compute, query: str) -> None:
    assert quiet.member.get(f"{FLAVORS}{query}").status == 400


def test_a_description_changes_from_2_55_on(compute: Compute) -> None:
    body = {"flavor": {"description": "new"}}
    assert compute.admin.send("PUT", f"{FLAVORS}/1", body, at("2.54")).status == 404
    assert compute.admin.send("PUT", f"{FLAVORS}/1", body, at("2.55")).body["flavor"]["description"] == "new"
    assert compute.admin.send("PUT", f"{FLAVORS}/1", {"flavor": {"ram": 1}}, at("2.55")).status == 400


def test_a_deleted_flavor_leaves_its_servers_as_they_were(compute: Compute) -> None:
    server = compute.boot()
    assert compute.admin.delete(f"{FLAVORS}/1").status == 202
    assert compute.admin.delete(f"{FLAVORS}/1").status == 404
    assert compute.show(server)["flavor"]["original_name"] == "m1.tiny"


@pytest.mark.parametrize(
    ("method", "path"), [("POST", ""), ("DELETE", "/1"), ("PUT", "/1"), ("POST", "/1/os-extra_specs")]
)
def test_members_change_no_flavor(quiet: Compute, method: str, path: str) -> None:
    assert quiet.member.send(method, f"{FLAVORS}{path}", {"flavor": {}}, at("2.61")).status == 403


def test_extra_specs_are_set_read_changed_and_removed(compute: Compute) -> None:
    specs = f"{FLAVORS}/1/os-extra_specs"
    assert compute.admin.post(specs, {"extra_specs": {"a:b": "c", "n": 5}}).body == {
        "extra_specs": {"a:b": "c", "n": "5"}
    }
    assert compute.member.get(specs).body == {"extra_specs": {"a:b": "c", "n": "5"}}
    assert compute.admin.put(f"{specs}/n", {"n": "6"}).body == {"n": "6"}
    assert compute.member.get(f"{specs}/n").body == {"n": "6"}
    assert compute.admin.delete(f"{specs}/a:b").status == 200
    assert compute.member.send("GET", f"{FLAVORS}/1", headers=at("2.61")).body["flavor"]["extra_specs"] == {"n": "6"}
    for answer in (compute.member.get(f"{specs}/a:b"), compute.admin.delete(f"{specs}/a:b")):
        assert (answer.status, answer.body.keys()) == (404, {"itemNotFound"})


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/k", {"other": "v"}),
        ("PUT", "/k", {"k": "v", "l": "w"}),
        ("PUT", "/k", {}),
        ("POST", "", {"specs": {}}),
        ("POST", "", {"extra_specs": {"a/b": "c"}}),
        ("POST", "", {"extra_specs": {"k": None}}),
        ("POST", "", {"extra_specs": {"k": True}}),
        ("POST", "", {"extra_specs": {"k": "v" * 256}}),
        ("POST", "", {"extra_specs": {f"k{n}": "v" for n in range(EXTRA_SPECS_MAX + 1)}}),
    ],
)
def test_wrong_extra_specs_are_refused(quiet: Compute, method: str, path: str, body: object) -> None:
    answer = quiet.admin.send(method, f"{FLAVORS}/1/os-extra_specs{path}", body)
    assert (answer.status, answer.body.keys()) == (400, {"badRequest"})
    assert quiet.member.get(f"{FLAVORS}/1/os-extra_specs").body == {"extra_specs": {}}


def test_extra_specs_have_a_limit_over_all_requests(compute: Compute) -> None:
    specs = f"{FLAVORS}/1/os-extra_specs"
    full = {f"k{number}": "v" for number in range(EXTRA_SPECS_MAX)}
    assert compute.admin.post(specs, {"extra_specs": full}).status == 200
    assert compute.admin.post(specs, {"extra_specs": {"one-more": "v"}}).status == 400


@pytest.mark.parametrize(
    "key",
    ["pci_passthrough:whitelist", "hw:cpu_policy", "hw:mem_page_size", "resources:VGPU", "resources1:VCPU", "trait:X"],
)
def test_an_extra_spec_that_nothing_here_would_keep_is_refused(quiet: Compute, key: str) -> None:
    answer = quiet.admin.post(f"{FLAVORS}/1/os-extra_specs", {"extra_specs": {key: "dedicated"}})
    assert answer.status == 400
    assert f"{key}=dedicated" in answer.body["badRequest"]["message"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("pci_passthrough:alias", "gpu:1", "PCI group gpu could not be found"),
        ("pci_passthrough:alias", "gpu:0", "'gpu:0'"),
        ("pci_passthrough:alias", "gpu:20,nvme:20", "40 functions"),
        ("hw:pci_numa_affinity_policy", "near", "known: legacy, preferred, required, socket"),
        ("hw:numa_nodes", "17", "'17'"),
        ("hw:numa_nodes", "2", "1 vCPUs and 512 MiB"),
        ("pci:spread", "wide", "known: none, numa, pf"),
        ("pci:features", "RX", "'RX'"),
    ],
)
def test_a_served_extra_spec_with_a_wrong_value_is_refused(quiet: Compute, key: str, value: str, said: str) -> None:
    answer = quiet.admin.post(f"{FLAVORS}/1/os-extra_specs", {"extra_specs": {key: value}})
    assert answer.status == 400
    assert said in answer.body["badRequest"]["message"]
    assert quiet.member.get(f"{FLAVORS}/1/os-extra_specs").body == {"extra_specs": {}}


def test_extra_specs_that_placing_keeps_are_taken(compute: Compute) -> None:
    specs = {
        "hw:pci_numa_affinity_policy": "preferred", "pci:spread": "numa", "pci:features": "rx,tso",
        "aggregate_instance_extra_specs:rack": "<or> a <or> b",
    }  # fmt: skip
    assert compute.admin.post(f"{FLAVORS}/1/os-extra_specs", {"extra_specs": specs}).body == {"extra_specs": specs}


def test_an_extra_spec_that_is_true_of_every_server_is_taken(compute: Compute) -> None:
    specs = {"hw:cpu_policy": "shared", "hw:numa_nodes": "1", "hwacme:x": "y", "hw": "z"}
    assert compute.admin.post(f"{FLAVORS}/1/os-extra_specs", {"extra_specs": specs}).body == {"extra_specs": specs}
