"""What a host's word on a function in use makes of its port and its server."""

from dataclasses import replace

import pytest

from mooring.model.desired import FunctionOutcome, FunctionReport, ServerOutcome, ServerReport
from mooring.model.port import Port, PortStatus
from mooring.model.server import Server, ServerStatus
from mooring.model.vf import LinkState, VfState, Vlan
from mooring.store.devices import DEVICES, degraded
from tests.unit.service.by_hand import Hand, said

DEGRADED, QUARANTINED = FunctionOutcome.DEGRADED, FunctionOutcome.QUARANTINED
DRIFT = "vlan is 99 (qos 0, 802.1q), wanted 100 (qos 0, 802.1q)"


def running(hand: Hand) -> tuple[Port, Server]:
    port = hand.port(hand.network())
    server = hand.boot(port)
    assert (server.status, hand.stored(port).status) == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    return port, server


def degrade(hand: Hand, port: Port, reason: str = DRIFT, **more: object) -> None:
    wanted = hand.wanted(hand.claim(port).address)
    hand.report(said(wanted, DEGRADED, reason, **more))  # type: ignore[arg-type]  # what is seen


def test_a_function_that_differs_takes_its_port_out_of_active_and_says_what_was_wanted_and_seen(hand: Hand) -> None:
    port, server = running(hand)
    degrade(hand, port, vlan=Vlan(99))
    device, shown = hand.device_of(port), hand.stored(port)
    assert (device.state, device.reason) == (VfState.IN_USE, DRIFT)
    assert device.observed is not None
    assert device.observed.vlan == Vlan(99)
    assert shown.status is PortStatus.DOWN
    assert shown.fault is not None
    assert shown.fault.details == DRIFT
    assert shown.fault.message == "vlan is not the wanted one"
    assert hand.server(server).status is ServerStatus.ACTIVE
    told = hand.last("device.degraded")
    assert (told["wanted"]["vlan"]["id"], told["seen"]["vlan"]["id"]) == (100, 99)  # type: ignore[index]  # settings are objects
    assert (told["reason"], told["is_refused"], told["port"]) == (DRIFT, False, port.id)
    assert hand.last("port.updated") == {"status": "DOWN", "reason": DRIFT}
    hand.run()


def test_the_next_good_report_restores_the_port(hand: Hand) -> None:
    port, _ = running(hand)
    degrade(hand, port, vlan=Vlan(99))
    hand.run()
    shown = hand.stored(port)
    assert (shown.status, shown.fault, hand.device_of(port).reason) == (PortStatus.ACTIVE, None, "")
    assert hand.last("device.restored")["was"] == DRIFT


def test_a_restored_port_that_is_disabled_stays_down_without_a_reason(hand: Hand) -> None:
    port, _ = running(hand)
    hand.set(port, admin_state_up=False)
    degrade(hand, port)
    hand.run()
    assert (hand.stored(port).status, hand.stored(port).fault) == (PortStatus.DOWN, None)


def test_the_same_trouble_again_is_no_news(hand: Hand) -> None:
    port, _ = running(hand)
    degrade(hand, port)
    before, events = hand.stored(port), hand.kinds(most=200)
    degrade(hand, port)
    assert (hand.stored(port), hand.kinds(most=200)) == (before, events)
    degrade(hand, port, "PF ens1f0 has no carrier")
    shown = hand.stored(port)
    assert shown.fault is not None
    assert shown.fault.message == "PF (hidden) has no carrier"
    assert hand.read(degraded) == [("physnet1", 1)]
    hand.run()
    assert hand.read(degraded) == []


def test_a_guest_that_starts_while_its_pf_has_no_carrier_is_active_and_its_port_is_down(hand: Hand) -> None:
    port = hand.port(hand.network())
    server = hand.create(port)
    running_now = ServerReport(server.id, server.generation, ServerOutcome.RUNNING)
    wanted = hand.wanted(hand.claim(port).address)
    hand.report(said(wanted, DEGRADED, "PF ens1f0 has no carrier"), servers=[running_now])
    assert hand.device_of(port).state is VfState.IN_USE
    assert (hand.server(server).status, hand.stored(port).status) == (ServerStatus.ACTIVE, PortStatus.DOWN)
    hand.run()
    assert hand.stored(port).status is PortStatus.ACTIVE


def test_a_setting_that_the_card_refuses_is_an_error_on_the_port_until_it_is_set_back(hand: Hand) -> None:
    port, server = running(hand)
    generation = hand.device_of(port).generation
    hand.set(port, admin_state_up=False)
    wanted = hand.wanted(hand.claim(port).address)
    assert (wanted.settings.link_state, wanted.generation) == (LinkState.DISABLE, generation)
    reason = "ens1f0 vf 0: link_state disable: Operation not supported"
    degrade(hand, port, reason, is_refused=True, link_state=LinkState.AUTO)
    shown = hand.stored(port)
    assert (shown.status, shown.admin_state_up) == (PortStatus.ERROR, False)
    assert shown.fault is not None
    assert shown.fault.message == "(hidden) vf 0: link_state disable: Operation not supported"
    assert hand.last("device.degraded")["is_refused"] is True
    assert (hand.device_of(port).state, hand.server(server).status) == (VfState.IN_USE, ServerStatus.ACTIVE)
    hand.set(port, admin_state_up=True)
    hand.run()
    assert (hand.stored(port).status, hand.stored(port).fault) == (PortStatus.ACTIVE, None)


