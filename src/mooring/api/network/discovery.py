"""What a client asks before it asks for anything: versions, collections, extensions, zones."""

from mooring.api.call import Call, Reply
from mooring.api.network.extensions import EXTENSIONS
from mooring.api.network.listing import fields_of, shown_fields
from mooring.errors import NotFound

PREFIX = "/network/v2.0"
_COLLECTIONS = (("network", "networks"), ("subnet", "subnets"), ("subnetpool", "subnetpools"), ("port", "ports"))


async def versions(call: Call) -> Reply:
    link = {"rel": "self", "href": f"{call.base_url}{PREFIX}/"}
    return Reply(body={"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]})


async def resources(call: Call) -> Reply:
    listed = [
        {
            "name": name,
            "collection": collection,
            "links": [{"rel": "self", "href": f"{call.base_url}{PREFIX}/{collection}"}],
        }
        for name, collection in _COLLECTIONS
    ]
    return Reply(body={"resources": listed})


async def list_extensions(call: Call) -> Reply:
    fields = fields_of(call)
    return Reply(body={"extensions": [shown_fields(each.view, fields) for each in EXTENSIONS.values()]})


async def show_extension(call: Call) -> Reply:
    found = EXTENSIONS.get(call.params["alias"])
    if found is None:
        missing = NotFound("extension", call.params["alias"])
        missing.code = "HTTPNotFound"
        raise missing
    return Reply(body={"extension": shown_fields(found.view, fields_of(call))})


async def list_zones(call: Call) -> Reply:
    """Empty: zones are the hosts', and no network resource is placed in one."""
    del call
    return Reply(body={"availability_zones": []})
