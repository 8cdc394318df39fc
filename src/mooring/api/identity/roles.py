"""Roles and the domain: fixed sets, to be looked up. The policy names the roles, so there is nothing to make."""

from mooring.api.call import Call, Reply
from mooring.api.identity.filters import COMMON, as_text, matching, wanted
from mooring.api.identity.views import answer, domain_view, listing, role_view
from mooring.errors import NotFound
from mooring.model.identity import DEFAULT_DOMAIN_ID
from mooring.service.assignments import get_role
from mooring.store.identity import ROLES
from mooring.store.rows import Query

_FILTERS = {"id": as_text, "name": as_text, "domain_id": as_text}


async def index(call: Call) -> Reply:
    filters = wanted(call, _FILTERS)
    roles = await call.controller.store.read(lambda tx: ROLES.find(tx, Query(sort=(("name", True),))))
    return listing(call, "roles", matching([role_view(call, role) for role in roles], filters))


async def show(call: Call) -> Reply:
    role = await call.controller.store.read(lambda tx: get_role(tx, call.params["role_id"]))
    return answer({"role": role_view(call, role)})


async def list_domains(call: Call) -> Reply:
    return listing(call, "domains", matching([domain_view(call)], wanted(call, COMMON)))


async def show_domain(call: Call) -> Reply:
    if call.params["domain_id"] != DEFAULT_DOMAIN_ID:
        raise NotFound("domain", call.params["domain_id"])
    return answer({"domain": domain_view(call)})
