"""``os-getConsoleOutput``: what a guest wrote last, from the host that has it; and what is told when there is none."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import pytest

from mooring import wire
from mooring.agent.consoles import TAIL_MAX_BYTES, console_tail
from mooring.api.agent.consoles import WAITING_MAX, Consoles
from mooring.api.agent.routes import get_desired, post_console
from mooring.api.call import Call, Reply
from mooring.api.compute.console import last_lines
from mooring.api.compute.servers import act_on_server
from mooring.errors import Conflict, MooringError, Unreachable
from mooring.model.desired import ConsoleTail, Desired
from mooring.model.identity import Caller
from mooring.service.hosts import add_host, rekey_host
from mooring.testing.cloud import ADMIN
from mooring.testing.disks import SimulatedDisks
from tests.api.compute.cloud import BASE, HOST, Compute

T = TypeVar("T")
ACTION = "os-getConsoleOutput"
WAIT_S = 20.0


def asks(compute: Compute, server_id: str, arguments: object = None, who: Caller = ADMIN) -> Awaitable[Reply]:
    """Somebody's ``POST /servers/ID/action``."""
    body = wire.encode({ACTION: {} if arguments is None else arguments})
    path = f"{BASE}/servers/{server_id}/action"
    params = {"server_id": server_id}
    return act_on_server(Call(compute.cloud.controller, "POST", path, "http://x", params, {}, {}, body, who))


class Uplink:
    """What the agent of a host does on its wire: hear which consoles are wanted, and send them."""

    def __init__(self, compute: Compute, name: str = HOST) -> None:
        self._compute = compute
        world = compute.cloud.controller.world
        make = rekey_host if name == HOST else add_host
        _, key = compute.cloud.controller.store.write_now(lambda tx: make(tx, world, ADMIN, name))
        self._headers = {"authorization": f"Bearer {key}"}

    def _call(self, path: str, params: dict[str, str], query: dict[str, list[str]], body: bytes = b"") -> Call:
        return Call(self._compute.cloud.controller, "GET", path, "http://x", params, query, self._headers, body)

    async def frames(self) -> AsyncIterator[Desired]:
        stream = (await get_desired(self._call("/agent/v1/desired", {}, {}))).stream
        assert stream is not None
        async for frame in stream:
            yield wire.decode(Desired, frame.split(b"data: ", 1)[1])

    async def poll(self, since: int) -> Desired:
        query = {"since": [str(since)], "wait": [str(int(WAIT_S))]}
        body = (await get_desired(self._call("/agent/v1/desired", {}, query))).body
        assert isinstance(body, Desired)
        return body

    async def send(self, server_id: str, tail: ConsoleTail) -> None:
        await post_console(self._call("/agent/v1/consoles", {"server_id": server_id}, {}, wire.encode(tail)))


def run(compute: Compute, story: Callable[[], Awaitable[T]]) -> T:
    async def bounded() -> T:
        compute.cloud.controller.streams.bind(asyncio.get_running_loop())
        return await asyncio.wait_for(story(), WAIT_S)

    return asyncio.run(bounded())


def disks(compute: Compute) -> SimulatedDisks:
    found = compute.cloud.nodes[HOST].host.machine().disks
    assert isinstance(found, SimulatedDisks)
    return found


def output(reply: Reply) -> str:
    body: Any = reply.body
    assert list(body) == ["output"]
    return str(body["output"])


def refused(reply: Reply) -> tuple[int, str]:
    """Status and message."""
    body: Any = reply.body
    ((_, fault),) = body.items()
    return int(reply.status), str(fault["message"])


