"""``openvswitch``: ordinary ports on its bridges, and VFs whose card it offloads to."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pytest

from mooring.ml2.agents import agents_of
from mooring.ml2.binding import Bound, Unbound, bind
from mooring.ml2.linuxbridge import LinuxBridgeDriver
from mooring.ml2.openvswitch import OpenvswitchDriver
from mooring.ml2.sriov_nic_switch import SriovNicSwitchDriver
from mooring.model.host import Liveness
from mooring.model.network import NetworkType, Segment
from mooring.model.port import VnicType
from tests.unit.ml2.ports import HOST, VLAN_100, VLAN_200, context, port

ON_OVS = replace(HOST, ovs_bridges=("br-phys",))
AGENTS = agents_of(ON_OVS, Liveness.ALIVE)
OFFLOAD = {"capabilities": ["switchdev"]}
FLAT_1 = Segment("s1", "n1", NetworkType.FLAT, "physnet1", None)


@pytest.mark.parametrize(("segment", "vlan"), [(VLAN_100, "100"), (FLAT_1, "0")])
@pytest.mark.parametrize(("vnic_type", "profile"), [(VnicType.NORMAL, {}), (VnicType.DIRECT, OFFLOAD)])
def test_a_port_is_bound_to_the_bridge_of_its_physical_network_with_the_vlan_as_text(
    vnic_type: VnicType, profile: Mapping[str, object], segment: Segment, vlan: str
) -> None:
    details = {
        "port_filter": False, "connectivity": "l2", "ovs_hybrid_plug": False, "bridge_name": "br-phys",
        "datapath_type": "system", "vlan": vlan,
    }  # fmt: skip
    answer = bind(partial(context, port(vnic_type, profile), [segment], AGENTS), [OpenvswitchDriver()])
    assert answer == Bound("openvswitch", "s1", "ovs", details, "DOWN")


#: Neutron's own outcomes with these two drivers and both agents alive, recorded.
OUTCOMES = [
    (VnicType.NORMAL, {}, "ovs", "DOWN"),
    (VnicType.VDPA, {}, "ovs", "DOWN"),
    (VnicType.DIRECT, OFFLOAD, "ovs", "DOWN"),
    (VnicType.DIRECT, {}, "hw_veb", "DOWN"),
    (VnicType.MACVTAP, {}, "hw_veb", "DOWN"),
    (VnicType.ACCELERATOR_DIRECT, {}, "hw_veb", "DOWN"),
    (VnicType.DIRECT_PHYSICAL, {}, "hostdev_physical", "ACTIVE"),
    *(
        (refused, {}, "binding_failed", "DOWN")
        for refused in (
            VnicType.BAREMETAL, VnicType.VIRTIO_FORWARDER, VnicType.SMART_NIC, VnicType.REMOTE_MANAGED,
            VnicType.ACCELERATOR_DIRECT_PHYSICAL,
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(("vnic_type", "profile", "vif_type", "status"), OUTCOMES)
def test_beside_sriovnicswitch_each_vnic_type_ends_as_in_neutron(
    vnic_type: VnicType, profile: Mapping[str, object], vif_type: str, status: str
) -> None:
    drivers = [SriovNicSwitchDriver(agents_report_pfs=False), OpenvswitchDriver()]
    answer = bind(partial(context, port(vnic_type, profile), agents=AGENTS), drivers)
    if isinstance(answer, Unbound):
        assert (vif_type, status) == ("binding_failed", "DOWN")
        assert {refusal.driver for refusal in answer.refusals} == {"sriovnicswitch", "openvswitch"}
    else:
        assert (answer.vif_type, answer.status) == (vif_type, status)


@pytest.mark.parametrize(
    ("host", "bound_by"), [(ON_OVS, "openvswitch"), (HOST, "linuxbridge")], ids=["open-vswitch", "linux-bridge"]
)
@pytest.mark.parametrize("is_turned", [False, True])
def test_a_bridge_is_just_one_of_the_two_drivers(host: object, bound_by: str, *, is_turned: bool) -> None:
    drivers = [LinuxBridgeDriver(), OpenvswitchDriver()]
    agents = agents_of(host, Liveness.ALIVE)  # type: ignore[arg-type]  # a Host
    asked = partial(context, port(VnicType.NORMAL), agents=agents)
    answer = bind(asked, drivers[::-1] if is_turned else drivers)
    assert isinstance(answer, Bound)
    assert answer.driver == bound_by


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (partial(context, port()), "the port does not ask for a switchdev card, and Open vSwitch offloads to no other"),
        (
            partial(context, port(VnicType.MACVTAP, OFFLOAD), agents=AGENTS),
            "vnic type macvtap is not one of normal, direct, vdpa",
        ),
        (partial(context, port(VnicType.NORMAL)), "host h1 has no Open vSwitch agent"),
        (
            partial(context, port(VnicType.NORMAL), agents=agents_of(ON_OVS, Liveness.DEAD)),
            "the Open vSwitch agent of h1 is dead",
        ),
        (
            partial(context, port(VnicType.NORMAL), [VLAN_200], AGENTS),
            "no Open vSwitch bridges of h1 reach physnet2 (segment vlan 200); its Open vSwitch bridges reach physnet1",
        ),
    ],
)
def test_every_refusal_has_its_reason(asked: partial[object], reason: str) -> None:
    answer = bind(asked, [OpenvswitchDriver()])  # type: ignore[arg-type]  # a context
    assert isinstance(answer, Unbound)
    assert answer.reasons == f"openvswitch: {reason}"
