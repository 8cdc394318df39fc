"""How many devices are in each PCI group, of which state, and on which hosts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mooring.core.grouping import Grouping, HostGrouping
from mooring.model.group import PciGroup, PciSelector
from mooring.model.pci import PciAddress
from mooring.model.vf import VfState
from mooring.store.groups import SeenDevice, aggregates_of_hosts, free_devices, seen_devices
from mooring.store.tx import Tx


@dataclass(slots=True)
class OnHost:
    """Of one PCI group on one host."""

    devices: int = 0
    free: int = 0


@dataclass(slots=True)
class GroupCount:
    """Of one PCI group. A PF that is there for its VFs only is not counted."""

    states: Counter[VfState] = field(default_factory=Counter)
    hosts: dict[str, OnHost] = field(default_factory=dict)

    @property
    def devices(self) -> int:
        return self.states.total()

    @property
    def free(self) -> int:
        """Those that are offered and AVAILABLE."""
        return sum(one.free for one in self.hosts.values())

    def add(self, device: SeenDevice) -> None:
        self.states[device.state] += device.count
        on_host = self.hosts.setdefault(device.host, OnHost())
        on_host.devices += device.count
        if device.is_offered and device.state is VfState.AVAILABLE:
            on_host.free += device.count


class Members:
    """Who is in these PCI groups, for devices that come host by host."""

    def __init__(self, tx: Tx, groups: Sequence[PciGroup]) -> None:
        self._grouping = Grouping(groups)
        self._aggregates = aggregates_of_hosts(tx)
        self._host = ""
        self._on_host: HostGrouping | None = None

    def groups_of(self, device: SeenDevice) -> frozenset[str]:
        if self._on_host is None or device.host != self._host:
            self._host = device.host
            self._on_host = self._grouping.on(device.host, self._aggregates.get(device.host, ()))
        return self._on_host.of(device.traits, lambda: PciAddress.parse(device.address))


def count_groups(tx: Tx, groups: Sequence[PciGroup]) -> Mapping[str, GroupCount]:
    """By the PCI groups' names, of each of them."""
    found = {group.name: GroupCount() for group in groups}
    if not groups:
        return found
    members, by_address = Members(tx, groups), any(map(_asks_for_addresses, groups))
    for device in seen_devices(tx, _selectors(groups), is_counted=not by_address):
        for name in members.groups_of(device):
            found[name].add(device)
    return found


def count_free(tx: Tx, groups: Sequence[PciGroup], most: int) -> Mapping[str, int]:
    """By the PCI groups' names, how many devices are free; what is beyond ``most`` is not counted.

    Costs little, so that those who are no admins may ask for it as often as they like.
    """
    found = {group.name: 0 for group in groups}
    if not groups:
        return found
    members, wanting = Members(tx, groups), set(found)
    for device in free_devices(tx, _selectors(groups)):
        for name in members.groups_of(device) & wanting:
            found[name] += 1
            if found[name] >= most:
                wanting.discard(name)
        if not wanting:
            break
    return found


def _selectors(groups: Sequence[PciGroup]) -> Sequence[PciSelector]:
    return [selector for group in groups for selector in group.selectors]


def _asks_for_addresses(group: PciGroup) -> bool:
    return any(selector.addresses for selector in (*group.selectors, *group.excludes))
