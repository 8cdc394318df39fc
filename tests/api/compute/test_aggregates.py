"""Host aggregates as Nova's admins use them, and the availability zones that they make."""

from typing import Any

import pytest

from mooring.errors import Conflict
from mooring.model.group import PciGroup, PciSelector
from mooring.service.groups import delete_group
from mooring.service.hosts import remove_host
from mooring.store.groups import GROUPS
from mooring.store.tx import Tx
from mooring.testing.cloud import ADMIN
from mooring.testing.in_process import Answer
from tests.api.compute.cloud import BASE, HOST, Compute, at

AGGREGATES = f"{BASE}/os-aggregates"
VERSION = "2.81"


def send(compute: Compute, method: str, path: str = "", body: object = None, version: str = VERSION) -> Answer:
    return compute.admin.send(method, f"{AGGREGATES}{path}", body, at(version))


def make(compute: Compute, name: str = "fast", zone: str | None = None, *hosts: str, **metadata: str) -> int:
    said = {"name": name} if zone is None else {"name": name, "availability_zone": zone}
    answer = send(compute, "POST", body={"aggregate": said})
    assert answer.status == 200, answer.body
    ident: int = answer.body["aggregate"]["id"]
    for host in hosts:
        act(compute, ident, "add_host", {"host": host})
    if metadata:
        act(compute, ident, "set_metadata", {"metadata": metadata})
    return ident


def act(compute: Compute, ident: int, action: str, body: object) -> dict[str, Any]:
    answer = send(compute, "POST", f"/{ident}/action", {action: body})
    assert answer.status == 200, answer.body
    shown: dict[str, Any] = answer.body["aggregate"]
    return shown


def refused(answer: Answer, status: int) -> str:
    assert answer.status == status, answer.body
    (fault,) = answer.body.values()
    return str(fault["message"])


def zones(compute: Compute) -> dict[str, list[str]]:
    found = compute.admin.get(f"{BASE}/os-availability-zone/detail").body["availabilityZoneInfo"]
    return {zone["zoneName"]: sorted(zone["hosts"]) for zone in found}


def in_zone(compute: Compute, zone: str | None, **more: Any) -> dict[str, Any]:
    return compute.show(compute.boot(networks="none", availability_zone=zone, **more), as_admin=True)


def test_a_new_aggregate_is_shown_without_hosts_and_metadata(compute: Compute) -> None:
    answer = send(compute, "POST", body={"aggregate": {"name": "fast", "availability_zone": "az1"}}, version="2.40")
    assert answer.status == 200
    assert answer.body["aggregate"].keys() == {
        "id", "name", "availability_zone", "created_at", "updated_at", "deleted_at", "deleted",
    }  # fmt: skip
    assert answer.body["aggregate"] | {"created_at": "now"} == {
        "id": 1, "name": "fast", "availability_zone": "az1", "created_at": "now", "updated_at": None,
        "deleted_at": None, "deleted": False,
    }  # fmt: skip


def test_the_uuid_is_shown_from_2_41_on(compute: Compute) -> None:
    ident = make(compute)
    assert "uuid" not in send(compute, "GET", f"/{ident}", version="2.40").body["aggregate"]
    (listed,) = send(compute, "GET", version="2.41").body["aggregates"]
    assert listed == send(compute, "GET", f"/{ident}", version="2.41").body["aggregate"]
    assert len(listed["uuid"]) == 36


def test_hosts_and_properties_are_set_and_taken_away(trio: Compute) -> None:
    ident = make(trio)
    act(trio, ident, "add_host", {"host": "cn2"})
    assert act(trio, ident, "add_host", {"host": "cn1"})["hosts"] == ["cn1", "cn2"]
    assert act(trio, ident, "set_metadata", {"metadata": {"ssd": "true", "rack": "7"}})["metadata"] == {
        "ssd": "true", "rack": "7",
    }  # fmt: skip
    assert act(trio, ident, "set_metadata", {"metadata": {"rack": None, "gone": None}})["metadata"] == {"ssd": "true"}
    trio.clock.advance(5)
    shown = act(trio, ident, "remove_host", {"host": "cn2"})
    assert (shown["hosts"], shown["updated_at"] > shown["created_at"]) == (["cn1"], True)


