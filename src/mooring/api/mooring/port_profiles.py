"""``/mooring/v1/port-profiles``: what upstream switches do with the frames of a port, by name.

Admins see all of them. Others see those that their project may name, without VLANs and physical networks.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from mooring.api.call import Call, Reply, Route
from mooring.api.checks import text, texts
from mooring.api.mooring.reading import (
    DESCRIPTION_MAX_CHARS,
    PROJECTS_MAX,
    REVISION_MAX,
    fields_of,
    refuse_unknown,
    take_revision,
    wrong,
)
from mooring.core.port_profiles import MAX_PORTS_MAX, read_profile_name, read_vlans
from mooring.core.vlans import PHYSICAL_NETWORK_CHARS_MAX
from mooring.model.identity import Caller
from mooring.model.port_profile import PortProfile, ProfileKind
from mooring.service import port_profiles
from mooring.service.port_profiles import ProfileWish
from mooring.store.tx import Tx

PHYSICAL_NETWORKS_MAX = 64
_IF_MATCH = "revision_number="


def _kind(field: str, value: Any) -> ProfileKind:
    found = next((one for one in ProfileKind if isinstance(value, str) and one.lower() == value.lower()), None)
    if found is None:
        raise wrong(field, value, "is no kind of port profile", f"one of {', '.join(ProfileKind)}")
    return found


def _max_ports(field: str, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MAX_PORTS_MAX:
        raise wrong(field, value, "is not a number of ports", f"a whole number from 1 to {MAX_PORTS_MAX}")
    return value


_CHECKS = {
    "name": read_profile_name,
    "vlans": read_vlans,
    "physical_networks": texts(text(1, PHYSICAL_NETWORK_CHARS_MAX), PHYSICAL_NETWORKS_MAX),
    "kind": _kind,
    "description": text(0, DESCRIPTION_MAX_CHARS),
    "max_ports": _max_ports,
    "projects": texts(text(1, 64), PROJECTS_MAX),
}


async def list_profiles(call: Call) -> Reply:
    """All that the caller may name, by name; ``?name=`` is that one."""
    refuse_unknown(call, "name")
    who, wanted = call.who, call.query.get("name")

    def story(tx: Tx) -> list[Mapping[str, object]]:
        found = [one for one in port_profiles.list_profiles(tx, who) if wanted is None or one.name in wanted]
        return [_view(who, one) for one in found]

    return Reply(body={"port_profiles": await call.controller.store.read(story)})


async def show_profile(call: Call) -> Reply:
    """By name or id; for admins with the networks and ports that name it."""
    refuse_unknown(call)
    who, ident = call.who, call.params["profile"]

    def story(tx: Tx) -> Mapping[str, object]:
        return _whole(tx, who, port_profiles.named(tx, who, ident))

    return Reply(body=await call.controller.store.read(story))


async def create_profile(call: Call) -> Reply:
    """``{"port_profile": {"name": ..., "vlans": [...], ...}}``."""
    refuse_unknown(call)
    wish = ProfileWish(**fields_of("port_profile", _CHECKS, call.envelope("port_profile"), ("name", "vlans")))
    world, who = call.controller.world, call.who
    made = await call.controller.store.write(lambda tx: port_profiles.create_profile(tx, world, who, wish))
    return Reply(HTTPStatus.CREATED, {"port_profile": _view(who, made)})


async def update_profile(call: Call) -> Reply:
    """Set the fields that are given; with ``revision_number``, or If-Match, only if it is that one still."""
    refuse_unknown(call)
    body = call.envelope("port_profile")
    revision = take_revision(body, "port profile")
    revision = _if_match(call) if revision is None else revision
    changes, world, who, ident = (
        fields_of("port_profile", _CHECKS, body),
        call.controller.world,
        call.who,
        call.params["profile"],
    )
    changed = await call.controller.store.write(
        lambda tx: port_profiles.update_profile(tx, world, who, ident, changes, revision_number=revision)
    )
    return Reply(body={"port_profile": _view(who, changed)})


async def delete_profile(call: Call) -> Reply:
    """Refused while a network or a port names it."""
    refuse_unknown(call)
    who, ident = call.who, call.params["profile"]
    await call.controller.store.write(lambda tx: port_profiles.delete_profile(tx, who, ident))
    return Reply(HTTPStatus.NO_CONTENT)


def _if_match(call: Call) -> int | None:
    """Neutron's own form of the header, ``revision_number=N``."""
    given = call.headers.get("if-match")
    if given is None:
        return None
    number = given.removeprefix(_IF_MATCH)
    if number == given or not (number.isascii() and number.isdigit() and len(number) < len(str(REVISION_MAX))):
        raise wrong("If-Match", given, "names no revision", f"as in {_IF_MATCH}3")
    return int(number)


def _view(who: Caller, profile: PortProfile) -> Mapping[str, object]:
    shown_to_all = {
        "id": profile.id,
        "name": profile.name,
        "description": profile.description,
        "kind": profile.kind,
    }
    if not who.is_privileged:
        return shown_to_all
    return {
        **shown_to_all,
        "vlans": profile.vlans,
        "physical_networks": profile.physical_networks,
        "max_ports": profile.max_ports,
        "projects": profile.projects,
        "revision_number": profile.revision_number,
        "created_at": profile.created_at,
        "updated_at": profile.updated_at,
        "upstream": {
            "state": profile.upstream,
            "reason": profile.upstream_reason,
            "checked_at": profile.upstream_at,
        },
    }


def _whole(tx: Tx, who: Caller, profile: PortProfile) -> Mapping[str, object]:
    if not who.is_privileged:
        return {"port_profile": _view(who, profile)}
    users = port_profiles.details(tx, profile)
    used = {
        "networks": [{"id": one.id, "name": one.name} for one in users.networks],
        "ports": [{"id": one.id, "name": one.name} for one in users.ports],
        "bound_ports": users.bound,
    }
    return {"port_profile": {**_view(who, profile), **used}}


PORT_PROFILES: Sequence[Route] = (
    Route("GET", "/mooring/v1/port-profiles", list_profiles, "mooring:port-profiles", query=("name",)),
    Route("POST", "/mooring/v1/port-profiles", create_profile, "mooring:port-profiles:create"),
    Route("GET", "/mooring/v1/port-profiles/{profile}", show_profile, "mooring:port-profiles"),
    Route("PUT", "/mooring/v1/port-profiles/{profile}", update_profile, "mooring:port-profiles:update"),
    Route("DELETE", "/mooring/v1/port-profiles/{profile}", delete_profile, "mooring:port-profiles:delete"),
)
