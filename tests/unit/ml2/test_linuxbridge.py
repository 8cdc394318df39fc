"""``linuxbridge``: ordinary ports on the bridge of their physical network."""

from dataclasses import replace
from functools import partial

import pytest

from mooring.ml2.agents import agents_of
from mooring.ml2.binding import Bound, Unbound, bind
from mooring.ml2.linuxbridge import LinuxBridgeDriver
from mooring.ml2.sriov_nic_switch import SriovNicSwitchDriver
from mooring.model.host import Liveness
from mooring.model.network import NetworkType, Segment
from mooring.model.port import VnicType
from tests.unit.ml2.ports import HOST, VLAN_100, VLAN_200, context, port

NORMAL = port(VnicType.NORMAL)


@pytest.mark.parametrize(
    ("segment", "vlan"), [(VLAN_100, "100"), (Segment("s1", "n1", NetworkType.FLAT, "physnet1", None), "0")]
)
def test_a_normal_port_is_bound_to_the_bridge_of_its_physical_network(segment: Segment, vlan: str) -> None:
    details = {"port_filter": False, "connectivity": "l2", "bridge_name": "br-phys", "vlan": vlan}
    answer = bind(partial(context, NORMAL, [segment]), [LinuxBridgeDriver()])
    assert answer == Bound("linuxbridge", "s1", "bridge", details, "DOWN")


def test_both_drivers_serve_one_cloud_and_each_takes_its_own_ports() -> None:
    drivers = [SriovNicSwitchDriver(), LinuxBridgeDriver()]
    by_type = {vnic_type: bind(partial(context, port(vnic_type)), drivers) for vnic_type in VnicType}
    bound = {vnic_type: answer.driver for vnic_type, answer in by_type.items() if isinstance(answer, Bound)}
    assert bound == {
        "normal": "linuxbridge",
        "direct": "sriovnicswitch",
        "macvtap": "sriovnicswitch",
        "accelerator-direct": "sriovnicswitch",
        "direct-physical": "sriovnicswitch",
    }


def test_an_sriov_port_is_refused_by_its_vnic_type() -> None:
    answer = bind(context, [LinuxBridgeDriver()])
    assert isinstance(answer, Unbound)
    assert answer.reasons == "linuxbridge: vnic type direct is not one of normal"


def test_a_physical_network_without_a_bridge_is_refused_with_those_that_have_one() -> None:
    answer = bind(partial(context, NORMAL, [VLAN_200]), [LinuxBridgeDriver()])
    assert isinstance(answer, Unbound)
    assert answer.reasons == (
        "linuxbridge: no bridges of h1 reach physnet2 (segment vlan 200); its bridges reach physnet1"
    )


def test_a_host_without_bridges_says_so() -> None:
    bare = agents_of(replace(HOST, bridge_mappings={}), Liveness.ALIVE)
    answer = bind(partial(context, NORMAL, agents=bare), [LinuxBridgeDriver()])
    assert isinstance(answer, Unbound)
    assert answer.reasons.endswith("; it has no bridges")