def test_an_aggregate_is_renamed_and_deleted_once_it_is_empty(compute: Compute) -> None:
    ident = make(compute, "fast", None, HOST)
    changed = send(compute, "PUT", f"/{ident}", {"aggregate": {"name": " quick "}})
    assert (changed.status, changed.body["aggregate"]["name"]) == (200, "quick")
    assert "Host aggregate is not empty" in refused(send(compute, "DELETE", f"/{ident}"), 400)
    act(compute, ident, "remove_host", {"host": HOST})
    assert send(compute, "DELETE", f"/{ident}").status == 200
    assert refused(send(compute, "GET", f"/{ident}"), 404) == f"Aggregate {ident} could not be found."
    assert make(compute) > ident


def test_a_taken_name_is_refused_at_create_and_at_rename(compute: Compute) -> None:
    make(compute, "fast")
    other = make(compute, "slow")
    for answer in (
        send(compute, "POST", body={"aggregate": {"name": "fast"}}),
        send(compute, "PUT", f"/{other}", {"aggregate": {"name": "fast"}}),
    ):
        assert refused(answer, 409) == "Aggregate fast already exists."
    assert send(compute, "PUT", f"/{other}", {"aggregate": {"name": "slow"}}).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("GET", "/fast", None, 400, "id must be an integer"),
        ("GET", "/9", None, 404, "Aggregate 9 could not be found."),
        ("GET", "/-1", None, 404, "Aggregate -1 could not be found."),
        ("GET", "/99999999999", None, 404, "could not be found"),
        ("GET", "?name=x", None, 400, "'name' was unexpected"),
        ("DELETE", "/9", None, 404, "Aggregate 9"),
        ("PUT", "/9", {"aggregate": {"name": "x"}}, 404, "Aggregate 9"),
        ("PUT", "/1", {"aggregate": {}}, 400, "'name' or 'availability_zone' is a required property"),
        ("PUT", "/1", {"aggregate": {"name": ""}}, 400, "should be non-empty"),
        ("PUT", "/1", {"aggregate": {"availability_zone": None}}, 400, "empty named availability zone"),
        ("POST", "", {"aggregate": {}}, 400, "'name' is a required property"),
        ("POST", "", {"aggregate": {"name": " x"}}, 400, "Can not start or end with whitespace"),
        ("POST", "", {"aggregate": {"name": "x" * 256}}, 400, "is too long"),
        ("POST", "", {"aggregate": {"name": 7}}, 400, "7 is not of type 'string'"),
        ("POST", "", {"aggregate": {"name": "x", "hosts": []}}, 400, "'hosts' was unexpected"),
        ("POST", "", {"aggregate": {"name": "x", "availability_zone": "a:b"}}, 400, "except colon"),
        ("POST", "", {"aggregate": {"name": "x", "availability_zone": ""}}, 400, "should be non-empty"),
        ("POST", "/1/action", {}, 400, "one property: the action"),
        ("POST", "/1/action", {"explode": {}}, 400, "There is no such action: explode"),
        ("POST", "/1/action", {"add_host": {"host": "a b"}}, 400, "does not match"),
        ("POST", "/1/action", {"add_host": {}}, 400, "'host' is a required property"),
        ("POST", "/1/action", {"add_host": {"host": "cn9"}}, 404, "Compute host cn9 could not be found."),
        ("POST", "/9/action", {"add_host": {"host": HOST}}, 404, "Aggregate 9 could not be found."),
        ("POST", "/1/action", {"remove_host": {"host": HOST}}, 404, f"Host {HOST} in aggregate 1"),
        ("POST", "/9/action", {"remove_host": {"host": HOST}}, 404, "aggregate 9"),
        ("POST", "/1/action", {"set_metadata": {"metadata": {"a/b": "c"}}}, 400, "does not match any of the regexes"),
        ("POST", "/1/action", {"set_metadata": {"metadata": {"a": 1}}}, 400, "field/attribute a. Value: 1"),
        ("POST", "/1/action", {"set_metadata": {"metadata": {"a": "v" * 256}}}, 400, "is too long"),
        ("POST", "/1/action", {"set_metadata": {"metadata": []}}, 400, "is not of type 'object'"),
        ("POST", "/1/action", {"set_metadata": {"metadata": {"availability_zone": None}}}, 400, "empty named"),
        ("POST", "/1/action", {"set_metadata": {"metadata": {"availability_zone": "a:b"}}}, 400, "except colon"),
        ("POST", "/1/action", {"set_metadata": {"metadata": {"pci:what": "x"}}}, 400, "pci:what of an aggregate"),
        ("POST", "/1/action", {"set_metadata": {"metadata": {"pci:groups": "a,,b"}}}, 400, "commas between them"),
        ("POST", "/1/action", {"set_metadata": {"metadata": {"pci:groups": "typo"}}}, 400, "no PCI group typo"),
        ("POST", "/1/action", {"set_metadata": {"metadata": {"filter_tenant_id": "x"}}}, 400, "nothing would go by it"),
        ("POST", "/1/images", {"cache": [{"id": "x"}]}, 400, "'x' is not a 'uuid'"),
        ("POST", "/1/images", {"cache": [{"id": "5ae6a9a2-62a5-4d26-a7b5-bd1e3a2f9d11"}]}, 400, "not cached ahead"),
        ("POST", "/9/images", {"cache": [{"id": "5ae6a9a2-62a5-4d26-a7b5-bd1e3a2f9d11"}]}, 404, "Aggregate 9"),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_changed(
    compute: Compute, method: str, path: str, body: object, status: int, said: str
) -> None:
    make(compute)
    before = send(compute, "GET").body
    assert said in refused(send(compute, method, path, body), status)
    assert send(compute, "GET").body == before


