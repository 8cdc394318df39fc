"""Tokens: ``POST``, ``GET``, ``HEAD`` and ``DELETE /auth/tokens``, and what a token may ask about itself."""

from http import HTTPStatus
from typing import Any

from mooring.api import policy
from mooring.api.call import Call, Reply
from mooring.api.identity.catalog import catalog
from mooring.api.identity.filters import wanted
from mooring.api.identity.login import read_login
from mooring.api.identity.views import DOMAIN, answer, done, links, listing, project_view, stamp
from mooring.errors import Forbidden, NotFound
from mooring.service.tokens import Login, issue_token, revoke_token
from mooring.store.identity import projects_of


def _view(call: Call, login: Login) -> dict[str, Any]:
    """The token's body; the secret itself travels in a header only."""
    token, user = login.token, login.user
    view: dict[str, Any] = {
        "methods": list(token.methods),
        "user": {"domain": DOMAIN, "id": user.id, "name": user.name, "password_expires_at": None},
        "audit_ids": [token.audit_id],
        "expires_at": stamp(token.expires_at),
        "issued_at": stamp(token.issued_at),
    }
    if login.project is not None:
        view["project"] = {"domain": DOMAIN, "id": login.project.id, "name": login.project.name}
        view["is_domain"] = False
        view["roles"] = [{"id": role.id, "name": role.name} for role in login.roles]
        if "nocatalog" not in call.query:
            view["catalog"] = catalog(call)
    return {"token": view}


async def issue(call: Call) -> Reply:
    method, scope = read_login(call)
    proof = await method.prove(call.controller.sessions)
    world, request_id = call.controller.world, call.request_id
    login, secret = await call.controller.store.write(lambda tx: issue_token(tx, world, proof, scope, request_id))
    headers = {"X-Subject-Token": secret, "Vary": "X-Auth-Token", "Cache-Control": "no-store"}
    return Reply(HTTPStatus.CREATED, _view(call, login), headers)


async def _subject(call: Call, rule: str) -> Login:
    """The login of ``X-Subject-Token``: one's own, or anybody's for those whom the rule names."""
    login = await call.controller.sessions.login(call.headers.get("x-subject-token", ""))
    if login is None:
        raise NotFound("token", "in X-Subject-Token")
    if login.user.id != call.who.user_id:
        policy.check(rule, call.who)
    return login


async def validate(call: Call) -> Reply:
    return answer(_view(call, await _subject(call, "identity:validate_token")))


async def check(call: Call) -> Reply:
    await _subject(call, "identity:validate_token")
    return answer(None)


async def revoke(call: Call) -> Reply:
    login = await _subject(call, "identity:revoke_token")
    await call.controller.store.write(lambda tx: revoke_token(tx, call.who, login))
    return done()


async def show_catalog(call: Call) -> Reply:
    if call.who.project_id is None:
        raise Forbidden("a catalog is for a project, and this token is for none")
    return answer({"catalog": catalog(call), "links": links(call, "auth", "catalog")})


async def list_own_projects(call: Call) -> Reply:
    """The projects that the caller can log in to."""
    wanted(call, {})
    projects = await call.controller.store.read(lambda tx: projects_of(tx, call.who.user_id))
    return listing(call, "projects", [project_view(call, project) for project in projects if project.is_enabled])


async def list_own_domains(call: Call) -> Reply:
    """The domains that the caller can log in to: none, since roles are in projects only."""
    wanted(call, {})
    return listing(call, "domains", [])
