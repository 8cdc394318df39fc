"""The onion: limit, identity, rule, handler, rendering, access log. Falcon routes; the rest is here.

Order, from the outside in, and why:
1. request id, so that every answer and every log line has one;
2. the fault ring, so that nothing inside can leak a traceback;
3. the body's limit, before a byte of it is kept;
4. identity, from ``X-Auth-Token`` alone: headers that claim one are never read;
5. the route's rule; then the handler.
"""

import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from typing import Any

import falcon
import falcon.asgi
import msgspec
from falcon.asgi import Request, Response, SSEvent

from mooring.api import policy
from mooring.api.call import NOBODY, Call, Controller, Reply, Route, too_large
from mooring.api.faults import render, unexpected
from mooring.errors import Invalid, MooringError, NotFound, Unauthenticated
from mooring.model.identity import Caller

_log = logging.getLogger("mooring.api")
_CHUNK_MAX = 64
_NO_BODY_STATUSES = frozenset({204, 304})
UNAUTHENTICATED = "The request you have made requires authentication."

Responder = Callable[..., Any]


class _Resource:
    """One path for Falcon: an ``on_<method>`` for each route of it."""

    def __init__(self, routes: Iterable[Route], serve: "Onion"):
        for route in routes:
            setattr(self, f"on_{route.method.lower()}", _responder(route, serve))


def _responder(route: Route, serve: "Onion") -> Responder:
    async def respond(req: Request, resp: Response, **params: str) -> None:
        await serve(route, req, resp, params)

    return respond


class Onion:
    """Serves one route for one request. Holds what all requests share."""

    def __init__(self, controller: Controller):
        self._controller = controller
        self._body_max_bytes = controller.world.config.body_max_bytes

    async def __call__(self, route: Route, req: Request, resp: Response, params: dict[str, str]) -> None:
        started_s = time.perf_counter()
        request_id = f"req-{self._controller.world.ids.uuid()}"
        resp.set_header("x-openstack-request-id", request_id)
        who = NOBODY
        try:
            body = await self._body(req, route)
            who = await self._caller(req, route, request_id)
            call = self._call(req, params, body, who, request_id)
            _write(resp, await route.handler(call))
        except MooringError as error:
            _write_fault(resp, error, req.path)
        except Exception:  # noqa: BLE001 - the fault ring: a bug is logged whole and told by its request id alone
            _log.exception("request failed request=%s method=%s path=%s", request_id, req.method, req.path)
            _write_fault(resp, unexpected(request_id), req.path)
        took_s = time.perf_counter() - started_s
        self._controller.metrics.served(route.path.split("/", 2)[1], route.method, resp.status_code, took_s)
        if _log.isEnabledFor(logging.INFO):
            _log.info(
                "request=%s method=%s path=%s status=%d ms=%.1f user=%s project=%s",
                request_id, req.method, req.path, resp.status_code, took_s * 1000, who.user_id, who.project_id,
            )  # fmt: skip

    async def _body(self, req: Request, route: Route) -> bytes:
        limit_bytes = self._body_max_bytes * route.body_factor
        if (req.content_length or 0) > limit_bytes:
            raise too_large(limit_bytes)
        if req.method in ("GET", "HEAD") or req.content_length == 0:
            return b""
        body = bytearray()
        async for chunk in req.stream:
            body += chunk
            if len(body) > limit_bytes:
                raise too_large(limit_bytes)
        return bytes(body)

    async def _caller(self, req: Request, route: Route, request_id: str) -> Caller:
        if route.rule in (policy.ANYONE, policy.AGENT):
            return NOBODY
        secret = req.get_header("X-Auth-Token")
        if not secret:
            raise Unauthenticated(UNAUTHENTICATED)
        who = await self._controller.sessions.caller(secret, request_id)
        if route.rule != policy.AUTHENTICATED:
            policy.check(route.rule, who)
        return who

    def _call(self, req: Request, params: dict[str, str], body: bytes, who: Caller, request_id: str) -> Call:
        base_url = self._controller.world.config.url or f"{req.scheme}://{req.netloc}"
        headers = {name.lower(): value for name, value in req.headers.items()}
        return Call(
            self._controller, req.method, req.path, base_url.rstrip("/"), params, _query(req.query_string), headers,
            body, who, request_id, req.remote_addr,
        )  # fmt: skip


