"""Which PCI groups a device is in: those of which a selector holds and no exclude does.

Asked for every device of every host, so the groups are compiled once (``Grouping``), then once for each set of hosts
that no selector tells apart, and what remains is a look-up by what selectors can ask of a device. Only where a pattern
of addresses decides is the address looked at.
"""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from typing import NamedTuple

from mooring.core.pci_pattern import AddressSelector, covers, parse_addresses
from mooring.model.group import PciGroup, PciSelector
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Device

ANY_TEXT = "*"
"""In a host's name of a selector: any text, nothing included."""
NONE: frozenset[str] = frozenset()
_HOSTS_KEPT_MAX = 16_384
_TRAITS_KEPT_MAX = 4_096
_ADDRESSES_KEPT_MAX = 4_096


class Traits(NamedTuple):
    """All that a selector can ask of a device but its host, the host's aggregates and its address."""

    vendor_id: str
    product_id: str
    device_class: str
    kind: FunctionKind
    physical_network: str | None
    numa_node: int | None
    link_speed_mbps: int | None
    features: tuple[str, ...]
    tags: tuple[str, ...]
    trusted: bool


class Rule(NamedTuple):
    """One selector, or one exclude, of one PCI group."""

    group: str
    selector: PciSelector
    is_exclude: bool


def groups_of(device: Device, aggregates: Collection[str], groups: Sequence[PciGroup]) -> frozenset[str]:
    """The names of the PCI groups that a device of a host in these aggregates is in.

    For one question; who has many makes a ``Grouping`` of the groups and asks that.
    """
    return Grouping(groups).on(device.host, aggregates)(device)


class Grouping:
    """PCI groups, ready to be asked. Keeps answers, within bounds; give a change of the groups a new one."""

    def __init__(self, groups: Iterable[PciGroup]) -> None:
        self._rules = [
            Rule(group.name, selector, is_exclude)
            for group in groups
            for is_exclude, selectors in ((False, group.selectors), (True, group.excludes))
            for selector in selectors
        ]
        self._anywhere: set[int] = set()
        self._by_host: dict[str, set[int]] = {}
        self._by_pattern: list[tuple[Callable[[str], object], int]] = []
        self._by_aggregate: dict[str, set[int]] = {}
        for number, rule in enumerate(self._rules):
            self._place(number, rule.selector)
        self._on: dict[frozenset[int], HostGrouping] = {}

    def _place(self, number: int, selector: PciSelector) -> None:
        if not (selector.hosts or selector.aggregates):
            self._anywhere.add(number)
        for host in selector.hosts:
            if ANY_TEXT in host:
                self._by_pattern.append((host_pattern(host), number))
            else:
                self._by_host.setdefault(host, set()).add(number)
        for aggregate in selector.aggregates:
            self._by_aggregate.setdefault(aggregate, set()).add(number)

    def on(self, host: str, aggregates: Collection[str]) -> "HostGrouping":
        """What to ask of the devices of this host, which is in these aggregates."""
        named = set(self._by_host.get(host, ()))
        named.update(number for matches, number in self._by_pattern if matches(host))
        inside = {number for name in aggregates for number in self._by_aggregate.get(name, ())}
        bound = frozenset(number for number in named | inside if self._holds(number, named, inside))
        found = self._on.get(bound)
        if found is None:
            if len(self._on) >= _HOSTS_KEPT_MAX:
                self._on.clear()
            rules = [self._rules[number] for number in sorted(bound | self._anywhere)]
            found = self._on[bound] = HostGrouping(rules)
        return found

    def _holds(self, number: int, named: Collection[int], inside: Collection[int]) -> bool:
        selector = self._rules[number].selector
        return (number in named or not selector.hosts) and (number in inside or not selector.aggregates)


