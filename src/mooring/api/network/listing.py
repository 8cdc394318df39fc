"""Lists: filters, fields, sorting and pages, read off the query and carried out in SQL as far as columns go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

from mooring.api.call import Call
from mooring.api.network.attributes import ALIKE, Among, Attributes, Condition, Equals, Holds
from mooring.api.network.values import boolean
from mooring.errors import Invalid
from mooring.model.identity import Caller
from mooring.store.rows import Query
from mooring.store.tx import Tx

T = TypeVar("T")

#: More ids than this are compared here: a statement for each number of them would not pay.
_IDS_IN_SQL_MAX = 100
_LIMIT_DIGITS_MAX = 9
#: The parameters of a query that every list knows, and that filter nothing.
PAGING = ("fields", "limit", "marker", "page_reverse", "sort_key", "sort_dir")
_RESERVED = frozenset(PAGING)
_DIRECTIONS = {"asc": True, "desc": False}


@dataclass(frozen=True, slots=True)
class Listing:
    """A list request, checked."""

    conditions: Sequence[Condition]
    sort: Sequence[tuple[str, bool]]
    """(column, ascending), most important first; the id is the last, always."""
    is_sorted_here: bool
    """A sort column may be null: SQL sorts, and pages are cut here."""
    limit: int | None
    marker: str | None
    is_reverse: bool
    fields: frozenset[str]
    """Empty: all."""


def _bad_request(message: str) -> Invalid:
    return Invalid(message, code="HTTPBadRequest")


def read_listing(call: Call, attributes: Attributes) -> Listing:
    """Raises Invalid, in Neutron's words, for what this caller cannot filter or sort by."""
    query = call.query
    sort, is_sorted_here = _sort(call.who, attributes, query)
    return Listing(
        _conditions(call.who, attributes, query),
        sort,
        is_sorted_here,
        _limit(query),
        query["marker"][-1] if "marker" in query else None,
        boolean("page_reverse", query["page_reverse"][-1]) if "page_reverse" in query else False,
        fields_of(call),
    )


def fields_of(call: Call) -> frozenset[str]:
    return frozenset(filter(None, call.query.get("fields", ())))


def _conditions(who: Caller, attributes: Attributes, query: Mapping[str, list[str]]) -> list[Condition]:
    conditions, unknown = [], []
    for name, values in query.items():
        if name in _RESERVED:
            continue
        attribute = attributes.seen(who, name)
        if attribute is None or attribute.filter is None:
            unknown.append(name)
            continue
        condition = attribute.filter(name, values)
        if condition is not None:
            conditions.append(condition)
    if unknown:
        raise _bad_request(f"{unknown} is invalid attribute for filtering")
    return conditions


def _sort(
    who: Caller, attributes: Attributes, query: Mapping[str, list[str]]
) -> tuple[Sequence[tuple[str, bool]], bool]:
    keys, directions = query.get("sort_key", []), query.get("sort_dir", [])
    if len(keys) != len(directions):
        raise _bad_request("The number of sort_keys and sort_dirs must be same")
    found = [attributes.seen(who, key) for key in keys]
    unknown = [key for key, attribute in zip(keys, found, strict=True) if attribute is None or not attribute.sort]
    if unknown:
        raise _bad_request(f"{unknown} is invalid attribute for sort_keys")
    wrong = [direction for direction in directions if direction not in _DIRECTIONS]
    if wrong:
        raise _bad_request(f"{wrong} is invalid value for sort_dirs, valid value is 'asc' and 'desc'")
    sort: dict[str, bool] = {}
    is_sorted_here = False
    for attribute, direction in zip(found, directions, strict=True):
        if attribute is not None and attribute.sort != ALIKE and "id" not in sort:
            sort.setdefault(attribute.sort, _DIRECTIONS[direction])
            is_sorted_here = is_sorted_here or attribute.is_null_first
    sort.setdefault("id", True)
    return tuple(sort.items()), is_sorted_here


def _limit(query: Mapping[str, list[str]]) -> int | None:
    if "limit" not in query:
        return None
    word = query["limit"][-1]
    if not (word.isascii() and word.isdigit() and len(word) <= _LIMIT_DIGITS_MAX):
        raise Invalid(f"Bad limit request: Limit must be an integer 0 or greater and not '{word}'.", code="BadRequest")
    return int(word) or None


