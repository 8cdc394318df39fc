"""The bodies of server requests: what Nova's clients send, read into wishes.

A field of Nova's that Mooring cannot carry through is refused by name, never taken and dropped.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mooring.api.compute.microversion import LATEST, Microversion
from mooring.api.compute.nics import Networks, nics
from mooring.api.compute.shapes import (
    TAG,
    At,
    Base64,
    Field,
    Flag,
    ListOf,
    Name,
    Nothing,
    Object,
    Only,
    Text,
    TextMap,
    Uuid,
    Whole,
    envelope,
    refuse,
)
from mooring.errors import Forbidden, Invalid
from mooring.model.identity import Caller
from mooring.service.neighbours import DIFFERENT_HOST, GROUP, HINTS, SAME_HOST, Hints
from mooring.service.servers import ServerWish

METADATA_MAX = 128
TAGS_MAX = 50
USER_DATA_CHARS_MAX = 65_535
_COUNT_MAX = 1000
_HINTS = ("os:scheduler_hints", "OS-SCH-HNT:scheduler_hints")
_HINTED_SERVERS_MAX = 100

_METADATA = TextMap(re.compile(r"[a-zA-Z0-9\-_:. ]{1,255}", re.ASCII), METADATA_MAX)
_DEFAULT_GROUP = Object({"name": Field(Only(("default",), "there are no security groups here"), is_required=True)})

#: What the client sends with every image: "from this image, on the host's own disk". Volumes are another service's.
_IMAGE_DISK = Object(
    {
        "uuid": Field(Uuid(), is_required=True),
        "source_type": Field(Only(("image",), "only images can be booted"), is_required=True),
        "destination_type": Field(Only(("local",), "there are no volumes here"), is_required=True),
        "boot_index": Field(Only((0, "0"), "there is one disk, and it boots")),
        "delete_on_termination": Field(Only((True,), "the disk goes with the server")),
    }
)


class _ImageRef:
    """A UUID, or the empty text, which means none."""

    def read(self, value: Any, at: At) -> Any:
        return None if value == "" else Uuid().read(value, at)


class _Ids:
    """One UUID, or several where ``is_list``."""

    _several = ListOf(Uuid(), _HINTED_SERVERS_MAX, is_unique=True)

    def __init__(self, *, is_list: bool):
        self._is_list = is_list

    def read(self, value: Any, at: At) -> tuple[str, ...]:
        if self._is_list and isinstance(value, list):
            return tuple(self._several.read(value, at))
        return (str(Uuid().read(value, at)),)


_HINT_IDS = {GROUP: _Ids(is_list=False), SAME_HOST: _Ids(is_list=True), DIFFERENT_HOST: _Ids(is_list=True)}
_CREATE = Object(
    {
        "name": Field(Name(), is_required=True),
        "flavorRef": Field(Text(1, 255), is_required=True),
        "imageRef": Field(_ImageRef()),
        "networks": Field(Networks(), required_since=(2, 37)),
        "min_count": Field(Whole(1, _COUNT_MAX)),
        "max_count": Field(Whole(1, _COUNT_MAX)),
        "availability_zone": Field(Text(1, 255, is_nullable=True)),
        "host": Field(Text(1, 255), since=(2, 74)),
        "hypervisor_hostname": Field(Text(1, 255), since=(2, 74)),
        "metadata": Field(_METADATA),
        "user_data": Field(Base64(USER_DATA_CHARS_MAX)),
        # Read for its form only: every server has one, as with Nova's force_config_drive.
        "config_drive": Field(Flag()),
        "description": Field(Text(0, 255, is_nullable=True), since=(2, 19)),
        "tags": Field(ListOf(TAG, TAGS_MAX, is_unique=True), since=(2, 52)),
        "block_device_mapping_v2": Field(ListOf(_IMAGE_DISK, 1)),
        "security_groups": Field(ListOf(_DEFAULT_GROUP, 1)),
        "return_reservation_id": Field(Flag()),
        "OS-DCF:diskConfig": Field(Only(("MANUAL",), "a server's disk is left as it is")),
        "key_name": Field(Nothing("Invalid key_name provided: there are no key pairs here; put the key in user_data")),
        "adminPass": Field(Nothing("no password is set in the guest; put it in user_data", is_secret=True)),
        "hostname": Field(Nothing("the host name cannot be chosen"), since=(2, 90)),
        "accessIPv4": Field(Nothing("access addresses are not kept")),
        "accessIPv6": Field(Nothing("access addresses are not kept")),
        "personality": Field(Nothing("files cannot be put into the guest; use user_data"), until=(2, 56)),
        "block_device_mapping": Field(Nothing("there are no volumes here")),
        "trusted_image_certificates": Field(Nothing("image signatures are not checked"), since=(2, 63)),
    }
)
_UPDATE = Object(
    {
        "name": Field(Name()),
        "description": Field(Text(0, 255, is_nullable=True), since=(2, 19)),
        "hostname": Field(Nothing("the host name cannot be chosen"), since=(2, 90)),
        "accessIPv4": Field(Nothing("access addresses are not kept")),
        "accessIPv6": Field(Nothing("access addresses are not kept")),
        "OS-DCF:diskConfig": Field(Only(("MANUAL",), "a server's disk is left as it is")),
    }
)


def create_body(body: Any, who: Caller, version: Microversion) -> ServerWish:
    """The whole body of ``POST /servers``. Raises Invalid, naming the field; Forbidden for a host, but to admins."""
    given = envelope(body, "server", _CREATE, version, _HINTS)
    return replace(_wish(given, who), hints=_hints(body, version))


def wants_reservation(body: Any) -> bool:
    """Whether a body that ``create_body`` took asks for the reservation's id, for several servers at once."""
    return Flag().read(body["server"].get("return_reservation_id", False), At("return_reservation_id", LATEST))


