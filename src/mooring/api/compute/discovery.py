"""``GET /compute`` and ``GET /compute/v2.1``: what clients ask before anything else, without a token."""

from http import HTTPStatus

from mooring.api.call import Call, Reply
from mooring.api.compute.links import BASE, Link
from mooring.api.compute.microversion import LATEST, MIN, any_version

#: The day on which Nova's v2.1 was called current; clients show it.
_UPDATED = "2013-07-23T11:33:21Z"


def _version(call: Call, *more: Link) -> dict[str, object]:
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": str(LATEST),
        "min_version": str(MIN),
        "updated": _UPDATED,
        "links": [{"rel": "self", "href": f"{call.base_url}{BASE}/"}, *more],
    }


async def list_versions(call: Call) -> Reply:
    return Reply(HTTPStatus.OK, {"versions": [_version(call)]})


@any_version
async def show_version(call: Call) -> Reply:
    """The range of microversions: clients then ask for the newest that both sides know."""
    described = {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/api-ref/compute/"}
    media = {"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}
    return Reply(HTTPStatus.OK, {"version": {**_version(call, described), "media-types": [media]}})
