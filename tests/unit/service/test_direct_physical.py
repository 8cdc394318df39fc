"""A whole PF: cleaned, claimed, given to a guest with its own MAC, and taken back."""

from dataclasses import replace

import pytest

from mooring.errors import Invalid
from mooring.model.desired import FunctionOutcome, Purpose
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.port import Port, PortStatus, VifType, VnicType
from mooring.model.server import ServerStatus
from mooring.model.vf import VfSettings, VfState
from mooring.service.explain import explain, glance
from mooring.service.overview import gauges, overview
from mooring.service.server_ports import NicWish
from mooring.service.servers import ServerWish
from mooring.store.devices import counts
from mooring.store.ports import PORTS
from tests.unit.service.by_hand import ADMIN, PF, VFS, WHOLE, WHOLE_MAC, Hand, said


def whole_port(hand: Hand, vlan: int = 200) -> Port:
    return hand.port(hand.network("physnet2", vlan), VnicType.DIRECT_PHYSICAL)


def test_a_whole_pf_lives_as_a_vf_does(hand: Hand) -> None:
    port = whole_port(hand)
    mac = port.mac_address
    assert hand.device(WHOLE).state is VfState.AVAILABLE
    server = hand.create(port)
    claim, wanted = hand.claim(port), hand.wanted(WHOLE)
    assert (claim.address, claim.desired) == (WHOLE, VfSettings())
    assert (wanted.pf, wanted.vf_index, wanted.purpose) == (None, None, Purpose.SERVE)
    bound = hand.stored(port)
    assert (bound.binding.vif_type, bound.status) == (VifType.HOSTDEV_PHYSICAL, PortStatus.BUILD)
    assert bound.binding.vif_details["vlan"] == "200"
    assert bound.binding.profile == {
        "pci_vendor_info": "8086:10c9", "pci_slot": "0000:82:00.0", "physical_network": "physnet2",
        "device_mac_address": WHOLE_MAC,
    }  # fmt: skip
    assert bound.mac_address == WHOLE_MAC
    hand.run()
    assert (hand.server(server).status, hand.stored(port).status) == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    assert hand.device(WHOLE).state is VfState.IN_USE
    hand.delete(server)
    assert (hand.wanted(WHOLE).purpose, hand.wanted(WHOLE).pf) == (Purpose.BASELINE, None)
    hand.clean()
    free = hand.stored(port)
    assert hand.is_gone(server)
    assert hand.device(WHOLE).state is VfState.AVAILABLE
    assert (free.binding.vif_type, free.binding.profile, free.status) == (VifType.UNBOUND, {}, PortStatus.DOWN)
    assert free.mac_address not in (WHOLE_MAC, mac), "a fresh one, as Neutron's"


def test_the_interface_of_a_whole_pf_names_its_address_and_the_vlan_for_the_guest(hand: Hand) -> None:
    port = whole_port(hand)
    hand.boot(port)
    (server,) = hand.desired().servers
    (interface,) = server.interfaces
    assert (interface.address, interface.vnic_type, interface.vif_type) == (
        WHOLE,
        "direct-physical",
        "hostdev_physical",
    )
    assert (interface.mac, interface.vlan_id) == (WHOLE_MAC, 200)


def test_what_is_known_of_a_pf_is_not_forgotten_while_a_guest_has_it(hand: Hand) -> None:
    """Its netdev is gone then, and the device spec that names it by that matches nothing."""
    port = whole_port(hand)
    server = hand.boot(port)
    there = hand.offers[WHOLE]
    in_guest = type(there.function)(WHOLE, FunctionKind.PF, "8086", "10c9", "vfio-pci", vf_total=7, vf_count=0)
    hand.put({WHOLE: type(there)(in_guest, reason="no device_spec matches")})
    device = hand.device(WHOLE)
    assert (device.state, device.physical_network, device.mac, device.reason) == (
        VfState.IN_USE, "physnet2", WHOLE_MAC, "",
    )  # fmt: skip
    hand.delete(server)
    hand.clean()
    assert hand.is_gone(server)
    hand.put({WHOLE: there})
    hand.clean()
    assert hand.device(WHOLE).state is VfState.AVAILABLE


def test_a_nic_that_names_a_network_and_the_vnic_type_gets_a_port_that_goes_with_the_server(hand: Hand) -> None:
    nic = NicWish(network_id=hand.network("physnet2").id, vnic_type="direct-physical")
    server = hand.create(nic)
    hand.run()
    assert hand.server(server).status is ServerStatus.ACTIVE
    hand.delete(server)
    hand.clean()
    assert hand.is_gone(server)
    assert hand.read(PORTS.where) == []


def test_a_second_server_is_told_that_no_pf_is_free(hand: Hand) -> None:
    hand.boot(whole_port(hand))
    refused = hand.boot(whole_port(hand, 201))
    assert refused.status is ServerStatus.ERROR
    assert refused.fault is not None
    assert refused.fault.message == (
        "No valid host was found. 1 host: 1 has no free PF on physnet2 (1 of 1 in use). "
        "With 1 PF on physnet2 given back, a host would do."
    )


