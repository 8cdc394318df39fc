"""Name filters: the part of regular expressions that people type, matched in linear time.

Nova hands the filter to its database as a regular expression. Python's ``re`` can be made to run for years by a
pattern of thirty characters, so each atom here stands for one character, and a set of places in the pattern walks
along the text: at most (length of the pattern) x (length of the text) steps.
"""

import re
from dataclasses import dataclass

from mooring.errors import Invalid

PATTERN_CHARS_MAX = 255
_ATOM = re.compile(r"(?P<atom>\\[dDsSwW\W_]|\[\^?\]?[^\]]*\]|[^()|{}*+?\\\[^$])(?P<many>[*+?]?)", re.DOTALL | re.ASCII)


@dataclass(frozen=True, slots=True)
class _Atom:
    accepts: re.Pattern[str]
    is_optional: bool
    is_repeated: bool


class Pattern:
    """``^``, ``$``, ``.``, ``[...]``, escapes, and ``*``, ``+`` or ``?`` behind one character; found anywhere.

    Clients look servers up with their plain names, so that the text as it stands counts as found too.
    """

    def __init__(self, text: str):
        """Raises Invalid for a text that is too long. Groups, alternatives and counts are in ``refusal``."""
        if len(text) > PATTERN_CHARS_MAX:
            raise Invalid(f"a pattern of {len(text)} characters is over {PATTERN_CHARS_MAX}")
        self._literal = text.lower()
        self.refusal: Invalid | None = None
        """Why the text is no pattern that is served here; it is then looked for as it stands."""
        self._is_from_start = text.startswith("^")
        body = text[1:] if self._is_from_start else text
        self._is_to_end = body.endswith("$") and not body.endswith("\\$")
        self._atoms: tuple[_Atom, ...] = ()
        try:
            self._atoms = _atoms(body[:-1] if self._is_to_end else body, text)
        except Invalid as refusal:
            self.refusal = refusal

    def is_in(self, text: str) -> bool:
        """Whether it is found in ``text``; letters match in either case, as in Nova on MySQL."""
        return self._literal in text.lower() or (self.refusal is None and self._matches(text))

    def _matches(self, text: str) -> bool:
        start = self._past_optional({0})
        places = start
        for character in text:
            if self._is_done(places):
                return True
            places = self._past_optional(self._step(places, character))
            if not self._is_from_start:
                places |= start
        return len(self._atoms) in places

    def _is_done(self, places: set[int]) -> bool:
        return not self._is_to_end and len(self._atoms) in places

    def _step(self, places: set[int], character: str) -> set[int]:
        after: set[int] = set()
        for place in places:
            if place < len(self._atoms) and self._atoms[place].accepts.fullmatch(character):
                after.add(place + 1)
                if self._atoms[place].is_repeated:
                    after.add(place)
        return after

    def _past_optional(self, places: set[int]) -> set[int]:
        reached = set(places)
        for place in range(len(self._atoms)):
            if place in reached and self._atoms[place].is_optional:
                reached.add(place + 1)
        return reached


def _atoms(body: str, text: str) -> tuple[_Atom, ...]:
    atoms: list[_Atom] = []
    place = 0
    while place < len(body):
        match = _ATOM.match(body, place)
        if match is None:
            raise Invalid(
                f"pattern {text!r} cannot be used from {body[place:]!r} on",
                hint="groups, alternatives and counts are not served; . * + ? [...] ^ and $ are",
            )
        many = match["many"]
        try:
            accepts = re.compile(match["atom"], re.DOTALL | re.IGNORECASE)
        except re.error as wrong:
            raise Invalid(f"pattern {text!r} has {match['atom']!r}, which is no pattern: {wrong}") from wrong
        atoms.append(_Atom(accepts, many in {"*", "?"}, many in {"*", "+"}))
        place = match.end()
    return tuple(atoms)
