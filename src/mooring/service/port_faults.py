"""What its function means for a port: its status, and, where the function is not as wanted, the reason."""

from collections.abc import Collection
from dataclasses import replace

from mooring.core.disclosure import for_owner
from mooring.core.explain import FAULT_DETAILS_CHARS_MAX, FAULT_MESSAGE_CHARS_MAX
from mooring.core.lifecycle import port_status
from mooring.model.port import Port, PortFault, PortStatus
from mooring.model.request import Claim, Device
from mooring.store import devices
from mooring.store.ports import PORTS
from mooring.store.tx import Event, Tx


def follow(tx: Tx, actor: str, device: Device, held: Claim, *, is_refused: bool = False) -> None:
    """Give the port of a function that somebody has the status that follows from it, and the reason if there is one.

    A port whose function is on its way back is left as it is until the host let go.
    """
    port = PORTS.get(tx, held.port_id) if held.port_id else None
    if port is None or held.is_releasing:
        return
    reason = device.reason[:FAULT_DETAILS_CHARS_MAX]
    status = port_status(device.state, is_up=port.admin_state_up, is_flawed=bool(reason), is_refused=is_refused)
    fault = PortFault(owners_words(tx, device.host, reason, words_of(held.server_id, port)), reason) if reason else None
    show(tx, actor, port, status, fault)


def show(tx: Tx, actor: str, port: Port, status: PortStatus, fault: PortFault | None = None) -> None:
    """Store a bound port's status and fault, and tell of it; the same again is no news."""
    if not port.binding.is_bound or (port.status, port.fault) == (status, fault):
        return
    revision = port.revision_number + 1
    after = replace(port, status=status, fault=fault, updated_at=tx.now, revision_number=revision)
    tx.followed.append((port, PORTS.update(tx, after)))
    detail = {"status": status.value} | ({"reason": fault.details} if fault else {})
    tx.tell(Event("port.updated", port.id, port.project_id, actor=actor, detail=detail))


def words_of(server_id: str, *ports: Port) -> list[str]:
    """What a server's owner knows anyway: the ids and the MACs."""
    return [server_id, *(word for port in ports for word in (port.id, port.mac_address, port.network_id))]


def owners_words(tx: Tx, host: str, said: str, own: Collection[str]) -> str:
    """A host's sentence as the owner may read it, no longer than a fault's message."""
    told = for_owner(said, own, {host, *devices.netdevs(tx, host)})
    return told if len(told) <= FAULT_MESSAGE_CHARS_MAX else f"{told[: FAULT_MESSAGE_CHARS_MAX - 1]}…"
