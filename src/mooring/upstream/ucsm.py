"""Cisco UCS Manager as the manager of upstream switches: its XML API over HTTP or HTTPS.

One session is kept, and renewed before the manager would end it. Everything that is sent may be sent again: a request
whose answer was lost is repeated. No password and no cookie is in a log or in an error.
"""

import http.client
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from mooring.config import UcsmConfig
from mooring.errors import Conflict, Invalid, MooringError, Unreachable
from mooring.model.port_profile import PortProfile
from mooring.upstream import ucsm_xml as words
from mooring.upstream.port_profiles import UpstreamProfile
from mooring.upstream.ucsm_xml import CookieError, Names

_log = logging.getLogger(__name__)
_PATH = "/nuova"
_ANSWER_MAX_BYTES = 32 * 1024 * 1024
_PASSWORD_MAX_BYTES = 4096
#: How long to wait before each further try of a request that found nobody; there is no other retry in here.
_RETRY_WAITS_S = (0.2, 1.0)
_REFRESH_DEFAULT_S, _REFRESH_MAX_S = 600, 7200
_LOGINS_MAX = 2
"""For one request: the second because the session was over."""
_BROKEN = (OSError, http.client.HTTPException)


class UcsmClient:
    """``UpstreamManager`` of UCS Manager. One thread at a time may use it."""

    def __init__(
        self, config: UcsmConfig, *, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ):  # fmt: skip
        """Talks to nobody yet. Raises Invalid for a URL, a certificate file or an owner that is none, or no user."""
        parts = urlsplit(config.url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise Invalid(f"[controller.ucsm] url = {config.url!r} is no URL", hint="as in https://ucsm.example.org")
        for name, value in (("user", config.user), ("password_file", config.password_file)):
            if not value:
                raise Invalid(
                    f"[controller.ucsm] has a url and no {name}", hint=f"give {name}, to log in at {config.url}"
                )
        self._host, self._port = parts.hostname, parts.port
        self._path = parts.path.rstrip("/") + _PATH
        self._tls = _tls(config) if parts.scheme == "https" else None
        self._names = Names(config.profile_path, config.vlan_path, config.owner, config.host_network_io)
        self._names.check()
        self._config = config
        self._clock, self._sleep = clock, sleep
        self._cookie = ""
        self._renew_at = self._over_at = 0.0

    def why_not(self, profile: PortProfile) -> str | None:
        return words.why_not(profile)

    def profiles(self) -> Mapping[str, UpstreamProfile]:
        vlans = self._vlans()
        answer = self._ask(lambda cookie: words.resolve_class(cookie, words.PROFILE_CLASS, with_children=True))
        return {one.name: one for one in words.read_profiles(answer, self._names, vlans)}

    def put(self, profile: PortProfile) -> None:
        """As the protocol says. Raises Conflict for a profile of that name which is not this cloud's."""
        present, vlans = self._present(profile.name), self._vlans()
        self._refuse_others(profile.name, present, vlans)
        by_id = {vlan: name for name, vlan in sorted(vlans.items(), reverse=True)}
        for vlan in profile.vlans:
            if vlan not in by_id:
                self._ask(partial(words.put_vlan, names=self._names, vlan=vlan))
                by_id[vlan] = self._names.vlan_name(vlan)
        kept = {by_id[vlan] for vlan in profile.vlans}
        excess = [name for name in words.read_parts(present) if name not in kept]
        self._ask(lambda cookie: words.put_profile(cookie, self._names, profile, by_id, excess))

    def delete(self, name: str) -> None:
        """As the protocol says. Raises Conflict for a profile of that name which is not this cloud's."""
        self._refuse_others(name, self._present(name), {})
        with suppress(_Absent):
            self._ask(lambda cookie: words.delete_profile(cookie, self._names, name))

    def close(self) -> None:
        if self._cookie:
            cookie, self._cookie = self._cookie, ""
            try:
                self._send(words.logout(cookie))
            except MooringError as unheard:
                _log.info("ucsm-logout-unheard reason=%r", unheard.message)

    def _vlans(self) -> dict[str, int]:
        answer = self._ask(lambda cookie: words.resolve_class(cookie, words.VLAN_CLASS, with_children=False))
        return words.read_vlans(answer, self._names)

    def _present(self, name: str) -> Element:
        """The answer to what the manager has under that name; an object that is not there is no error to it."""
        return self._ask(lambda cookie: words.resolve_dn(cookie, self._names.profile_dn(name)))

    def _refuse_others(self, name: str, present: Element, vlans: Mapping[str, int]) -> None:
        for found in words.read_profiles(present, self._names, vlans):
            if not found.is_ours:
                raise Conflict(
                    f"UCS Manager has a port profile {name} that is not marked as {self._names.mark!r}",
                    hint="take another name, or delete that one there",
                )

    def _ask(self, request: Callable[[str], Element]) -> Element:
        """Send a request within a session; with a new one, once, when the old one is over."""
        for login in range(_LOGINS_MAX):
            try:
                return self._send(request(self._session()))
            except CookieError as over:
                self._cookie = ""
                if login == _LOGINS_MAX - 1:
                    raise Unreachable(f"{over.message}, though it was made just now") from over
        raise Unreachable("UCS Manager gives us no session")

    def _session(self) -> str:
        now = self._clock()
        if self._cookie and now < self._renew_at:
            return self._cookie
        user, password = self._config.user, self._password()
        answer = None
        if self._cookie and now < self._over_at:
            with suppress(CookieError):
                answer = self._send(words.refresh(user, password, self._cookie))
        if answer is None:
            answer = self._send(words.login(user, password))
        self._cookie = answer.get("outCookie", "")
        if not self._cookie:
            raise Unreachable("UCS Manager's answer to a login has no cookie")
        period_s = _period_s(answer.get("outRefreshPeriod", ""))
        self._renew_at, self._over_at = now + period_s / 2, now + period_s
        return self._cookie

    def _password(self) -> str:
        path = self._config.password_file
        if not path:
            return ""
        try:
            with Path(path).open("rb") as stream:
                lines = stream.read(_PASSWORD_MAX_BYTES).decode().splitlines()
        except (OSError, UnicodeDecodeError) as missing:
            raise Invalid(
                f"password_file {path} cannot be read: {type(missing).__name__}",
                hint="the controller's user has to be able to read it",
            ) from missing
        return lines[0] if lines else ""

    def _send(self, request: Element) -> Element:
        method, body = request.tag, ET.tostring(request)
        for wait_s in (*_RETRY_WAITS_S, None):
            try:
                return words.read_answer(method, self._post(method, body))
            except Unreachable as unreachable:
                if wait_s is None:
                    raise
                _log.info("ucsm-retry method=%s reason=%r", method, unreachable.message)
                self._sleep(wait_s)
            except Conflict as absent:
                raise _Absent(absent.message) from absent
        raise Unreachable(f"UCS Manager does not answer {method}")

    def _post(self, method: str, body: bytes) -> bytes:
        connection = self._open()
        try:
            connection.request("POST", self._path, body, {"Content-Type": "application/x-www-form-urlencoded"})
            answer = connection.getresponse()
            content = answer.read(_ANSWER_MAX_BYTES + 1)
        except _BROKEN as broken:
            said = f"{type(broken).__name__}: {broken}"
            raise Unreachable(f"UCS Manager at {self._config.url} did not answer {method}: {said}") from broken
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise Unreachable(f"UCS Manager at {self._config.url} answered {method} with HTTP {answer.status}")
        if len(content) > _ANSWER_MAX_BYTES:
            raise Unreachable(f"UCS Manager's answer to {method} is over {_ANSWER_MAX_BYTES} bytes")
        return content

    def _open(self) -> http.client.HTTPConnection:
        timeout_s = self._config.timeout_s
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)


class _Absent(Conflict):
    """The object that a request is about is not there."""


def _tls(config: UcsmConfig) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=config.ca_file or None)
    except (OSError, ssl.SSLError) as broken:
        raise Invalid(f"[controller.ucsm] ca_file = {config.ca_file!r}: {broken}", hint="a file in PEM") from broken
    if not config.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _period_s(text: str) -> int:
    return min(max(int(text), 1), _REFRESH_MAX_S) if text.isdecimal() else _REFRESH_DEFAULT_S
