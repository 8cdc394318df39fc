"""The query of a server list: which keys there are, what each means, and what it becomes in the store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mooring.api.call import Call
from mooring.api.compute.microversion import Microversion
from mooring.api.compute.pages import PAGING, SORTING, Page, bad_query, flag, last, page, refuse_unknown
from mooring.api.compute.patterns import Pattern
from mooring.core.hostnames import hostname
from mooring.core.lifecycle import server_view
from mooring.errors import Forbidden, Invalid
from mooring.model.identity import Caller
from mooring.model.server import Server

#: Every `status` that Nova knows; a server here shows ACTIVE, BUILD, ERROR or HARD_REBOOT.
STATUSES = frozenset(
    {
        "ACTIVE", "BUILD", "DELETED", "ERROR", "HARD_REBOOT", "MIGRATING", "PASSWORD", "PAUSED", "REBOOT", "REBUILD",
        "RESCUE", "RESIZE", "REVERT_RESIZE", "SHELVED", "SHELVED_OFFLOADED", "SHUTOFF", "SOFT_DELETED", "SUSPENDED",
        "UNKNOWN", "VERIFY_RESIZE",
    }
)  # fmt: skip
_SORT_COLUMNS = {
    "created_at": "created_at",
    "display_name": "name",
    "launch_index": "launch_index",
    "project_id": "project_id",
    "updated_at": "updated_at",
    "user_id": "user_id",
    "uuid": "id",
}
_NEWEST_FIRST = (("created_at", False), ("id", False))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server with what filters look at besides it."""

    server: Server
    zone: str
    addresses: Sequence[str]


Predicate = Callable[[Candidate], bool]


@dataclass(frozen=True, slots=True)
class ServerQuery:
    page: Page
    all_projects: bool
    equals: Mapping[str, Sequence[object]]
    """Columns to values: the filters that the store applies."""
    predicates: Sequence[Predicate]
    """Those that are applied to what the store found."""
    needs_addresses: bool
    is_empty: bool
    """Nothing can fit, so that nothing need be asked."""
    refusal: Invalid | None = None
    """What to say when nothing fits, if a pattern was given that is not served."""


def _pattern(of: Callable[[Server], str]) -> Callable[[str], Predicate]:
    def make(text: str) -> Predicate:
        pattern = Pattern(text)
        return lambda candidate: pattern.is_in(of(candidate.server))

    return make


def _address(mark: str) -> Callable[[str], Predicate]:
    def make(text: str) -> Predicate:
        pattern = Pattern(text)
        return lambda candidate: any(mark in address and pattern.is_in(address) for address in candidate.addresses)

    return make


def _equal(of: Callable[[Server], object]) -> Callable[[str], Predicate]:
    return lambda text: lambda candidate: str(of(candidate.server) or "").lower() == text.lower()


def _number(of: Callable[[Server], int]) -> Callable[[str], Predicate]:
    return lambda text: lambda candidate: str(of(candidate.server)) == text


def _tags(fits: Callable[[set[str], set[str]], bool]) -> Callable[[str], Predicate]:
    def make(text: str) -> Predicate:
        wanted = set(text.split(","))
        return lambda candidate: fits(wanted, set(candidate.server.tags))

    return make


def _in_zone(text: str) -> Predicate:
    return lambda candidate: candidate.zone == text


#: Filters that look at a server as it is shown. One value each, the last that was given.
_SHOWN: Mapping[str, Callable[[str], Predicate]] = {
    "name": _pattern(lambda server: server.name),
    "description": _pattern(lambda server: server.description or ""),
    "hostname": _pattern(lambda server: hostname(server.name, server.id)),
    "ip": _address("."),
    "ip6": _address(":"),
    "flavor": _equal(lambda server: server.flavor.id),
    "key_name": _equal(lambda server: server.key_name),
    "vm_state": _equal(lambda server: server_view(server).vm_state),
    "task_state": _equal(lambda server: server_view(server).task_state),
    "power_state": _number(lambda server: server_view(server).power_state),
    "launch_index": _number(lambda server: server.launch_index),
    "availability_zone": _in_zone,
    "pinned_availability_zone": _equal(lambda server: server.availability_zone),
    "tags": _tags(lambda wanted, has: wanted <= has),
    "tags-any": _tags(lambda wanted, has: bool(wanted & has)),
    "not-tags": _tags(lambda wanted, has: not wanted <= has),
    "not-tags-any": _tags(lambda wanted, has: not wanted & has),
}
_PATTERNS = ("name", "description", "hostname", "ip", "ip6")
#: Filters that are a column of the store.
_COLUMNS = {
    "uuid": "id",
    "user_id": "user_id",
    "image": "image_id",
    "reservation_id": "reservation_id",
    "host": "host",
    "node": "host",
}
_TIMES = frozenset({"changes-since", "changes-before"})
_FLAGS = frozenset({"deleted", "soft_deleted", "config_drive", "locked"})
_PROJECTS = frozenset({"all_tenants", "project_id", "tenant_id"})
_ALWAYS = PAGING | SORTING | _SHOWN.keys() | _COLUMNS.keys() | _TIMES | _FLAGS | _PROJECTS | {"status"}
_SINCE = {
    "ip6": (2, 5), "tags": (2, 26), "tags-any": (2, 26), "not-tags": (2, 26), "not-tags-any": (2, 26),
    "changes-before": (2, 66), "locked": (2, 73),
}  # fmt: skip


