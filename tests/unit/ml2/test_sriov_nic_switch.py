"""``sriovnicswitch``: bound as Neutron's driver of the same name binds, and a reason where it does not."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pytest

from mooring.ml2.agents import agents_of
from mooring.ml2.binding import Bound, Unbound, bind
from mooring.ml2.sriov_nic_switch import SriovNicSwitchDriver
from mooring.model.host import Liveness
from mooring.model.network import Segment
from mooring.model.port import VnicType
from tests.unit.ml2.ports import AGENTS, FLAT_2, HOST, VLAN_100, VLAN_200, context, port

BOTH_PHYSNETS = agents_of(
    replace(HOST, device_mappings={"physnet1": ("ens1f0",), "physnet2": ("ens1f1",)}), Liveness.ALIVE
)


@pytest.mark.parametrize("vnic_type", [VnicType.DIRECT, VnicType.MACVTAP, VnicType.ACCELERATOR_DIRECT])
@pytest.mark.parametrize(("segment", "vlan"), [(VLAN_100, "100"), (FLAT_2, "0")])
def test_a_vf_port_is_bound_to_the_embedded_switch_with_its_vlan_as_text(
    vnic_type: VnicType, segment: Segment, vlan: str
) -> None:
    answer = bind(partial(context, port(vnic_type), [segment], BOTH_PHYSNETS), [SriovNicSwitchDriver()])
    details = {"port_filter": False, "connectivity": "l2", "vlan": vlan}
    assert answer == Bound("sriovnicswitch", segment.id, "hw_veb", details, "DOWN")
    assert isinstance(answer, Bound)
    assert type(answer.vif_type) is type(answer.status) is str


def test_the_segment_that_the_hosts_devices_reach_is_taken() -> None:
    answer = bind(partial(context, port(), [VLAN_200, VLAN_100]), [SriovNicSwitchDriver()])
    assert isinstance(answer, Bound)
    assert answer.segment_id == "s1"


def test_the_segment_that_the_chosen_device_reaches_is_taken() -> None:
    chosen = port(profile={"physical_network": "physnet2"})
    answer = bind(partial(context, chosen, [VLAN_100, VLAN_200], BOTH_PHYSNETS), [SriovNicSwitchDriver()])
    assert isinstance(answer, Bound)
    assert answer.segment_id == "s2"


@pytest.mark.parametrize(("segment", "vlan"), [(VLAN_100, "100"), (FLAT_2, "0")])
def test_a_whole_pf_is_bound_as_neutron_spells_it_and_down_until_its_host_reports(segment: Segment, vlan: str) -> None:
    answer = bind(partial(context, port(VnicType.DIRECT_PHYSICAL), [segment], BOTH_PHYSNETS), [SriovNicSwitchDriver()])
    details = {"port_filter": False, "connectivity": "l2", "vlan": vlan}
    assert answer == Bound("sriovnicswitch", segment.id, "hostdev_physical", details, "DOWN")


def test_a_whole_pf_is_not_bound_where_nobody_would_report_it() -> None:
    answer = bind(partial(context, port(VnicType.DIRECT_PHYSICAL), agents=(), host="nohost"), [SriovNicSwitchDriver()])
    assert isinstance(answer, Unbound)
    assert answer.reasons == "sriovnicswitch: host nohost has no NIC Switch agent"


@pytest.mark.parametrize(("segments", "taken"), [([VLAN_100, VLAN_200], "s1"), ([FLAT_2], "s3")])
def test_in_a_neutron_whose_agents_know_no_pfs_one_is_bound_on_any_host_and_active(
    segments: list[Segment], taken: str
) -> None:
    driver = SriovNicSwitchDriver(agents_report_pfs=False)
    answer = bind(partial(context, port(VnicType.DIRECT_PHYSICAL), segments, (), host="nohost"), [driver])
    assert isinstance(answer, Bound)
    assert (answer.segment_id, answer.vif_type, answer.status) == (taken, "hostdev_physical", "ACTIVE")
    assert isinstance(bind(partial(context, port(), segments, (), host="nohost"), [driver]), Unbound)


def test_even_there_a_whole_pf_is_bound_to_the_segment_that_it_reaches_only() -> None:
    driver = SriovNicSwitchDriver(agents_report_pfs=False)
    chosen = port(VnicType.DIRECT_PHYSICAL, {"physical_network": "physnet2"})
    answer = bind(partial(context, chosen, [VLAN_100, VLAN_200]), [driver])
    assert isinstance(answer, Bound)
    assert answer.segment_id == "s2"
    asked = context(chosen, [VLAN_100])
    asked.segments_to_bind[0]["network_type"] = "vxlan"
    driver.bind_port(asked)
    assert asked.refusals == ["segment s1 is of type vxlan, and only flat and vlan will do"]


#: As neutron computes it: uuid5 of the driver's namespace and "HOST:DEVICE".
PROVIDER = "51f53d39-510c-5833-9c3a-2c33eb2b10ca"
SERVED = (VnicType.DIRECT, VnicType.MACVTAP, VnicType.ACCELERATOR_DIRECT, VnicType.DIRECT_PHYSICAL)


@pytest.mark.parametrize("vnic_type", [t for t in VnicType if t not in SERVED])
def test_every_other_vnic_type_is_refused(vnic_type: VnicType) -> None:
    answer = bind(partial(context, port(vnic_type)), [SriovNicSwitchDriver()])
    assert isinstance(answer, Unbound)
    assert answer.reasons == f"sriovnicswitch: vnic type {vnic_type} is not one of {', '.join(SERVED)}"


@pytest.mark.parametrize(
    ("profile", "segment", "reason"),
    [
        (
            {},
            VLAN_200,
            "no SR-IOV devices of h1 reach physnet2 (segment vlan 200); its SR-IOV devices reach physnet1",
        ),
        ({}, FLAT_2, "no SR-IOV devices of h1 reach physnet2 (segment flat); its SR-IOV devices reach physnet1"),
        (
            {"capabilities": ["switchdev"]},
            VLAN_100,
            "the port wants a switchdev card, and this driver programs the legacy embedded switch only",
        ),
        (
            {"physical_network": "physnet2"},
            VLAN_100,
            "the port's device reaches physnet2, and not segment vlan 100 on physnet1",
        ),
    ],
)
def test_a_refusal_says_what_is_in_the_way(profile: Mapping[str, object], segment: Segment, reason: str) -> None:
    answer = bind(partial(context, port(profile=profile), [segment]), [SriovNicSwitchDriver()])
    assert isinstance(answer, Unbound)
    assert [refusal.reason for refusal in answer.refusals] == [reason]


def test_a_host_without_sriov_devices_says_so() -> None:
    bare = agents_of(replace(HOST, device_mappings={}), Liveness.ALIVE)
    answer = bind(partial(context, agents=bare), [SriovNicSwitchDriver()])
    assert isinstance(answer, Unbound)
    assert answer.reasons.endswith("reach physnet1 (segment vlan 100); it has no SR-IOV devices")


def test_a_segment_that_no_vf_can_be_on_is_refused_by_its_type() -> None:
    asked = context()
    asked.segments_to_bind[0]["network_type"] = "vxlan"
    SriovNicSwitchDriver().bind_port(asked)
    assert asked.refusals == ["segment s1 is of type vxlan, and only flat and vlan will do"]


def test_each_segment_that_will_not_do_gives_its_own_reason() -> None:
    answer = bind(partial(context, port(), [VLAN_200, FLAT_2]), [SriovNicSwitchDriver()])
    assert isinstance(answer, Unbound)
    assert len(answer.refusals) == 2


def test_cards_are_looked_at_only_when_the_configuration_names_some() -> None:
    intel = port(profile={"pci_vendor_info": "8086:10ca"})
    assert isinstance(bind(partial(context, intel), [SriovNicSwitchDriver()]), Bound)
    assert isinstance(bind(partial(context, intel), [SriovNicSwitchDriver(["8086:10ca"])]), Bound)
    assert isinstance(bind(partial(context, intel), [SriovNicSwitchDriver(["15b3:1004"])]), Unbound)


@pytest.mark.parametrize("liveness", [Liveness.DEAD, Liveness.UNKNOWN])
def test_a_host_whose_agent_is_not_alive_is_refused(liveness: Liveness) -> None:
    answer = bind(partial(context, agents=agents_of(HOST, liveness)), [SriovNicSwitchDriver()])
    assert isinstance(answer, Unbound)
    assert answer.reasons == "sriovnicswitch: the NIC Switch agent of h1 is dead"


def test_asking_twice_gives_the_same_answer() -> None:
    driver = SriovNicSwitchDriver()
    assert bind(context, [driver]) == bind(context, [driver])


@pytest.mark.parametrize(
    ("allocation", "is_ours"),
    [({"group": PROVIDER}, True), ({"a": PROVIDER, "b": "another"}, False), ({}, False), (None, False)],
)
def test_a_port_with_an_allocation_is_ours_when_an_agent_reports_every_provider(
    allocation: dict[str, str] | None, is_ours: bool
) -> None:
    agent = AGENTS[0].copy()
    agent["configurations"] = {"resource_provider_bandwidths": {"ens1f0": {"egress": 10_000_000}}}
    asked = context(port(profile={"allocation": allocation}), agents=[agent])
    assert SriovNicSwitchDriver().responsible_for_ports_allocation(asked) is is_ours
