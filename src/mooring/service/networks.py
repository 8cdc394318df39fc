"""Networks: made on the segments that were asked for, or on a free VLAN of the configured ranges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mooring.core.mtu import check_mtu, network_mtu
from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.network import Network, NetworkType, Segment
from mooring.model.rbac import ObjectType
from mooring.service import dhcp, qos, quotas, segments, sharing
from mooring.service.ml2_hooks import network_changed, subnet_changed
from mooring.service.network_settings import settings_of
from mooring.service.ownership import denied, is_mine, is_visible, scope_of
from mooring.service.port_profiles import check_for, named
from mooring.service.qos_live import network_retuned
from mooring.service.segments import SegmentWish
from mooring.service.world import World
from mooring.store import networks, ports
from mooring.store.networks import NETWORKS, SEGMENTS, SUBNETS, SubnetMark
from mooring.store.port_profiles import profiles_on
from mooring.store.rows import Query
from mooring.store.tx import Event, Tx

__all__ = [
    "NetworkDetails", "NetworkWish", "SegmentWish", "create_network", "delete_network", "details", "get_network",
    "list_networks", "update_network",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class NetworkWish:
    """What ``POST /networks`` asks for, checked for form by the API."""

    project_id: str
    name: str = ""
    description: str = ""
    admin_state_up: bool = True
    shared: bool = False
    external: bool = False
    mtu: int = 0
    """0 is the default."""
    port_security_enabled: bool = True
    default_vnic_type: str | None = None
    segments: tuple[SegmentWish, ...] = ()
    """Empty: a VLAN of the configured ranges."""
    is_default: bool = False
    qos_policy_id: str | None = None
    """``None`` is the project's default policy, if it has one."""
    port_profile: str | None = None
    """Its name or id."""


@dataclass(frozen=True, slots=True)
class NetworkDetails:
    """A network with what hangs on it, as a view of it for one caller needs."""

    network: Network
    segments: tuple[Segment, ...]
    """The static ones."""
    subnets: tuple[SubnetMark, ...]
    is_shared: bool
    """With the caller's project."""
    port_profile: str | None
    """Its name."""


def get_network(tx: Tx, who: Caller, network_id: str) -> Network:
    """Raises NotFound for another project's network too, unless it is shared with the caller's, or external."""
    network = NETWORKS.get(tx, network_id)
    if network is None or not (
        network.shared
        or is_visible(who, network.project_id)
        or sharing.is_open_to(tx, who, ObjectType.NETWORK, network.id)
    ):
        raise NotFound("network", network_id)
    return network


def list_networks(tx: Tx, who: Caller, query: Query) -> list[Network]:
    """The networks that ``get_network`` gives the caller, as far as ``query`` selects them."""
    return NETWORKS.find(tx, replace(query, visible_to=query.visible_to or scope_of(who)))


def details(tx: Tx, who: Caller, found: Sequence[Network]) -> list[NetworkDetails]:
    """What hangs on many networks, in three reads, and a fourth where a port profile does."""
    ids = [network.id for network in found]
    on_them, subnets = networks.segments_of(tx, ids), networks.subnet_marks_of(tx, ids)
    shared = sharing.shared_among(tx, who, ObjectType.NETWORK, ids)
    profiles = {network.port_profile_id for network in found if network.port_profile_id is not None}
    names = networks.profile_names(tx, profiles) if profiles else {}
    return [
        NetworkDetails(
            network, tuple(on_them.get(network.id, ())), tuple(subnets.get(network.id, ())), network.id in shared,
            names.get(network.port_profile_id or ""),
        )
        for network in found
    ]  # fmt: skip


def create_network(tx: Tx, world: World, who: Caller, wish: NetworkWish) -> Network:
    """Raises Invalid for segments that can never be, Conflict for one that is taken, Exhausted when none is left.

    And NotFound for a QoS policy or a port profile that the caller may not name.
    """
    quotas.spend(tx, world, wish.project_id, "network")
    profile = None if wish.port_profile is None else named(tx, who, wish.port_profile)
    ident = world.ids.uuid()
    chosen = segments.choose(tx, world, ident, wish.segments or (SegmentWish(NetworkType.VLAN),))
    network = Network(
        ident, wish.project_id, wish.name, tx.now, tx.now, wish.description, wish.admin_state_up, wish.shared,
        wish.external, network_mtu(wish.mtu, settings_of(tx).largest_mtu(chosen)), wish.port_security_enabled,
        default_vnic_type=wish.default_vnic_type, is_default=wish.is_default,
        qos_policy_id=_policy_of(tx, who, wish), port_profile_id=None if profile is None else profile.id,
    )  # fmt: skip
    NETWORKS.insert(tx, network)
    segments.store(tx, chosen)
    if profile is not None:
        check_for(profile, network, chosen, who)
    if wish.shared:
        sharing.set_shared(tx, world, who, ObjectType.NETWORK, network.id, network.project_id, True)
    if wish.external:
        sharing.set_external(tx, world, who, network.id, network.project_id, True)
    network_changed(tx, world, who, None, network)
    _tell(tx, who, "network.created", network)
    return network


def _policy_of(tx: Tx, who: Caller, wish: NetworkWish) -> str | None:
    if wish.qos_policy_id is None:
        return qos.default_policy_of(tx, wish.project_id)
    return qos.check_policy(tx, who, wish.qos_policy_id).id


