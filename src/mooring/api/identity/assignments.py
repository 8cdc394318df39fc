"""Who has which role where: the grants of one user in one project, and the list of all."""

from typing import Any

from mooring.api.call import Call, Reply
from mooring.api.checks import refused
from mooring.api.identity.filters import as_text, wanted
from mooring.api.identity.views import DOMAIN, done, links, listing, role_view, whole_list
from mooring.model.identity import Assignment
from mooring.service.assignments import check_grant, grant, granted_roles, ungrant
from mooring.store.identity import NamedAssignment, named_assignments

_OFF = frozenset({"0", "f", "false", "off", "n", "no"})


def _is_on(name: str, word: str) -> bool:
    """A flag that is on by being there, with any value but a no."""
    del name
    return word.lower() not in _OFF


def _never(name: str, word: str) -> bool:
    """What Keystone can filter by and nobody here has: groups, and roles in the domain or the system."""
    del name, word
    return True


_FILTERS = {
    "user.id": as_text,
    "role.id": as_text,
    "scope.project.id": as_text,
    "group.id": _never,
    "scope.domain.id": _never,
    "scope.system": _never,
    "include_names": _is_on,
    "effective": _is_on,
}
_FIND_NOTHING = frozenset({"group.id", "scope.domain.id", "scope.system"})


def _assignment(call: Call) -> Assignment:
    return Assignment(call.params["user_id"], call.params["project_id"], call.params["role_id"])


async def list_grants(call: Call) -> Reply:
    user_id, project_id = call.params["user_id"], call.params["project_id"]
    roles = await call.controller.store.read(lambda tx: granted_roles(tx, user_id, project_id))
    return listing(call, "roles", [role_view(call, role) for role in roles])


async def check(call: Call) -> Reply:
    await call.controller.store.read(lambda tx: check_grant(tx, _assignment(call)))
    return done()


async def create(call: Call) -> Reply:
    await call.controller.store.write(lambda tx: grant(tx, call.who, _assignment(call)))
    return done()


async def delete(call: Call) -> Reply:
    await call.controller.store.write(lambda tx: ungrant(tx, call.who, _assignment(call)))
    return done()


def _view(call: Call, each: NamedAssignment, *, has_names: bool) -> dict[str, Any]:
    def named(ident: str, name: str, **more: object) -> dict[str, object]:
        return {"id": ident, "name": name, **more} if has_names else {"id": ident}

    path = ("projects", each.project_id, "users", each.user_id, "roles", each.role_id)
    return {
        "links": {"assignment": links(call, *path)["self"]},
        "scope": {"project": named(each.project_id, each.project_name, domain=DOMAIN)},
        "user": named(each.user_id, each.user_name, domain=DOMAIN),
        "role": named(each.role_id, each.role_name),
    }


async def index(call: Call) -> Reply:
    """``GET /role_assignments``. Roles come through no group and no parent, so ``effective`` changes nothing."""
    for name in ("limit", "marker"):
        if name in call.query:
            raise refused(name, call.query[name], "served for this list")
    filters = wanted(call, _FILTERS)
    named = tuple(filters.get(name) for name in ("user.id", "scope.project.id", "role.id"))
    found: list[NamedAssignment] = []
    if not _FIND_NOTHING & filters.keys():
        user_id, project_id, role_id = (None if part is None else str(part) for part in named)
        found = await call.controller.store.read(lambda tx: named_assignments(tx, user_id, project_id, role_id))
    has_names = bool(filters.get("include_names", False))
    views = [_view(call, each, has_names=has_names) for each in found]
    return whole_list(call, "role_assignments", views)