def test_more_properties_than_an_aggregate_holds_are_refused(compute: Compute) -> None:
    ident = make(compute)
    act(compute, ident, "set_metadata", {"metadata": {f"k{n}": "v" for n in range(128)}})
    one_more = {"set_metadata": {"metadata": {"k128": "v"}}}
    assert "would have 129 properties" in refused(send(compute, "POST", f"/{ident}/action", one_more), 400)


def test_images_are_not_there_before_2_81(compute: Compute) -> None:
    assert send(compute, "POST", f"/{make(compute)}/images", {"cache": []}, "2.80").status == 404


def test_a_host_comes_and_goes_with_the_zone_of_its_aggregate(trio: Compute) -> None:
    assert zones(trio) == {"nova": ["cn1", "cn2", "cn3"]}
    ident = make(trio, "fast", "az1", "cn1", "cn2")
    assert zones(trio) == {"az1": ["cn1", "cn2"], "nova": ["cn3"]}
    assert in_zone(trio, "az1")["OS-EXT-AZ:availability_zone"] == "az1"
    assert in_zone(trio, "nova")["OS-EXT-SRV-ATTR:host"] == "cn3"
    gone = in_zone(trio, "az9")
    assert (gone["status"], "another availability zone" in gone["fault"]["message"]) == ("ERROR", True)
    act(trio, ident, "remove_host", {"host": next(h for h in ("cn2", "cn1") if not held(trio, h))})
    assert len(zones(trio)["nova"]) == 2


def held(compute: Compute, host: str) -> list[Any]:
    found = compute.admin.get(f"{BASE}/os-hypervisors/detail?with_servers=true", **at("2.53")).body["hypervisors"]
    return next(list(one["servers"]) for one in found if one["hypervisor_hostname"] == host)


def test_a_zone_can_be_given_later_and_renamed_and_hosts_follow(trio: Compute) -> None:
    ident = make(trio, "fast", None, "cn1")
    assert zones(trio) == {"nova": ["cn1", "cn2", "cn3"]}
    send(trio, "PUT", f"/{ident}", {"aggregate": {"availability_zone": "az1"}})
    assert zones(trio) == {"az1": ["cn1"], "nova": ["cn2", "cn3"]}
    assert act(trio, ident, "set_metadata", {"metadata": {"availability_zone": "az2"}})["availability_zone"] == "az2"
    assert zones(trio) == {"az2": ["cn1"], "nova": ["cn2", "cn3"]}
    service = trio.admin.get(f"{BASE}/os-services?host=cn1").body["services"][0]
    assert service["zone"] == "az2"


