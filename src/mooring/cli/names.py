"""From the name that a person types to the id that the APIs want."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mooring.cli.client import Client, rows
from mooring.errors import Conflict, NotFound

_PAGES_MAX = 100
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_PATHS = {"image": "/image/v2/images", "network": "/network/v2.0/networks", "port": "/network/v2.0/ports"}


def id_of(client: Client, noun: str, text: str) -> str:
    """The id of the flavor, image, network or port that ``text`` names, by id or by name.

    A UUID is taken at its word. Raises NotFound for none of that name, Conflict for several.
    """
    if _UUID.fullmatch(text):
        return text
    found = _flavors(client) if noun == "flavor" else rows(client.get(_PATHS[noun], {"name": text}), f"{noun}s")
    by_name = sorted(str(one["id"]) for one in found if one["name"] == text)
    ids = [str(one["id"]) for one in found if one["id"] == text] or by_name
    if len(ids) > 1:
        raise Conflict(f"{len(ids)} {noun}s are named {text}", hint=f"give the id: {' or '.join(ids)}")
    if not ids:
        raise NotFound(noun, text, hint=f"openstack {noun} list shows them")
    return ids[0]


def project_id(client: Client, text: str) -> str:
    """The id of the project that ``text`` names, by name or by id. Raises NotFound."""
    named = rows(client.get("/identity/v3/projects", {"name": text}), "projects")
    if named:
        return str(named[0]["id"])
    known = rows(client.get("/identity/v3/projects"), "projects")
    if not any(one["id"] == text for one in known):
        raise NotFound("project", text, hint="openstack project list shows them")
    return text


def _flavors(client: Client) -> Sequence[Mapping[str, Any]]:
    """All that the caller may see, page by page: Nova's flavors have ids of any form, and no filter by name."""
    found: list[Mapping[str, Any]] = []
    query = {"is_public": "None"}
    for _ in range(_PAGES_MAX):
        page = client.get("/compute/v2.1/flavors", query)
        found += rows(page, "flavors")
        if not page.get("flavors_links") or not found:
            break
        query["marker"] = str(found[-1]["id"])
    return found
