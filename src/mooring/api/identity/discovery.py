"""The versions of the API: what a client asks before it logs in."""

from http import HTTPStatus
from typing import Any

from mooring.api.call import Call, Reply
from mooring.api.identity.views import PREFIX

_JSON = "application/json"
_OURS = "application/vnd.openstack.identity-v3+json"


def _version(call: Call) -> dict[str, Any]:
    """3.14 is the last version of the API that Keystone numbered."""
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{call.base_url}{PREFIX}/"}],
        "media-types": [{"base": _JSON, "type": _OURS}],
    }


async def list_versions(call: Call) -> Reply:
    return Reply(HTTPStatus.MULTIPLE_CHOICES, {"versions": {"values": [_version(call)]}})


async def show_version(call: Call) -> Reply:
    return Reply(body={"version": _version(call)})
