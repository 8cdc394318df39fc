"""Functions that a flavor asked for: claimed without a port, served, lost, given back."""

from dataclasses import replace

import pytest

from mooring.core.reconcile import baseline
from mooring.model.desired import FunctionOutcome, Purpose, ServerOutcome, ServerReport
from mooring.model.host import OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.port import PortStatus
from mooring.model.server import Server, ServerStatus
from mooring.model.vf import VfSettings, VfState, Vlan
from mooring.service.claims import claim_portless, portless_settings
from mooring.store import devices
from mooring.store.devices import DEVICES
from mooring.store.servers import SERVERS
from mooring.store.tx import Tx
from tests.unit.service.by_hand import HOST, PF, VFS, WHOLE, Hand, said

GPU, CARD = PciAddress.parse("0000:c1:00.0"), PciAddress.parse("0000:c2:00.0")
CARD_VF = CARD.virtual_function(8, 1, 0)
GONE = "the host does not show it any more"


@pytest.fixture
def hand(hand: Hand) -> Hand:
    """With a GPU and an accelerator that has a VF, neither on any physical network."""
    gpu = PciFunction(GPU, FunctionKind.PCI, "10de", "2331", "nvidia", device_class="030200")
    card = PciFunction(CARD, FunctionKind.PF, "8086", "4940", "4xxx", vf_total=16, vf_count=1, device_class="0b4000")
    vf = PciFunction(CARD_VF, FunctionKind.VF, "8086", "4941", pf=CARD, vf_index=0, device_class="0b4000")
    offers = [OfferedFunction(gpu, is_offered=True), OfferedFunction(vf, is_offered=True), OfferedFunction(card)]
    hand.put({offered.function.address: offered for offered in offers})
    hand.clean()
    return hand


def give(hand: Hand, server: Server, *addresses: PciAddress) -> None:
    """Claim them for the server, as for a flavor that asks for the PCI group "fast"."""

    def story(tx: Tx) -> None:
        for address in addresses:
            device = devices.at(tx, HOST, address)
            assert device is not None
            claim_portless(tx, device, server.id, "fast")

    hand.write(story)


def running(hand: Hand, *addresses: PciAddress) -> Server:
    server = hand.create()
    give(hand, server, *addresses)
    hand.run()
    assert hand.server(server).status is ServerStatus.ACTIVE
    return hand.server(server)


def passed_through(hand: Hand, server: Server) -> tuple[PciAddress, ...]:
    (found,) = (one for one in hand.desired().servers if one.id == server.id)
    return found.passthrough


# What the host is told


@pytest.mark.parametrize("address", [VFS[1], WHOLE, GPU, CARD_VF])
def test_function_without_a_port_lives_as_any_other(hand: Hand, address: PciAddress) -> None:
    assert hand.device(address).state is VfState.AVAILABLE
    server = hand.create()
    give(hand, server, address)
    wanted = hand.wanted(address)
    assert (wanted.purpose, wanted.server_id, wanted.generation) == (
        Purpose.SERVE, server.id, hand.device(address).generation,
    )  # fmt: skip
    assert passed_through(hand, server) == (address,)
    hand.run()
    assert (hand.server(server).status, hand.device(address).state) == (ServerStatus.ACTIVE, VfState.IN_USE)
    hand.delete(server)
    assert hand.wanted(address).purpose is Purpose.BASELINE
    assert passed_through(hand, server) == ()
    hand.clean()
    assert hand.is_gone(server)
    assert hand.device(address).state is VfState.AVAILABLE


def test_nics_vf_has_every_setting_and_a_mac_that_is_neither_the_last_nor_the_next(hand: Hand) -> None:
    free = hand.device(VFS[0])
    server = hand.create()
    give(hand, server, VFS[0])
    wanted = hand.wanted(VFS[0]).settings
    assert wanted == baseline(wanted.mac or "")
    hand.delete(server)
    macs = {wanted.mac, hand.wanted(VFS[0]).settings.mac, free.observed.mac if free.observed else None}
    assert len(macs) == 3
    hand.clean()


