"""What an agent read back: the only way for a port or a server to become ACTIVE, or for a function to become free."""

import logging
from dataclasses import replace
from datetime import timedelta

from mooring.core.reconcile import differing, residue
from mooring.errors import Conflict, Stale
from mooring.model.desired import FunctionOutcome, FunctionReport, Report
from mooring.model.host import Host
from mooring.model.identity import Caller
from mooring.model.outside import ControllerStep
from mooring.model.pci import FunctionKind
from mooring.model.request import Claim, Device
from mooring.model.vf import VfField, VfSettings, VfState
from mooring.service.claimants import claimant
from mooring.service.claims import change_state, end_release
from mooring.service.dhcp_reports import take_dhcp
from mooring.service.interfaces import finish_detach
from mooring.service.port_faults import follow
from mooring.service.returning import renew_vfs
from mooring.service.server_reports import lose_function, take_server
from mooring.service.world import World
from mooring.store import devices
from mooring.store.claims import CLAIMS
from mooring.store.devices import DEVICES
from mooring.store.servers import SERVERS
from mooring.store.tx import Event, Tx

_log = logging.getLogger(__name__)

_NO_NEWS = timedelta(seconds=10)
_SERVING = {FunctionOutcome.PROGRAMMED: VfState.PROGRAMMED, FunctionOutcome.IN_USE: VfState.IN_USE}


def take_report(tx: Tx, world: World, host: Host, report: Report) -> None:
    """Believe a report of this host's current epoch, function by function, server by server.

    Raises Stale for an older epoch: another agent of the host has taken over. What a report says of an older
    generation is passed over; what it does not mention is not changed.
    """
    tx.reach(ControllerStep.REPORT_RECEIVED)
    if report.epoch != host.epoch:
        raise Stale(f"epoch {report.epoch} of host {host.name} is over; it is in epoch {host.epoch}")
    agent = Caller(f"host:{host.name}", host.name, None, None, frozenset({"admin"}))
    for said in report.functions:
        device = devices.at(tx, host.name, said.address)
        if device is None or said.generation != device.generation:
            continue
        try:
            _take_function(tx, world, agent, device, said)
        except Conflict as out_of_turn:
            # One function whose life took another turn must not keep the host's other answers from being heard.
            _log.warning(
                "report-passed-over host=%s address=%s reason=%r", host.name, said.address, out_of_turn.message
            )
        tx.reach(ControllerStep.FUNCTION_REPORTED)
    for told in report.servers:
        server = SERVERS.get(tx, told.id)
        # A host speaks for its own servers only, whatever ids it names.
        if server is not None and server.host == host.name and told.generation == server.generation:
            take_server(tx, world, agent, server, told)
            tx.reach(ControllerStep.SERVER_REPORTED)
    for heard in report.dhcp:
        take_dhcp(tx, agent, host, heard)


def _take_function(tx: Tx, world: World, agent: Caller, device: Device, said: FunctionReport) -> None:
    held = CLAIMS.get(tx, device.id)
    if said.outcome is FunctionOutcome.QUARANTINED:
        _quarantine(tx, agent, device, held, said)
    elif said.outcome is FunctionOutcome.BASELINE_VERIFIED:
        if held is None or held.is_releasing:
            _free(tx, world, agent, _observed(tx, device, said), held)
    elif held is not None and not held.is_releasing:
        _take_serving(tx, agent, device, held, said)


def _take_serving(tx: Tx, agent: Caller, device: Device, held: Claim, said: FunctionReport) -> None:
    wrong = _contradiction(held, said)
    if said.outcome is FunctionOutcome.DEGRADED:
        _degrade(tx, agent, _seen(tx, device, said), held, said)
    elif not wrong:
        _advance(tx, agent, _observed(tx, device, said), held, _SERVING[said.outcome])
    elif device.verified_at is not None and said.outcome is FunctionOutcome.IN_USE:
        _degrade(tx, agent, _seen(tx, device, said), held, replace(said, reason=wrong))
    else:
        # It answers what was wanted before the port changed; the answer to what is wanted now is on its way.
        _seen(tx, device, said)