def server_query(call: Call, version: Microversion, verb: str) -> ServerQuery:
    """Read the query. Raises Invalid for a key or a value that cannot be, Forbidden for what only admins may ask.

    ``verb`` is ``index`` or ``detail``, as Nova's rules for other projects' servers name them.
    """
    _check_keys(call, version)
    statuses = _statuses(call, version)
    predicates = [make(text) for key, make in _SHOWN.items() if (text := last(call, key)) is not None]
    predicates += _timed(call)
    if statuses is not None:
        predicates.append(lambda candidate: server_view(candidate.server).status in statuses)
    if "config_drive" in call.query:
        wants = flag(call, "config_drive", default=False)
        predicates.append(lambda candidate: candidate.server.config_drive is wants)
    projects, all_projects = _projects(call, verb)
    equals: dict[str, Sequence[object]] = {
        column: [text] for key, column in _COLUMNS.items() if (text := last(call, key)) is not None
    }
    if projects:
        equals["project_id"] = projects
    is_empty = statuses == set() or any(flag(call, key, default=False) for key in ("deleted", "soft_deleted", "locked"))
    return ServerQuery(
        page(call, _SORT_COLUMNS, _NEWEST_FIRST), all_projects, equals, predicates,
        bool({"ip", "ip6"} & call.query.keys()), is_empty, _refusal(call),
    )  # fmt: skip


def _refusal(call: Call) -> Invalid | None:
    patterns = [Pattern(text) for key in _PATTERNS if (text := last(call, key)) is not None]
    return next((pattern.refusal for pattern in patterns if pattern.refusal is not None), None)


def _check_keys(call: Call, version: Microversion) -> None:
    # Keys with an underscore in front have always been let through, and mean nothing.
    strange = sorted(key for key in call.query if key not in _ALWAYS and not key.startswith("_"))
    if strange:
        raise Invalid(f"{strange[0][:255]!r} does not match any of the regexes: '^_'")
    refuse_unknown(call, (key for key in call.query if version >= _SINCE.get(key, (2, 1))))
    if {"host", "node"} & call.query.keys() and not call.who.is_privileged:
        raise Forbidden("Policy doesn't allow os_compute_api:servers:allow_all_filters to be performed.")


def _statuses(call: Call, version: Microversion) -> set[str] | None:
    """Those asked for, of those that there are; ``None`` when all will do. Since 2.38 an unknown one is wrong."""
    if "status" not in call.query:
        return None
    asked = {text.upper() for text in call.query["status"]}
    if version >= (2, 38) and (unknown := sorted(asked - STATUSES)):
        raise Invalid(f"Invalid status value: {unknown[0][:255]}")
    return asked & STATUSES


def _projects(call: Call, verb: str) -> tuple[list[str], bool]:
    """(the projects named, whether to look beyond the caller's own)."""
    named = {text for key in ("project_id", "tenant_id") for text in call.query.get(key, [])}
    text = last(call, "all_tenants")
    asks_all = text == "" or flag(call, "all_tenants", default=False)
    is_beyond = asks_all or bool(named - {call.who.project_id})
    if is_beyond:
        _check_beyond(call.who, verb)
    return sorted(named), is_beyond


def _check_beyond(who: Caller, verb: str) -> None:
    if not who.is_admin:
        raise Forbidden(f"Policy doesn't allow os_compute_api:servers:{verb}:get_all_tenants to be performed.")


def _timed(call: Call) -> list[Predicate]:
    found: list[Predicate] = []
    if (since := _moment(call, "changes-since")) is not None:
        found.append(lambda candidate: candidate.server.updated_at >= since)
    if (before := _moment(call, "changes-before")) is not None:
        found.append(lambda candidate: candidate.server.updated_at <= before)
    if since is not None and before is not None and since > before:
        raise Invalid("The value of changes-since must be less than or equal to changes-before.")
    return found


def _moment(call: Call, key: str) -> datetime | None:
    text = last(call, key)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise bad_query(key, text, f"{text[:255]!r} is not a 'date-time'") from wrong
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
