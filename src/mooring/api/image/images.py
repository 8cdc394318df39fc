"""Images.

``POST`` registers the description of a disk that the hosts hold, and the image is active at once. Data is neither taken
nor given: ``PUT .../file`` takes an empty body only, and ``GET .../file`` answers 204, as Glance does without data.
"""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from mooring.api.call import Call, Reply
from mooring.api.checks import section, shown
from mooring.api.image.attributes import NAME, SETTABLE, image_id, pointer, property_name, value_of, wish_of
from mooring.api.image.listing import image_query, list_path
from mooring.api.image.views import image_view
from mooring.errors import Forbidden, Invalid
from mooring.service.images import (
    Change,
    Op,
    add_image,
    change_image,
    get_image,
    list_images,
    own_image,
    remove_image,
    tag_image,
    untag_image,
)

_PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
_CHANGES_MAX = 256


async def index(call: Call) -> Reply:
    query = image_query(call)
    # One more than the page tells whether there is another.
    more = replace(query, limit=None if query.limit is None else query.limit + 1)
    found = await call.controller.store.read(lambda tx: list_images(tx, call.who, more))
    page = found if query.limit is None else found[: query.limit]
    body: dict[str, Any] = {"images": [image_view(image) for image in page]}
    body |= {"first": list_path(call.query), "schema": "/v2/schemas/images"}
    if page and len(found) > len(page):
        body["next"] = list_path(call.query, page[-1].id)
    return Reply(body=body)


async def show(call: Call) -> Reply:
    image = await call.controller.store.read(lambda tx: get_image(tx, call.who, call.params["image_id"]))
    return Reply(body=image_view(image))


async def create(call: Call) -> Reply:
    body = dict(section(call.json(), "body"))
    ident = image_id(body.pop("id")) if "id" in body else None
    wish = wish_of(body)
    world, who = call.controller.world, call.who
    image = await call.controller.store.write(lambda tx: add_image(tx, world, who, wish, ident))
    location = f"{call.base_url}/image/v2/images/{image.id}"
    return Reply(HTTPStatus.CREATED, image_view(image), {"Location": location})


async def update(call: Call) -> Reply:
    """A JSON patch (RFC 6902) with ``add``, ``replace`` and ``remove`` of whole attributes, all or nothing."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _PATCH_TYPE:
        raise Invalid(f"content type {shown(kind)} is not a patch of an image", hint=f"send {_PATCH_TYPE}")
    changes = _changes(call.json())
    image = await call.controller.store.write(lambda tx: change_image(tx, call.who, call.params["image_id"], changes))
    return Reply(body=image_view(image))


def _changes(patch: object) -> list[Change]:
    if not isinstance(patch, list) or len(patch) > _CHANGES_MAX:
        raise Invalid(f"the patch is not a list of at most {_CHANGES_MAX} changes")
    return [_change(section(each, f"change {place}")) for place, each in enumerate(patch)]


def _change(given: dict[str, Any]) -> Change:
    op = given.get("op")
    if op not in tuple(Op):
        raise Invalid(f"op {shown(op)} is not served", hint=f"known: {', '.join(Op)}")
    name = pointer(given.get("path"))
    if strange := given.keys() - {"op", "path", "value"}:
        raise Invalid(f"a change has the unknown member {shown(min(strange))}")
    ours = SETTABLE[name][0] if name in SETTABLE else property_name(name)
    if op == Op.REMOVE:
        return Change(Op.REMOVE, ours)
    if "value" not in given:
        raise Invalid(f"the change of '{name}' has no value")
    return Change(Op(op), ours, value_of(name, given["value"]))


async def delete(call: Call) -> Reply:
    await call.controller.store.write(lambda tx: remove_image(tx, call.who, call.params["image_id"]))
    return Reply(HTTPStatus.NO_CONTENT)


async def upload(call: Call) -> Reply:
    """No data is what there is to take. The ``openstack`` client sends it whenever its input is no terminal."""
    await call.controller.store.read(lambda tx: own_image(tx, call.who, call.params["image_id"]))
    if call.body:
        raise Forbidden("image data is not kept here", hint="put the disk on the hosts, then register it without data")
    return Reply(HTTPStatus.NO_CONTENT)


async def download(call: Call) -> Reply:
    await call.controller.store.read(lambda tx: get_image(tx, call.who, call.params["image_id"]))
    return Reply(HTTPStatus.NO_CONTENT)


async def add_tag(call: Call) -> Reply:
    tag = NAME("tag", call.params["tag"])
    await call.controller.store.write(lambda tx: tag_image(tx, call.who, call.params["image_id"], tag))
    return Reply(HTTPStatus.NO_CONTENT)


async def remove_tag(call: Call) -> Reply:
    tag = call.params["tag"]
    await call.controller.store.write(lambda tx: untag_image(tx, call.who, call.params["image_id"], tag))
    return Reply(HTTPStatus.NO_CONTENT)
