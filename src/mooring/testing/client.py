"""A small HTTP client for tests and benches: one kept connection, JSON in and out, no cleverness."""

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_ANSWER_WAIT_S = 30.0
#: The controller closes a connection that was idle for five seconds, perhaps at the moment of the next request.
_IDLE_MAX_S = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any
    headers: dict[str, str]


class ApiClient:
    """Calls one controller as one user. Not for use by several threads at once."""

    def __init__(self, url: str, token: str = ""):
        parts = urlsplit(url)
        self.url = url
        self.token = token
        self._http = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_ANSWER_WAIT_S)
        self._used_at_s = time.monotonic()

    @classmethod
    def of_clouds_file(cls, path: Path) -> "ApiClient":
        """Log in with the ``clouds.yaml`` that a controller left at its first start."""
        auth = json.loads(path.read_text())["clouds"]["mooring"]["auth"]
        url = auth["auth_url"].removesuffix("/identity/v3")
        return cls.login(url, auth["username"], auth["password"], auth["project_name"])

    @classmethod
    def login(cls, url: str, username: str, password: str, project: str) -> "ApiClient":
        client = cls(url)
        user = {"name": username, "domain": {"name": "Default"}, "password": password}
        scope = {"project": {"name": project, "domain": {"name": "Default"}}}
        identity = {"methods": ["password"], "password": {"user": user}}
        answer = client.call("POST", "/identity/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        client.token = answer.headers["x-subject-token"]
        return client

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Whatever the answer is; OSError and HTTPException when there is none."""
        content = None if body is None else json.dumps(body).encode()
        if time.monotonic() - self._used_at_s > _IDLE_MAX_S:
            self._http.close()
        sent = {"X-Auth-Token": self.token, "Content-Type": "application/json", **headers}
        try:
            self._http.request(method, path, content, sent)
            response = self._http.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self._http.close()
            raise
        self._used_at_s = time.monotonic()
        found = {name.lower(): value for name, value in response.getheaders()}
        is_json = found.get("content-type", "").startswith("application/json") and text
        return Answer(response.status, json.loads(text) if is_json else text.decode(), found)

    def want(self, status: int, method: str, path: str, body: object = None) -> Any:
        """The body of an answer that must have this status."""
        answer = self.call(method, path, body)
        if answer.status != status:
            raise AssertionError(f"{method} {path} answered {answer.status}, wanted {status}: {answer.body}")
        return answer.body

    def close(self) -> None:
        self._http.close()


def wait_until(is_so: Callable[[], bool], limit_s: float, what: str, pause_s: float = 0.05) -> None:
    """Poll; raises AssertionError when ``limit_s`` pass without it."""
    deadline_s = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {limit_s:g} s: {what}")
        time.sleep(pause_s)
