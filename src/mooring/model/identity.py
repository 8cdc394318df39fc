"""Projects, users, roles, tokens, and the caller of a request."""

from dataclasses import dataclass
from datetime import datetime

DEFAULT_DOMAIN_ID = "default"
DEFAULT_DOMAIN_NAME = "Default"
ROLE_NAMES = ("admin", "manager", "member", "reader", "service")


@dataclass(frozen=True, slots=True)
class Project:
    id: str
    name: str
    created_at: datetime
    description: str = ""
    is_enabled: bool = True
    domain_id: str = DEFAULT_DOMAIN_ID


@dataclass(frozen=True, slots=True)
class User:
    id: str
    name: str
    password_hash: str
    created_at: datetime
    is_enabled: bool = True
    default_project_id: str | None = None
    email: str | None = None
    description: str | None = None
    domain_id: str = DEFAULT_DOMAIN_ID


@dataclass(frozen=True, slots=True)
class Role:
    id: str
    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """This user has this role in this project."""

    user_id: str
    project_id: str
    role_id: str


@dataclass(frozen=True, slots=True)
class Token:
    """A login. Only the SHA-256 of the secret is kept."""

    secret_hash: str
    user_id: str
    project_id: str | None
    """``None``: unscoped."""
    issued_at: datetime
    expires_at: datetime
    methods: tuple[str, ...]
    audit_id: str


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: the identity that policy and stories see."""

    user_id: str
    user_name: str
    project_id: str | None
    project_name: str | None
    roles: frozenset[str]
    request_id: str = ""

    @property
    def is_admin(self) -> bool:
        return "admin" in self.roles

    @property
    def is_privileged(self) -> bool:
        """Admin or service: sees hosts, VLANs and bindings."""
        return "admin" in self.roles or "service" in self.roles
