"""What is in use of a PCI group, and would leave it by a change.

Functions that servers have, flavors that name it, aggregates that keep their hosts for it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from mooring.core.flavor_specs import ALIAS
from mooring.core.host_properties import kept_groups
from mooring.core.pci_wishes import read_aliases
from mooring.errors import Conflict, Invalid
from mooring.model.group import PciGroup
from mooring.service.group_counts import Members
from mooring.store.aggregates import AGGREGATES
from mooring.store.flavors import FLAVORS
from mooring.store.groups import OwnedFunction, claimed_for, owned_functions
from mooring.store.tx import Tx

_COUNTED_MAX = 1_000
_TOLD_MAX = 5


@dataclass(frozen=True, slots=True)
class Use:
    """Empty when nothing is in use."""

    functions: tuple[OwnedFunction, ...] = ()
    """Not more than are worth counting."""
    flavors: tuple[str, ...] = ()
    aggregates: tuple[str, ...] = ()
    """Those that keep their hosts for it."""

    def __bool__(self) -> bool:
        return bool(self.functions or self.flavors or self.aggregates)

    def refuse(self, what: str) -> None:
        """Raises Conflict unless there is no use."""
        if not self:
            return
        told = []
        if self.functions:
            count = f"{len(self.functions)}{' or more' if len(self.functions) == _COUNTED_MAX else ''}"
            names = [_named(one) for one in self.functions[:_TOLD_MAX]]
            more = ", ..." if len(self.functions) > _TOLD_MAX else ""
            told.append(f"servers have {count} of the functions that would leave it: {', '.join(names)}{more}")
        if self.flavors:
            told.append(f"flavors name it: {', '.join(self.flavors[:_TOLD_MAX])}")
        if self.aggregates:
            told.append(f"aggregates keep their hosts for it: {', '.join(self.aggregates[:_TOLD_MAX])}")
        raise Conflict(
            f"{what}: {'; '.join(told)}",
            code="PciGroupInUse",
            hint="with --force (?force=true) it is done all the same, and servers keep what they have",
            facts={
                "functions": [
                    {"host": one.device.host, "address": one.device.address, "server_id": one.server_id}
                    for one in self.functions
                ],
                "flavors": list(self.flavors),
                "aggregates": list(self.aggregates),
            },
        )


def use_of(tx: Tx, before: PciGroup, after: PciGroup | None) -> Use:
    """What is in use of ``before`` and would not be of ``after``; ``None``: it is deleted."""
    found: Iterator[OwnedFunction] = iter(())
    is_renamed = after is None or after.name != before.name
    if after is None or (after.selectors, after.excludes) != (before.selectors, before.excludes):
        found = _leaving(tx, before, after)
    if is_renamed:
        found = chain(found, claimed_for(tx, before.name))
    functions = tuple(islice(_each_once(found), _COUNTED_MAX))
    if not is_renamed:
        return Use(functions)
    return Use(functions, _flavors_naming(tx, before.name), _aggregates_keeping(tx, before.name))


def _each_once(found: Iterable[OwnedFunction]) -> Iterator[OwnedFunction]:
    seen: set[tuple[str, str]] = set()
    for owned in found:
        place = owned.device.host, owned.device.address
        if place not in seen:
            seen.add(place)
            yield owned


def _leaving(tx: Tx, before: PciGroup, after: PciGroup | None) -> Iterator[OwnedFunction]:
    was_in, is_in = Members(tx, [before]), Members(tx, [] if after is None else [after])
    for owned in owned_functions(tx, before.selectors):
        if was_in.groups_of(owned.device) and not is_in.groups_of(owned.device):
            yield owned


def _flavors_naming(tx: Tx, name: str) -> tuple[str, ...]:
    return tuple(flavor.name for flavor in FLAVORS.where(tx) if name in _named_by(flavor.extra_specs.get(ALIAS, "")))


def _aggregates_keeping(tx: Tx, name: str) -> tuple[str, ...]:
    return tuple(aggregate.name for aggregate in AGGREGATES.where(tx) if name in kept_groups(aggregate))


def _named_by(alias: str) -> list[str]:
    if not alias:
        return []
    try:
        return [name for name, _ in read_aliases(alias, ALIAS)]
    except Invalid:
        return []  # a flavor of a time when this was not checked asks for nothing


def _named(owned: OwnedFunction) -> str:
    return f"{owned.device.host} {owned.device.address} (server {owned.server_name or owned.server_id})"
