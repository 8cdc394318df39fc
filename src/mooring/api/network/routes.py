"""Every call of the Networking API, and the rule of each."""

from collections.abc import Sequence

from mooring.api import policy
from mooring.api.call import Route
from mooring.api.network import agents, discovery
from mooring.api.network.discovery import PREFIX
from mooring.api.network.networks import NETWORK_COLLECTION
from mooring.api.network.ports import PORT_COLLECTION
from mooring.api.network.subnets import SUBNET_COLLECTION

ROUTES: Sequence[Route] = (
    Route("GET", "/network", discovery.versions, policy.ANYONE),
    Route("GET", PREFIX, discovery.resources, policy.ANYONE),
    Route("GET", f"{PREFIX}/extensions", discovery.list_extensions, "get_extension"),
    Route("GET", f"{PREFIX}/extensions/{{alias}}", discovery.show_extension, "get_extension"),
    Route("GET", f"{PREFIX}/availability_zones", discovery.list_zones, "get_availability_zone"),
    *NETWORK_COLLECTION.routes(PREFIX),
    *SUBNET_COLLECTION.routes(PREFIX),
    *PORT_COLLECTION.routes(PREFIX),
    Route("GET", f"{PREFIX}/agents", agents.index, "get_agent"),
    Route("POST", f"{PREFIX}/agents", agents.create, "create_agent"),
    Route("GET", f"{PREFIX}/agents/{{ident}}", agents.show, "get_agent"),
    Route("PUT", f"{PREFIX}/agents/{{ident}}", agents.change, "update_agent"),
    Route("DELETE", f"{PREFIX}/agents/{{ident}}", agents.remove, "delete_agent"),
)
