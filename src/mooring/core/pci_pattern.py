"""Patterns of PCI addresses: one function, a wildcard or a range in a whole field, or a range between two addresses.

A wildcard stands for a whole field, as in Nova. Unlike there nothing may be left out but the domain, which is 0000
then and never "any": what is not written is not matched.
"""

import re
from dataclasses import dataclass

from mooring.model.pci import PciAddress

Span = tuple[int, int]
"""First and last value, both included."""

_WILD = "*"
_PARTS_MAX = 3
"""Domain, bus and slot; the domain may be left out."""
_SHOWN_MAX_CHARS = 40
_FIELD = re.compile(r"([0-9a-f]+)(?:-([0-9a-f]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One field of an address."""

    name: str
    digits_min: int
    digits_max: int
    value_max: int
    example: str


_DOMAIN = _Kind("domain", 4, 8, 0xFFFFFFFF, "0000-0001")
_BUS = _Kind("bus", 2, 2, 0xFF, "81-82")
_SLOT = _Kind("slot", 2, 2, 0x1F, "10-11")
_FUNCTION = _Kind("function", 1, 1, 7, "0-3")


@dataclass(frozen=True, slots=True)
class AddressPattern:
    """``0000:81:10-11.*``: a span of values for each field."""

    text: str
    domain: Span
    bus: Span
    slot: Span
    function: Span

    def covers(self, address: PciAddress) -> bool:
        values = (address.domain, address.bus, address.slot, address.function)
        spans = (self.domain, self.bus, self.slot, self.function)
        return all(first <= value <= last for value, (first, last) in zip(values, spans, strict=True))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class AddressRange:
    """``0000:81:10.0-0000:81:11.7``: both ends, and all between them in the order of the bus."""

    first: PciAddress
    last: PciAddress

    def covers(self, address: PciAddress) -> bool:
        return self.first <= address <= self.last

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


AddressSelector = PciAddress | AddressPattern | AddressRange


class PatternError(ValueError):
    """What is wrong with the text of a pattern, and ``hint``, what to write instead."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


def covers(selector: AddressSelector, address: PciAddress) -> bool:
    """Whether the address is the one, or one of those, that are meant."""
    return selector == address if isinstance(selector, PciAddress) else selector.covers(address)


def parse_addresses(text: str) -> AddressSelector:
    """Read an address or a pattern of addresses; letters may be capitals.

    Raises PatternError: for what is none, for a wildcard in a part of a field, for a range that runs backwards, and for
    wildcards alone, which select nothing in particular.
    """
    text = text.lower()
    exact = _address(text)
    return exact or _range(text) or _pattern(text)


def _address(text: str) -> PciAddress | None:
    try:
        return PciAddress.parse(text)
    except ValueError:
        return None


def _range(text: str) -> AddressRange | None:
    before, _, after = text.partition("-")
    first, last = _address(before), _address(after)
    if first is None or last is None:
        return None
    if last < first:
        raise PatternError("runs backwards", f"write {last}-{first}")
    return AddressRange(first, last)


def _pattern(text: str) -> AddressPattern:
    above, dot, function = text.rpartition(".")
    parts = above.split(":")
    if not dot or len(parts) not in (_PARTS_MAX - 1, _PARTS_MAX):
        raise PatternError("is not a PCI address and no pattern of them", 'as in "0000:81:10.4" or "0000:81:10-11.*"')
    domain = _span(parts[0], _DOMAIN) if len(parts) == _PARTS_MAX else (0, 0)
    spans = domain, _span(parts[-2], _BUS), _span(parts[-1], _SLOT), _span(function, _FUNCTION)
    if {parts[-2], parts[-1], function} == {_WILD}:
        raise PatternError("selects everything of a domain", "give bus, slot or function; or leave address out")
    return AddressPattern(text, *spans)


def _span(text: str, kind: _Kind) -> Span:
    if text == _WILD:
        return 0, kind.value_max
    shown = text if len(text) <= _SHOWN_MAX_CHARS else text[:_SHOWN_MAX_CHARS] + "..."
    match = _FIELD.fullmatch(text)
    if match is None:
        if not text:
            raise PatternError(f"leaves out the {kind.name}", f"write * for any {kind.name}")
        if any(sign in text for sign in "*?[]|"):
            what = f"has {shown!r} as {kind.name}: a wildcard stands for a whole field, and this would match nothing"
            raise PatternError(what, f"write a range, as in {kind.example}")
        raise PatternError(f"has {shown!r} as {kind.name}, which is no hex number", f"as in {kind.example}, or *")
    first, last = (_number(digits, kind, shown) for digits in (match[1], match[2] or match[1]))
    if last < first:
        raise PatternError(f"has {shown!r} as {kind.name}, which runs backwards", f"write {match[2]}-{match[1]}")
    return first, last


def _number(digits: str, kind: _Kind, shown: str) -> int:
    if not kind.digits_min <= len(digits) <= kind.digits_max:
        raise PatternError(
            f"has {shown!r} as {kind.name}, and the kernel writes it with {kind.digits_min} hex digits",
            f"as in {kind.example}, or *",
        )
    value = int(digits, 16)
    if value > kind.value_max:
        raise PatternError(f"has {shown!r} as {kind.name}, over {kind.value_max:x}", f"as in {kind.example}, or *")
    return value
