"""The versions of the API."""

from http import HTTPStatus

from mooring.api.call import Call, Reply

_NEWEST = 9
#: Glance has v2.8, and v2.10 and later, only with several stores, which there are none of here.
_MINORS = (9, 7, 6, 5, 4, 3, 2, 1, 0)


async def list_versions(call: Call) -> Reply:
    links = [{"rel": "self", "href": f"{call.base_url}/image/v2/"}]
    versions = [
        {"id": f"v2.{minor}", "status": "CURRENT" if minor == _NEWEST else "SUPPORTED", "links": links}
        for minor in _MINORS
    ]
    return Reply(HTTPStatus.MULTIPLE_CHOICES, {"versions": versions})
