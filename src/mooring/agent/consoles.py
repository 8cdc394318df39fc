"""The end of a guest's console, for whoever waits for it at the controller."""

from mooring.errors import MooringError
from mooring.host.machine import Disks
from mooring.model.desired import ConsoleTail

TAIL_MAX_BYTES = 65_536


def console_tail(disks: Disks, server_id: str) -> ConsoleTail:
    """What the guest wrote last, as text whatever it was; what cannot be read is told with its reason."""
    try:
        tail = disks.console_tail(server_id, TAIL_MAX_BYTES)
    except MooringError as failed:
        return ConsoleTail(reason=failed.message)
    return ConsoleTail(tail.decode(errors="replace"))
