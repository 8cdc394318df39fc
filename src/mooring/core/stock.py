"""All hosts of the cloud, indexed for placing: the best host for a server is found without looking at the others.

For each kind of function, physical network and trust, in each availability zone and over all, the hosts stand by how
many they have free. A server with SR-IOV ports walks up from the number that it needs, so that it gets the fullest host
that will do and large requests still find one; it costs as much among ten thousand hosts as among ten. Servers
without stand in a list of their own: hosts that have functions come last, the emptiest of the others first.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import count, product

from mooring.core.placing import Clerk, Company, HostView, LivenessOf, Wish
from mooring.model.pci import FunctionKind
from mooring.model.request import PciRequest, Placement
from mooring.model.server import GroupPolicy

_Key = tuple[str | None, FunctionKind, str | None, bool | None]
"""Availability zone or ``None`` for all, kind, physical network or ``None`` for all, trust or ``None`` for any."""
_PlainKey = tuple[bool, int, str]
_SHAPES_MAX = 65_536


@dataclass(slots=True)
class _ByFree:
    """Host names by how many free functions they have; both orders are kept sorted."""

    counts: list[int] = field(default_factory=list)
    names: dict[int, list[str]] = field(default_factory=dict)
    hosts: int = 0

    def add(self, free: int, name: str) -> None:
        if free not in self.names:
            insort(self.counts, free)
            self.names[free] = []
        insort(self.names[free], name)
        self.hosts += 1

    def remove(self, free: int, name: str) -> None:
        names = self.names[free]
        del names[bisect_left(names, name)]
        self.hosts -= 1
        if not names:
            del self.names[free]
            del self.counts[bisect_left(self.counts, free)]

    def walk(self, need: int) -> Iterator[tuple[int, str]]:
        """(how many, host) of those that have ``need`` or more, fewest first, then by name."""
        for free in self.counts[bisect_left(self.counts, need) :]:
            for name in self.names[free]:
                yield free, name


class Stock:
    """The hosts as placing sees them. Whoever keeps it calls ``put`` and ``drop``; nothing here reads a clock or a row.

    The answer to a wish depends on what was put, and not on the order in which it was.
    """

    def __init__(self) -> None:
        self._hosts: dict[str, HostView] = {}
        self._by_free: dict[_Key, _ByFree] = {}
        self._plain: list[_PlainKey] = []
        self._plain_of_zone: dict[str, list[_PlainKey]] = {}
        self._shapes: dict[object, int] = {}
        self._numbers = count(1)

    def __len__(self) -> int:
        return len(self._hosts)

    def get(self, name: str) -> HostView | None:
        return self._hosts.get(name)

    def hosts(self) -> tuple[HostView, ...]:
        """All, by name; what was given out stays as it was."""
        return tuple(self._hosts[name] for name in sorted(self._hosts))

    def put(self, host: HostView) -> None:
        """A host that is new, or that changed."""
        self.drop(host.name)
        host = replace(host, shape=self._shape_of(host))
        self._hosts[host.name] = host
        for key, free in _free_of(host).items():
            self._by_free.setdefault(key, _ByFree()).add(free, host.name)
        insort(self._plain, _plain_key(host))
        insort(self._plain_of_zone.setdefault(host.availability_zone, []), _plain_key(host))

    def drop(self, name: str) -> None:
        """A host that is no more, or nothing."""
        host = self._hosts.pop(name, None)
        if host is None:
            return
        for key, free in _free_of(host).items():
            self._by_free[key].remove(free, name)
        for plain in (self._plain, self._plain_of_zone[host.availability_zone]):
            del plain[bisect_left(plain, _plain_key(host))]

    def candidates(self, wish: Wish, liveness_of: LivenessOf) -> Iterator[Placement]:
        """The hosts that would do, best first, each worked out as it is asked for."""
        clerk = Clerk(wish, liveness_of)
        for name in self._order(wish):
            placement = clerk.would_do(self._hosts[name])
            if placement is not None:
                yield placement

    def _order(self, wish: Wish) -> Iterator[str]:
        """The hosts that may do, best first, once each."""
        if wish.forced_host is not None:
            names = [wish.forced_host] if wish.forced_host in self._hosts else []
            return iter(names)
        if wish.beside is not None:
            return iter(sorted(wish.beside & self._hosts.keys()))
        if wish.company is not None:
            return self._in_company(wish, wish.company)
        return self._ranked(wish)

    def _in_company(self, wish: Wish, company: Company) -> Iterator[str]:
        """Affinity asks the hosts of its members only, if it has any; the soft policies ask these first, or last."""
        mine = {name for name, members in company.members.items() if members and name in self._hosts}
        alone = replace(wish, company=None)
        if company.policy is GroupPolicy.AFFINITY and any(company.members.values()):
            yield from sorted(mine)
        elif company.policy is GroupPolicy.SOFT_AFFINITY:
            yield from sorted(mine, key=lambda name: (-company.members[name], name))
            yield from (name for name in self._ranked(alone) if name not in mine)
        elif company.policy is GroupPolicy.SOFT_ANTI_AFFINITY:
            yield from (name for name in self._ranked(alone) if name not in mine)
            yield from sorted(mine, key=lambda name: (company.members[name], name))
        else:
            yield from self._ranked(alone)

    def _ranked(self, wish: Wish) -> Iterator[str]:
        zone = wish.availability_zone
        if not wish.requests:
            plain = self._plain if zone is None else self._plain_of_zone.get(zone, [])
            return (name for _, _, name in plain)
        found = [(need, self._tiers(zone, request)) for need, request in _alike(wish.requests)]
        need, tiers = min(found, key=lambda entry: sum(index.hosts for index in entry[1][-1]))
        return _once(name for tier in tiers for name in _walk(tier, need))

    def _tiers(self, zone: str | None, request: PciRequest) -> Sequence[Sequence[_ByFree]]:
        """The indexes to walk: where nothing is said of trust, first hosts that do without their trusted functions."""
        networks = [None] if request.physical_networks is None else sorted(request.physical_networks)
        keys = [(zone, kind, network) for kind in sorted(request.kinds) for network in networks]
        trusts = (False, None) if request.trusted is None else (request.trusted,)
        return [[index for key in keys if (index := self._by_free.get((*key, trust))) is not None] for trust in trusts]

    def _shape_of(self, host: HostView) -> int:
        shape = (
            tuple((replace(pool, free=(), held=()), len(pool.free), len(pool.held)) for pool in host.pools),
            tuple(sorted(host.cells.sockets.items())),
        )
        if shape not in self._shapes:
            if len(self._shapes) >= _SHAPES_MAX:
                self._shapes.clear()
            self._shapes[shape] = next(self._numbers)
        return self._shapes[shape]


def _alike(requests: Iterable[PciRequest]) -> Iterator[tuple[int, PciRequest]]:
    """How many functions are asked for alike, with a request that asks for them."""
    counts: Counter[object] = Counter()
    first: dict[object, PciRequest] = {}
    for request in requests:
        key = (request.kinds, request.physical_networks, request.trusted)
        counts[key] += request.count
        first.setdefault(key, request)
    return ((counts[key], request) for key, request in first.items())


def _free_of(host: HostView) -> Counter[_Key]:
    """In how many free functions a host is found under which key. One that is disabled is found under none."""
    counts: Counter[_Key] = Counter()
    for pool in host.pools if host.is_enabled else ():
        if pool.free:
            networks = (None,) if pool.physical_network is None else (None, pool.physical_network)
            for zone, network, trust in product((None, host.availability_zone), networks, (None, pool.trusted)):
                counts[zone, pool.kind, network, trust] += len(pool.free)
    return counts


def _plain_key(host: HostView) -> _PlainKey:
    return bool(host.pools), -host.spare_memory_mib, host.name


def _walk(indexes: Sequence[_ByFree], need: int) -> Iterator[str]:
    """The hosts of one index that have ``need``; of several, those that have any, for they may have it together."""
    if len(indexes) == 1:
        return (name for _, name in indexes[0].walk(need))
    return (name for _, name in merge(*(index.walk(1) for index in indexes)))


def _once(names: Iterable[str]) -> Iterator[str]:
    seen = set()
    for name in names:
        if name not in seen:
            seen.add(name)
            yield name
