"""A UCS Manager over HTTP with the part of its object tree that port profiles need, and mishaps to order.

It answers as the XML API does: errors with HTTP 200 and an ``errorCode``, an object that is not there with an empty
``outConfig``, ``created,modified`` alike for new and old, children by their relative names.
"""

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element, SubElement

_BODY_MAX_BYTES = 1024 * 1024
_REFRESH_S = 600
HANG_LIMIT_S = 30.0
_PREFIXES = {"vnicProfile": "vnic-", "fabricVlan": "net-", "vnicEtherIf": "if-", "vmVnicProfCl": "cl-"}


class Mishap(StrEnum):
    """What becomes of one request."""

    NONE = "none"
    UNAVAILABLE = "503"
    GARBAGE = "garbage"
    """HTTP 200 with what is no XML."""
    OTHER_ANSWER = "other-answer"
    """XML, of another method."""
    HANG = "hang"
    """No answer until ``let_go``."""
    LOST_ANSWER = "lost-answer"
    """It is done, and the connection breaks before the answer."""
    HALF = "half"
    """Only the outermost object is made, and an error is answered."""
    FORGET_SESSIONS = "forget-sessions"
    """As after a restart of the manager, before the request is looked at."""
    REFUSE = "refuse"


@dataclass(slots=True)
class _State:
    user: str
    password: str
    objects: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    cookies: set[str] = field(default_factory=set)
    cookies_ever: set[str] = field(default_factory=set)
    logins: int = 0
    requests: list[str] = field(default_factory=list)
    mishaps: deque[Mishap] = field(default_factory=deque)
    lasting: Mishap | None = None