def test_guests_last_words_come_from_its_host_by_way_of_the_stream(compute: Compute) -> None:
    server_id = compute.boot("web1")
    uplink = Uplink(compute)

    async def story() -> tuple[Reply, list[Desired]]:
        frames = uplink.frames()
        heard = [await anext(frames)]
        asked = asyncio.ensure_future(asks(compute, server_id))
        heard.append(await anext(frames))
        await uplink.send(server_id, console_tail(disks(compute), server_id))
        return await asked, heard

    reply, (before, asked) = run(compute, story)
    assert output(reply) == "web1 login: "
    assert (before.consoles, asked.consoles) == ((), (server_id,))
    assert (asked.sequence, asked.servers) == (before.sequence, before.servers)
    assert compute.cloud.controller.consoles.wanted(HOST) == ()


def test_long_poll_that_comes_after_the_wish_hears_it_at_once(compute: Compute) -> None:
    server_id = compute.boot()
    uplink = Uplink(compute)

    async def story() -> Reply:
        asked = asyncio.ensure_future(asks(compute, server_id))
        await asyncio.sleep(0.05)
        desired = await uplink.poll(since=10**9)
        await uplink.send(desired.consoles[0], ConsoleTail("hello"))
        return await asked

    assert output(run(compute, story)) == "hello"


@pytest.mark.parametrize(
    ("length", "lines"),
    [(None, "a\nb\nc"), (-1, "a\nb\nc"), (2, "b\nc"), ("1", "c"), (0, ""), (50, "a\nb\nc")],
)
def test_length_counts_lines_from_the_end(length: object, lines: str, compute: Compute) -> None:
    server_id = compute.boot()
    uplink = Uplink(compute)

    async def story() -> Reply:
        asked = asyncio.ensure_future(asks(compute, server_id, {"length": length}))
        await uplink.send((await uplink.poll(since=10**9)).consoles[0], ConsoleTail("a\nb\nc"))
        return await asked

    assert output(run(compute, story)) == lines


@pytest.mark.parametrize(
    ("wrote", "shown"),
    [
        ("\x1b[2J\x1b]0;owned\x07login: ", "[2J]0;ownedlogin: "),
        ("a\r\nb\tc\x00\x7f", "a\nb\tc"),
        ("\x9b31mred", "31mred"),
        ("grüße \U0001f600", "grüße \U0001f600"),
    ],
)
def test_what_would_command_a_terminal_is_left_out(wrote: str, shown: str) -> None:
    assert last_lines(wrote, -1) == shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"length": -2}, "less than the minimum"),
        ({"length": "many"}, "does not match"),
        ({"length": 1.5}, "not of type"),
        ({"lines": 1}, "'lines' was unexpected"),
        ([], "not of type 'object'"),
    ],
)
def test_arguments_that_are_none_are_refused_before_a_host_is_asked(
    arguments: object, says: str, compute: Compute
) -> None:
    server_id = compute.boot()
    status, message = refused(run(compute, lambda: asks(compute, server_id, arguments)))
    assert status == 400
    assert says in message


def test_reader_and_stranger_do_not_see_a_console(compute: Compute) -> None:
    server_id = compute.boot()
    reader = Caller("u1", "reader", compute.project, "demo", frozenset({"reader"}))
    stranger = Caller("u2", "other", "another-project", "other", frozenset({"member"}))
    status, message = refused(run(compute, lambda: asks(compute, server_id, who=reader)))
    assert status == 403
    assert "os_compute_api:os-console-output" in message
    assert refused(run(compute, lambda: asks(compute, server_id, who=stranger)))[0] == 404


def test_console_that_cannot_be_read_is_a_conflict_and_its_reason_is_the_admins(compute: Compute) -> None:
    server_id = compute.boot()
    uplink = Uplink(compute)
    member = Caller("u1", "member", compute.project, "demo", frozenset({"member"}))

    async def story(who: Caller) -> Reply:
        asked = asyncio.ensure_future(asks(compute, server_id, who=who))
        tail = ConsoleTail(reason="/var/lib/mooring: Permission denied")
        await uplink.send((await uplink.poll(since=10**9)).consoles[0], tail)
        return await asked

    told = "the server's host cannot read the console: "
    assert refused(run(compute, lambda: story(ADMIN))) == (409, f"{told}/var/lib/mooring: Permission denied")
    assert refused(run(compute, lambda: story(member))) == (409, f"{told}an admin is told why")


