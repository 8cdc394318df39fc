"""Server-sent events, read line by line (HTML Standard, 9.2.6): as much of them as the controller sends."""

from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse

_LINE_MAX_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """``data`` is empty where only ``id`` was told: there is nothing new up to there."""

    id: str
    kind: str = ""
    data: str = ""


def server_events(answer: HTTPResponse) -> Iterator[ServerEvent]:
    """Every event, and every ``id`` that comes without one. Raises HTTPException for a line without an end."""
    told: dict[str, str] = {}
    last_id = ""
    while line := answer.readline(_LINE_MAX_BYTES):
        if not line.endswith(b"\n"):
            raise HTTPException("an event was cut off")
        name, _, value = line.decode().rstrip("\r\n").partition(":")
        if name:
            told[name] = value.removeprefix(" ")
            continue
        is_end = not line.strip()
        if is_end and told:
            last_id = told.get("id", last_id)
            yield ServerEvent(last_id, told.get("event", ""), told.get("data", ""))
            told = {}
