"""What the attributes of a request must be, for the identity and image services.

A check takes the attribute's name and value, and gives the value back or raises Invalid with both. It takes JSON's own
types only: ``1`` is no boolean and ``true`` is no text.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mooring.errors import Invalid

Check = Callable[[str, Any], Any]

_SHOWN_CHARS_MAX = 80
_TEXT_LAYOUT = frozenset("\n\r\t")
_TRUE = frozenset({"1", "t", "true", "on", "y", "yes"})
_FALSE = frozenset({"0", "f", "false", "off", "n", "no"})


def shown(value: object) -> str:
    """A value as an error tells of it: never longer than a line."""
    told = repr(value)
    return told if len(told) <= _SHOWN_CHARS_MAX else f"{told[:_SHOWN_CHARS_MAX]}..."


def refused(name: str, value: object, wanted: str) -> Invalid:
    return Invalid(f"Invalid input for field '{name}': {shown(value)} is not {wanted}")


def text(low: int, high: int, *, is_layout_fine: bool = False) -> Check:
    """``low`` to ``high`` characters without control characters; ``is_layout_fine`` lets tabs and new lines pass."""
    wanted = f"text of {low} to {high} characters"

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or not low <= len(value) <= high:
            raise refused(name, value, wanted)
        allowed = _TEXT_LAYOUT if is_layout_fine else frozenset()
        if any(unicodedata.category(char) in ("Cc", "Cs") and char not in allowed for char in value):
            raise refused(name, value, f"{wanted} without control characters")
        if low and not value.strip():
            raise refused(name, value, f"{wanted} that are not all spaces")
        return value

    return check


def secret(high: int) -> Check:
    """Text whose value no error repeats."""

    def check(name: str, value: Any) -> str:
        if not isinstance(value, str) or len(value) > high:
            raise Invalid(f"Invalid input for field '{name}': it is not text of at most {high} characters")
        return value

    return check


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise refused(name, value, "true or false")
    return value


def whole(low: int, high: int) -> Check:
    def check(name: str, value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise refused(name, value, f"a whole number from {low} to {high}")
        return value

    return check


def one_of(*values: object) -> Check:
    """These values only, of exactly these types."""

    def check(name: str, value: Any) -> Any:
        if not any(value == known and type(value) is type(known) for known in values):
            raise refused(name, value, " or ".join(shown(known) for known in values))
        return value

    return check


def optional(inner: Check) -> Check:
    """The same, or null."""

    def check(name: str, value: Any) -> Any:
        return None if value is None else inner(name, value)

    return check


def texts(item: Check, high: int) -> Check:
    """A list of at most ``high`` texts; doubles are dropped, the order stays."""

    def check(name: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or len(value) > high:
            raise refused(name, value, f"a list of at most {high} texts")
        return tuple(dict.fromkeys(item(name, each) for each in value))

    return check


def attributes(given: Mapping[str, Any], checks: Mapping[str, Check], *needed: str) -> dict[str, Any]:
    """Check every attribute that was given. Raises Invalid for one that is not known, and for a missing needed one."""
    for name in needed:
        if name not in given:
            raise Invalid(f"'{name}' is a required property")
    for name in given:
        if name not in checks:
            hint = f"known: {', '.join(sorted(checks))}"
            raise Invalid(f"Additional properties are not allowed ({shown(name)} was unexpected)", hint=hint)
    return {name: checks[name](name, value) for name, value in given.items()}


def section(value: object, name: str) -> dict[str, Any]:
    """An object inside of a body, as ``name`` says where it is."""
    if not isinstance(value, dict):
        raise Invalid(f"Invalid input for field '{name}': {shown(value)} is not an object")
    return value


def truth(name: str, word: str) -> bool:
    """A boolean of a query string."""
    if word.lower() in _TRUE:
        return True
    if word.lower() in _FALSE:
        return False
    raise refused(name, word, "true or false")


def only_value(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    """The value of a query parameter that may be given once. Raises Invalid for more."""
    values = query.get(name)
    if not values:
        return None
    if len(values) > 1:
        raise Invalid(f"query parameter '{name}' is given {len(values)} times")
    return values[0]


def limit(query: Mapping[str, Sequence[str]], high: int) -> int:
    """``limit`` of a query, at most ``high``; without one, ``high``. Raises Invalid for anything but digits."""
    word = only_value(query, "limit")
    if word is None:
        return high
    if not (word.isascii() and word.isdigit()):
        raise refused("limit", word, "a number from 0 up")
    return min(int(word), high) if len(word) < len(str(high)) + 2 else high
