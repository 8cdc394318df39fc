"""The operators in the value of an extra spec, as Nova's scheduler filters read them: ``>= 4``, ``<or> ssd <or> nvme``.

The first word is the operator; a value whose first word is none is compared as a whole. ``=`` is Nova's for "at least".
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from mooring.core.quoting import shown
from mooring.errors import Invalid

OR = "<or>"
ALL_IN = "<all-in>"

_OF_NUMBERS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {"=": operator.ge, "==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le}
)
_OF_TEXTS: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {
        "s==": operator.eq,
        "s!=": operator.ne,
        "s<": operator.lt,
        "s<=": operator.le,
        "s>": operator.gt,
        "s>=": operator.ge,
        "<in>": operator.contains,
    }
)
OPERATORS = frozenset({*_OF_NUMBERS, *_OF_TEXTS, OR, ALL_IN})


def match(value: str, requirement: str) -> bool:
    """Whether ``value`` is what ``requirement`` asks for. What is no number is never equal to one, or above it."""
    name, words = _split(requirement)
    if name == OR:
        return value in words[::2]
    if name == ALL_IN:
        return bool(words) and all(word in value for word in words)
    if name in _OF_TEXTS:
        return bool(words) and _OF_TEXTS[name](value, words[0])
    if name in _OF_NUMBERS:
        return bool(words) and _compare(_OF_NUMBERS[name], value, words[0])
    return value == requirement


def check(requirement: str) -> None:
    """Raises Invalid for an operator with nothing to compare, with too much, or with what is not its kind.

    Nova takes these and never matches them, passes over the rest, or fails when a server comes.
    """
    name, words = _split(requirement)
    if name not in OPERATORS:
        return
    if not words:
        raise Invalid(f"{shown(requirement)} compares with nothing", hint=f"write a value after {name}")
    if name == OR:
        if len(words) % 2 == 0 or any(word != OR for word in words[1::2]):
            raise Invalid(f"{shown(requirement)} is no list of alternatives", hint="as in: <or> ssd <or> nvme")
    elif name != ALL_IN and len(words) > 1:
        raise Invalid(f"{shown(requirement)} has {len(words)} values after {name}", hint="one value, without a space")
    elif name in _OF_NUMBERS and _number(words[0]) is None:
        raise Invalid(
            f"{words[0]!r} after {name} is not a number", hint="texts are compared with s==, s<, s> and their kin"
        )


def _split(requirement: str) -> tuple[str, Sequence[str]]:
    words = requirement.split()
    return (words[0], words[1:]) if words else ("", ())


def _compare(holds: Callable[[float, float], bool], value: str, wanted: str) -> bool:
    left, right = _number(value), _number(wanted)
    return left is not None and right is not None and holds(left, right)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
