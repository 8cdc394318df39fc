"""The nearest miss: the least to do without, or to be given back by others, for some host to take a server.

A host's shortage names constraints; the first is relaxed as mildly as it can be, the host answers again, and so on.
The hosts with the fewest constraints in the way are tried first. What is named was proved: with it, the host would do.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from mooring.core.fitting import fails_only, fits
from mooring.core.numa import GuestNodes
from mooring.core.placing import Clerk, HostView, LivenessOf, Wish
from mooring.core.pools import Pool
from mooring.core.tallies import noun, place_words
from mooring.core.words import both
from mooring.model.pci import PciAddress
from mooring.model.request import Lack, NumaPolicy, PciRequest, Placement, Shortage

_HOSTS_TRIED_MAX = 32
_ALIKE_TRIED_MAX = 4
"""Of hosts that fail for the same reasons."""
_ELSEWHERE = ("on another host",)
_ROUNDS_MAX = 16
"""Each ends with an answer or relaxes something; nothing is relaxed twice."""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """With these changes ``host`` would do."""

    host: str
    changes: tuple[str, ...]
    """Each as in ``with numa policy preferred``."""
    wish: Wish
    """The wish, so changed."""
    given_back: tuple[PciAddress, ...] = ()
    """What servers of that host would have to give back first."""

    @property
    def text(self) -> str:
        """For whoever may see hosts."""
        return f"{both(self.changes)}, {self.host} would do"

    @property
    def summary(self) -> str:
        return "another host would do" if self.changes == _ELSEWHERE else f"{both(self.changes)}, a host would do"


def nearest_miss(
    wish: Wish, hosts: Mapping[str, HostView], shortages: Sequence[Shortage], liveness_of: LivenessOf
) -> NearMiss | None:
    """``None`` when nothing that can be changed would help. ``shortages`` are what the hosts answered."""
    if wish.forced_host is not None:
        free = replace(wish, forced_host=None)
        clerk = Clerk(free, liveness_of)
        other = next((name for name in sorted(hosts) if clerk.would_do(hosts[name]) is not None), None)
        if other is not None:
            return NearMiss(other, _ELSEWHERE, free)
    tried = [shortage for shortage in _worth_trying(shortages) if shortage.host in hosts]
    found = [miss for each in tried if (miss := _relaxed(wish, hosts[each.host], liveness_of)) is not None]
    return min(found, key=lambda miss: (len(miss.changes), len(miss.given_back), miss.host), default=None)


def _worth_trying(shortages: Sequence[Shortage]) -> Iterator[Shortage]:
    """Those with the fewest constraints in the way, a few of each sort."""
    alike: Counter[tuple[str, ...]] = Counter()
    number = 0
    for shortage in sorted(shortages, key=lambda shortage: (len(shortage.lacks), shortage.host)):
        sort = tuple(lack.constraint for lack in shortage.lacks)
        alike[sort] += 1
        if alike[sort] <= _ALIKE_TRIED_MAX and number < _HOSTS_TRIED_MAX:
            number += 1
            yield shortage


@dataclass(frozen=True, slots=True)
class _State:
    """A wish and a host, with what was changed of both so far."""

    wish: Wish
    host: HostView
    changes: tuple[str, ...] = ()
    given_back: tuple[PciAddress, ...] = ()

    def having(self, change: str, **wish: object) -> "_State":
        return replace(self, wish=replace(self.wish, **wish), changes=(*self.changes, change))  # type: ignore[arg-type]  # fields of Wish

    def asking(self, change: str, ids: Sequence[str], **request: object) -> "_State":
        """With these requests changed."""
        requests = tuple(
            replace(each, **request) if each.id in ids else each  # type: ignore[arg-type]  # fields of PciRequest
            for each in self.wish.requests
        )
        return self.having(change, requests=requests)


def _relaxed(wish: Wish, host: HostView, liveness_of: LivenessOf) -> NearMiss | None:
    state = _State(wish, replace(host, shape=None))
    for _ in range(_ROUNDS_MAX):
        answer = Clerk(state.wish, liveness_of).answer(state.host)
        if isinstance(answer, Placement):
            if not state.changes:
                return None  # It would do, were it not for a mechanism driver.
            return NearMiss(host.name, tuple(dict.fromkeys(state.changes)), state.wish, state.given_back)
        following = _relax(answer.lacks[0], state)
        if following is None or (following.wish, following.host) == (state.wish, state.host):
            return None
        state = following
    return None


def _relax(lack: Lack, state: _State) -> _State | None:
    """The state with that one constraint as mild as it can be; ``None``: nobody can change it."""
    if lack.constraint in _AMOUNTS:
        field, unit = _AMOUNTS[lack.constraint]
        return state.having(f"with {lack.have} {unit}", **{field: lack.have})
    if lack.constraint in _OF_SERVER:
        return _OF_SERVER[lack.constraint](state)
    if lack.constraint in _OF_REQUEST:
        return _OF_REQUEST[lack.constraint](state, lack.requests)
    return _fewer_in_use(lack, state) if lack.constraint == "devices" else None


_AMOUNTS = {"cpu": ("vcpus", "vCPUs"), "memory": ("memory_mib", "MiB of memory"), "disk": ("disk_gib", "GiB of disk")}

_OF_SERVER: Mapping[str, Callable[[_State], _State | None]] = MappingProxyType(
    {
        "zone": lambda state: state.having(
            f"in availability zone {state.host.availability_zone}", availability_zone=state.host.availability_zone
        ),
        "aggregate": lambda state: state.having("without the flavor's host properties", host_properties={}),
        "server_group": lambda state: state.having("without its server group", company=None),
        "same_host": lambda state: state.having("beside whatever servers", beside=None),
        "different_host": lambda state: state.having("beside whatever servers", apart=frozenset()),
        "numa_cells": lambda state: state.having("without NUMA cells of its own", guest_cells=0),
    }
)


def _on_other_networks(state: _State, ids: Sequence[str]) -> _State | None:
    kinds = frozenset(kind for request in state.wish.requests if request.id in ids for kind in request.kinds)
    networks = frozenset(
        pool.physical_network
        for pool in state.host.pools
        if pool.free and pool.kind in kinds and pool.physical_network is not None
    )
    if not networks:
        return None
    return state.asking(f"on {both(networks)}", ids, physical_networks=networks)


_OF_REQUEST: Mapping[str, Callable[[_State, Sequence[str]], _State | None]] = MappingProxyType(
    {
        "numa_policy": lambda state, ids: state.asking(
            "with numa policy preferred", ids, numa_policy=NumaPolicy.PREFERRED
        ),
        "trusted": lambda state, ids: state.asking("without a say on trust", ids, trusted=None),
        "features": lambda state, ids: state.asking("without its features", ids, features=frozenset()),
        "group": lambda state, ids: state.asking("without its PCI group", ids, group=None),
        "min_rate": lambda state, ids: state.asking("without a minimum rate", ids, min_rate_mbps=0),
        "physical_network": _on_other_networks,
    }
)


def _fewer_in_use(lack: Lack, state: _State) -> _State | None:
    """Too few are free: with one constraint less others will do, or servers have to give some back."""
    rivals = [request for request in state.wish.requests if request.id in lack.requests]
    requests = sorted(rivals, key=lambda request: request.id)
    nodes = GuestNodes.of(state.wish.numa_nodes, state.host.cells.sockets)
    missing = lack.need - lack.have
    for constraint, relax in _OF_REQUEST.items():
        spare = sum(
            len(pool.free)
            for pool in state.host.pools
            if any(fails_only(constraint, request, pool, nodes) for request in requests)
        )
        if spare >= missing:
            return relax(state, lack.requests)
    return _given_back(state, requests, nodes, missing)


def _given_back(state: _State, requests: Sequence[PciRequest], nodes: GuestNodes, missing: int) -> _State | None:
    """``missing`` functions of those that servers have."""
    pools: list[Pool] = []
    back: list[PciAddress] = []
    for pool in state.host.pools:
        count = 0
        if any(fits(request, pool, nodes) for request in requests):
            count = min(len(pool.held), missing - len(back))
        pools.append(pool.given_back(count) if count else pool)
        back += pool.held[:count]
    if len(back) < missing:
        return None
    what = f"{noun(requests[0], is_plural=missing > 1)}{place_words(requests[0])}"
    return replace(
        state, host=replace(state.host, pools=tuple(pools)), given_back=(*state.given_back, *back),
        changes=(*state.changes, f"with {missing} {what} given back"),
    )  # fmt: skip
