"""Hosts: added by an admin, who gets the key that the host's agent proves itself with."""

import re
from dataclasses import replace

from mooring.errors import Conflict, Invalid, NotFound, Unauthenticated
from mooring.model.host import DEFAULT_ZONE, Host
from mooring.model.identity import Caller
from mooring.service import aggregates
from mooring.service.world import World
from mooring.store import claims
from mooring.store.devices import DEVICES
from mooring.store.hosts import HOSTS, by_key, key_hash
from mooring.store.servers import SERVERS
from mooring.store.tx import Event, Taken, Tx

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)


def add_host(tx: Tx, world: World, who: Caller, name: str, availability_zone: str = DEFAULT_ZONE) -> tuple[Host, str]:
    """Make a host known; returns it and its key, which is shown this once.

    Raises Invalid for a name that is no host name, Conflict for a taken one.
    """
    if not _NAME.fullmatch(name):
        raise Invalid(f"name {name!r} is not a host name", hint="letters, digits, dots and dashes, at most 63")
    key = world.ids.secret()
    host = Host(
        world.ids.uuid(), name, tx.now, tx.now, key_hash(key), availability_zone,
        own_availability_zone=availability_zone,
    )  # fmt: skip
    try:
        HOSTS.insert(tx, host)
    except Taken as taken:
        raise Conflict(f"host {name} exists", hint="mooring host rekey makes a new key for it") from taken
    tx.tell(Event("host.added", name, actor=who.user_id, request_id=who.request_id))
    return host, key


def rekey_host(tx: Tx, world: World, who: Caller, name: str) -> tuple[Host, str]:
    """A new key for a host; the old one is worth nothing from now on."""
    key = world.ids.secret()
    host = HOSTS.update(tx, replace(get_host(tx, name), key_hash=key_hash(key), updated_at=tx.now))
    tx.tell(Event("host.rekeyed", name, host=name, actor=who.user_id, request_id=who.request_id))
    return host, key


def remove_host(tx: Tx, world: World, who: Caller, name: str) -> None:
    """Forget a host that has no servers. Raises Conflict while it has some."""
    host = get_host(tx, name)
    servers = SERVERS.where(tx, host=name)
    if servers or claims.of_host(tx, name):
        raise Conflict(f"host {name} has {len(servers)} servers", hint="delete them first")
    for device in DEVICES.where(tx, host=name):
        DEVICES.delete(tx, device.id)
    aggregates.leave_all(tx, who, name)
    HOSTS.delete(tx, host.name)
    world.heartbeats.forget(name)
    tx.tell(Event("host.removed", name, actor=who.user_id, request_id=who.request_id))


def get_host(tx: Tx, name: str) -> Host:
    host = HOSTS.get(tx, name)
    if host is None:
        raise NotFound("host", name, hint="mooring host list shows all")
    return host


def enable_host(tx: Tx, who: Caller, name: str, *, is_enabled: bool, reason: str | None) -> Host:
    """Let new servers come to a host, or keep them away; those that it has stay."""
    host = get_host(tx, name)
    host = HOSTS.update(
        tx, replace(host, is_enabled=is_enabled, disabled_reason=None if is_enabled else reason, updated_at=tx.now)
    )
    kind = "host.enabled" if is_enabled else "host.disabled"
    tx.tell(Event(kind, name, actor=who.user_id, request_id=who.request_id))
    return host


def host_of_key(tx: Tx, authorization: str | None) -> Host:
    """The host that an agent's ``Authorization: Bearer`` header proves. Nothing else says who an agent is."""
    scheme, _, key = (authorization or "").partition(" ")
    host = by_key(tx, key.strip()) if scheme.lower() == "bearer" and key else None
    if host is None:
        raise Unauthenticated("the host's key is missing or not known", hint="mooring host add, or mooring host rekey")
    return host
