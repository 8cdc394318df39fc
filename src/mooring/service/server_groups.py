"""Server groups: servers of a project that want one host, or different ones.

A group is joined at a server's create, with the scheduler hint ``group``, and left with its delete.
"""

from collections.abc import Sequence

from mooring.errors import Forbidden, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.server import GroupPolicy, ServerGroup
from mooring.service.world import World
from mooring.store import server_groups
from mooring.store.rows import Query
from mooring.store.server_groups import SERVER_GROUPS
from mooring.store.tx import Event, Tx

SERVER_GROUPS_MAX = 100
"""Of a project."""
MEMBERS_MAX = 1000
"""Of a group."""


def create_server_group(
    tx: Tx, world: World, who: Caller, name: str, policy: GroupPolicy, max_server_per_host: int = 1
) -> ServerGroup:
    """Raises Forbidden when the project has as many as it may, as Nova's quota does."""
    project_id = who.project_id or ""
    if server_groups.count(tx, project_id) >= SERVER_GROUPS_MAX:
        raise Forbidden("Quota exceeded, too many server groups.", hint=f"a project may have {SERVER_GROUPS_MAX}")
    if max_server_per_host != 1 and policy is not GroupPolicy.ANTI_AFFINITY:
        raise Invalid("Only anti-affinity policy supports rules.")
    group = ServerGroup(world.ids.uuid(), name, project_id, who.user_id, tx.now, policy, max_server_per_host)
    SERVER_GROUPS.insert(tx, group)
    _tell(tx, who, "server-group.created", group)
    return group


def get_server_group(tx: Tx, who: Caller, group_id: str) -> ServerGroup:
    """Raises NotFound for another project's group too, unless the caller is an admin."""
    group = SERVER_GROUPS.get(tx, group_id)
    if group is None or not (who.is_admin or group.project_id == who.project_id):
        raise NotFound("server group", group_id)
    return group


def list_server_groups(tx: Tx, who: Caller, *, all_projects: bool = False) -> Sequence[ServerGroup]:
    """The oldest first. To all but admins there are those of their project only, whatever they ask for."""
    scope = None if all_projects and who.is_admin else who.project_id or ""
    return SERVER_GROUPS.find(tx, Query(sort=(("created_at", True), ("id", True)), visible_to=scope))


def delete_server_group(tx: Tx, who: Caller, group_id: str) -> None:
    """Its servers stay where they are, and are in no group from now on."""
    group = get_server_group(tx, who, group_id)
    server_groups.let_go(tx, group.id)
    SERVER_GROUPS.delete(tx, group.id)
    _tell(tx, who, "server-group.deleted", group)


def joined_group(tx: Tx, who: Caller, group_id: str, count: int) -> ServerGroup:
    """The group that ``count`` new servers of the caller's project ask to be in.

    Raises Invalid when there is none of this id for the project, Forbidden when it would have too many members.
    """
    group = SERVER_GROUPS.get(tx, group_id)
    if group is None or group.project_id != who.project_id:
        raise Invalid(f"Instance group {group_id} could not be found.")
    if server_groups.size(tx, group.id) + count > MEMBERS_MAX:
        raise Forbidden("Quota exceeded, too many servers in group", hint=f"a group may have {MEMBERS_MAX}")
    return group


def _tell(tx: Tx, who: Caller, kind: str, group: ServerGroup) -> None:
    detail = {"name": group.name, "policy": group.policy.value}
    tx.tell(Event(kind, group.id, group.project_id, None, who.user_id, who.request_id, detail))
