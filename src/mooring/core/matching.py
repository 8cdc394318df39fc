"""A matching of wants to pools of functions: as many as can be served at once, from the pools that come first.

Functions are offered one by one, best first, and each is kept if the wants can be rearranged to use it (augmenting
paths from the function's side). Sets of functions that can be matched together form a transversal matroid, so what
this greedy order keeps is the best of all largest sets, not just one of them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Want:
    """``count`` functions from any of the pools with these numbers, for one request."""

    request_id: str
    count: int
    pools: frozenset[int]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """These requests together need more functions than there are free ones that any of them could use."""

    request_ids: tuple[str, ...]
    need: int
    have: int


@dataclass(slots=True)
class Matching:
    """The wants, and from which pools each has how many functions so far."""

    wants: Sequence[Want]
    held: list[Counter[int]] = field(init=False)
    missing: int = field(init=False)

    def __post_init__(self) -> None:
        self.held = [Counter() for _ in self.wants]
        self.missing = sum(want.count for want in self.wants)

    def take(self, offers: Iterable[int]) -> bool:
        """Offer functions of pools, given by the pool's number, until nothing is missing; whether that came about."""
        if self.missing:
            for pool in offers:
                self.missing -= self._place(pool, set())
                if not self.missing:
                    break
        return not self.missing

    def _place(self, pool: int, visited: set[int]) -> bool:
        """Find a want for a function, moving held ones on where needed; no deeper than there are wants."""
        for number, want in enumerate(self.wants):
            if number in visited or pool not in want.pools:
                continue
            visited.add(number)
            held = self.held[number]
            if held.total() < want.count:
                held[pool] += 1
                return True
            for other in sorted(held):
                if self._place(other, visited):
                    held[other] -= 1
                    held[pool] += 1
                    self.held[number] = +held
                    return True
        return False

    def shortfalls(self) -> tuple[Shortfall, ...]:
        """Once everything was offered: each want that misses something, with those that compete with it.

        Whatever the rivals could use, one of them has: were one function left, it would have been placed. So what they
        have is all that there is for them.
        """
        found: list[Shortfall] = []
        explained: set[int] = set()
        for number, want in enumerate(self.wants):
            if self.held[number].total() < want.count and number not in explained:
                rivals = self._rivals_of(number)
                explained.update(rivals)
                ids = tuple(dict.fromkeys(self.wants[rival].request_id for rival in rivals))
                need = sum(self.wants[rival].count for rival in rivals)
                found.append(Shortfall(ids, need, sum(self.held[rival].total() for rival in rivals)))
        return tuple(found)

    def _rivals_of(self, unserved: int) -> list[int]:
        """``unserved``, those that hold what it could use, those that hold what these could use, and so on.

        Another want that misses something and could use the same pools belongs to the same shortfall.
        """
        rivals = [unserved]
        for rival in rivals:
            pools = self.wants[rival].pools
            rivals += [
                number for number in range(len(self.wants)) if number not in rivals and self._competes(number, pools)
            ]
        return sorted(rivals)

    def _competes(self, number: int, pools: frozenset[int]) -> bool:
        if self.held[number].total() < self.wants[number].count:
            return not pools.isdisjoint(self.wants[number].pools)
        return any(pool in pools for pool in self.held[number])
