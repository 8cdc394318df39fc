"""``/compute/v2.1/os-quota-sets``: what ``limits`` says, in the words that ``openstack quota show`` asks for.

Compute keeps no quotas but those of server groups, which nobody can set: networking's are in ``network/quotas.py``.
"""

from http import HTTPStatus

from mooring.api.call import Call, Reply
from mooring.api.compute.bodies import METADATA_MAX
from mooring.api.compute.microversion import Microversion, versioned
from mooring.errors import Forbidden, Unsupported
from mooring.model.server import Server
from mooring.service.server_groups import MEMBERS_MAX, SERVER_GROUPS_MAX
from mooring.store import server_groups
from mooring.store.rows import Query
from mooring.store.servers import SERVERS

_UNLIMITED = -1


def _limits(version: Microversion) -> dict[str, int]:
    """As ``limits`` has them; what there is none of is 0."""
    limits = {
        "cores": _UNLIMITED,
        "instances": _UNLIMITED,
        "ram": _UNLIMITED,
        "key_pairs": 0,
        "metadata_items": METADATA_MAX,
        "server_groups": SERVER_GROUPS_MAX,
        "server_group_members": MEMBERS_MAX,
    }
    if version < (2, 57):
        limits |= dict.fromkeys(("injected_files", "injected_file_content_bytes", "injected_file_path_bytes"), 0)
    if version < (2, 36):
        limits |= dict.fromkeys(("fixed_ips", "floating_ips", "security_groups", "security_group_rules"), _UNLIMITED)
    return limits


def _project(call: Call) -> str:
    project = call.params["project"]
    if project != call.who.project_id and not call.who.is_admin:
        raise Forbidden("Policy doesn't allow os_compute_api:os-quota-sets:show to be performed.")
    return project


@versioned
async def show(call: Call, version: Microversion) -> Reply:
    """Show a project's limits."""
    return Reply(body={"quota_set": {"id": _project(call), **_limits(version)}})


@versioned
async def defaults(call: Call, version: Microversion) -> Reply:
    """Show the limits of any project: all have the same."""
    return Reply(body={"quota_set": {"id": call.params["project"], **_limits(version)}})


@versioned
async def detail(call: Call, version: Microversion) -> Reply:
    """Show a project's limits, and what is used of them."""
    project = _project(call)
    servers, groups = await call.controller.store.read(
        lambda tx: (SERVERS.find(tx, Query(visible_to=project)), server_groups.count(tx, project))
    )
    used = _used(servers, groups)
    rows = {
        name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0} for name, limit in _limits(version).items()
    }
    return Reply(body={"quota_set": {"id": project, **rows}})


def _used(servers: list[Server], groups: int) -> dict[str, int]:
    return {
        "instances": len(servers),
        "cores": sum(server.flavor.vcpus for server in servers),
        "ram": sum(server.flavor.ram_mib for server in servers),
        "server_groups": groups,
    }


@versioned
async def change(call: Call, version: Microversion) -> Reply:
    """Set limits: refused, for nothing would keep them."""
    del call, version
    raise Unsupported(
        "Quotas of servers, cores and memory are not kept here.",
        hint="openstack quota set takes networks, subnets, ports, RBAC policies and security groups",
    )


@versioned
async def remove(call: Call, version: Microversion) -> Reply:
    """Back to the defaults, which every project has anyway."""
    del call, version
    return Reply(HTTPStatus.ACCEPTED)
