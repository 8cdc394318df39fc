"""Port profiles: made, changed and deleted by admins; named by the networks and ports of the projects that may.

The network side checks them (``check_for``): at the network whose default one is, at the port and at the nic that
names one, and once more where the port is bound. What the upstream switch's manager knows of one is
``service/upstream.py``'s business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mooring.core.port_profiles import check_fit
from mooring.errors import Conflict, Invalid, NotFound, PreconditionFailed
from mooring.model.identity import Caller
from mooring.model.network import Network, Segment
from mooring.model.port import VF_VNIC_TYPES, Port, VnicType
from mooring.model.port_profile import PortProfile, ProfileKind, UpstreamState
from mooring.service.vlan_pools import is_known
from mooring.service.world import World
from mooring.store.identity import PROJECTS
from mooring.store.networks import NETWORKS, SEGMENTS
from mooring.store.port_profiles import PROFILES, Users, by_name, count, users_of
from mooring.store.rows import Query
from mooring.store.tx import Event, Tx

PROFILES_MAX = 10_000
_TOLD_MAX = 5
#: What of a profile the upstream switch is told.
_UPSTREAM_FIELDS = ("name", "vlans", "kind", "max_ports")


@dataclass(frozen=True, slots=True)
class ProfileWish:
    """What ``POST /port-profiles`` asks for, checked for form by the API."""

    name: str
    vlans: tuple[int, ...]
    physical_networks: tuple[str, ...] = ()
    kind: ProfileKind = ProfileKind.QBH
    description: str = ""
    max_ports: int = 64
    projects: tuple[str, ...] = ()
    """Ids."""


def named(tx: Tx, who: Caller, name_or_id: str) -> PortProfile:
    """The port profile, which the caller's project may name; admins may name any.

    Raises NotFound (PortProfileNotFound) in the same words for one that there is not and one of other projects, Invalid
    for no name at all.
    """
    if not name_or_id:
        raise Invalid("the name of a port profile is empty", hint="a name or an id, or null for none")
    profile = by_name(tx, name_or_id) or PROFILES.get(tx, name_or_id)
    if profile is None or not _may_use(who, profile):
        raise NotFound("port profile", name_or_id, hint="mooring port-profile list shows those that you may name")
    return profile


def list_profiles(tx: Tx, who: Caller) -> list[PortProfile]:
    """Those that the caller may name, by name."""
    return [one for one in PROFILES.find(tx, Query(sort=(("name", True),))) if _may_use(who, one)]


def check_for(profile: PortProfile, network: Network, segments: Sequence[Segment], who: Caller | None = None) -> None:
    """Raises Conflict unless the profile's VLAN is the network's, and its physical network one of the profile's.

    PortProfileVlanMismatch, PortProfilePhysicalNetworkMismatch; with both values, but for a ``who`` who may not see
    VLANs.
    """
    check_fit(profile, network.name or network.id, segments, is_told=who is None or who.is_privileged)


def check_vnic_type(profile: PortProfile, vnic_type: VnicType) -> None:
    """Raises Invalid for a port that names a profile and whose vnic type no profile goes with."""
    if vnic_type not in VF_VNIC_TYPES:
        raise Invalid(
            f"port profile {profile.name} is for ports of vnic type {' or '.join(sorted(VF_VNIC_TYPES))}, "
            f"and the port's is {vnic_type}",
            hint="leave the port profile out: the port is on the network's VLAN anyway",
        )


def profile_of(tx: Tx, port: Port, network: Network) -> PortProfile | None:
    """The port's own, else the network's default, which only ports with a VF of their own follow.

    An ordinary port on the same network is switched by its host, and is told the VLAN by the network alone.
    """
    ident = port.port_profile_id
    if ident is None and port.binding.vnic_type in VF_VNIC_TYPES:
        ident = network.port_profile_id
    return None if ident is None else PROFILES.get(tx, ident)


def create_profile(tx: Tx, world: World, who: Caller, wish: ProfileWish) -> PortProfile:
    """Raises Conflict for a taken name, Invalid for a physical network or a project that there is not."""
    _check_free(tx, wish.name)
    if count(tx) >= PROFILES_MAX:
        raise Conflict(f"there are {PROFILES_MAX} port profiles, the most that there may be", hint="delete some first")
    profile = PortProfile(
        world.ids.uuid(), wish.name, tx.now, tx.now, wish.vlans, wish.physical_networks, wish.kind, wish.description,
        wish.max_ports, wish.projects, upstream=_unsettled(world, wish.kind),
    )  # fmt: skip
    _check_references(tx, profile)
    PROFILES.insert(tx, profile)
    _tell(tx, who, "port-profile.created", profile, _said(profile))
    return profile


def update_profile(
    tx: Tx, world: World, who: Caller, ident: str, changes: Mapping[str, Any], *, revision_number: int | None = None
) -> PortProfile:
    """Set these fields of a profile.

    Raises PreconditionFailed when it has another revision, Conflict when a network or a port that names it would not
    fit it any more, or is bound with the name that it has, and what ``create_profile`` does.
    """
    before = named(tx, who, ident)
    if revision_number not in (None, before.revision_number):
        raise PreconditionFailed(
            f"port profile {before.name} has revision {before.revision_number}, not {revision_number}",
            hint="somebody changed it: read it again",
        )
    after = replace(before, **changes)
    if after == before:
        return before
    if after.name != before.name:
        _check_free(tx, after.name)
    if changes.keys() & {"physical_networks", "projects"}:
        _check_references(tx, after)
    _check_users(tx, before, after)
    if any(getattr(after, name) != getattr(before, name) for name in _UPSTREAM_FIELDS):
        after = replace(after, upstream=_unsettled(world, after.kind), upstream_reason="", upstream_at=None)
    after = PROFILES.update(tx, replace(after, updated_at=tx.now, revision_number=before.revision_number + 1))
    said, was = _said(after), _said(before)
    _tell(tx, who, "port-profile.updated", after, {key: said[key] for key in said if said[key] != was[key]})
    return after


def delete_profile(tx: Tx, who: Caller, ident: str) -> None:
    """Forget a profile; it goes from the upstream manager after that. Raises Conflict while something names it."""
    profile = named(tx, who, ident)
    users = users_of(tx, profile)
    if users:
        raise Conflict(
            f"port profile {profile.name} is in use: {_users_words(users)}",
            code="PortProfileInUse",
            hint="give them another one first, or none",
            facts=_users_facts(users),
        )
    PROFILES.delete(tx, profile.id)
    _tell(tx, who, "port-profile.deleted", profile, {"upstream": str(profile.upstream)})


def details(tx: Tx, profile: PortProfile) -> Users:
    """Who names it, for the view of one."""
    return users_of(tx, profile)


def _check_users(tx: Tx, before: PortProfile, after: PortProfile) -> None:
    """A profile never moves a port off its network's VLAN, and keeps its name while the switch has ports of it."""
    users = users_of(tx, before)
    if users.bound and (after.name, after.kind) != (before.name, before.kind):
        raise Conflict(
            f"port profile {before.name} ({before.kind}) cannot become {after.name} ({after.kind}): "
            f"ports are bound with it: {', '.join(users.bound)}",
            code="PortProfileInUse",
            hint="make a profile beside it, and move the ports there",
        )
    for network in users.networks:
        check_for(after, network, SEGMENTS.where(tx, network_id=network.id))
    for network_id in dict.fromkeys(port.network_id for port in users.ports):
        found = NETWORKS.get(tx, network_id)
        if found is not None:
            check_for(after, found, SEGMENTS.where(tx, network_id=network_id))


