"""``/compute/v2.1/os-services``: the hosts' agents, which Nova calls nova-compute. Disabled: nothing new comes."""

from http import HTTPStatus
from typing import Any

from mooring.api.call import Call, Reply
from mooring.api.compute.hypervisors import check_uuid, host_ident, host_named
from mooring.api.compute.microversion import Microversion, versioned
from mooring.api.compute.pages import last, refuse_unknown
from mooring.api.compute.server_views import iso_micro
from mooring.api.compute.shapes import At, Field, Flag, Object, Only, Text, refuse
from mooring.errors import Invalid, NotFound
from mooring.model.host import Host, Liveness
from mooring.service import hosts
from mooring.service.world import World
from mooring.store.hosts import HOSTS
from mooring.store.tx import Tx

BINARY = "nova-compute"
_REASON = Text(1, 255)
_UPDATE = Object(
    {
        "status": Field(Only(("enabled", "disabled"))),
        "disabled_reason": Field(_REASON),
        "forced_down": Field(Flag()),
    }
)
_BY_NAME = {"host": Field(Text(1, 255), is_required=True), "binary": Field(Text(1, 255), is_required=True)}
_OLD_ACTIONS = {
    "enable": Object(_BY_NAME),
    "disable": Object(_BY_NAME),
    "disable-log-reason": Object({**_BY_NAME, "disabled_reason": Field(_REASON, is_required=True)}),
}


def service_view(host: Host, liveness: Liveness, version: Microversion) -> dict[str, object]:
    view: dict[str, object] = {
        "id": host_ident(host, version),
        "binary": BINARY,
        "host": host.name,
        "zone": host.availability_zone,
        "status": "enabled" if host.is_enabled else "disabled",
        "state": "up" if liveness is Liveness.ALIVE else "down",
        "updated_at": iso_micro(host.heard_at),
        "disabled_reason": host.disabled_reason,
    }
    if version >= (2, 11):
        view["forced_down"] = False
    return view


@versioned
async def list_services(call: Call, version: Microversion) -> Reply:
    """One for each host; the controller's own parts are not services of their own."""
    refuse_unknown(call, ("host", "binary"))
    name, binary, world = last(call, "host"), last(call, "binary"), call.controller.world

    def story(tx: Tx) -> list[Host]:
        if binary not in (None, BINARY):
            return []
        return HOSTS.where(tx) if name is None else HOSTS.where(tx, name=name)

    found = await call.controller.store.read(story)
    views = [service_view(host, world.heartbeats.of(host.name), version) for host in found]
    return Reply(HTTPStatus.OK, {"services": views})


@versioned
async def update_service(call: Call, version: Microversion) -> Reply:
    """By id since 2.53; before, by an action's name, with host and binary in the body."""
    body, word = call.json(), call.params["service_id"]
    if version >= (2, 53):
        check_uuid(word)
        return await _update(call, version, _UPDATE.read(body, At("service", version)), word)
    if word not in _OLD_ACTIONS:
        raise NotFound("action", word[:255])
    return await _act(call, word, _OLD_ACTIONS[word].read(body, At("service", version)))


async def _update(call: Call, version: Microversion, given: dict[str, Any], ident: str) -> Reply:
    status, reason, who, world = given.get("status"), given.get("disabled_reason"), call.who, call.controller.world
    if given.get("forced_down"):
        raise refuse("forced_down", True, "a host counts as down when nothing is heard of its agent, and only then")
    if status is None and "forced_down" not in given:
        raise Invalid("No updates were requested. Fields 'status' or 'forced_down' should be specified.")
    if reason is not None and status != "disabled":
        raise Invalid("Specifying 'disabled_reason' requires that status is 'disabled'.")

    def story(tx: Tx) -> tuple[Host, Liveness]:
        (host,) = host_named(tx, ident, version, "service")
        if status is not None:
            host = hosts.enable_host(tx, who, host.name, is_enabled=status == "enabled", reason=reason)
        return host, world.heartbeats.of(host.name)

    host, liveness = await call.controller.store.write(story)
    return Reply(HTTPStatus.OK, {"service": service_view(host, liveness, version)})


async def _act(call: Call, action: str, given: dict[str, Any]) -> Reply:
    name, reason, who, is_enabled = given["host"], given.get("disabled_reason"), call.who, action == "enable"
    if given["binary"] != BINARY:
        raise NotFound("service", f"{given['binary']} on host {name}")
    await call.controller.store.write(lambda tx: hosts.enable_host(tx, who, name, is_enabled=is_enabled, reason=reason))
    view = {"host": name, "binary": BINARY, "status": "enabled" if is_enabled else "disabled"}
    return Reply(HTTPStatus.OK, {"service": {**view, **({"disabled_reason": reason} if reason else {})}})


def is_up(world: World, host: Host) -> bool:
    return world.heartbeats.of(host.name) is Liveness.ALIVE
