"""The client of the APIs: silence, strangers, and errors in the dialect of every service."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mooring.cli.client import Client, problem
from mooring.cli.login import Login
from mooring.errors import Conflict, Forbidden, Invalid, MooringError, Unauthenticated, Unreachable


def client_of(port: int, answer_wait_s: float = 5.0) -> Client:
    return Client(Login(f"http://127.0.0.1:{port}", token="abc"), answer_wait_s)


@contextmanager
def listening(answer: bytes | None) -> Iterator[int]:
    """A port that answers one request with these bytes, or takes a connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer or b"")

        if answer is not None:
            threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def answered(status: str, body: bytes) -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


def test_nobody_listening_is_told_with_the_way_to_start_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable, match=f"127.0.0.1:{port} does not answer: connection refused") as raised:
        client_of(port).get("/mooring/v1/hosts")
    assert raised.value.hint == "is it running? start one with: mooring up"


def test_silence_ends_after_the_wait() -> None:
    with listening(None) as port, pytest.raises(Unreachable, match="nothing within 0 s"):
        client_of(port, 0.1).get("/mooring/v1/hosts")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "does not answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not answer"),
        (answered("200 OK", b"<html>"), "is not a controller of Mooring"),
        (answered("200 OK", b"[1]"), "is not a controller of Mooring"),
        (answered("404 Not Found", b"nginx"), "is not a controller of Mooring"),
        (answered("302 Found", b""), "is not a controller of Mooring"),
        (answered("200 OK", b"[" * 100_000), "is not a controller of Mooring"),
    ],
)
def test_a_stranger_at_the_address_is_told_from_a_controller(answer: bytes, says: str) -> None:
    with listening(answer) as port, pytest.raises(Unreachable, match=says) as raised:
        client_of(port).get("/mooring/v1/hosts")
    assert raised.value.hint


def test_a_login_where_nothing_can_be_logged_in_to_is_told_so() -> None:
    body = b'{"error": {"code": 404, "message": "The resource could not be found."}}'
    with listening(answered("404 Not Found", body)) as port:
        client = Client(Login(f"http://127.0.0.1:{port}", user={"name": "ann", "password": "word"}))
        with pytest.raises(Unreachable, match="nothing to log in at"):
            client.get("/mooring/v1/hosts")


def test_a_ca_file_that_is_not_there_is_named() -> None:
    client = Client(Login("https://127.0.0.1:1", token="abc", ca_file="/no/ca.pem"))
    with pytest.raises(Invalid, match=r"cacert /no/ca\.pem: No such file"):
        client.get("/mooring/v1/hosts")


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "message", "hint"),
    [
        (
            409, {"error": {"code": "Conflict", "message": "host a exists", "hint": "rekey it"}},
            Conflict, "Conflict", "host a exists", "rekey it",
        ),
        (
            409, {"NeutronError": {"type": "IpAddressInUse", "message": "taken", "detail": "ask for another"}},
            Conflict, "IpAddressInUse", "taken", "ask for another",
        ),
        (
            400, {"badRequest": {"code": 400, "message": "Invalid input."}},
            Invalid, "InvalidInput", "Invalid input", "--help says what the command takes",
        ),
        (
            401, {"error": {"code": 401, "message": "no", "title": "Unauthorized"}},
            Unauthenticated, "Unauthorized", "no", "the token has ended, or is of another cloud; log in again",
        ),
        (
            403, {"forbidden": {"code": 403, "message": "no"}},
            Forbidden, "PolicyNotAuthorized", "no", "use a cloud whose user has the role admin",
        ),
        (
            404, {"itemNotFound": {"code": 404, "message": "gone"}},
            MooringError, "NotFound", "gone", "is it the right cloud? see --os-cloud",
        ),
        (502, {}, MooringError, "MooringError", "the controller answers 502", ""),
        (500, ["odd"], MooringError, "HostFault", "the controller answers 500", ""),
    ],
)  # fmt: skip
def test_errors_are_read_in_every_services_dialect(
    status: int, body: object, kind: type[MooringError], code: str, message: str, hint: str
) -> None:
    error = problem(status, body)
    assert isinstance(error, kind)
    assert (error.code, error.message, error.hint) == (code, message, hint)
