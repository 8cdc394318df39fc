"""Users, and what ends their logins: a new password, being disabled, being deleted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mooring.errors import Conflict, NotFound, Unauthenticated
from mooring.model.identity import Caller, User
from mooring.service.projects import get_project
from mooring.service.tokens import UNAUTHENTICATED
from mooring.service.world import World
from mooring.store.identity import USERS, revoke
from mooring.store.tx import Event, Tx


@dataclass(frozen=True, slots=True)
class NewUser:
    name: str
    password_hash: str = ""
    """Empty: nobody logs in as this user."""
    is_enabled: bool = True
    default_project_id: str | None = None
    email: str | None = None
    description: str | None = None


def get_user(tx: Tx, user_id: str) -> User:
    user = USERS.get(tx, user_id)
    if user is None:
        raise NotFound("user", user_id)
    return user


def add_user(tx: Tx, world: World, who: Caller, wish: NewUser) -> User:
    """Make a user, who has no role anywhere yet. Raises Conflict for a taken name."""
    _check_name(tx, wish.name)
    if wish.default_project_id is not None:
        get_project(tx, wish.default_project_id)
    user = User(
        world.ids.hex_id(), wish.name, wish.password_hash, tx.now, wish.is_enabled, wish.default_project_id, wish.email,
        wish.description,
    )  # fmt: skip
    USERS.insert(tx, user)
    tx.tell(Event("user.created", user.id, actor=who.user_id, request_id=who.request_id))
    return user


def change_user(tx: Tx, who: Caller, user_id: str, changes: Mapping[str, object]) -> User:
    """Set these fields of a user; a new password, or being disabled or enabled, ends every login of the user."""
    before = get_user(tx, user_id)
    after = replace(before, **changes)  # type: ignore[arg-type]  # the API checks each by name
    if after.name != before.name:
        _check_name(tx, after.name)
    if after.default_project_id is not None and after.default_project_id != before.default_project_id:
        get_project(tx, after.default_project_id)
    USERS.update(tx, after)
    if (after.password_hash, after.is_enabled) != (before.password_hash, before.is_enabled):
        revoke(tx, user_id=user_id)
    detail = {"changed": sorted("password" if name == "password_hash" else name for name in changes)}
    tx.tell(Event("user.updated", user_id, None, None, who.user_id, who.request_id, detail))
    return after


def change_own_password(tx: Tx, who: Caller, proven: User, password_hash: str) -> None:
    """A new password for a user who just proved the old one. Raises Unauthenticated when it changed in between."""
    if get_user(tx, proven.id).password_hash != proven.password_hash:
        raise Unauthenticated(UNAUTHENTICATED)
    change_user(tx, who, proven.id, {"password_hash": password_hash})


def remove_user(tx: Tx, who: Caller, user_id: str) -> None:
    """Delete a user, the assignments and the logins; what the user made in projects stays theirs."""
    get_user(tx, user_id)
    USERS.delete(tx, user_id)
    tx.tell(Event("user.deleted", user_id, actor=who.user_id, request_id=who.request_id))


def _check_name(tx: Tx, name: str) -> None:
    if USERS.first(tx, name=name) is not None:
        raise Conflict(f"user {name} exists in the domain default")
