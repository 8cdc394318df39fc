"""Which hosts are alive, by the controller's own monotonic clock.

Heartbeats stay in memory and cost no commit; an agent's wall clock has no say. After a start of the controller every
host is UNKNOWN for a grace period, not DEAD: nothing is placed on it, and nothing is called lost.
"""

from mooring.model.host import Liveness
from mooring.model.outside import Clock


class Heartbeats:
    """When each host was last heard. Written by the event loop, read by the writer thread: single dict operations."""

    def __init__(self, clock: Clock, down_after_s: float):
        self._clock = clock
        self._down_after_s = down_after_s
        self._started_s = clock.monotonic_s()
        self._heard_s: dict[str, float] = {}

    def hear(self, host: str) -> None:
        self._heard_s[host] = self._clock.monotonic_s()

    def forget(self, host: str) -> None:
        self._heard_s.pop(host, None)

    def of(self, host: str) -> Liveness:
        now_s = self._clock.monotonic_s()
        heard_s = self._heard_s.get(host)
        if heard_s is not None and now_s - heard_s < self._down_after_s:
            return Liveness.ALIVE
        if heard_s is None and now_s - self._started_s < self._down_after_s:
            return Liveness.UNKNOWN
        return Liveness.DEAD