def _check_references(tx: Tx, profile: PortProfile) -> None:
    for physnet in profile.physical_networks:
        if not is_known(tx, physnet):
            raise _missing("physical_networks", physnet, f"no host and no setting knows physical network {physnet}")
    for project in profile.projects:
        if PROJECTS.get(tx, project) is None:
            raise _missing("projects", project, f"there is no project {project}")


def _missing(field: str, value: str, what: str) -> Invalid:
    hint = "make it first, or correct the name"
    return Invalid(f"port profile: {what}", hint=hint, facts={"field": field, "value": value})


def _may_use(who: Caller, profile: PortProfile) -> bool:
    return who.is_privileged or not profile.projects or who.project_id in profile.projects


def _check_free(tx: Tx, name: str) -> None:
    if by_name(tx, name) is not None:
        raise Conflict(f"port profile {name} exists", hint="mooring port-profile set changes it; or take another name")


def _unsettled(world: World, kind: ProfileKind) -> UpstreamState:
    """Before anybody looked: to be made there, if there is a manager that makes such."""
    is_managed = bool(world.config.ucsm.url) and kind is ProfileKind.QBH
    return UpstreamState.PENDING if is_managed else UpstreamState.UNMANAGED


def _users_words(users: Users) -> str:
    told = []
    for what, idents in (
        ("networks", [one.name or one.id for one in users.networks]),
        ("ports", [one.name or one.id for one in users.ports]),
        ("bound ports", list(users.bound)),
    ):
        if idents:
            more = ", ..." if len(idents) > _TOLD_MAX else ""
            told.append(f"{what} {', '.join(idents[:_TOLD_MAX])}{more}")
    return "; ".join(told)


def _users_facts(users: Users) -> Mapping[str, object]:
    return {
        "networks": [one.id for one in users.networks],
        "ports": [one.id for one in users.ports],
        "bound_ports": list(users.bound),
    }


def _said(profile: PortProfile) -> Mapping[str, object]:
    """What an admin says of it."""
    return {
        "name": profile.name, "vlans": profile.vlans, "physical_networks": profile.physical_networks,
        "kind": str(profile.kind), "description": profile.description, "max_ports": profile.max_ports,
        "projects": profile.projects,
    }  # fmt: skip


def _tell(tx: Tx, who: Caller, kind: str, profile: PortProfile, detail: Mapping[str, object]) -> None:
    told = {"name": profile.name, **detail}
    tx.tell(Event(kind, profile.id, actor=who.user_id, request_id=who.request_id, detail=told))
