"""Several servers in one request: as many as there is room for, all or nothing below ``min_count``."""

from typing import Any

import pytest

from mooring.core.subnets import SubnetWish
from mooring.errors import Forbidden
from mooring.model.identity import Caller
from mooring.model.port import VnicType
from mooring.model.server import GroupPolicy
from mooring.service.networks import NetworkWish, SegmentWish, create_network
from mooring.service.server_groups import MEMBERS_MAX, create_server_group, joined_group
from mooring.service.subnets import NewSubnet, create_subnet
from mooring.store import claims
from mooring.store.ports import PORTS
from mooring.store.tx import Tx
from mooring.testing.cloud import ADMIN
from tests.api.compute.cloud import BASE, HOST, HOSTS, VFS, Compute, at

SMALL_SUBNET_ADDRESSES = 5


def several(compute: Compute, least: int, most: int, **more: Any) -> list[dict[str, Any]]:
    """The servers of one request, by launch index, once all has come as far as it can."""
    answer = compute.create("vm", min_count=least, max_count=most, return_reservation_id=True, **more)
    assert answer.status == 202, answer.body
    assert answer.body.keys() == {"reservation_id"}
    compute.cloud.settle()
    query = f"?reservation_id={answer.body['reservation_id']}&sort_key=launch_index&sort_dir=asc"
    found = compute.admin.send("GET", f"{BASE}/servers/detail{query}&all_tenants=1", headers=at("2.96"))
    servers: list[dict[str, Any]] = found.body["servers"]
    return servers


def sriov(compute: Compute) -> list[dict[str, str]]:
    return [{"uuid": compute.network, "vnic-type": "direct"}]


def left_over(compute: Compute) -> tuple[int, int]:
    """How many functions are claimed, and how many ports there are."""
    return compute.cloud.controller.store.read_now(lambda tx: (claims.count(tx), len(PORTS.where(tx))))


def test_as_many_as_there_is_room_for_are_made(compute: Compute) -> None:
    servers = several(compute, 2, 7, networks=sriov(compute))
    assert [(s["name"], s["status"], s["OS-EXT-SRV-ATTR:launch_index"]) for s in servers] == [
        (f"vm-{number + 1}", "ACTIVE", number) for number in range(VFS)
    ]
    assert left_over(compute) == (VFS, VFS)
    assert [kind for kind, _ in compute.told("server")].count("server.created") == VFS
    assert compute.cloud.findings() == []


def test_below_the_least_nothing_is_claimed_and_each_says_how_many_could_be_placed(compute: Compute) -> None:
    servers = several(compute, VFS + 1, 9, networks=sriov(compute))
    assert [(s["name"], s["status"]) for s in servers] == [(f"vm-{n + 1}", "ERROR") for n in range(VFS + 1)]
    for server in servers:
        message = server["fault"]["message"]
        assert message.startswith("No valid host was found. 4 of at least 5 servers could be placed. For one more: ")
        assert "no free VF on physnet1 (4 of 4 in use)" in message
        assert HOST in server["fault"]["details"]
        assert server["OS-EXT-SRV-ATTR:host"] is None
    assert left_over(compute) == (0, 0)
    assert [kind for kind, _ in compute.told("server")] == ["server.unplaced"] * (VFS + 1)
    assert compute.told("port") == []
    assert several(compute, VFS, VFS, networks=sriov(compute))[-1]["status"] == "ACTIVE"
    assert compute.cloud.findings() == []


def test_a_group_s_members_of_one_request_have_a_host_each(trio: Compute) -> None:
    made = trio.member.post(f"{BASE}/os-server-groups", {"server_group": {"name": "g", "policies": ["anti-affinity"]}})
    body = {
        **trio.body(networks="none", min_count=1, max_count=5),
        "os:scheduler_hints": {"group": made.body["server_group"]["id"]},
    }
    assert trio.member.send("POST", f"{BASE}/servers", body, at("2.96")).status == 202
    trio.cloud.settle()
    found = trio.admin.send("GET", f"{BASE}/servers/detail?all_tenants=1", headers=at("2.96")).body["servers"]
    assert sorted(server["OS-EXT-SRV-ATTR:host"] for server in found) == list(HOSTS)


