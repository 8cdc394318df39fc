"""Who may call what. Deny by default: a route names a rule of this table, or the controller does not start.

Rule names are OpenStack's own, because they appear in its error messages. Object-level checks (is it your
project's?) are where the object is read; attribute-level ones are in ``network/attributes.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mooring.errors import Forbidden
from mooring.model.identity import Caller

ANYONE = "anyone"
AUTHENTICATED = "authenticated"
AGENT = "agent"
"""The caller proves itself with a host's key; the handler asks ``service/inventory.py`` whose it is."""

_READERS = frozenset({"admin", "manager", "member", "reader", "service"})
_MEMBERS = frozenset({"admin", "manager", "member", "service"})
_ADMINS = frozenset({"admin"})
_PRIVILEGED = frozenset({"admin", "service"})


@dataclass(frozen=True, slots=True)
class Rule:
    roles: frozenset[str]
    """Any of these roles in the token's project."""
    message: str
    """What a caller without one is told; ``{rule}`` is the rule's name."""


_QOS_RULES = ("bandwidth_limit", "minimum_bandwidth", "dscp_marking", "packet_rate_limit", "minimum_packet_rate")
_VERBS = ("get", "create", "update", "delete")

_KEYSTONE = "You are not authorized to perform the requested action: {rule}."
_NEUTRON = "(rule:{rule}) is disallowed by policy"
_NOVA = "Policy doesn't allow {rule} to be performed."
_OURS = "this needs the role admin ({rule})"


def _rules(roles: frozenset[str], message: str, *names: str) -> Mapping[str, Rule]:
    return {name: Rule(roles, message) for name in names}


