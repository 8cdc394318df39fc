"""Segments one by one, the VLANs that they take and give back, and the subnets that are for one of them."""

from functools import partial
from typing import Any

import pytest

from mooring.model.network import NetworkType
from mooring.service.segments import SegmentWish, allocate_dynamic, release_dynamic
from mooring.store.networks import NETWORKS
from mooring.store.tx import Tx
from mooring.testing.in_process import Answer
from tests.api.network.neutron import BASE, ZERO, Neutron, made

VLAN = "provider:segmentation_id"


def add(neutron: Neutron, network: dict[str, Any], **attributes: object) -> Answer:
    body = {"network_id": network["id"], "network_type": "vlan", "physical_network": "physnet1", **attributes}
    return neutron.admin.post(f"{BASE}/segments", {"segment": body})


def fault(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["NeutronError"]["type"]


def segments_of(neutron: Neutron, network: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = neutron.admin.get(f"{BASE}/segments?network_id={network['id']}").body["segments"]
    return found


def test_network_has_one_segment_and_an_admin_adds_more(neutron: Neutron) -> None:
    network = neutron.vlan_network(7)
    (first,) = segments_of(neutron, network)
    assert (first["network_type"], first["physical_network"], first["segmentation_id"]) == ("vlan", "physnet1", 7)
    assert (first["name"], first["description"], first["revision_number"]) == (None, "", 0)
    second = made(add(neutron, network, segmentation_id=8, name="rack 2"), "segment")
    third = made(add(neutron, network), "segment")
    assert third["segmentation_id"] == 500, "a free one of the ranges"
    shown = neutron.show("network", network["id"])
    assert [each[VLAN] for each in shown["segments"]] == [7, 8, 500]
    assert shown["revision_number"] == network["revision_number"] + 2
    renamed = neutron.change("segment", second["id"], neutron.admin, name=None, description="d").body["segment"]
    assert (renamed["name"], renamed["description"], renamed["revision_number"]) == (None, "d", 1)
    assert neutron.ids("segments?segmentation_id=8&physical_network=physnet1", neutron.admin) == [second["id"]]
    for each in (second, third):
        assert neutron.admin.delete(f"{BASE}/segments/{each['id']}").status == 204
    assert neutron.show("network", network["id"])[VLAN] == 7
    assert neutron.network(neutron.member)["id"]
    assert [kind for kind in neutron.events() if kind.startswith("segment.")] == [
        "segment.created", "segment.created", "segment.updated", "segment.deleted", "segment.deleted",
    ]  # fmt: skip


def test_network_without_a_segment_is_nowhere(neutron: Neutron) -> None:
    network = neutron.vlan_network(7)
    (only,) = segments_of(neutron, network)
    assert neutron.admin.delete(f"{BASE}/segments/{only['id']}").status == 204
    shown = neutron.show("network", network["id"])
    assert (shown["provider:network_type"], shown[VLAN]) == (None, None)
    assert neutron.vlan_network(7)[VLAN] == 7, "its VLAN is free"


def test_segment_with_a_bound_port_stays(neutron: Neutron) -> None:
    network = neutron.vlan_network(7)
    (only,) = segments_of(neutron, network)
    port = neutron.port(network, neutron.nova, **{"binding:vnic_type": "direct", "binding:host_id": "cn1"})
    answer = neutron.admin.delete(f"{BASE}/segments/{only['id']}")
    assert fault(answer) == (409, "SegmentInUse")
    assert port["id"] in answer.body["NeutronError"]["message"]


def test_subnet_is_for_one_segment_or_for_all(neutron: Neutron) -> None:
    network = neutron.vlan_network(7)
    (first,) = segments_of(neutron, network)
    own = neutron.subnet(network, "192.0.2.0/24", segment_id=first["id"])
    assert own["segment_id"] == first["id"]
    assert "segment_id" not in neutron.show("subnet", own["id"], neutron.member)
    assert neutron.ids(f"subnets?segment_id={first['id']}", neutron.admin) == [own["id"]]
    used = neutron.admin.delete(f"{BASE}/segments/{first['id']}")
    assert fault(used) == (409, "SegmentInUse")
    body = {"network_id": network["id"], "ip_version": 4, "cidr": "198.51.100.0/24"}
    mixed = neutron.admin.post(f"{BASE}/subnets", {"subnet": body})
    assert fault(mixed) == (400, "SubnetsNotAllAssociatedWithSegments")
    assert neutron.subnet(network, "198.51.100.0/24", segment_id=first["id"])["segment_id"] == first["id"]
    assert fault(add(neutron, network, segmentation_id=8)) == (409, "Unsupported")


def test_addresses_are_not_promised_by_segment(neutron: Neutron) -> None:
    network = neutron.vlan_network(7)
    second = made(add(neutron, network, segmentation_id=8), "segment")
    body = {"network_id": network["id"], "ip_version": 4, "cidr": "192.0.2.0/24", "segment_id": second["id"]}
    answer = neutron.admin.post(f"{BASE}/subnets", {"subnet": body})
    assert fault(answer) == (409, "Unsupported")
    assert "not given by segment" in answer.body["NeutronError"]["message"]


@pytest.mark.parametrize(
    ("beside", "segments", "answer"),
    [
        (0, 1, (200, "")),
        (1, 1, (400, "SubnetsNotAllAssociatedWithSegments")),
        (0, 2, (400, "NoUpdateSubnetWhenMultipleSegmentsOnNetwork")),
    ],
)
def test_subnet_is_given_its_segment_where_there_is_no_choice(
    neutron: Neutron, beside: int, segments: int, answer: tuple[int, str]
) -> None:
    network = neutron.vlan_network(7)
    for number in range(1, segments):
        made(add(neutron, network, segmentation_id=7 + number), "segment")
    subnet = neutron.subnet(network)
    for number in range(beside):
        neutron.subnet(network, f"10.0.{number}.0/24")
    segment = segments_of(neutron, network)[0]
    got = neutron.change("subnet", subnet["id"], neutron.admin, segment_id=segment["id"])
    assert (got.status, "" if got.status == 200 else got.body["NeutronError"]["type"]) == answer
    if got.status == 200:
        back = neutron.change("subnet", subnet["id"], neutron.admin, segment_id=None)
        assert fault(back) == (400, "SubnetSegmentAssociationChangeNotAllowed")


def test_segment_of_another_network_is_no_place_for_a_subnet(neutron: Neutron) -> None:
    network, other = neutron.vlan_network(7), neutron.vlan_network(8)
    for segment_id, answer in (
        (segments_of(neutron, other)[0]["id"], (400, "NetworkIdsDontMatch")),
        (ZERO, (404, "SegmentNotFound")),
    ):
        body = {"network_id": network["id"], "ip_version": 4, "cidr": "192.0.2.0/24", "segment_id": segment_id}
        assert fault(neutron.admin.post(f"{BASE}/subnets", {"subnet": body})) == answer


def test_where_networks_are_is_told_to_admins_only(neutron: Neutron) -> None:
    network = neutron.vlan_network(7)
    (segment,) = segments_of(neutron, network)
    assert neutron.member.get(f"{BASE}/segments").body == {"segments": []}
    assert fault(neutron.member.get(f"{BASE}/segments/{segment['id']}")) == (404, "SegmentNotFound")
    body = {"network_id": network["id"], "network_type": "vlan"}
    for answer in (
        neutron.member.post(f"{BASE}/segments", {"segment": body}),
        neutron.change("segment", segment["id"], name="x"),
        neutron.member.delete(f"{BASE}/segments/{segment['id']}"),
    ):
        assert answer.status == 403


@pytest.mark.parametrize(
    ("attributes", "answer", "words"),
    [
        ({"segmentation_id": 7}, (409, "VlanIdInUse"), ("VLAN 7", "physnet1")),
        ({"segmentation_id": 0}, (400, "InvalidInput"), ("1 through 4094", "segmentation_id 0")),
        ({"segmentation_id": 4095}, (400, "InvalidInput"), ("1 through 4094", "4095")),
        ({"segmentation_id": 2**31}, (400, "InvalidInput"), (str(2**31),)),
        ({"segmentation_id": 10**25}, (400, "InvalidInput"), (str(10**25),)),
        ({"segmentation_id": 1.0}, (400, "InvalidInput"), ("'1.0'",)),
        ({"segmentation_id": True}, (400, "InvalidInput"), ("'True'",)),
        ({"segmentation_id": "0x64"}, (400, "InvalidInput"), ("'0x64'",)),
        ({"segmentation_id": "\uff11\uff10\uff10"}, (400, "InvalidInput"), ("\uff11\uff10\uff10",)),
        ({"physical_network": "nowhere"}, (400, "InvalidInput"), ("'nowhere' unknown",)),
        ({"physical_network": "PHYSNET1"}, (400, "InvalidInput"), ("'PHYSNET1' unknown",)),
        ({"physical_network": " "}, (400, "InvalidInput"), ("' ' unknown",)),
        ({"physical_network": "p" * 65}, (400, "HTTPBadRequest"), ("physical_network", "64")),
        ({"physical_network": None}, (400, "HTTPBadRequest"), ("physical_network", "None")),
        ({"network_type": "vxlan"}, (400, "InvalidInput"), ("'vxlan' not supported",)),
        ({"network_type": 7}, (400, "HTTPBadRequest"), ("network_type", "'7'")),
        ({"network_type": "flat", "segmentation_id": 9}, (400, "InvalidInput"), ("prohibited for flat",)),
        ({"network_id": ZERO}, (404, "NetworkNotFound"), (ZERO,)),
        ({"network_id": "x"}, (400, "HTTPBadRequest"), ("network_id", "'x'")),
        ({"name": 5}, (400, "HTTPBadRequest"), ("name", "'5'")),
        ({"is_dynamic": True}, (400, "HTTPBadRequest"), ("'is_dynamic'",)),
        ({"tags": []}, (400, "HTTPBadRequest"), ("'tags'",)),
    ],
)
def test_segment_that_cannot_be_is_refused_with_the_value(
    neutron: Neutron, attributes: dict[str, object], answer: tuple[int, str], words: tuple[str, ...]
) -> None:
    network = neutron.vlan_network(7)
    before = neutron.dump()
    got = add(neutron, network, **attributes)
    assert fault(got) == answer, got.body
    said = got.body["NeutronError"]
    for word in words:
        assert word in f"{said['message']} {said['detail']}"
    assert neutron.dump() == before


def test_a_network_has_sixteen_segments_at_most(neutron: Neutron) -> None:
    network = neutron.vlan_network(7)
    for number in range(15):
        made(add(neutron, network, segmentation_id=10 + number), "segment")
    answer = add(neutron, network, segmentation_id=99)
    assert fault(answer) == (400, "InvalidInput")
    assert "16" in answer.body["NeutronError"]["message"]


def test_dynamic_segment_is_found_again_and_goes_when_it_is_released(neutron: Neutron) -> None:
    made_network = neutron.vlan_network(7)
    wish = SegmentWish(NetworkType.VLAN, "physnet2")

    def allocate(tx: Tx) -> tuple[str, str, int | None]:
        network = NETWORKS.get(tx, made_network["id"])
        assert network is not None
        one = allocate_dynamic(tx, neutron.world, network, wish)
        two = allocate_dynamic(tx, neutron.world, network, wish)
        return one.id, two.id, one.segmentation_id

    store = neutron.nobody.controller.store
    one, two, vlan_id = store.write_now(allocate)
    assert (one, vlan_id) == (two, 2500)
    assert neutron.show("network", made_network["id"])[VLAN] == 7, "it is none of the network's own"
    static = next(each["id"] for each in segments_of(neutron, made_network) if each["id"] != one)
    for ident in (one, one, static):
        store.write_now(partial(release_dynamic, segment_id=ident))
    assert [each["id"] for each in segments_of(neutron, made_network)] == [static]
    provider = {"provider:network_type": "vlan", "provider:physical_network": "physnet2"}
    assert neutron.network(neutron.admin, **provider)[VLAN] == 2500
