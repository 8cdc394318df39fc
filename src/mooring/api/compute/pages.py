"""``limit``, ``marker``, ``sort_key`` and ``sort_dir``, and the rule that an unknown query key is refused."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mooring.api.call import Call
from mooring.api.compute.links import Link, next_page
from mooring.api.compute.shapes import unexpected
from mooring.errors import Invalid

T = TypeVar("T")
Sort = tuple[tuple[str, bool], ...]
PAGING = frozenset({"limit", "marker"})
SORTING = frozenset({"sort_key", "sort_dir"})
_LIMIT = re.compile(r"[0-9]{1,15}", re.ASCII)
_SORT_KEYS_MAX = 8
_TRUE = frozenset({"1", "t", "true", "on", "y", "yes"})
_FALSE = frozenset({"0", "f", "false", "off", "n", "no"})


@dataclass(frozen=True, slots=True)
class Page:
    """What part of a list is asked for. ``sort`` is in the store's columns, most important first."""

    limit: int
    marker: str | None
    sort: Sort


def refuse_unknown(call: Call, known: Iterable[str]) -> None:
    """A filter that is not understood would return too much."""
    if strange := sorted(set(call.query) - set(known)):
        raise Invalid(unexpected(strange))


def bad_query(name: str, value: str, reason: str) -> Invalid:
    """Nova's sentence for a query parameter that cannot be."""
    return Invalid(f"Invalid input for query parameters {name}. Value: {value[:255]}. {reason}")


def last(call: Call, name: str) -> str | None:
    """The last value of a query key: of a key given twice, Nova takes that one."""
    values = call.query.get(name)
    return values[-1] if values else None


def flag(call: Call, name: str, default: bool) -> bool:
    """A boolean in any of the spellings that clients use."""
    value = last(call, name)
    if value is None:
        return default
    word = value.lower()
    if word not in _TRUE | _FALSE:
        raise bad_query(name, value, f"{value[:255]!r} is not a boolean")
    return word in _TRUE


def page(call: Call, columns: Mapping[str, str], default: Sort) -> Page:
    """Read the paging keys. ``columns`` names the store's column for each sort key that there is."""
    most = call.controller.world.config.page_max
    text = last(call, "limit")
    if text is not None and not _LIMIT.fullmatch(text):
        raise bad_query("limit", text, f"{text[:255]!r} does not match '^[0-9]*$'")
    return Page(most if text is None else min(int(text), most), last(call, "marker"), _sort(call, columns, default))


def _sort(call: Call, columns: Mapping[str, str], default: Sort) -> Sort:
    keys, directions = call.query.get("sort_key", []), call.query.get("sort_dir", [])
    if len(keys) > _SORT_KEYS_MAX or len(directions) > max(len(keys), 1):
        raise Invalid(f"{len(keys)} sort keys and {len(directions)} sort directions do not go together")
    for key in keys:
        if key not in columns:
            raise bad_query("sort_key", key, f"{key[:255]!r} is not one of {sorted(columns)}")
    for direction in directions:
        if direction not in ("asc", "desc"):
            raise bad_query("sort_dir", direction, f"{direction[:255]!r} is not one of ['asc', 'desc']")
    if not keys:
        return tuple((name, directions[0] == "asc") for name, _ in default) if directions else default
    # A missing direction is Nova's: descending, or the first one that was given.
    rest = [directions[0] if directions else "desc"] * (len(keys) - len(directions))
    pairs = zip(keys, [*directions, *rest], strict=True)
    return tuple({columns[key]: direction == "asc" for key, direction in pairs}.items())


def cut(items: Sequence[T], limit: int) -> list[T]:
    """The first ``limit`` of what was found."""
    return list(items[:limit])


def more(
    call: Call, page: Page, shown: Sequence[T], collection: str, ident: Callable[[T], str]
) -> dict[str, list[Link]]:
    """``{"servers_links": [next]}`` when the page is full, for then there may be more."""
    if not shown or len(shown) < page.limit:
        return {}
    return {f"{collection}_links": next_page(call, ident(shown[-1]))}
