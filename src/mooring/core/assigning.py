"""Exactly which functions of one host each request gets.

Exact, not greedy: an assignment is found whenever one exists. What makes it hard is small and is searched through: a
PF goes whole or by its VFs, and the minimum rates on one PF's link add up. For each way to decide these
(``core/ways.py``) the rest is a matching (``core/matching.py``). Most servers need no search: the matching that ignores
both already respects them.

The bound: ``STEPS_MAX`` steps, of which a matching is ``MATCHING_STEPS``. That covers every choice among 9 different
PFs that could go either way, and of 3 different minimum rates among 9 links. A host that has more is told to have been
given up on, and not to be full.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mooring.core.fitting import fits
from mooring.core.matching import Matching, Shortfall, Want
from mooring.core.numa import GuestNodes
from mooring.core.pools import Pool
from mooring.core.ways import Budget, speeds_mbps, ways
from mooring.core.weighing import offers
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import PciRequest, Spread

MATCHING_STEPS = 16
"""What a matching counts for, beside a step of the search itself."""
STEPS_MAX = 16_384
"""For one host: about a thousand matchings, a few tenths of a second."""

Shares = Mapping[str, tuple[tuple[int, int], ...]]
"""Request id to (the number of a pool, how many functions of it)."""


@dataclass(frozen=True, slots=True)
class Unassigned:
    """Why no assignment exists."""

    shortfalls: tuple[Shortfall, ...] = ()
    """Fewer functions than requests (Hall's condition fails). Empty: there are enough, one by one."""
    is_given_up: bool = False
    """There may be an assignment: nobody looked further than the budget of steps."""


@dataclass(frozen=True, slots=True)
class Search:
    """The pools of one host, and what a server asks of them."""

    requests: Sequence[PciRequest]
    pools: Sequence[Pool]
    nodes: GuestNodes = field(default_factory=GuestNodes)
    spread: Spread = Spread.PF
    budget: Budget = field(default_factory=lambda: Budget(STEPS_MAX))

    def assign(self) -> Shares | Unassigned:
        """How many functions of which pools each request gets, or why not. The order of requests does not matter."""
        ordered = sorted(self.requests, key=lambda request: request.id)
        wants = [Want(request.id, request.count, self._usable(request)) for request in ordered]
        matching = self._match(wants)
        if matching.missing:
            return Unassigned(matching.shortfalls())
        if self._is_allowed(ordered, matching):
            return _shares(matching)
        for way in ways(ordered, wants, self.pools, self.budget):
            if not self.budget.take(MATCHING_STEPS):
                break
            matching = self._match(way)
            if not matching.missing:
                return _shares(matching)
        return Unassigned(is_given_up=self.budget.is_spent)

    def _usable(self, request: PciRequest) -> frozenset[int]:
        return frozenset(n for n, pool in enumerate(self.pools) if pool.free and fits(request, pool, self.nodes))

    def _match(self, wants: Sequence[Want]) -> Matching:
        matching = Matching(wants)
        usable = frozenset[int]().union(*(want.pools for want in wants))
        matching.take(offers(usable, self.pools, self.nodes, self.spread, matching.missing))
        return matching

    def _is_allowed(self, requests: Sequence[PciRequest], matching: Matching) -> bool:
        """Whether no PF goes both ways, and no link is promised more than it carries."""
        whole: set[PciAddress | None] = set()
        divided: set[PciAddress | None] = {None}
        promised: Counter[PciAddress | None] = Counter()
        for request, held in zip(requests, matching.held, strict=True):
            for number, count in held.items():
                pool = self.pools[number]
                (whole if pool.kind is FunctionKind.PF else divided).add(pool.pf)
                promised[pool.pf] += request.min_rate_mbps * count
        if not whole.isdisjoint(divided):
            return False
        speeds = speeds_mbps(self.pools)
        return all(pf is not None and rate <= speeds[pf] for pf, rate in promised.items() if rate)


def _shares(matching: Matching) -> Shares:
    shares: dict[str, Counter[int]] = {}
    for want, held in zip(matching.wants, matching.held, strict=True):
        shares.setdefault(want.request_id, Counter()).update(held)
    return {name: tuple(sorted(held.items())) for name, held in sorted(shares.items())}


def addresses(shares: Shares, pools: Sequence[Pool]) -> dict[str, tuple[PciAddress, ...]]:
    """The functions themselves: of each pool the lowest first, to the requests by their ids."""
    given: Counter[int] = Counter()
    found = {}
    for name, parts in shares.items():
        mine: list[PciAddress] = []
        for number, count in parts:
            mine += pools[number].free[given[number] : given[number] + count]
            given[number] += count
        found[name] = tuple(sorted(mine))
    return found
