"""``/agents``: the hosts in Neutron's words. Made in ``service/agents.py``; filtered, sorted and cut here."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from mooring.api.call import Call, Reply
from mooring.api.network.attributes import Attribute, Attributes, Filter, Holds
from mooring.api.network.listing import fields_of, page, page_links, read_listing, shown_fields
from mooring.api.network.values import Convert, boolean, text_or_none
from mooring.errors import Invalid, NotFound
from mooring.service.agents import delete_agent, get_agent, list_agents, update_agent


def _holds(name: str, read: Convert | None = None) -> Filter:
    def filter_by(attribute: str, values: Sequence[str]) -> Holds:
        wanted = [value if read is None else read(attribute, value) for value in values]
        return Holds(lambda agent: agent[name] in wanted)

    return filter_by


def _told(name: str) -> Attribute:
    return Attribute(name, filter=_holds(name), sort=name)


ATTRIBUTES = Attributes(
    "agent",
    [
        *(_told(name) for name in ("id", "agent_type", "binary", "host", "topic")),
        Attribute("alive", filter=_holds("alive", boolean), sort="alive"),
        Attribute("admin_state_up", boolean, filter=_holds("admin_state_up", boolean), sort="admin_state_up"),
        Attribute("description", text_or_none(), filter=_holds("description"), sort="description"),
        Attribute("availability_zone", filter=_holds("availability_zone")),
        *(Attribute(name, sort=name) for name in ("created_at", "started_at", "heartbeat_timestamp")),
        Attribute("configurations"),
        Attribute("resources_synced"),
    ],
)


async def index(call: Call) -> Reply:
    listing = read_listing(call, ATTRIBUTES)
    world, who = call.controller.world, call.who
    found = await call.controller.store.read(lambda tx: list_agents(tx, world, who))
    tests = [condition.test for condition in listing.conditions if isinstance(condition, Holds)]
    agents = [agent for agent in found if all(test(agent) for test in tests)]
    marker = next((agent for agent in found if agent["id"] == listing.marker), None)
    if listing.marker is not None and marker is None:
        raise NotFound("agent", listing.marker)
    order = [(name, is_up != listing.is_reverse) for name, is_up in listing.sort]
    agents = page(agents, order, marker, lambda agent: agent)[: listing.limit]
    if listing.is_reverse:
        agents.reverse()
    body: dict[str, Any] = {"agents": [shown_fields(agent, listing.fields) for agent in agents]}
    links = page_links(call, listing, [agent["id"] for agent in agents])
    return Reply(body=body | ({"agents_links": links} if links else {}))


async def show(call: Call) -> Reply:
    world, who, ident = call.controller.world, call.who, call.params["ident"]
    agent = await call.controller.store.read(lambda tx: get_agent(tx, world, who, ident))
    return Reply(body={"agent": shown_fields(agent, fields_of(call))})


async def create(call: Call) -> Reply:
    del call
    raise Invalid(
        "Bad agents request: Agent creation using API is not supported..", code="BadRequest", hint="mooring host add"
    )


async def change(call: Call) -> Reply:
    world, who, ident = call.controller.world, call.who, call.params["ident"]
    values = ATTRIBUTES.for_put(who, call.envelope("agent"))
    agent = await call.controller.store.write(lambda tx: update_agent(tx, world, who, ident, values))
    return Reply(body={"agent": agent})


async def remove(call: Call) -> Reply:
    world, who, ident = call.controller.world, call.who, call.params["ident"]
    await call.controller.store.write(lambda tx: delete_agent(tx, world, who, ident))
    return Reply(HTTPStatus.NO_CONTENT)
