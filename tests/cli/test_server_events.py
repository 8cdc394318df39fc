"""Server-sent events as the client reads them."""

import socket
from http.client import HTTPException, HTTPResponse

import pytest

from mooring.cli.server_events import ServerEvent, server_events


def read(text: bytes) -> list[ServerEvent]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + text)
        theirs.shutdown(socket.SHUT_WR)
        answer = HTTPResponse(ours)
        answer.begin()
        return list(server_events(answer))


def test_events_have_id_kind_and_data_and_comments_are_passed_over() -> None:
    said = b'retry: 1000\n: watching\nid: 3\n\nid: 4\ndata: {"a": 1}\n\n: still here\nid: 5\nevent: left\ndata: {}\n\n'
    assert read(said) == [ServerEvent("3"), ServerEvent("4", "", '{"a": 1}'), ServerEvent("5", "left", "{}")]


def test_an_event_without_an_id_has_the_last_one() -> None:
    assert read(b"id: 7\n\ndata: x\r\n\r\n") == [ServerEvent("7"), ServerEvent("7", "", "x")]


def test_what_is_not_ended_is_no_event() -> None:
    assert read(b"id: 7\n\ndata: x\n") == [ServerEvent("7")]
    with pytest.raises(HTTPException):
        read(b"data: x")
