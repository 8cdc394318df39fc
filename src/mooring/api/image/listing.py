"""The query of ``GET /v2/images``: filters, order, page."""

import csv
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from mooring.api.call import Call
from mooring.api.checks import limit, only_value, refused, truth
from mooring.api.image.attributes import READ_ONLY
from mooring.errors import Invalid
from mooring.service.images import ImageQuery

_IN_MAX = 1000
_SORTABLE = {
    "name": "name",
    "status": "status",
    "container_format": "container_format",
    "disk_format": "disk_format",
    "size": "size_bytes",
    "id": "id",
    "created_at": "created_at",
    "updated_at": "updated_at",
}
_NEWEST_FIRST = (("created_at", False), ("id", False))
_PAGING = frozenset({"limit", "marker", "sort", "sort_key", "sort_dir"})


def _text(name: str, word: str) -> object:
    del name
    return word


def _number(name: str, word: str) -> object:
    if not (word.isascii() and word.isdigit()):
        raise refused(name, word, "a whole number")
    return int(word)


def _truth(name: str, word: str) -> object:
    return int(truth(name, word))


#: Wire name to (column, how to read it).
_EQUAL: Mapping[str, tuple[str, Callable[[str, str], object]]] = {
    "owner": ("owner", _text),
    "visibility": ("visibility", _text),
    "min_disk": ("min_disk_gib", _number),
    "min_ram": ("min_ram_mib", _number),
    "protected": ("protected", _truth),
}
#: These take ``in:one,two`` too.
_ONE_OF = frozenset({"id", "name", "status", "container_format", "disk_format"})


def image_query(call: Call) -> ImageQuery:
    """Raises Invalid for a filter that can not be answered; an unknown name asks for a property of that value."""
    equals: dict[str, list[object]] = {}
    properties: dict[str, str] = {}
    is_hidden = False
    for name in call.query.keys() - _PAGING - {"tag"}:
        word = only_value(call.query, name) or ""
        if name in _ONE_OF:
            equals[name] = _words(word)
        elif name in _EQUAL:
            column, read = _EQUAL[name]
            # Every image that the caller may see is in the list without this filter, which Glance calls "all".
            if not (name == "visibility" and word == "all"):
                equals[column] = [read(name, word)]
        elif name == "os_hidden":
            is_hidden = truth(name, word)
        elif name in READ_ONLY or name.startswith("size_"):
            raise Invalid(f"query parameter '{name}' is not served")
        else:
            properties[name] = word
    if is_hidden:
        # No image is ever hidden.
        equals["id"] = []
    return ImageQuery(
        equals,
        tuple(call.query.get("tag", ())),
        properties,
        _sort(call.query),
        only_value(call.query, "marker"),
        limit(call.query, call.controller.world.config.page_max),
    )


def _words(word: str) -> list[object]:
    """``in:`` and a list, in which quotes keep a comma together; or one value."""
    if not word.startswith("in:"):
        return [word]
    words: list[object] = list(next(csv.reader([word.removeprefix("in:")]), []))
    if len(words) > _IN_MAX:
        raise Invalid(f"a filter lists {len(words)} values, of {_IN_MAX} at most")
    return words


def _sort(query: Mapping[str, list[str]]) -> tuple[tuple[str, bool], ...]:
    """``sort=name:asc,size``, or pairs of ``sort_key`` and ``sort_dir``; a direction that is not given is down."""
    keys, directions = query.get("sort_key", []), query.get("sort_dir", [])
    both = only_value(query, "sort")
    if both is not None:
        if keys or directions:
            raise Invalid("sort is given beside sort_key or sort_dir", hint="use one form")
        pairs = [part.strip().partition(":") for part in both.split(",")]
        keys, directions = [name for name, _, _ in pairs], [way or "desc" for _, _, way in pairs]
    if len(directions) not in (0, 1, len(keys)):
        raise Invalid(f"{len(directions)} sort_dir for {len(keys)} sort_key")
    if len(directions) <= 1:
        directions = (directions or ["desc"]) * len(keys)
    return tuple(_order(key, way) for key, way in dict(zip(keys, directions, strict=True)).items()) or _NEWEST_FIRST


def _order(key: str, way: str) -> tuple[str, bool]:
    if key not in _SORTABLE:
        raise refused("sort_key", key, f"one of {', '.join(_SORTABLE)}")
    if way not in ("asc", "desc"):
        raise refused("sort_dir", way, "asc or desc")
    return _SORTABLE[key], way == "asc"


def list_path(query: Mapping[str, list[str]], marker: str | None = None) -> str:
    """The list's path with this query; ``marker`` makes it the next page's."""
    kept = {name: values for name, values in query.items() if name != "marker"}
    if marker is not None:
        kept["marker"] = [marker]
    return f"/v2/images?{urlencode(kept, doseq=True)}" if kept else "/v2/images"
