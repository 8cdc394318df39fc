"""Filters and attributes that networks, subnets and ports have in common."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mooring.api.network.attributes import Attribute, Condition, Equals, Filter, Holds, column
from mooring.api.network.values import boolean, integer, nothing, tags, text

PROJECT_CHARS_MAX = 255


def as_bit(name: str, value: Any) -> int:
    return int(boolean(name, value))


def flag(name: str) -> Filter:
    """Filter by a column of 0 and 1, in any of the words for true and false."""
    return column(name, as_bit)


def number(name: str) -> Filter:
    return column(name, integer)


def absent(attribute: str, values: Sequence[str]) -> Condition | None:
    """Filter by what no row has: the empty text finds all, anything else none."""
    del attribute
    return None if "" in values else Equals("id", ())


def tagged(*, is_any: bool, is_not: bool) -> Filter:
    """Filter by tags; a value is a list of them with commas between, of which all, or any, must be there."""

    def filter_by(attribute: str, values: Sequence[str]) -> Condition:
        del attribute
        wanted = [frozenset(filter(None, value.split(","))) for value in values]

        def has(tags_of_row: Sequence[str]) -> bool:
            there = frozenset(tags_of_row)
            return any(bool(each & there) if is_any else each <= there for each in wanted)

        return Holds(lambda row: has(row.tags) is not is_not)

    return filter_by


def standard(*more: Attribute) -> list[Attribute]:
    """``more``, and what every noun has: id, owner, description, times, revision, tags."""
    return [
        Attribute("id", filter=column("id"), sort="id"),
        *more,
        Attribute("project_id", text(PROJECT_CHARS_MAX), in_put=False, filter=column("project_id"), sort="project_id"),
        Attribute("description", text(), filter=column("description"), sort="description"),
        Attribute("created_at", sort="created_at"),
        Attribute("updated_at", sort="updated_at"),
        Attribute("revision_number", filter=number("revision_number")),
        Attribute("tags-any", filter=tagged(is_any=True, is_not=False)),
        Attribute("not-tags", filter=tagged(is_any=False, is_not=True)),
        Attribute("not-tags-any", filter=tagged(is_any=True, is_not=True)),
    ]


#: For nouns that are made without tags, and for ports, which may be made with some.
TAGS = Attribute("tags", filter=tagged(is_any=False, is_not=False))
TAGS_IN_POST = Attribute("tags", tags, in_put=False, filter=tagged(is_any=False, is_not=False))


def unserved(
    name: str, *, in_post: bool = True, in_put: bool = True, rights: frozenset[str] | None = None, sort: str = ""
) -> Attribute:
    """An attribute of which this backend takes the empty value only; ``rights`` are the roles that set and see it."""
    return Attribute(
        name, nothing, in_post=in_post, in_put=in_put, set_by=rights, seen_by=rights, filter=absent, sort=sort,
        is_passed_on=False,
    )  # fmt: skip


def stamp(moment: datetime) -> str:
    """Seconds and a ``Z``, as everything but agents shows its times."""
    # isoformat takes four times as long, and formats of numbers three times; lists show two times a row.
    two = _TWO_DIGITS
    day = f"{moment.year}-{two[moment.month]}-{two[moment.day]}"
    return f"{day}T{two[moment.hour]}:{two[moment.minute]}:{two[moment.second]}Z"


_TWO_DIGITS = tuple(f"{number:02}" for number in range(60))
