"""Compute API microversions: what the client asks for, what we have, and the headers that say so.

A field's version is written where the field is: ``if version >= (2, 47)``.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from mooring.api.call import Call, Handler, Reply
from mooring.api.faults import render
from mooring.errors import Invalid, MooringError, NotFound


class Microversion(NamedTuple):
    """Compares with any pair of numbers."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


MIN = Microversion(2, 1)
LATEST = Microversion(2, 100)
SERVICE = "compute"
_HEADER = "openstack-api-version"
_LEGACY_HEADER = "x-openstack-nova-api-version"
_PAIR = re.compile(r"([1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})", re.ASCII)
_ECHO_CHARS_MAX = 32
_RETRY_AFTER = {"Retry-After": "1"}

VersionedHandler = Callable[[Call, Microversion], Awaitable[Reply]]


def requested(headers: Mapping[str, str]) -> Microversion:
    """The version that the request's headers (lower-case names) ask for; without any, the oldest.

    Raises Invalid: with the code VersionNotSupported (406) for one that we do not have.
    """
    text = _asked(headers)
    if text is None:
        return MIN
    if text == "latest":
        return LATEST
    match = _PAIR.fullmatch(text)
    if match is None:
        raise Invalid(f"API Version String {text} is of invalid format. It must be of format MajorNum.MinorNum.")
    version = Microversion(int(match[1]), int(match[2]))
    if not MIN <= version <= LATEST:
        raise Invalid(
            f"Version {version} is not supported by the API. Minimum is {MIN} and maximum is {LATEST}.",
            code="VersionNotSupported",
        )
    return version


def _asked(headers: Mapping[str, str]) -> str | None:
    """``compute 2.96`` among the services of the new header, else the old one's whole value."""
    for part in headers.get(_HEADER, "").split(","):
        service, _, text = part.strip().partition(" ")
        if service.lower() == SERVICE:
            return text.strip()
    legacy = headers.get(_LEGACY_HEADER)
    return legacy.strip() if legacy else None


def version_headers(text: str) -> Mapping[str, str]:
    """What every answer says of the version that it is in."""
    return {
        "OpenStack-API-Version": f"{SERVICE} {text}",
        "X-OpenStack-Nova-API-Version": text,
        "Vary": "OpenStack-API-Version, X-OpenStack-Nova-API-Version",
    }


def versioned(handler: VersionedHandler) -> Handler:
    """A handler that is given the request's version; its answers, refusals too, carry the version's headers."""

    async def serve(call: Call) -> Reply:
        try:
            version = requested(call.headers)
        except Invalid as wrong:
            return _refusal(call, wrong, (_asked(call.headers) or str(MIN))[:_ECHO_CHARS_MAX])
        try:
            reply = await handler(call, version)
        except MooringError as error:
            return _refusal(call, error, str(version))
        return Reply(
            reply.status, reply.body, {**version_headers(str(version)), **reply.headers}, reply.text, reply.stream
        )

    return serve


def any_version(handler: Handler) -> Handler:
    """A handler whose answer is the same in every version; it says which one was asked for all the same."""
    return versioned(lambda call, _: handler(call))


def _refusal(call: Call, error: MooringError, text: str) -> Reply:
    status, body = render(error, call.path)
    retry = _RETRY_AFTER if error.retryable else {}
    # What could break a header is not repeated in one.
    headers = version_headers(text) if text.isascii() and text.isprintable() else {}
    return Reply(HTTPStatus(status), body, {**headers, **retry})


def since(call: Call, version: Microversion, first: tuple[int, int]) -> None:
    """Raise NotFound, as Nova does, unless the operation exists in this version."""
    if version < first:
        raise NotFound("resource", call.path, hint=f"it is there from {first[0]}.{first[1]} on")
