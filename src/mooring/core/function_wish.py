"""What a port asks of its function, in keys of ``binding:profile`` that are Mooring's own.

They stay when the device goes.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mooring.core.pci_wishes import read_features, read_group, read_min_rate
from mooring.errors import Invalid

PCI_GROUP = "pci_group"
PCI_FEATURES = "pci_features"
MIN_RATE = "pci_min_rate_mbps"

_READERS: Mapping[str, Callable[[object, str], object]] = {
    PCI_GROUP: read_group,
    PCI_FEATURES: lambda value, where: list(read_features(value, where)),
    MIN_RATE: read_min_rate,
}
WISH_KEYS = frozenset(_READERS)
_ALIKE = 0.8
"""Of 1: a letter or two are wrong. Nova's keys are all farther away than that."""
OWNERS_KEYS = WISH_KEYS - {MIN_RATE}
"""What a port's owner may say. A promised rate is taken from everybody else, and not every card knows one."""


@dataclass(frozen=True, slots=True)
class FunctionWish:
    """What a port asks of its function besides what every port says: vnic type, network, trust, NUMA."""

    group: str | None = None
    """A PCI group's name."""
    features: frozenset[str] = frozenset()
    min_rate_mbps: int = 0

    def __bool__(self) -> bool:
        return self != FunctionWish()


def is_wish_only(profile: object) -> bool:
    """Whether a profile, as a caller gave it, has something in it, and nothing but what its owner may say."""
    return isinstance(profile, Mapping) and bool(profile) and profile.keys() <= OWNERS_KEYS


def settle_wish(profile: Mapping[str, object]) -> dict[str, object]:
    """A profile in which the wish is spelled in one way; a key that is ``None`` is left out.

    Raises Invalid, also for a key that is nearly one of ours: it would ask for nothing, and nobody would know.
    """
    for key in profile.keys() - WISH_KEYS:
        for near in difflib.get_close_matches(key, sorted(WISH_KEYS), n=1, cutoff=_ALIKE):
            raise Invalid(f"binding:profile: {key} is not known: did you mean {near}?")
    settled = {key: value for key, value in profile.items() if key not in WISH_KEYS}
    for key, read in _READERS.items():
        if profile.get(key) is not None:
            settled[key] = read(profile[key], f"binding:profile {key}")
    return settled


def wish_part(profile: Mapping[str, object]) -> dict[str, object]:
    """What of a profile its owner may see."""
    return {key: value for key, value in profile.items() if key in WISH_KEYS}


def read_wish(profile: Mapping[str, object]) -> FunctionWish:
    """The wish of a stored profile. Raises Invalid for one that was not stored by Mooring."""
    group, features, rate = profile.get(PCI_GROUP), profile.get(PCI_FEATURES), profile.get(MIN_RATE)
    return FunctionWish(
        group=None if group is None else read_group(group, PCI_GROUP),
        features=frozenset() if features is None else frozenset(read_features(features, PCI_FEATURES)),
        min_rate_mbps=0 if rate is None else read_min_rate(rate, MIN_RATE),
    )
