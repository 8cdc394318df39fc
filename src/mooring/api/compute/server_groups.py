"""``/compute/v2.1/os-server-groups``: servers that want one host, or different ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from mooring.api.call import Call, Reply
from mooring.api.compute.microversion import Microversion, any_version, versioned
from mooring.api.compute.pages import PAGING, bad_query, last, page, refuse_unknown
from mooring.api.compute.shapes import At, Field, ListOf, Name, Object, Only, Whole, envelope, refuse
from mooring.errors import Invalid
from mooring.model.server import GroupPolicy, ServerGroup
from mooring.service import server_groups
from mooring.store.server_groups import members
from mooring.store.tx import Tx

_HARD = (GroupPolicy.ANTI_AFFINITY.value, GroupPolicy.AFFINITY.value)
_SOFT = (GroupPolicy.SOFT_ANTI_AFFINITY.value, GroupPolicy.SOFT_AFFINITY.value)
_QUERY = PAGING | {"all_projects", "offset"}
_OFFSET_DIGITS_MAX = 15


@dataclass(frozen=True, slots=True)
class _Policies:
    """A list of one policy, as it was before 2.64."""

    def read(self, value: Any, at: At) -> str:
        known = _HARD if at.version < (2, 15) else (*_HARD, *_SOFT)
        names = ListOf(Only(known), 1).read(value, at)
        if not names:
            raise refuse(at.name, value, f"{value!r} should be non-empty")
        return str(names[0])


_RULES = Object({"max_server_per_host": Field(Whole(1))})
_CREATE = Object(
    {
        "name": Field(Name(), is_required=True),
        "policies": Field(_Policies(), is_required=True, until=(2, 63)),
        "policy": Field(Only((*_HARD, *_SOFT)), is_required=True, since=(2, 64)),
        "rules": Field(_RULES, since=(2, 64)),
    }
)


def group_view(group: ServerGroup, server_ids: Sequence[str], version: Microversion) -> dict[str, object]:
    view: dict[str, object] = {"id": group.id, "name": group.name, "members": list(server_ids)}
    if version >= (2, 13):
        view |= {"project_id": group.project_id, "user_id": group.user_id}
    if version < (2, 64):
        return {**view, "policies": [group.policy.value], "metadata": {}}
    is_limited = group.policy is GroupPolicy.ANTI_AFFINITY
    rules = {"max_server_per_host": group.max_server_per_host} if is_limited else {}
    return {**view, "policy": group.policy.value, "rules": rules}


@versioned
async def list_server_groups(call: Call, version: Microversion) -> Reply:
    """The caller's project's; an admin with ``all_projects``, whatever its value, sees everybody's."""
    refuse_unknown(call, _QUERY)
    offset, part, who = _offset(call), page(call, {}, ()), call.who
    # Nova's own reading of limit=0: as many as there can be.
    limit = part.limit or call.controller.world.config.page_max

    def story(tx: Tx) -> list[dict[str, object]]:
        found = server_groups.list_server_groups(tx, who, all_projects="all_projects" in call.query)
        shown = _after(found, part.marker)[offset : offset + limit]
        of_group = members(tx, [group.id for group in shown])
        return [group_view(group, of_group[group.id], version) for group in shown]

    return Reply(HTTPStatus.OK, {"server_groups": await call.controller.store.read(story)})


@versioned
async def create_server_group(call: Call, version: Microversion) -> Reply:
    given = envelope(call.json(), "server_group", _CREATE, version)
    chosen = GroupPolicy(given["policy"] if version >= (2, 64) else given["policies"])
    rules, name = given.get("rules", {}), given["name"]
    if rules and chosen is not GroupPolicy.ANTI_AFFINITY:
        raise Invalid("Only anti-affinity policy supports rules.")
    world, who, most = call.controller.world, call.who, rules.get("max_server_per_host", 1)
    group = await call.controller.store.write(
        lambda tx: server_groups.create_server_group(tx, world, who, name, chosen, most)
    )
    return Reply(HTTPStatus.OK, {"server_group": group_view(group, (), version)})


@versioned
async def show_server_group(call: Call, version: Microversion) -> Reply:
    who, ident = call.who, call.params["server_group_id"]

    def story(tx: Tx) -> dict[str, object]:
        group = server_groups.get_server_group(tx, who, ident)
        return group_view(group, members(tx, [group.id])[group.id], version)

    return Reply(HTTPStatus.OK, {"server_group": await call.controller.store.read(story)})


@any_version
async def delete_server_group(call: Call) -> Reply:
    who, ident = call.who, call.params["server_group_id"]
    await call.controller.store.write(lambda tx: server_groups.delete_server_group(tx, who, ident))
    return Reply(HTTPStatus.NO_CONTENT)


def _offset(call: Call) -> int:
    text = last(call, "offset")
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= _OFFSET_DIGITS_MAX):
        raise bad_query("offset", text, f"{text[:255]!r} does not match '^[0-9]*$'")
    return int(text)


def _after(found: Sequence[ServerGroup], marker: str | None) -> Sequence[ServerGroup]:
    """What follows the marker, which Nova has not; clients send it when they ask for the next page all the same."""
    if marker is None:
        return found
    places = [place for place, group in enumerate(found) if group.id == marker]
    if not places:
        raise Invalid(f"marker [{marker[:255]}] not found")
    return found[places[0] + 1 :]
