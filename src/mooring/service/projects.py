"""Projects: whose networks and servers are whose."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mooring.errors import Conflict, NotFound
from mooring.model.identity import Caller, Project
from mooring.service.world import World
from mooring.store.identity import PROJECTS, belongings, forget_default_project, revoke
from mooring.store.tx import Event, Tx


@dataclass(frozen=True, slots=True)
class NewProject:
    name: str
    description: str = ""
    is_enabled: bool = True


def get_project(tx: Tx, project_id: str) -> Project:
    project = PROJECTS.get(tx, project_id)
    if project is None:
        raise NotFound("project", project_id)
    return project


def add_project(tx: Tx, world: World, who: Caller, wish: NewProject) -> Project:
    """Make a project. Raises Conflict for a taken name."""
    _check_name(tx, wish.name)
    project = Project(world.ids.hex_id(), wish.name, tx.now, wish.description, wish.is_enabled)
    PROJECTS.insert(tx, project)
    tx.tell(Event("project.created", project.id, project.id, actor=who.user_id, request_id=who.request_id))
    return project


def change_project(tx: Tx, who: Caller, project_id: str, changes: Mapping[str, object]) -> Project:
    """Set these fields of a project; to disable it ends every login in it, for good."""
    before = get_project(tx, project_id)
    after = replace(before, **changes)  # type: ignore[arg-type]  # the API checks each by name
    if after.name != before.name:
        _check_name(tx, after.name)
    PROJECTS.update(tx, after)
    if not after.is_enabled:
        revoke(tx, project_id=project_id)
    detail = {"changed": sorted(changes)}
    tx.tell(Event("project.updated", project_id, project_id, None, who.user_id, who.request_id, detail))
    return after


def remove_project(tx: Tx, who: Caller, project_id: str) -> None:
    """Delete an empty project, its assignments and its logins. Raises Conflict, naming what it still has."""
    get_project(tx, project_id)
    if left := belongings(tx, project_id):
        what = ", ".join(f"{count} {noun}" for noun, count in left.items())
        raise Conflict(f"project {project_id} still has {what}", hint="delete them first")
    forget_default_project(tx, project_id)
    PROJECTS.delete(tx, project_id)
    tx.tell(Event("project.deleted", project_id, project_id, actor=who.user_id, request_id=who.request_id))


def _check_name(tx: Tx, name: str) -> None:
    if PROJECTS.first(tx, name=name) is not None:
        raise Conflict(f"project {name} exists in the domain default")
