"""Why the functions of one host will not do: every constraint that fails, with its numbers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from mooring.core.assigning import Search, Unassigned
from mooring.core.fitting import CONSTRAINTS, fails_only, fits
from mooring.core.matching import Shortfall
from mooring.core.numa import GuestNodes
from mooring.core.pools import Pool
from mooring.core.tallies import noun, place_words, tally
from mooring.core.words import both, either
from mooring.model.pci import FunctionKind
from mooring.model.request import Lack, NumaPolicy, PciRequest

Words = Callable[[PciRequest, Sequence[Pool], GuestNodes], str]


def lacks_of(search: Search, unassigned: Unassigned) -> tuple[Lack, ...]:
    """One at least. ``search`` is the one that ended in ``unassigned``."""
    found = [*_merged(lack for request in _in_order(search) for lack in _unmet(request, search))]
    explained = {ident for lack in found for ident in lack.requests}
    found += [
        _too_few(shortfall, search)
        for shortfall in unassigned.shortfalls
        if explained.isdisjoint(shortfall.request_ids)
    ]
    return tuple(found) or (_unsearchable(search, unassigned),)


def _merged(lacks: Iterable[Lack]) -> Iterator[Lack]:
    """What several requests lack alike is told once."""
    alike: dict[tuple[str, str], list[Lack]] = {}
    for lack in lacks:
        alike.setdefault((lack.constraint, lack.text), []).append(lack)
    for first, *others in alike.values():
        ids = tuple(dict.fromkeys(ident for lack in (first, *others) for ident in lack.requests))
        yield replace(first, requests=ids, need=sum(lack.need for lack in (first, *others)))


def _in_order(search: Search) -> Sequence[PciRequest]:
    return sorted(search.requests, key=lambda request: request.id)


def _unmet(request: PciRequest, search: Search) -> Iterator[Lack]:
    """What one request by itself does not find among all functions, free or not.

    First each constraint that too few functions of the kind meet; if each is met by enough, the one with which there
    are too few that meet all.
    """
    pools = [pool for pool in search.pools if pool.kind in request.kinds]
    if sum(pool.total for pool in pools) < request.count:
        yield _lack("type", request, pools, pools, search.nodes)
        return
    is_found = False
    for constraint, meets in CONSTRAINTS.items():
        left = [pool for pool in pools if meets(request, pool, search.nodes)]
        if sum(pool.total for pool in left) < request.count:
            is_found = True
            yield _lack(constraint, request, pools, left, search.nodes)
    for constraint, meets in CONSTRAINTS.items() if not is_found else ():
        left = [pool for pool in pools if meets(request, pool, search.nodes)]
        if sum(pool.total for pool in left) < request.count:
            yield _lack(constraint, request, pools, left, search.nodes)
            return
        pools = left


def _lack(
    constraint: str, request: PciRequest, before: Sequence[Pool], left: Sequence[Pool], nodes: GuestNodes
) -> Lack:
    have = sum(pool.total for pool in left)
    words = _WORDS[constraint](request, before, nodes)
    if have:
        words = f"{have} of {request.count} wanted {_lacking(request, words)}"
    return Lack(constraint, words, words, (request.id,), request.count, have)


def _lacking(request: PciRequest, words: str) -> str:
    """``no VF on physnet1`` as ``VFs on physnet1``: some are there, and too few."""
    plural = noun(request, is_plural=True)
    for there in (plural, noun(request)):
        if words.startswith(f"no {there}"):
            return plural + words.removeprefix(f"no {there}")
    return f"{plural}; {words}"


def _of_kind(request: PciRequest, *_: object) -> str:
    return f"no {noun(request, is_plural=True)}"


def _on_physical_network(request: PciRequest, pools: Sequence[Pool], _: GuestNodes) -> str:
    if not request.physical_networks:
        return f"no {noun(request)} for a tunnelled network, which reaches no physical network"
    elsewhere = {pool.physical_network for pool in pools if pool.free and pool.physical_network}
    if elsewhere and elsewhere.isdisjoint(request.physical_networks):
        return f"free {noun(request, is_plural=True)} on {both(elsewhere)} only"
    return f"no {noun(request)} on {either(request.physical_networks)}"


def _of_group(request: PciRequest, *_: object) -> str:
    return f"no {noun(request)}{place_words(request)}"


def _for_trust(request: PciRequest, *_: object) -> str:
    if request.trusted:
        return f"no {noun(request)}{place_words(request)} for trusted ports"
    return f"no {noun(request)}{place_words(request)} that is not for trusted ports only"


def _with_features(request: PciRequest, *_: object) -> str:
    return f"no {noun(request)}{place_words(request)} with {both(request.features)}"


def _in_eswitch_mode(request: PciRequest, *_: object) -> str:
    if request.is_switchdev:
        return f"no {noun(request)}{place_words(request)} of a card in switchdev mode"
    return f"no {noun(request)}{place_words(request)} of a card that is not in switchdev mode"


def _with_port_profile(request: PciRequest, *_: object) -> str:
    if request.has_port_profile:
        return f"no {noun(request)}{place_words(request)} that takes a port profile"
    return f"no {noun(request)}{place_words(request)} that works without a port profile"


def _near(request: PciRequest, pools: Sequence[Pool], nodes: GuestNodes) -> str:
    policy = request.numa_policy or NumaPolicy.LEGACY
    mine = both(str(node) for node in nodes.local)
    there = {"an unknown node" if pool.numa_node is None else f"node {pool.numa_node}" for pool in pools}
    return (
        f"no {noun(request)}{place_words(request)} near enough to NUMA node {mine} for numa policy {policy} "
        f"(they are on {both(there)})"
    )


def _at_rate(request: PciRequest, pools: Sequence[Pool], _: GuestNodes) -> str:
    fastest = max((pool.link_speed_mbps or 0 for pool in pools), default=0)
    return (
        f"no {noun(request)}{place_words(request)} on a link of {request.min_rate_mbps} Mb/s "
        f"(the fastest has {fastest})"
    )


_WORDS: dict[str, Words] = {
    "type": _of_kind,
    "physical_network": _on_physical_network,
    "group": _of_group,
    "trusted": _for_trust,
    "features": _with_features,
    "eswitch_mode": _in_eswitch_mode,
    "port_profile": _with_port_profile,
    "numa_policy": _near,
    "min_rate": _at_rate,
}


def _too_few(shortfall: Shortfall, search: Search) -> Lack:
    """Enough functions would do, and too few of them are free."""
    rivals = [request for request in _in_order(search) if request.id in shortfall.request_ids]
    pools = [pool for pool in search.pools if any(fits(rival, pool, search.nodes) for rival in rivals)]
    seen, wanted = tally(pools), _together(rivals)
    if shortfall.have:
        nouns = noun(wanted, is_plural=True)
        words = f"{shortfall.have} of {shortfall.need} wanted {nouns}{place_words(wanted)} free{seen.brackets}"
    else:
        words = f"no free {noun(wanted)}{place_words(wanted)}{seen.brackets}"
    words += _for_others(rivals, search)
    reasons = f"; quarantined {'; '.join(seen.reasons)}" if seen.reasons else ""
    return Lack("devices", words + reasons, words, shortfall.request_ids, shortfall.need, shortfall.have)


def _together(rivals: Sequence[PciRequest]) -> PciRequest:
    """One request with the words of all."""
    groups = {rival.group for rival in rivals}
    networks = [rival.physical_networks for rival in rivals if rival.physical_networks is not None]
    return PciRequest(
        "",
        frozenset[FunctionKind]().union(*(rival.kinds for rival in rivals)),
        frozenset[str]().union(*networks) if len(networks) == len(rivals) else None,
        group=groups.pop() if len(groups) == 1 else None,
    )


def _for_others(rivals: Sequence[PciRequest], search: Search) -> str:
    """What is free and just not as the requests want it, by one constraint."""
    untrusted = "not trusted" if rivals[0].trusted else "for trusted ports only"
    unheld = "that take no port profile" if rivals[0].has_port_profile else "for ports with a port profile only"
    parts = []
    for constraint, words in (("trusted", untrusted), ("port_profile", unheld), ("numa_policy", "too far away")):
        count = sum(
            len(pool.free)
            for pool in search.pools
            if any(fails_only(constraint, rival, pool, search.nodes) for rival in rivals)
        )
        if count:
            parts.append(f", {count} more {words}")
    return "".join(parts)


def _unsearchable(search: Search, unassigned: Unassigned) -> Lack:
    """There are enough free functions, and no way to give them out that respects what they share."""
    ids = tuple(request.id for request in _in_order(search))
    need = sum(request.count for request in search.requests)
    if unassigned.is_given_up:
        words = "no assignment that was found in time, among the many ways to divide its PFs and links"
        return Lack("search", words, words, ids, need, 0)
    unrated = [replace(request, min_rate_mbps=0) for request in search.requests]
    if not isinstance(Search(unrated, search.pools, search.nodes, search.spread).assign(), Unassigned):
        words = "links that cannot carry the minimum rates together"
        return Lack("min_rate", words, words, ids, need, 0)
    words = "too few PFs to give some whole and VFs of others"
    return Lack("pf_or_vfs", words, words, ids, need, 0)
