"""``/compute/v2.1/os-aggregates``: named sets of hosts, with properties that placing honours."""

import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from mooring.api import policy
from mooring.api.call import Call, Reply
from mooring.api.compute.microversion import Microversion, any_version, since, versioned
from mooring.api.compute.pages import refuse_unknown
from mooring.api.compute.server_views import iso_micro
from mooring.api.compute.shapes import INT_MAX, At, Field, ListOf, Name, Object, Text, TextMap, Uuid, envelope, refuse
from mooring.core.host_properties import ZONE
from mooring.errors import Invalid, NotFound
from mooring.model.host import Aggregate
from mooring.service import aggregates
from mooring.service.aggregates import PROPERTIES_MAX

_RULE = "os_compute_api:os-aggregates"
_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_IMAGES_MAX = 100


class _PaddedName:
    """A name; spaces at its ends are let go, as Nova does in an update."""

    def read(self, value: Any, at: At) -> str:
        return Name().read(value.strip() if isinstance(value, str) else value, at)


class _Zone:
    """A zone's name, or none. A colon would make ``zone:host`` of it."""

    def read(self, value: Any, at: At) -> str | None:
        if value is None:
            return None
        name = Name().read(value, at)
        if ":" in name:
            raise refuse(at.name, value, "The name must be: printable characters except colon (:).")
        return name


class _Properties:
    """Keys to short texts; ``null`` takes one away."""

    _texts = TextMap(re.compile(r"[a-zA-Z0-9\-_:. ]{1,255}", re.ASCII), PROPERTIES_MAX)

    def read(self, value: Any, at: At) -> dict[str, str | None]:
        gone = [key for key, item in value.items() if item is None] if isinstance(value, dict) else []
        # The keys of those are checked too.
        read = self._texts.read({**value, **dict.fromkeys(gone, "")} if gone else value, at)
        return {**read, **dict.fromkeys(gone)}


_CREATE = Object({"name": Field(Name(), is_required=True), ZONE: Field(_Zone())})
_UPDATE = Object({"name": Field(_PaddedName()), ZONE: Field(_Zone())})
_HOST = Object({"host": Field(Text(1, 255, re.compile(r"[a-zA-Z0-9\-._]*", re.ASCII)), is_required=True)})
_METADATA = Object({"metadata": Field(_Properties(), is_required=True)})
_IMAGES = ListOf(Object({"id": Field(Uuid(), is_required=True)}), _IMAGES_MAX)


def aggregate_view(aggregate: Aggregate, version: Microversion) -> dict[str, object]:
    view: dict[str, object] = {
        "id": aggregate.id,
        "name": aggregate.name,
        ZONE: aggregate.metadata.get(ZONE),
        "hosts": list(aggregate.hosts),
        "metadata": dict(aggregate.metadata),
        "created_at": iso_micro(aggregate.created_at),
        "updated_at": None if aggregate.updated_at == aggregate.created_at else iso_micro(aggregate.updated_at),
        "deleted_at": None,
        "deleted": False,
    }
    if version >= (2, 41):
        view["uuid"] = aggregate.uuid
    return view


@versioned
async def list_aggregates(call: Call, version: Microversion) -> Reply:
    refuse_unknown(call, ())
    found = await call.controller.store.read(aggregates.list_aggregates)
    return Reply(HTTPStatus.OK, {"aggregates": [aggregate_view(one, version) for one in found]})


@versioned
async def create_aggregate(call: Call, version: Microversion) -> Reply:
    """A new one is shown without hosts and metadata, which it has none of but the zone."""
    given = envelope(call.json(), "aggregate", _CREATE, version)
    world, who, name, zone = call.controller.world, call.who, given["name"], given.get(ZONE)
    made = await call.controller.store.write(lambda tx: aggregates.create_aggregate(tx, world, who, name, zone))
    view = aggregate_view(made, version)
    return Reply(HTTPStatus.OK, {"aggregate": {key: view[key] for key in view if key not in ("hosts", "metadata")}})


