"""Projects."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from mooring.api import policy
from mooring.api.call import Call, Reply
from mooring.api.checks import Check, attributes, flag, one_of, optional, refused, shown, text, truth
from mooring.api.identity.filters import COMMON, as_text, matching, wanted
from mooring.api.identity.views import answer, done, listing, project_view
from mooring.errors import Invalid, NotFound
from mooring.model.identity import DEFAULT_DOMAIN_ID
from mooring.service.projects import NewProject, add_project, change_project, get_project, remove_project
from mooring.store.identity import PROJECTS
from mooring.store.rows import Query

_FILTERS = {**COMMON, "parent_id": as_text, "is_domain": truth}
_DESCRIPTION_MAX_CHARS = 65_535


def domain_id(name: str, value: Any) -> str:
    """The only domain's id."""
    if not isinstance(value, str):
        raise refused(name, value, "text")
    if value != DEFAULT_DOMAIN_ID:
        raise NotFound("domain", value)
    return DEFAULT_DOMAIN_ID


def _nothing(name: str, value: Any) -> None:
    if value:
        raise Invalid(f"Invalid input for field '{name}': {shown(value)} is not served here", hint="leave it out")


def options(name: str, value: Any) -> None:
    """Keystone's resource options: none is known here, so only an empty set passes."""
    _nothing(name, value)


description = text(0, _DESCRIPTION_MAX_CHARS, is_layout_fine=True)

_CHECKS: Mapping[str, Check] = {
    "name": text(1, 64),
    "description": optional(description),
    "enabled": flag,
    "domain_id": optional(domain_id),
    "parent_id": optional(one_of(DEFAULT_DOMAIN_ID)),
    "is_domain": optional(one_of(False)),
    "tags": _nothing,
    "options": options,
}


def _fields(checked: Mapping[str, Any]) -> dict[str, Any]:
    """What of a checked body is stored, by the model's names."""
    fields: dict[str, Any] = {"name": checked["name"]} if "name" in checked else {}
    if "description" in checked:
        fields["description"] = checked["description"] or ""
    if "enabled" in checked:
        fields["is_enabled"] = checked["enabled"]
    return fields


async def index(call: Call) -> Reply:
    filters = wanted(call, _FILTERS)
    projects = await call.controller.store.read(lambda tx: PROJECTS.find(tx, Query(sort=(("name", True),))))
    return listing(call, "projects", matching([project_view(call, project) for project in projects], filters))


async def show(call: Call) -> Reply:
    """For an admin, or for a token of this very project."""
    ident = call.params["project_id"]
    if ident != call.who.project_id:
        policy.check("identity:get_project", call.who)
    project = await call.controller.store.read(lambda tx: get_project(tx, ident))
    return answer({"project": project_view(call, project)})


async def create(call: Call) -> Reply:
    wish = NewProject(**_fields(attributes(call.envelope("project"), _CHECKS, "name")))
    world, who = call.controller.world, call.who
    project = await call.controller.store.write(lambda tx: add_project(tx, world, who, wish))
    return answer({"project": project_view(call, project)}, HTTPStatus.CREATED)


async def update(call: Call) -> Reply:
    changes = _fields(attributes(call.envelope("project"), _CHECKS))
    ident = call.params["project_id"]
    project = await call.controller.store.write(lambda tx: change_project(tx, call.who, ident, changes))
    return answer({"project": project_view(call, project)})


async def delete(call: Call) -> Reply:
    await call.controller.store.write(lambda tx: remove_project(tx, call.who, call.params["project_id"]))
    return done()
