"""``/compute/v2.1/flavors``."""

import re
from collections.abc import Mapping
from http import HTTPStatus

from mooring.api.call import Call, Reply
from mooring.api.compute.links import links
from mooring.api.compute.microversion import Microversion, any_version, since, versioned
from mooring.api.compute.pages import (
    PAGING,
    SORTING,
    Page,
    bad_query,
    cut,
    flag,
    last,
    more,
    page,
    refuse_unknown,
)
from mooring.api.compute.shapes import INT_MAX, Field, Flag, Name, Number, Object, Text, Whole, envelope, refuse
from mooring.errors import Invalid
from mooring.model.identity import Caller
from mooring.model.server import Flavor
from mooring.service import flavors
from mooring.service.flavors import FlavorWish
from mooring.store.flavors import FLAVORS
from mooring.store.rows import Query
from mooring.store.tx import Tx

_DESCRIPTION = Text(0, 65_535, is_nullable=True)
_ID = re.compile(r"(?! )[a-zA-Z0-9. _-]+(?<! )", re.ASCII)
_CREATE = Object(
    {
        "name": Field(Name(), is_required=True),
        "ram": Field(Whole(1), is_required=True),
        "vcpus": Field(Whole(1), is_required=True),
        "disk": Field(Whole(0), is_required=True),
        "id": Field(Text(0, 255, is_nullable=True)),
        "OS-FLV-EXT-DATA:ephemeral": Field(Whole(0)),
        "swap": Field(Whole(0)),
        "rxtx_factor": Field(Number(3.40282e38)),
        "os-flavor-access:is_public": Field(Flag()),
        "description": Field(_DESCRIPTION, since=(2, 55)),
    }
)
_UPDATE = Object({"description": Field(_DESCRIPTION, is_required=True)})
_SORT_COLUMNS = {
    "created_at": "created_at",
    "ephemeral_gb": "ephemeral_gib",
    "flavorid": "id",
    "id": "id",
    "is_public": "is_public",
    "memory_mb": "ram_mib",
    "name": "name",
    "root_gb": "disk_gib",
    "rxtx_factor": "rxtx_factor",
    "swap": "swap_mib",
    "vcpus": "vcpus",
}
_QUERY = PAGING | SORTING | {"is_public", "minRam", "minDisk"}


def flavor_view(flavor: Flavor, version: Microversion, base_url: str) -> dict[str, object]:
    """A flavor, whole, as this version shows it."""
    view: dict[str, object] = {
        "id": flavor.id,
        "name": flavor.name,
        "ram": flavor.ram_mib,
        "disk": flavor.disk_gib,
        "vcpus": flavor.vcpus,
        # Before 2.75 "no swap" is the empty text.
        "swap": flavor.swap_mib if version >= (2, 75) or flavor.swap_mib else "",
        "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral_gib,
        "OS-FLV-DISABLED:disabled": False,
        "os-flavor-access:is_public": flavor.is_public,
        "rxtx_factor": flavor.rxtx_factor,
        "links": links(base_url, "flavors", flavor.id),
    }
    if version >= (2, 55):
        view["description"] = flavor.description
    if version >= (2, 61):
        view["extra_specs"] = dict(flavor.extra_specs)
    return view


def _brief(flavor: Flavor, version: Microversion, base_url: str) -> dict[str, object]:
    view: dict[str, object] = {
        "id": flavor.id,
        "name": flavor.name,
        "links": links(base_url, "flavors", flavor.id),
    }
    if version >= (2, 55):
        view["description"] = flavor.description
    return view


@versioned
async def list_flavors(call: Call, version: Microversion) -> Reply:
    part, found = await _found(call)
    body: dict[str, object] = {"flavors": [_brief(flavor, version, call.base_url) for flavor in found]}
    return Reply(HTTPStatus.OK, {**body, **more(call, part, found, "flavors", lambda flavor: flavor.id)})


@versioned
async def list_flavors_detail(call: Call, version: Microversion) -> Reply:
    part, found = await _found(call)
    body: dict[str, object] = {"flavors": [flavor_view(flavor, version, call.base_url) for flavor in found]}
    return Reply(HTTPStatus.OK, {**body, **more(call, part, found, "flavors", lambda flavor: flavor.id)})


