"""``mooring event list``: the trail of what happened."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from mooring.cli.options import as_json, cloud
from mooring.cli.text import Column, Group, plain, print_groups, print_json

_LIMIT_MAX = 1000
_COLUMNS = (Column("NO.", is_number=True), Column("TIME"), Column("EVENT"), Column("OF", folds=True))


@click.group(short_help="List what happened.")
def event() -> None:
    """The trail of what happened: every change leaves an event, in the same transaction."""


@event.command("list", short_help="List events, oldest first.")
@click.option("--since", type=click.IntRange(0), metavar="N", help="Only those after number N.")
@click.option("--limit", type=click.IntRange(1, _LIMIT_MAX), default=100, metavar="N", help="At most N; else 100.")
@as_json
@cloud
def listing(since: int | None, limit: int, is_json: bool, os_cloud: str | None) -> None:
    """List events, oldest first. For the next ones, give the last number to --since."""
    from mooring.cli.client import connect, rows

    query = {"limit": limit} if since is None else {"limit": limit, "since": since}
    events = rows(connect(os_cloud).get("/mooring/v1/events", query), "events")
    if is_json:
        print_json(events)
        return
    days = dict.fromkeys(_day(one) for one in events)
    print_groups(_COLUMNS, [Group(f"{day}, UTC", [_row(one) for one in events if _day(one) == day]) for day in days])


def _row(one: Mapping[str, Any]) -> Sequence[object]:
    where = one["host"] if one["host"] != one["ident"] else None
    return (one["sequence"], one["at"][11:19], one["kind"], f"{one['ident']} on {where}" if where else one["ident"])


def _day(one: Mapping[str, Any]) -> str:
    return plain(one["at"][:10])