def test_a_single_server_has_its_name_alone(compute: Compute) -> None:
    assert [server["name"] for server in several(compute, 1, 1, networks="none")] == ["vm"]
    assert [server["name"] for server in several(compute, 2, 2, networks="none")] == ["vm-1", "vm-2"]


def test_without_most_the_least_is_the_number(compute: Compute) -> None:
    answer = compute.create("vm", networks="none", min_count="3")
    assert answer.status == 202
    listed = compute.member.get(f"{BASE}/servers").body["servers"]
    assert answer.body["server"]["id"] in [server["id"] for server in listed]
    assert sorted(server["name"] for server in listed) == ["vm-1", "vm-2", "vm-3"]


def small_network(compute: Compute) -> str:
    """With addresses for five ports."""
    world = compute.cloud.controller.world

    def story(tx: Tx) -> str:
        segments = (SegmentWish("vlan", "physnet1", 101),)
        network = create_network(tx, world, ADMIN, NetworkWish(compute.project, "small", segments=segments))
        create_subnet(tx, world, ADMIN, NewSubnet(compute.project, SubnetWish(network.id, 4, "198.51.100.0/29")))
        return network.id

    return compute.cloud.controller.store.write_now(story)


def test_addresses_that_run_out_end_the_row_above_the_least_and_refuse_it_below(compute: Compute) -> None:
    network = [{"uuid": small_network(compute)}]
    refused = compute.create("vm", networks=network, min_count=SMALL_SUBNET_ADDRESSES + 1)
    assert refused.status == 409, refused.body
    assert compute.member.get(f"{BASE}/servers").body == {"servers": []}
    assert left_over(compute) == (0, 0)
    servers = several(compute, 2, 9, networks=network)
    assert [server["status"] for server in servers] == ["ACTIVE"] * SMALL_SUBNET_ADDRESSES


@pytest.mark.parametrize(
    ("nic", "said"),
    [
        ({"port": "PORT"}, "Unable to launch multiple instances with a single configured port ID"),
        ({"uuid": "NET", "fixed_ip": "192.0.2.9"}, "max_count cannot be greater than 1 if an fixed_ip is specified"),
    ],
)
def test_what_can_be_one_server_s_only_is_refused_for_several(compute: Compute, nic: dict[str, str], said: str) -> None:
    port = compute.port(VnicType.DIRECT).id
    nic = {key: {"PORT": port, "NET": compute.network}.get(value, value) for key, value in nic.items()}
    answer = compute.create(networks=[nic], max_count=2)
    assert answer.status == 400
    assert said in answer.body["badRequest"]["message"]
    assert compute.create(networks=[nic], max_count=1).status == 202


@pytest.mark.parametrize("most", [101, 1000])
def test_more_than_one_request_may_ask_for_is_refused(compute: Compute, most: int) -> None:
    answer = compute.create(networks="none", max_count=most)
    assert answer.status == 400
    assert "are not from 1 to 100" in answer.body["badRequest"]["message"]


def test_a_group_does_not_take_more_than_it_may_have(compute: Compute) -> None:
    world, who = compute.cloud.controller.world, Caller("u", "u", compute.project, "demo", frozenset({"member"}))

    def story(tx: Tx) -> None:
        group = create_server_group(tx, world, who, "g", GroupPolicy.AFFINITY)
        assert joined_group(tx, who, group.id, MEMBERS_MAX) == group
        with pytest.raises(Forbidden, match="too many servers in group"):
            joined_group(tx, who, group.id, MEMBERS_MAX + 1)

    compute.cloud.controller.store.write_now(story)
