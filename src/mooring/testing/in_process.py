"""An HTTP client in the same process: the real application, without a socket."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import falcon.testing
import msgspec

from mooring.api.app import make_app
from mooring.api.call import Controller, Route
from mooring.config import ControllerConfig
from mooring.ml2.load import Loader
from mooring.model.outside import Clock, Ids
from mooring.testing.controller import admin_token, make_controller, token_for


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    """Decoded JSON; ``None`` when there is no body."""
    headers: Mapping[str, str]
    """Names in lower case."""


@dataclass(frozen=True, slots=True)
class InProcessClient:
    """Sends requests with one token; ``with_token`` makes another caller of it."""

    app: falcon.testing.TestClient
    controller: Controller
    token: str | None = None

    def with_token(self, token: str | None) -> "InProcessClient":
        return InProcessClient(self.app, self.controller, token)

    def admin(self) -> "InProcessClient":
        return self.with_token(admin_token(self.controller))

    def member(self, project: str = "demo", roles: Iterable[str] = ("member",), user: str = "") -> "InProcessClient":
        """Somebody with these roles in this project, both made as needed."""
        return self.with_token(token_for(self.controller, project, roles, user))

    def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None, raw: bytes = b""
    ) -> Answer:
        """``path`` may have a query; ``body`` is sent as JSON, ``raw`` as it is."""
        sent = dict(headers or {})
        if self.token is not None:
            sent["X-Auth-Token"] = self.token
        path, _, query = path.partition("?")
        more: dict[str, Any] = {"query_string": query} if query else {}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            raw = msgspec.json.encode(body)
        if raw:
            more["body"] = raw
        result = self.app.simulate_request(method, path, headers=sent, **more)
        lower = {name.lower(): value for name, value in result.headers.items()}
        return Answer(result.status_code, result.json if result.content else None, lower)

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, body: object) -> Answer:
        return self.send("POST", path, body)

    def patch(self, path: str, body: object, content_type: str = "application/json") -> Answer:
        return self.send("PATCH", path, body, {"Content-Type": content_type})

    def put(self, path: str, body: object = None) -> Answer:
        return self.send("PUT", path, body)

    def delete(self, path: str) -> Answer:
        return self.send("DELETE", path)


@contextlib.contextmanager
def serving(
    folder: Path,
    routes: Iterable[Route],
    config: ControllerConfig | None = None,
    clock: Clock | None = None,
    ids: Ids | None = None,
    drivers: Mapping[str, Loader] | None = None,
) -> Iterator[InProcessClient]:
    """A controller over ``folder`` that serves these routes until the block ends; nobody is logged in."""
    controller = make_controller(folder, config, clock, ids, drivers=drivers)
    try:
        yield InProcessClient(falcon.testing.TestClient(make_app(controller, routes)), controller)
    finally:
        controller.store.close()
