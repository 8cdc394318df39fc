"""``/compute/v2.1/servers``."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from mooring.api.call import Call, Reply
from mooring.api.compute import console
from mooring.api.compute import server_views as views
from mooring.api.compute.bodies import create_body, server_changes, wants_reservation
from mooring.api.compute.links import BASE
from mooring.api.compute.microversion import Microversion, any_version, versioned
from mooring.api.compute.pages import Page, cut, more
from mooring.api.compute.scene import Scene, hosts_of, scene_of
from mooring.api.compute.server_filters import Candidate, ServerQuery, server_query
from mooring.api.compute.server_views import Lens
from mooring.errors import Invalid
from mooring.model.identity import Caller
from mooring.model.server import Server
from mooring.service import servers
from mooring.service.server_ports import ports_of
from mooring.store.rows import Query
from mooring.store.servers import SERVERS
from mooring.store.tx import Tx

_PASSWORD_CHARS = 12


@versioned
async def list_servers(call: Call, version: Microversion) -> Reply:
    query, who = server_query(call, version, "index"), call.who
    found = await call.controller.store.read(lambda tx: _found(tx, who, query))
    body: dict[str, object] = {"servers": [views.brief(server, call.base_url) for server in found]}
    return Reply(HTTPStatus.OK, {**body, **more(call, query.page, found, "servers", lambda server: server.id)})


@versioned
async def list_servers_detail(call: Call, version: Microversion) -> Reply:
    query, who, world = server_query(call, version, "detail"), call.who, call.controller.world

    def story(tx: Tx) -> tuple[list[Server], Scene]:
        found = _found(tx, who, query)
        return found, scene_of(tx, world, found)

    found, scene = await call.controller.store.read(story)
    lens = Lens(version, who, call.base_url, scene)
    body: dict[str, object] = {"servers": [views.detailed(server, lens, is_listed=True) for server in found]}
    return Reply(HTTPStatus.OK, {**body, **more(call, query.page, found, "servers", lambda server: server.id)})


@versioned
async def create_server(call: Call, version: Microversion) -> Reply:
    """202 with what is needed to ask again; a server that found no host is in ERROR, and says why when asked."""
    body = call.json()
    wish = create_body(body, call.who, version)
    world, who = call.controller.world, call.who
    made = await call.controller.store.write(lambda tx: servers.create_servers(tx, world, who, wish))
    if wants_reservation(body):
        return Reply(HTTPStatus.ACCEPTED, {"reservation_id": made[0].reservation_id})
    password = world.ids.secret()[:_PASSWORD_CHARS]
    location = f"{call.base_url}{BASE}/servers/{made[0].id}"
    return Reply(
        HTTPStatus.ACCEPTED, {"server": views.created(made[0], password, call.base_url)}, {"Location": location}
    )


@versioned
async def show_server(call: Call, version: Microversion) -> Reply:
    who, world, ident = call.who, call.controller.world, call.params["server_id"]

    def story(tx: Tx) -> tuple[Server, Scene]:
        server = servers.get_server(tx, who, ident)
        return server, scene_of(tx, world, [server])

    server, scene = await call.controller.store.read(story)
    return Reply(HTTPStatus.OK, {"server": views.detailed(server, Lens(version, who, call.base_url, scene))})


@versioned
async def update_server(call: Call, version: Microversion) -> Reply:
    changes = server_changes(call.json(), version)
    who, world, ident = call.who, call.controller.world, call.params["server_id"]

    def story(tx: Tx) -> tuple[Server, Scene]:
        server = servers.rename_server(tx, who, ident, changes)
        return server, scene_of(tx, world, [server])

    server, scene = await call.controller.store.write(story)
    return Reply(HTTPStatus.OK, {"server": views.updated(server, Lens(version, who, call.base_url, scene))})


@any_version
async def delete_server(call: Call) -> Reply:
    who, world, ident = call.who, call.controller.world, call.params["server_id"]
    await call.controller.store.write(lambda tx: servers.delete_server(tx, world, who, ident))
    return Reply(HTTPStatus.NO_CONTENT)


@any_version
async def act_on_server(call: Call) -> Reply:
    """The console is the one action; an unknown server is told apart from an unknown action, as Nova does."""
    who, ident = call.who, call.params["server_id"]
    server = await call.controller.store.read(lambda tx: servers.get_server(tx, who, ident))
    body = call.json()
    if not isinstance(body, dict) or len(body) != 1:
        raise Invalid("Request body must be an object with one property: the action")
    if console.ACTION in body:
        return await console.show_console(call, server)
    raise Invalid(f"There is no such action: {next(iter(body))[:255]}")


def _found(tx: Tx, who: Caller, query: ServerQuery) -> list[Server]:
    """The servers of one page, filtered."""
    if query.is_empty:
        return []
    part = query.page
    # What is filtered after reading cannot be limited before.
    limit = None if query.predicates else part.limit
    rows = servers.list_servers(
        tx, who, Query(query.equals, part.sort, limit, _after(tx, who, part)), all_projects=query.all_projects
    )
    if not query.predicates:
        return rows
    candidates = _candidates(tx, rows, query)
    fitting = [c.server for c in candidates if all(fits(c) for fits in query.predicates)]
    if not fitting and query.refusal is not None:
        raise query.refusal
    return cut(fitting, part.limit)


def _candidates(tx: Tx, rows: Sequence[Server], query: ServerQuery) -> list[Candidate]:
    scene = Scene(hosts=hosts_of(tx, rows))
    ports = ports_of(tx, [server.id for server in rows]) if query.needs_addresses else {}
    return [
        Candidate(
            server,
            scene.zone_of(server),
            [fixed.ip_address for port in ports.get(server.id, []) for fixed in port.fixed_ips],
        )
        for server in rows
    ]


def _after(tx: Tx, who: Caller, part: Page) -> Mapping[str, object] | None:
    """The marker's own values. Raises Invalid for a marker that the caller cannot see."""
    if part.marker is None:
        return None
    marker = SERVERS.get(tx, part.marker)
    if marker is None or not (who.is_admin or marker.project_id == who.project_id):
        raise Invalid(f"marker [{part.marker[:255]}] not found")
    return SERVERS.flat(marker)
