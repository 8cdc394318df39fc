"""One request, as a handler sees it, and what a handler answers."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec

from mooring.api.agent.consoles import Consoles
from mooring.api.agent.streams import Streams
from mooring.api.counters import Metrics
from mooring.errors import Invalid, TooLarge
from mooring.model.identity import Caller
from mooring.model.outside import Clock
from mooring.service.sessions import Sessions
from mooring.service.world import World
from mooring.store.sqlite import Store

_DEPTH_MAX = 20
_DIGITS_MAX = 18
"""What an integer of the database holds for certain."""
NOBODY = Caller("", "", None, None, frozenset())


@dataclass(frozen=True, slots=True)
class Controller:
    """What every handler may use. Made once, by the composition root."""

    store: Store
    world: World
    sessions: Sessions
    clock: Clock
    streams: Streams
    consoles: Consoles
    metrics: Metrics


@dataclass(slots=True)
class Call:
    """``params`` are the path's; ``query`` maps each key to all its values, in order."""

    controller: Controller
    method: str
    path: str
    base_url: str
    """Scheme and authority that the client used, without a slash at the end."""
    params: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    who: Caller = NOBODY
    request_id: str = ""
    peer: str = ""
    """The address at the other end of the connection: a proxy's, if there is one."""

    def json(self) -> Any:
        """The body, decoded. Raises Invalid for anything but JSON, and for nesting beyond 20 levels."""
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as broken:
            raise Invalid(f"Body contains invalid data: {broken}", code="HTTPBadRequest") from broken
        if _is_deeper(value, _DEPTH_MAX):
            raise Invalid(f"Body contains invalid data: nested beyond {_DEPTH_MAX} levels", code="HTTPBadRequest")
        return value

    def envelope(self, name: str) -> dict[str, Any]:
        """The object under ``name``, as in ``{"network": {...}}``. Raises Invalid when it is not there."""
        body = self.json()
        inner = body.get(name) if isinstance(body, dict) else None
        if not isinstance(inner, dict):
            raise Invalid(f"Unable to find '{name}' in request body", code="HTTPBadRequest")
        return inner

    def number(self, name: str, default: int) -> int:
        """The last value of a query key as a number from 0 on; ``default`` when it is absent. Raises Invalid."""
        if name not in self.query:
            return default
        text = self.query[name][-1]
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
            raise Invalid(f"{name}={text!r} is not a number", hint=f"{name} counts from 0, in {_DIGITS_MAX} digits")
        return int(text)


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value)
    return False


@dataclass(frozen=True, slots=True)
class Reply:
    """``body`` is encoded as JSON when there is one; ``stream`` is sent as server-sent events instead."""

    status: int = HTTPStatus.OK
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    """A body that is not JSON; its type is in ``headers``."""
    stream: AsyncIterator[bytes] | None = None


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """One (method, path) and who may call it.

    ``rule`` is a name in ``api/policy.py``; an unknown one stops the start.
    """

    method: str
    path: str
    handler: Handler
    rule: str
    body_factor: int = 1
    """How many times ``body_max_bytes`` this route reads."""
    body: Mapping[str, Any] | None = None
    """A JSON Schema of the body that it takes, as far as one tells it."""
    query: Sequence[str] = ()
    """The parameters of the query that it knows."""


def too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"the body is over {limit_bytes} bytes", hint="send less at once")
