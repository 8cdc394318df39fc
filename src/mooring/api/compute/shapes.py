"""What a request body may look like, as values: each shape reads one JSON value, or says in Nova's words what is wrong.

Clients show these messages, and their tests look for them; so the reasons read like those of JSON schema, which Nova
uses. A shape that a field has only in some microversions is a ``Field`` with ``since`` or ``until``.
"""

import base64
import binascii
import ipaddress
import re
import unicodedata
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from mooring.api.compute.microversion import Microversion
from mooring.errors import Invalid

INT_MAX = 2**31 - 1
_SHOWN_CHARS_MAX = 512
_DIGITS = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_TRUE = frozenset({"true", "1", "on", "yes"})
_FALSE = frozenset({"false", "0", "off", "no"})


class At(NamedTuple):
    """Where in the body we are, and what version the request is in."""

    name: str
    version: Microversion

    def below(self, name: str) -> "At":
        return At(name, self.version)


class Shape(Protocol):
    def read(self, value: Any, at: At) -> Any:
        """The checked value. Raises Invalid, naming the field, the value and the reason."""


def refuse(name: str, value: object, reason: str) -> Invalid:
    """Nova's sentence for a field that cannot be."""
    return Invalid(f"Invalid input for field/attribute {name}. Value: {_shown(value, str)}. {reason}")


def _shown(value: object, how: Callable[[object], str] = repr) -> str:
    text = how(value)
    return text if len(text) <= _SHOWN_CHARS_MAX else text[:_SHOWN_CHARS_MAX] + "…"


def _must_be(kind: type | tuple[type, ...], words: str, value: Any, name: str) -> None:
    """JSON's own types: a boolean is no integer."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise refuse(name, value, f"{_shown(value)} is not of type {words}")


@dataclass(frozen=True, slots=True)
class Text:
    low: int = 0
    high: int = 255
    pattern: re.Pattern[str] | None = None
    is_nullable: bool = False

    def read(self, value: Any, at: At) -> str | None:
        if value is None and self.is_nullable:
            return None
        _must_be(str, "'string'", value, at.name)
        if len(value) < self.low:
            raise refuse(at.name, value, f"{_shown(value)} {'is too short' if value else 'should be non-empty'}")
        if len(value) > self.high:
            raise refuse(at.name, value, f"{_shown(value)} is too long")
        if self.pattern is not None and not self.pattern.fullmatch(value):
            raise refuse(at.name, value, f"{_shown(value)} does not match {self.pattern.pattern!r}")
        if "\0" in value:
            raise refuse(at.name, value, f"{_shown(value)} holds a NUL")
        return str(value)


#: One tag of a server or of a nic.
TAG = Text(1, 60, re.compile(r"[^/,]+"))


@dataclass(frozen=True, slots=True)
class Name:
    """A name as Nova allows it: printable, and no space at either end."""

    high: int = 255

    def read(self, value: Any, at: At) -> str:
        text = str(Text(1, self.high).read(value, at))
        if text != text.strip() or any(unicodedata.category(character).startswith("C") for character in text):
            raise refuse(
                at.name, value, "The name must be: printable characters. Can not start or end with whitespace."
            )
        return text


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, or its digits as text, as Nova takes both."""

    low: int = 0
    high: int = INT_MAX

    def read(self, value: Any, at: At) -> int:
        _must_be((int, str), "'integer', 'string'", value, at.name)
        if isinstance(value, str) and not _DIGITS.fullmatch(value):
            raise refuse(at.name, value, f"{_shown(value)} does not match '^[0-9]*$'")
        number = int(value)
        if number < self.low:
            raise refuse(at.name, value, f"{number} is less than the minimum of {self.low}")
        if number > self.high:
            raise refuse(at.name, value, f"{number} is greater than the maximum of {self.high}")
        return number


