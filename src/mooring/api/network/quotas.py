"""``/quotas``: what projects may have, what they have, and who sets it."""

from http import HTTPStatus
from typing import Any

from mooring.api.call import Call, Reply
from mooring.api.network.values import between, boolean
from mooring.core.words import shown
from mooring.errors import Invalid
from mooring.service import quotas

_LIMIT = between(quotas.UNLIMITED, 2_147_483_647)
_PROJECT_CHARS_MAX = 255


def _project(call: Call) -> str:
    project_id = call.params["project"]
    if len(project_id) > _PROJECT_CHARS_MAX:
        raise Invalid(f"'{shown(project_id)}' is not a project's id", code="HTTPBadRequest")
    return project_id


async def index(call: Call) -> Reply:
    """List the projects that have limits of their own."""
    world, who = call.controller.world, call.who
    found = await call.controller.store.read(lambda tx: quotas.list_quotas(tx, world, who))
    rows = [{**limits, "project_id": project, "tenant_id": project} for project, limits in found.items()]
    return Reply(body={"quotas": rows})


async def show(call: Call) -> Reply:
    """Show a project's limits."""
    world, who, project_id = call.controller.world, call.who, _project(call)
    limits = await call.controller.store.read(lambda tx: quotas.show_quotas(tx, world, who, project_id))
    return Reply(body={"quota": limits})


async def default(call: Call) -> Reply:
    """Show the limits of a project that has none of its own."""
    quotas.check_may_see(call.who, _project(call))
    return Reply(body={"quota": quotas.defaults(call.controller.world)})


async def details(call: Call) -> Reply:
    """Show a project's limits, and how much of them is used."""
    world, who, project_id = call.controller.world, call.who, _project(call)
    found = await call.controller.store.read(lambda tx: quotas.quota_details(tx, world, who, project_id))
    return Reply(body={"quota": found})


async def own_tenant(call: Call) -> Reply:
    """Show the id of the caller's project, as old clients ask for it."""
    return Reply(body={"tenant": {"tenant_id": _own(call)}})


async def own_project(call: Call) -> Reply:
    """Show the id of the caller's project."""
    return Reply(body={"project": {"project_id": _own(call)}})


def _own(call: Call) -> str:
    if not call.who.project_id:
        raise Invalid("Project ID is missing from Quota request.", code="QuotaMissingTenant")
    return call.who.project_id


async def change(call: Call) -> Reply:
    """Set limits; one below what is used needs ``force``."""
    world, who, project_id = call.controller.world, call.who, _project(call)
    body = dict(call.envelope("quota"))
    is_forced = boolean("force", body.pop("force", False))
    boolean("check_limit", body.pop("check_limit", True))
    limits = _limits(body, set(quotas.defaults(world)))
    found = await call.controller.store.write(
        lambda tx: quotas.set_quotas(tx, world, who, project_id, limits, is_forced=is_forced)
    )
    return Reply(body={"quota": found})


def _limits(body: dict[str, Any], known: set[str]) -> dict[str, int]:
    unknown = body.keys() - known
    if unknown:
        raise Invalid(
            f"Unrecognized attribute(s) '{', '.join(sorted(unknown))}'", code="HTTPBadRequest",
            hint=f"quotas are of {', '.join(sorted(known))}",
        )  # fmt: skip
    return {name: _LIMIT(name, value) for name, value in body.items()}


async def remove(call: Call) -> Reply:
    """Back to the defaults."""
    who, project_id = call.who, _project(call)
    await call.controller.store.write(lambda tx: quotas.delete_quotas(tx, who, project_id))
    return Reply(HTTPStatus.NO_CONTENT)
