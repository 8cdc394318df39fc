"""The watch over functions: what changed is told once, to whoever may know it, and where to go on."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mooring.api.agent.streams import ANYTHING
from mooring.api.call import Call
from mooring.api.mooring.device_watch import LIFE_MAX_S, WATCHERS_MAX, frames, watch_devices
from mooring.api.mooring.views import device_view
from mooring.errors import Conflict
from mooring.model.host import Aggregate
from mooring.model.identity import Caller
from mooring.model.vf import VfState
from mooring.service.device_list import DeviceWish, get_device
from mooring.service.hosts import remove_host
from mooring.service.tokens import secret_hash
from mooring.store import device_list, tables
from mooring.store.claims import CLAIMS
from mooring.store.devices import DEVICES, move
from mooring.store.groups import GROUPS
from mooring.store.identity import TOKENS
from mooring.store.rows import Records
from mooring.store.servers import SERVERS
from mooring.store.tx import Event, Tx
from mooring.testing.in_process import InProcessClient
from mooring.testing.outside import SteppedClock
from tests.api.mooring.device_rows import PATH, filled

WAIT_S = 10.0
ADMIN = Caller("root", "root", None, None, frozenset({"admin"}))
AGGREGATES = Records(tables.aggregates, Aggregate)
Story = Callable[[Tx], object]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[InProcessClient]:
    with filled(tmp_path) as made:
        yield made


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the stream; ``kind`` is empty for a function as it is now."""

    id: int
    kind: str
    data: Any


