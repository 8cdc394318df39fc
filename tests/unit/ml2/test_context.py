"""The context: Neutron's words for our models, and nothing that outlives it."""

from dataclasses import replace

import pytest

from mooring.errors import Unsupported
from mooring.ml2.agents import agents_of
from mooring.ml2.context import NetworkContext, PortContext
from mooring.model.host import Liveness
from mooring.model.port import BindingLevel, PortStatus, VnicType
from tests.unit.ml2.ports import AGENTS, FLAT_2, HOST, NETWORK, VLAN_100, VLAN_200, bound_to, context, port

#: The abstract members of ``neutron_lib.plugins.ml2.api.PortContext``.
NEUTRON_MEMBERS = [
    "current",
    "original",
    "status",
    "original_status",
    "network",
    "binding_levels",
    "original_binding_levels",
    "top_bound_segment",
    "original_top_bound_segment",
    "bottom_bound_segment",
    "original_bottom_bound_segment",
    "host",
    "original_host",
    "vif_type",
    "original_vif_type",
    "vif_details",
    "original_vif_details",
    "segments_to_bind",
    "host_agents",
    "set_binding",
    "continue_binding",
    "allocate_dynamic_segment",
    "release_dynamic_segment",
]


@pytest.mark.parametrize("member", NEUTRON_MEMBERS)
def test_a_driver_written_for_neutron_finds_every_member(member: str) -> None:
    assert hasattr(context(), member)


def test_a_port_is_spelled_as_neutrons_api_spells_it() -> None:
    current = context(port(VnicType.MACVTAP, {"pci_slot": "0000:81:10.4"})).current
    assert current["binding:vnic_type"] == "macvtap"
    assert type(current["binding:vnic_type"]) is str
    assert current["binding:profile"] == {"pci_slot": "0000:81:10.4"}
    assert current["binding:host_id"] == "h1"
    assert current["fixed_ips"] == [{"subnet_id": "sub1", "ip_address": "10.0.0.5"}]
    assert (current["id"], current["network_id"], current["mac_address"]) == ("port1", "n1", "fa:16:3e:00:00:01")


def test_segments_are_spelled_as_ml2_spells_them() -> None:
    assert context(segments=[VLAN_100, FLAT_2]).segments_to_bind == [
        {
            "id": "s1",
            "network_id": "n1",
            "network_type": "vlan",
            "physical_network": "physnet1",
            "segmentation_id": 100,
            "mtu": 1500,
        },
        {
            "id": "s3",
            "network_id": "n1",
            "network_type": "flat",
            "physical_network": "physnet2",
            "segmentation_id": None,
            "mtu": 1500,
        },
    ]


def test_a_binding_left_on_a_context_changes_nothing_but_the_context() -> None:
    first = context()
    first.set_binding("s1", "hw_veb", {"vlan": "100"})
    assert first.answer is not None
    assert (first.vif_type, first.vif_details) == ("unbound", {})
    assert context().answer is None


def test_details_are_copied_so_that_one_ports_vlan_never_shows_up_on_another() -> None:
    details = {"vlan": "100"}
    asked = context()
    asked.set_binding("s1", "hw_veb", details)
    details["vlan"] = "200"
    assert asked.answer is not None
    assert asked.answer.vif_details == {"vlan": "100"}


def test_what_a_driver_does_to_current_stays_out_of_the_port() -> None:
    bare = port(profile={"pci_slot": "0000:81:10.4"})
    context(bare).current["binding:profile"].clear()
    assert bare.binding.profile == {"pci_slot": "0000:81:10.4"}


def test_only_agents_of_the_type_and_of_the_host_are_given_dead_ones_included() -> None:
    dead = agents_of(HOST, Liveness.DEAD)
    [agent] = context(agents=dead).host_agents("NIC Switch agent")
    assert agent["alive"] is False
    assert agent["configurations"] == {"device_mappings": {"physnet1": ["ens1f0"]}}
    assert context(agents=AGENTS, host="h2").host_agents("NIC Switch agent") == []
    [bridge_agent] = context().host_agents("Linux bridge agent")
    assert bridge_agent["configurations"] == {"bridge_mappings": {"physnet1": "br-phys"}}