def test_nics_vf_is_trusted_as_its_device_spec_says(hand: Hand) -> None:
    trusted = replace(hand.device(VFS[0]), trusted=True)
    assert portless_settings(trusted) == replace(portless_settings(hand.device(VFS[0])), trust=True)


@pytest.mark.parametrize("address", [WHOLE, GPU, CARD_VF])
def test_what_has_no_settings_is_told_none_free_or_owned(hand: Hand, address: PciAddress) -> None:
    hand.write(lambda tx: DEVICES.update(tx, replace(hand.device(address), state=VfState.BASELINING)))
    assert hand.wanted(address).settings == VfSettings()
    hand.clean()
    server = hand.create()
    give(hand, server, address)
    assert hand.wanted(address).settings == VfSettings()
    hand.run()


def test_several_functions_are_told_by_address_beside_the_ports(hand: Hand) -> None:
    port = hand.port(hand.network())
    server = hand.create(port)
    give(hand, server, GPU, WHOLE, CARD_VF)
    (told,) = hand.desired().servers
    assert told.passthrough == (WHOLE, GPU, CARD_VF)
    assert [interface.address for interface in told.interfaces] == [hand.claim(port).address]
    hand.run()
    assert (hand.server(server).status, hand.stored(port).status) == (ServerStatus.ACTIVE, PortStatus.ACTIVE)


def test_vf_whose_pf_is_not_known_is_never_told_as_a_whole_function(hand: Hand) -> None:
    server = running(hand, VFS[1])
    orphan = replace(hand.device(VFS[1]), pf=None, vf_index=None)
    before = hand.device(VFS[1])
    hand.write(lambda tx: DEVICES.update(tx, orphan))
    assert VFS[1] not in {one.address for one in hand.desired().functions}
    assert passed_through(hand, server) == (VFS[1],), "so that its host does not start the guest without"
    hand.write(lambda tx: DEVICES.update(tx, before))


def test_numa_nodes_of_a_server_reach_its_host(hand: Hand) -> None:
    server = hand.create()
    hand.write(lambda tx: SERVERS.update(tx, replace(hand.server(server), numa_nodes=(1, 0))))
    (told,) = hand.desired().servers
    assert told.numa_nodes == (1, 0)


# What the host says


def test_server_is_active_when_all_of_them_were_read_back_and_not_before(hand: Hand) -> None:
    port = hand.port(hand.network())
    server = hand.create(port)
    give(hand, server, VFS[1], GPU)
    (told,) = hand.desired().servers
    serving = [said(one) for one in hand.desired().functions if one.address != GPU]
    hand.report(*serving, servers=[ServerReport(told.id, told.generation, ServerOutcome.RUNNING)])
    assert hand.server(server).status is ServerStatus.BUILD
    hand.run()
    assert hand.server(server).status is ServerStatus.ACTIVE


def test_events_name_the_server_and_the_pci_group(hand: Hand) -> None:
    server = running(hand, GPU)
    told = hand.last("device.in-use")
    assert (told["server"], told["pci_group"], told["address"]) == (server.id, "fast", str(GPU))
    assert "port" not in told


@pytest.mark.parametrize("address", [VFS[0], GPU])
def test_quarantined_function_puts_its_server_in_error_for_it_has_no_port_to_say_so(
    hand: Hand, address: PciAddress
) -> None:
    server = running(hand, address)
    hand.report(said(hand.wanted(address), FunctionOutcome.QUARANTINED, "it does not answer"))
    failed = hand.server(server)
    assert failed.status is ServerStatus.ERROR
    assert failed.fault is not None
    assert failed.fault.details == f"{address} of PCI group fast is quarantined: it does not answer"
    assert failed.fault.message.endswith(": (hidden) of PCI group fast is quarantined: it does not answer")
    hand.run()
    assert (hand.server(server).status, hand.server(server).fault) == (ServerStatus.ACTIVE, None)


def test_function_that_was_quarantined_before_its_guest_had_it_fails_the_server_too(hand: Hand) -> None:
    server = running(hand, VFS[0])
    wanted = hand.wanted(VFS[0])
    hand.report(said(wanted, FunctionOutcome.PROGRAMMED))
    hand.report(said(wanted, FunctionOutcome.QUARANTINED, "vlan does not read back"))
    assert hand.server(server).status is ServerStatus.ERROR
    hand.run()


