"""``/compute/v2.1/limits``: what a project uses. Where there is no quota, what it may use is shown as unlimited."""

from http import HTTPStatus

from mooring.api.call import Call, Reply
from mooring.api.compute.bodies import METADATA_MAX
from mooring.api.compute.microversion import Microversion, versioned
from mooring.api.compute.pages import flag, last, refuse_unknown
from mooring.errors import Forbidden
from mooring.model.server import Server
from mooring.service.server_groups import MEMBERS_MAX, SERVER_GROUPS_MAX
from mooring.store import server_groups
from mooring.store.rows import Query
from mooring.store.servers import SERVERS

_UNLIMITED = -1


@versioned
async def show_limits(call: Call, version: Microversion) -> Reply:
    refuse_unknown(call, ("reserved", "tenant_id"))
    flag(call, "reserved", default=False)
    project = last(call, "tenant_id") or call.who.project_id or ""
    if project != call.who.project_id and not call.who.is_admin:
        raise Forbidden("Policy doesn't allow os_compute_api:limits:other_project to be performed.")
    found, groups = await call.controller.store.read(
        lambda tx: (SERVERS.find(tx, Query(visible_to=project)), server_groups.count(tx, project))
    )
    return Reply(HTTPStatus.OK, {"limits": {"rate": [], "absolute": _absolute(found, groups, version)}})


def _absolute(servers: list[Server], groups: int, version: Microversion) -> dict[str, int]:
    view = {
        "maxTotalInstances": _UNLIMITED,
        "maxTotalCores": _UNLIMITED,
        "maxTotalRAMSize": _UNLIMITED,
        "maxServerMeta": METADATA_MAX,
        "maxTotalKeypairs": 0,
        "maxServerGroups": SERVER_GROUPS_MAX,
        "maxServerGroupMembers": MEMBERS_MAX,
        "totalInstancesUsed": len(servers),
        "totalCoresUsed": sum(server.flavor.vcpus for server in servers),
        "totalRAMUsed": sum(server.flavor.ram_mib for server in servers),
        "totalServerGroupsUsed": groups,
    }
    if version < (2, 57):
        view |= {"maxPersonality": 0, "maxPersonalitySize": 0}
    if version < (2, 39):
        view["maxImageMeta"] = METADATA_MAX
    if version < (2, 36):
        view |= dict.fromkeys(("maxSecurityGroups", "maxSecurityGroupRules", "maxTotalFloatingIps"), 0)
        view |= dict.fromkeys(("totalSecurityGroupsUsed", "totalFloatingIpsUsed"), 0)
    return view