@versioned
async def show_aggregate(call: Call, version: Microversion) -> Reply:
    ident = _ident(call)
    found = await call.controller.store.read(lambda tx: aggregates.get_aggregate(tx, ident))
    return Reply(HTTPStatus.OK, {"aggregate": aggregate_view(found, version)})


@versioned
async def update_aggregate(call: Call, version: Microversion) -> Reply:
    given = envelope(call.json(), "aggregate", _UPDATE, version)
    if not given:
        raise refuse("aggregate", given, f"'name' or {ZONE!r} is a required property")
    who, ident, name = call.who, _ident(call), given.get("name")
    zone = {ZONE: given[ZONE]} if ZONE in given else None
    changed = await call.controller.store.write(lambda tx: aggregates.change_aggregate(tx, who, ident, name, zone))
    return Reply(HTTPStatus.OK, {"aggregate": aggregate_view(changed, version)})


@any_version
async def delete_aggregate(call: Call) -> Reply:
    who, ident = call.who, _ident(call)
    await call.controller.store.write(lambda tx: aggregates.delete_aggregate(tx, who, ident))
    return Reply(HTTPStatus.OK)


@versioned
async def act_on_aggregate(call: Call, version: Microversion) -> Reply:
    """One of three actions; each has a rule of its own."""
    body = call.json()
    if not isinstance(body, dict) or len(body) != 1:
        raise Invalid("Request body must be an object with one property: the action")
    name = next(iter(body))
    if name not in _ACTIONS:
        raise Invalid(f"There is no such action: {name[:255]}")
    policy.check(f"{_RULE}:{name}", call.who)
    shape, act = _ACTIONS[name]
    changed = await act(call, _ident(call), envelope(body, name, shape, version))
    return Reply(HTTPStatus.OK, {"aggregate": aggregate_view(changed, version)})


@versioned
async def cache_images(call: Call, version: Microversion) -> Reply:
    """Nobody fetches images ahead of time; who asks for it has to know."""
    since(call, version, (2, 81))
    envelope(call.json(), "cache", _IMAGES, version)
    ident = _ident(call)
    await call.controller.store.read(lambda tx: aggregates.get_aggregate(tx, ident))
    raise Invalid("images are not cached ahead of time", hint="put them into the images folder of each host")


async def _add_host(call: Call, ident: int, given: Mapping[str, Any]) -> Aggregate:
    return await call.controller.store.write(lambda tx: aggregates.add_host(tx, call.who, ident, given["host"]))


async def _remove_host(call: Call, ident: int, given: Mapping[str, Any]) -> Aggregate:
    return await call.controller.store.write(lambda tx: aggregates.remove_host(tx, call.who, ident, given["host"]))


async def _set_metadata(call: Call, ident: int, given: Mapping[str, Any]) -> Aggregate:
    changes = given["metadata"]
    if isinstance(changes.get(ZONE), str) and changes[ZONE]:
        _Zone().read(changes[ZONE], At(ZONE, Microversion(2, 1)))
    return await call.controller.store.write(
        lambda tx: aggregates.change_aggregate(tx, call.who, ident, metadata=changes)
    )


_ACTIONS: Mapping[str, tuple[Object, Callable[[Call, int, Mapping[str, Any]], Awaitable[Aggregate]]]] = {
    "add_host": (_HOST, _add_host),
    "remove_host": (_HOST, _remove_host),
    "set_metadata": (_METADATA, _set_metadata),
}


def _ident(call: Call) -> int:
    """The number in the path. Raises Invalid for what is none, as clients that try a name first expect."""
    text = call.params["aggregate_id"]
    if not _NUMBER.fullmatch(text):
        raise Invalid(f"id must be an integer, and is {text[:255]!r}")
    number = int(text)
    if not 0 <= number <= INT_MAX:
        raise NotFound("aggregate", text)
    return number