def _hints(body: Mapping[str, Any], version: Microversion) -> Hints:
    """The scheduler hints, under either of their names. Nova takes any; one that nobody goes by is refused here."""
    found = [(name, body[name]) for name in _HINTS if name in body]
    if len(found) > 1:
        raise Invalid(f"{' and '.join(_HINTS)} are the same thing", hint="give one of them")
    for name, hints in found:
        if not isinstance(hints, dict):
            raise refuse(name, hints, "scheduler hints are an object of names and ids")
        if strange := sorted(set(hints) - set(HINTS)):
            raise refuse(strange[0], hints[strange[0]], f"this scheduler hint is not served; {', '.join(HINTS)} are")
        return {key: _HINT_IDS[key].read(value, At(key, version)) for key, value in hints.items()}
    return {}


def _wish(given: Mapping[str, Any], who: Caller) -> ServerWish:
    zone, forced_host = _place(given, who)
    least, most = _counts(given)
    return ServerWish(
        name=given["name"], flavor_ref=given["flavorRef"], image_ref=_image(given), nics=nics(given.get("networks")),
        min_count=least, max_count=most, availability_zone=zone, forced_host=forced_host,
        metadata=given.get("metadata", {}),
        description=given.get("description"), user_data=given.get("user_data"),
        tags=tuple(given.get("tags", ())),
    )  # fmt: skip


def server_changes(body: object, version: Microversion) -> Mapping[str, object]:
    """The body of ``PUT /servers/{id}``."""
    given = envelope(body, "server", _UPDATE, version)
    return {name: given[name] for name in ("name", "description") if name in given}


def _image(given: Mapping[str, Any]) -> str | None:
    """The image, from either place; the client names it in both."""
    disks = given.get("block_device_mapping_v2", [])
    ref = given.get("imageRef")
    for disk in disks:
        if ref is not None and disk["uuid"] != ref:
            raise refuse("block_device_mapping_v2", disks, f"the disk is of another image than imageRef {ref}")
        ref = disk["uuid"]
    return None if ref is None else str(ref)


def _counts(given: Mapping[str, Any]) -> tuple[int, int]:
    """How many servers, at least and at most."""
    least = given.get("min_count", 1)
    most = given.get("max_count", least)
    if least > most:
        raise Invalid("min_count must be <= max_count")
    return int(least), int(most)


def _place(given: Mapping[str, Any], who: Caller) -> tuple[str | None, str | None]:
    """(zone, forced host): ``zone:host`` or ``zone:host:node``, or the fields of 2.74. Only an admin names a host."""
    zone, _, rest = (given.get("availability_zone") or "").partition(":")
    host, _, node = rest.partition(":")
    named = {name for name in (host, node, given.get("host"), given.get("hypervisor_hostname")) if name}
    if len(named) > 1:
        raise Invalid(f"more than one host is named: {', '.join(sorted(named))}")
    if named and not who.is_admin:
        rule = "forced_host" if rest else "requested_destination"
        raise Forbidden(f"Policy doesn't allow os_compute_api:servers:create:{rule} to be performed.")
    return zone or None, next(iter(named), None)
