"""A clock that stands until a test moves it, and ids that come out the same each time."""

import random
import uuid
from datetime import UTC, datetime, timedelta

_START = datetime(2026, 1, 1, 12, tzinfo=UTC)


class SteppedClock:
    """Time passes by ``advance`` alone, the time of day and the monotonic seconds together."""

    def __init__(self, start: datetime = _START):
        self._start = start
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        self._elapsed_s += seconds


class SeededIds:
    """Ids of the right forms from a seeded generator: the same run gives the same ones."""

    def __init__(self, seed: int = 0):
        self._random = random.Random(seed)  # noqa: S311 - for tests, which want them repeatable

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def hex_id(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def secret(self) -> str:
        return f"{self._random.getrandbits(256):064x}"

    def mac(self) -> str:
        return "fa:16:3e:" + self._random.randbytes(3).hex(":")