def test_an_agent_that_was_not_heard_from_yet_is_not_alive() -> None:
    assert not any(agent["alive"] for agent in agents_of(HOST, Liveness.UNKNOWN))


def test_a_bound_port_knows_its_segment_at_top_and_bottom() -> None:
    bound = bound_to(VLAN_200)
    assert bound.top_bound_segment == bound.bottom_bound_segment
    assert bound.bottom_bound_segment is not None
    assert bound.bottom_bound_segment["id"] == "s2"
    assert context().bottom_bound_segment is None
    assert context().binding_levels is None


def test_what_is_not_offered_says_so() -> None:
    asked = context()
    with pytest.raises(Unsupported, match="dynamic"):
        asked.allocate_dynamic_segment({"network_type": "vlan"})
    with pytest.raises(Unsupported, match="dynamic"):
        asked.release_dynamic_segment("s1")


ORIGINALS = [member for member in NEUTRON_MEMBERS if member.startswith("original")]


@pytest.mark.parametrize("member", ORIGINALS)
def test_what_was_is_known_in_an_update_only(member: str) -> None:
    assert getattr(context(), member) is None
    bare = port()
    assert getattr(PortContext.of_change(bare, NETWORK, [VLAN_100]), member) is None


def test_in_an_update_a_driver_sees_what_the_port_was_and_is() -> None:
    bare = port()
    levels = (BindingLevel("upper", "s1"), BindingLevel("lower", "s2"))
    bound = replace(
        bare,
        status=PortStatus.ACTIVE,
        binding=replace(bare.binding, host="h1", vif_type="ovs", vif_details={"a": 1}, levels=levels),
    )
    seen = PortContext.of_change(bare, NETWORK, [VLAN_100, VLAN_200], original=bound)
    assert (seen.host, seen.status, seen.vif_type, seen.vif_details, seen.binding_levels) == (
        "", "DOWN", "unbound", {}, None
    )  # fmt: skip
    assert (seen.original_host, seen.original_status, seen.original_vif_type) == ("h1", "ACTIVE", "ovs")
    assert seen.original_vif_details == {"a": 1}
    assert [level["bound_driver"] for level in seen.original_binding_levels or ()] == ["upper", "lower"]
    assert seen.original is not None
    assert seen.original["binding:host_id"] == "h1"
    assert seen.original_top_bound_segment is not None
    assert seen.original_bottom_bound_segment is not None
    top, bottom = seen.original_top_bound_segment["id"], seen.original_bottom_bound_segment["id"]
    assert (top, bottom) == ("s1", "s2")
    assert seen.segments_to_bind == []


def test_a_level_whose_segment_is_gone_is_shown_without_it() -> None:
    bare = port()
    bound = replace(bare, binding=replace(bare.binding, host="h1", levels=(BindingLevel("upper", "s9"),)))
    seen = PortContext.of_change(bound, NETWORK, [VLAN_100])
    assert seen.binding_levels == [{"bound_driver": "upper", "bound_segment": None}]


def test_a_network_of_several_segments_lists_them_and_one_of_one_names_its_provider() -> None:
    one, two = NetworkContext.of(NETWORK, [VLAN_100]), NetworkContext.of(NETWORK, [VLAN_100, FLAT_2])
    assert one.current["provider:segmentation_id"] == 100
    assert "segments" not in one.current
    assert [each["provider:network_type"] for each in two.current["segments"]] == ["vlan", "flat"]
    dynamic = replace(VLAN_200, is_dynamic=True)
    seen = NetworkContext.of(NETWORK, [VLAN_100, dynamic])
    assert seen.current["provider:segmentation_id"] == 100
    assert [segment["id"] for segment in seen.network_segments] == ["s1", "s2"]
