"""Lists and numbers in sentences."""

from collections.abc import Iterable

_SHOWN_CHARS_MAX = 200


def shown(value: object) -> str:
    """A value as a message repeats it: in Python's spelling, on one line, and never at full length."""
    text = str(value)
    text = text if len(text) <= _SHOWN_CHARS_MAX else f"{text[:_SHOWN_CHARS_MAX]}..."
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def either(names: Iterable[str]) -> str:
    """``a``, ``a or b``, ``a, b or c``; in alphabetical order."""
    return _listed(names, "or")


def both(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; in alphabetical order."""
    return _listed(names, "and")


def counted(number: int, noun: str) -> str:
    """``1 host``, ``2 hosts``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _listed(names: Iterable[str], word: str) -> str:
    *rest, last = sorted(names) or ["none"]
    return f"{', '.join(rest)} {word} {last}" if rest else last
