"""Networks: which segment they get, what may change while something depends on it, and what goes with them."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mooring.config import ControllerConfig
from mooring.errors import Invalid
from mooring.main import take_settings
from mooring.service.port_profiles import ProfileWish, create_profile
from mooring.testing.cloud import ADMIN
from tests.api.network.neutron import BASE, Neutron, neutron_at

VLAN = "provider:segmentation_id"
PROFILE = "mooring:port_profile"


def test_networks_without_a_wish_get_the_free_vlans_of_the_ranges(neutron: Neutron) -> None:
    made = [neutron.network() for _ in range(40)]
    got = [neutron.show("network", network["id"]) for network in made]
    placed = [(shown["provider:physical_network"], shown[VLAN]) for shown in got]
    assert placed == [*(("physnet1", n) for n in range(500, 520)), *(("physnet2", n) for n in range(2500, 2520))]
    answer = neutron.member.post(f"{BASE}/networks", {"network": {}})
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "NoNetworkAvailable")
    neutron.member.delete(f"{BASE}/networks/{made[7]['id']}")
    assert neutron.show("network", neutron.network()["id"])[VLAN] == 507


def test_admin_may_leave_the_vlan_open(neutron: Neutron) -> None:
    provider: dict[str, Any] = {"provider:network_type": "vlan", "provider:physical_network": "physnet2"}
    assert neutron.network(neutron.admin, **provider)[VLAN] == 2500


def test_flat_and_vlan_networks_share_a_physical_network(neutron: Neutron) -> None:
    flat = {"provider:network_type": "flat", "provider:physical_network": "physnet1"}
    assert neutron.network(neutron.admin, **flat)[VLAN] is None
    assert neutron.vlan_network(7)[VLAN] == 7


def test_segments_are_shown_in_the_order_of_the_request(neutron: Neutron) -> None:
    segments = [
        {"provider:network_type": "vlan", "provider:physical_network": physnet, VLAN: vlan}
        for physnet, vlan in (("physnet2", 9), ("physnet1", 8), ("physnet2", 7), ("physnet1", 6))
    ]
    network = neutron.network(neutron.admin, segments=segments)
    assert network["segments"] == segments
    assert neutron.show("network", network["id"])["segments"] == segments
    assert "provider:network_type" not in network


def test_half_a_multi_segment_network_is_not_made(neutron: Neutron) -> None:
    neutron.vlan_network(8)
    before = neutron.dump()
    segments = [
        {"provider:network_type": "vlan", "provider:physical_network": "physnet1", VLAN: vlan} for vlan in (6, 8)
    ]
    answer = neutron.admin.post(f"{BASE}/networks", {"network": {"segments": segments}})
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "VlanIdInUse")
    assert neutron.dump() == before


def test_vlan_moves_only_while_no_port_is_bound(neutron: Neutron) -> None:
    network = neutron.vlan_network(10)
    port = neutron.port(network, neutron.nova, **{"binding:vnic_type": "direct", "binding:host_id": "cn1"})
    answer = neutron.change("network", network["id"], neutron.admin, **{VLAN: 11})
    assert (answer.status, answer.body["NeutronError"]["type"]) == (400, "InvalidInput")
    assert port["id"] in answer.body["NeutronError"]["message"]
    neutron.change("port", port["id"], neutron.nova, **{"binding:host_id": ""})
    assert neutron.change("network", network["id"], neutron.admin, **{VLAN: 11}).body["network"][VLAN] == 11
    neutron.vlan_network(10)
    assert neutron.change("network", network["id"], neutron.admin, **{VLAN: 10}).status == 409


@pytest.mark.parametrize(("mtu", "shown"), [(0, 1500), (68, 68), (1500, 1500), ("1400", 1400)])
def test_mtu(neutron: Neutron, mtu: object, shown: int) -> None:
    assert neutron.network(mtu=mtu)["mtu"] == shown


@pytest.mark.parametrize(("cidr", "least"), [("192.0.2.0/24", 68), ("2001:db8::/64", 1280)])
def test_mtu_is_never_below_what_the_subnets_need(neutron: Neutron, cidr: str, least: int) -> None:
    small, enough = neutron.network(mtu=least - 1), neutron.network(mtu=least)
    body = {"network_id": small["id"], "ip_version": 6 if ":" in cidr else 4, "cidr": cidr}
    answer = neutron.member.post(f"{BASE}/subnets", {"subnet": body})
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "NetworkMTUSubnetConflict")
    neutron.subnet(enough, cidr)
    assert neutron.change("network", enough["id"], mtu=least - 1).status == 409


def test_default_vnic_type_is_shown_when_it_is_set(neutron: Neutron) -> None:
    name = "mooring:default_vnic_type"
    wanted: dict[str, Any] = {name: "direct"}
    network = neutron.network(**wanted)
    assert network[name] == "direct"
    assert name not in neutron.change("network", network["id"], **{name: None}).body["network"]


def test_network_takes_its_subnets_with_it(neutron: Neutron) -> None:
    network = neutron.network()
    subnet = neutron.subnet(network)
    assert neutron.member.delete(f"{BASE}/networks/{network['id']}").status == 204
    assert neutron.member.get(f"{BASE}/subnets/{subnet['id']}").status == 404


def test_network_is_not_taken_back_from_those_who_use_it(neutron: Neutron) -> None:
    network = neutron.vlan_network(shared=True)
    port = neutron.port(network, neutron.other)
    answer = neutron.change("network", network["id"], neutron.admin, shared=False)
    assert (answer.status, answer.body["NeutronError"]["type"]) == (409, "InvalidSharedSetting")
    neutron.other.delete(f"{BASE}/ports/{port['id']}")
    assert neutron.change("network", network["id"], neutron.admin, shared=False).status == 200


def test_put_on_the_collection_finds_nothing(neutron: Neutron) -> None:
    answer = neutron.member.put(f"{BASE}/networks", {"network": {}})
    assert (answer.status, answer.body["NeutronError"]["message"]) == (404, "Network None could not be found.")


def test_smallest_physical_network_decides_the_mtu(tmp_path: Path) -> None:
    with neutron_at(tmp_path, global_physnet_mtu=9000, physical_network_mtus={"physnet2": 1450}) as neutron:
        assert neutron.network()["mtu"] == 9000
        both = [
            {"provider:network_type": "vlan", "provider:physical_network": name} for name in ("physnet1", "physnet2")
        ]
        network = neutron.network(neutron.admin, segments=both)
        assert network["mtu"] == 1450
        assert neutron.change("network", network["id"], neutron.admin, mtu=1400).body["network"]["mtu"] == 1400
        assert neutron.change("network", network["id"], neutron.admin, mtu=0).body["network"]["mtu"] == 1450
        answer = neutron.change("network", network["id"], neutron.admin, mtu=1451)
        assert (answer.status, answer.body["NeutronError"]["message"]) == (
            400,
            (
                "Invalid input for operation: Requested MTU is too big, maximum is 1450. "
                "(mtu 1451 was asked for; see global_physnet_mtu and physical_network_mtus)"
            ),
        )  # fmt: skip


def test_ranges_and_mtus_change_while_the_controller_runs(neutron: Neutron) -> None:
    kept = [neutron.network() for _ in range(2)]
    controller = neutron.nobody.controller
    old = controller.world.config
    changed = replace(
        old, network_vlan_ranges=("physnet3:9:9", "physnet1:501:502"), global_physnet_mtu=2000, token_ttl_s=7200
    )
    take_settings(controller, lambda: changed)
    made = [neutron.show("network", neutron.network()["id"]) for _ in range(2)]
    assert [(each["provider:physical_network"], each[VLAN], each["mtu"]) for each in made] == [
        ("physnet3", 9, 2000), ("physnet1", 502, 2000),
    ]  # fmt: skip
    assert [neutron.show("network", each["id"])[VLAN] for each in kept] == [500, 501]
    refused = neutron.member.post(f"{BASE}/networks", {"network": {}})
    assert refused.body["NeutronError"]["type"] == "NoNetworkAvailable"
    take_settings(controller, lambda: replace(old, network_vlan_ranges=("physnet1:9:1",)))
    take_settings(controller, missing_file)
    assert neutron.member.post(f"{BASE}/networks", {"network": {}}).status == 409, "what is wrong changes nothing"
    for each in kept:
        neutron.member.delete(f"{BASE}/networks/{each['id']}")
    assert neutron.show("network", neutron.network()["id"])[VLAN] == 501, "500 is in no range any more"


def missing_file() -> ControllerConfig:
    raise Invalid("controller.toml: No such file or directory")


def test_restart_with_other_ranges_loses_nothing(tmp_path: Path) -> None:
    with neutron_at(tmp_path) as neutron:
        kept = neutron.network()
    with neutron_at(tmp_path, network_vlan_ranges=("physnet1:500:501",)) as neutron:
        assert neutron.show("network", kept["id"])[VLAN] == 500
        assert neutron.show("network", neutron.network()["id"])[VLAN] == 501


def test_network_names_a_default_port_profile_of_its_vlan(neutron: Neutron) -> None:
    network, other = neutron.vlan_network(10), neutron.vlan_network(11)
    for wish in (ProfileWish("right", (10,)), ProfileWish("wrong", (12,)), ProfileWish("far", (10,), ("physnet2",))):
        neutron.nobody.controller.store.write_now(partial(create_profile, world=neutron.world, who=ADMIN, wish=wish))
    for name, code in (("wrong", "PortProfileVlanMismatch"), ("far", "PortProfilePhysicalNetworkMismatch")):
        refused = neutron.change("network", network["id"], neutron.admin, **{PROFILE: name})
        assert (refused.status, refused.body["NeutronError"]["type"]) == (409, code)
    refused = neutron.change("network", network["id"], neutron.admin, **{PROFILE: "none"})
    assert (refused.status, refused.body["NeutronError"]["type"]) == (404, "PortProfileNotFound")
    changed = neutron.change("network", network["id"], neutron.member, **{PROFILE: "right"})
    assert changed.body["network"][PROFILE] == "right"
    moved = neutron.change("network", network["id"], neutron.admin, **{VLAN: 13})
    assert moved.body["NeutronError"]["type"] == "PortProfileVlanMismatch"
    body = {"network_id": network["id"], "network_type": "flat", "physical_network": "physnet2"}
    assert neutron.admin.post(f"{BASE}/segments", {"segment": body}).status == 201, "one segment that fits is enough"
    first = neutron.admin.get(f"{BASE}/segments?network_id={network['id']}&segmentation_id=10").body["segments"][0]
    kept = neutron.admin.delete(f"{BASE}/segments/{first['id']}")
    assert (kept.status, kept.body["NeutronError"]["type"]) == (409, "SegmentInUse")
    assert "port profile right" in kept.body["NeutronError"]["message"]
    assert PROFILE not in neutron.show("network", other["id"])
    unset = neutron.change("network", network["id"], neutron.member, **{PROFILE: None})
    assert PROFILE not in unset.body["network"]


def test_external_network_is_seen_by_all_and_its_mark_by_admins_choice(neutron: Neutron) -> None:
    network = neutron.network(neutron.admin, **{"router:external": True, "is_default": True})
    seen = neutron.show("network", network["id"], neutron.member)
    assert (seen["router:external"], seen["is_default"], seen["shared"]) == (True, True, False)
    assert neutron.ids("networks?router:external=true") == [network["id"]]
    assert neutron.ids("networks?is_default=true", neutron.admin) == [network["id"]]
    assert neutron.change("network", network["id"], name="mine").status == 403
    assert neutron.member.post(f"{BASE}/networks", {"network": {"is_default": False}}).status == 403
    neutron.change("network", network["id"], neutron.admin, **{"router:external": False})
    assert neutron.member.get(f"{BASE}/networks/{network['id']}").status == 404


def test_deleted_network_leaves_no_policy_behind(neutron: Neutron) -> None:
    network = neutron.network(neutron.admin, shared=True)
    assert len(neutron.admin.get(f"{BASE}/rbac-policies").body["rbac_policies"]) == 1
    neutron.admin.delete(f"{BASE}/networks/{network['id']}")
    assert neutron.admin.get(f"{BASE}/rbac-policies").body["rbac_policies"] == []


def test_network_takes_its_projects_default_qos_policy_and_any_that_is_named(neutron: Neutron) -> None:
    def policy(**attributes: object) -> str:
        body = {"policy": {"project_id": neutron.project(neutron.member), **attributes}}
        answer = neutron.admin.post(f"{BASE}/qos/policies", body)
        assert answer.status == 201, answer.body
        return str(answer.body["policy"]["id"])

    named = policy(name="named")
    assert neutron.network()["qos_policy_id"] is None
    assert neutron.network(qos_policy_id=named)["qos_policy_id"] == named
    default = policy(name="default", is_default=True)
    network = neutron.network()
    assert network["qos_policy_id"] == default
    assert neutron.change("network", network["id"], qos_policy_id=None).body["network"]["qos_policy_id"] is None
    assert neutron.change("network", network["id"], qos_policy_id=named).body["network"]["qos_policy_id"] == named
    assert neutron.change("network", network["id"], qos_policy_id="x").status == 400


def test_vlan_that_a_later_segment_names_is_not_given_to_an_earlier_one(neutron: Neutron) -> None:
    provider = {"provider:network_type": "vlan", "provider:physical_network": "physnet1"}
    network = neutron.network(neutron.admin, segments=[provider, {**provider, VLAN: 500}])
    assert [each[VLAN] for each in network["segments"]] == [501, 500]


@pytest.mark.parametrize(
    ("attributes", "answer", "word"),
    [
        ({VLAN: 4094}, 201, ""),
        ({VLAN: 1}, 201, ""),
        ({VLAN: "100"}, 201, ""),
        ({VLAN: " 100"}, 400, "' 100'"),
        ({VLAN: "1_0"}, 400, "'1_0'"),
        ({VLAN: "0x64"}, 400, "'0x64'"),
        ({VLAN: 1.0}, 400, "'1.0'"),
        ({VLAN: 2**31}, 400, str(2**31)),
        ({VLAN: None}, 400, "'None'"),
        ({"provider:physical_network": ""}, 400, "physical_network"),
        ({"provider:physical_network": "a,b"}, 400, "'a,b' unknown"),
        ({"provider:physical_network": "physnet1:1:5"}, 400, "unknown"),
        ({"provider:physical_network": "*"}, 400, "'*' unknown"),
        ({"provider:physical_network": "Physnet1"}, 400, "'Physnet1' unknown"),
        ({"provider:physical_network": "p" * 65}, 400, "64"),
        ({"provider:network_type": "VLAN"}, 400, "'VLAN' not supported"),
        ({"provider:network_type": ["vlan"]}, 400, "provider:network_type"),
        ({"segments": [{}], "provider:network_type": "vlan"}, 400, "cannot both be set"),
    ],
)
def test_vlans_and_physical_networks_are_taken_as_they_are_written_or_not_at_all(
    neutron: Neutron, attributes: dict[str, object], answer: int, word: str
) -> None:
    usual = {"provider:network_type": "vlan", "provider:physical_network": "physnet1", VLAN: 77}
    got = neutron.admin.post(f"{BASE}/networks", {"network": {**usual, **attributes}})
    assert got.status == answer, got.body
    if answer != 201:
        said = got.body["NeutronError"]
        assert word in f"{said['message']} {said['detail']}"


@pytest.mark.parametrize("count", [17, 1025])
def test_more_segments_than_a_network_has_are_refused(neutron: Neutron, count: int) -> None:
    provider = {"provider:network_type": "vlan", "provider:physical_network": "physnet1"}
    before = neutron.dump()
    answer = neutron.admin.post(f"{BASE}/networks", {"network": {"segments": [provider] * count}})
    assert answer.status == 400
    assert str(count) in answer.body["NeutronError"]["message"]
    assert neutron.dump() == before


def test_half_a_list_of_networks_is_not_made(neutron: Neutron) -> None:
    before = neutron.dump()
    answer = neutron.member.post(f"{BASE}/networks", {"networks": [{"name": "a"}, {"name": 5}]})
    assert answer.status == 400
    answer = neutron.member.post(f"{BASE}/networks", {"networks": [{"name": str(n)} for n in range(41)]})
    assert answer.body["NeutronError"]["type"] == "NoNetworkAvailable"
    assert neutron.dump() == before
