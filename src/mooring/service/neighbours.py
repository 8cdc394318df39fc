"""Beside whom a new server wants to be, and beside whom not: Nova's scheduler hints, looked up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mooring.errors import Invalid
from mooring.model.identity import Caller
from mooring.model.server import ServerGroup
from mooring.service.server_groups import joined_group
from mooring.store.rows import Query
from mooring.store.servers import SERVERS
from mooring.store.tx import Tx

GROUP = "group"
SAME_HOST = "same_host"
DIFFERENT_HOST = "different_host"
HINTS = (DIFFERENT_HOST, GROUP, SAME_HOST)
"""Those that are served."""

Hints = Mapping[str, tuple[str, ...]]
"""Name to ids: of one server group, or of servers."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    group: ServerGroup | None = None
    """Where its members are now, ``store/server_groups.py`` knows."""
    beside: frozenset[str] | None = None
    """Hosts of which any will do; ``None``: it does not matter."""
    apart: frozenset[str] = frozenset()
    """Hosts that will not do."""


def look_up_neighbours(tx: Tx, who: Caller, hints: Hints, count: int) -> Neighbours:
    """Of ``count`` servers that come together.

    Raises Invalid for a group or a server that there is not for the caller; Nova passes over such servers.
    """
    group = next((joined_group(tx, who, ident, count) for ident in hints.get(GROUP, ())), None)
    beside = _hosts(tx, who, SAME_HOST, hints[SAME_HOST]) if hints.get(SAME_HOST) else None
    return Neighbours(group, beside, _hosts(tx, who, DIFFERENT_HOST, hints.get(DIFFERENT_HOST, ())))


def _hosts(tx: Tx, who: Caller, hint: str, server_ids: Sequence[str]) -> frozenset[str]:
    """Where these servers are; one without a host is nowhere."""
    if not server_ids:
        return frozenset()
    scope = None if who.is_admin else who.project_id or ""
    found = {server.id: server.host for server in SERVERS.find(tx, Query({"id": server_ids}, visible_to=scope))}
    if missing := [ident for ident in server_ids if ident not in found]:
        raise Invalid(f"Instance {missing[0]} of scheduler hint {hint} could not be found.")
    return frozenset(host for host in found.values() if host is not None)
