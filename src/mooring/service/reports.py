"""What an agent read back: the only way for a port or a server to become ACTIVE, or for a function to become free."""

import logging
from dataclasses import replace
from datetime import timedelta

from mooring.errors import Conflict, Stale
from mooring.model.desired import FunctionOutcome, FunctionReport, Report, ServerOutcome, ServerReport
from mooring.model.host import Host
from mooring.model.identity import Caller
from mooring.model.outside import ControllerStep
from mooring.model.port import Port, PortStatus
from mooring.model.request import Claim, Device
from mooring.model.server import Fault, Server, ServerStatus
from mooring.model.vf import VfState
from mooring.service.claims import change_state, end_release
from mooring.service.server_ports import ports_of
from mooring.service.servers import finish_delete, let_go
from mooring.service.world import World
from mooring.store import claims, devices
from mooring.store.claims import CLAIMS
from mooring.store.devices import DEVICES
from mooring.store.ports import PORTS
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
            _take_server(tx, world, agent, server, told)
            tx.reach(ControllerStep.SERVER_REPORTED)


def _take_function(tx: Tx, world: World, agent: Caller, device: Device, said: FunctionReport) -> None:
    held = CLAIMS.get(tx, device.id)
    if said.outcome is FunctionOutcome.QUARANTINED:
        _quarantine(tx, agent, device, said.reason)
    elif said.outcome is FunctionOutcome.BASELINE_VERIFIED:
        if held is None or held.is_releasing:
            _free(tx, world, agent, _observed(tx, device, said), held)
    elif held is not None and not held.is_releasing:
        _advance(tx, agent, _observed(tx, device, said), held, _SERVING[said.outcome])


def _observed(tx: Tx, device: Device, said: FunctionReport) -> Device:
    """What was read back, and when. The same again within seconds is no news, and costs no write."""
    is_fresh = device.verified_at is not None and tx.now - device.verified_at < _NO_NEWS
    if is_fresh and device.observed == said.observed:
        return device
    return DEVICES.update(tx, replace(device, observed=said.observed, verified_at=tx.now))


def _quarantine(tx: Tx, agent: Caller, device: Device, reason: str) -> None:
    if device.state is not VfState.QUARANTINED or device.reason != reason:
        change_state(tx, device, VfState.QUARANTINED, reason=reason)
        _tell(tx, agent, "device.quarantined", device, {"reason": reason})


def _free(tx: Tx, world: World, agent: Caller, device: Device, held: Claim | None) -> None:
    if device.state is VfState.AVAILABLE:
        return
    if held is not None and device.state is VfState.QUARANTINED:
        device = change_state(tx, device, VfState.RELEASING)
    end_release(tx, device, held)
    _tell(tx, agent, "device.baseline-verified", device, {"generation": device.generation})
    if held is not None:
        _let_go_of_detached(tx, world, agent, held)


def _let_go_of_detached(tx: Tx, world: World, agent: Caller, held: Claim) -> None:
    """The port of a function that was taken from a server which stays."""
    server = SERVERS.get(tx, held.server_id)
    port = PORTS.get(tx, held.port_id)
    if server is not None and server.status is not ServerStatus.DELETING and port is not None:
        let_go(tx, world, agent, port)


def _advance(tx: Tx, agent: Caller, device: Device, held: Claim, new: VfState) -> None:
    if device.state is VfState.QUARANTINED:
        device = change_state(tx, device, VfState.CLAIMED)
    if device.state is not new:
        device = change_state(tx, device, new)
        _tell(tx, agent, f"device.{new}", device, {"port": held.port_id, "generation": device.generation})


def _take_server(tx: Tx, world: World, agent: Caller, server: Server, told: ServerReport) -> None:
    if told.outcome is ServerOutcome.RUNNING and server.status is not ServerStatus.DELETING:
        _run(tx, agent, server)
    elif told.outcome is ServerOutcome.FAILED:
        _fail(tx, agent, server, told.reason)
    elif told.outcome is ServerOutcome.ABSENT and server.status is ServerStatus.DELETING:
        _finish_if_clean(tx, world, agent, server)


def _run(tx: Tx, agent: Caller, server: Server) -> None:
    """ACTIVE, once every function of the server was read back in the guest's hands."""
    held = {claim.port_id: claim for claim in claims.of_server(tx, server.id) if not claim.is_releasing}
    unproved = [claim for claim in held.values() if not _is_in_use(tx, claim)]
    for port in ports_of(tx, [server.id]).get(server.id, []):
        if all(claim.port_id != port.id for claim in unproved):
            _activate(tx, agent, port)
    if unproved or server.status is ServerStatus.ACTIVE:
        return
    launched_at = server.launched_at or tx.now
    SERVERS.update(
        tx, replace(server, status=ServerStatus.ACTIVE, launched_at=launched_at, fault=None, updated_at=tx.now)
    )
    _tell_server(tx, agent, "server.active", server, {})


def _is_in_use(tx: Tx, claim: Claim) -> bool:
    device = DEVICES.get(tx, claim.device_id)
    return device is not None and device.state is VfState.IN_USE


def _activate(tx: Tx, agent: Caller, port: Port) -> None:
    status = PortStatus.ACTIVE if port.admin_state_up else PortStatus.DOWN
    if port.binding.is_bound and port.status is not status:
        PORTS.update(tx, replace(port, status=status, updated_at=tx.now, revision_number=port.revision_number + 1))
        tx.tell(Event("port.updated", port.id, port.project_id, None, agent.user_id, detail={"status": status.value}))


def _fail(tx: Tx, agent: Caller, server: Server, reason: str) -> None:
    """A host that cannot is a server in ERROR with the reason; a delete that cannot goes on trying."""
    if server.fault is not None and server.fault.details == reason:
        return
    status = server.status if server.status is ServerStatus.DELETING else ServerStatus.ERROR
    fault = Fault("The host could not bring the server to the desired state.", reason, tx.now)
    SERVERS.update(tx, replace(server, status=status, fault=fault, updated_at=tx.now))
    _tell_server(tx, agent, "server.failed", server, {"reason": reason})


def _finish_if_clean(tx: Tx, world: World, agent: Caller, server: Server) -> None:
    """The domain is gone; the server is, once none of its functions is waited for."""
    if not claims.of_server(tx, server.id):
        finish_delete(tx, world, agent, server)


def _tell(tx: Tx, agent: Caller, kind: str, device: Device, detail: dict[str, object]) -> None:
    """Not a wake-up of the host: it is the host that said so."""
    tx.tell(
        Event(
            kind, device.id, actor=agent.user_id, detail={"host": device.host, "address": str(device.address), **detail}
        )
    )


def _tell_server(tx: Tx, agent: Caller, kind: str, server: Server, detail: dict[str, object]) -> None:
    tx.tell(
        Event(kind, server.id, server.project_id, actor=agent.user_id, detail={"host": server.host or "", **detail})
    )
