"""``/mooring/v1/hosts``: the hosts, what they have and what is used, and the keys of their agents."""

from collections.abc import Sequence
from http import HTTPStatus

from mooring.api.call import Call, Reply, Route
from mooring.api.mooring.views import device_view, host_view
from mooring.errors import Invalid
from mooring.model.host import DEFAULT_ZONE
from mooring.service import hosts
from mooring.service.device_list import devices_of
from mooring.service.overview import overview

_NAME_MAX = 63


async def list_hosts(call: Call) -> Reply:
    """Every host, with counts of its functions by state."""
    world = call.controller.world
    rows = await call.controller.store.read(lambda tx: overview(tx, world))
    return Reply(body={"hosts": [host_view(row) for row in rows]})


async def show_host(call: Call) -> Reply:
    """One host with all of its functions."""
    world, name = call.controller.world, call.params["name"]
    rows, devices = await call.controller.store.read(lambda tx: (overview(tx, world, name), devices_of(tx, name)))
    return Reply(body={"host": {**host_view(rows[0]), "devices": [device_view(row) for row in devices]}})


async def add_host(call: Call) -> Reply:
    """``{"host": {"name": ..., "availability_zone": ...}}``; the answer holds the key, this once."""
    name, zone = _host_body(call)
    world, who = call.controller.world, call.who
    host, key = await call.controller.store.write(lambda tx: hosts.add_host(tx, world, who, name, zone))
    return Reply(
        HTTPStatus.CREATED, {"host": {"name": host.name, "availability_zone": host.availability_zone, "key": key}}
    )


async def rekey_host(call: Call) -> Reply:
    """A new key for a host's agent; the old one ends."""
    world, who, name = call.controller.world, call.who, call.params["name"]
    host, key = await call.controller.store.write(lambda tx: hosts.rekey_host(tx, world, who, name))
    return Reply(body={"host": {"name": host.name, "key": key}})


async def remove_host(call: Call) -> Reply:
    world, who, name = call.controller.world, call.who, call.params["name"]
    await call.controller.store.write(lambda tx: hosts.remove_host(tx, world, who, name))
    return Reply(HTTPStatus.NO_CONTENT)


def _host_body(call: Call) -> tuple[str, str]:
    body = call.envelope("host")
    if unknown := body.keys() - {"name", "availability_zone"}:
        raise Invalid(f"host has the unknown key {min(unknown)!r}", hint="known: name, availability_zone")
    name, zone = body.get("name"), body.get("availability_zone", DEFAULT_ZONE)
    for key, value in (("name", name), ("availability_zone", zone)):
        if not isinstance(value, str) or not value or len(value) > _NAME_MAX:
            raise Invalid(f"host.{key} is {value!r}", hint="a text of 1 to 63 characters")
    return str(name), str(zone)


HOSTS: Sequence[Route] = (
    Route("GET", "/mooring/v1/hosts", list_hosts, "mooring:hosts"),
    Route("POST", "/mooring/v1/hosts", add_host, "mooring:hosts:create"),
    Route("GET", "/mooring/v1/hosts/{name}", show_host, "mooring:hosts"),
    Route("DELETE", "/mooring/v1/hosts/{name}", remove_host, "mooring:hosts:delete"),
    Route("POST", "/mooring/v1/hosts/{name}/key", rekey_host, "mooring:hosts:create"),
)
