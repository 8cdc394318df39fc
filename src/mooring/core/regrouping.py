"""Which hosts' functions have to be looked at again because an aggregate or a PCI group changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mooring.core.grouping import ANY_TEXT
from mooring.model.group import PciGroup, PciSelector
from mooring.model.host import Aggregate


@dataclass(frozen=True, slots=True)
class Shared:
    """What hosts have in common, by id."""

    aggregates: Mapping[str, Aggregate] = field(default_factory=dict)
    groups: Mapping[str, PciGroup] = field(default_factory=dict)

    @classmethod
    def of(cls, aggregates: Iterable[Aggregate], groups: Iterable[PciGroup]) -> "Shared":
        return cls({each.uuid: each for each in aggregates}, {each.id: each for each in groups})


def touched(old: Shared, new: Shared) -> frozenset[str] | None:
    """The names of the hosts that see a difference; ``None`` is all."""
    hosts = {name for uuid in old.aggregates.keys() | new.aggregates.keys() for name in _of_aggregate(uuid, old, new)}
    for shared, other in ((old, new), (new, old)):
        for ident, group in shared.groups.items():
            if _rules(group) != _rules(other.groups.get(ident)):
                reached = [_reach(selector, shared) for selector in group.selectors]
                if None in reached:
                    return None
                hosts.update(name for names in reached if names is not None for name in names)
    return frozenset(hosts)


def _of_aggregate(uuid: str, old: Shared, new: Shared) -> Iterable[str]:
    was, now = old.aggregates.get(uuid), new.aggregates.get(uuid)
    before = frozenset() if was is None else frozenset(was.hosts)
    after = frozenset() if now is None else frozenset(now.hosts)
    is_same = was is not None and now is not None and (was.name, was.metadata) == (now.name, now.metadata)
    return before ^ after if is_same else before | after


def _rules(group: PciGroup | None) -> object:
    """What of a PCI group decides who is in it, and under which name."""
    return None if group is None else (group.name, group.selectors, group.excludes)


def _reach(selector: PciSelector, shared: Shared) -> Iterable[str] | None:
    """The hosts whose functions the selector can hold for; ``None``: any."""
    if selector.hosts and not any(ANY_TEXT in name for name in selector.hosts):
        return selector.hosts
    if selector.aggregates:
        named = (each for each in shared.aggregates.values() if each.name in selector.aggregates)
        return [name for aggregate in named for name in aggregate.hosts]
    return None
