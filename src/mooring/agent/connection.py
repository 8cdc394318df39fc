"""HTTP to the controller with the standard library: whole requests, server-sent events, and answers as our errors."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from mooring import wire
from mooring.errors import (
    Conflict,
    Forbidden,
    Invalid,
    MooringError,
    NotFound,
    Stale,
    TooLarge,
    Unauthenticated,
    Unreachable,
)

#: A controller sends a comment at least each 25 s; twice that is silence.
_SILENCE_MAX_S = 50.0
_ANSWER_WAIT_S = 30.0
_ANSWER_MAX_BYTES = 64 * 1024 * 1024
_SHOWN_MAX_CHARS = 300

_BROKEN = (OSError, http.client.HTTPException)


class Connection:
    """Where the controller is, and the key that says which host we are. Each request has a socket of its own."""

    def __init__(self, url: str, key: str, ca_file: Path | None = None):
        """``ca_file`` holds the certificates to trust for https; without it, the system's. Raises Invalid."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise Invalid(f"{url!r} is not a controller's URL", hint="as in https://controller.example.org:8780")
        self._url = f"{parts.scheme}://{parts.netloc}"
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._key = key
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None

    def call(self, method: str, path: str, body: bytes | None = None, wait_s: float = _ANSWER_WAIT_S) -> bytes:
        """One request and its whole answer, empty for 204. Raises as ``Uplink`` says, Invalid for other refusals."""
        connection = self.open(wait_s)
        try:
            answer = self.send(connection, method, path, body)
            content = answer.read(_ANSWER_MAX_BYTES + 1)
        except _BROKEN as broken:
            raise self.unreachable(broken) from broken
        finally:
            connection.close()
        if len(content) > _ANSWER_MAX_BYTES:
            raise TooLarge(f"the controller's answer is over {_ANSWER_MAX_BYTES} bytes")
        raise_for(answer.status, content)
        return content

    def open(self, wait_s: float) -> http.client.HTTPConnection:
        """Not connected yet; ``wait_s`` bounds each wait on the socket."""
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=wait_s, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=wait_s)

    def send(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None = None,
        accept: str = "application/json",
    ) -> http.client.HTTPResponse:
        headers = {"Authorization": f"Bearer {self._key}", "Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, self._prefix + path, body, headers)
        return connection.getresponse()

    def unreachable(self, broken: Exception) -> Unreachable:
        return Unreachable(
            f"{self._url}: {str(broken) or type(broken).__name__}", hint="is the controller running there?"
        )


class EventStream:
    """One GET that is answered with server-sent events, for as long as it lasts. A context manager."""

    def __init__(self, connection: Connection, path: str):
        self._connection = connection
        self._path = path
        self._http = connection.open(_SILENCE_MAX_S)
        self._socket: socket.socket | None = None
        self.is_open = False
        """The controller agreed to stream."""
        self.has_spoken = False
        """Something has come over it, be it a comment: nothing on the way holds it back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def frames(self) -> Iterator[bytes]:
        """The data of each event, until the stream ends. Raises as ``Connection.call`` does."""
        try:
            self._http.connect()
            self._socket = self._http.sock
            answer = self._connection.send(self._http, "GET", self._path, accept="text/event-stream")
            if answer.status != http.client.OK:
                raise_for(answer.status, answer.read(_ANSWER_MAX_BYTES))
                raise Unreachable(f"the controller answered {answer.status} to a stream")
            self.is_open = True
            data: list[bytes] = []
            while line := answer.readline(_ANSWER_MAX_BYTES):
                self.has_spoken = True
                text = line.rstrip(b"\r\n")
                if text.startswith(b"data:"):
                    data.append(text.removeprefix(b"data:").removeprefix(b" "))
                elif not text and data:
                    yield b"\n".join(data)
                    data = []
        except _BROKEN as broken:
            raise self._connection.unreachable(broken) from broken

    def shut_down(self) -> None:
        """From another thread: the reader's wait ends at once."""
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # closed meanwhile, which will do


def raise_for(status: int, content: bytes) -> None:
    """The error that a status means, with the controller's own words; nothing for 2xx."""
    if status < http.client.MULTIPLE_CHOICES:
        return
    try:
        said = wire.decode(_Refusal, content).error
    except Invalid:  # a proxy's page
        said = _Said(message=ascii(content[:_SHOWN_MAX_CHARS].decode(errors="replace"))[1:-1])
    raise _error_for(status, said, f"the controller answered {status}: {said.message}")


@dataclass(frozen=True, slots=True)
class _Said:
    code: str = ""
    message: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """The body of the controller's own refusals."""

    error: _Said


def _error_for(status: int, said: _Said, message: str) -> MooringError:
    match status:
        case http.client.UNAUTHORIZED:
            return Unauthenticated(message, hint="the host's key is not the controller's: see key_file in agent.toml")
        case http.client.FORBIDDEN:
            return Forbidden(message, hint=said.hint)
        case http.client.NOT_FOUND:
            return NotFound("agent API", message, hint="is `controller` in agent.toml the controller's own URL?")
        case http.client.CONFLICT if said.code == Stale.code:
            return Stale(message, hint="another agent of this host took over; only one may run")
        case http.client.CONFLICT:
            return Conflict(message, hint=said.hint)
        case http.client.TOO_MANY_REQUESTS | http.client.REQUEST_TIMEOUT:
            return Unreachable(message)
        case _ if status >= http.client.INTERNAL_SERVER_ERROR:
            return Unreachable(message)
        case _:
            return Invalid(message, hint=said.hint)
