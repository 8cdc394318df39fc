"""The controller's APIs over HTTP: a login, then calls on the same base URL. No retries: a person is waiting."""

import json
import os
import ssl
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import click

import mooring
from mooring.cli.login import Login, find_login
from mooring.cli.server_events import ServerEvent, server_events
from mooring.errors import Conflict, Forbidden, HostFault, Invalid, MooringError, TooLarge, Unauthenticated, Unreachable

ANSWER_WAIT_S = 30.0
_ANSWER_MAX_BYTES = 256 * 1024 * 1024
_PAGES_MAX = 100_000

_KINDS: Mapping[int, type[MooringError]] = {
    HTTPStatus.BAD_REQUEST: Invalid,
    HTTPStatus.UNAUTHORIZED: Unauthenticated,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TooLarge,
    HTTPStatus.INTERNAL_SERVER_ERROR: HostFault,
    HTTPStatus.SERVICE_UNAVAILABLE: Unreachable,
}

_CODES: Mapping[int, str] = {HTTPStatus.NOT_FOUND: "NotFound"}
#: For answers that bring no hint of their own.
_HINTS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "--help says what the command takes",
    HTTPStatus.UNAUTHORIZED: "the token has ended, or is of another cloud; log in again",
    HTTPStatus.FORBIDDEN: "use a cloud whose user has the role admin",
    HTTPStatus.NOT_FOUND: "is it the right cloud? see --os-cloud",
    HTTPStatus.CONFLICT: "something else holds it: free it first, or name another one",
}


