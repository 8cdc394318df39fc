"""The uplink against a real HTTP server on the loopback: streams, polls, refusals, and how it ends."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mooring import wire
from mooring.agent.backoff import Backoff
from mooring.agent.connection import Connection
from mooring.agent.uplink import HttpUplink
from mooring.errors import Conflict, Forbidden, Invalid, MooringError, NotFound, Stale, Unauthenticated, Unreachable
from mooring.model.desired import ConsoleTail, Desired, Report, Welcome
from mooring.model.host import HostSnapshot

WAIT_S = 10.0
SNAPSHOT = HostSnapshot("boot", "agent", 1, 1, 1)
KEY = "s3cret-of-host1"

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers each request with the next of the controller's answers for its path."""

    protocol_version = "HTTP/1.1"
    server: "Controller"

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its failures."""

    def do_GET(self) -> None:
        self.serve()

    def do_PUT(self) -> None:
        self.serve()

    def do_POST(self) -> None:
        self.serve()

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, self.headers.get("Authorization"), body))
        try:
            self.server.answer(self)
        except OSError:
            self.close_connection = True  # the agent hung up first

    def send(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def start_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def end_stream(self) -> None:
        self.chunk(b"")

    def hold(self) -> None:
        """Say nothing until the test is over."""
        self.server.is_over.wait(WAIT_S)


class Controller(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, str | None, bytes]] = []
        self.script: list[Answer] = []
        self.is_over = threading.Event()
        self._lock = threading.Lock()

    def answer(self, handler: Handler) -> None:
        with self._lock:
            step = self.script.pop(0) if self.script else Handler.hold
        step(handler)

    def paths(self) -> list[str]:
        return [path for _, path, _, _ in self.seen]


@pytest.fixture
def controller() -> Iterator[Controller]:
    server = Controller()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.is_over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def uplink(controller: Controller) -> Iterator[HttpUplink]:
    made = HttpUplink(Connection(f"http://127.0.0.1:{controller.server_port}/base/", KEY), jitter=lambda: 0.9)
    yield made
    controller.is_over.set()
    made.close()


def desired(sequence: int, epoch: int = 1) -> Desired:
    return Desired("host1", epoch, sequence)


def frame(wanted: Desired) -> bytes:
    return b"id: %d\ndata: %s\n\n" % (wanted.sequence, wire.encode(wanted))


def stream(*chunks: bytes, stays: bool = True) -> Answer:
    def answer(handler: Handler) -> None:
        handler.start_stream()
        for data in chunks:
            handler.chunk(data)
        if stays:
            handler.hold()
        handler.end_stream()

    return answer


def plain(status: int, body: bytes = b"") -> Answer:
    return lambda handler: handler.send(status, body)


def test_the_inventory_is_put_with_the_hosts_key_and_answered_with_the_epoch(
    controller: Controller, uplink: HttpUplink
) -> None:
    controller.script = [plain(200, wire.encode(Welcome("host1", 7)))]
    assert uplink.announce(SNAPSHOT) == Welcome("host1", 7)
    assert controller.seen == [("PUT", "/base/agent/v1/inventory", f"Bearer {KEY}", wire.encode(SNAPSHOT))]


def test_a_report_is_posted(controller: Controller, uplink: HttpUplink) -> None:
    controller.script = [plain(204)]
    uplink.report(Report(1, 2))
    assert controller.seen[0][:2] == ("POST", "/base/agent/v1/report")
    assert wire.decode(Report, controller.seen[0][3]) == Report(1, 2)


def test_desired_states_arrive_over_the_stream_as_they_are_sent(controller: Controller, uplink: HttpUplink) -> None:
    go_on = threading.Event()

    def answer(handler: Handler) -> None:
        handler.start_stream()
        handler.chunk(b": welcome\n\n" + frame(desired(3)))
        go_on.wait(WAIT_S)
        handler.chunk(frame(desired(4)))
        handler.hold()

    controller.script = [answer]
    assert uplink.desired(2, WAIT_S) == desired(3)
    go_on.set()
    assert uplink.desired(3, WAIT_S) == desired(4)
    assert controller.paths() == ["/base/agent/v1/desired?since=2"]


def test_only_the_newest_desired_state_waits_in_the_mailbox(controller: Controller, uplink: HttpUplink) -> None:
    controller.script = [stream(frame(desired(1)), stays=False), stream(frame(desired(2)) + frame(desired(3)))]
    seen: list[Desired] = []
    while not seen or seen[-1].sequence < 3:
        one = uplink.desired(0, WAIT_S)
        assert one is not None
        seen.append(one)
    assert uplink.desired(3, 0) is None


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_frame_may_come_in_pieces(controller: Controller, uplink: HttpUplink, cut: int) -> None:
    whole = frame(desired(1))
    controller.script = [stream(whole[:cut], whole[cut:])]
    assert uplink.desired(0, WAIT_S) == desired(1)


def test_half_a_frame_at_the_end_of_a_stream_is_nothing(controller: Controller, uplink: HttpUplink) -> None:
    half = frame(desired(1)).rstrip(b"\n")
    controller.script = [stream(half, stays=False), stream(frame(desired(2)))]
    assert uplink.desired(0, WAIT_S) == desired(2)


def test_a_broken_stream_is_resumed_where_it_ended(controller: Controller, uplink: HttpUplink) -> None:
    controller.script = [stream(frame(desired(5)), stays=False), stream(frame(desired(6)))]
    assert uplink.desired(0, WAIT_S) == desired(5)
    assert uplink.desired(5, WAIT_S) == desired(6)
    assert controller.paths() == ["/base/agent/v1/desired?since=0", "/base/agent/v1/desired?since=5"]


def test_silence_is_none_when_the_wait_is_over(uplink: HttpUplink) -> None:
    assert uplink.desired(0, 0.01) is None


def test_polls_do_where_streams_end_without_a_word(controller: Controller, uplink: HttpUplink) -> None:
    controller.script = [*[stream(stays=False)] * 3, plain(204), plain(200, wire.encode(desired(9)))]
    assert uplink.desired(0, WAIT_S) == desired(9)
    assert controller.paths()[:5] == [
        *["/base/agent/v1/desired?since=0"] * 3,
        *["/base/agent/v1/desired?since=0&wait=30"] * 2,
    ]


def test_a_comment_is_a_word(controller: Controller, uplink: HttpUplink) -> None:
    controller.script = [*[stream(b": hello\n\n", stays=False)] * 4, stream(frame(desired(9)))]
    assert uplink.desired(0, WAIT_S) == desired(9)
    assert not any("wait" in path for path in controller.paths())


def test_a_controller_that_breaks_for_a_while_is_asked_again(controller: Controller, uplink: HttpUplink) -> None:
    controller.script = [plain(503), plain(500), stream(b"data: garbage\n\n"), stream(frame(desired(1)))]
    assert uplink.desired(0, WAIT_S) == desired(1)


def test_a_new_epoch_is_heard_from_the_beginning(controller: Controller, uplink: HttpUplink) -> None:
    controller.script = [
        stream(frame(desired(5, epoch=1))),
        plain(200, wire.encode(Welcome("host1", 2))),
        stream(frame(desired(5, epoch=2))),
    ]
    assert uplink.desired(0, WAIT_S) == desired(5, epoch=1)
    uplink.announce(SNAPSHOT)
    assert uplink.desired(5, WAIT_S) == desired(5, epoch=2)
    assert controller.paths()[-1].endswith("?since=0")


def test_a_frame_of_an_older_epoch_that_was_on_its_way_is_not_delivered(
    controller: Controller, uplink: HttpUplink
) -> None:
    controller.script = [
        plain(200, wire.encode(Welcome("host1", 2))),
        stream(frame(desired(9, epoch=1)), stays=False),
        stream(frame(desired(5, epoch=2))),
    ]
    uplink.announce(SNAPSHOT)
    assert uplink.desired(0, WAIT_S) == desired(5, epoch=2)
    assert controller.paths()[-1].endswith("?since=0")


def refusal(code: str) -> bytes:
    return b'{"error": {"code": "%s", "status": 409, "message": "words of the controller", "hint": "do so"}}' % (
        code.encode()
    )


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"", Unauthenticated),
        (403, b"", Forbidden),
        (404, b"", NotFound),
        (409, refusal("Stale"), Stale),
        (409, refusal("Conflict"), Conflict),
        (429, b"", Unreachable),
        (500, b"<html>", Unreachable),
        (503, b"", Unreachable),
        (400, refusal("InvalidInput"), Invalid),
        (302, b"", Invalid),
    ],
)
def test_each_refusal_has_its_error(
    controller: Controller, uplink: HttpUplink, status: int, body: bytes, kind: type[MooringError]
) -> None:
    controller.script = [plain(status, body)]
    with pytest.raises(kind) as caught:
        uplink.report(Report(1, 1))
    assert type(caught.value) is kind
    if body.startswith(b"{"):
        assert "words of the controller" in caught.value.message
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(("status", "body"), [(401, b""), (403, b""), (409, refusal("Stale"))])
def test_a_stream_that_is_refused_for_good_ends_the_agent_and_is_not_asked_for_again(
    controller: Controller, uplink: HttpUplink, status: int, body: bytes
) -> None:
    controller.script = [plain(status, body)]
    for _ in range(2):
        with pytest.raises((Unauthenticated, Forbidden, Stale)):
            uplink.desired(0, WAIT_S)
    assert len(controller.seen) == 1


def test_a_controller_that_is_not_there_is_unreachable(controller: Controller) -> None:
    controller.server_close()
    connection = Connection(f"http://127.0.0.1:{controller.server_port}", KEY)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        HttpUplink(connection).announce(SNAPSHOT)


@pytest.mark.parametrize("url", ["", "controller:8780", "ftp://controller", "http://", "unix:///run/mooring"])
def test_what_is_no_controllers_url_is_invalid(url: str) -> None:
    with pytest.raises(Invalid, match="is not a controller's URL"):
        Connection(url, KEY)


def test_closing_ends_a_wait_and_the_thread_at_once(controller: Controller, uplink: HttpUplink) -> None:
    controller.script = [stream(b": welcome\n\n")]
    answers: list[Desired | None] = []
    waiting = threading.Thread(target=lambda: answers.append(uplink.desired(0, 600)))
    waiting.start()
    while not controller.seen:
        assert uplink.desired(0, 0.01) is None
    uplink.close()
    waiting.join(WAIT_S)
    assert answers == [None]
    assert not any(thread.name == "mooring-uplink" for thread in threading.enumerate())


def test_pauses_double_up_to_a_limit_and_are_shortened_by_chance() -> None:
    whole = Backoff(1.0, 5.0, jitter=lambda: 0.0)
    assert [whole.next_s() for _ in range(5)] == [1.0, 2.0, 4.0, 5.0, 5.0]
    whole.reset()
    assert whole.next_s() == 1.0
    assert Backoff(1.0, 5.0, jitter=lambda: 0.5).next_s() == 0.75


def test_console_that_is_wanted_is_sent_by_the_reading_thread_and_is_no_news(controller: Controller) -> None:
    connection = Connection(f"http://127.0.0.1:{controller.server_port}/base/", KEY)
    uplink = HttpUplink(connection, lambda server_id: ConsoleTail(f"{server_id} login: "))
    wanted = Desired("host1", 1, 5, consoles=("s1", "s/2"))
    controller.script = [stream(frame(desired(5)), frame(wanted), frame(desired(6))), plain(204), plain(204)]
    try:
        heard = uplink.desired(0, WAIT_S)
        while heard is not None and heard.sequence < 6:
            assert heard == desired(5)
            heard = uplink.desired(5, WAIT_S)
        assert heard == desired(6)
        assert [(method, path) for method, path, _, _ in controller.seen[1:3]] == [
            ("POST", "/base/agent/v1/consoles/s1"),
            ("POST", "/base/agent/v1/consoles/s%2F2"),
        ]
        assert wire.decode(ConsoleTail, controller.seen[1][3]) == ConsoleTail("s1 login: ")
    finally:
        controller.is_over.set()
        uplink.close()


def test_console_wanted_along_with_news_is_sent_and_the_news_has_no_console(controller: Controller) -> None:
    connection = Connection(f"http://127.0.0.1:{controller.server_port}/base/", KEY)
    uplink = HttpUplink(connection, lambda _: ConsoleTail("hello"))
    controller.script = [stream(frame(Desired("host1", 1, 7, consoles=("s1",)))), plain(500)]
    try:
        assert uplink.desired(0, WAIT_S) == desired(7)
    finally:
        controller.is_over.set()
        uplink.close()


def test_controller_that_refuses_a_console_loses_the_agent_nothing(controller: Controller) -> None:
    connection = Connection(f"http://127.0.0.1:{controller.server_port}/base/", KEY)
    uplink = HttpUplink(connection)
    first = Desired("host1", 1, 7, consoles=("s1",))
    controller.script = [stream(frame(first), frame(desired(8))), plain(401)]
    try:
        heard = uplink.desired(0, WAIT_S)
        while heard is not None and heard.sequence < 8:
            heard = uplink.desired(7, WAIT_S)
        assert heard == desired(8)
        assert "keeps no console of server s1" in wire.decode(ConsoleTail, controller.seen[1][3]).reason
    finally:
        controller.is_over.set()
        uplink.close()
