"""The trail of events, for admins and for whoever resumes a stream."""

from collections.abc import Mapping

from mooring.store.events import events_after
from mooring.store.tx import Tx

EVENTS_MAX = 1000


def trail(tx: Tx, since: int, most: int) -> list[Mapping[str, object]]:
    """Events after number ``since``, oldest first, never more than ``EVENTS_MAX``."""
    return events_after(tx, since, min(most, EVENTS_MAX))
