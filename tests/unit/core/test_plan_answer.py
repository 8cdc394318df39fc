"""Plans: the answer to two files is right by trying everything, the same in any order, and of the promised form."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.core.nearest import nearest_miss
from mooring.core.placing import answers
from mooring.core.plan_answer import answer_object
from mooring.core.plan_file import parse_hosts, parse_request
from mooring.model.pci import PciAddress
from mooring.model.request import PciRequest, Shortage
from mooring.model.vf import VfState
from tests.unit.core.clouds import chance_of
from tests.unit.core.plans import HOSTS, REQUEST, device_object, inventory, request_object
from tests.unit.core.random_clouds import (
    SOCKETS,
    Cloud,
    every_assignment,
    is_free,
    random_cloud,
    shares_well,
    will_do,
)

RANDOM_PLANS = 500
WHOLE_PF = {"address": "0000:0a:00.0", "type": "PF", "physical_network": "physnet1"}
PF = {**WHOLE_PF, "state": "unavailable", "is_offered": False}
VFS = [
    {"address": f"0000:0a:02.{n}", "type": "VF", "parent": "0000:0a:00.0", "physical_network": "physnet1"}
    for n in range(4)
]
IN_USE = [{**vf, "owner": "srv"} for vf in VFS]


def planned(hosts: str, *requests: Mapping[str, object], **more: object) -> Any:
    return answer_object(parse_request(json.dumps({"requests": requests, **more})), parse_hosts(hosts))


def test_a_yes_is_a_host_and_exactly_these_devices() -> None:
    answer = answer_object(parse_request(REQUEST), parse_hosts(HOSTS))
    assert json.dumps(answer) == '{"host": "h1", "devices": {"r1": ["0000:0a:02.0"]}}'


def test_a_no_is_what_fails_on_each_host_with_its_numbers_and_the_nearest_miss() -> None:
    answer = planned(HOSTS, {"id": "r1", "type": "VF", "physical_network": "physnet2"})
    assert answer == {
        "host": None,
        "hosts": {
            "h1": [
                {
                    "constraint": "physical_network",
                    "request": "r1",
                    "need": 1,
                    "have": 0,
                    "text": "free VFs on physnet1 only",
                }
            ]
        },
        "nearest_miss": "on physnet1, h1 would do",
    }


def test_a_host_without_devices_does_for_a_server_that_asks_for_none() -> None:
    assert planned('{"hosts": [{"name": "h1"}]}') == {"host": "h1", "devices": {}}


def test_no_hosts_are_a_no_that_nothing_is_near_to() -> None:
    assert planned('{"hosts": []}', {"id": "r1"}) == {"host": None, "hosts": {}, "nearest_miss": None}


@pytest.mark.parametrize(
    ("devices", "text"),
    [
        (IN_USE[:2], "no free VF on physnet1 (2 of 2 in use)"),
        ([*IN_USE[:3], {**VFS[3], "trusted": True}], "no free VF on physnet1 (3 of 3 in use)"),
        (
            [IN_USE[0], {**VFS[1], "state": "quarantined", "reason": "MAC", "updated_at": "2026-11-20T10:02:00+00:00"}],
            "no free VF on physnet1 (1 of 2 in use, 1 quarantined); quarantined since 2026-11-20 10:02: MAC",
        ),
        ([{**VFS[0], "is_offered": False}], "no free VF on physnet1 (1 of 1 not offered)"),
        ([{**VFS[0], "state": "releasing"}], "no free VF on physnet1 (1 of 1 being released)"),
    ],
)
def test_what_cannot_be_handed_out_is_told_to_be_that(devices: Sequence[Mapping[str, object]], text: str) -> None:
    asked = {"id": "r1", "type": "VF", "physical_network": "physnet1", "trusted": False}
    (lack,) = planned(inventory(PF, *devices), asked)["hosts"]["h1"]
    assert lack["constraint"] == "devices"
    assert lack["text"].startswith(text)


def test_requests_that_lack_something_together_are_told_together() -> None:
    asked = [{"id": name, "type": "VF", "physical_network": "physnet1"} for name in ("b", "a", "c")]
    answer = planned(inventory(PF, *VFS[:2], *IN_USE[2:]), *asked)
    (lack,) = answer["hosts"]["h1"]
    assert (lack["constraint"], lack["request"], lack["requests"]) == ("devices", "a", ["a", "b", "c"])
    assert (lack["need"], lack["have"]) == (3, 2)
    assert answer["nearest_miss"] == "with 1 VF on physnet1 given back, h1 would do"


def test_a_pf_and_a_vf_of_it_are_not_given_to_one_server() -> None:
    answer = planned(inventory(WHOLE_PF, VFS[0]), {"id": "a", "type": "VF"}, {"id": "b", "type": "PF"})
    (lack,) = answer["hosts"]["h1"]
    assert lack["constraint"] == "pf_or_vfs"


@pytest.mark.parametrize(
    ("host", "asked", "constraint", "text"),
    [
        ({"is_enabled": False, "disabled_reason": "new memory"}, {}, "agent", "the host is disabled: new memory"),
        ({"liveness": "dead"}, {}, "agent", "the agent does not answer"),
        ({"vcpus": 4, "used_vcpus": 15}, {"vcpus": 2}, "cpu", "2 vCPUs wanted, 1 of 16 free, 4 physical"),
        ({"vcpus": 4, "vcpu_ratio": 1, "used_vcpus": 3}, {"vcpus": 2}, "cpu", "2 vCPUs wanted, 1 of 4 free"),
        ({}, {"memory_mib": 1}, "memory", "1 MiB of memory wanted, 0 of 0 free, 0 physical"),
        ({"disk_gib": 5}, {"disk_gib": 9}, "disk", "9 GiB of disk wanted, 5 of 5 free, 5 physical"),
        ({"availability_zone": "az1"}, {"availability_zone": "az2"}, "zone", "the host is in availability zone az1"),
        (
            {"aggregates": [{"name": "kept", "metadata": {"pci:groups": "gpu"}}]}, {}, "aggregate",
            "aggregate kept keeps it for servers that ask for PCI group gpu",
        ),
        (
            {"aggregates": [{"name": "slow", "metadata": {"ssd": "no"}}]}, {"host_properties": {"ssd": "yes"}},
            "aggregate", "ssd is no in its aggregates, and the flavor asks for ssd 'yes'",
        ),
        ({}, {"host": "h2"}, "host", "there is no host of this name"),
    ],
)  # fmt: skip
def test_what_stands_against_a_host_besides_its_devices_is_told(
    host: Mapping[str, object], asked: Mapping[str, object], constraint: str, text: str
) -> None:
    (lacks,) = planned(inventory(**host), **asked)["hosts"].values()
    assert [lack["constraint"] for lack in lacks] == [constraint]
    assert lacks[0]["text"].startswith(text)
    assert lacks[0]["request"] is None


def test_a_host_that_is_asked_for_and_does_not_do_has_another_beside_it() -> None:
    hosts = json.dumps({"hosts": [{"name": "h1", "devices": [PF, *VFS]}, {"name": "h2"}]})
    answer = planned(hosts, {"id": "r1", "type": "VF"}, host="h2")
    assert list(answer["hosts"]) == ["h2"]
    assert answer["nearest_miss"] == "on another host, h1 would do"


def host_object(name: str, cloud: Cloud) -> dict[str, Any]:
    """PFs that the cloud does not have are written down as gone, for the file has to have them."""
    there = {device.address for device in cloud.devices}
    gone = {device.pf for device in cloud.devices if device.pf is not None} - there
    devices = [device_object(device, cloud.groups[device.address]) for device in cloud.devices]
    devices += [{"address": str(pf), "type": "PF", "state": VfState.GONE} for pf in sorted(gone)]
    return {"name": name, "devices": devices, "numa_sockets": {str(node): socket for node, socket in SOCKETS.items()}}


def random_plan(seed: int) -> tuple[dict[str, Cloud], dict[str, Any], dict[str, Any]]:
    """Hosts by name, and the two files as objects."""
    chance = chance_of(seed)
    asked = random_cloud(chance)
    clouds = {
        f"h{number}": replace(random_cloud(chance), requests=asked.requests, guest_nodes=asked.guest_nodes)
        for number in range(chance.randint(1, 3))
    }
    hosts = {"hosts": [host_object(name, cloud) for name, cloud in clouds.items()]}
    return clouds, hosts, {"requests": list(map(request_object, asked.requests)), "numa_nodes": asked.guest_nodes}


@settings(max_examples=RANDOM_PLANS)
@given(st.integers(0, 2**64))
def test_a_plan_names_devices_exactly_when_some_host_has_them_and_else_what_each_lacks(seed: int) -> None:
    clouds, hosts, request = random_plan(seed)
    answer: Any = answer_object(parse_request(json.dumps(request)), parse_hosts(json.dumps(hosts)))
    possible = {name for name, cloud in clouds.items() if next(every_assignment(cloud), None) is not None}
    if answer["host"] is None:
        assert not possible
        assert answer["hosts"].keys() == clouds.keys()
        for lacks in answer["hosts"].values():
            assert lacks
            assert all(lack["text"] and lack["request"] in {"r0", "r1", "r2"} for lack in lacks)
        return
    assert answer["host"] in possible
    cloud = clouds[answer["host"]]
    by_address = {str(device.address): device for device in cloud.devices}
    units = [request for request in cloud.requests for _ in range(request.count)]
    chosen = [by_address[address] for request in cloud.requests for address in answer["devices"][request.id]]
    assert len({device.address for device in chosen}) == len(units)
    assert all(is_free(device, cloud.devices) for device in chosen)
    assert all(will_do(unit, device, cloud) for unit, device in zip(units, chosen, strict=True))
    assert shares_well(units, chosen, cloud)


@settings(max_examples=RANDOM_PLANS)
@given(st.integers(0, 2**64))
def test_what_is_named_as_the_nearest_miss_makes_a_no_a_yes(seed: int) -> None:
    clouds, hosts, request = random_plan(seed)
    wish, inventory = parse_request(json.dumps(request)), parse_hosts(json.dumps(hosts))
    shortages = [one for one in answers(wish, inventory.hosts, inventory.liveness_of) if isinstance(one, Shortage)]
    if len(shortages) < len(clouds):
        return
    views = {host.name: host for host in inventory.hosts}
    miss = nearest_miss(wish, views, shortages, inventory.liveness_of)
    if miss is not None:
        assert miss.changes
        back = frozenset(miss.given_back)
        assert next(every_assignment(relaxed(clouds[miss.host], miss.wish.requests, back)), None) is not None


def relaxed(cloud: Cloud, requests: Sequence[PciRequest], given_back: frozenset[PciAddress]) -> Cloud:
    """With what a nearest miss changes."""
    devices = [
        replace(device, state=VfState.AVAILABLE) if device.address in given_back else device
        for device in cloud.devices
    ]  # fmt: skip
    return replace(cloud, requests=list(requests), devices=devices)


@given(st.integers(0, 2**64))
def test_the_answer_does_not_depend_on_the_order_of_anything_in_the_files(seed: int) -> None:
    _, hosts, request = random_plan(seed)
    first = answer_object(parse_request(json.dumps(request)), parse_hosts(json.dumps(hosts)))
    chance = chance_of(seed)
    for one in (hosts["hosts"], request["requests"], *(host["devices"] for host in hosts["hosts"])):
        chance.shuffle(one)
    request = {key: request[key] for key in sorted(request)}
    assert answer_object(parse_request(json.dumps(request)), parse_hosts(json.dumps(hosts, sort_keys=True))) == first
