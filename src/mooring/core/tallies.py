"""Counts of one host's functions in words: what there is on a physical network, and why it is not free.

Honest about states: what is quarantined or being cleaned is said to be that, not "in use".
"""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from mooring.core.assigning import Shortfall, divided_pfs, free_devices, taken_pfs
from mooring.core.lifecycle import OWNED_STATES
from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Device
from mooring.model.vf import VfState

QUARANTINE_REASONS_MAX = 3

SHARED_GROUP = "sharing an IOMMU group with one that is not free"
DIVIDED = "divided into VFs"
TAKEN_WHOLE = "of a PF that is taken whole"

_NOUNS = {FunctionKind.VF: "VF", FunctionKind.PF: "PF"}
_CONDITION = {
    VfState.QUARANTINED: "quarantined",
    VfState.UNAVAILABLE: "unavailable",
    VfState.DISCOVERED: "not verified yet",
    VfState.BASELINING: "being cleaned",
    VfState.RELEASING: "being released",
    VfState.REMOVED_PENDING: "removed from the host",
}
_ORDER = ("in use", *_CONDITION.values(), DIVIDED, TAKEN_WHOLE, SHARED_GROUP, "not offered")


@dataclass(frozen=True, slots=True)
class Tally:
    """The functions of one kind that a host hands out on some physical networks."""

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


def tally(devices: Iterable[Device], physical_networks: frozenset[str], kind: FunctionKind = FunctionKind.VF) -> Tally:
    """Count the functions of one host (``devices`` are all of its) on these physical networks, by condition."""
    known = tuple(devices)
    mine = [d for d in known if _is_present(d, kind) and d.physical_network in physical_networks]
    free = {d.id for d in free_devices(known)}
    divided, taken = divided_pfs(known), taken_pfs(known)
    counts = Counter(_condition(d, divided, taken) for d in mine if d.id not in free)
    reasons = sorted({d.reason for d in mine if d.state is VfState.QUARANTINED and d.reason})
    return Tally(
        total=len(mine),
        free=sum(d.id in free for d in mine),
        conditions=tuple((word, counts[word]) for word in _ORDER if counts[word]),
        quarantine_reasons=tuple(reasons[:QUARANTINE_REASONS_MAX]),
    )


def _is_present(device: Device, kind: FunctionKind) -> bool:
    """A PF that is there for its VFs only is not one to be handed out, and is not counted."""
    if device.kind is not kind or device.state is VfState.GONE:
        return False
    return kind is not FunctionKind.PF or device.is_offered or device.state is not VfState.UNAVAILABLE


def _condition(device: Device, divided: Container[PciAddress], taken: Container[PciAddress | None]) -> str:
    """One word for why a device that is not free is not."""
    if device.state in _CONDITION:
        return _CONDITION[device.state]
    if device.state in OWNED_STATES:
        return "in use"
    if not device.is_offered:
        return "not offered"
    if device.kind is FunctionKind.PF and device.address in divided:
        return DIVIDED
    return TAKEN_WHOLE if device.pf in taken else SHARED_GROUP


def shortfall_sentence(shortfalls: Sequence[Shortfall], devices: Iterable[Device]) -> str:
    """What one host has instead of enough functions, to be read after "has".

    ``no free VF on physnet1 (16 of 16 in use)``, ``free VFs on physnet2 only``, ``no free PF on physnet2 (...)``.
    """
    known = tuple(devices)
    kinds = {shortfall.kind for shortfall in shortfalls}
    if len(shortfalls) == 1:
        (shortfall,), (kind,) = shortfalls, kinds
        free = (d for d in free_devices(known) if _is_present(d, kind))
        elsewhere = {d.physical_network for d in free if d.physical_network}
        if elsewhere and tally(known, shortfall.physical_networks, kind).total == 0:
            return f"free {_NOUNS[kind]}s on {both(elsewhere)} only"
    if not any(_is_present(d, kind) for d in known for kind in kinds):
        return f"no {either(f'{_NOUNS[kind]}s' for kind in kinds)}"
    return " and ".join(_shortfall_text(shortfall, known) for shortfall in shortfalls)


def _shortfall_text(shortfall: Shortfall, devices: Iterable[Device]) -> str:
    counted = tally(devices, shortfall.physical_networks, shortfall.kind)
    wanted, noun = either(shortfall.physical_networks), _NOUNS[shortfall.kind]
    if counted.total == 0:
        return f"no {noun} on {wanted}"
    if shortfall.free:
        return f"{shortfall.free} of {shortfall.wanted} wanted {noun}s free on {wanted}{counted.brackets}"
    return f"no free {noun} on {wanted}{counted.brackets}"


def either(names: Iterable[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``; in alphabetical order."""
    return _listed(names, "or")


def both(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; in alphabetical order."""
    return _listed(names, "and")


def _listed(names: Iterable[str], word: str) -> str:
    *rest, last = sorted(names) or ["none"]
    return f"{', '.join(rest)} {word} {last}" if rest else last