class Watch:
    """A stream, event by event."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream = stream
        self._frames: list[bytes] = []

    async def frame(self) -> bytes:
        while not self._frames:
            self._frames = [
                part for part in (await asyncio.wait_for(anext(self._stream), WAIT_S)).split(b"\n\n") if part
            ]
        return self._frames.pop(0)

    async def told(self) -> Told:
        lines = [line for line in (await self.frame()).decode().splitlines() if not line.startswith(":")]
        fields = dict(line.partition(": ")[::2] for line in lines)
        return Told(int(fields["id"]), fields.get("event", ""), json.loads(fields.get("data", "null")))

    async def is_over(self) -> bool:
        try:
            await asyncio.wait_for(anext(self._stream), WAIT_S)
        except StopAsyncIteration:
            return True
        return False


def call_of(client: InProcessClient, query: str = "", **headers: str) -> Call:
    told: dict[str, list[str]] = {"watch": ["true"]}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        told.setdefault(name, []).append(value)
    sent = {"x-auth-token": client.token or "", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Call(client.controller, "GET", PATH, "http://x", {}, told, sent, b"")


@asynccontextmanager
async def watching(client: InProcessClient, query: str = "", **headers: str) -> AsyncIterator[Watch]:
    """A stream whose opening was read."""
    client.controller.streams.bind(asyncio.get_running_loop())
    stream = (await watch_devices(call_of(client, query, **headers))).stream
    assert stream is not None
    watch = Watch(stream)
    assert b"retry: " in await watch.frame()
    try:
        yield watch
    finally:
        with suppress(StopAsyncIteration, RuntimeError):
            await stream.aclose()  # type: ignore[attr-defined]  # it is an async generator


async def commit(client: InProcessClient, story: Story) -> None:
    """Change something, and say so: it is the saying that wakes."""

    def told(tx: Tx) -> None:
        story(tx)
        tx.tell(Event("test.done", "x"))

    await client.controller.store.write(told)


async def shown(client: InProcessClient, ident: str) -> Any:
    """A function as it is listed."""
    row = await client.controller.store.read(lambda tx: get_device(tx, ident))
    return msgspec.json.decode(msgspec.json.encode(device_view(row)))


def to_state(ident: str, state: VfState) -> Story:
    def story(tx: Tx) -> None:
        device = DEVICES.get(tx, ident)
        assert device is not None
        move(tx, device, state, generation=device.generation)

    return story


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 2 * WAIT_S))


def test_nothing_is_told_at_first_and_then_each_function_that_changed(client: InProcessClient) -> None:
    async def test() -> None:
        async with watching(client) as watch:
            await commit(client, to_state("vf1", VfState.CLAIMED))
            told = await watch.told()
            assert (told.kind, told.data["id"], told.data["state"]) == ("", "vf1", "claimed")
            assert told.data == await shown(client, "vf1")
            await commit(client, to_state("vf2", VfState.QUARANTINED))
            assert (await watch.told()).data["id"] == "vf2"

    run(test)


CHANGES: dict[str, tuple[Story, str]] = {
    "what was read back": (
        lambda tx: DEVICES.update(tx, replace(_device(tx, "vf1"), observed=_device(tx, "vf0").observed)), "vf1",
    ),
    "offered": (lambda tx: DEVICES.update(tx, replace(_device(tx, "vf2"), is_offered=False)), "vf2"),
    "tags": (lambda tx: DEVICES.update(tx, replace(_device(tx, "vf3"), tags=("new",))), "vf3"),
    "what is wanted": (lambda tx: CLAIMS.update(tx, replace(_claim(tx, "vf0"), is_releasing=True)), "vf0"),
    "the owner is gone": (lambda tx: CLAIMS.delete(tx, "gpu0"), "gpu0"),
    "the owner's name": (lambda tx: SERVERS.update(tx, replace(_server(tx, "s2"), name="other")), "gpu0"),
}  # fmt: skip


def _device(tx: Tx, ident: str) -> Any:
    return DEVICES.get(tx, ident)


def _claim(tx: Tx, ident: str) -> Any:
    return CLAIMS.get(tx, ident)


def _server(tx: Tx, ident: str) -> Any:
    return SERVERS.get(tx, ident)


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_is_shown_of_a_function_is_told_when_it_changes(client: InProcessClient, what: str) -> None:
    story, ident = CHANGES[what]

    async def test() -> None:
        async with watching(client) as watch:
            await commit(client, story)
            told = await watch.told()
            assert told.data == await shown(client, ident)

    run(test)


def test_that_a_function_is_as_it_was_is_not_told(client: InProcessClient) -> None:
    async def test() -> None:
        async with watching(client) as watch:
            await commit(client, lambda tx: DEVICES.update(tx, replace(_device(tx, "vf1"), verified_at=tx.now)))
            await commit(client, to_state("vf3", VfState.CLAIMED))
            assert (await watch.told()).data["id"] == "vf3"

    run(test)


def test_of_a_function_that_changed_twice_the_newest_is_told_once(client: InProcessClient) -> None:
    async def test() -> None:
        begun = await client.controller.store.read(device_list.sequence)
        for state in (VfState.CLAIMED, VfState.PROGRAMMED):
            await commit(client, to_state("vf1", state))
        await commit(client, to_state("vf2", VfState.CLAIMED))
        async with watching(client, f"since={begun}") as watch:
            first, second = await watch.told(), await watch.told()
            assert (first.data["id"], first.data["state"], second.data["id"]) == ("vf1", "programmed", "vf2")
            assert begun < first.id < second.id

    run(test)


def test_a_function_that_is_not_like_the_filter_any_more_is_told_to_have_left(client: InProcessClient) -> None:
    async def test() -> None:
        async with watching(client, "state=available&kind=VF") as watch:
            await commit(client, to_state("vf1", VfState.CLAIMED))
            left = await watch.told()
            assert (left.kind, left.data) == ("left", {"id": "vf1", "host": "h1", "address": "0000:3b:02.1"})
            await commit(client, to_state("vf1", VfState.AVAILABLE))
            assert (await watch.told()).data["state"] == "available"

    run(test)


@pytest.mark.parametrize("query", ["host=h2", "id=whole", "address=0000:5e:00.0"])
def test_a_function_that_was_never_like_the_filter_is_not_told_of(client: InProcessClient, query: str) -> None:
    async def test() -> None:
        async with watching(client, query) as watch:
            await commit(client, to_state("vf1", VfState.CLAIMED))
            await commit(client, to_state("whole", VfState.CLAIMED))
            assert (await watch.told()).data["id"] == "whole"

    run(test)


def test_a_watch_of_a_pci_group_sees_who_comes_and_who_leaves(client: InProcessClient) -> None:
    async def test() -> None:
        async with watching(client, "group=fast&fields=id,groups") as watch:
            await commit(client, lambda tx: DEVICES.update(tx, replace(_device(tx, "vf1"), tags=("gold",))))
            assert (await watch.told()).data == {"id": "vf1", "groups": ["fast", "intel"]}
            await commit(client, lambda tx: DEVICES.update(tx, replace(_device(tx, "vf4"), tags=())))
            left = await watch.told()
            assert (left.kind, left.data["id"]) == ("left", "vf4")

    run(test)


RELISTS: dict[str, Story] = {
    "a PCI group is gone": lambda tx: GROUPS.delete(tx, "g0"),
    "an aggregate has come": lambda tx: AGGREGATES.insert(tx, Aggregate(1, "u", "rack1", tx.now, tx.now)),
    "a device is gone": lambda tx: DEVICES.delete(tx, "vf2"),
}


@pytest.mark.parametrize("what", RELISTS)
def test_what_no_single_function_shows_asks_to_list_again(client: InProcessClient, what: str) -> None:
    async def test() -> None:
        async with watching(client) as watch:
            await commit(client, RELISTS[what])
            assert (await watch.told()).kind == "relist"

    run(test)


def test_a_host_that_is_removed_asks_to_list_again_and_leaves_no_changes_behind(client: InProcessClient) -> None:
    async def test() -> None:
        world = client.controller.world
        async with watching(client) as watch:
            await client.controller.store.write(lambda tx: remove_host(tx, world, ADMIN, "h2"))
            assert (await watch.told()).kind == "relist"
        changed = await client.controller.store.read(lambda tx: device_list.changed_after(tx, 0, 100))
        assert "whole" not in {ident for _, ident in changed}

    run(test)


def test_who_comes_again_goes_on_where_it_was(client: InProcessClient) -> None:
    async def test() -> None:
        async with watching(client) as watch:
            await commit(client, to_state("vf1", VfState.CLAIMED))
            last = (await watch.told()).id
        await commit(client, to_state("vf2", VfState.CLAIMED))
        async with watching(client, "since=0", last_event_id=str(last)) as watch:
            assert (await watch.told()).data["id"] == "vf2"

    run(test)


def test_since_the_beginning_is_everything_and_a_number_that_is_yet_to_come_asks_to_list_again(
    client: InProcessClient,
) -> None:
    async def test() -> None:
        async with watching(client, "since=0") as watch:
            told = [await watch.told() for _ in range(10)]
            assert {one.data["id"] for one in told if one.kind == ""} >= {"pf", "vf0", "gpu0", "gpu1", "whole"}
        async with watching(client, "since=99999") as watch:
            again = await watch.told()
            assert again.kind == "relist"
            assert again.id < 99999

    run(test)


def test_a_quiet_watch_says_that_it_lives_and_where_it_is(client: InProcessClient) -> None:
    async def test() -> None:
        newest = await client.controller.store.read(device_list.sequence)
        wish = DeviceWish(device_list.DeviceQuery())
        watch = Watch(frames(call_of(client), wish, (), newest, look_every_s=0.01))
        for said in (b"watching", b"still here", b"still here"):
            assert (await watch.frame()).endswith(b": %b\nid: %d" % (said, newest))

    run(test)


def test_a_watch_ends_with_its_login(client: InProcessClient) -> None:
    async def test() -> None:
        async with watching(client) as watch:
            await commit(client, lambda tx: TOKENS.delete(tx, secret_hash(client.token or "")))
            client.controller.sessions.committed([Event("token.revoked", "x")])
            assert await watch.is_over()

    run(test)


def test_a_watch_ends_after_its_time_and_when_the_controller_stops(client: InProcessClient) -> None:
    async def test() -> None:
        clock = client.controller.clock
        assert isinstance(clock, SteppedClock)
        async with watching(client, "host=h2") as watch:
            clock.advance(LIFE_MAX_S - 60)
            await commit(client, to_state("whole", VfState.CLAIMED))
            assert (await watch.told()).data["id"] == "whole"
            clock.advance(61)
            await commit(client, to_state("vf1", VfState.CLAIMED))
            assert await watch.is_over()
        renewed = client.admin()
        async with watching(renewed) as watch:
            reading = asyncio.create_task(watch.is_over())
            await asyncio.sleep(0)
            client.controller.streams.close()
            assert await reading

    run(test)


def test_no_more_than_so_many_watch_and_agents_are_counted_without_them(client: InProcessClient) -> None:
    async def test() -> None:
        streams = client.controller.streams
        woken = [streams.subscribe(ANYTHING) for _ in range(WATCHERS_MAX)]
        with pytest.raises(Conflict, match="watch already"):
            await watch_devices(call_of(client))
        streams.unsubscribe(ANYTHING, woken[0])
        async with watching(client):
            assert (streams.watchers(), streams.count()) == (WATCHERS_MAX, 0)
        assert streams.watchers() == WATCHERS_MAX - 1

    run(test)