RULES: Mapping[str, Rule] = {
    **_rules(
        _ADMINS, _KEYSTONE,
        "identity:list_projects", "identity:get_project", "identity:create_project", "identity:update_project",
        "identity:delete_project", "identity:list_users", "identity:get_user", "identity:create_user",
        "identity:update_user", "identity:delete_user", "identity:list_roles", "identity:get_role",
        "identity:list_role_assignments", "identity:list_grants", "identity:check_grant", "identity:create_grant",
        "identity:revoke_grant", "identity:list_domains", "identity:get_domain", "identity:list_services",
        "identity:list_endpoints", "identity:list_regions", "identity:list_user_projects", "identity:revoke_token",
    ),
    **_rules(_PRIVILEGED, _KEYSTONE, "identity:validate_token"),
    **_rules(_READERS, _NEUTRON, "get_network", "get_subnet", "get_port", "get_extension", "get_availability_zone",
             "get_agent"),
    **_rules(_MEMBERS, _NEUTRON, "create_network", "update_network", "delete_network", "create_subnet",
             "update_subnet", "delete_subnet", "create_port", "update_port", "delete_port"),
    # Segments and counts of addresses are for admins and services: others see none, as in Neutron.
    **_rules(_READERS, _NEUTRON, "get_subnetpool", "get_address_scope", "get_segment", "get_network_ip_availability"),
    **_rules(_MEMBERS, _NEUTRON, "create_subnetpool", "update_subnetpool", "delete_subnetpool",
             "create_address_scope", "update_address_scope", "delete_address_scope"),
    **_rules(_ADMINS, _NEUTRON, "create_segment", "update_segment", "delete_segment"),
    **_rules(_ADMINS, _NEUTRON, "update_agent", "delete_agent", "create_agent", "update_quota", "delete_quota"),
    **_rules(_READERS, _NEUTRON, "get_policy", "get_rule_type", "get_rbac_policy", "get_quota",
             "get_service_provider", "get_floatingip", "get_router"),
    **_rules(_MEMBERS, _NEUTRON, "create_rbac_policy", "update_rbac_policy", "delete_rbac_policy",
             "create_floatingip", "create_router"),
    # Another project's port has no bindings because it is not there: the stories judge that first, and the role then.
    **_rules(_READERS, _NEUTRON, "get_port_binding", "create_port_binding", "update_port_binding",
             "delete_port_binding", "activate", "get_security_group", "get_security_group_rule"),
    **_rules(_MEMBERS, _NEUTRON, "create_security_group", "update_security_group", "delete_security_group",
             "create_security_group_rule", "update_security_group_rule", "delete_security_group_rule"),
    # The stories judge: what is wrong with a body, and that a policy is not there for the caller, is told first.
    **_rules(_READERS, _NEUTRON, "create_policy", "update_policy", "delete_policy"),
    **_rules(_READERS, _NEUTRON, *(f"{verb}_policy_{kind}_rule" for verb in _VERBS for kind in _QOS_RULES)),
    **_rules(_READERS, _NOVA, "os_compute_api:servers:index", "os_compute_api:servers:show",
             "os_compute_api:os-flavors:list", "os_compute_api:os-flavors:show",
             "os_compute_api:os-attach-interfaces:list", "os_compute_api:os-availability-zone:list",
             "os_compute_api:limits", "os_compute_api:os-quota-sets:show", "os_compute_api:os-quota-sets:defaults",
             "os_compute_api:os-quota-sets:detail", "os_compute_api:os-flavor-extra-specs:index",
             "os_compute_api:os-server-groups:index", "os_compute_api:os-server-groups:show"),
    **_rules(_MEMBERS, _NOVA, "os_compute_api:servers:create", "os_compute_api:servers:delete",
             "os_compute_api:servers:update", "os_compute_api:os-attach-interfaces:create",
             "os_compute_api:os-attach-interfaces:delete", "os_compute_api:os-console-output",
             "os_compute_api:os-server-groups:create", "os_compute_api:os-server-groups:delete"),
    **_rules(_ADMINS, _NOVA, "os_compute_api:os-flavor-manage:create", "os_compute_api:os-flavor-manage:delete",
             "os_compute_api:os-flavor-extra-specs:create", "os_compute_api:os-flavor-extra-specs:delete",
             "os_compute_api:os-hypervisors:list", "os_compute_api:os-hypervisors:show",
             "os_compute_api:os-services:list", "os_compute_api:os-services:update",
             "os_compute_api:os-availability-zone:detail", "os_compute_api:os-aggregates:index",
             "os_compute_api:os-aggregates:show", "os_compute_api:os-aggregates:create",
             "os_compute_api:os-aggregates:update", "os_compute_api:os-aggregates:delete",
             "os_compute_api:os-aggregates:add_host", "os_compute_api:os-aggregates:remove_host",
             "os_compute_api:os-aggregates:set_metadata", "os_compute_api:os-quota-sets:update",
             "os_compute_api:os-quota-sets:delete", "compute:aggregates:images"),
    **_rules(_READERS, _OURS, "get_images", "get_image", "mooring:pci-groups", "mooring:port-profiles"),
    **_rules(_MEMBERS, _OURS, "add_image", "delete_image", "modify_image", "mooring:explain"),
    **_rules(_ADMINS, _OURS, "mooring:hosts", "mooring:hosts:create", "mooring:hosts:delete", "mooring:pci-devices",
             "mooring:audit", "mooring:events", "mooring:pci-groups:create", "mooring:pci-groups:update",
             "mooring:pci-groups:delete", "mooring:port-profiles:create", "mooring:port-profiles:update",
             "mooring:port-profiles:delete"),
}  # fmt: skip

SPECIAL = frozenset({ANYONE, AUTHENTICATED, AGENT})


def check(rule: str, who: Caller) -> None:
    """Raise Forbidden unless ``who`` has one of the rule's roles. Special rules are checked by ``app.py``."""
    found = RULES[rule]
    if not found.roles & who.roles:
        raise Forbidden(found.message.format(rule=rule))


def is_known(rule: str) -> bool:
    return rule in SPECIAL or rule in RULES
