"""How long to wait before another try: doubling, bounded, and never at the same moment as everybody else."""

from collections.abc import Callable


class Backoff:
    """Pauses from ``least_s``, doubling up to ``most_s``, each shortened by up to half by ``jitter`` in [0, 1)."""

    def __init__(self, least_s: float, most_s: float, jitter: Callable[[], float]):
        self._least_s = least_s
        self._most_s = most_s
        self._jitter = jitter
        self._next_s = least_s

    def next_s(self) -> float:
        pause_s = self._next_s
        self._next_s = min(2 * pause_s, self._most_s)
        return pause_s * (1 - self._jitter() / 2)

    def reset(self) -> None:
        """After a success."""
        self._next_s = self._least_s