def test_a_host_is_in_one_zone_only(trio: Compute) -> None:
    make(trio, "a", "az1", "cn1")
    other = make(trio, "b", "az2")
    body = {"add_host": {"host": "cn1"}}
    said = refused(send(trio, "POST", f"/{other}/action", body), 409)
    assert "One or more hosts already in availability zone(s) ['az1']" in said
    same, none = make(trio, "c", "az1", "cn1"), make(trio, "d", None, "cn1")
    for ident in (same, none):
        answer = send(trio, "PUT", f"/{ident}", {"aggregate": {"availability_zone": "az3"}})
        assert "already in availability zone(s) ['az1']" in refused(answer, 400)
    assert "already has host cn1" in refused(send(trio, "POST", f"/{same}/action", body), 409)
    act(trio, same, "remove_host", {"host": "cn1"})
    assert zones(trio) == {"az1": ["cn1"], "nova": ["cn2", "cn3"]}


def test_nothing_moves_a_server_to_another_zone(compute: Compute) -> None:
    compute.boot(networks="none")
    ident, other = make(compute, "plain", None, HOST), make(compute, "zoned", "az1")
    add = {"add_host": {"host": HOST}}
    said = refused(send(compute, "POST", f"/{other}/action", add), 409)
    assert f"contain instances in this zone: {HOST} would go from nova to az1" in said
    assert "contain instances" in refused(
        send(compute, "PUT", f"/{ident}", {"aggregate": {"name": "x", "availability_zone": "az1"}}), 400
    )
    assert "contain instances" in refused(
        send(compute, "POST", f"/{ident}/action", {"set_metadata": {"metadata": {"availability_zone": "az1"}}}), 400
    )
    assert send(compute, "GET", f"/{ident}").body["aggregate"]["name"] == "plain"
    act(compute, ident, "set_metadata", {"metadata": {"availability_zone": "nova"}})
    act(compute, ident, "remove_host", {"host": HOST})
    assert zones(compute) == {"nova": [HOST]}


def test_a_host_with_servers_does_not_leave_its_zone(compute: Compute) -> None:
    ident = make(compute, "zoned", "az1", HOST)
    server = compute.boot(networks="none")
    remove = {"remove_host": {"host": HOST}}
    said = refused(send(compute, "POST", f"/{ident}/action", remove), 409)
    assert said.startswith(f"Cannot remove host {HOST} in aggregate {ident}: One or more hosts contain instances")
    assert send(compute, "PUT", f"/{ident}", {"aggregate": {"availability_zone": "az1"}}).status == 200
    compute.member.delete(f"{BASE}/servers/{server}")
    compute.cloud.settle()
    assert act(compute, ident, "remove_host", {"host": HOST})["hosts"] == []


def test_a_host_that_is_removed_leaves_its_aggregates(trio: Compute) -> None:
    ident = make(trio, "fast", "az1", "cn1", "cn3")
    store, world = trio.cloud.controller.store, trio.cloud.controller.world
    store.write_now(lambda tx: remove_host(tx, world, ADMIN, "cn3"))
    assert send(trio, "GET", f"/{ident}").body["aggregate"]["hosts"] == ["cn1"]


def pci_group(compute: Compute, name: str, **more: Any) -> None:
    def story(tx: Tx) -> None:
        GROUPS.insert(tx, PciGroup(f"id-{name}", name, tx.now, tx.now, **more))

    compute.cloud.controller.store.write_now(story)


def test_hosts_kept_for_a_pci_group_take_nobody_else(trio: Compute) -> None:
    pci_group(trio, "gold")
    make(trio, "kept", None, "cn1", "cn2", **{"pci:groups": "gold"})
    assert in_zone(trio, None)["OS-EXT-SRV-ATTR:host"] == "cn3"
    failed = forced(trio, "cn1")
    assert failed["status"] == "ERROR"
    assert "been kept for servers with devices of certain PCI groups" in failed["fault"]["message"]
    assert "aggregate kept keeps it for servers that ask for PCI group gold" in failed["fault"]["details"]


