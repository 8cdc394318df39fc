"""The trail: what happened, in order."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import bindparam, func, select

from mooring.store import tables
from mooring.store.rows import moment
from mooring.store.sql import Sql
from mooring.store.tx import Tx

_E = tables.events.c
_NEWEST = Sql(select(func.coalesce(func.max(_E.sequence), 0)))
_AFTER = Sql(
    select(_E.sequence, _E.at, _E.kind, _E.ident, _E.project_id, _E.host, _E.actor, _E.request_id, _E.detail)
    .where(_E.sequence > bindparam("since"))
    .order_by(_E.sequence)
    .limit(bindparam("most"))
)


def newest_sequence(tx: Tx) -> int:
    """The number of the newest event, 0 for none."""
    row = tx.one(_NEWEST)
    return int(str(row[0])) if row else 0


def events_after(tx: Tx, since: int, most: int) -> list[Mapping[str, object]]:
    """At most ``most`` events after number ``since``, oldest first, as the API shows them."""
    return [
        {
            "sequence": sequence, "at": moment(int(str(at))), "kind": kind, "ident": ident, "project_id": project,
            "host": host, "actor": actor, "request_id": request, "detail": msgspec.json.decode(str(detail)),
        }
        for sequence, at, kind, ident, project, host, actor, request, detail in tx.each(_AFTER, since=since, most=most)
    ]  # fmt: skip
