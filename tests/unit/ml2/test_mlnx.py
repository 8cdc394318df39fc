"""``mlnx``: VFs of Mellanox's cards, on Ethernet and on InfiniBand."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pytest

from mooring.errors import Invalid
from mooring.ml2.agents import agents_of
from mooring.ml2.binding import Bound, Unbound, bind
from mooring.ml2.mlnx import MlnxDriver
from mooring.ml2.sriov_nic_switch import SriovNicSwitchDriver
from mooring.model.host import Liveness
from mooring.model.infiniband import guid_of, pkey_of
from mooring.model.network import NetworkType, Segment
from mooring.model.port import VnicType
from tests.unit.ml2.ports import HOST, VLAN_100, VLAN_200, context, port

CX6: Mapping[str, object] = {"pci_vendor_info": "15b3:101c", "physical_network": "physnet1"}
FABRIC = agents_of(replace(HOST, infiniband_networks=("physnet1",)), Liveness.ALIVE)
AGENTS = agents_of(HOST, Liveness.ALIVE)
FLAT_1 = Segment("s1", "n1", NetworkType.FLAT, "physnet1", None)
DETAILS = {"port_filter": False, "connectivity": "l2"}
GUID = "fa:16:3e:00:00:00:00:01"


@pytest.mark.parametrize("vnic_type", [VnicType.DIRECT, VnicType.MACVTAP])
def test_on_ethernet_a_port_is_bound_as_sriovnicswitch_binds_it(vnic_type: VnicType) -> None:
    answer = bind(partial(context, port(vnic_type, CX6), agents=AGENTS), [MlnxDriver()])
    assert answer == Bound("mlnx", "s1", "hw_veb", {**DETAILS, "vlan": "100"}, "DOWN")


@pytest.mark.parametrize(("segment", "vlan", "pkey"), [(VLAN_100, "100", "0x8064"), (FLAT_1, "0", "0xffff")])
def test_on_infiniband_it_has_a_guid_and_a_partition_instead_of_mac_and_vlan(
    segment: Segment, vlan: str, pkey: str
) -> None:
    answer = bind(partial(context, port(profile=CX6), [segment], FABRIC), [MlnxDriver()])
    details = {**DETAILS, "vlan": vlan, "guid": GUID, "pkey": pkey}
    assert answer == Bound("mlnx", "s1", "ib_hostdev", details, "DOWN")


def test_a_fabric_of_which_no_agent_speaks_is_named_in_the_configuration() -> None:
    driver = MlnxDriver(infiniband_physical_networks=["physnet1"])
    answer = bind(partial(context, port(profile=CX6), agents=AGENTS), [driver])
    assert isinstance(answer, Bound)
    assert answer.vif_type == "ib_hostdev"


def test_the_driver_of_ethernets_embedded_switch_leaves_a_fabric_to_it() -> None:
    asked = partial(context, port(profile=CX6), agents=FABRIC)
    answer = bind(asked, [SriovNicSwitchDriver(), MlnxDriver()])
    assert isinstance(answer, Bound)
    assert answer.driver == "mlnx"
    alone = bind(asked, [SriovNicSwitchDriver()])
    assert isinstance(alone, Unbound)
    assert "physnet1 of h1 is InfiniBand" in alone.reasons


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (
            partial(context, port(VnicType.MACVTAP, CX6), agents=FABRIC),
            "physnet1 is InfiniBand, and a macvtap carries Ethernet frames",
        ),
        (partial(context, port(VnicType.NORMAL, CX6)), "vnic type normal is not one of direct, macvtap"),
        (
            partial(context, port()),
            "the port's profile names no pci_vendor_info, and only cards of vendor 15b3 will do",
        ),
        (partial(context, port(profile={"pci_vendor_info": "8086:154c"})), "card 8086:154c is not one of vendor 15b3"),
        (
            partial(context, port(profile={**CX6, "capabilities": ["switchdev"]})),
            "the port wants a switchdev card, and this driver programs the legacy embedded switch only",
        ),
        (
            partial(context, port(profile=CX6), [VLAN_200]),
            "no SR-IOV devices of h1 reach physnet2 (segment vlan 200); its SR-IOV devices reach physnet1",
        ),
        (
            partial(
                context,
                port(profile={**CX6, "physical_network": "physnet3"}),
            ),
            "the port's device reaches physnet3, and the segment is on physnet1",
        ),
        (
            partial(context, port(profile=CX6), agents=agents_of(HOST, Liveness.DEAD)),
            "the NIC Switch agent of h1 is dead",
        ),
    ],
)
def test_every_refusal_has_its_reason(asked: partial[object], reason: str) -> None:
    answer = bind(asked, [MlnxDriver()])  # type: ignore[arg-type]  # a context
    assert isinstance(answer, Unbound)
    assert answer.reasons == f"mlnx: {reason}"


@pytest.mark.parametrize(("card", "is_taken"), [("15b3:101C", True), ("15b3:1018", False), ("1924:1a03", False)])
def test_cards_may_be_named_one_by_one(card: str, *, is_taken: bool) -> None:
    driver = MlnxDriver(supported_pci_vendor_info=["15b3:101c"])
    answer = bind(partial(context, port(profile={"pci_vendor_info": card})), [driver])
    assert isinstance(answer, Bound) is is_taken


def test_a_card_that_is_no_vendor_and_product_is_refused_when_the_driver_is_made() -> None:
    with pytest.raises(Invalid, match="supported_pci_vendor_info holds '15b3'"):
        MlnxDriver(supported_pci_vendor_info=["15b3"])


@pytest.mark.parametrize(
    ("mac", "guid"),
    [("FA:16:3E:00:00:01", GUID), ("02:aa:bb:cc:dd:ee", "02:aa:bb:00:00:cc:dd:ee")],
)
def test_a_guid_is_the_mac_with_two_zeros_in_its_middle(mac: str, guid: str) -> None:
    assert guid_of(mac) == guid


@pytest.mark.parametrize(("vlan_id", "pkey"), [(0, "0xffff"), (1, "0x8001"), (4094, "0x8ffe")])
def test_a_partition_is_the_vlan_with_full_membership(vlan_id: int, pkey: str) -> None:
    assert pkey_of(vlan_id) == pkey