def test_a_pci_group_that_hosts_are_kept_for_is_not_deleted_by_the_way(compute: Compute) -> None:
    pci_group(compute, "gold")
    ident = make(compute, "kept", **{"pci:groups": "gold"})
    store = compute.cloud.controller.store
    with pytest.raises(Conflict, match="aggregates keep their hosts for it: kept"):
        store.write_now(lambda tx: delete_group(tx, ADMIN, "gold"))
    act(compute, ident, "set_metadata", {"metadata": {"pci:groups": None}})
    store.write_now(lambda tx: delete_group(tx, ADMIN, "gold"))


def forced(compute: Compute, host: str) -> dict[str, Any]:
    body = compute.body(networks="none", availability_zone=f"nova:{host}")
    made = compute.admin.send("POST", f"{BASE}/servers", body, at("2.96"))
    assert made.status == 202, made.body
    return compute.show(made.body["server"]["id"], as_admin=True)


def test_a_flavor_asks_for_properties_of_aggregates(trio: Compute) -> None:
    make(trio, "ssd", None, "cn2", disk="ssd", cores="32")
    make(trio, "hdd", None, "cn1", disk="hdd")
    specs = {
        "aggregate_instance_extra_specs:disk": "<or> ssd <or> nvme",
        "aggregate_instance_extra_specs:cores": ">= 16",
    }
    made = trio.admin.post(f"{BASE}/flavors/{trio.flavor}/os-extra_specs", {"extra_specs": specs})
    assert made.status == 200, made.body
    assert in_zone(trio, None)["OS-EXT-SRV-ATTR:host"] == "cn2"
    failed = forced(trio, "cn1")
    assert "no aggregate in which cores is >= 16" in failed["fault"]["message"]


def test_an_aggregate_that_a_pci_group_names_keeps_its_name(compute: Compute) -> None:
    ident = make(compute, "fast")
    pci_group(compute, "gold", selectors=(PciSelector(aggregates=("fast",)),))
    for answer in (
        send(compute, "PUT", f"/{ident}", {"aggregate": {"name": "quick"}}),
        send(compute, "DELETE", f"/{ident}"),
    ):
        assert "is named by PCI group gold" in refused(answer, 409)


@pytest.mark.parametrize(
    ("method", "path", "body", "rule"),
    [
        ("GET", "", None, "os_compute_api:os-aggregates:index"),
        ("POST", "", {"aggregate": {"name": "x"}}, "os_compute_api:os-aggregates:create"),
        ("GET", "/1", None, "os_compute_api:os-aggregates:show"),
        ("PUT", "/1", {"aggregate": {"name": "x"}}, "os_compute_api:os-aggregates:update"),
        ("DELETE", "/1", None, "os_compute_api:os-aggregates:delete"),
        ("POST", "/1/action", {"add_host": {"host": HOST}}, "os_compute_api:os-aggregates:add_host"),
        ("POST", "/1/action", {"remove_host": {"host": HOST}}, "os_compute_api:os-aggregates:remove_host"),
        ("POST", "/1/action", {"set_metadata": {"metadata": {}}}, "os_compute_api:os-aggregates:set_metadata"),
        ("POST", "/1/images", {"cache": []}, "compute:aggregates:images"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_aggregates_are_for_admins(quiet: Compute, method: str, path: str, body: object, rule: str) -> None:
    answer = quiet.member.send(method, f"{AGGREGATES}{path}", body, at(VERSION))
    assert refused(answer, 403) == f"Policy doesn't allow {rule} to be performed."


def test_each_change_is_told(compute: Compute) -> None:
    ident = make(compute, "fast", "az1", HOST)
    act(compute, ident, "set_metadata", {"metadata": {"ssd": "true"}})
    act(compute, ident, "remove_host", {"host": HOST})
    send(compute, "DELETE", f"/{ident}")
    assert compute.told("aggregate") == [
        ("aggregate.created", {"name": "fast"}),
        ("aggregate.host-added", {"name": "fast", "host": HOST}),
        ("aggregate.updated", {"name": "fast", "changes": ["ssd"]}),
        ("aggregate.host-removed", {"name": "fast", "host": HOST}),
        ("aggregate.deleted", {"name": "fast"}),
    ]
