"""Every call of the Networking API, and the rule of each."""

from collections.abc import Sequence

from mooring.api import policy
from mooring.api.call import Route
from mooring.api.network import (
    agents,
    bindings,
    discovery,
    ip_availability,
    quotas,
    rule_types,
    security_groups,
    service_providers,
)
from mooring.api.network.address_scopes import ADDRESS_SCOPE_COLLECTION
from mooring.api.network.discovery import PREFIX
from mooring.api.network.networks import NETWORK_COLLECTION
from mooring.api.network.ports import PORT_COLLECTION
from mooring.api.network.qos import QOS_POLICY_COLLECTION
from mooring.api.network.qos_rules import RULE_COLLECTIONS
from mooring.api.network.rbac import RBAC_COLLECTION
from mooring.api.network.segments import SEGMENT_COLLECTION
from mooring.api.network.subnetpools import SUBNETPOOL_COLLECTION
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
    *SUBNETPOOL_COLLECTION.routes(PREFIX),
    *ADDRESS_SCOPE_COLLECTION.routes(PREFIX),
    *SEGMENT_COLLECTION.routes(PREFIX),
    *ip_availability.routes(PREFIX),
    *bindings.routes(PREFIX),
    *security_groups.routes(PREFIX),
    *QOS_POLICY_COLLECTION.routes(f"{PREFIX}/qos"),
    # Where Neutron has the tags of policies.
    *QOS_POLICY_COLLECTION.tag_routes(f"{PREFIX}/policies/{{ident}}"),
    *(route for rules in RULE_COLLECTIONS for route in rules.routes(PREFIX)),
    Route("GET", f"{PREFIX}/qos/rule-types", rule_types.index, "get_rule_type", query=rule_types.QUERY),
    Route("GET", f"{PREFIX}/qos/rule-types/{{type}}", rule_types.show, "get_rule_type", query=("fields",)),
    *RBAC_COLLECTION.routes(PREFIX),
    Route("GET", f"{PREFIX}/quotas", quotas.index, "get_quota"),
    Route("GET", f"{PREFIX}/quotas/tenant", quotas.own_tenant, "get_quota"),
    Route("GET", f"{PREFIX}/quotas/project", quotas.own_project, "get_quota"),
    Route("GET", f"{PREFIX}/quotas/{{project}}", quotas.show, "get_quota"),
    Route("PUT", f"{PREFIX}/quotas/{{project}}", quotas.change, "update_quota"),
    Route("DELETE", f"{PREFIX}/quotas/{{project}}", quotas.remove, "delete_quota"),
    Route("GET", f"{PREFIX}/quotas/{{project}}/default", quotas.default, "get_quota"),
    Route("GET", f"{PREFIX}/quotas/{{project}}/details", quotas.details, "get_quota"),
    Route("GET", f"{PREFIX}/quotas/{{project}}/details.json", quotas.details, "get_quota"),
    Route("GET", f"{PREFIX}/service-providers", service_providers.service_providers, "get_service_provider"),
    Route("GET", f"{PREFIX}/routers", service_providers.routers, "get_router"),
    Route("POST", f"{PREFIX}/routers", service_providers.make_router, "create_router"),
    Route("GET", f"{PREFIX}/floatingips", service_providers.floating_ips, "get_floatingip"),
    Route("POST", f"{PREFIX}/floatingips", service_providers.make_floating_ip, "create_floatingip"),
    Route("GET", f"{PREFIX}/agents", agents.index, "get_agent"),
    Route("POST", f"{PREFIX}/agents", agents.create, "create_agent"),
    Route("GET", f"{PREFIX}/agents/{{ident}}", agents.show, "get_agent"),
    Route("PUT", f"{PREFIX}/agents/{{ident}}", agents.change, "update_agent"),
    Route("DELETE", f"{PREFIX}/agents/{{ident}}", agents.remove, "delete_agent"),
)
