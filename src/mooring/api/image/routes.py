"""Image v2: the paths that clients use of Glance's."""

from collections.abc import Sequence

from mooring.api.call import Route
from mooring.api.image import discovery, images, schemas
from mooring.api.policy import ANYONE

_IMAGES = "/image/v2/images"
_IMAGE = f"{_IMAGES}/{{image_id}}"

ROUTES: Sequence[Route] = (
    Route("GET", "/image", discovery.list_versions, ANYONE),
    Route("GET", "/image/versions", discovery.list_versions, ANYONE),
    Route("GET", _IMAGES, images.index, "get_images"),
    Route("POST", _IMAGES, images.create, "add_image"),
    Route("GET", _IMAGE, images.show, "get_image"),
    Route("PATCH", _IMAGE, images.update, "modify_image"),
    Route("DELETE", _IMAGE, images.delete, "delete_image"),
    Route("PUT", f"{_IMAGE}/file", images.upload, "modify_image"),
    Route("GET", f"{_IMAGE}/file", images.download, "get_image"),
    Route("PUT", f"{_IMAGE}/tags/{{tag}}", images.add_tag, "modify_image"),
    Route("DELETE", f"{_IMAGE}/tags/{{tag}}", images.remove_tag, "modify_image"),
    Route("GET", "/image/v2/schemas/image", schemas.show_image_schema, "get_images"),
    Route("GET", "/image/v2/schemas/images", schemas.show_images_schema, "get_images"),
)
