"""The ways to decide what a matching cannot: which PFs go whole, and on whose links minimum rates are laid.

Both are searched through, within a budget of steps. PFs that are equal in everything but their addresses are one
choice of how many, and units that are equal are laid in one order only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mooring.core.matching import Want
from mooring.core.pools import Pool
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import PciRequest

Unit = tuple[int, tuple[PciAddress, ...], frozenset[int]]
"""One function's minimum rate in Mb/s, the PFs whose VFs would do, and the pools that would: of two units that could go
to the same PFs one may want other functions there, and then they are not equal."""


@dataclass(slots=True)
class Budget:
    """How many steps a search may still take."""

    left: int

    def take(self, steps: int = 1) -> bool:
        """Whether there are so many left, and they are not any more."""
        self.left -= steps
        return self.left >= 0

    @property
    def is_spent(self) -> bool:
        return self.left < 0


def ways(
    requests: Sequence[PciRequest], wants: Sequence[Want], pools: Sequence[Pool], budget: Budget
) -> Iterator[Sequence[Want]]:
    """What the wants, one for each request, may use in each way; ends early when the budget is spent."""
    for way in _whole_ways(wants, pools, budget):
        yield from _rate_ways(requests, way, pools, budget)


def _whole_ways(wants: Sequence[Want], pools: Sequence[Pool], budget: Budget) -> Iterator[Sequence[Want]]:
    """For each choice of the PFs that go whole, fewest first."""
    usable = frozenset[int]().union(*(want.pools for want in wants))
    wholes = frozenset(n for n in usable if pools[n].kind is FunctionKind.PF)
    contested = _contested(usable, wholes, pools)
    alike: dict[object, list[PciAddress]] = {}
    for pf, numbers in sorted(contested.items()):
        alike.setdefault(_look(numbers, pools), []).append(pf)
    most = sum(want.count for want in wants if not want.pools.isdisjoint(wholes))
    for size in range(min(len(contested), most) + 1):
        for counts in _counts([len(pfs) for pfs in alike.values()], size):
            if not budget.take():
                return
            chosen = {pf for pfs, count in zip(alike.values(), counts, strict=True) for pf in pfs[:count]}
            barred = frozenset(n for pf, ns in contested.items() for n in ns if (n in wholes) is not (pf in chosen))
            yield [replace(want, pools=want.pools - barred) for want in wants]


def _contested(
    usable: frozenset[int], wholes: frozenset[int], pools: Sequence[Pool]
) -> Mapping[PciAddress, Sequence[int]]:
    """The PFs that are wanted whole, and by their VFs, with their pools."""
    by_pf: dict[PciAddress, list[int]] = {}
    for number in sorted(usable):
        if (pf := pools[number].pf) is not None:
            by_pf.setdefault(pf, []).append(number)
    return {pf: numbers for pf, numbers in by_pf.items() if len({number in wholes for number in numbers}) > 1}


def _look(numbers: Sequence[int], pools: Sequence[Pool]) -> object:
    """All about some pools of one PF but which it is."""
    return tuple((replace(pools[n], pf=None, free=(), held=()), len(pools[n].free)) for n in numbers)


def _counts(most: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    """The ways to take ``size`` things of several sorts, of which there are so many; no deeper than there are sorts."""
    if not most:
        yield ()
        return
    first, *rest = most
    for count in range(max(0, size - sum(rest)), min(first, size) + 1):
        for others in _counts(rest, size - count):
            yield (count, *others)


def _rate_ways(
    requests: Sequence[PciRequest], wants: Sequence[Want], pools: Sequence[Pool], budget: Budget
) -> Iterator[Sequence[Want]]:
    """For each way to lay the functions with a minimum rate on links that carry them."""
    rated = [
        (request.min_rate_mbps, number)
        for number, request in enumerate(requests)
        for _ in range(request.count * bool(request.min_rate_mbps))
    ]
    if not rated:
        yield wants
        return
    rated.sort(reverse=True)
    plain = [want for want, request in zip(wants, requests, strict=True) if not request.min_rate_mbps]
    units = [(rate, _pfs_of(wants[number], pools), wants[number].pools) for rate, number in rated]
    for pfs in _layings(units, speeds_mbps(pools), budget):
        yield [*plain, *(_on_pf(wants[number], pf, pools) for (_, number), pf in zip(rated, pfs, strict=True))]


def _layings(units: Sequence[Unit], room: Mapping[PciAddress, int], budget: Budget) -> Iterator[tuple[PciAddress, ...]]:
    """The ways to lay units, the highest rate first, on links with this much room; no deeper than there are units.

    Of units that are equal the later never goes to an earlier PF: that would be a way that was seen.
    """
    if not units:
        yield ()
        return
    if sum(rate for rate, *_ in units) > sum(room.values()):
        return
    (rate, pfs, usable), *rest = units
    for number, pf in enumerate(pfs):
        if room[pf] >= rate:
            if not budget.take():
                return
            later = [(rate, pfs[number:], usable) if unit == units[0] else unit for unit in rest]
            for others in _layings(later, {**room, pf: room[pf] - rate}, budget):
                yield (pf, *others)


def _pfs_of(want: Want, pools: Sequence[Pool]) -> tuple[PciAddress, ...]:
    return tuple(sorted({pf for n in want.pools if (pf := pools[n].pf) is not None}))


def _on_pf(want: Want, pf: PciAddress, pools: Sequence[Pool]) -> Want:
    return Want(want.request_id, 1, frozenset(n for n in want.pools if pools[n].pf == pf))


def speeds_mbps(pools: Sequence[Pool]) -> Mapping[PciAddress, int]:
    """What the link of each PF carries."""
    return {pool.pf: pool.link_speed_mbps or 0 for pool in pools if pool.pf is not None}
