"""A watch over functions: server-sent events of those that changed, for as long as somebody listens.

Nothing is kept for a watcher but where it is: what changed is read from the database, by number, when it is there to
be sent. So a slow reader costs no memory and misses nothing but what was overtaken by something newer, a lost wake-up
is made good by the next look, and whoever comes back with the last number goes on from there.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from functools import partial

import msgspec

from mooring.api import policy
from mooring.api.agent.streams import ANYTHING
from mooring.api.call import Call, Reply
from mooring.api.mooring.device_query import read_watch
from mooring.api.mooring.views import device_view
from mooring.errors import Conflict, Forbidden, Unauthenticated, Unreachable
from mooring.service.device_list import Change, DeviceWish, check_wish, news_since

WATCHERS_MAX = 32
#: Below the half minute after which clients and proxies call a silent connection dead.
LOOK_EVERY_S = 15.0
#: Changes come in swarms; of a function that changes again within it, only the newest is sent.
GATHER_S = 0.2
LIFE_MAX_S = 3600.0
_RULE = "mooring:pci-devices"
_OPENING = b"retry: 1000\n: watching\n"


async def watch_devices(call: Call) -> Reply:
    """Raises Conflict when too many watch already."""
    wish, fields, since = read_watch(call)
    controller = call.controller
    if controller.streams.watchers() >= WATCHERS_MAX:
        raise Conflict(f"{WATCHERS_MAX} others watch already", hint="end one, or list again now and then")
    newest = await controller.store.read(lambda tx: check_wish(tx, wish))
    return Reply(stream=frames(call, wish, fields, newest if since is None else since))


async def frames(
    call: Call, wish: DeviceWish, fields: Collection[str], since: int, look_every_s: float = LOOK_EVERY_S
) -> AsyncIterator[bytes]:
    """What changed after number ``since``, and then what changes.

    Ends after ``LIFE_MAX_S``, and with the caller's right to look; whoever has it still comes again.
    """
    controller = call.controller
    until_s = controller.clock.monotonic_s() + LIFE_MAX_S
    woken = controller.streams.subscribe(ANYTHING)
    try:
        yield _OPENING + _place(since)
        while not controller.streams.is_closing and controller.clock.monotonic_s() < until_s:
            woken.clear()
            await _check(call)
            news = await controller.store.read(partial(news_since, wish=wish, since=since))
            since = news.upto
            if news.changes:
                yield b"".join(_frame(change, fields) for change in news.changes)
            if news.is_whole and not await _is_woken(woken, look_every_s):
                yield b": still here\n" + _place(since)
    except (Forbidden, Unauthenticated, Unreachable):
        return
    finally:
        controller.streams.unsubscribe(ANYTHING, woken)


async def _check(call: Call) -> None:
    """Logins and roles end while a stream goes on."""
    who = await call.controller.sessions.caller(call.headers.get("x-auth-token", ""), call.request_id)
    policy.check(_RULE, who)


async def _is_woken(woken: asyncio.Event, wait_s: float) -> bool:
    try:
        await asyncio.wait_for(woken.wait(), wait_s)
    except TimeoutError:
        return False
    await asyncio.sleep(GATHER_S)
    return True


def _place(number: int) -> bytes:
    """Where the client is, told without an event: it resumes there."""
    return b"id: %d\n\n" % number


def _frame(change: Change, fields: Collection[str]) -> bytes:
    if change.row is not None:
        return _event(change.sequence, "", device_view(change.row, fields))
    if change.left is not None:
        left = change.left
        return _event(change.sequence, "left", {"id": left.id, "host": left.host, "address": str(left.address)})
    return _event(change.sequence, "relist", {})


def _event(number: int, kind: str, data: Mapping[str, object]) -> bytes:
    lines = [b"id: %d" % number, *([b"event: " + kind.encode()] if kind else []), b"data: " + msgspec.json.encode(data)]
    return b"\n".join(lines) + b"\n\n"
