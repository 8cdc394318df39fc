"""How functions are put in order: PFs with their VFs beneath them, and what there is to say of single ones."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mooring.cli.text import filled, plain, say

Device = Mapping[str, Any]
"""As ``/mooring/v1/pci-devices`` shows it."""


def trees(devices: Sequence[Device]) -> list[tuple[Device | None, Sequence[Device]]]:
    """Each PF with its VFs by index; last, under ``None``, what has no PF or whose PF is not there."""
    pfs = {one["address"]: one for one in devices if one["kind"] == "type-PF"}
    below: dict[str | None, list[Device]] = {address: [] for address in pfs}
    for one in devices:
        if one["address"] not in pfs:
            below.setdefault(one["pf"] if one["pf"] in pfs else None, []).append(one)
    return [
        (pfs.get(address or ""), sorted(found, key=lambda one: (one["vf_index"] or 0, one["address"])))
        for address, found in below.items()
    ]


def print_notes(title: str, notes: Sequence[tuple[str, str]]) -> None:
    """What there is to say of single functions: each text once, the addresses below it; empty texts say nothing."""
    for line in note_lines(title, notes):
        say(line)


def note_lines(title: str, notes: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The same as lines, an empty one before each text."""
    by_text: dict[str, list[str]] = {}
    for name, text in notes:
        if text:
            by_text.setdefault(plain(text), []).append(name)
    for text, names in by_text.items():
        yield ""
        yield from filled(f"{title}: {text}", indent="    ").split("\n")
        yield from filled(", ".join(names), "  ", "  ").split("\n")


def speed(mbps: int | None) -> str | None:
    """A link's speed as a person says it."""
    if not mbps:
        return None
    return f"{mbps / 1000:g} Gb/s" if mbps >= 1000 else f"{mbps} Mb/s"  # noqa: PLR2004 - 1000 Mb are a Gb


def ranges(numbers: Iterable[int]) -> str:
    """``0-3, 8`` of 0, 1, 2, 3 and 8."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in found)
