"""Values of a file of hosts or requests, each read with its place, so that what is wrong can be said where it is."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from mooring.core.quoting import shown
from mooring.core.words import either
from mooring.errors import Invalid

T = TypeVar("T")
_TEXT_CHARS_MAX = 255
_TEXTS_MAX = 256


@dataclass(frozen=True, slots=True)
class Place:
    """An object of the file; ``name`` goes before the key in messages, as in ``host h1: ``."""

    name: str
    value: Mapping[str, object]

    def wrong(self, key: str, value: object, wanted: str) -> Invalid:
        return Invalid(f"{self.name}{key} = {shown(value)}", hint=f"{key} is {wanted}")

    def refuse_others(self, known: Collection[str]) -> None:
        """Raises Invalid for a key that is none of these."""
        for key in self.value:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
                raise Invalid(f"{self.name}{shown(key)} is no key of it", hint=hint)

    def objects(self, key: str, most: int, hint: str) -> "Sequence[Place]":
        """A list of objects, which has to be there."""
        value = self.value.get(key)
        if not isinstance(value, list):
            raise Invalid(f"{self.name}{key} = {shown(value)} is no list", hint=hint)
        if len(value) > most:
            raise Invalid(f"{self.name}{key} has {len(value)} entries", hint=f"{most} at most")
        for number, one in enumerate(value, start=1):
            if not isinstance(one, dict):
                raise Invalid(f"{self.name}entry {number} of {key} is {shown(one)}, no object", hint=hint)
        return [Place(f"{self.name}entry {number} of {key}: ", one) for number, one in enumerate(value, start=1)]

    def text(self, key: str, chars_max: int = _TEXT_CHARS_MAX) -> str | None:
        value = self.value.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not 0 < len(value) <= chars_max:
            raise self.wrong(key, value, f"a text of 1 to {chars_max} characters, or null")
        return value

    def required_text(self, key: str, wanted: str) -> str:
        text = self.text(key)
        if text is None:
            raise Invalid(f"{self.name}it has no {key}", hint=f"{key} is {wanted}")
        return text

    def texts(self, key: str) -> Sequence[str]:
        """A list of texts; none if it is not there."""
        value = self.value.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > _TEXTS_MAX or not all(isinstance(one, str) for one in value):
            raise self.wrong(key, value, f"a list of at most {_TEXTS_MAX} texts")
        return value

    def any_of(self, key: str) -> Sequence[str]:
        """A text, or a list of texts of which any will do; none if it does not matter."""
        value = self.value.get(key)
        if value is None:
            return ()
        several = value if isinstance(value, list) else [value]
        texts = [one for one in several if isinstance(one, str) and 0 < len(one) <= _TEXT_CHARS_MAX]
        if len(texts) < len(several) or not 0 < len(texts) <= _TEXTS_MAX:
            raise self.wrong(key, value, f"a text, a list of 1 to {_TEXTS_MAX} texts of which any will do, or null")
        return texts

    def number(self, key: str, low: int, high: int) -> int | None:
        value = self.value.get(key)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(key, value, f"a whole number from {low} to {high}, or null")
        return value

    def numbers(self, key: str, most: int) -> tuple[int, ...]:
        """A list of whole numbers from 0; none if it is not there."""
        value = self.value.get(key)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > most or not all(type(one) is int and one >= 0 for one in value):
            raise self.wrong(key, value, f"a list of at most {most} whole numbers from 0")
        return tuple(value)

    def ratio(self, key: str, high: float) -> float | None:
        value = self.value.get(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= high:
            raise self.wrong(key, value, f"a number above 0 and up to {high:g}, or null")
        return float(value)

    def moment(self, key: str) -> datetime | None:
        text = self.text(key)
        try:
            return None if text is None else datetime.fromisoformat(text)
        except ValueError as wrong:
            raise self.wrong(key, text, "a time, as in 2026-11-20T10:02:00Z, or null") from wrong

    def properties(self, key: str) -> Mapping[str, str]:
        """An object of texts; none if it is not there."""
        value = self.value.get(key)
        if value is None:
            return {}
        if isinstance(value, dict) and len(value) <= _TEXTS_MAX and all(isinstance(v, str) for v in value.values()):
            return value
        raise self.wrong(key, value, f"an object of at most {_TEXTS_MAX} texts, or null")

    def flag(self, key: str) -> bool | None:
        value = self.value.get(key)
        if value is not None and not isinstance(value, bool):
            raise self.wrong(key, value, "true, false or null")
        return value


def one_of(place: Place, key: str, words: Mapping[str, T]) -> T | None:
    """What the word under ``key`` stands for. Raises Invalid for a word that is none of these."""
    word = place.text(key)
    if word is None:
        return None
    if word not in words:
        raise place.wrong(key, word, f"{either(words)}, or null")
    return words[word]


def required_one_of(place: Place, key: str, words: Mapping[str, T]) -> T:
    """The same of a key that has to be there."""
    word = place.required_text(key, either(words))
    if word not in words:
        raise place.wrong(key, word, either(words))
    return words[word]
