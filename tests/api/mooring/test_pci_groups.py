"""``/mooring/v1/pci-groups``: who sees what, what is refused, and that nothing in use is ever touched."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mooring.errors import NotFound
from mooring.model.group import PciGroup, PciSelector
from mooring.model.identity import Caller
from mooring.service.groups import GROUPS_MAX, usable_group
from mooring.store.devices import DEVICES
from mooring.store.groups import GROUPS
from mooring.store.hosts import HOSTS
from mooring.store.tx import Tx
from tests.api.mooring.grouped import BASE, Grouped, grouped_at

VF = {"vendor_id": "8086", "kind": "VF"}
H1_BUS = {"hosts": ["h1"], "addresses": ["0000:81:*.*"]}
SOMEBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def grouped(tmp_path: Path) -> Iterator[Grouped]:
    with grouped_at(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grouped]:
    """For refusals: nothing may ever change in it."""
    with grouped_at(tmp_path_factory.mktemp("quiet")) as made:
        made.made("there", VF)
        yield made
        assert (made.names(), len(made.events())) == (["there"], 1)


# --- making and looking ----------------------------------------------------------------------------------------


def test_a_new_group_counts_what_is_in_it_by_state_and_host(grouped: Grouped) -> None:
    grouped.claim("h2", 0)
    made = grouped.made("fast", {**VF, "min_link_speed_mbps": 10000}, description="25 Gb/s")
    assert made["selectors"] == [{"vendor_id": "8086", "kind": "type-VF", "min_link_speed_mbps": 10000}]
    assert (made["device_count"], made["free"], made["states"]) == (8, 7, {"available": 7, "in-use": 1})
    assert made["hosts"] == [{"host": "h1", "devices": 4, "free": 4}, {"host": "h2", "devices": 4, "free": 3}]
    assert (made["note"], made["revision_number"], made["excludes"], made["projects"]) == (None, 1, [], [])
    assert grouped.show() == grouped.show(made["id"]) == made


def test_a_pf_that_is_there_for_its_vfs_only_is_not_counted(grouped: Grouped) -> None:
    assert grouped.made("all", {"vendor_id": "8086"})["device_count"] == 8
    assert grouped.made("pfs", {"vendor_id": "8086", "kind": "PF"})["device_count"] == 0


def test_a_group_for_devices_that_are_yet_to_come_is_fine_and_says_so(grouped: Grouped) -> None:
    made = grouped.made("later", {"vendor_id": "15b3"})
    assert (made["device_count"], made["free"], made["hosts"]) == (0, 0, [])
    assert made["note"] == "no device is in it yet"


@pytest.mark.parametrize(
    ("selectors", "excludes", "count"),
    [
        ([H1_BUS], [], 4),
        ([{"hosts": ["h1"], "addresses": ["0000:05:*.*"]}], [], 0),
        ([H1_BUS, {"hosts": ["h2"], "addresses": ["0000:05:*.*"]}], [], 8),
        ([{"hosts": ["h*"], "kind": "VF"}], [], 8),
        ([{"aggregates": ["west"], "kind": "VF"}], [], 4),
        ([{"aggregates": ["west"], "hosts": ["h2"]}], [], 0),
        ([{"tags": ["gold"]}], [], 1),
        ([VF], [{"tags": ["gold"]}], 7),
        ([VF], [{"addresses": ["*:*:10.0-1"]}], 4),
        ([{"physical_networks": ["physnet1"], "numa_node": 0, "class": "02", "trusted": False}], [], 8),
        ([{"physical_networks": ["physnet2"]}], [], 0),
    ],
)
def test_devices_are_counted_by_everything_that_a_selector_may_say(
    grouped: Grouped, selectors: list[Any], excludes: list[Any], count: int
) -> None:
    assert grouped.made("g", *selectors, excludes=excludes)["device_count"] == count


def test_groups_are_listed_by_name_and_found_by_it(grouped: Grouped) -> None:
    grouped.made("b")
    grouped.made("a")
    assert grouped.names() == ["a", "b"]
    (found,) = grouped.admin.get(f"{BASE}?name=b").body["pci_groups"]
    assert (found["name"], found["host_count"], found["device_count"]) == ("b", 2, 8)
    assert "hosts" not in found


# --- who may ---------------------------------------------------------------------------------------------------


def test_a_group_of_other_projects_does_not_exist(grouped: Grouped) -> None:
    made = grouped.made("fast", VF, projects=[grouped.project("demo")])
    assert grouped.names(grouped.member) == ["fast"]
    assert grouped.names(grouped.other) == []
    for ident in ("fast", made["id"]):
        foreign = grouped.other.get(f"{BASE}/{ident}")
        missing = grouped.other.get(f"{BASE}/nothing")
        assert foreign.status == missing.status == 404
        said, of_nothing = foreign.body["error"], missing.body["error"]
        assert said == {**of_nothing, "message": of_nothing["message"].replace("nothing", ident)}


def test_those_who_are_no_admins_see_nothing_of_hosts(grouped: Grouped) -> None:
    grouped.made("fast", H1_BUS, default_vnic_type="direct", description="west")
    seen = grouped.show("fast", grouped.member)
    assert seen.pop("id")
    assert seen == {
        "name": "fast", "description": "west", "default_vnic_type": "direct", "availability": "few",
    }  # fmt: skip
    for number in range(4):
        grouped.claim("h1", number)
    assert grouped.show("fast", grouped.member)["availability"] == "none"
    (listed,) = grouped.member.get(BASE).body["pci_groups"]
    assert (listed["availability"], listed.keys() & {"selectors", "projects", "states", "free"}) == ("none", set())


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("PUT", "/there"), ("DELETE", "/there")])
def test_only_admins_change_groups(quiet: Grouped, method: str, path: str) -> None:
    answer = quiet.member.send(method, f"{BASE}{path}", {"pci_group": {"name": "x", "selectors": [VF]}})
    assert answer.status == 403
    assert quiet.nobody.send(method, f"{BASE}{path}", {"pci_group": {}}).status == 401


def test_a_project_asks_for_its_groups_and_hears_of_no_others(grouped: Grouped) -> None:
    demo, other = grouped.project("demo"), grouped.project("other")
    grouped.made("ours", VF, projects=[demo])
    grouped.made("all", VF)
    found: dict[tuple[str, str], str] = {}
    for project, role in ((demo, "member"), (other, "member"), (other, "admin")):
        who = Caller("u", "u", project, "p", frozenset({role}))
        for name in ("ours", "all", "nothing"):
            try:
                story = partial(usable_group, who=who, name=name)
                found[project + role, name] = grouped.nobody.controller.store.read_now(story).name
            except NotFound as missing:
                found[project + role, name] = missing.message
    assert [found[demo + "member", name] for name in ("ours", "all")] == ["ours", "all"]
    assert found[other + "member", "ours"] == "PCI group ours could not be found"
    assert found[other + "member", "nothing"] == "PCI group nothing could not be found"
    assert found[other + "admin", "ours"] == "ours"


# --- bad input -------------------------------------------------------------------------------------------------

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"selectors": [VF]}, "pci_group has no name", "needed: name, selectors"),
    ({"name": "g"}, "pci_group has no selectors", "needed: name, selectors"),
    ({"name": "g", "selectors": []}, "PCI group: it selects nothing", "give a selector"),
    ({"name": "g", "selectors": [{}]}, "selectors[0] = {} selects nothing in particular", "give one of"),
    ({"name": "g", "selectors": {}}, "selectors = {} is not a list", "as in"),
    ({"name": "g", "selectors": [{"vendor_id": "80860"}]}, "selectors[0].vendor_id = '80860' is not four", "any"),
    ({"name": "g", "selectors": [{"vendr_id": "8086"}]}, "selectors[0]: unknown key 'vendr_id'", "mean vendor_id?"),
    ({"name": "g", "selectors": [VF], "excludes": [{}]}, "excludes[0] = {} selects nothing", "give one of"),
    (
        {"name": "g", "selectors": [{"hosts": ["h1"]}, VF], "excludes": [{"vendor_id": "8086"}]},
        "PCI group: selectors[1] (vendor_id=8086,kind=VF) is wholly within excludes[0] (vendor_id=8086)", "leave one",
    ),
    ({"name": "g", "selectors": [{"hosts": ["h9"]}]}, "PCI group: there is no host h9", "make the host first"),
    ({"name": "g", "selectors": [{"aggregates": ["a"]}]}, "PCI group: there is no host aggregate a", "make the"),
    ({"name": "g", "selectors": [VF], "excludes": [{"hosts": ["h9"]}]}, "PCI group: there is no host h9", "make"),
    ({"name": "g", "selectors": [VF], "projects": ["nobody"]}, "PCI group: there is no project nobody", "make"),
    ({"name": "g", "selectors": [VF], "projects": "demo"}, "Invalid input for field 'projects'", ""),
    ({"name": "g", "selectors": [VF], "default_vnic_type": "normal"}, "default_vnic_type = 'normal' is no", "one of"),
    ({"name": "g", "selectors": [VF], "default_vnic_type": ["direct"]}, "default_vnic_type = ['direct']", "one of"),
    (
        {"name": "g", "selectors": [VF], "default_vnic_type": "direct-physical"},
        "PCI group: ports of default_vnic_type 'direct-physical' take a type-PF", "change the kind",
    ),
    ({"name": "g", "selectors": [VF], "description": "x" * 256}, "Invalid input for field 'description'", ""),
    ({"name": "g", "selectors": [VF], "colour": "red"}, "pci_group has the unknown key 'colour'", "known: name"),
    *(
        ({"name": name, "selectors": [VF]}, f"name = {name!r}"[:60], "")
        for name in ("", "a b", "a/b", "x" * 64, ".", "..", "a\n", "\u202ename", SOMEBODY, None, 7)
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said", "hint"), REFUSED)
def test_what_can_never_be_right_is_refused_by_field_value_and_way_out(
    quiet: Grouped, body: dict[str, Any], said: str, hint: str
) -> None:
    answer = quiet.admin.post(BASE, {"pci_group": body})
    assert answer.status == 400, answer.body
    assert answer.body["error"]["message"].startswith(said)
    assert hint in answer.body["error"]["hint"]
    if "name" in body and "selectors" in body:
        assert quiet.admin.put(f"{BASE}/there", {"pci_group": body}).status == 400


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'{"pci_group": []}', b'{"group": {}}', b'{"pci_group": {"name": "\\ud800"}}']
)
def test_a_body_that_is_none_is_refused(quiet: Grouped, raw: bytes) -> None:
    assert quiet.admin.send("POST", BASE, raw=raw).status == 400


def test_a_taken_name_and_an_unknown_query_are_refused(quiet: Grouped) -> None:
    assert quiet.create("there", VF).status == 409
    assert quiet.admin.get(f"{BASE}?vendor=8086").status == 400
    assert quiet.admin.delete(f"{BASE}/there?force=perhaps").status == 400
    assert quiet.admin.delete(f"{BASE}/nothing").status == 404
    assert quiet.change("nothing", description="x").status == 404


def test_there_are_only_so_many_groups(grouped: Grouped) -> None:
    def fill(tx: Tx) -> None:
        for number in range(GROUPS_MAX - 1):
            GROUPS.insert(tx, PciGroup(f"id-{number}", f"g{number}", tx.now, tx.now, selectors=(PciSelector("15b3"),)))

    grouped.nobody.controller.store.write_now(fill)
    assert grouped.create("last", VF).status == 201
    assert grouped.create("one-more", VF).status == 409


# --- changing --------------------------------------------------------------------------------------------------


def test_what_is_given_is_changed_and_the_rest_stays(grouped: Grouped) -> None:
    made = grouped.made("fast", VF, projects=[grouped.project("demo")])
    answer = grouped.change(description="new", default_vnic_type="direct", excludes=[{"tags": ["gold"]}])
    assert answer.status == 200
    changed = answer.body["pci_group"]
    assert changed["description"] == "new"
    assert (changed["selectors"], changed["projects"]) == (made["selectors"], made["projects"])
    assert (changed["device_count"], changed["revision_number"]) == (7, 2)


def test_a_change_that_changes_nothing_leaves_no_trace(grouped: Grouped) -> None:
    grouped.made("fast", VF)
    assert grouped.change(selectors=[VF], description="").body["pci_group"]["revision_number"] == 1
    assert [kind for kind, _ in grouped.events()] == ["pci-group.created"]


def test_a_change_of_another_revision_is_refused(grouped: Grouped) -> None:
    grouped.made()
    assert grouped.change(description="a", revision_number=1).status == 200
    late = grouped.change(description="b", revision_number=1)
    assert (late.status, late.body["error"]["code"]) == (412, "RevisionNumberConstraintFailed")
    assert grouped.change(description="b", revision_number="2").status == 400
    assert grouped.show()["description"] == "a"


def test_a_group_is_renamed_to_a_free_name_only(grouped: Grouped) -> None:
    grouped.made("a")
    grouped.made("b")
    assert grouped.change("a", name="b").status == 409
    assert grouped.change("a", name="c").status == 200
    assert grouped.names() == ["b", "c"]


def test_what_is_no_longer_there_is_told_and_does_not_stand_in_the_way(grouped: Grouped) -> None:
    grouped.made("later", {"hosts": ["h1", "h2"], "vendor_id": "15b3"})
    grouped.nobody.controller.store.write_now(_forget_h2)
    assert "host h2 (selectors[0].hosts)" in grouped.show("later")["note"]
    assert grouped.change("later", description="x").status == 200
    assert grouped.change("later", excludes=[{"tags": ["a"]}]).status == 400


def _forget_h2(tx: Tx) -> None:
    for device in DEVICES.where(tx, host="h2"):
        DEVICES.delete(tx, device.id)
    HOSTS.delete(tx, "h2")


# --- in use ----------------------------------------------------------------------------------------------------


def test_a_group_that_would_lose_a_function_in_use_has_to_be_forced(grouped: Grouped) -> None:
    server = grouped.claim("h1", 0)
    grouped.claim("h2", 1)
    grouped.made("fast", VF)
    before = grouped.claims()
    refused = grouped.change(excludes=[{"tags": ["gold"]}])
    error = refused.body["error"]
    assert (refused.status, error["code"]) == (409, "PciGroupInUse")
    assert "servers have 1 of the functions that would leave it: h1 0000:81:10.0 (server vm-h1-0)" in error["message"]
    assert "--force" in error["hint"]
    assert error["facts"]["functions"] == [{"host": "h1", "address": "0000:81:10.0", "server_id": server}]
    assert grouped.show()["revision_number"] == 1
    assert grouped.change(query="?force=true", excludes=[{"tags": ["gold"]}]).status == 200
    assert grouped.show()["device_count"] == 7
    assert grouped.claims() == before
    assert grouped.events()[-1][1]["left_in_use"] == 1


def test_a_group_grows_and_loses_what_nobody_has_without_force(grouped: Grouped) -> None:
    grouped.claim("h1", 0)
    grouped.made("fast", H1_BUS)
    assert grouped.change(selectors=[VF]).status == 200
    assert grouped.change(excludes=[{"hosts": ["h2"]}]).status == 200
    assert grouped.change(selectors=[{"tags": ["gold"]}]).status == 200
    assert grouped.show()["device_count"] == 1


@pytest.mark.parametrize("flavor_asked", [True, False])
def test_a_group_that_servers_asked_for_by_name_keeps_it_until_forced(grouped: Grouped, flavor_asked: bool) -> None:
    grouped.made("fast", {"tags": ["gold"]})
    grouped.claim("h2", 2, group="fast", flavor_asked=flavor_asked)
    before = grouped.claims()
    for answer in (grouped.change(name="slow"), grouped.admin.delete(f"{BASE}/fast")):
        assert (answer.status, answer.body["error"]["code"]) == (409, "PciGroupInUse")
        assert "h2 0000:05:10.2 (server vm-h2-2)" in answer.body["error"]["message"]
    assert grouped.change(description="harmless").status == 200
    assert grouped.admin.delete(f"{BASE}/fast?force=true").status == 204
    assert (grouped.names(), grouped.claims()) == ([], before)


def test_a_group_that_flavors_name_is_deleted_by_force_only(grouped: Grouped) -> None:
    grouped.made("fast", {"vendor_id": "15b3"})
    grouped.flavor("other", "faster:1")
    grouped.flavor("sriov", "slow:2, fast:1")
    refused = grouped.admin.delete(f"{BASE}/fast")
    assert refused.status == 409
    assert refused.body["error"]["message"] == "PCI group fast is in use: flavors name it: sriov"
    assert grouped.admin.delete(f"{BASE}/fast?force=true").status == 204


def test_what_is_in_use_is_told_once_and_briefly(grouped: Grouped) -> None:
    grouped.made("fast", VF)
    for number in range(4):
        grouped.claim("h1", number, group="fast")
        grouped.claim("h2", number, group="fast", flavor_asked=True)
    error = grouped.admin.delete(f"{BASE}/fast").body["error"]
    assert "servers have 8 of the functions" in error["message"]
    assert error["message"].count("(server ") == 5
    assert error["message"].endswith(", ...")
    assert len(error["facts"]["functions"]) == 8


# --- the trail -------------------------------------------------------------------------------------------------


def test_every_change_of_a_group_is_told_with_its_values(grouped: Grouped) -> None:
    grouped.made("fast", VF, description="d")
    grouped.change(name="faster", excludes=[{"tags": ["gold"]}])
    grouped.admin.delete(f"{BASE}/faster")
    assert grouped.events() == [
        (
            "pci-group.created",
            {
                "name": "fast", "description": "d", "selectors": [{"vendor_id": "8086", "kind": "type-VF"}],
                "excludes": [], "projects": [], "default_vnic_type": None,
            },
        ),
        (
            "pci-group.updated",
            {"name": "faster", "was": "fast", "changed": {"name": "faster", "excludes": [{"tags": ["gold"]}]}},
        ),
        ("pci-group.deleted", {"name": "faster"}),
    ]  # fmt: skip
