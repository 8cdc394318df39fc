"""How many functions are left, of those that are handed out."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from mooring.cli.text import filled, plain
from mooring.cli.tree import Device

FREE = "available"


def free_lines(devices: Sequence[Device]) -> Iterator[str]:
    """How many of the functions that are handed out are free: by physical network, PCI group and NUMA node."""
    given = _given(devices)
    parts = (
        _free(given, lambda one: [f"on {plain(one['physical_network'])}"] if one["physical_network"] else []),
        _free(given, lambda one: [f"in PCI group {plain(name)}" for name in one["groups"]]),
        _free(given, lambda one: ["with no NUMA node" if one["numa_node"] is None else f"on NUMA {one['numa_node']}"]),
    )
    if given:
        yield from filled("; ".join(filter(None, (free_of(given), *parts))), "FREE  ", "      ").split("\n")


def free_of(devices: Sequence[Device]) -> str:
    """``12 of 16``, of those that are handed out."""
    given = _given(devices)
    return f"{sum(map(is_free, given))} of {len(given)}"


def _given(devices: Sequence[Device]) -> Sequence[Device]:
    return [one for one in devices if one["is_offered"] or one["owner"] is not None]


def _free(given: Sequence[Device], names: Callable[[Device], Sequence[str]]) -> str:
    there = Counter(name for one in given for name in names(one))
    free = Counter(name for one in given if is_free(one) for name in names(one))
    return ", ".join(f"{free[name]} of {there[name]} {name}" for name in sorted(there))


def is_free(one: Device) -> bool:
    return bool(one["state"] == FREE)
