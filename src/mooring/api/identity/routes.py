"""Identity v3: the paths that clients use of Keystone's."""

from collections.abc import Sequence

from mooring.api.call import Route
from mooring.api.identity import assignments, auth, discovery, projects, roles, services, users
from mooring.api.identity.views import PREFIX
from mooring.api.policy import ANYONE, AUTHENTICATED

_TOKENS = f"{PREFIX}/auth/tokens"
_PROJECT = f"{PREFIX}/projects/{{project_id}}"
_USER = f"{PREFIX}/users/{{user_id}}"
_GRANTS = f"{_PROJECT}/users/{{user_id}}/roles"
_GRANT = f"{_GRANTS}/{{role_id}}"

ROUTES: Sequence[Route] = (
    Route("GET", "/identity", discovery.list_versions, ANYONE),
    Route("GET", PREFIX, discovery.show_version, ANYONE),
    Route("POST", _TOKENS, auth.issue, ANYONE),
    Route("GET", _TOKENS, auth.validate, AUTHENTICATED),
    Route("HEAD", _TOKENS, auth.check, AUTHENTICATED),
    Route("DELETE", _TOKENS, auth.revoke, AUTHENTICATED),
    Route("GET", f"{PREFIX}/auth/catalog", auth.show_catalog, AUTHENTICATED),
    Route("GET", f"{PREFIX}/auth/projects", auth.list_own_projects, AUTHENTICATED),
    Route("GET", f"{PREFIX}/auth/domains", auth.list_own_domains, AUTHENTICATED),
    Route("GET", f"{PREFIX}/projects", projects.index, "identity:list_projects"),
    Route("POST", f"{PREFIX}/projects", projects.create, "identity:create_project"),
    Route("GET", _PROJECT, projects.show, AUTHENTICATED),
    Route("PATCH", _PROJECT, projects.update, "identity:update_project"),
    Route("DELETE", _PROJECT, projects.delete, "identity:delete_project"),
    Route("GET", f"{PREFIX}/users", users.index, "identity:list_users"),
    Route("POST", f"{PREFIX}/users", users.create, "identity:create_user"),
    Route("GET", _USER, users.show, AUTHENTICATED),
    Route("PATCH", _USER, users.update, "identity:update_user"),
    Route("DELETE", _USER, users.delete, "identity:delete_user"),
    Route("POST", f"{_USER}/password", users.change_password, AUTHENTICATED),
    Route("GET", f"{_USER}/projects", users.list_projects, AUTHENTICATED),
    Route("GET", f"{PREFIX}/roles", roles.index, "identity:list_roles"),
    Route("GET", f"{PREFIX}/roles/{{role_id}}", roles.show, "identity:get_role"),
    Route("GET", f"{PREFIX}/domains", roles.list_domains, "identity:list_domains"),
    Route("GET", f"{PREFIX}/domains/{{domain_id}}", roles.show_domain, "identity:get_domain"),
    Route("GET", _GRANTS, assignments.list_grants, "identity:list_grants"),
    Route("PUT", _GRANT, assignments.create, "identity:create_grant"),
    Route("HEAD", _GRANT, assignments.check, "identity:check_grant"),
    Route("DELETE", _GRANT, assignments.delete, "identity:revoke_grant"),
    Route("GET", f"{PREFIX}/role_assignments", assignments.index, "identity:list_role_assignments"),
    Route("GET", f"{PREFIX}/services", services.list_services, "identity:list_services"),
    Route("GET", f"{PREFIX}/services/{{service_id}}", services.show_service, "identity:list_services"),
    Route("GET", f"{PREFIX}/endpoints", services.list_endpoints, "identity:list_endpoints"),
    Route("GET", f"{PREFIX}/endpoints/{{endpoint_id}}", services.show_endpoint, "identity:list_endpoints"),
    Route("GET", f"{PREFIX}/regions", services.list_regions, "identity:list_regions"),
    Route("GET", f"{PREFIX}/regions/{{region_id}}", services.show_region, "identity:list_regions"),
)
