"""Counts of one host's functions in words: what there is on a physical network, and why it is not free.

Honest about states: what is quarantined or being cleaned is said to be that, not "in use".
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mooring.core.assigning import Shortfall, free_devices
from mooring.core.lifecycle import OWNED_STATES
from mooring.model.pci import FunctionKind
from mooring.model.request import Device
from mooring.model.vf import VfState

QUARANTINE_REASONS_MAX = 3

SHARED_GROUP = "sharing an IOMMU group with one that is not free"

_CONDITION = {
    VfState.QUARANTINED: "quarantined",
    VfState.UNAVAILABLE: "unavailable",
    VfState.DISCOVERED: "not verified yet",
    VfState.BASELINING: "being cleaned",
    VfState.RELEASING: "being released",
    VfState.REMOVED_PENDING: "removed from the host",
}
_ORDER = ("in use", *_CONDITION.values(), SHARED_GROUP, "not offered")


@dataclass(frozen=True, slots=True)
class Tally:
    """The VFs of one host on some physical networks."""

    total: int
    free: int
    conditions: tuple[tuple[str, int], ...]
    """What the others are, and how many, in a fixed order of words."""
    quarantine_reasons: tuple[str, ...] = ()
    """For an admin: they may name PFs and addresses."""

    @property
    def brackets(self) -> str:
        """As in `` (14 of 16 in use, 1 quarantined)``; empty when all are free."""
        if not self.conditions:
            return ""
        (word, count), *others = self.conditions
        parts = [f"{count} of {self.total} {word}", *(f"{count} {word}" for word, count in others)]
        return f" ({', '.join(parts)})"


def tally(devices: Iterable[Device], physical_networks: frozenset[str]) -> Tally:
    """Count the VFs of one host (``devices`` are all of its) on these physical networks, by condition."""
    known = tuple(devices)
    mine = [d for d in known if _is_present_vf(d) and d.physical_network in physical_networks]
    free = {d.id for d in free_devices(known)}
    counts = Counter(_condition(d) for d in mine if d.id not in free)
    reasons = sorted({d.reason for d in mine if d.state is VfState.QUARANTINED and d.reason})
    return Tally(
        total=len(mine),
        free=sum(d.id in free for d in mine),
        conditions=tuple((word, counts[word]) for word in _ORDER if counts[word]),
        quarantine_reasons=tuple(reasons[:QUARANTINE_REASONS_MAX]),
    )


def _is_present_vf(device: Device) -> bool:
    return device.kind is FunctionKind.VF and device.state is not VfState.GONE


def _condition(device: Device) -> str:
    """One word for why a device that is not free is not."""
    if device.state in _CONDITION:
        return _CONDITION[device.state]
    if device.state in OWNED_STATES:
        return "in use"
    return SHARED_GROUP if device.is_offered else "not offered"


def shortfall_sentence(shortfalls: Sequence[Shortfall], devices: Iterable[Device]) -> str:
    """What one host has instead of enough VFs, to be read after "has".

    ``no free VF on physnet1 (16 of 16 in use)``, ``free VFs on physnet2 only``.
    """
    known = tuple(devices)
    physnets = frozenset[str]().union(*(shortfall.physical_networks for shortfall in shortfalls))
    elsewhere = {d.physical_network for d in free_devices(known) if _is_present_vf(d) and d.physical_network}
    if elsewhere and len(shortfalls) == 1 and tally(known, physnets).total == 0:
        return f"free VFs on {both(elsewhere)} only"
    if not any(map(_is_present_vf, known)):
        return "no VFs"
    return " and ".join(_shortfall_text(shortfall, known) for shortfall in shortfalls)


def _shortfall_text(shortfall: Shortfall, devices: Iterable[Device]) -> str:
    counted = tally(devices, shortfall.physical_networks)
    wanted = either(shortfall.physical_networks)
    if counted.total == 0:
        return f"no VF on {wanted}"
    if shortfall.free:
        return f"{shortfall.free} of {shortfall.wanted} wanted VFs free on {wanted}{counted.brackets}"
    return f"no free VF on {wanted}{counted.brackets}"


def either(names: Iterable[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``; in alphabetical order."""
    return _listed(names, "or")


def both(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; in alphabetical order."""
    return _listed(names, "and")


def _listed(names: Iterable[str], word: str) -> str:
    *rest, last = sorted(names) or ["none"]
    return f"{', '.join(rest)} {word} {last}" if rest else last
