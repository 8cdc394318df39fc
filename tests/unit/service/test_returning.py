"""Functions that go and come back, hosts that reboot: what is owned stays its owner's, and nothing is free unproved."""

from dataclasses import replace

import pytest

from mooring.model.desired import FunctionOutcome, Purpose, ServerOutcome, ServerReport
from mooring.model.host import OfferedFunction
from mooring.model.pci import PciAddress
from mooring.model.port import Port, PortStatus
from mooring.model.server import Server, ServerStatus
from mooring.model.vf import VfState
from mooring.service.interfaces import detach_interface
from tests.unit.service.by_hand import ADMIN, PF, PF_MAC, VFS, WHOLE, WHOLE_MAC, Hand, said

GONE = "the host does not show it any more"


def running(hand: Hand) -> tuple[Port, Server, PciAddress]:
    port = hand.port(hand.network())
    server = hand.boot(port)
    return port, server, hand.claim(port).address


def interfaces(hand: Hand, server: Server) -> list[str]:
    (found,) = (one for one in hand.desired().servers if one.id == server.id)
    return [interface.port_id for interface in found.interfaces]


# Gone, and back in the same boot: a driver that was loaded again, sriov_numvfs that was rewritten


def test_a_function_that_goes_takes_its_port_down_and_leaves_its_guest_running(hand: Hand) -> None:
    port, server, address = running(hand)
    hand.remove(address)
    shown = hand.stored(port)
    assert hand.device(address).state is VfState.REMOVED_PENDING
    assert shown.status is PortStatus.DOWN
    assert shown.fault is not None
    assert shown.fault.message == GONE
    assert (hand.last("device.gone")["port"], hand.last("device.gone")["reason"]) == (port.id, GONE)
    assert interfaces(hand, server) == [], "the guest is not waited for because of a function that is not there"
    hand.run()
    assert hand.server(server).status is ServerStatus.ACTIVE
    assert hand.stored(port).status is PortStatus.DOWN


def test_a_function_that_comes_back_is_its_owners_and_is_proved_as_if_it_were_new(hand: Hand) -> None:
    port, server, address = running(hand)
    late = said(hand.wanted(address))
    hand.put(hand.remove(address))
    device, wanted = hand.device(address), hand.wanted(address)
    assert (device.state, hand.stored(port).status) == (VfState.CLAIMED, PortStatus.BUILD)
    assert device.generation == wanted.generation == hand.claim(port).generation == late.generation + 1
    assert (wanted.purpose, wanted.server_id) == (Purpose.SERVE, server.id)
    assert interfaces(hand, server) == [port.id]
    hand.report(late)
    assert hand.device(address).state is VfState.CLAIMED, "a report of before proves nothing"
    hand.run()
    assert (hand.device(address).state, hand.device(address).reason) == (VfState.IN_USE, "")
    assert (hand.stored(port).status, hand.stored(port).fault) == (PortStatus.ACTIVE, None)


def test_a_function_that_comes_back_and_does_not_read_back_is_quarantined(hand: Hand) -> None:
    port, _, address = running(hand)
    hand.put(hand.remove(address))
    hand.report(said(hand.wanted(address), FunctionOutcome.QUARANTINED, "it does not read back"))
    assert (hand.device(address).state, hand.stored(port).status) == (VfState.QUARANTINED, PortStatus.ERROR)
    hand.run()
    assert hand.stored(port).status is PortStatus.ACTIVE


def test_another_function_at_the_address_is_not_the_one_that_is_owned(hand: Hand) -> None:
    """``sriov_numvfs`` was rewritten, and the numbers of the VFs lead elsewhere now."""
    port, _, address = running(hand)
    before = hand.offers[address]
    stranger = replace(before.function, vf_index=6)
    hand.put({address: replace(before, function=stranger)})
    device = hand.device(address)
    assert (device.state, device.vf_index) == (VfState.REMOVED_PENDING, before.function.vf_index)
    assert "VF 6 of 0000:81:00.0" in device.reason
    assert all(wanted.address != address for wanted in hand.desired().functions)
    hand.put({address: before})
    hand.run()
    assert hand.stored(port).status is PortStatus.ACTIVE


