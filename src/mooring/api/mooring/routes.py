"""``/mooring/v1``: hosts, PCI devices, explain, events, audit."""

from collections.abc import Sequence
from http import HTTPStatus

from mooring.api.call import Call, Reply, Route
from mooring.api.compute.bodies import server_wish
from mooring.api.mooring.views import device_view, host_view
from mooring.errors import Invalid
from mooring.model.host import DEFAULT_ZONE
from mooring.service import hosts
from mooring.service.audit import audit
from mooring.service.explain import explain
from mooring.service.overview import inventory_of, overview
from mooring.service.trail import NEWEST, trail

_NAME_MAX = 63


async def list_hosts(call: Call) -> Reply:
    """Every host, with counts of its functions by state."""
    world = call.controller.world
    rows = await call.controller.store.read(lambda tx: overview(tx, world))
    return Reply(body={"hosts": [host_view(row) for row in rows]})


async def show_host(call: Call) -> Reply:
    """One host with all of its functions."""
    world, name = call.controller.world, call.params["name"]
    rows, devices = await call.controller.store.read(lambda tx: (overview(tx, world, name), inventory_of(tx, name)))
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


async def list_devices(call: Call) -> Reply:
    """Every function of every host, or of ``?host=``: PF, VF, owner, settings, state."""
    wanted: list[str | None] = [*call.query.get("host", [])]
    rows = await call.controller.store.read(
        lambda tx: [row for name in wanted or [None] for row in inventory_of(tx, name)]
    )
    return Reply(body={"pci_devices": [device_view(row) for row in rows]})


async def post_explain(call: Call) -> Reply:
    """The body of a server create; nothing is created."""
    wish = server_wish(call.envelope("server"), call.who)
    world, who = call.controller.world, call.who
    return Reply(body={"explanation": await call.controller.store.read(lambda tx: explain(tx, world, who, wish))})


async def list_events(call: Call) -> Reply:
    """The trail, oldest first: what came after ``?since=``, else the newest; at most ``?limit=`` (1000)."""
    since, limit = call.number("since", NEWEST), call.number("limit", 100)
    rows = await call.controller.store.read(lambda tx: trail(tx, since, limit))
    return Reply(body={"events": rows})


async def get_audit(call: Call) -> Reply:
    """Check the invariants now; an empty list is good news."""
    world = call.controller.world
    findings = await call.controller.store.read(lambda tx: audit(tx, world))
    return Reply(body={"findings": [{"invariant": f.invariant, "text": f.text} for f in findings]})


ROUTES: Sequence[Route] = (
    Route("GET", "/mooring/v1/hosts", list_hosts, "mooring:hosts"),
    Route("POST", "/mooring/v1/hosts", add_host, "mooring:hosts:create"),
    Route("GET", "/mooring/v1/hosts/{name}", show_host, "mooring:hosts"),
    Route("DELETE", "/mooring/v1/hosts/{name}", remove_host, "mooring:hosts:delete"),
    Route("POST", "/mooring/v1/hosts/{name}/key", rekey_host, "mooring:hosts:create"),
    Route("GET", "/mooring/v1/pci-devices", list_devices, "mooring:pci-devices"),
    Route("POST", "/mooring/v1/explain", post_explain, "mooring:explain"),
    Route("GET", "/mooring/v1/events", list_events, "mooring:events"),
    Route("GET", "/mooring/v1/audit", get_audit, "mooring:audit"),
)
