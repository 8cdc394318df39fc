"""The service catalog, derived from the URL that the client used and the region's name: there is nothing to edit."""

import uuid
from dataclasses import dataclass

from mooring.api.call import Call

_INTERFACES = ("public", "internal", "admin")


@dataclass(frozen=True, slots=True)
class Service:
    type: str
    name: str
    """Upstream's, since clients may select by it."""
    path: str

    @property
    def id(self) -> str:
        return _ident(self.type)


SERVICES = (
    Service("identity", "keystone", "/identity/v3"),
    Service("network", "neutron", "/network"),
    Service("compute", "nova", "/compute/v2.1"),
    Service("image", "glance", "/image"),
)


def _ident(text: str) -> str:
    """The same id in every cloud and after every start."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"mooring.{text}").hex


def endpoints(call: Call, service: Service) -> list[dict[str, str]]:
    region = call.controller.world.config.region
    return [
        {
            "id": _ident(f"{service.type}.{interface}.{region}"),
            "interface": interface,
            "region_id": region,
            "url": f"{call.base_url}{service.path}",
            "region": region,
        }
        for interface in _INTERFACES
    ]


def catalog(call: Call) -> list[dict[str, object]]:
    """As a token carries it."""
    return [
        {"endpoints": endpoints(call, service), "id": service.id, "type": service.type, "name": service.name}
        for service in SERVICES
    ]