@dataclass(frozen=True, slots=True)
class _Condition:
    """A PCI group of which the address decides."""

    group: str
    selected: tuple[AddressSelector, ...] | None
    """``None``: it is selected whatever its address is."""
    excluded: tuple[AddressSelector, ...]

    def holds(self, address: PciAddress) -> bool:
        is_selected = self.selected is None or any(covers(one, address) for one in self.selected)
        return is_selected and not any(covers(one, address) for one in self.excluded)


@dataclass(slots=True)
class _Answer:
    """For devices of the same traits."""

    certain: frozenset[str]
    conditions: tuple[_Condition, ...] = ()
    by_address: dict[PciAddress, frozenset[str]] = field(default_factory=dict)

    def at(self, address: PciAddress) -> frozenset[str]:
        found = self.by_address.get(address)
        if found is None:
            if len(self.by_address) >= _ADDRESSES_KEPT_MAX:
                self.by_address.clear()
            found = self.certain.union(one.group for one in self.conditions if one.holds(address))
            self.by_address[address] = found
        return found


class HostGrouping:
    """The rules that hold on one host, whatever host it is: called with a device, the names of its PCI groups."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = [(rule, tuple(map(parse_addresses, rule.selector.addresses))) for rule in rules]
        self._answers: dict[Traits, _Answer] = {}

    def __call__(self, device: Device) -> frozenset[str]:
        if not self._rules:
            return NONE
        answer = self._answer(
            Traits(
                device.vendor_id, device.product_id, device.device_class, device.kind, device.physical_network,
                device.numa_node, device.link_speed_mbps, device.features, device.tags, device.trusted,
            )
        )  # fmt: skip
        return answer.at(device.address) if answer.conditions else answer.certain

    def of(self, traits: Traits, address: Callable[[], PciAddress]) -> frozenset[str]:
        """The same of a device that is known by these only; ``address`` is asked for where it decides."""
        answer = self._answer(traits)
        return answer.at(address()) if answer.conditions else answer.certain

    def _answer(self, traits: Traits) -> _Answer:
        found = self._answers.get(traits)
        if found is None:
            if len(self._answers) >= _TRAITS_KEPT_MAX:
                self._answers.clear()
            found = self._answers[traits] = self._worked_out(traits)
        return found

    def _worked_out(self, traits: Traits) -> _Answer:
        selected: dict[str, list[tuple[AddressSelector, ...]]] = {}
        excluded: dict[str, list[tuple[AddressSelector, ...]]] = {}
        for rule, addresses in self._rules:
            if _holds(rule.selector, traits):
                (excluded if rule.is_exclude else selected).setdefault(rule.group, []).append(addresses)
        certain, conditions = set(), []
        for group, found in selected.items():
            out = excluded.get(group, [])
            if () in out:
                continue
            if () in found and not out:
                certain.add(group)
            else:
                conditions.append(_Condition(group, None if () in found else sum(found, ()), sum(out, ())))
        return _Answer(frozenset(certain), tuple(conditions))


def host_pattern(text: str) -> Callable[[str], object]:
    """Whether a host's name is one that is meant: ``*`` stands for any text, all else for itself."""
    return re.compile(translate(text)).match


def _holds(selector: PciSelector, traits: Traits) -> bool:
    """Whether all that a selector gives holds, but hosts, aggregates and addresses."""
    speed_mbps, least_mbps = traits.link_speed_mbps or 0, selector.min_link_speed_mbps
    return (
        selector.vendor_id in (None, traits.vendor_id)
        and selector.product_id in (None, traits.product_id)
        and traits.device_class.startswith(selector.device_class or "")
        and selector.kind in (None, traits.kind)
        and (not selector.physical_networks or traits.physical_network in selector.physical_networks)
        and selector.numa_node in (None, traits.numa_node)
        and (least_mbps is None or speed_mbps >= least_mbps)
        and selector.trusted in (None, traits.trusted)
        and set(selector.features) <= set(traits.features)
        and set(selector.tags) <= set(traits.tags)
    )