def test_a_disabled_port_is_down_when_its_host_has_shown_it_and_not_before(hand: Hand) -> None:
    port, _ = running(hand)
    hand.set(port, admin_state_up=False)
    assert hand.stored(port).status is PortStatus.ACTIVE
    hand.run()
    assert hand.stored(port).status is PortStatus.DOWN
    hand.set(port, admin_state_up=True)
    assert hand.stored(port).status is PortStatus.DOWN
    hand.run()
    assert hand.stored(port).status is PortStatus.ACTIVE


def test_an_answer_to_what_was_wanted_before_proves_nothing_of_what_is_wanted_now(hand: Hand) -> None:
    port, server = running(hand)
    late = said(hand.wanted(hand.claim(port).address))
    hand.set(port, port_security_enabled=False, admin_state_up=False)
    hand.report(late, servers=[ServerReport(server.id, server.generation, ServerOutcome.RUNNING)])
    device = hand.device_of(port)
    assert device.verified_at is None
    assert hand.stored(port).status is PortStatus.ACTIVE, "nothing has shown that it is down"
    assert hand.findings() == [], "a change has its time to reach the function"
    hand.clock.advance(31)
    assert [finding.partition(":")[0] for finding in hand.findings()] == ["I9"]
    hand.run()
    assert hand.stored(port).status is PortStatus.DOWN


def test_a_host_that_calls_well_what_it_shows_otherwise_is_not_believed(hand: Hand) -> None:
    port, _ = running(hand)
    hand.report(said(hand.wanted(hand.claim(port).address), trust=True))
    shown = hand.stored(port)
    assert shown.status is PortStatus.DOWN
    assert shown.fault is not None
    assert shown.fault.message == "trust is on, wanted off"
    hand.run()


def test_a_quarantine_in_use_is_an_error_of_port_and_server_that_heals(hand: Hand) -> None:
    port, server = running(hand)
    address = hand.claim(port).address
    hand.report(said(hand.wanted(address), QUARANTINED, "the card took the write and does not show it"))
    broken = hand.server(server)
    assert (broken.status, hand.stored(port).status) == (ServerStatus.ERROR, PortStatus.ERROR)
    assert broken.fault is not None
    assert str(address) in broken.fault.details
    assert str(address) not in broken.fault.message
    assert "the card took the write and does not show it" in broken.fault.message
    hand.run()
    assert (hand.server(server).status, hand.stored(port).status) == (ServerStatus.ACTIVE, PortStatus.ACTIVE)
    assert (hand.server(server).fault, hand.stored(port).fault) == (None, None)


def test_a_quarantine_before_the_guest_ran_says_why_on_the_port(hand: Hand) -> None:
    port = hand.port(hand.network())
    server = hand.create(port)
    hand.report(said(hand.wanted(hand.claim(port).address), QUARANTINED, ""))
    shown = hand.stored(port)
    assert shown.status is PortStatus.ERROR
    assert shown.fault is not None
    assert shown.fault.message == "its host does not say why"
    assert hand.server(server).status is ServerStatus.BUILD
    hand.run()


def test_a_guest_that_lost_its_function_to_a_restart_is_not_active_meanwhile(hand: Hand) -> None:
    port, _ = running(hand)
    wanted = hand.wanted(hand.claim(port).address)
    hand.report(said(wanted, FunctionOutcome.PROGRAMMED, link_state=LinkState.DISABLE))
    assert (hand.device_of(port).state, hand.stored(port).status) == (VfState.PROGRAMMED, PortStatus.BUILD)
    hand.run()
    assert hand.stored(port).status is PortStatus.ACTIVE


@pytest.mark.parametrize("outcome", [DEGRADED, QUARANTINED, FunctionOutcome.IN_USE])
def test_a_late_word_on_an_older_generation_changes_nothing(outcome: FunctionOutcome, hand: Hand) -> None:
    port, server = running(hand)
    late = said(hand.wanted(hand.claim(port).address), outcome, "late", vlan=Vlan(7))
    hand.delete(server)
    before, device = hand.stored(port), hand.device_of(port)
    hand.report(late)
    assert (hand.stored(port), hand.device_of(port)) == (before, device)
    hand.clean()
    assert hand.is_gone(server)


def test_a_function_that_is_on_its_way_back_troubles_its_port_no_more(hand: Hand) -> None:
    port, server = running(hand)
    hand.delete(server)
    device = hand.device_of(port)
    hand.report(FunctionReport(device.address, device.generation, QUARANTINED, reason="it does not read back"))
    assert hand.device_of(port).state is VfState.QUARANTINED
    assert hand.stored(port).fault is None
    hand.clean()
    assert hand.is_gone(server)
    assert hand.stored(port).status is PortStatus.DOWN


def test_the_servers_fault_tells_its_owner_the_hosts_reason_without_the_hosts_names(hand: Hand) -> None:
    _, server = running(hand)
    reason = "image 9a1b2c3d-0000-4000-8000-000000000000 is not in /var/lib/mooring/images of h1"
    hand.report(servers=[ServerReport(server.id, server.generation, ServerOutcome.FAILED, reason)])
    fault = hand.server(server).fault
    assert fault is not None
    assert fault.message == (
        "The host could not bring the server to the desired state: image (hidden) is not in (hidden) of (hidden)"
    )
    assert fault.details == reason
    hand.run()


def test_the_auditor_finds_a_port_that_is_active_over_a_function_that_is_not_as_wanted(hand: Hand) -> None:
    port, _ = running(hand)
    device = hand.device_of(port)
    hand.write(lambda tx: DEVICES.update(tx, replace(device, reason="spoof_check is off, wanted on")))
    (finding,) = hand.findings()
    assert finding.startswith(f"I10: port {port.id} is ACTIVE")
    hand.run()
