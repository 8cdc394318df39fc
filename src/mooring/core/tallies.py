"""Counts of one host's functions in words: what there is of what is asked for, and why it is not free.

Honest about states: what is quarantined or being cleaned is said to be that, not "in use".
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mooring.core.pools import CONDITIONS, Pool
from mooring.core.words import either
from mooring.model.pci import FunctionKind
from mooring.model.request import PciRequest

_NOUNS = {FunctionKind.PF: "PF", FunctionKind.VF: "VF", FunctionKind.PCI: "PCI device"}


@dataclass(frozen=True, slots=True)
class Tally:
    """The functions of some pools of a host."""

    total: int
    free: int
    conditions: tuple[tuple[str, int], ...]
    """What the others are, and how many, in a fixed order of words."""
    reasons: tuple[str, ...] = ()
    """Why some are quarantined. For an admin: they may name PFs and addresses."""

    @property
    def brackets(self) -> str:
        """As in `` (14 of 16 in use, 1 quarantined)``; empty when all are free."""
        if not self.conditions:
            return ""
        (word, count), *others = self.conditions
        parts = [f"{count} of {self.total} {word}", *(f"{count} {word}" for word, count in others)]
        return f" ({', '.join(parts)})"


def tally(pools: Iterable[Pool]) -> Tally:
    known = tuple(pools)
    counts: Counter[str] = Counter()
    for pool in known:
        for word, count in pool.others:
            counts[word] += count
    return Tally(
        total=sum(pool.total for pool in known),
        free=sum(len(pool.free) for pool in known),
        conditions=tuple((word, counts[word]) for word in CONDITIONS if counts[word]),
        reasons=tuple(dict.fromkeys(reason for pool in known for reason in pool.reasons)),
    )


def noun(request: PciRequest, *, is_plural: bool = False) -> str:
    """What the request asks for: ``VF``, ``PCI devices or VFs``."""
    return either(f"{_NOUNS[kind]}s" if is_plural else _NOUNS[kind] for kind in request.kinds)


def place_words(request: PciRequest) -> str:
    """Which of them will do: `` on physnet1``, `` of PCI group fast on physnet1 or physnet2``."""
    group = "" if request.group is None else f" of PCI group {request.group}"
    return group + (f" on {either(request.physical_networks)}" if request.physical_networks else "")
