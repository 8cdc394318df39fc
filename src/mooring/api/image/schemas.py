"""JSON schemas of an image and of a list of images, which SDKs read to tell attributes from properties."""

from typing import Any

from mooring.api.call import Call, Reply
from mooring.api.image.attributes import CONTAINER_FORMATS, DISK_FORMATS, VISIBILITIES

_UUID = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"
_NAME_MAX_CHARS = 255


def _settable(kind: object, about: str, **more: object) -> dict[str, Any]:
    return {"type": kind, "description": about, **more}


def _read_only(kind: object, about: str, **more: object) -> dict[str, Any]:
    return {"type": kind, "readOnly": True, "description": about, **more}


_MAYBE_TEXT = ["null", "string"]
_PROPERTIES: dict[str, Any] = {
    "id": _settable("string", "The image's UUID.", pattern=_UUID),
    "name": _settable(_MAYBE_TEXT, "A name for people.", maxLength=_NAME_MAX_CHARS),
    "status": _read_only("string", "Images are registered, not uploaded, and active at once.", enum=["active"]),
    "visibility": _settable("string", "Who sees the image.", enum=list(VISIBILITIES)),
    "protected": _settable("boolean", "Whether the image can not be deleted."),
    "os_hidden": _settable("boolean", "Always false."),
    "checksum": _read_only(_MAYBE_TEXT, "MD5 of the disk, when it is known."),
    "os_hash_algo": _read_only(_MAYBE_TEXT, "Always null: there is no data here to hash."),
    "os_hash_value": _read_only(_MAYBE_TEXT, "Always null: there is no data here to hash."),
    "owner": _settable(_MAYBE_TEXT, "The project that the image belongs to.", maxLength=64),
    "size": _read_only(["null", "integer"], "Bytes of the disk, when they are known."),
    "virtual_size": _read_only(["null", "integer"], "Always null."),
    "container_format": _settable(_MAYBE_TEXT, "What the disk is wrapped in.", enum=list(CONTAINER_FORMATS)),
    "disk_format": _settable(_MAYBE_TEXT, "The format of the disk.", enum=list(DISK_FORMATS)),
    "created_at": _read_only("string", "When the image was registered."),
    "updated_at": _read_only("string", "When the registration last changed."),
    "tags": {
        "type": "array",
        "description": "Words to find the image by.",
        "items": {"type": "string", "maxLength": _NAME_MAX_CHARS},
    },
    "min_ram": _settable("integer", "MiB of memory that a server needs for it."),
    "min_disk": _settable("integer", "GiB of disk that a server needs for it."),
    "self": _read_only("string", "Path of the image."),
    "file": _read_only("string", "Path of the data, which is on the hosts and not served."),
    "schema": _read_only("string", "Path of this schema."),
}

_IMAGE: dict[str, Any] = {
    "name": "image",
    "properties": _PROPERTIES,
    "additionalProperties": {"type": "string"},
    "links": [
        {"rel": "self", "href": "{self}"},
        {"rel": "enclosure", "href": "{file}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}

_IMAGES: dict[str, Any] = {
    "name": "images",
    "properties": {
        "images": {"type": "array", "items": _IMAGE},
        "first": {"type": "string"},
        "next": {"type": "string"},
        "schema": {"type": "string"},
    },
    "links": [
        {"rel": "first", "href": "{first}"},
        {"rel": "next", "href": "{next}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}


async def show_image_schema(call: Call) -> Reply:
    del call
    return Reply(body=_IMAGE)


async def show_images_schema(call: Call) -> Reply:
    del call
    return Reply(body=_IMAGES)
