"""Users, and their passwords."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from mooring.api import policy
from mooring.api.call import Call, Reply
from mooring.api.checks import Check, attributes, flag, optional, secret, text
from mooring.api.identity.filters import COMMON, as_text, matching, wanted
from mooring.api.identity.projects import description, domain_id, options
from mooring.api.identity.views import answer, done, listing, project_view, user_view
from mooring.errors import Forbidden, Invalid
from mooring.model.identity import Project
from mooring.service.passwords import PASSWORD_MAX_BYTES
from mooring.service.users import NewUser, add_user, change_own_password, change_user, get_user, remove_user
from mooring.store.identity import USERS, projects_of
from mooring.store.rows import Query
from mooring.store.tx import Tx

_FILTERS = {**COMMON, "default_project_id": as_text}
_PASSWORD = secret(PASSWORD_MAX_BYTES)

_CHECKS: Mapping[str, Check] = {
    "name": text(1, 255),
    "password": optional(_PASSWORD),
    "enabled": flag,
    "default_project_id": optional(text(1, 64)),
    # What Tempest calls the default project.
    "project_id": optional(text(1, 64)),
    "email": optional(text(0, 255)),
    "description": optional(description),
    "domain_id": optional(domain_id),
    "options": options,
}
_KEPT = {"name": "name", "email": "email", "description": "description", "enabled": "is_enabled"}


async def _fields(call: Call, *needed: str) -> dict[str, Any]:
    """What of the body is stored, by the model's names; the password hashed."""
    checked = attributes(call.envelope("user"), _CHECKS, *needed)
    fields = {ours: checked[theirs] for theirs, ours in _KEPT.items() if theirs in checked}
    defaults = {checked[name] for name in ("default_project_id", "project_id") if name in checked}
    if len(defaults) > 1:
        raise Invalid("default_project_id and project_id are not the same")
    if defaults:
        fields["default_project_id"] = defaults.pop()
    if "password" in checked:
        fields["password_hash"] = await _hashed(call, checked["password"])
    return fields


async def _hashed(call: Call, password: str | None) -> str:
    """As it is stored; no password is a hash that fits none."""
    if password is None:
        return ""
    return await call.controller.sessions.passwords.hash(password, call.controller.world.ids.hex_id())


async def index(call: Call) -> Reply:
    filters = wanted(call, _FILTERS)
    users = await call.controller.store.read(lambda tx: USERS.find(tx, Query(sort=(("name", True),))))
    return listing(call, "users", matching([user_view(call, user) for user in users], filters))


async def show(call: Call) -> Reply:
    """For an admin, or for the user."""
    ident = _own_or(call, "identity:get_user")
    user = await call.controller.store.read(lambda tx: get_user(tx, ident))
    return answer({"user": user_view(call, user)})


async def list_projects(call: Call) -> Reply:
    """The projects in which the user has a role: for an admin, or for the user."""
    ident = _own_or(call, "identity:list_user_projects")
    filters = wanted(call, COMMON)

    def story(tx: Tx) -> list[Project]:
        get_user(tx, ident)
        return projects_of(tx, ident)

    projects = await call.controller.store.read(story)
    return listing(call, "projects", matching([project_view(call, project) for project in projects], filters))


def _own_or(call: Call, rule: str) -> str:
    ident = call.params["user_id"]
    if ident != call.who.user_id:
        policy.check(rule, call.who)
    return ident


async def create(call: Call) -> Reply:
    wish = NewUser(**await _fields(call, "name"))
    world, who = call.controller.world, call.who
    user = await call.controller.store.write(lambda tx: add_user(tx, world, who, wish))
    return answer({"user": user_view(call, user)}, HTTPStatus.CREATED)


async def update(call: Call) -> Reply:
    changes = await _fields(call)
    ident = call.params["user_id"]
    user = await call.controller.store.write(lambda tx: change_user(tx, call.who, ident, changes))
    return answer({"user": user_view(call, user)})


async def delete(call: Call) -> Reply:
    await call.controller.store.write(lambda tx: remove_user(tx, call.who, call.params["user_id"]))
    return done()


async def change_password(call: Call) -> Reply:
    """A user changes the own password, knowing the old one; every login ends, this one too. An admin uses PATCH."""
    ident = call.params["user_id"]
    if ident != call.who.user_id:
        raise Forbidden("only the user changes a password this way", hint="as an admin, set it with PATCH")
    checks = {"password": _PASSWORD, "original_password": _PASSWORD}
    given = attributes(call.envelope("user"), checks, "password", "original_password")
    sessions = call.controller.sessions
    proof = await sessions.prove_by_password(given["original_password"], user_id=ident, user_name=None)
    hashed = await _hashed(call, given["password"])
    await call.controller.store.write(lambda tx: change_own_password(tx, call.who, proof.user, hashed))
    return done()
