"""``/agent/v1``: what an agent may say and hear. Who it is follows from its key, never from a field."""

from asyncio import wait_for
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from http import HTTPStatus

from mooring import wire
from mooring.api import policy
from mooring.api.call import Call, Reply, Route
from mooring.errors import Unauthenticated
from mooring.model.desired import ConsoleTail, Desired, Report, Welcome
from mooring.model.host import Host, HostSnapshot
from mooring.service.desired import desired_of
from mooring.service.hosts import get_host, host_of_key
from mooring.service.inventory import take_inventory
from mooring.service.reports import take_report

#: Below the half minute after which proxies call a silent connection dead.
_COMMENT_EVERY_S = 20.0
_WAIT_MAX_S = 60.0
_INVENTORY_FACTOR = 64
_CONSOLE_FACTOR = 4


async def _host(call: Call) -> Host:
    """The host that the key proves; hearing from it is its heartbeat."""
    host = await call.controller.store.read(lambda tx: host_of_key(tx, call.headers.get("authorization")))
    call.controller.world.heartbeats.hear(host.name)
    return host


async def put_inventory(call: Call) -> Reply:
    """The whole machine, at one moment. Answers who the controller takes it for, and its epoch."""
    name = (await _host(call)).name
    snapshot = wire.decode(HostSnapshot, call.body)
    world = call.controller.world
    welcome = await call.controller.store.write(lambda tx: take_inventory(tx, world, get_host(tx, name), snapshot))
    return Reply(body=welcome)


async def get_self(call: Call) -> Reply:
    """Who the controller takes the key's holder for. Asking is no heartbeat: no agent runs for it yet."""
    key = call.headers.get("authorization")
    host = await call.controller.store.read(lambda tx: host_of_key(tx, key))
    return Reply(body=Welcome(host.name, host.epoch))


async def post_report(call: Call) -> Reply:
    """What was read back. 409 when another agent of this host has begun a newer epoch."""
    name = (await _host(call)).name
    report = wire.decode(Report, call.body)
    world = call.controller.world
    await call.controller.store.write(lambda tx: take_report(tx, world, get_host(tx, name), report))
    return Reply(HTTPStatus.NO_CONTENT)


async def get_desired(call: Call) -> Reply:
    """A stream of server-sent events, each a whole ``Desired``; or, with ``?wait=S``, one answer: a long poll."""
    name = (await _host(call)).name
    since = call.number("since", 0)
    if "wait" not in call.query:
        return Reply(stream=_frames(call, name))
    wait_s = min(call.number("wait", 0), _WAIT_MAX_S)
    desired = await _newer(call, name, since, wait_s)
    return Reply(HTTPStatus.NO_CONTENT) if desired is None else Reply(body=desired)


async def post_console(call: Call) -> Reply:
    """The end of a console that somebody waits for. One that is of another host's server reaches nobody."""
    name = (await _host(call)).name
    call.controller.consoles.answer(name, call.params["server_id"], wire.decode(ConsoleTail, call.body))
    return Reply(HTTPStatus.NO_CONTENT)


async def _read(call: Call) -> Desired:
    """The desired state of the key's host; the key is proved each time, for it may have ended meanwhile."""
    key = call.headers.get("authorization")
    desired = await call.controller.store.read(lambda tx: desired_of(tx, host_of_key(tx, key)))
    return replace(desired, consoles=call.controller.consoles.wanted(desired.host))


async def _newer(call: Call, name: str, since: int, wait_s: float) -> Desired | None:
    """The desired state once its sequence is beyond ``since`` or a console is wanted; None when the wait is over."""
    streams = call.controller.streams
    woken = streams.subscribe(name)
    try:
        desired = await _read(call)
        if desired.sequence <= since and not desired.consoles and not streams.is_closing:
            try:
                await wait_for(woken.wait(), wait_s)
            except TimeoutError:
                return None
            desired = await _read(call)
        return desired
    finally:
        streams.unsubscribe(name, woken)


async def _frames(call: Call, name: str) -> AsyncIterator[bytes]:
    """The newest state at once, then again after each change; a comment now and then so that proxies stay awake.

    Ends with the host's key: the agent comes again, and is told so.
    """
    streams = call.controller.streams
    woken = streams.subscribe(name)
    try:
        while not streams.is_closing:
            woken.clear()
            desired = await _read(call)
            yield b"id: %d\ndata: %s\n\n" % (desired.sequence, wire.encode(desired))
            while not woken.is_set():
                try:
                    await wait_for(woken.wait(), _COMMENT_EVERY_S)
                except TimeoutError:
                    yield b": still here\n\n"
    except Unauthenticated:
        return
    finally:
        streams.unsubscribe(name, woken)


ROUTES: Sequence[Route] = (
    Route("GET", "/agent/v1/self", get_self, policy.AGENT),
    Route("PUT", "/agent/v1/inventory", put_inventory, policy.AGENT, body_factor=_INVENTORY_FACTOR),
    Route("GET", "/agent/v1/desired", get_desired, policy.AGENT),
    Route("POST", "/agent/v1/report", post_report, policy.AGENT, body_factor=_INVENTORY_FACTOR),
    Route("POST", "/agent/v1/consoles/{server_id}", post_console, policy.AGENT, body_factor=_CONSOLE_FACTOR),
)
