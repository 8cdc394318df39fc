"""The body of ``POST /auth/tokens``: how somebody proves who it is, and where the login is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mooring.api.call import Call
from mooring.api.checks import Check, attributes, secret, section, shown, text
from mooring.errors import Invalid
from mooring.model.identity import DEFAULT_DOMAIN_ID, DEFAULT_DOMAIN_NAME
from mooring.service.passwords import PASSWORD_MAX_BYTES
from mooring.service.sessions import Sessions
from mooring.service.tokens import SECRET_MAX_CHARS, Proof, Scope, ScopeKind

_IDENT = text(1, 255)
#: No id is empty, so this finds nothing, in the time that a search takes.
_NOWHERE = ""


def _any_section(name: str, value: Any) -> dict[str, Any]:
    return section(value, name)


_NAMED: Mapping[str, Check] = {"id": _IDENT, "name": _IDENT, "domain": _any_section}
_USER: Mapping[str, Check] = {**_NAMED, "password": secret(PASSWORD_MAX_BYTES)}


@dataclass(frozen=True, slots=True)
class Named:
    """A user or a project by id or by name, one of them."""

    ident: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class ByPassword:
    user: Named
    password: str

    async def prove(self, sessions: Sessions) -> Proof:
        return await sessions.prove_by_password(self.password, user_id=self.user.ident, user_name=self.user.name)


@dataclass(frozen=True, slots=True)
class ByToken:
    secret: str

    async def prove(self, sessions: Sessions) -> Proof:
        return await sessions.prove_by_token(self.secret)


def read_login(call: Call) -> tuple[ByPassword | ByToken, Scope]:
    """Raises Invalid for a body that is no login, whoever sends it."""
    auth = attributes(call.envelope("auth"), {"identity": _any_section, "scope": _scope}, "identity")
    return _method(auth["identity"]), auth.get("scope", Scope())


def _method(identity: dict[str, Any]) -> ByPassword | ByToken:
    methods = identity.get("methods")
    if methods is None:
        raise Invalid("'methods' is a required property")
    if not isinstance(methods, list) or len(methods) != 1 or methods[0] not in ("password", "token"):
        raise Invalid(f"methods {shown(methods)} can not be served", hint="known are ['password'] and ['token']")
    (method,) = methods
    given = attributes(identity, {"methods": lambda _, value: value, method: _any_section}, method)[method]
    if method == "token":
        return ByToken(attributes(given, {"id": secret(SECRET_MAX_CHARS)}, "id")["id"])
    user = attributes(given, {"user": _any_section}, "user")["user"]
    checked = attributes(user, _USER, "password")
    return ByPassword(_named(checked, "user"), checked["password"])


def _scope(name: str, value: Any) -> Scope:
    if value == "unscoped":
        return Scope(ScopeKind.UNSCOPED)
    scope = section(value, name)
    if len(scope) != 1:
        raise Invalid(f"scope {shown(scope)} does not name one place", hint="name a project, or 'unscoped'")
    ((kind, where),) = scope.items()
    if kind == "project":
        project = _named(attributes(section(where, "scope.project"), _NAMED), "project")
        return Scope(ScopeKind.PROJECT, project.ident, project.name)
    if kind in ("domain", "system"):
        section(where, f"scope.{kind}")
        return Scope(ScopeKind.ELSEWHERE)
    raise Invalid(f"scope {shown(kind)} is not known", hint="name a project, or 'unscoped'")


def _named(checked: Mapping[str, Any], noun: str) -> Named:
    """By id, or by name and domain; in a domain that there is not, nobody."""
    if "id" in checked:
        return Named(checked["id"], None)
    if "name" not in checked:
        raise Invalid(f"Expecting to find id or name in {noun}")
    if "domain" not in checked:
        raise Invalid(f"Expecting to find domain in {noun}")
    domain = attributes(checked["domain"], {"id": _IDENT, "name": _IDENT})
    if not domain:
        raise Invalid(f"Expecting to find id or name in {noun}.domain")
    is_ours = domain.get("id", DEFAULT_DOMAIN_ID) == DEFAULT_DOMAIN_ID
    is_ours = is_ours and domain.get("name", DEFAULT_DOMAIN_NAME) == DEFAULT_DOMAIN_NAME
    return Named(None, checked["name"]) if is_ours else Named(_NOWHERE, None)
