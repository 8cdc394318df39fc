"""A host's functions in pools: those between which no request can choose are one pool, with what of it is free.

Which functions are free is decided here, for each by itself: offered, AVAILABLE, no other function of its IOMMU group
owned, or quarantined and so perhaps owned; a VF while its PF is nobody's; a PF while it has no VFs, or each of them is
offered and AVAILABLE (the table of nova.objects.pci_device; a VF that is not offered may be the host's own). That a PF
and a VF of it cannot both go to one server is decided in ``core/assigning.py``.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mooring.core.lifecycle import OWNED_STATES
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Device
from mooring.model.vf import VfState

#: A function in one of these states keeps its whole IOMMU group, its PF and its VFs from others.
HOLDING_STATES = OWNED_STATES | {VfState.QUARANTINED}

IN_USE = "in use"
SHARED_GROUP = "sharing an IOMMU group with one that is not free"
DIVIDED = "divided into VFs that are not all free"
TAKEN_WHOLE = "of a PF that is taken whole"
NOT_OFFERED = "not offered"
_CONDITION = {
    VfState.QUARANTINED: "quarantined",
    VfState.UNAVAILABLE: "unavailable",
    VfState.DISCOVERED: "not verified yet",
    VfState.BASELINING: "being cleaned",
    VfState.RELEASING: "being released",
    VfState.REMOVED_PENDING: "removed from the host",
}
#: The words for why functions are not free, in the order in which they are told.
CONDITIONS = (IN_USE, *_CONDITION.values(), DIVIDED, TAKEN_WHOLE, SHARED_GROUP, NOT_OFFERED)
_REASONS_MAX = 3

_PoolKey = tuple[
    FunctionKind, PciAddress | None, str | None, int | None, bool, tuple[str, ...], frozenset[str], int | None, bool
]
GroupsOf = Callable[[Device], frozenset[str]]
"""The names of the PCI groups that a device is in."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Functions of one host that are alike in all that a request can ask, and of one PF."""

    kind: FunctionKind
    pf: PciAddress | None = None
    """The PF that they are of, or are; ``None`` for what has no SR-IOV."""
    physical_network: str | None = None
    numa_node: int | None = None
    trusted: bool = False
    features: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    link_speed_mbps: int | None = None
    """Of the PF's link."""
    shares_iommu_group: bool = False
    free: tuple[PciAddress, ...] = ()
    """Sorted."""
    held: tuple[PciAddress, ...] = ()
    """Those that would be free if the servers that have them gave them back; sorted."""
    others: tuple[tuple[str, int], ...] = ()
    """What those that are not free are, and how many, in the order of ``CONDITIONS``; ``held`` are among ``in use``."""
    reasons: tuple[str, ...] = ()
    """Why some are quarantined, and since when; for those who may see hosts."""

    @property
    def total(self) -> int:
        return len(self.free) + sum(count for _, count in self.others)

    def given_back(self, count: int) -> "Pool":
        """As it would be if servers gave back this many of ``held``."""
        back, held = self.held[:count], self.held[count:]
        others = tuple((word, left) for word, n in self.others if (left := n - len(back) * (word == IN_USE)))
        return replace(self, free=tuple(sorted((*self.free, *back))), held=held, others=others)


def no_groups(_: Device) -> frozenset[str]:
    """For a cloud that has no PCI groups."""
    return frozenset()


def pools_of(devices: Iterable[Device], groups_of: GroupsOf = no_groups) -> tuple[Pool, ...]:
    """All functions of one host that its device specs know, in pools, in the order of their lowest addresses."""
    known = sorted((d for d in devices if d.state is not VfState.GONE), key=lambda d: d.address)
    seen = _Seen.of(known)
    members: dict[_PoolKey, list[Device]] = {}
    for device in known:
        if _is_present(device):
            pf = device.pf or (device.address if device.kind is FunctionKind.PF else None)
            key: _PoolKey = (
                device.kind, pf, device.physical_network, device.numa_node, device.trusted, device.features,
                groups_of(device), device.link_speed_mbps or seen.speeds_mbps.get(pf), seen.is_grouped(device),
            )  # fmt: skip
            members.setdefault(key, []).append(device)
    return tuple(_pool(key, found, seen) for key, found in members.items())


