"""Images: what is known of the disks that the hosts hold.

Registering an image stores its description and makes it ``active`` at once: the disk itself is on the hosts, and no
data passes through here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from mooring.core.flavor_specs import read_image_properties
from mooring.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge
from mooring.model.identity import Caller
from mooring.model.server import Image
from mooring.service.world import World
from mooring.store.identity import PROJECTS
from mooring.store.images import IMAGES, servers_from
from mooring.store.rows import Query
from mooring.store.tx import Event, Tx

PROPERTIES_MAX = 128
TAGS_MAX = 128


@dataclass(frozen=True, slots=True)
class ImageQuery:
    """A list request. ``equals`` maps columns to the values of which any will do; of none, none does."""

    equals: Mapping[str, Sequence[object]] = field(default_factory=dict)
    tags: Sequence[str] = ()
    """All of them."""
    properties: Mapping[str, str] = field(default_factory=dict)
    sort: Sequence[tuple[str, bool]] = (("created_at", False), ("id", False))
    marker: str | None = None
    limit: int | None = None


class Op(StrEnum):
    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a JSON patch: ``name`` is an attribute of Image, or any other name for a property."""

    op: Op
    name: str
    value: object = None


#: What may be set, by its name in the model; anything else is a property.
SETTABLE = frozenset(
    {
        "name", "owner", "visibility", "disk_format", "container_format", "min_disk_gib", "min_ram_mib", "protected",
        "tags",
    }
)  # fmt: skip


def is_visible(image: Image, who: Caller) -> bool:
    return image.visibility == "public" or image.owner == who.project_id or who.is_admin


def get_image(tx: Tx, who: Caller, image_id: str) -> Image:
    """The image, if the caller may know of it. Raises NotFound."""
    image = IMAGES.get(tx, image_id)
    if image is None or not is_visible(image, who):
        raise NotFound("image", image_id)
    return image


def list_images(tx: Tx, who: Caller, query: ImageQuery) -> list[Image]:
    """The images that the caller may know of and that match, sorted, one page. Raises Invalid for a foreign marker."""
    if not all(query.equals.values()):
        return []
    found = [
        image
        for image in IMAGES.find(tx, Query(query.equals, query.sort))
        if is_visible(image, who) and _matches(image, query)
    ]
    if query.marker is not None:
        places = [place for place, image in enumerate(found) if image.id == query.marker]
        if not places:
            raise Invalid(f"marker {query.marker!r} names no image of this list")
        found = found[places[0] + 1 :]
    return found if query.limit is None else found[: query.limit]


def _matches(image: Image, query: ImageQuery) -> bool:
    return set(query.tags) <= set(image.tags) and query.properties.items() <= image.properties.items()


def add_image(tx: Tx, world: World, who: Caller, wish: Callable[[Image], Image], image_id: str | None = None) -> Image:
    """Register an image. ``wish`` makes what the caller wants out of one with defaults only.

    Raises Conflict for a taken id, Forbidden for another project's or a public image of somebody who is no admin.
    """
    ident = image_id or world.ids.uuid()
    if IMAGES.get(tx, ident) is not None:
        raise Conflict(f"image {ident} exists")
    image = wish(Image(ident, "", who.project_id or "", tx.now, tx.now, visibility="shared"))
    _check(tx, who, image)
    IMAGES.insert(tx, image)
    tx.tell(Event("image.created", image.id, image.owner, actor=who.user_id, request_id=who.request_id))
    return image


def change_image(tx: Tx, who: Caller, image_id: str, changes: Sequence[Change]) -> Image:
    """Apply a JSON patch as a whole or not at all.

    Raises Conflict when a step replaces or removes a property that is not there, Forbidden when one removes what every
    image has.
    """
    before = own_image(tx, who, image_id)
    after = before
    for change in changes:
        after = _changed(after, change)
    _check(tx, who, after, before)
    after = IMAGES.update(tx, replace(after, updated_at=tx.now))
    detail = {"changed": sorted({change.name for change in changes})}
    tx.tell(Event("image.updated", image_id, after.owner, None, who.user_id, who.request_id, detail))
    return after


def tag_image(tx: Tx, who: Caller, image_id: str, tag: str) -> None:
    """Add a tag; one that is there already is no error."""
    tags = own_image(tx, who, image_id).tags
    if tag not in tags:
        change_image(tx, who, image_id, [Change(Op.REPLACE, "tags", (*tags, tag))])


def untag_image(tx: Tx, who: Caller, image_id: str, tag: str) -> None:
    """Take a tag away. Raises NotFound when it is not there."""
    tags = own_image(tx, who, image_id).tags
    if tag not in tags:
        raise NotFound("tag", tag)
    change_image(tx, who, image_id, [Change(Op.REPLACE, "tags", tuple(each for each in tags if each != tag))])


def _changed(image: Image, change: Change) -> Image:
    if change.name in SETTABLE:
        if change.op is Op.REMOVE:
            raise Forbidden(f"attribute {change.name!r} of an image can not be removed")
        return replace(image, **{change.name: change.value})  # type: ignore[arg-type]  # checked by the API's table
    properties = dict(image.properties)
    if change.op is not Op.ADD and change.name not in properties:
        raise Conflict(f"image {image.id} has no property {change.name!r} to {change.op.value}")
    if change.op is Op.REMOVE:
        del properties[change.name]
    else:
        properties[change.name] = str(change.value)
    return replace(image, properties=properties)


def remove_image(tx: Tx, who: Caller, image_id: str) -> None:
    """Forget an image. Raises Forbidden for a protected one, Conflict while servers were made from it."""
    image = own_image(tx, who, image_id)
    if image.protected:
        raise Forbidden(f"image {image_id} is protected and cannot be deleted", hint="set protected to false first")
    if servers := servers_from(tx, image_id):
        raise Conflict(f"image {image_id} is in use by {servers} servers", hint="delete them first")
    IMAGES.delete(tx, image_id)
    tx.tell(Event("image.deleted", image_id, image.owner, actor=who.user_id, request_id=who.request_id))


def own_image(tx: Tx, who: Caller, image_id: str) -> Image:
    """The image, if the caller may change it. Raises NotFound, or Forbidden for one that is only public."""
    image = get_image(tx, who, image_id)
    if image.owner != who.project_id and not who.is_admin:
        raise Forbidden(f"image {image_id} belongs to another project")
    return image


def _check(tx: Tx, who: Caller, image: Image, before: Image | None = None) -> None:
    """What no single attribute can tell: limits, who may say what, and what servers made from it would ask for."""
    if len(image.properties) > PROPERTIES_MAX:
        raise TooLarge(f"the image has {len(image.properties)} properties, of {PROPERTIES_MAX} at most")
    if len(image.tags) > TAGS_MAX:
        raise TooLarge(f"the image has {len(image.tags)} tags, of {TAGS_MAX} at most")
    read_image_properties(image.properties)
    if image.visibility == "public" and (before is None or before.visibility != "public") and not who.is_admin:
        raise Forbidden("only an admin makes an image public")
    if image.owner == (before.owner if before else who.project_id):
        return
    if not who.is_admin:
        raise Forbidden(f"only an admin gives an image to another project, {image.owner}")
    if PROJECTS.get(tx, image.owner) is None:
        raise Invalid(f"owner {image.owner!r} is no project")