def _contradiction(held: Claim, said: FunctionReport) -> str:
    """How what was read back differs from what is wanted, whatever the host makes of it; empty: in nothing."""
    if said.observed is None:
        return ""
    fields = differing(held.desired, said.observed)
    if said.outcome is FunctionOutcome.PROGRAMMED:
        # Its link stays down until its guest has it.
        fields = tuple(field for field in fields if field is not VfField.LINK_STATE)
    wanted = VfSettings(**{field.value: getattr(held.desired, field.value) for field in fields})
    return "; ".join(residue(wanted, said.observed))


def _seen(tx: Tx, device: Device, said: FunctionReport) -> Device:
    """What was read back, and was not what should be: no proof of anything."""
    if device.observed == said.observed:
        return device
    return DEVICES.update(tx, replace(device, observed=said.observed))


def _observed(tx: Tx, device: Device, said: FunctionReport) -> Device:
    """What was read back, and when. The same again within seconds is no news, and costs no write."""
    is_fresh = device.verified_at is not None and tx.now - device.verified_at < _NO_NEWS
    if is_fresh and device.observed == said.observed:
        return device
    return DEVICES.update(tx, replace(device, observed=said.observed, verified_at=tx.now))


def _quarantine(tx: Tx, agent: Caller, device: Device, held: Claim | None, said: FunctionReport) -> None:
    reason = said.reason or "its host does not say why"
    if device.state is VfState.QUARANTINED and device.reason == reason:
        return
    was_in_use = device.state is VfState.IN_USE
    if said.observed is not None:
        device = DEVICES.update(tx, replace(device, observed=said.observed))
    device = change_state(tx, device, VfState.QUARANTINED, reason=reason)
    _tell(tx, agent, "device.quarantined", device, {"reason": reason})
    if held is not None and not held.is_releasing:
        follow(tx, agent.user_id, device, held)
        # A port says of itself what is the matter; of anything else only its server can.
        if was_in_use or held.port_id is None:
            lose_function(tx, agent, device, held)


def _free(tx: Tx, world: World, agent: Caller, device: Device, held: Claim | None) -> None:
    if device.state is VfState.AVAILABLE:
        return
    if held is not None and device.state is VfState.QUARANTINED:
        device = change_state(tx, device, VfState.RELEASING)
    end_release(tx, device, held)
    _tell(tx, agent, "device.baseline-verified", device, {"generation": device.generation})
    if device.kind is FunctionKind.PF:
        renew_vfs(tx, device)
    if held is not None:
        finish_detach(tx, world, agent, held)


def _degrade(tx: Tx, agent: Caller, device: Device, held: Claim, said: FunctionReport) -> None:
    """The guest has it, and not as wanted: it stays the guest's, and its port says what is the matter."""
    reason = said.reason or "it is not as wanted"
    is_news = device.state is not VfState.IN_USE or device.reason != reason
    if device.state is VfState.QUARANTINED:
        device = change_state(tx, device, VfState.CLAIMED)
    if device.state is not VfState.IN_USE:
        device = change_state(tx, device, VfState.IN_USE, reason=reason)
    elif is_news:
        device = DEVICES.update(tx, replace(device, reason=reason, updated_at=tx.now))
    if is_news:
        facts = {"wanted": held.desired, "seen": said.observed, "reason": reason, "is_refused": said.is_refused}
        _tell(tx, agent, "device.degraded", device, {**claimant(held), **facts})
    follow(tx, agent.user_id, device, held, is_refused=said.is_refused)


def _advance(tx: Tx, agent: Caller, device: Device, held: Claim, new: VfState) -> None:
    if device.state is VfState.QUARANTINED:
        device = change_state(tx, device, VfState.CLAIMED)
    if device.state is not new:
        device = change_state(tx, device, new)
        _tell(tx, agent, f"device.{new}", device, {**claimant(held), "generation": device.generation})
    elif device.reason:
        was = device.reason
        device = DEVICES.update(tx, replace(device, reason="", updated_at=tx.now))
        _tell(tx, agent, "device.restored", device, {**claimant(held), "was": was})
    else:
        return
    follow(tx, agent.user_id, device, held)


def _tell(tx: Tx, agent: Caller, kind: str, device: Device, detail: dict[str, object]) -> None:
    """Not a wake-up of the host: it is the host that said so."""
    tx.tell(
        Event(
            kind, device.id, actor=agent.user_id, detail={"host": device.host, "address": str(device.address), **detail}
        )
    )
