"""Tokens: logins that are kept as the SHA-256 of their secret, and forgotten when anything that they rest on changes.

Whatever revokes a token deletes its row in the same transaction, so a restart revives none. What a token may do is read
from the assignments each time, not written into it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mooring.errors import Unauthenticated
from mooring.model.identity import Caller, Project, Role, Token, User
from mooring.service.world import World
from mooring.store.identity import PROJECTS, TOKENS, USERS, forget_expired, projects_of, roles_of
from mooring.store.tx import Event, Tx

UNAUTHENTICATED = "The request you have made requires authentication."
SECRET_MAX_CHARS = 512
_NO_ROLE = "the user has no role in such a project"


@dataclass(frozen=True, slots=True)
class Login:
    """A token and what it stands for at this moment."""

    token: Token
    user: User
    project: Project | None
    roles: tuple[Role, ...]

    def caller(self, request_id: str) -> Caller:
        return Caller(
            self.user.id,
            self.user.name,
            self.project.id if self.project else None,
            self.project.name if self.project else None,
            frozenset(role.name for role in self.roles),
            request_id,
        )


def secret_hash(secret: str) -> str:
    """What is kept of a secret. A secret has 256 random bits, so its plain SHA-256 tells nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def find_login(tx: Tx, hashed: str) -> Login | None:
    """The login of this token, unless it is unknown, expired, its user or project is disabled, or no role is left."""
    token = TOKENS.get(tx, hashed)
    if token is None or token.expires_at <= tx.now:
        return None
    user = USERS.get(tx, token.user_id)
    if user is None or not user.is_enabled:
        return None
    if token.project_id is None:
        return Login(token, user, None, ())
    project = PROJECTS.get(tx, token.project_id)
    roles = tuple(roles_of(tx, user.id, token.project_id))
    if project is None or not project.is_enabled or not roles:
        return None
    return Login(token, user, project, roles)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a login rests on: a password just checked, or another token."""

    user: User
    methods: tuple[str, ...]
    expires_at: datetime | None = None
    """That of the token which proves it: a token gets no longer life out of itself."""
    parent: str | None = None
    """Hash of that token."""


class ScopeKind(StrEnum):
    DEFAULT = "default"
    """The user's default project when there is one with a role in it, else none."""
    UNSCOPED = "unscoped"
    PROJECT = "project"
    ELSEWHERE = "elsewhere"
    """The domain or the whole system: nobody has a role there."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a login is for. A project goes by ``project_id``, or by its name in the only domain."""

    kind: ScopeKind = ScopeKind.DEFAULT
    project_id: str | None = None
    project_name: str | None = None


def issue_token(tx: Tx, world: World, proof: Proof, scope: Scope, request_id: str) -> tuple[Login, str]:
    """A new token, and its secret, which is shown this once.

    Raises Unauthenticated when the proof no longer holds, or the user has no role in such an enabled project.
    """
    user = USERS.get(tx, proof.user.id)
    if user is None or not user.is_enabled or user.password_hash != proof.user.password_hash:
        raise Unauthenticated(UNAUTHENTICATED)
    if proof.parent is not None and find_login(tx, proof.parent) is None:
        raise Unauthenticated(UNAUTHENTICATED)
    forget_expired(tx)
    secret = world.ids.secret()
    now = tx.now.replace(microsecond=0)
    token = Token(
        secret_hash(secret),
        user.id,
        _project_of(tx, user, scope),
        now,
        proof.expires_at or now + timedelta(seconds=world.config.token_ttl_s),
        proof.methods,
        world.ids.hex_id(),
    )
    TOKENS.insert(tx, token)
    login = find_login(tx, token.secret_hash)
    if login is None:
        raise Unauthenticated(UNAUTHENTICATED, hint=_NO_ROLE)
    detail = {"methods": token.methods}
    tx.tell(Event("token.created", token.audit_id, token.project_id, None, user.id, request_id, detail))
    return login, secret


def _project_of(tx: Tx, user: User, scope: Scope) -> str | None:
    match scope.kind:
        case ScopeKind.UNSCOPED:
            return None
        case ScopeKind.DEFAULT:
            default = user.default_project_id
            is_usable = default is not None and any(
                project.id == default and project.is_enabled for project in projects_of(tx, user.id)
            )
            return default if is_usable else None
        case ScopeKind.ELSEWHERE:
            raise Unauthenticated(UNAUTHENTICATED, hint="roles are in projects only: ask for a project's token")
    by = {"id": scope.project_id} if scope.project_id is not None else {"name": scope.project_name}
    project = PROJECTS.first(tx, **by)
    if project is None:
        raise Unauthenticated(UNAUTHENTICATED, hint=_NO_ROLE)
    return project.id


def revoke_token(tx: Tx, who: Caller, login: Login) -> None:
    """Log out."""
    TOKENS.delete(tx, login.token.secret_hash)
    tx.tell(Event("token.revoked", login.token.audit_id, who.project_id, None, who.user_id, who.request_id))