def _query(text: str) -> dict[str, list[str]]:
    """Every value of every key, in order. Falcon's own parser would merge commas or drop empty values."""
    found: dict[str, list[str]] = {}
    if not text:
        return found
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        if name:
            try:
                found.setdefault(falcon.uri.decode(name), []).append(falcon.uri.decode(value))
            except (UnicodeDecodeError, ValueError) as broken:
                raise Invalid(f"query parameter {name!r} is not UTF-8", code="HTTPBadRequest") from broken
    return found


def _write(resp: Response, reply: Reply) -> None:
    resp.status = reply.status
    for name, value in reply.headers.items():
        resp.set_header(name, value)
    if reply.stream is not None:
        resp.set_header("Cache-Control", "no-store")
        resp.sse = _frames(reply.stream)
    elif reply.text is not None:
        resp.text = reply.text
    elif reply.body is not None:
        resp.content_type = "application/json"
        resp.data = msgspec.json.encode(reply.body)
    elif reply.status not in _NO_BODY_STATUSES:
        resp.content_type = "application/json"


class _Frame(SSEvent):
    """Bytes that are whole events already.

    As ``resp.stream`` they would be sent to nobody for ever: only of ``resp.sse`` does Falcon see that the reader left.
    """

    def __init__(self, content: bytes):
        super().__init__()
        self._content = content

    def serialize(self, handler: object = None) -> bytes:
        del handler  # it would make JSON of an object
        return self._content


async def _frames(stream: AsyncIterator[bytes]) -> AsyncIterator[SSEvent]:
    async with aclosing(stream) as frames:  # type: ignore[type-var]  # they are generators
        async for frame in frames:
            yield _Frame(frame)


def _write_fault(resp: Response, error: MooringError, path: str) -> None:
    status, body = render(error, path)
    resp.status = status
    if status == falcon.http_status_to_code(falcon.HTTP_401):
        resp.set_header("WWW-Authenticate", 'Keystone uri="/identity/v3"')
    if error.retryable:
        resp.set_header("Retry-After", "1")
    resp.content_type = "application/json"
    resp.data = msgspec.json.encode(body)


def make_app(controller: Controller, routes: Iterable[Route]) -> falcon.asgi.App[Request, Response]:
    """The ASGI application. Raises Invalid when a route names a rule that does not exist."""
    by_path: dict[str, list[Route]] = defaultdict(list)
    for route in routes:
        if not policy.is_known(route.rule):
            raise Invalid(f"route {route.method} {route.path} has the unknown rule {route.rule}")
        by_path[route.path].append(route)
    app = falcon.asgi.App(cors_enable=False)
    app.req_options.strip_url_path_trailing_slash = True
    onion = Onion(controller)
    for path, path_routes in by_path.items():
        app.add_route(path, _Resource(path_routes, onion))
    app.add_sink(_no_such_path(controller), prefix="/")
    app.add_error_handler(falcon.HTTPError, _http_error)
    return app


def _no_such_path(controller: Controller) -> Responder:
    async def respond(req: Request, resp: Response, **_: str) -> None:
        request_id = f"req-{controller.world.ids.uuid()}"
        resp.set_header("x-openstack-request-id", request_id)
        error = NotFound("resource", req.path)
        error.code = "HTTPNotFound"
        _write_fault(resp, error, req.path)

    return respond


async def _http_error(req: Request, resp: Response, error: falcon.HTTPError, _: dict[str, str]) -> None:
    """What Falcon refuses by itself (a method, a malformed header), in the service's dialect."""
    names = {405: "HTTPMethodNotAllowed", 404: "HTTPNotFound"}
    problem = Invalid(error.title or "bad request", code=names.get(error.status_code, "HTTPBadRequest"))
    _write_fault(resp, problem, req.path)