def test_server_without_a_host_is_not_ready(compute: Compute) -> None:
    server_id = compute.boot(flavorRef="1", availability_zone="nowhere")
    status, message = refused(run(compute, lambda: asks(compute, server_id)))
    assert status == 409
    assert f"Instance {server_id} is not ready" in message


def test_host_that_is_not_heard_of_is_not_waited_for(compute: Compute) -> None:
    server_id = compute.boot()
    compute.cloud.controller.world.heartbeats.forget(HOST)
    compute.clock.advance(3600)
    status, message = refused(run(compute, lambda: asks(compute, server_id)))
    assert status == 503
    assert "has not been heard of" in message


def test_host_that_does_not_send_is_given_up_and_the_wish_is_forgotten() -> None:
    consoles = Consoles(lambda _: None)

    async def story() -> None:
        with pytest.raises(Unreachable, match=r"did not send its console within 0\.01 s"):
            await consoles.ask("h1", "s1", 0.01)

    asyncio.run(story())
    assert consoles.wanted("h1") == ()


def test_another_hosts_answer_reaches_nobody() -> None:
    consoles = Consoles(lambda _: None)

    async def story() -> ConsoleTail:
        asked = asyncio.ensure_future(consoles.ask("h1", "s1", WAIT_S))
        await asyncio.sleep(0)
        consoles.answer("h2", "s1", ConsoleTail("forged"))
        consoles.answer("h1", "s2", ConsoleTail("another's"))
        consoles.answer("h1", "s1", ConsoleTail("true"))
        consoles.answer("h1", "s1", ConsoleTail("late"))
        return await asked

    assert asyncio.run(story()).output == "true"
    consoles.answer("h1", "s1", ConsoleTail("too late"))


def test_several_who_wait_share_one_answer_and_no_more_than_the_limit_may_wait() -> None:
    woken: list[str] = []
    consoles = Consoles(woken.append)

    async def story() -> list[ConsoleTail | BaseException]:
        asked = [asyncio.ensure_future(consoles.ask("h1", "s1", WAIT_S)) for _ in range(WAITING_MAX + 1)]
        await asyncio.sleep(0)
        assert consoles.wanted("h1") == ("s1",)
        consoles.answer("h1", "s1", ConsoleTail("all of you"))
        return await asyncio.gather(*asked, return_exceptions=True)

    *served, last = asyncio.run(story())
    assert served == [ConsoleTail("all of you")] * WAITING_MAX
    assert isinstance(last, Conflict)
    assert woken == ["h1"] * WAITING_MAX


def test_agent_sends_text_whatever_the_guest_wrote_and_the_reason_when_it_cannot(compute: Compute) -> None:
    server_id = compute.boot()
    console = (
        disks(compute)
        .prepare(
            compute.cloud.uplink(HOST).desired(-1, 0).servers[0]  # type: ignore[union-attr]  # -1 is always below
        )
        .console_log
    )
    console.write_bytes(b"x" * TAIL_MAX_BYTES + b"\xff\xfe end")
    tail = console_tail(disks(compute), server_id)
    assert tail.output.endswith("\ufffd\ufffd end")
    assert len(tail.output) == TAIL_MAX_BYTES
    assert json.loads(wire.encode(tail))["reason"] == ""


class BrokenDisks(SimulatedDisks):
    def console_tail(self, server_id: str, bytes_max: int) -> bytes:
        raise MooringError(f"{server_id} {bytes_max}: Permission denied")


def test_agent_that_may_not_read_says_so(compute: Compute) -> None:
    broken = BrokenDisks(compute.cloud.folder / "broken")
    assert console_tail(broken, "s1") == ConsoleTail(reason=f"s1 {TAIL_MAX_BYTES}: Permission denied")
