"""The attributes of an image: what each may be, what it is called in the model, and the schema that tells clients."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mooring.api.checks import Check, attributes, flag, one_of, refused, shown, text, texts, whole
from mooring.errors import Forbidden, Invalid
from mooring.model.server import Image
from mooring.service.images import TAGS_MAX

DISK_FORMATS = ("ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop")
CONTAINER_FORMATS = ("ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")
VISIBILITIES = ("public", "private", "shared")
_INT_MAX = 2**31 - 1
_PROPERTY_MAX_CHARS = 65_535
NAME = text(1, 255)
_VALUE = text(0, _PROPERTY_MAX_CHARS, is_layout_fine=True)


def _visibility(name: str, value: Any) -> str:
    """Glance's ``community`` (for all, and in nobody's list) is not served."""
    if value not in VISIBILITIES:
        raise refused(name, value, " or ".join(VISIBILITIES))
    return str(value)


#: Wire name to (the model's name, what it may be).
SETTABLE: Mapping[str, tuple[str, Check]] = {
    "name": ("name", NAME),
    "owner": ("owner", text(1, 64)),
    "visibility": ("visibility", _visibility),
    "disk_format": ("disk_format", one_of(*DISK_FORMATS)),
    "container_format": ("container_format", one_of(*CONTAINER_FORMATS)),
    "min_disk": ("min_disk_gib", whole(0, _INT_MAX)),
    "min_ram": ("min_ram_mib", whole(0, _INT_MAX)),
    "protected": ("protected", flag),
    "tags": ("tags", texts(NAME, TAGS_MAX)),
}

#: What Glance keeps for itself: these are no properties, and nobody sets them.
READ_ONLY = frozenset(
    {
        "checksum", "created_at", "deleted", "deleted_at", "direct_url", "file", "id", "locations", "member_status",
        "os_hash_algo", "os_hash_value", "os_hidden", "schema", "self", "size", "status", "stores", "updated_at",
        "virtual_size",
    }
)  # fmt: skip


def property_name(name: str) -> str:
    """A name that may be a property's. Raises Forbidden for what is read-only, Invalid for what is no name."""
    if name in READ_ONLY:
        raise Forbidden(f"attribute '{name}' is read-only")
    return str(NAME("property", name))


def value_of(name: str, value: Any) -> Any:
    """The checked value of an attribute or a property, by its wire name."""
    if name in SETTABLE:
        return SETTABLE[name][1](name, value)
    return _VALUE(property_name(name), value)


def wish_of(body: Mapping[str, Any]) -> Callable[[Image], Image]:
    """What makes the wished image out of one with defaults only. Raises Invalid or Forbidden for a bad attribute."""
    given = dict(body)
    # The only form in which images are shown: the wish says nothing.
    if "os_hidden" in given:
        one_of(False)("os_hidden", given.pop("os_hidden"))
    strange = [name for name in given if name not in SETTABLE]
    properties = {name: value_of(name, given.pop(name)) for name in strange}
    checked = attributes(given, {name: check for name, (_, check) in SETTABLE.items()}, "name")
    fields = {SETTABLE[name][0]: value for name, value in checked.items()}
    return lambda image: replace(image, **fields, properties=properties)


def image_id(value: object) -> str:
    """An id that the client chose: a UUID in its 36-character form."""
    ident = text(36, 36)("id", value)
    parts = ident.split("-")
    if [len(part) for part in parts] != [8, 4, 4, 4, 12] or not all(set(p) <= set("0123456789abcdef") for p in parts):
        raise refused("id", value, "a UUID in lower case")
    return str(ident)


def pointer(path: object) -> str:
    """The attribute that a JSON pointer names; one level deep, as images are."""
    if not isinstance(path, str) or not path.startswith("/") or "/" in path[1:] or path == "/":
        raise Invalid(f"path {shown(path)} is not '/' and the name of an attribute")
    return path[1:].replace("~1", "/").replace("~0", "~")