def select(
    tx: Tx,
    listing: Listing,
    find: Callable[[Query], list[T]],
    get: Callable[[str], T],
    stored: Callable[[T], Mapping[str, Any]],
) -> list[T]:
    """The rows of one page, in the order to show. Raises NotFound for a marker that is not there.

    ``stored`` gives a row's columns as they are stored, for the marker.
    """
    equals, tests = _split(tx, listing.conditions)
    order = [(name, is_up != listing.is_reverse) for name, is_up in listing.sort]
    marker = None if listing.marker is None else stored(get(listing.marker))
    is_cut_here = listing.is_sorted_here or bool(tests)
    after = None if marker is None or listing.is_sorted_here else {name: marker[name] for name, _ in order}
    query = Query(equals, order, None if is_cut_here else listing.limit, after)
    rows = find(query)
    if tests:
        rows = [row for row in rows if all(test(row) for test in tests)]
    if listing.is_sorted_here:
        rows = page(rows, order, marker, stored)
    if is_cut_here and listing.limit is not None:
        rows = rows[: listing.limit]
    if listing.is_reverse:
        rows.reverse()
    return rows


def _split(tx: Tx, conditions: Sequence[Condition]) -> tuple[dict[str, Sequence[object]], list[Callable[[Any], bool]]]:
    """What SQL compares, and what is left to compare here. Several conditions on one column must all hold."""
    equals: dict[str, Sequence[object]] = {}
    tests: list[Callable[[Any], bool]] = []
    for condition in conditions:
        found = Equals("id", sorted(condition.find(tx))) if isinstance(condition, Among) else condition
        if isinstance(found, Holds):
            tests.append(found.test)
        elif found.column in equals:
            equals[found.column] = [value for value in equals[found.column] if value in found.values]
        else:
            equals[found.column] = list(dict.fromkeys(found.values))
    if len(equals.get("id", ())) > _IDS_IN_SQL_MAX:
        tests.append(partial(_is_among, frozenset(equals.pop("id"))))
    return equals, tests


def _is_among(ids: frozenset[object], row: Any) -> bool:
    return row.id in ids


def page(
    rows: Sequence[T],
    order: Sequence[tuple[str, bool]],
    marker: Mapping[str, Any] | None,
    stored: Callable[[T], Mapping[str, Any]],
) -> list[T]:
    """Sort rows here, nulls before everything, and cut off what comes up to the marker."""
    shown = [(stored(row), row) for row in rows]
    for name, is_up in reversed(order):
        shown.sort(key=lambda pair: _nulls_first(pair[0][name]), reverse=not is_up)
    if marker is not None:
        ids = [cells["id"] for cells, _ in shown]
        shown = shown[ids.index(marker["id"]) + 1 :] if marker["id"] in ids else []
    return [row for _, row in shown]


def _nulls_first(cell: Any) -> tuple[Any, ...]:
    return (False,) if cell is None else (True, cell)


def shown_fields(view: Mapping[str, Any], fields: frozenset[str]) -> Mapping[str, Any]:
    """A view cut down to what was asked for; names that it does not have are passed over."""
    return {name: value for name, value in view.items() if name in fields} if fields else view


def page_links(call: Call, listing: Listing, ids: Sequence[str]) -> list[dict[str, str]]:
    """Where the next and the previous page are. A page that is not full is the last one in its direction.

    Beyond the last page, the way back is the last page from the other end.
    """
    if listing.limit is None or not (ids or listing.marker):
        return []
    is_full = len(ids) >= listing.limit
    links = []
    if is_full or listing.is_reverse:
        links.append({"rel": "next", "href": _page_url(call, **_from(ids[-1:]))})
    if is_full or not listing.is_reverse:
        links.append({"rel": "previous", "href": _page_url(call, **_from(ids[:1]), page_reverse="True")})
    return links


def _from(ids: Sequence[str]) -> dict[str, str]:
    return {"marker": ids[0]} if ids else {}


def _page_url(call: Call, **place: str) -> str:
    kept = {name: values for name, values in call.query.items() if name not in ("marker", "page_reverse")}
    return f"{call.base_url}{call.path}?{urlencode({**kept, **{k: [v] for k, v in place.items()}}, doseq=True)}"
