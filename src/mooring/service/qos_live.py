"""Changes of rates under running servers: their claims follow, and their hosts' streams wake at once."""

from collections.abc import Iterable

from mooring.errors import Conflict
from mooring.model.identity import Caller
from mooring.model.port import Port
from mooring.model.request import Claim
from mooring.service.claims import retune
from mooring.store import claims, qos
from mooring.store import stock as rows
from mooring.store.claims import CLAIMS
from mooring.store.devices import DEVICES
from mooring.store.ports import PORTS
from mooring.store.tx import Event, Tx


def policy_retuned(tx: Tx, who: Caller, policy_id: str) -> int:
    """A policy's rules changed: every VF of a port that goes by it follows. Returns how many did.

    Raises Conflict when a minimum was raised beyond what the link of one of the VFs has left.
    """
    return _retuned(tx, who, qos.ports_by(tx, policy_id))


def network_retuned(tx: Tx, who: Caller, network_id: str) -> int:
    """A network got another policy: call it after its row was written. Otherwise as ``policy_retuned``."""
    return _retuned(tx, who, qos.ports_by_network(tx, network_id))


def port_retuned(tx: Tx, held: Claim | None, after: Port) -> str | None:
    """The host whose VF follows a change of its port, or nothing; call it after the port's row was written.

    It covers all of a port that is live: its policy too. Raises Conflict as ``policy_retuned``.
    """
    if held is None or not retune(tx, held, after):
        return None
    _check_links(tx, [held])
    return held.host


def _retuned(tx: Tx, who: Caller, port_ids: Iterable[str]) -> int:
    followed = []
    for port_id in port_ids:
        held, port = claims.of_port(tx, port_id), PORTS.get(tx, port_id)
        if held is not None and port is not None and retune(tx, held, port):
            followed.append(held)
            detail = {"changes": ["qos"], "host": held.host}
            tx.tell(Event("port.retuned", port.id, port.project_id, held.host, who.user_id, who.request_id, detail))
    _check_links(tx, followed)
    return len(followed)


def _check_links(tx: Tx, before: Iterable[Claim]) -> None:
    """Raise Conflict where a raised minimum is more than what its PF's link has left of the others' minimums."""
    for old in before:
        new, device = CLAIMS.get(tx, old.device_id), DEVICES.get(tx, old.device_id)
        if new is None or device is None or device.pf is None:
            continue
        was, wanted = (claim.desired.rate.min_mbps if claim.desired.rate else 0 for claim in (old, new))
        if wanted <= was:
            continue
        pf = DEVICES.first(tx, host=device.host, address=str(device.pf))
        speed_mbps = (pf and pf.link_speed_mbps) or device.link_speed_mbps or 0
        promised_mbps = rows.promised_mbps(tx, device.host).get(device.host, {}).get(device.pf, 0)
        if promised_mbps > speed_mbps:
            raise Conflict(
                f"port {old.port_id} cannot be promised {wanted} Mbit/s: the link of its function has {speed_mbps} "
                f"Mbit/s, and {promised_mbps - wanted} of it are promised to others.",
                code="QosPlacementAllocationConflict",
            )