class FakeUcsManager:
    """Serves from construction to ``close``, on a free port of this machine, over plain HTTP."""

    def __init__(self, user: str = "mooring", password: str = "pass&<word>"):  # noqa: S107 - a fake's own
        self._state = _State(user, password)
        self._state.objects["fabric/lan/net-default"] = (
            "fabricVlan", {"dn": "fabric/lan/net-default", "name": "default", "id": "1", "defaultNet": "yes"},
        )  # fmt: skip
        self._lock = threading.Lock()
        self._is_let_go = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._is_let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def user(self) -> str:
        return self._state.user

    @property
    def password(self) -> str:
        return self._state.password

    @property
    def logins(self) -> int:
        """How many sessions were opened."""
        return self._state.logins

    @property
    def sessions(self) -> int:
        """How many are open."""
        return len(self._state.cookies)

    @property
    def cookies_ever(self) -> frozenset[str]:
        """Those of all sessions that there were."""
        return frozenset(self._state.cookies_ever)

    @property
    def requests(self) -> tuple[str, ...]:
        """The methods that were called, in order."""
        return tuple(self._state.requests)

    def suffer(self, *mishaps: Mishap) -> None:
        """One mishap for each of the next requests."""
        with self._lock:
            self._state.mishaps.extend(mishaps)

    def suffer_until_told(self, mishap: Mishap | None) -> None:
        """The same for every request from now on; ``None`` ends it."""
        with self._lock:
            self._state.lasting = mishap

    def let_go(self) -> None:
        """End all that hangs, now and later."""
        self._is_let_go.set()

    def profile(self, name: str) -> Mapping[str, str] | None:
        """The attributes of a port profile."""
        found = self._state.objects.get(f"fabric/lan/profiles/vnic-{name}")
        return None if found is None else dict(found[1])

    def profile_names(self) -> set[str]:
        with self._lock:
            return {attributes["name"] for kind, attributes in self._state.objects.values() if kind == "vnicProfile"}

    def vlans_of(self, name: str) -> Mapping[int, bool]:
        """VLAN id to whether it is the native one, of a port profile."""
        prefix = f"fabric/lan/profiles/vnic-{name}/"
        with self._lock:
            objects = dict(self._state.objects)
        ids = {attrs["name"]: int(attrs["id"]) for kind, attrs in objects.values() if kind == "fabricVlan"}
        return {
            ids[attrs["name"]]: attrs["defaultNet"] == "yes"
            for dn, (kind, attrs) in objects.items()
            if kind == "vnicEtherIf" and dn.startswith(prefix)
        }

    def dns(self) -> set[str]:
        """The distinguished names of all that is there."""
        with self._lock:
            return set(self._state.objects)

    def put(self, kind: str, dn: str, **attributes: str) -> None:
        """Somebody else's doing, behind everybody's back."""
        with self._lock:
            self._state.objects[dn] = (kind, {"dn": dn, **attributes})

    def take(self, dn: str) -> None:
        """The same: an object and all below it go."""
        with self._lock:
            self._drop(dn)

    def _drop(self, dn: str) -> None:
        for known in [known for known in self._state.objects if known == dn or known.startswith(f"{dn}/")]:
            del self._state.objects[known]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        manager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _BODY_MAX_BYTES))
                answer = manager.answer(self.path, body)
                if answer is None:
                    self.close_connection = True
                    return
                status, content = answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own
                del format, args

        return Handler

    def answer(self, path: str, body: bytes) -> tuple[int, bytes] | None:
        """HTTP status and body; ``None`` breaks the connection."""
        if path != "/nuova":
            return 404, b"not here"
        with self._lock:
            mishap = self._state.mishaps.popleft() if self._state.mishaps else self._state.lasting
        match mishap:
            case Mishap.UNAVAILABLE:
                return 503, b"busy"
            case Mishap.GARBAGE:
                return 200, b"<html><body>Not what you meant"
            case Mishap.OTHER_ANSWER:
                return 200, b'<configScope response="yes"/>'
            case Mishap.HANG:
                self._is_let_go.wait(HANG_LIMIT_S)
                return None
        with self._lock:
            if mishap is Mishap.FORGET_SESSIONS:
                self._state.cookies.clear()
            done = ET.tostring(self._do(ET.fromstring(body), mishap))  # noqa: S314 - from our own tests
        return None if mishap is Mishap.LOST_ANSWER else (200, done)

    def _do(self, request: Element, mishap: Mishap | None) -> Element:
        method = request.tag
        self._state.requests.append(method)
        if method in ("aaaLogin", "aaaRefresh"):
            return self._login(request)
        if method == "aaaLogout":
            self._state.cookies.discard(request.get("inCookie", ""))
            return Element(method, response="yes", outStatus="success")
        if request.get("cookie", "") not in self._state.cookies:
            return _error(method, "552", "Authorization required")
        if mishap is Mishap.REFUSE:
            return _error(method, "103", "the manager does not want to")
        answer = Element(method, response="yes", cookie=request.get("cookie", ""))
        match method:
            case "configResolveClass":
                self._resolve_class(request, SubElement(answer, "outConfigs"))
            case "configResolveDn":
                self._resolve_dn(request.get("dn", ""), SubElement(answer, "outConfig"))
            case "configConfMo":
                return self._configure(request, answer, mishap)
            case _:
                return _error(method, "ERR-xml-parse-error", f"no method {method}")
        return answer

    def _login(self, request: Element) -> Element:
        if (request.get("inName"), request.get("inPassword")) != (self._state.user, self._state.password):
            return _error(request.tag, "551", "Authentication failed")
        if request.tag == "aaaRefresh":
            if request.get("inCookie", "") not in self._state.cookies:
                return _error(request.tag, "552", "Authorization required")
            self._state.cookies.discard(request.get("inCookie", ""))
        else:
            self._state.logins += 1
        cookie = f"{int(time.time())}/{self._state.logins}-{len(self._state.requests)}"
        self._state.cookies.add(cookie)
        self._state.cookies_ever.add(cookie)
        return Element(request.tag, cookie="", response="yes", outCookie=cookie, outRefreshPeriod=str(_REFRESH_S))

    def _resolve_class(self, request: Element, into: Element) -> None:
        for dn, (kind, attributes) in list(self._state.objects.items()):
            if kind == request.get("classId"):
                found = SubElement(into, kind, attributes)
                if request.get("inHierarchical") == "true":
                    self._add_children(dn, found)

    def _resolve_dn(self, dn: str, into: Element) -> None:
        if dn in self._state.objects:
            kind, attributes = self._state.objects[dn]
            self._add_children(dn, SubElement(into, kind, attributes))

    def _add_children(self, dn: str, into: Element) -> None:
        for known, (kind, attributes) in list(self._state.objects.items()):
            if known.startswith(f"{dn}/"):
                shown = {key: value for key, value in attributes.items() if key != "dn"}
                SubElement(into, kind, {**shown, "rn": known.removeprefix(f"{dn}/")})

    def _configure(self, request: Element, answer: Element, mishap: Mishap | None) -> Element:
        outermost = next(iter(request.find("inConfig") or ()), None)
        if outermost is None:
            return _error(request.tag, "ERR-xml-parse-error", "no inConfig")
        dn = request.get("dn", "")
        if outermost.get("status") == "deleted" and dn not in self._state.objects:
            return _error(request.tag, "102", "can't delete; object does not exist")
        self._apply(dn, outermost, with_children=mishap is not Mishap.HALF)
        if mishap is Mishap.HALF:
            return _error(request.tag, "503", "the rest was too much")
        self._resolve_dn(dn, SubElement(answer, "outConfig"))
        return answer

    def _apply(self, dn: str, wanted: Element, *, with_children: bool) -> None:
        if wanted.get("status") == "deleted":
            self._drop(dn)
            return
        given = {key: value for key, value in wanted.items() if key not in ("status", "rn", "dn")}
        before = self._state.objects.get(dn, ("", {}))[1]
        self._state.objects[dn] = (wanted.tag, {**before, **given, "dn": dn})
        for child in wanted if with_children else ():
            self._apply(f"{dn}/{_PREFIXES[child.tag]}{child.get('name', '')}", child, with_children=True)


def _error(method: str, code: str, words: str) -> Element:
    return Element(
        method, cookie="", response="yes", errorCode=code, invocationResult="unidentified-fail", errorDescr=words
    )