@versioned
async def show_flavor(call: Call, version: Microversion) -> Reply:
    who, ident = call.who, call.params["flavor_id"]
    flavor = await call.controller.store.read(lambda tx: flavors.get_flavor(tx, who, ident))
    return Reply(HTTPStatus.OK, {"flavor": flavor_view(flavor, version, call.base_url)})


@versioned
async def create_flavor(call: Call, version: Microversion) -> Reply:
    wish = flavor_wish(call.json(), version)
    world, who = call.controller.world, call.who
    flavor = await call.controller.store.write(lambda tx: flavors.create_flavor(tx, world, who, wish))
    return Reply(HTTPStatus.OK, {"flavor": flavor_view(flavor, version, call.base_url)})


@versioned
async def update_flavor(call: Call, version: Microversion) -> Reply:
    since(call, version, (2, 55))
    description = envelope(call.json(), "flavor", _UPDATE, version)["description"]
    who, ident = call.who, call.params["flavor_id"]
    flavor = await call.controller.store.write(lambda tx: flavors.describe_flavor(tx, who, ident, description))
    return Reply(HTTPStatus.OK, {"flavor": flavor_view(flavor, version, call.base_url)})


@any_version
async def delete_flavor(call: Call) -> Reply:
    who, ident = call.who, call.params["flavor_id"]
    await call.controller.store.write(lambda tx: flavors.delete_flavor(tx, who, ident))
    return Reply(HTTPStatus.ACCEPTED)


def flavor_wish(body: object, version: Microversion) -> FlavorWish:
    """The body of ``POST /flavors``, read. An id of ``null``, ``""`` or ``auto`` asks for a fresh one."""
    if isinstance(body, dict) and isinstance(body.get("flavor"), dict) and type(body["flavor"].get("id")) is int:
        body = {**body, "flavor": {**body["flavor"], "id": str(body["flavor"]["id"])}}
    given = envelope(body, "flavor", _CREATE, version)
    ident = None if given.get("id") in (None, "", "auto") else str(given["id"])
    if ident is not None and not _ID.fullmatch(ident):
        raise refuse("id", ident, "id can only contain letters, digits, periods, dashes, underscores and spaces")
    return FlavorWish(
        given["name"], given["ram"], given["vcpus"], given["disk"], ident, given.get("OS-FLV-EXT-DATA:ephemeral", 0),
        given.get("swap", 0), given.get("rxtx_factor", 1.0), given.get("os-flavor-access:is_public", True),
        given.get("description"),
    )  # fmt: skip


async def _found(call: Call) -> tuple[Page, list[Flavor]]:
    refuse_unknown(call, _QUERY)
    part = page(call, _SORT_COLUMNS, (("id", True),))
    is_public, least = _is_public(call), {name: _least(call, name) for name in ("minRam", "minDisk")}
    who = call.who
    rows = await call.controller.store.read(lambda tx: _rows(tx, who, part, is_public))
    fitting = [row for row in rows if row.ram_mib >= least["minRam"] and row.disk_gib >= least["minDisk"]]
    return part, cut(fitting, part.limit)


def _rows(tx: Tx, who: Caller, part: Page, is_public: bool | None) -> list[Flavor]:
    return flavors.list_flavors(tx, who, Query(sort=part.sort, after=_after(tx, who, part)), is_public=is_public)


def _after(tx: Tx, who: Caller, part: Page) -> Mapping[str, object] | None:
    if part.marker is None:
        return None
    marker = next(iter(flavors.list_flavors(tx, who, Query({"id": [part.marker]}), is_public=None)), None)
    if marker is None:
        raise Invalid(f"marker [{part.marker}] not found")
    return FLAVORS.flat(marker)


def _is_public(call: Call) -> bool | None:
    """Without the key, the public ones; ``None``, spelled out, is all of them."""
    if (last(call, "is_public") or "").lower() == "none":
        return None
    return flag(call, "is_public", default=True)


def _least(call: Call, name: str) -> int:
    text = last(call, name)
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(INT_MAX))):
        raise bad_query(name, text, f"Invalid {name} filter [{text[:255]}]")
    return int(text)
