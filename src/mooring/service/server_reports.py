"""What an agent said of a server: the only way for one to become ACTIVE, and to be gone from its host."""

from dataclasses import replace

from mooring.core.explain import FAULT_DETAILS_CHARS_MAX, FAULT_MESSAGE_CHARS_MAX
from mooring.model.desired import ServerOutcome, ServerReport
from mooring.model.identity import Caller
from mooring.model.port import Port, PortStatus
from mooring.model.request import Claim, Device
from mooring.model.server import Fault, Server, ServerStatus
from mooring.model.vf import VfState
from mooring.service.claimants import claimants_name
from mooring.service.port_faults import owners_words, show, words_of
from mooring.service.server_ports import ports_of
from mooring.service.servers import finish_delete
from mooring.service.world import World
from mooring.store import claims
from mooring.store.devices import DEVICES
from mooring.store.servers import SERVERS
from mooring.store.tx import Event, Tx

_COULD_NOT = "The host could not bring the server to the desired state"


def take_server(tx: Tx, world: World, agent: Caller, server: Server, told: ServerReport) -> None:
    """Believe what the server's own host said of its current generation."""
    if told.outcome is ServerOutcome.RUNNING and server.status is not ServerStatus.DELETING:
        _run(tx, agent, server)
    elif told.outcome is ServerOutcome.FAILED:
        fail(tx, agent, server, told.reason)
    elif told.outcome is ServerOutcome.ABSENT and server.status is ServerStatus.DELETING:
        _finish_if_clean(tx, world, agent, server)


def _run(tx: Tx, agent: Caller, server: Server) -> None:
    """ACTIVE, once every function of the server was read back in the guest's hands.

    One that works for the guest, and not as wanted, is its port's trouble and not the server's.
    """
    held = [claim for claim in claims.of_server(tx, server.id) if not claim.is_releasing]
    devices = [(claim, DEVICES.get(tx, claim.device_id)) for claim in held]
    of_port = {claim.port_id: device for claim, device in devices}
    for port in ports_of(tx, [server.id]).get(server.id, []):
        if port.id not in of_port or _is_as_wanted(of_port[port.id]):
            show(tx, agent.user_id, port, PortStatus.ACTIVE if port.admin_state_up else PortStatus.DOWN)
    if server.status is ServerStatus.ACTIVE:
        return
    gone = [
        _loss(claim, device)
        for claim, device in devices
        if device is not None and device.state is VfState.REMOVED_PENDING
    ]
    if gone:
        fail(tx, agent, server, "; ".join(gone))
    elif all(device is not None and device.state is VfState.IN_USE for _, device in devices):
        _activate(tx, agent, server)


def _is_as_wanted(device: Device | None) -> bool:
    """Read back since its settings changed last, and nothing is wrong with it."""
    return (
        device is not None
        and device.state is VfState.IN_USE
        and device.verified_at is not None
        and not device.reason
    )  # fmt: skip


def _activate(tx: Tx, agent: Caller, server: Server) -> None:
    launched_at = server.launched_at or tx.now
    SERVERS.update(
        tx, replace(server, status=ServerStatus.ACTIVE, launched_at=launched_at, fault=None, updated_at=tx.now)
    )
    _tell(tx, agent, "server.active", server, {})


def fail(tx: Tx, agent: Caller, server: Server, reason: str) -> None:
    """A host that cannot is a server in ERROR with the reason; a delete that cannot goes on trying."""
    if server.fault is not None and server.fault.details == reason:
        return
    status = server.status if server.status is ServerStatus.DELETING else ServerStatus.ERROR
    SERVERS.update(tx, replace(server, status=status, fault=_fault(tx, server, reason), updated_at=tx.now))
    _tell(tx, agent, "server.failed", server, {"reason": reason})


def _fault(tx: Tx, server: Server, reason: str) -> Fault:
    """With the reason in the owner's words, and the host's own for those who may see hosts."""
    ports: list[Port] = ports_of(tx, [server.id]).get(server.id, [])
    own = [*words_of(server.id, *ports), *([server.image_id] if server.image_id else [])]
    why = owners_words(tx, server.host or "", reason, own)
    message = f"{_COULD_NOT}: {why}" if why else f"{_COULD_NOT}."
    if len(message) > FAULT_MESSAGE_CHARS_MAX:
        message = f"{message[: FAULT_MESSAGE_CHARS_MAX - 1]}…"
    return Fault(message, reason[:FAULT_DETAILS_CHARS_MAX], tx.now)


def lose_function(tx: Tx, agent: Caller, device: Device, held: Claim) -> None:
    """What a running guest used is in quarantine, or gone: the server has not what it was promised."""
    server = SERVERS.get(tx, held.server_id)
    if server is not None and server.status is ServerStatus.ACTIVE:
        fail(tx, agent, server, _loss(held, device))


def _loss(held: Claim, device: Device) -> str:
    what = "quarantined" if device.state is VfState.QUARANTINED else "gone"
    return f"{held.address} of {claimants_name(held)} is {what}: {device.reason}"


def _finish_if_clean(tx: Tx, world: World, agent: Caller, server: Server) -> None:
    """The domain is gone; the server is, once none of its functions is waited for."""
    if not claims.of_server(tx, server.id):
        finish_delete(tx, world, agent, server)


def _tell(tx: Tx, agent: Caller, kind: str, server: Server, detail: dict[str, object]) -> None:
    tx.tell(
        Event(kind, server.id, server.project_id, actor=agent.user_id, detail={"host": server.host or "", **detail})
    )
