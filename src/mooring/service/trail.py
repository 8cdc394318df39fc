"""The trail of events, for admins and for whoever resumes a stream."""

from collections.abc import Mapping

from mooring.store.events import events_after, newest_sequence
from mooring.store.tx import Tx

EVENTS_MAX = 1000
NEWEST = -1
"""For ``since``: as late as the newest ``most`` events begin."""


def trail(tx: Tx, since: int, most: int) -> list[Mapping[str, object]]:
    """Events after number ``since``, oldest first, never more than ``EVENTS_MAX``."""
    most = min(most, EVENTS_MAX)
    return events_after(tx, max(newest_sequence(tx) - most, 0) if since == NEWEST else since, most)
