"""Which of the functions that will do come first.

In this order: those near the guest; those that are not kept for trusted ports; those that spread the server as asked;
those with the least that others may want of them (features, PCI groups, a physical network); those of PFs that VFs are
in use of already, the fullest first, so that whole PFs stay free; the first pool. Nothing of a single function counts,
so that hosts whose pools are alike answer alike.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from mooring.core.numa import GuestNodes
from mooring.core.pools import Pool
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Spread

_Key = tuple[int, ...]
_Entry = tuple[_Key, _Key, int]
"""How far, what else decides, and the number of the pool."""


def offers(
    usable: Collection[int], pools: Sequence[Pool], nodes: GuestNodes, spread: Spread, count: int
) -> Iterable[int]:
    """The numbers of the usable pools, each as often as it could give a function to ``count`` that are wanted."""
    if len(usable) == 1:
        (only,) = usable
        return [only] * min(len(pools[only].free), count)
    room = _Room.of(pools)
    bases = sorted((_distance(pools[n], nodes), room.rest(pools[n], spread, count), n) for n in usable)
    ranked = _spread_over(lambda pool, number: pool.pf or number, spread is not Spread.NONE, bases, pools, count)
    if spread is Spread.NUMA:
        ranked = _spread_over(lambda pool, _: pool.numa_node, True, ranked, pools, 1)
    return [number for *_, number in ranked]


def _spread_over(
    part_of: Callable[[Pool, int], object],
    is_spread: bool,
    entries: Iterable[_Entry],
    pools: Sequence[Pool],
    count: int,
) -> list[_Entry]:
    """The entries, each up to ``count`` times, so that all first ones of a part come before any second."""
    seen: Counter[object] = Counter()
    ranked: list[_Entry] = []
    for entry in entries:
        distance, rest, number = entry
        part = (distance, part_of(pools[number], number))
        for _ in range(min(len(pools[number].free), count)):
            ranked.append((distance, (seen[part] if is_spread else 0, *rest), number))
            seen[part] += 1
    return sorted(ranked)


def _distance(pool: Pool, nodes: GuestNodes) -> _Key:
    return (nodes.nearness(pool.numa_node), int(pool.trusted))


class _Room:
    """How much each PF has left, and which could still go whole."""

    def __init__(self, free_vfs: Counter[object], whole: frozenset[PciAddress | None]):
        self._free_vfs = free_vfs
        self._whole = whole

    @classmethod
    def of(cls, pools: Sequence[Pool]) -> "_Room":
        free_vfs: Counter[object] = Counter()
        for pool in pools:
            if pool.kind is not FunctionKind.PF:
                free_vfs[pool.pf] += len(pool.free)
        whole = frozenset(pool.pf for pool in pools if pool.kind is FunctionKind.PF and pool.free)
        return cls(free_vfs, whole)

    def rest(self, pool: Pool, spread: Spread, count: int) -> _Key:
        """What decides among functions that are equally near and spread equally well."""
        wanted_by_others = (
            len(pool.features) + len(pool.groups) + (pool.physical_network is not None) + pool.shares_iommu_group
        )
        left = self._free_vfs[pool.pf]
        if pool.kind is FunctionKind.PF:
            # A PF whose VFs would go with it comes after one that has none.
            return (wanted_by_others, left)
        breaks_whole = pool.pf in self._whole
        if spread is Spread.NONE:
            return (int(left < count), wanted_by_others, int(breaks_whole), left)
        return (wanted_by_others, int(breaks_whole), left)
