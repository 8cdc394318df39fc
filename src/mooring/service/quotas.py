"""How many networking objects a project may have: Neutron's quotas.

The counts come from triggers on the tables, so a story only asks before it inserts. A limit below 0 is none.
"""

from collections.abc import Mapping
from dataclasses import asdict

from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.service.ownership import denied
from mooring.service.world import World
from mooring.store import quotas
from mooring.store.tx import Event, Tx

UNLIMITED = -1


def spend(tx: Tx, world: World, project_id: str, resource: str, count: int = 1) -> None:
    """Raise Conflict when ``project_id`` may not have ``count`` more of ``resource``.

    Within a transaction each insert is counted at once, so several objects in one request ask one by one.
    """
    own = quotas.own_limit(tx, project_id, resource)
    limit = int(getattr(world.config.quotas, resource)) if own is None else own
    if limit < 0:
        return
    used = quotas.used(tx, project_id, resource)
    if used + count > limit:
        raise Conflict(
            f"Quota exceeded for resources: ['{resource}'].",
            code="OverQuota",
            hint=f"{used} of {limit} are in use; an admin raises it with openstack quota set",
        )


def defaults(world: World) -> dict[str, int]:
    """Resource to limit, of a project that has none of its own."""
    return asdict(world.config.quotas)


def limits_of(tx: Tx, world: World, project_id: str) -> dict[str, int]:
    """Resource to limit, as it holds for a project."""
    own = quotas.own_limits(tx, project_id)
    return {resource: own.get(resource, limit) for resource, limit in defaults(world).items()}


def check_may_see(who: Caller, project_id: str) -> None:
    """Raise Forbidden for another project's, except for admins."""
    if not (who.is_admin or project_id == who.project_id):
        raise denied("get_quota")


def show_quotas(tx: Tx, world: World, who: Caller, project_id: str) -> dict[str, int]:
    check_may_see(who, project_id)
    return limits_of(tx, world, project_id)


def list_quotas(tx: Tx, world: World, who: Caller) -> dict[str, dict[str, int]]:
    """By project, all limits of those that have at least one of their own."""
    if not who.is_admin:
        raise denied("get_quota")
    return {project_id: limits_of(tx, world, project_id) for project_id in quotas.projects(tx)}


def quota_details(tx: Tx, world: World, who: Caller, project_id: str) -> dict[str, dict[str, int]]:
    """Resource to ``limit``, ``used`` and ``reserved``; the last is always 0, for a story counts what it makes."""
    check_may_see(who, project_id)
    used = quotas.all_used(tx, project_id)
    return {
        resource: {"limit": limit, "used": used.get(resource, 0), "reserved": 0}
        for resource, limit in limits_of(tx, world, project_id).items()
    }


def set_quotas(
    tx: Tx, world: World, who: Caller, project_id: str, limits: Mapping[str, int], *, is_forced: bool = False
) -> dict[str, int]:
    """Set some limits of a project. Raises Invalid for one below what is used, unless ``is_forced``."""
    if not who.is_admin:
        raise denied("update_quota")
    used = quotas.all_used(tx, project_id)
    for resource, limit in limits.items():
        if not is_forced and 0 <= limit < used.get(resource, 0):
            raise Invalid(
                f"Quota limit {limit} for {resource} must be greater than or equal to already used {used[resource]}",
                code="HTTPBadRequest",
                hint="openstack quota set --force",
            )
        quotas.set_limit(tx, project_id, resource, limit)
    _tell(tx, who, "quota.updated", project_id, dict(limits))
    return limits_of(tx, world, project_id)


def delete_quotas(tx: Tx, who: Caller, project_id: str) -> None:
    """Back to the defaults. Raises NotFound for a project that has no limit of its own."""
    if not who.is_admin:
        raise denied("delete_quota")
    if not quotas.forget(tx, project_id):
        raise NotFound("tenant_quota", project_id)
    _tell(tx, who, "quota.deleted", project_id, {})


def _tell(tx: Tx, who: Caller, kind: str, project_id: str, detail: Mapping[str, object]) -> None:
    tx.tell(Event(kind, project_id, project_id, None, who.user_id, who.request_id, detail))