def _is_present(device: Device) -> bool:
    """What is there and not to be handed out, as a PF is that there is for its VFs only, is not counted.

    A VF that a device spec names and that cannot be handed out is.
    """
    is_named = device.kind is FunctionKind.VF and device.physical_network is not None
    return is_named or device.is_offered or device.state is not VfState.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class _Seen:
    """What of all functions of a host bears on each of them."""

    held_groups: Mapping[int | None, int]
    """IOMMU group to how many of it are held."""
    shared_groups: Collection[int]
    taken_pfs: Collection[PciAddress]
    divided_pfs: Collection[PciAddress]
    speeds_mbps: Mapping[PciAddress | None, int | None]

    @classmethod
    def of(cls, known: Sequence[Device]) -> "_Seen":
        grouped = Counter(d.iommu_group for d in known if d.iommu_group is not None)
        held: Counter[int | None] = Counter(
            d.iommu_group for d in known if d.state in HOLDING_STATES and d.iommu_group is not None
        )
        listed = {d.pf for d in known if d.pf is not None}
        divided = {d.address for d in known if d.vf_count and d.address not in listed}
        divided |= {d.pf for d in known if d.pf is not None and not (d.is_offered and d.state is VfState.AVAILABLE)}
        pfs = [d for d in known if d.kind is FunctionKind.PF]
        return cls(
            held,
            {group for group, count in grouped.items() if count > 1},
            {d.address for d in pfs if d.state in HOLDING_STATES},
            divided,
            {d.address: d.link_speed_mbps for d in pfs},
        )

    def is_grouped(self, device: Device) -> bool:
        return device.iommu_group in self.shared_groups

    def condition(self, device: Device) -> str:
        """One word for why it is not free; empty: it is."""
        if device.state is VfState.UNAVAILABLE and not device.is_offered:
            return NOT_OFFERED
        if device.state in _CONDITION:
            return _CONDITION[device.state]
        if device.state in OWNED_STATES:
            return IN_USE
        if not device.is_offered:
            return NOT_OFFERED
        if device.kind is FunctionKind.PF and device.address in self.divided_pfs:
            return DIVIDED
        if device.pf in self.taken_pfs:
            return TAKEN_WHOLE
        return SHARED_GROUP if device.iommu_group in self.held_groups else ""

    def is_returnable(self, device: Device) -> bool:
        """Whether one that is in use would be free once it is not."""
        in_the_way = device.kind is FunctionKind.PF and device.address in self.divided_pfs
        is_alone = self.held_groups.get(device.iommu_group, 0) <= 1
        return device.is_offered and is_alone and not in_the_way and device.pf not in self.taken_pfs


def _pool(key: _PoolKey, members: Sequence[Device], seen: _Seen) -> Pool:
    kind, pf, physnet, numa_node, trusted, features, groups, speed_mbps, is_grouped = key
    free: list[PciAddress] = []
    held: list[PciAddress] = []
    counts: Counter[str] = Counter()
    reasons = set()
    for device in members:
        condition = seen.condition(device)
        if not condition:
            free.append(device.address)
            continue
        counts[condition] += 1
        if condition == IN_USE and seen.is_returnable(device):
            held.append(device.address)
        if device.state is VfState.QUARANTINED and device.reason:
            reasons.add(f"since {device.updated_at:%Y-%m-%d %H:%M}: {device.reason}")
    return Pool(
        kind, pf, physnet, numa_node, trusted, frozenset(features), groups, speed_mbps, is_grouped,
        tuple(free), tuple(held), tuple((word, counts[word]) for word in CONDITIONS if counts[word]),
        tuple(sorted(reasons)[:_REASONS_MAX]),
    )  # fmt: skip
