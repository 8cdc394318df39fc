"""Nova's ``address`` of a ``device_spec``: a string of fields with wildcards, or an object of regular expressions.

Told exactly as Nova 34 answers (``nova/pci/devspec.py``), its surprises included: missing fields on the left are any,
an address that is exactly a PF's stands for its VFs too, one with a wildcard in any field does not, and a regular
expression is held against the start of a field only. What Nova refuses is refused, and ``code`` is the class of the
exception that Nova raises; where it breaks by itself, that of Python's.
"""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import hexdigits

from mooring.core.quoting import shown
from mooring.errors import Invalid

ANY = "*"
Fields = tuple[str, str, str, str]
"""Domain, bus, slot and function as text, with the digits that libvirt gives them."""

_REGEX_ANY = ".*"
_DBS_FIELDS = 3
_MAXIMA = {"domain": 0xFFFF, "bus": 0xFF, "slot": 0x1F, "func": 0x7, "vendor_id": 0xFFFF, "product_id": 0xFFFF}
_DIGITS = {"domain": 4, "bus": 2, "slot": 2, "func": 1, "vendor_id": 4, "product_id": 4}
IsPf = Callable[[str], bool]
"""Whether the function at an address has ``sriov_totalvfs`` over 0."""


@dataclass(frozen=True, slots=True)
class NovaAddress:
    """What an ``address`` or a ``devname`` came to."""

    fields: Fields
    patterns: tuple[re.Pattern[str], ...] | None
    """The object form; ``None`` is the string form."""
    is_physical_function: bool

    def matches(self, address: str, parent: str | None) -> bool:
        """``parent`` is the address of a VF's PF."""
        if self.is_physical_function and parent and self._matches(split_address(parent)):
            return True
        return self._matches(split_address(address))

    def _matches(self, fields: Fields) -> bool:
        if self.patterns is not None:
            return all(pattern.match(text) for pattern, text in zip(self.patterns, fields, strict=True))
        return all(wanted in (ANY, text) for wanted, text in zip(self.fields, fields, strict=True))

    def __str__(self) -> str:
        domain, bus, slot, function = self.fields
        return f"{domain}:{bus}:{slot}.{function}"


def read_address(value: object, is_pf: IsPf) -> NovaAddress:
    """Raises Invalid for what Nova refuses. Something empty is every function of the host, as it is for Nova."""
    value = value or "*:*:*.*"
    if isinstance(value, str):
        fields, patterns = _glob(value), None
    elif isinstance(value, Mapping):
        fields, patterns = _regexes(value)
    else:
        raise Invalid(f"address = {shown(value)} is no text and no object", code="PciDeviceWrongAddressFormat")
    # Nova asks this of the text: a regular expression of nothing but hex digits is an address too.
    is_single = all(char in hexdigits for text in fields for char in text)
    address = NovaAddress(fields, patterns, is_physical_function=False)
    return NovaAddress(fields, patterns, is_single and is_pf(str(address)))


def hex_field(name: str, value: object) -> str:
    """A number as Nova reads and pads it. Raises Invalid for what is none or too big."""
    if value == ANY:
        return ANY
    if not isinstance(value, str):
        raise Invalid(f"{name} = {shown(value)} is no text, and Nova breaks on it", code="TypeError")
    try:
        number = int(value, 16)
    except ValueError as wrong:
        raise Invalid(f"{name} = {shown(value)} is no hex number", code="PciConfigInvalidSpec") from wrong
    if number > _MAXIMA[name]:
        raise Invalid(f"{name} = {shown(value)} is over {_MAXIMA[name]:X}", code="PciConfigInvalidSpec")
    return f"{number:0{_DIGITS[name]}x}"


def split_address(address: str) -> Fields:
    """The fields of a real function's address."""
    above, _, function = address.partition(".")
    domain, bus, slot = above.split(":")
    return domain, bus, slot, function


def _glob(text: str) -> Fields:
    above, _, function = text.partition(".")
    func = hex_field("func", function.strip()) if function else ANY
    if not above:
        return ANY, ANY, ANY, func
    parts = above.split(":")
    if len(parts) > _DBS_FIELDS:
        raise Invalid(f"address = {shown(text)} has too many fields", code="PciDeviceWrongAddressFormat")
    filled = [part.strip() or ANY for part in [ANY] * (_DBS_FIELDS - len(parts)) + parts]
    domain, bus, slot = (hex_field(name, part) for name, part in zip(("domain", "bus", "slot"), filled, strict=True))
    return domain, bus, slot, func


def _regexes(value: Mapping[str, object]) -> tuple[Fields, tuple[re.Pattern[str], ...]]:
    texts = [value.get(key, _REGEX_ANY) for key in ("domain", "bus", "slot", "function")]
    fields: list[str] = []
    for text in texts:
        if not isinstance(text, str):
            raise Invalid(f"address has {shown(text)}, no regular expression; Nova breaks on it", code="TypeError")
        fields.append(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            patterns = tuple(re.compile(text) for text in fields)
    except (re.error, OverflowError, RecursionError) as wrong:
        raise Invalid(
            f"address = {shown(dict(value))} has a wrong regular expression: {wrong}",
            code="PciDeviceWrongAddressFormat",
        ) from wrong
    domain, bus, slot, function = fields
    return (domain, bus, slot, function), patterns
