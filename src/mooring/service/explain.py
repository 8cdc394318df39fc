"""``explain``: the answer of the placing engine for every host, with nothing created."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from mooring.core.explain import fault_details, fault_message
from mooring.core.nearest import NearMiss
from mooring.core.placing import HostView
from mooring.model.identity import Caller
from mooring.model.request import Lack, Shortage
from mooring.service.placement import Choice, each_host, nearest, wish_of
from mooring.service.servers import ServerWish, host_wish, look_up_wish
from mooring.service.world import World
from mooring.store.tx import Tx

_BEST_MAX = 64


@dataclass(frozen=True, slots=True)
class Glance:
    """The stock at one moment."""

    hosts: Sequence[HostView]
    best: Sequence[str]
    """The hosts that a create would ask first, in that order."""


def glance(tx: Tx, world: World, who: Caller, wish: ServerWish) -> Glance:
    """What ``explain`` starts from; ``tx`` has to be one that writes."""
    asked = wish_of(tx, host_wish(wish, look_up_wish(tx, world, who, wish)))
    stock = world.stock.of(tx)
    best = islice(stock.candidates(asked, world.heartbeats.of), _BEST_MAX)
    return Glance(stock.hosts(), [placement.host for placement in best])


def explain(tx: Tx, world: World, who: Caller, wish: ServerWish, seen: Glance) -> Mapping[str, object]:
    """For a privileged caller host by host, with the exact devices or the reason; for others in counts only.

    Hosts that would do come first, the one that a create would take at their head. With thousands of hosts this takes
    a while, and holds up no writer.
    """
    asked, hosts = host_wish(wish, look_up_wish(tx, world, who, wish)), _best_first(seen)
    choices: list[Choice] = []
    shortages: list[Shortage] = []
    for answer in each_host(tx, world, asked, hosts):
        (choices if isinstance(answer, Choice) else shortages).append(answer)  # type: ignore[arg-type]  # by its kind
    miss = None if choices else nearest(tx, world, asked, hosts, shortages)
    summary: dict[str, object] = {
        "is_possible": bool(choices),
        "hosts_that_would_do": len(choices),
        "message": "" if choices else fault_message(shortages, miss.summary if miss else ""),
        "nearest_miss": None if miss is None else miss.summary,
    }
    if not who.is_privileged:
        return summary
    return {
        **summary,
        "nearest_miss": _nearest_view(miss),
        "hosts": [*map(_yes, choices), *map(_no, shortages)],
        "details": fault_details(shortages, miss.text if miss else ""),
    }


def _best_first(seen: Glance) -> Sequence[HostView]:
    ranks = {name: rank for rank, name in enumerate(seen.best)}
    return sorted(seen.hosts, key=lambda host: ranks.get(host.name, len(ranks)))


def _yes(choice: Choice) -> Mapping[str, object]:
    passthrough: dict[str, list[str]] = {}
    for request, device in choice.passthrough:
        passthrough.setdefault(request.group or request.id, []).append(str(device.address))
    return {
        "host": choice.host,
        "answer": "yes",
        "devices": {port: str(device.address) for port, device in choice.devices.items()},
        "passthrough": passthrough,
        "bindings": {port: bound.driver for port, bound in choice.bindings.items()},
        "numa_nodes": choice.numa_nodes,
    }


def _no(shortage: Shortage) -> Mapping[str, object]:
    return {
        "host": shortage.host,
        "answer": "no",
        "constraint": shortage.constraint,
        "reason": shortage.text,
        "lacks": [lack_view(lack) for lack in shortage.lacks],
    }


def lack_view(lack: Lack) -> Mapping[str, object]:
    return {
        "constraint": lack.constraint,
        "requests": lack.requests,
        "need": lack.need,
        "have": lack.have,
        "text": lack.text,
    }


def _nearest_view(miss: NearMiss | None) -> Mapping[str, object] | None:
    if miss is None:
        return None
    return {
        "text": miss.text,
        "host": miss.host,
        "changes": miss.changes,
        "given_back": [str(address) for address in miss.given_back],
    }
