"""``vmfex``: who gets a binding with a port profile, what is in it, and every no."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mooring.ml2.binding import Bound, Unbound, bind
from mooring.ml2.context import PortContext
from mooring.ml2.driver import MechanismDriver
from mooring.ml2.sriov_nic_switch import SriovNicSwitchDriver
from mooring.ml2.vmfex import VmfexDriver
from mooring.model.port import Port, VnicType
from mooring.model.port_profile import PortProfile, ProfileKind
from tests.unit.ml2.ports import AGENTS, FLAT_2, NETWORK, VLAN_100, VLAN_200, port

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOLD = PortProfile("p1", "gold", NOW, NOW, (100,), ())
VIC, OTHER_CARD = {"pci_vendor_info": "1137:0071"}, {"pci_vendor_info": "8086:10ca"}


def asked(
    profile: PortProfile | None, of: Port, *drivers: MechanismDriver, segments: tuple[object, ...] = (VLAN_100,)
) -> Bound | Unbound:
    def context() -> PortContext:
        return PortContext.of(of, NETWORK, segments, "h1", AGENTS, profile=profile)  # type: ignore[arg-type]  # of either kind

    return bind(context, drivers or (VmfexDriver(),))


def direct(profile: Mapping[str, object] | None = None, vnic_type: VnicType = VnicType.DIRECT) -> Port:
    made = port(vnic_type)
    return replace(made, binding=replace(made.binding, profile={**VIC, **(profile or {})}))


@pytest.mark.parametrize("vnic_type", [VnicType.DIRECT, VnicType.MACVTAP])
def test_a_port_with_a_profile_is_bound_with_its_name_and_active_without_any_agent(vnic_type: VnicType) -> None:
    answer = asked(GOLD, direct(vnic_type=vnic_type))
    assert isinstance(answer, Bound)
    assert (answer.vif_type, answer.status, answer.driver) == ("802.1qbh", "ACTIVE", "vmfex")
    assert answer.vif_details == {"port_filter": False, "connectivity": "l2", "profileid": "gold"}


def test_the_profile_of_one_port_never_shows_up_on_the_next() -> None:
    driver = VmfexDriver()
    silver = replace(GOLD, id="p2", name="silver", vlans=(200,))
    for profile, segment in ((GOLD, VLAN_100), (silver, VLAN_200), (GOLD, VLAN_100)):
        answer = asked(profile, direct(), driver, segments=(segment,))
        assert isinstance(answer, Bound)
        assert answer.vif_details["profileid"] == profile.name
    assert "profileid" not in driver.vif_details


@pytest.mark.parametrize(
    ("profile", "of", "segment", "reason"),
    [
        (None, direct(), VLAN_100, "neither the port nor its network names a port profile"),
        (replace(GOLD, vlans=(101, 100)), direct(), VLAN_100,
         "port profile gold puts ports on VLAN 101, and the segment is VLAN 100"),
        (GOLD, direct(), FLAT_2, "port profile gold puts ports on VLAN 100, and the segment is untagged"),
        (replace(GOLD, physical_networks=("physnet9",)), direct(), VLAN_100,
         f"port profile gold is of physnet9, and the segment is on {VLAN_100.physical_network}"),
        (replace(GOLD, kind=ProfileKind.BR), direct(), VLAN_100,
         "port profile gold is of kind 802.1BR, and libvirt can ask a switch for 802.1Qbh only"),
        (GOLD, direct(OTHER_CARD), VLAN_100, "card 8086:10ca is not one of 1137:0071"),
        (GOLD, direct({"physical_network": "physnet9"}), VLAN_100,
         f"the port's device reaches physnet9, and the segment is on {VLAN_100.physical_network}"),
        (GOLD, direct(vnic_type=VnicType.DIRECT_PHYSICAL), VLAN_100,
         "vnic type direct-physical is not one of direct, macvtap"),
    ],
)  # fmt: skip
def test_every_no_has_its_reason(profile: PortProfile | None, of: Port, segment: object, reason: str) -> None:
    answer = asked(profile, of, segments=(segment,))
    assert isinstance(answer, Unbound)
    assert [refusal.reason for refusal in answer.refusals] == [reason]


def test_a_profile_for_one_of_several_segments_binds_that_one() -> None:
    answer = asked(replace(GOLD, vlans=(200,)), direct(), segments=(VLAN_100, VLAN_200))
    assert isinstance(answer, Bound)
    assert answer.segment_id == VLAN_200.id


def test_before_sriovnicswitch_it_takes_the_ports_with_profiles_and_leaves_it_the_others() -> None:
    drivers = (VmfexDriver(["8086:10ca"]), SriovNicSwitchDriver())
    with_one, without = asked(GOLD, direct(OTHER_CARD), *drivers), asked(None, direct(OTHER_CARD), *drivers)
    assert isinstance(with_one, Bound)
    assert isinstance(without, Bound)
    assert (with_one.driver, without.driver) == ("vmfex", "sriovnicswitch")


def test_no_driver_binds_a_port_without_the_profile_that_it_has() -> None:
    class Forgetful(MechanismDriver):
        name = "forgetful"

        def bind_port(self, context: PortContext) -> None:
            context.current["mooring:port_profile"] = None
            context.set_binding(context.segments_to_bind[0]["id"], "hw_veb", {})

    answer = asked(GOLD, direct(OTHER_CARD), SriovNicSwitchDriver(), Forgetful())
    assert isinstance(answer, Unbound)
    assert [refusal.reason for refusal in answer.refusals] == [
        "the port has port profile gold, and this driver tells no upstream switch of it",
        "bound the port without its port profile gold",
    ]


def test_a_vf_that_only_its_switch_can_set_is_not_for_a_driver_that_programs_cards() -> None:
    answer = asked(None, direct(), SriovNicSwitchDriver())
    assert isinstance(answer, Unbound)
    assert answer.reasons.endswith("card 1137:0071 has no embedded switch to program: its ports need a port profile")


def in_neutron(profile: dict[str, object], driver: VmfexDriver) -> PortContext:
    """As a real Neutron gives it: no key of ours in the port."""
    context = PortContext.of(direct(profile), NETWORK, (VLAN_100,), "h1", AGENTS)
    del context.current["mooring:port_profile"]
    driver.bind_port(context)
    return context


@pytest.mark.parametrize(
    ("profile", "name"), [({}, "OS-PP-100"), ({"port_profile": "gold"}, "gold"), ({"port_profile": ""}, "OS-PP-100")]
)
def test_in_a_real_neutron_the_name_is_the_callers_or_made_of_the_vlan(profile: dict[str, object], name: str) -> None:
    context = in_neutron(profile, VmfexDriver())
    assert context.answer is not None
    assert context.answer.vif_details["profileid"] == name


def test_in_a_real_neutron_the_format_of_names_is_an_option() -> None:
    context = in_neutron({}, VmfexDriver(profile_format="vlan{vlan}"))
    assert context.answer is not None
    assert context.answer.vif_details["profileid"] == "vlan100"


@pytest.mark.parametrize("name", ["x" * 40, "über", ["gold"], "a\nb"])
def test_in_a_real_neutron_a_name_that_libvirt_refuses_is_refused_here(name: object) -> None:
    context = in_neutron({"port_profile": name}, VmfexDriver())
    assert context.answer is None
    assert context.refusals == [f"{name!r} is not the name of a port profile"]


def test_a_format_with_other_braces_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="other braces"):
        VmfexDriver(profile_format="OS-{name}")
