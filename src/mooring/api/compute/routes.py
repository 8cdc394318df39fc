"""Every path of the compute API and who may call it."""

from collections.abc import Sequence

from mooring.api import policy
from mooring.api.call import Route
from mooring.api.compute import (
    aggregates,
    discovery,
    extra_specs,
    flavors,
    hypervisors,
    interfaces,
    limits,
    quota_sets,
    server_groups,
    servers,
    services,
    zones,
)
from mooring.api.compute.links import BASE, ROOT

_RULE = "os_compute_api"
_FLAVOR = f"{BASE}/flavors/{{flavor_id}}"
_SPECS = f"{_FLAVOR}/os-extra_specs"
_SERVER = f"{BASE}/servers/{{server_id}}"
_AGGREGATE = f"{BASE}/os-aggregates/{{aggregate_id}}"
_AGGREGATES = f"{_RULE}:os-aggregates"
_GROUP = f"{BASE}/os-server-groups/{{server_group_id}}"
_GROUPS = f"{_RULE}:os-server-groups"
_PORT = f"{_SERVER}/os-interface/{{port_id}}"

ROUTES: Sequence[Route] = (
    Route("GET", ROOT, discovery.list_versions, policy.ANYONE),
    Route("GET", BASE, discovery.show_version, policy.ANYONE),
    Route("GET", f"{BASE}/flavors", flavors.list_flavors, f"{_RULE}:os-flavors:list"),
    Route("GET", f"{BASE}/flavors/detail", flavors.list_flavors_detail, f"{_RULE}:os-flavors:list"),
    Route("POST", f"{BASE}/flavors", flavors.create_flavor, f"{_RULE}:os-flavor-manage:create"),
    Route("GET", _FLAVOR, flavors.show_flavor, f"{_RULE}:os-flavors:show"),
    Route("PUT", _FLAVOR, flavors.update_flavor, f"{_RULE}:os-flavor-manage:create"),
    Route("DELETE", _FLAVOR, flavors.delete_flavor, f"{_RULE}:os-flavor-manage:delete"),
    Route("GET", _SPECS, extra_specs.list_extra_specs, f"{_RULE}:os-flavor-extra-specs:index"),
    Route("POST", _SPECS, extra_specs.add_extra_specs, f"{_RULE}:os-flavor-extra-specs:create"),
    Route("GET", f"{_SPECS}/{{key}}", extra_specs.show_extra_spec, f"{_RULE}:os-flavor-extra-specs:index"),
    Route("PUT", f"{_SPECS}/{{key}}", extra_specs.update_extra_spec, f"{_RULE}:os-flavor-extra-specs:create"),
    Route("DELETE", f"{_SPECS}/{{key}}", extra_specs.delete_extra_spec, f"{_RULE}:os-flavor-extra-specs:delete"),
    Route("GET", f"{BASE}/servers", servers.list_servers, f"{_RULE}:servers:index"),
    Route("GET", f"{BASE}/servers/detail", servers.list_servers_detail, f"{_RULE}:servers:index"),
    Route("POST", f"{BASE}/servers", servers.create_server, f"{_RULE}:servers:create"),
    Route("GET", _SERVER, servers.show_server, f"{_RULE}:servers:show"),
    Route("PUT", _SERVER, servers.update_server, f"{_RULE}:servers:update"),
    Route("DELETE", _SERVER, servers.delete_server, f"{_RULE}:servers:delete"),
    Route("POST", f"{_SERVER}/action", servers.act_on_server, f"{_RULE}:servers:show"),
    Route("GET", f"{_SERVER}/os-interface", interfaces.list_interfaces, f"{_RULE}:os-attach-interfaces:list"),
    Route("POST", f"{_SERVER}/os-interface", interfaces.attach_interface, f"{_RULE}:os-attach-interfaces:create"),
    Route("GET", _PORT, interfaces.show_interface, f"{_RULE}:os-attach-interfaces:list"),
    Route("DELETE", _PORT, interfaces.detach_interface, f"{_RULE}:os-attach-interfaces:delete"),
    Route("GET", f"{BASE}/os-hypervisors", hypervisors.list_hypervisors, f"{_RULE}:os-hypervisors:list"),
    Route("GET", f"{BASE}/os-hypervisors/detail", hypervisors.list_hypervisors_detail, f"{_RULE}:os-hypervisors:list"),
    Route(
        "GET", f"{BASE}/os-hypervisors/{{hypervisor_id}}", hypervisors.show_hypervisor, f"{_RULE}:os-hypervisors:show"
    ),
    Route("GET", f"{BASE}/os-services", services.list_services, f"{_RULE}:os-services:list"),
    Route("PUT", f"{BASE}/os-services/{{service_id}}", services.update_service, f"{_RULE}:os-services:update"),
    Route("GET", f"{BASE}/os-availability-zone", zones.list_zones, f"{_RULE}:os-availability-zone:list"),
    Route(
        "GET", f"{BASE}/os-availability-zone/detail", zones.list_zones_detail, f"{_RULE}:os-availability-zone:detail"
    ),
    Route("GET", f"{BASE}/os-aggregates", aggregates.list_aggregates, f"{_AGGREGATES}:index"),
    Route("POST", f"{BASE}/os-aggregates", aggregates.create_aggregate, f"{_AGGREGATES}:create"),
    Route("GET", _AGGREGATE, aggregates.show_aggregate, f"{_AGGREGATES}:show"),
    Route("PUT", _AGGREGATE, aggregates.update_aggregate, f"{_AGGREGATES}:update"),
    Route("DELETE", _AGGREGATE, aggregates.delete_aggregate, f"{_AGGREGATES}:delete"),
    Route("POST", f"{_AGGREGATE}/action", aggregates.act_on_aggregate, policy.AUTHENTICATED),
    Route("POST", f"{_AGGREGATE}/images", aggregates.cache_images, "compute:aggregates:images"),
    Route("GET", f"{BASE}/os-server-groups", server_groups.list_server_groups, f"{_GROUPS}:index"),
    Route("POST", f"{BASE}/os-server-groups", server_groups.create_server_group, f"{_GROUPS}:create"),
    Route("GET", _GROUP, server_groups.show_server_group, f"{_GROUPS}:show"),
    Route("DELETE", _GROUP, server_groups.delete_server_group, f"{_GROUPS}:delete"),
    Route("GET", f"{BASE}/limits", limits.show_limits, f"{_RULE}:limits"),
    Route("GET", f"{BASE}/os-quota-sets/{{project}}", quota_sets.show, f"{_RULE}:os-quota-sets:show"),
    Route("PUT", f"{BASE}/os-quota-sets/{{project}}", quota_sets.change, f"{_RULE}:os-quota-sets:update"),
    Route("DELETE", f"{BASE}/os-quota-sets/{{project}}", quota_sets.remove, f"{_RULE}:os-quota-sets:delete"),
    Route("GET", f"{BASE}/os-quota-sets/{{project}}/defaults", quota_sets.defaults, f"{_RULE}:os-quota-sets:defaults"),
    Route("GET", f"{BASE}/os-quota-sets/{{project}}/detail", quota_sets.detail, f"{_RULE}:os-quota-sets:detail"),
)
