"""``/mooring/v1``: hosts, PCI devices and groups, explain, events, audit."""

from collections.abc import Sequence

from mooring.api.call import Call, Reply, Route
from mooring.api.compute.bodies import create_body
from mooring.api.compute.microversion import LATEST
from mooring.api.mooring.devices import DEVICES
from mooring.api.mooring.groups import GROUPS
from mooring.api.mooring.hosts import HOSTS
from mooring.api.mooring.port_profiles import PORT_PROFILES
from mooring.service.audit import audit
from mooring.service.explain import explain, glance
from mooring.service.trail import NEWEST, trail


async def post_explain(call: Call) -> Reply:
    """The body of a server create; nothing is created."""
    wish = create_body(call.json(), call.who, LATEST)
    world, who, store = call.controller.world, call.who, call.controller.store
    seen = await store.write(lambda tx: glance(tx, world, who, wish))
    return Reply(body={"explanation": await store.read(lambda tx: explain(tx, world, who, wish, seen))})


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
    *HOSTS,
    *DEVICES,
    *GROUPS,
    *PORT_PROFILES,
    Route("POST", "/mooring/v1/explain", post_explain, "mooring:explain"),
    Route("GET", "/mooring/v1/events", list_events, "mooring:events"),
    Route("GET", "/mooring/v1/audit", get_audit, "mooring:audit"),
)
