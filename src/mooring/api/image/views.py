"""How images look on the wire. Links are paths below the service, as Glance gives them."""

from datetime import datetime

from mooring.model.server import Image


def image_view(image: Image) -> dict[str, object]:
    """Properties stand beside the attributes. There is no data here, so size and hashes are those that were told."""
    path = f"/v2/images/{image.id}"
    return {
        **image.properties,
        "name": image.name,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "visibility": image.visibility,
        "size": image.size_bytes,
        "virtual_size": None,
        "status": image.status,
        "checksum": image.checksum,
        "protected": image.protected,
        "min_ram": image.min_ram_mib,
        "min_disk": image.min_disk_gib,
        "owner": image.owner,
        "os_hidden": False,
        "os_hash_algo": None,
        "os_hash_value": None,
        "id": image.id,
        "created_at": _stamp(image.created_at),
        "updated_at": _stamp(image.updated_at),
        "tags": list(image.tags),
        "self": path,
        "file": f"{path}/file",
        "schema": "/v2/schemas/image",
    }


def _stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