@dataclass(frozen=True, slots=True)
class Number:
    """A positive number, or its digits as text."""

    high: float

    def read(self, value: Any, at: At) -> float:
        _must_be((int, float, str), "'number', 'string'", value, at.name)
        try:
            number = float(value)
        except (ValueError, OverflowError) as wrong:
            raise refuse(at.name, value, f"{_shown(value)} is not a number") from wrong
        if not 0 < number <= self.high:
            raise refuse(at.name, value, f"{_shown(value)} is not above 0 and at most {self.high:g}")
        return number


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean, or a word for one."""

    def read(self, value: Any, at: At) -> bool:
        if isinstance(value, bool):
            return value
        word = value.lower() if isinstance(value, str) else ""
        if word not in _TRUE | _FALSE:
            raise refuse(at.name, value, f"{_shown(value)} is not one of [True, 'true', '1', False, 'false', '0']")
        return word in _TRUE


@dataclass(frozen=True, slots=True)
class Uuid:
    is_nullable: bool = False

    def read(self, value: Any, at: At) -> str | None:
        if value is None and self.is_nullable:
            return None
        _must_be(str, "'string'", value, at.name)
        try:
            return str(uuid.UUID(value))
        except ValueError as wrong:
            raise refuse(at.name, value, f"{_shown(value)} is not a 'uuid'") from wrong


@dataclass(frozen=True, slots=True)
class IpAddress:
    def read(self, value: Any, at: At) -> str:
        _must_be(str, "'string'", value, at.name)
        try:
            return str(ipaddress.ip_address(value))
        except ValueError as wrong:
            raise refuse(at.name, value, f"{_shown(value)} is not a 'ipv4' or 'ipv6'") from wrong


@dataclass(frozen=True, slots=True)
class Base64:
    high: int

    def read(self, value: Any, at: At) -> str | None:
        text = Text(0, self.high, is_nullable=True).read(value, at)
        try:
            base64.b64decode("".join((text or "").split()), validate=True)
        except (binascii.Error, ValueError) as wrong:
            raise refuse(at.name, value, f"{_shown(value)} is not a 'base64'") from wrong
        return text


@dataclass(frozen=True, slots=True)
class Only:
    """These values and no others; ``why`` says what the others would need."""

    values: tuple[object, ...]
    why: str = ""

    def read(self, value: Any, at: At) -> Any:
        # 1 == True in Python, and not in JSON.
        if not any(value == known and type(value) is type(known) for known in self.values):
            reason = f"{_shown(value)} is not one of {list(self.values)!r}"
            raise refuse(at.name, value, f"{reason}: {self.why}" if self.why else reason)
        return value


@dataclass(frozen=True, slots=True)
class Nothing:
    """A field of Nova's that is understood and cannot be had here, whatever its value."""

    why: str
    is_secret: bool = False
    """The value is not repeated."""

    def read(self, value: Any, at: At) -> None:
        raise refuse(at.name, "***" if self.is_secret else value, self.why)


@dataclass(frozen=True, slots=True)
class ListOf:
    item: Shape
    high: int
    is_unique: bool = False

    def read(self, value: Any, at: At) -> list[Any]:
        _must_be(list, "'array'", value, at.name)
        if len(value) > self.high:
            raise refuse(at.name, value, f"{_shown(value)} is too long")
        items = [self.item.read(item, at.below(str(index))) for index, item in enumerate(value)]
        if self.is_unique and len({repr(item) for item in items}) != len(items):
            raise refuse(at.name, value, f"{_shown(value)} has non-unique elements")
        return items


@dataclass(frozen=True, slots=True)
class TextMap:
    """Keys of one form to short texts; numbers are taken as their digits."""

    keys: re.Pattern[str]
    high: int
    numbers: bool = False

    def read(self, value: Any, at: At) -> dict[str, str]:
        _must_be(dict, "'object'", value, at.name)
        if len(value) > self.high:
            raise refuse(at.name, value, f"{_shown(value)} has too many properties")
        for key in value:
            if not self.keys.fullmatch(key):
                raise refuse(at.name, value, f"{_shown(key)} does not match any of the regexes: {self.keys.pattern!r}")
        return {key: self._text(item, at.below(key)) for key, item in value.items()}

    def _text(self, value: Any, at: At) -> str:
        if self.numbers and isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        return str(Text(0, 255).read(value, at))


@dataclass(frozen=True, slots=True)
class Field:
    shape: Shape
    is_required: bool = False
    since: tuple[int, int] = (2, 1)
    until: tuple[int, int] | None = None
    """The last version that has it."""
    required_since: tuple[int, int] | None = None

    def is_in(self, version: Microversion) -> bool:
        return self.since <= version and (self.until is None or version <= self.until)

    def is_owed(self, version: Microversion) -> bool:
        return self.is_required or (self.required_since is not None and version >= self.required_since)


@dataclass(frozen=True, slots=True)
class Object:
    """These fields and no others. What is read has just the fields that were given."""

    fields: Mapping[str, Field]

    def read(self, value: Any, at: At) -> dict[str, Any]:
        _must_be(dict, "'object'", value, at.name)
        known = {key: field for key, field in self.fields.items() if field.is_in(at.version)}
        missing = [key for key, field in known.items() if field.is_owed(at.version) and key not in value]
        if missing:
            raise refuse(at.name, value, f"{missing[0]!r} is a required property")
        strange = [key for key in value if key not in known]
        if strange:
            raise refuse(at.name, value, unexpected(strange))
        return {key: known[key].shape.read(item, at.below(key)) for key, item in value.items()}


def unexpected(keys: Sequence[str]) -> str:
    """The words for properties that nobody knows."""
    were = "was" if len(keys) == 1 else "were"
    return f"Additional properties are not allowed ({', '.join(_shown(key) for key in keys)} {were} unexpected)"


def envelope(body: Any, name: str, shape: Shape, version: Microversion, beside: Sequence[str] = ()) -> Any:
    """Read ``{"name": {...}}``, with nothing but ``beside`` next to it."""
    if not isinstance(body, dict):
        raise Invalid(f"{_shown(body)} is not of type 'object'")
    if name not in body:
        raise Invalid(f"{name!r} is a required property")
    if strange := [key for key in body if key != name and key not in beside]:
        raise Invalid(unexpected(strange))
    return shape.read(body[name], At(name, version))
