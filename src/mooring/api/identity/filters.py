"""Filters of the identity lists: equal values, each given once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mooring.api.call import Call
from mooring.api.checks import only_value, truth
from mooring.errors import Invalid

Read = Callable[[str, str], object]

_PAGING = frozenset({"limit", "marker"})


def as_text(name: str, word: str) -> str:
    del name
    return word


#: What every list of named things may be filtered by.
COMMON: Mapping[str, Read] = {"id": as_text, "name": as_text, "domain_id": as_text, "enabled": truth}


def wanted(call: Call, known: Mapping[str, Read]) -> dict[str, object]:
    """The filters of the query. Raises Invalid for an unknown one: to ignore it would answer another question."""
    for name in call.query:
        if name not in known and name not in _PAGING:
            raise Invalid(f"query parameter '{name}' is not known", hint=f"known: {', '.join(sorted(known))}")
    found = {}
    for name, read in known.items():
        word = only_value(call.query, name)
        if word is not None:
            found[name] = read(name, word)
    return found


def matching(views: Sequence[dict[str, Any]], filters: Mapping[str, object]) -> list[dict[str, Any]]:
    """The views that have all these values."""
    return [view for view in views if all(view.get(name) == value for name, value in filters.items())]
