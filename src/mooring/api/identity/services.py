"""Services, endpoints and regions, as ``openstack endpoint list`` asks for them. Read only: see ``catalog.py``."""

from typing import Any

from mooring.api.call import Call, Reply
from mooring.api.identity.catalog import SERVICES, Service, endpoints
from mooring.api.identity.filters import as_text, matching, wanted
from mooring.api.identity.views import answer, links, listing
from mooring.errors import NotFound

_SERVICE_FILTERS = {"name": as_text, "type": as_text}
_ENDPOINT_FILTERS = {"interface": as_text, "service_id": as_text, "region_id": as_text}
_REGION_FILTERS = {"parent_region_id": as_text}


def _service(call: Call, service: Service) -> dict[str, Any]:
    return {
        "name": service.name,
        "id": service.id,
        "type": service.type,
        "enabled": True,
        "links": links(call, "services", service.id),
    }


def _endpoints(call: Call) -> list[dict[str, Any]]:
    return [
        {**endpoint, "service_id": service.id, "enabled": True, "links": links(call, "endpoints", endpoint["id"])}
        for service in SERVICES
        for endpoint in endpoints(call, service)
    ]


def _region(call: Call) -> dict[str, Any]:
    region = call.controller.world.config.region
    return {"id": region, "description": "", "parent_region_id": None, "links": links(call, "regions", region)}


def _found(noun: str, views: list[dict[str, Any]], ident: str) -> Reply:
    for view in views:
        if view["id"] == ident:
            return answer({noun: view})
    raise NotFound(noun, ident)


async def list_services(call: Call) -> Reply:
    views = [_service(call, service) for service in SERVICES]
    return listing(call, "services", matching(views, wanted(call, _SERVICE_FILTERS)))


async def show_service(call: Call) -> Reply:
    return _found("service", [_service(call, service) for service in SERVICES], call.params["service_id"])


async def list_endpoints(call: Call) -> Reply:
    return listing(call, "endpoints", matching(_endpoints(call), wanted(call, _ENDPOINT_FILTERS)))


async def show_endpoint(call: Call) -> Reply:
    return _found("endpoint", _endpoints(call), call.params["endpoint_id"])


async def list_regions(call: Call) -> Reply:
    return listing(call, "regions", matching([_region(call)], wanted(call, _REGION_FILTERS)))


async def show_region(call: Call) -> Reply:
    return _found("region", [_region(call)], call.params["region_id"])