class Client:
    """Calls of one login. Every method raises Unreachable for a controller that does not answer as one."""

    def __init__(self, login: Login, answer_wait_s: float = ANSWER_WAIT_S) -> None:
        self._login = login
        self._answer_wait_s = answer_wait_s
        self._token = login.token
        self.base_url = login.base_url

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Any:
        """What is at ``path``, decoded; a sequence in ``query`` gives its key several times.

        Raises the MooringError that the answer names.
        """
        return self._call("GET", _with_query(path, query))

    def pages(self, path: str, name: str, query: Mapping[str, object] | None = None) -> Iterator[Any]:
        """The answers that follow one another, each with its part of the list ``name``."""
        where = _with_query(path, query)
        for _ in range(_PAGES_MAX):
            page = self._call("GET", where)
            yield page
            links = {link["rel"]: link["href"] for link in page.get(f"{name}_links", ())}
            if "next" not in links:
                return
            where = f"{path}?{urlsplit(links['next']).query}"

    def stream(
        self, path: str, query: Mapping[str, object], last_id: str | None = None
    ) -> Generator[ServerEvent, None, None]:
        """Server-sent events, from the one after ``last_id`` on, until the controller ends them.

        The token is asked for anew where that is possible, for a stream may outlive one.
        """
        self._token = self._login.token or self._log_in()
        headers = {"Accept": "text/event-stream", "X-Auth-Token": self._token}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        with self._reached() as connection:
            connection.request("GET", self._path(_with_query(path, query)), headers={**self._described(), **headers})
            answer = connection.getresponse()
            if not (answer.getheader("Content-Type") or "").startswith("text/event-stream"):
                self._decoded(answer, path)
                raise self._no_controller(f"it answers {path} with no stream")
            yield from server_events(answer)

    def post(self, path: str, body: object | None = None) -> Any:
        """The answer, decoded."""
        return self._call("POST", path, body)

    def put(self, path: str, body: object) -> Any:
        """The answer, decoded."""
        return self._call("PUT", path, body)

    def delete(self, path: str) -> None:
        self._call("DELETE", path)

    def _call(self, method: str, path: str, body: object | None = None) -> Any:
        if self._token is None:
            self._token = self._log_in()
        return self._send(method, path, body, {"X-Auth-Token": self._token})[0]

    def _log_in(self) -> str:
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": self._login.user}}}
        if self._login.project is not None:
            auth["scope"] = {"project": self._login.project}
        try:
            _, token = self._send("POST", "/identity/v3/auth/tokens?nocatalog", {"auth": auth}, {})
        except Unauthenticated as refused:
            user = self._login.user or {}
            raise Unauthenticated(
                f"the controller at {self.base_url} does not take the login of {user.get('name') or user.get('id')}",
                hint="check user name, password and project",
            ) from refused
        except MooringError as foreign:
            if foreign.code.endswith("NotFound"):
                raise self._no_controller("there is nothing to log in at") from foreign
            raise
        if token is None:
            raise self._no_controller("it gives no token")
        return token

    def _send(self, method: str, path: str, body: object | None, headers: Mapping[str, str]) -> tuple[Any, str | None]:
        """(the body, the token of a login)."""
        data = None if body is None else json.dumps(body).encode()
        described = {**self._described(), **headers}
        if data is not None:
            described["Content-Type"] = "application/json"
        with self._reached() as connection:
            connection.request(method, self._path(path), body=data, headers=described)
            answer = connection.getresponse()
            return self._decoded(answer, path), answer.getheader("X-Subject-Token")

    def _path(self, path: str) -> str:
        return urlsplit(self.base_url).path + path

    def _described(self) -> dict[str, str]:
        return {"Accept": "application/json", "User-Agent": f"mooring/{mooring.__version__}"}

    @contextmanager
    def _reached(self) -> Iterator[HTTPConnection]:
        """A connection; what goes wrong on it in our words."""
        connection = self._connection()
        try:
            yield connection
        except ssl.SSLError as refused:
            why = refused.reason or str(refused)
            raise Unreachable(f"no TLS with {self.base_url}: {why}", hint="name the CA's file with cacert") from refused
        except (OSError, HTTPException) as silent:
            raise Unreachable(
                f"the controller at {self.base_url} does not answer: {self._reason(silent)}",
                hint="is it running? start one with: mooring up",
            ) from silent
        finally:
            connection.close()

    def _reason(self, silent: Exception) -> str:
        if isinstance(silent, TimeoutError):
            return f"nothing within {self._answer_wait_s:.0f} s"
        text = silent.strerror if isinstance(silent, OSError) else None
        return (text or str(silent) or type(silent).__name__).lower()

    def _connection(self) -> HTTPConnection:
        base = urlsplit(self.base_url)
        if base.hostname is None:
            raise Invalid(f"{self.base_url!r} names no host", hint="as in http://127.0.0.1:8780")
        if base.scheme == "http":
            return HTTPConnection(base.hostname, base.port, timeout=self._answer_wait_s)
        try:
            context = ssl.create_default_context(cafile=self._login.ca_file)
        except OSError as broken:
            raise Invalid(
                f"cacert {self._login.ca_file}: {broken.strerror}", hint="it is a file in PEM form"
            ) from broken
        if self._login.is_insecure:
            click.echo(f"mooring: WARNING: the certificate of {self.base_url} is not checked", err=True)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return HTTPSConnection(base.hostname, base.port, timeout=self._answer_wait_s, context=context)

    def _decoded(self, answer: HTTPResponse, path: str) -> Any:
        content = answer.read(_ANSWER_MAX_BYTES)
        if answer.status == HTTPStatus.NO_CONTENT:
            return None
        try:
            body = json.loads(content)
        except (ValueError, RecursionError) as foreign:
            raise self._no_controller(f"it answers {path} with {answer.status} and no JSON") from foreign
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise problem(answer.status, body)
        if not isinstance(body, dict):
            raise self._no_controller(f"it answers {path} with a {type(body).__name__}")
        return body

    def _no_controller(self, why: str) -> Unreachable:
        return Unreachable(
            f"{self.base_url} is not a controller of Mooring: {why}",
            hint="check auth_url: http://ADDR:PORT/identity/v3",
        )


def connect(cloud: str | None) -> Client:
    """A client of the cloud that the option or the environment names; says nothing to anybody yet."""
    return Client(find_login(cloud, os.environ))


def _with_query(path: str, query: Mapping[str, object] | None) -> str:
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def segment(text: str) -> str:
    """``text`` as one segment of a path."""
    return quote(text, safe="")


def rows(body: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """The list under ``name``."""
    found = body.get(name)
    if not isinstance(found, list):
        raise Unreachable(f"the answer has no list of {name}", hint="are mooring and its controller of one version?")
    return found


def problem(status: int, body: object) -> MooringError:
    """The error in an answer, whichever service's dialect it is told in."""
    told: Mapping[str, Any] = {}
    if isinstance(body, dict):
        told = next((inner for inner in body.values() if isinstance(inner, dict)), {})
    message = str(told.get("message") or f"the controller answers {status}").rstrip(".")
    hint = str(told.get("hint") or told.get("detail") or _HINTS.get(status, ""))
    named = [word for word in (told.get("code"), told.get("type"), _CODES.get(status)) if isinstance(word, str)]
    return _KINDS.get(status, MooringError)(message, code=named[0] if named else None, hint=hint)
