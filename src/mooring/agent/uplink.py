"""The agent's way to its controller: inventory up, desired state down as a stream, reports up.

The stream is read by a thread into a mailbox of one: a ``Desired`` is whole, so only the newest counts. A stream that
breaks is opened again after a pause that doubles up to a limit, with jitter. One that breaks several times running
without a word, not even the comment that a controller sends at once, has a proxy in its way that buffers; then long
polls do, and after some of them a stream is tried again.
"""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol
from urllib.parse import quote

from mooring import wire
from mooring.agent.backoff import Backoff
from mooring.agent.connection import Connection, EventStream
from mooring.errors import Forbidden, MooringError, Stale, Unauthenticated
from mooring.model.desired import ConsoleTail, Desired, Report, Welcome
from mooring.model.host import HostSnapshot

_log = logging.getLogger(__name__)

_INVENTORY = "/agent/v1/inventory"
_DESIRED = "/agent/v1/desired"
_REPORT = "/agent/v1/report"
_CONSOLES = "/agent/v1/consoles"

_RETRY_MIN_S = 0.25
_RETRY_MAX_S = 15.0
_POLL_WAIT_S = 30
_POLL_SLACK_S = 30
_SILENT_STREAMS_MAX = 3
_POLLS_BEFORE_NEXT_STREAM = 20
_CLOSE_WAIT_S = 2.0


class Uplink(Protocol):
    """What an agent says to its controller and hears from it.

    Every call may raise Unreachable (worth another try), Unauthenticated or Forbidden (the key is not good: stop), and
    Stale (another agent of this host took over: stop).
    """

    def announce(self, snapshot: HostSnapshot) -> Welcome:
        """Tell the whole inventory; begins a new epoch when ``snapshot.agent_id`` is new."""

    def desired(self, after: int, wait_s: float) -> Desired | None:
        """The newest desired state that was not delivered yet, or ``None`` when ``wait_s`` pass without one.

        ``after`` is the sequence that the agent has carried out, 0 for none; a controller sends what is above it.
        """

    def report(self, report: Report) -> None:
        """Tell what was read back."""


def no_console(server_id: str) -> ConsoleTail:
    return ConsoleTail(reason=f"this agent keeps no console of server {server_id}")


class HttpUplink:
    """``Uplink`` over HTTP. The first ``desired`` starts the reading thread; ``close`` ends it.

    A console that the controller asks for is sent by that thread, with what ``console`` reads, for a turn may take a
    while and somebody waits.
    """

    def __init__(
        self,
        connection: Connection,
        console: Callable[[str], ConsoleTail] = no_console,
        jitter: Callable[[], float] = random.random,
    ):
        self._connection = connection
        self._console = console
        self._backoff = Backoff(_RETRY_MIN_S, _RETRY_MAX_S, jitter)
        self._changed = threading.Condition()
        self._newest: Desired | None = None
        self._refused: MooringError | None = None
        self._stream: EventStream | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = threading.Event()
        self._epoch = 0
        self._since = 0
        self._silent_streams = 0

    def announce(self, snapshot: HostSnapshot) -> Welcome:
        welcome = wire.decode(Welcome, self._connection.call("PUT", _INVENTORY, wire.encode(snapshot)))
        with self._changed:
            if welcome.epoch != self._epoch:
                # What an older epoch was sent counts for nothing: hear it all again.
                self._epoch, self._since, self._newest = welcome.epoch, 0, None
                if self._stream is not None:
                    self._stream.shut_down()
        return welcome

    def report(self, report: Report) -> None:
        self._connection.call("POST", _REPORT, wire.encode(report))

    def desired(self, after: int, wait_s: float) -> Desired | None:
        if self._thread is None:
            self._since = after
            self._thread = threading.Thread(target=self._receive, name="mooring-uplink", daemon=True)
            self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._refused or self._is_closed.is_set(), wait_s)
            if self._refused is not None:
                raise self._refused
            newest, self._newest = self._newest, None
            return newest

    def close(self) -> None:
        """End the thread, and whoever waits in ``desired``."""
        with self._changed:
            self._is_closed.set()
            self._changed.notify_all()
            if self._stream is not None:
                self._stream.shut_down()
        if self._thread is not None:
            self._thread.join(_CLOSE_WAIT_S)

    def _receive(self) -> None:
        """The thread: until closed, or refused for good."""
        while not self._is_closed.is_set():
            try:
                if self._silent_streams < _SILENT_STREAMS_MAX:
                    self._read_stream()
                else:
                    _log.warning("uplink-polls reason=%r", f"{self._silent_streams} streams ended without a word")
                    self._poll()
            except (Unauthenticated, Forbidden, Stale) as refused:
                with self._changed:
                    self._refused = refused
                    self._changed.notify_all()
                return
            except MooringError as failed:
                if not self._is_closed.is_set():
                    _log.warning("uplink-broken reason=%r", failed.message)
            self._is_closed.wait(self._backoff.next_s())

    def _read_stream(self) -> None:
        with EventStream(self._connection, f"{_DESIRED}?since={self._since}") as stream:
            with self._changed:
                self._stream = stream
                if self._is_closed.is_set():
                    return
            try:
                for data in stream.frames():
                    self._deliver(data)
            finally:
                if stream.has_spoken:
                    self._silent_streams = 0
                    self._backoff.reset()
                elif stream.is_open:
                    self._silent_streams += 1
                with self._changed:
                    self._stream = None

    def _poll(self) -> None:
        for _ in range(_POLLS_BEFORE_NEXT_STREAM):
            if self._is_closed.is_set():
                return
            path = f"{_DESIRED}?since={self._since}&wait={_POLL_WAIT_S}"
            body = self._connection.call("GET", path, wait_s=_POLL_WAIT_S + _POLL_SLACK_S)
            if body:
                self._deliver(body)
            self._is_closed.wait(_RETRY_MIN_S)
        self._silent_streams = 0

    def _deliver(self, data: bytes) -> None:
        desired = wire.decode(Desired, data)
        with self._changed:
            # What was sent again for the sake of a console is no news.
            is_news = not desired.consoles or desired.sequence > self._since
            if desired.epoch >= self._epoch and is_news:
                self._since, self._newest = desired.sequence, replace(desired, consoles=())
            self._changed.notify_all()
        for server_id in desired.consoles:
            self._send_console(server_id)

    def _send_console(self, server_id: str) -> None:
        try:
            body = wire.encode(self._console(server_id))
            self._connection.call("POST", f"{_CONSOLES}/{quote(server_id, safe='')}", body)
        except MooringError as failed:
            _log.warning("console-not-sent server=%s reason=%r", server_id, failed.message)