def test_a_pf_that_is_there_for_its_vfs_is_not_handed_out_whole(hand: Hand) -> None:
    refused = hand.boot(hand.port(hand.network(), VnicType.DIRECT_PHYSICAL))
    assert refused.fault is not None
    assert "free PFs on physnet2 only" in refused.fault.message
    assert hand.device(PF).state is VfState.UNAVAILABLE


def test_explain_names_the_pf_that_a_port_would_get(hand: Hand) -> None:
    port = whole_port(hand)
    flavor = hand.create().flavor
    wish = ServerWish("vm", flavor.id, nics=(NicWish(port_id=port.id),))
    seen = hand.write(lambda tx: glance(tx, hand.world, ADMIN, wish))
    said_of_hosts = hand.read(lambda tx: explain(tx, hand.world, ADMIN, wish, seen))["hosts"]
    assert isinstance(said_of_hosts, list)
    assert said_of_hosts[0]["devices"] == {port.id: str(WHOLE)}


def test_one_server_takes_a_pf_and_a_vf(hand: Hand) -> None:
    whole, virtual = whole_port(hand), hand.port(hand.network())
    server = hand.boot(whole, virtual)
    assert server.status is ServerStatus.ACTIVE
    assert {hand.claim(whole).address, hand.claim(virtual).address} == {WHOLE, VFS[0]}


def test_two_whole_pfs_of_a_host_are_two_servers(hand: Hand) -> None:
    """Neither has settings, so that there is nothing in which the auditor could find them alike."""
    first = hand.offers[WHOLE]
    address = PciAddress.parse("0000:83:00.0")
    other = replace(first.function, address=address, netdev="ens3f0", mac="52:54:00:00:00:03")
    hand.put({address: replace(first, function=other)})
    hand.clean()
    servers = [hand.boot(whole_port(hand, vlan)) for vlan in (200, 201)]
    assert [server.status for server in servers] == [ServerStatus.ACTIVE] * 2
    assert hand.findings() == []


def test_a_port_that_has_the_pfs_mac_already_keeps_the_pf_from_its_network(hand: Hand) -> None:
    network = hand.network("physnet2", 200)
    holder = hand.port(network, mac_address=WHOLE_MAC)
    port = hand.port(network, VnicType.DIRECT_PHYSICAL)
    refused = hand.boot(port)
    assert refused.fault is not None
    assert refused.fault.details == f"h1: port {port.id} cannot be bound: port {holder.id} has the MAC of the PF"
    own = hand.set(holder, vnic_type=VnicType.DIRECT_PHYSICAL)
    assert hand.boot(own).status is ServerStatus.ACTIVE, "its own MAC is in nobody's way"


def test_a_disabled_port_gets_no_whole_pf_because_nobody_could_hold_it_down(hand: Hand) -> None:
    port = hand.port(hand.network("physnet2"), VnicType.DIRECT_PHYSICAL, admin_state_up=False)
    with pytest.raises(Invalid, match="a whole PF cannot be held down"):
        hand.create(port)


@pytest.mark.parametrize("outcome", [FunctionOutcome.DEGRADED, FunctionOutcome.QUARANTINED])
def test_a_whole_pf_in_trouble_says_so_on_its_port(outcome: FunctionOutcome, hand: Hand) -> None:
    port = whole_port(hand)
    hand.boot(port)
    hand.report(said(hand.wanted(WHOLE), outcome, "ens2f0 is not there"))
    shown = hand.stored(port)
    assert shown.status is (PortStatus.DOWN if outcome is FunctionOutcome.DEGRADED else PortStatus.ERROR)
    assert shown.fault is not None
    assert shown.fault.message == "(hidden) is not there"
    hand.run()


def test_whole_pfs_are_counted_beside_the_vfs(hand: Hand) -> None:
    hand.boot(whole_port(hand))
    assert hand.read(counts) == [
        ("type-PF", "physnet2", "in-use", 1),
        ("type-VF", "physnet1", "available", 3),
    ]
    (row,) = hand.read(lambda tx: overview(tx, hand.world))
    assert (row.pfs, row.vfs) == ({"physnet2": {"in-use": 1}}, {"physnet1": {"available": 3}})
    samples = hand.read(lambda tx: gauges(tx, hand.world))["mooring_devices"]
    assert ({"kind": "type-PF", "physical_network": "physnet2", "state": "in-use"}, 1.0) in samples


def test_the_physical_network_of_a_whole_pf_is_one_that_its_host_reaches(hand: Hand) -> None:
    (row,) = hand.read(lambda tx: overview(tx, hand.world))
    assert row.host.device_mappings == {"physnet1": ("ens1f0",), "physnet2": ("ens2f0",)}