def test_the_owner_of_a_function_that_is_gone_can_go_and_the_function_is_clean_before_it_is_anothers(
    hand: Hand,
) -> None:
    _, server, address = running(hand)
    gone = hand.remove(address)
    hand.delete(server)
    assert hand.device(address).state is VfState.GONE
    hand.clean()
    assert hand.is_gone(server)
    hand.put(gone)
    assert hand.device(address).state is VfState.BASELINING
    hand.clean()
    assert hand.device(address).state is VfState.AVAILABLE


def test_a_port_whose_function_is_gone_can_be_taken_from_its_server(hand: Hand) -> None:
    port, server, address = running(hand)
    hand.remove(address)
    hand.write(lambda tx: detach_interface(tx, hand.world, ADMIN, server.id, port.id))
    assert hand.device(address).state is VfState.GONE
    assert (hand.stored(port).device_id, hand.stored(port).fault) == ("", None)


def test_a_function_that_goes_while_it_is_given_back_is_waited_for_no_more(hand: Hand) -> None:
    port, server, address = running(hand)
    hand.write(lambda tx: detach_interface(tx, hand.world, ADMIN, server.id, port.id))
    hand.remove(address)
    assert hand.device(address).state is VfState.GONE
    assert hand.stored(port).device_id == ""
    hand.run()
    assert hand.server(server).status is ServerStatus.ACTIVE


def test_a_free_function_that_goes_is_told_of_to_nobody(hand: Hand) -> None:
    before = hand.kinds().count("device.gone")
    hand.remove(VFS[2])
    assert hand.device(VFS[2]).state is VfState.GONE
    assert hand.kinds().count("device.gone") == before


# Reboots


def test_after_a_reboot_neither_port_nor_server_is_active_before_its_host_says_so(hand: Hand) -> None:
    port, server, address = running(hand)
    hand.reboot()
    rebooting = hand.server(server)
    assert (rebooting.status, rebooting.fault) == (ServerStatus.HARD_REBOOT, None)
    assert hand.stored(port).status is PortStatus.BUILD
    assert (hand.device(address).state, hand.device(address).reason) == (VfState.CLAIMED, "the host rebooted")
    assert hand.last("server.rebooting")["reason"] == "the host rebooted"
    assert hand.last("port.updated") == {"status": "BUILD", "reason": "the host rebooted"}
    hand.run()
    assert (hand.server(server).status, hand.stored(port).status) == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    assert hand.server(server).launched_at == server.launched_at


def test_a_server_that_does_not_come_up_after_a_reboot_is_in_error_with_the_reason(hand: Hand) -> None:
    _, server, _ = running(hand)
    hand.reboot()
    hand.report(servers=[ServerReport(server.id, server.generation, ServerOutcome.FAILED, "no space left")])
    assert hand.server(server).status is ServerStatus.ERROR
    hand.run()
    assert hand.server(server).status is ServerStatus.ACTIVE


def test_a_reboot_that_takes_a_function_away_is_an_error_of_its_server_until_it_is_back(hand: Hand) -> None:
    port, server, address = running(hand)
    gone = {address: hand.offers.pop(address)}
    hand.reboot()
    hand.run()
    fault = hand.server(server).fault
    assert hand.server(server).status is ServerStatus.ERROR
    assert fault is not None
    assert (str(address) in fault.details, str(address) in fault.message) == (True, False)
    hand.offers |= gone
    hand.reboot()
    assert hand.device(address).state is VfState.CLAIMED
    hand.run()
    assert (hand.server(server).status, hand.stored(port).status) == (ServerStatus.ACTIVE, PortStatus.ACTIVE)


def test_free_functions_are_cleaned_anew_after_a_reboot(hand: Hand) -> None:
    before = hand.device(VFS[1]).generation
    hand.reboot()
    assert (hand.device(VFS[1]).state, hand.device(VFS[1]).generation) == (VfState.BASELINING, before + 1)
    assert hand.device(WHOLE).state is VfState.BASELINING
    hand.clean()
    assert hand.device(WHOLE).state is VfState.AVAILABLE