def test_degraded_function_says_so_itself_and_its_server_goes_on(hand: Hand) -> None:
    server = running(hand, VFS[0])
    hand.report(said(hand.wanted(VFS[0]), FunctionOutcome.DEGRADED, "PF ens1f0 has no carrier", vlan=Vlan(7)))
    assert hand.server(server).status is ServerStatus.ACTIVE
    assert hand.device(VFS[0]).reason == "PF ens1f0 has no carrier"
    assert hand.last("device.degraded")["pci_group"] == "fast"
    hand.run()
    assert hand.last("device.restored")["pci_group"] == "fast"


# Gone, and back


@pytest.mark.parametrize("address", [VFS[0], GPU])
def test_function_that_goes_puts_its_server_in_error_until_its_guest_has_it_again(
    hand: Hand, address: PciAddress
) -> None:
    server = running(hand, address)
    gone = hand.remove(address)
    failed = hand.server(server)
    assert (failed.status, hand.device(address).state) == (ServerStatus.ERROR, VfState.REMOVED_PENDING)
    assert failed.fault is not None
    assert failed.fault.details == f"{address} of PCI group fast is gone: {GONE}"
    assert hand.last("device.gone")["pci_group"] == "fast"
    assert passed_through(hand, server) == ()
    events = hand.kinds(most=200)
    hand.run()
    assert hand.server(server).status is ServerStatus.ERROR, "its guest runs, without what it was promised"
    assert hand.kinds(most=200) == events, "the same again is no news"
    hand.put(gone)
    assert hand.device(address).state is VfState.CLAIMED
    assert passed_through(hand, server) == (address,)
    hand.run()
    assert (hand.server(server).status, hand.server(server).fault) == (ServerStatus.ACTIVE, None)


def test_server_of_a_function_that_is_gone_can_be_deleted(hand: Hand) -> None:
    server = running(hand, GPU)
    gone = hand.remove(GPU)
    hand.delete(server)
    hand.clean()
    assert hand.is_gone(server)
    assert hand.device(GPU).state is VfState.GONE
    hand.put(gone)
    hand.clean()
    assert hand.device(GPU).state is VfState.AVAILABLE


def test_function_that_goes_while_it_is_given_back_holds_nobody_up(hand: Hand) -> None:
    server = running(hand, GPU)
    hand.delete(server)
    hand.remove(GPU)
    hand.clean()
    assert hand.is_gone(server)


def test_another_device_at_the_address_is_not_the_one_that_is_owned(hand: Hand) -> None:
    """A GPU has no MAC to know it by, and a boot may number the buses anew."""
    server = running(hand, GPU)
    there = hand.offers[GPU]
    hand.offers[GPU] = replace(there, function=replace(there.function, product_id="2230"))
    hand.reboot()
    assert hand.device(GPU).state is VfState.REMOVED_PENDING
    assert hand.device(GPU).reason == ("the host shows another device at its address: 10de:2230, and it was 10de:2331")
    hand.run()
    assert hand.server(server).status is ServerStatus.ERROR
    hand.put({GPU: there})
    hand.run()
    assert hand.server(server).status is ServerStatus.ACTIVE


def test_reboot_proves_functions_without_ports_anew(hand: Hand) -> None:
    server = running(hand, GPU, VFS[0])
    hand.reboot()
    assert {hand.device(one).state for one in (GPU, VFS[0])} == {VfState.CLAIMED}
    assert hand.server(server).status is ServerStatus.HARD_REBOOT
    hand.run()
    assert hand.server(server).status is ServerStatus.ACTIVE


def test_function_without_sriov_that_is_not_offered_is_not_touched(hand: Hand) -> None:
    hand.put({GPU: replace(hand.offers[GPU], is_offered=False, reason="device_spec entry 1 excludes it")})
    assert hand.device(GPU).state is VfState.UNAVAILABLE
    assert GPU not in {one.address for one in hand.desired().functions}
    assert PF not in {one.address for one in hand.desired().functions}
