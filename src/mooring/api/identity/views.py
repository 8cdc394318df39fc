"""How the nouns of identity look on the wire, as Keystone shows them."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from mooring.api.call import Call, Reply
from mooring.api.checks import limit, only_value
from mooring.errors import Invalid
from mooring.model.identity import DEFAULT_DOMAIN_ID, DEFAULT_DOMAIN_NAME, Project, Role, User

PREFIX = "/identity/v3"
_VARY = {"Vary": "X-Auth-Token"}
_PAGE_MAX = 10_000

DOMAIN = {"id": DEFAULT_DOMAIN_ID, "name": DEFAULT_DOMAIN_NAME}


def answer(body: object, status: int = HTTPStatus.OK) -> Reply:
    return Reply(status, body, _VARY)


def done() -> Reply:
    return Reply(HTTPStatus.NO_CONTENT, None, _VARY)


def root(call: Call) -> str:
    return f"{call.base_url}{PREFIX}"


def links(call: Call, *path: str) -> dict[str, str]:
    return {"self": "/".join((root(call), *path))}


def listing(call: Call, name: str, items: Sequence[dict[str, Any]]) -> Reply:
    """One page of ``items``, by ``limit`` and ``marker`` when the query has them."""
    page_max = limit(call.query, _PAGE_MAX) or _PAGE_MAX
    marker = only_value(call.query, "marker")
    start = 0
    if marker is not None:
        start = next((place for place, item in enumerate(items, 1) if item["id"] == marker), 0)
        if not start:
            raise Invalid(f"marker {marker!r} is not in this list")
    page = items[start : start + page_max]
    following = None
    if start + page_max < len(items):
        following = _with_query(call, {**call.query, "marker": [page[-1]["id"]]})
    return whole_list(call, name, page, following)


def whole_list(call: Call, name: str, items: Sequence[dict[str, Any]], following: str | None = None) -> Reply:
    """``items`` as they are; ``following`` is where the next page is."""
    around = {"next": following, "self": _with_query(call, call.query), "previous": None}
    return answer({name: items, "links": around})


def _with_query(call: Call, query: Any) -> str:
    url = f"{call.base_url}{call.path}"
    return f"{url}?{urlencode(query, doseq=True)}" if query else url


def project_view(call: Call, project: Project) -> dict[str, Any]:
    return {
        "id": project.id,
        "name": project.name,
        "domain_id": project.domain_id,
        "description": project.description,
        "enabled": project.is_enabled,
        "parent_id": project.domain_id,
        "is_domain": False,
        "tags": [],
        "options": {},
        "links": links(call, "projects", project.id),
    }


def user_view(call: Call, user: User) -> dict[str, Any]:
    """What is not set is not shown, but for the expiry that passwords never have here."""
    shown = {"default_project_id": user.default_project_id, "email": user.email, "description": user.description}
    return {
        "id": user.id,
        "name": user.name,
        "domain_id": user.domain_id,
        "enabled": user.is_enabled,
        **{name: value for name, value in shown.items() if value is not None},
        "password_expires_at": None,
        "options": {},
        "links": links(call, "users", user.id),
    }


def role_view(call: Call, role: Role) -> dict[str, Any]:
    return {
        "id": role.id,
        "name": role.name,
        "domain_id": None,
        "description": role.description,
        "options": {"immutable": True},
        "links": links(call, "roles", role.id),
    }


def domain_view(call: Call) -> dict[str, Any]:
    """The only domain."""
    return {
        **DOMAIN,
        "description": "The default domain",
        "enabled": True,
        "tags": [],
        "options": {},
        "links": links(call, "domains", DEFAULT_DOMAIN_ID),
    }


def stamp(when: datetime) -> str:
    """``2026-11-20T12:00:00.000000Z``."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