def update_network(tx: Tx, world: World, who: Caller, network_id: str, changes: Mapping[str, Any]) -> Network:
    """Set fields of a network; ``segmentation_id`` moves its one VLAN segment, ``port_profile`` is a name or an id.

    Raises Conflict for a change that something depends on. Without a change nothing is written.
    """
    before = get_network(tx, who, network_id)
    if not is_mine(who, before.project_id):
        raise denied("update_network")
    fields = dict(changes)
    vlan_id = fields.pop("segmentation_id", None)
    if "port_profile" in fields:
        profile = fields.pop("port_profile")
        fields["port_profile_id"] = None if profile is None else named(tx, who, profile).id
    if fields.get("qos_policy_id") is not None:
        qos.check_policy(tx, who, fields["qos_policy_id"])
    if "mtu" in fields:
        fields["mtu"] = _new_mtu(tx, before, fields["mtu"])
    after = replace(before, **fields)
    is_moved = vlan_id is not None and _move(tx, world, before, vlan_id)
    if after == before and not is_moved:
        return before
    if is_moved or after.port_profile_id != before.port_profile_id:
        _check_profile_fits(tx, who, after, _static_segments(tx, after.id))
    after = replace(after, updated_at=tx.now, revision_number=before.revision_number + 1)
    NETWORKS.update(tx, after)
    _share(tx, world, who, before, after)
    if after.qos_policy_id != before.qos_policy_id:
        network_retuned(tx, who, after.id)
    if is_moved or after.mtu != before.mtu:
        dhcp.network_touched(tx, world, who, after.id)
    network_changed(tx, world, who, before, after)
    _tell(tx, who, "network.updated", after)
    return after


def _new_mtu(tx: Tx, network: Network, wanted: int) -> int:
    mtu = network_mtu(wanted, settings_of(tx).largest_mtu(_static_segments(tx, network.id)))
    for subnet in networks.subnets_of(tx, network.id):
        check_mtu(network.id, mtu, subnet.ip_version)
    return mtu


def _check_profile_fits(tx: Tx, who: Caller, network: Network, segments: Sequence[Segment]) -> None:
    """Raises Conflict when a port profile of the network, or of a port of it, does not go with these segments."""
    for profile in profiles_on(tx, network):
        check_for(profile, network, segments, who)


def _static_segments(tx: Tx, network_id: str) -> list[Segment]:
    return networks.segments_of(tx, [network_id]).get(network_id, [])


def _share(tx: Tx, world: World, who: Caller, before: Network, after: Network) -> None:
    """Write the entries for everybody that ``shared`` and ``external`` stand for. Raises Conflict while it is used."""
    if before.shared and not after.shared and sharing.strangers(tx, ObjectType.NETWORK, after.id, after.project_id):
        raise Conflict(
            f"Unable to reconfigure sharing settings for network {before.id}. Multiple projects are using it.",
            code="InvalidSharedSetting",
        )
    if after.shared != before.shared:
        sharing.set_shared(tx, world, who, ObjectType.NETWORK, after.id, after.project_id, after.shared)
    if after.external != before.external:
        sharing.set_external(tx, world, who, after.id, after.project_id, after.external)
    if (after.shared, after.external) != (before.shared, before.external):
        networks.copy_to_subnets(tx, after)


def _move(tx: Tx, world: World, network: Network, vlan_id: int) -> bool:
    """Neutron's rules: one static VLAN segment, and no port bound by a driver that cannot follow."""
    of_network = SEGMENTS.where(tx, network_id=network.id)
    if len(of_network) != 1 or of_network[0].network_type is not NetworkType.VLAN:
        raise Invalid(
            "Invalid input for operation: provider:segmentation_id changes only on a network of one VLAN segment."
        )
    segment = of_network[0]
    segments.check_wish(tx, SegmentWish(segment.network_type, segment.physical_network, vlan_id))
    if vlan_id == segment.segmentation_id:
        return False
    following = {driver.name for driver in world.ml2.drivers if _follows(driver)}
    stuck = [port_id for port_id, driver in networks.bound_ports(tx, network.id) if driver not in following]
    if stuck:
        raise Invalid(
            "Invalid input for operation: provider:segmentation_id cannot change while ports are bound by drivers that "
            f"cannot follow: {', '.join(stuck)}.",
            hint="take the servers off the network first, or unbind the ports",
        )
    segments.move(tx, segment, vlan_id)
    return True


def _follows(driver: object) -> bool:
    """Whether a driver says that its bound ports follow their network to another VLAN, as Neutron asks it."""
    supported = getattr(driver, "provider_network_attribute_updates_supported", None)
    return supported is not None and "provider:segmentation_id" in supported()


def delete_network(tx: Tx, world: World, who: Caller, network_id: str) -> None:
    """Delete a network, its subnets and its segments. Raises Conflict, with their ids, while it has ports.

    Ports of DHCP servers go with it.
    """
    network = get_network(tx, who, network_id)
    if not is_mine(who, network.project_id):
        raise denied("delete_network")
    dhcp.leave_network(tx, world, who, network.id)
    on_it = ports.ids_on_network(tx, network.id)
    if on_it:
        raise Conflict(
            f"Unable to complete operation on network {network.id}. There are one or more ports still in use on the "
            f"network, id for these ports is: {','.join(on_it)}.",
            code="NetworkInUse",
        )
    for subnet in networks.subnets_of(tx, network.id):
        subnet_changed(tx, world, who, subnet, None)
        SUBNETS.delete(tx, subnet.id)
        tx.tell(Event("subnet.deleted", subnet.id, subnet.project_id, None, who.user_id, who.request_id))
    network_changed(tx, world, who, network, None)
    for segment in SEGMENTS.where(tx, network_id=network.id):
        segments.release(tx, segment)
    NETWORKS.delete(tx, network.id)
    sharing.forget(tx, network.id)
    _tell(tx, who, "network.deleted", network)


def _tell(tx: Tx, who: Caller, kind: str, network: Network) -> None:
    tx.tell(Event(kind, network.id, network.project_id, None, who.user_id, who.request_id, {"name": network.name}))