def test_an_agent_that_starts_anew_without_a_reboot_changes_nothing(hand: Hand) -> None:
    port, server, _ = running(hand)
    before = (hand.stored(port), hand.server(server), hand.device_of(port).state)
    hand.announce()
    assert (hand.stored(port), hand.server(server), hand.device_of(port).state) == before


def swapped(offers: dict[PciAddress, OfferedFunction]) -> dict[PciAddress, OfferedFunction]:
    """A boot that numbered the two cards the other way round: each PF's address shows the other's MAC."""
    macs = {PF: WHOLE_MAC, WHOLE: PF_MAC}
    return {
        address: replace(offered, function=replace(offered.function, mac=macs.get(address, offered.function.mac)))
        for address, offered in offers.items()
    }


def test_a_card_that_a_boot_gave_another_address_is_not_served_at_the_old_one(hand: Hand) -> None:
    port, server, address = running(hand)
    straight = dict(hand.offers)
    hand.offers = swapped(straight)
    hand.reboot()
    device = hand.device(address)
    assert device.state is VfState.REMOVED_PENDING
    assert "PF 0000:81:00.0 is at 0000:82:00.0 now" in device.reason
    hand.run()
    hand.announce()
    assert hand.device(address).state is VfState.REMOVED_PENDING, "nor does an agent's restart make it the same card"
    assert (hand.server(server).status, hand.stored(port).status) == (ServerStatus.ERROR, PortStatus.DOWN)
    hand.offers = straight
    hand.reboot()
    hand.run()
    assert (hand.server(server).status, hand.stored(port).status) == (ServerStatus.ACTIVE, PortStatus.ACTIVE)


def test_pfs_that_shared_a_mac_in_a_bond_are_not_taken_for_one_another(hand: Hand) -> None:
    _, server, address = running(hand)
    straight = dict(hand.offers)
    bonded = replace(straight[WHOLE], function=replace(straight[WHOLE].function, mac=PF_MAC))
    hand.put({WHOLE: bonded, PF: straight[PF]})
    pf = straight[PF]
    hand.offers |= {WHOLE: bonded, PF: replace(pf, function=replace(pf.function, mac="52:54:00:00:00:03"))}
    hand.reboot()
    assert hand.device(address).state is VfState.CLAIMED
    hand.run()
    assert hand.server(server).status is ServerStatus.ACTIVE


def test_a_mac_that_is_set_by_hand_moves_no_card(hand: Hand) -> None:
    _, server, address = running(hand)
    pf = hand.offers[PF]
    hand.offers[PF] = replace(pf, function=replace(pf.function, mac="52:54:00:00:00:77"))
    hand.reboot()
    assert hand.device(address).state is VfState.CLAIMED
    hand.run()
    assert hand.server(server).status is ServerStatus.ACTIVE


@pytest.mark.parametrize("is_reboot", [True, False])
def test_a_quarantined_function_stays_so_until_it_is_proved(is_reboot: bool, hand: Hand) -> None:
    port, _, address = running(hand)
    hand.report(said(hand.wanted(address), FunctionOutcome.QUARANTINED, "it does not read back"))
    if is_reboot:
        hand.reboot()
    else:
        hand.announce()
    assert (hand.device(address).state, hand.stored(port).status) == (VfState.QUARANTINED, PortStatus.ERROR)
    hand.run()
    assert hand.stored(port).status is PortStatus.ACTIVE


def test_why_a_function_in_use_is_in_trouble_is_not_forgotten_by_an_inventory(hand: Hand) -> None:
    port, _, address = running(hand)
    hand.report(said(hand.wanted(address), FunctionOutcome.DEGRADED, "PF ens1f0 has no carrier"))
    hand.offers[address] = replace(hand.offers[address], is_offered=False, reason="device_spec entry 1 excludes it")
    hand.announce()
    assert hand.device(address).reason == "PF ens1f0 has no carrier"
    assert hand.stored(port).status is PortStatus.DOWN
    hand.run()
