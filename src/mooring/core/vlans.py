"""VLANs of physical networks: the configured ranges, and what a provider network may ask for.

The format of the ranges is that of ``[ml2_type_vlan] network_vlan_ranges``; what a provider network is refused for,
and in which words, are Neutron's type drivers' (``type_vlan.py``, ``type_flat.py``).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from mooring.errors import Invalid
from mooring.model.network import NetworkType

VLAN_ID_MIN = 1
VLAN_ID_MAX = 4094
PHYSICAL_NETWORK_CHARS_MAX = 64
_NUMBER = re.compile(r"[0-9]{1,5}")
Span = tuple[int, int]
"""First and last, both included."""


@dataclass(frozen=True)
class VlanRanges:
    """Physical network to the VLAN ranges, both ends included, that projects' networks are given from."""

    by_physical_network: Mapping[str, tuple[Span, ...]]
    """In the order of the configuration."""

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Self:
        """Read ``physnet`` (all of 1 to 4094) and ``physnet:min:max`` entries; several for one physnet add up.

        Raises Invalid, with Neutron's exception names as codes.
        """
        ranges: dict[str, list[Span]] = {}
        for entry in entries:
            physnet, span = _parse_entry(entry.strip())
            ranges.setdefault(physnet, []).append(span)
        return cls({physnet: tuple(spans) for physnet, spans in ranges.items()})

    @property
    def physical_networks(self) -> tuple[str, ...]:
        """The names, in the order of the configuration."""
        return tuple(self.by_physical_network)

    def position(self, physical_network: str) -> int | None:
        """The place of a physical network in the configuration; ``None`` for one that has no range."""
        return self._positions.get(physical_network)

    def spans(self, physical_network: str) -> tuple[Span, ...]:
        """The ranges of one physical network, ascending, neither overlapping nor touching."""
        return self._spans.get(physical_network, ())

    def holds(self, physical_network: str, vlan_id: int) -> bool:
        """Whether projects' networks may be given this VLAN."""
        return any(first <= vlan_id <= last for first, last in self.spans(physical_network))

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        return {physnet: at for at, physnet in enumerate(self.by_physical_network)}

    @cached_property
    def _spans(self) -> Mapping[str, tuple[Span, ...]]:
        return {physnet: merged(spans) for physnet, spans in self.by_physical_network.items()}


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same numbers in as few ranges as there can be, ascending."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def without(spans: Iterable[Span], taken: Iterable[int]) -> tuple[Span, ...]:
    """What is left of ascending ranges when the ``taken`` numbers, ascending, are not free."""
    left: list[Span] = []
    numbers = list(taken)
    for first, last in spans:
        start = first
        for number in numbers[bisect_left(numbers, first) : bisect_right(numbers, last)]:
            if start < number:
                left.append((start, number - 1))
            start = number + 1
        if start <= last:
            left.append((start, last))
    return tuple(left)


def _parse_entry(entry: str) -> tuple[str, Span]:
    physnet, *bounds = entry.split(":")
    if not physnet or len(physnet) > PHYSICAL_NETWORK_CHARS_MAX:
        raise Invalid(
            f"network_vlan_ranges entry {entry!r} has no physical network name of at most "
            f"{PHYSICAL_NETWORK_CHARS_MAX} characters",
            code="PhysicalNetworkNameError",
        )
    match bounds:
        case []:
            low, high = VLAN_ID_MIN, VLAN_ID_MAX
        case [low_text, high_text]:
            low, high = _parse_vlan_id(entry, low_text), _parse_vlan_id(entry, high_text)
        case _:
            raise _range_error(entry, "two values are needed for a VLAN range")
    if high < low:
        raise _range_error(entry, f"the range ends at {high}, before it starts at {low}")
    return physnet, (low, high)


def _parse_vlan_id(entry: str, text: str) -> int:
    if _NUMBER.fullmatch(text) is None or not VLAN_ID_MIN <= int(text) <= VLAN_ID_MAX:
        raise _range_error(entry, f"{text!r} is not a VLAN id from {VLAN_ID_MIN} to {VLAN_ID_MAX}")
    return int(text)


def _range_error(entry: str, error: str) -> Invalid:
    return Invalid(
        f"network_vlan_ranges entry {entry!r}: {error}",
        code="NetworkVlanRangeError",
        hint="write physnet or physnet:min:max, as in physnet1:100:199",
    )


def provider_segment(
    network_type: str | None,
    physical_network: str | None,
    segmentation_id: int | None,
    vlan_physical_networks: Container[str],
    flat_physical_networks: Container[str] | None = None,
) -> tuple[NetworkType, str | None, int | None]:
    """Check ``provider:*`` of a network.

    A VLAN segment may leave the id, or both, to the free ranges; a given id may lie outside of them, but its physical
    network must be known. ``flat_physical_networks`` ``None`` is Neutron's default ``*``: any name. Raises Invalid.
    """
    if not network_type:
        raise _invalid("network_type required")
    if network_type not in tuple(NetworkType):
        raise _invalid(f"network_type value '{network_type}' not supported")
    if physical_network and len(physical_network) > PHYSICAL_NETWORK_CHARS_MAX:
        raise _invalid(f"physical_network is longer than {PHYSICAL_NETWORK_CHARS_MAX} characters")
    if network_type == NetworkType.FLAT:
        _check_flat(physical_network, segmentation_id, flat_physical_networks)
    else:
        _check_vlan(physical_network, segmentation_id, vlan_physical_networks)
    return NetworkType(network_type), physical_network or None, segmentation_id


def _check_flat(physnet: str | None, segmentation_id: int | None, known: Container[str] | None) -> None:
    if not physnet:
        raise _invalid("physical_network required for flat provider network")
    if known is not None and physnet not in known:
        raise _invalid(f"physical_network '{physnet}' unknown for flat provider network")
    if segmentation_id is not None:
        raise _invalid("segmentation_id prohibited for flat provider network")


def _check_vlan(physnet: str | None, segmentation_id: int | None, known: Container[str]) -> None:
    if not physnet and segmentation_id is not None:
        raise _invalid("segmentation_id requires physical_network for VLAN provider network")
    if physnet and physnet not in known:
        raise _invalid(f"physical_network '{physnet}' unknown for VLAN provider network")
    if segmentation_id is not None and not VLAN_ID_MIN <= segmentation_id <= VLAN_ID_MAX:
        raise _invalid(f"segmentation_id out of range ({VLAN_ID_MIN} through {VLAN_ID_MAX})")


def _invalid(reason: str) -> Invalid:
    return Invalid(f"Invalid input for operation: {reason}.")
