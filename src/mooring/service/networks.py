"""Networks: made on the segments that were asked for, or on a free VLAN of the configured ranges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from mooring.core.mtu import check_mtu, network_mtu
from mooring.core.vlans import VlanRanges, pick, provider_segment
from mooring.errors import Conflict, Exhausted, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.network import Network, NetworkType, Segment
from mooring.service.ownership import denied, is_mine, is_visible, scope_of
from mooring.service.world import World
from mooring.store import networks, ports
from mooring.store.hosts import HOSTS
from mooring.store.networks import NETWORKS, SEGMENTS, SUBNETS
from mooring.store.rows import Query
from mooring.store.tx import Event, Tx

SEGMENTS_MAX = 16
_RANGES_MAX = 4


@dataclass(frozen=True, slots=True)
class SegmentWish:
    """What was said of one segment; ``None`` leaves it to the configuration."""

    network_type: str | None = None
    physical_network: str | None = None
    segmentation_id: int | None = None


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


@dataclass(frozen=True, slots=True)
class NetworkDetails:
    """A network with what hangs on it, as a view of it needs."""

    network: Network
    segments: tuple[Segment, ...]
    subnet_ids: tuple[str, ...]


def get_network(tx: Tx, who: Caller, network_id: str) -> Network:
    """Raises NotFound for another project's network too, unless it is shared."""
    network = NETWORKS.get(tx, network_id)
    if network is None or not (network.shared or is_visible(who, network.project_id)):
        raise NotFound("network", network_id)
    return network


def list_networks(tx: Tx, who: Caller, query: Query) -> list[Network]:
    """The caller's own networks and the shared ones, as far as ``query`` selects them; all for the privileged."""
    return NETWORKS.find(tx, replace(query, visible_to=query.visible_to or scope_of(who)))


def details(tx: Tx, found: Sequence[Network]) -> list[NetworkDetails]:
    """Segments and subnets of many networks, in two reads."""
    ids = [network.id for network in found]
    segments, subnet_ids = networks.segments_of(tx, ids), networks.subnet_ids_of(tx, ids)
    return [
        NetworkDetails(network, tuple(segments.get(network.id, ())), tuple(subnet_ids.get(network.id, ())))
        for network in found
    ]


def create_network(tx: Tx, world: World, who: Caller, wish: NetworkWish) -> Network:
    """Raises Invalid for segments that can never be, Conflict for one that is taken, Exhausted when none is left."""
    if len(wish.segments) > SEGMENTS_MAX:
        raise Invalid(f"Invalid input for operation: {len(wish.segments)} segments are more than {SEGMENTS_MAX}.")
    network = Network(
        world.ids.uuid(), wish.project_id, wish.name, tx.now, tx.now, wish.description, wish.admin_state_up,
        wish.shared, wish.external, network_mtu(wish.mtu), wish.port_security_enabled,
        default_vnic_type=wish.default_vnic_type,
    )  # fmt: skip
    NETWORKS.insert(tx, network)
    # A network's segments are read back in the order of their ids, which thereby is the order of the request.
    ids = sorted(world.ids.uuid() for _ in wish.segments or (None,))
    for segment_id, segment in zip(ids, wish.segments or (SegmentWish(NetworkType.VLAN),), strict=True):
        networks.add_segment(tx, _segment(tx, world, segment_id, network.id, segment))
    _tell(tx, who, "network.created", network)
    return network


def _segment(tx: Tx, world: World, segment_id: str, network_id: str, wish: SegmentWish) -> Segment:
    ranges = vlan_ranges(world.config.network_vlan_ranges)
    known = _physical_networks(tx, ranges)
    try:
        kind, physnet, vlan_id = provider_segment(
            wish.network_type, wish.physical_network, wish.segmentation_id, known, known
        )
    except Invalid as wrong:
        raise _with_values(wrong, wish) from wrong
    if kind is NetworkType.VLAN and vlan_id is None:
        physnet, vlan_id = _free_vlan(tx, ranges, physnet)
    return Segment(segment_id, network_id, kind, physnet or "", vlan_id)


def _with_values(wrong: Invalid, wish: SegmentWish) -> Invalid:
    """Neutron's sentence, and what it is about."""
    asked = {name: getattr(wish, name) for name in ("network_type", "physical_network", "segmentation_id")}
    said = ", ".join(f"provider:{name} {value}" for name, value in asked.items() if value is not None)
    return Invalid(wrong.message, code=wrong.code, hint=f"asked for: {said}")


@lru_cache(maxsize=_RANGES_MAX)
def vlan_ranges(entries: tuple[str, ...]) -> VlanRanges:
    """``network_vlan_ranges``, read. Raises Invalid for a malformed entry."""
    return VlanRanges.parse(entries)


def _physical_networks(tx: Tx, ranges: VlanRanges) -> set[str]:
    """Every physical network that the configuration or a host knows."""
    known = set(ranges.physical_networks)
    for host in HOSTS.where(tx):
        known.update(host.device_mappings, host.bridge_mappings)
    return known


def _free_vlan(tx: Tx, ranges: VlanRanges, physical_network: str | None) -> tuple[str, int]:
    if not ranges.physical_networks:
        raise Exhausted(
            "Unable to create the network. No tenant network is available for allocation.",
            code="NoNetworkAvailable",
            hint="network_vlan_ranges is empty: fill it, or have an admin name provider:segmentation_id",
        )
    taken = {physnet: networks.vlans_in_use(tx, physnet) for physnet in ranges.physical_networks}
    return pick(ranges, taken, min, physical_network)


def update_network(tx: Tx, who: Caller, network_id: str, changes: Mapping[str, Any]) -> Network:
    """Set fields of a network; ``segmentation_id`` moves its one VLAN segment while no port is bound.

    Raises Conflict for a change that something depends on. Without a change nothing is written.
    """
    before = get_network(tx, who, network_id)
    if not is_mine(who, before.project_id):
        raise denied("update_network")
    fields = dict(changes)
    is_moved = _move(tx, before, fields.pop("segmentation_id", None))
    if "mtu" in fields:
        fields["mtu"] = network_mtu(fields["mtu"])
        for subnet in networks.subnets_of(tx, before.id):
            check_mtu(before.id, fields["mtu"], subnet.ip_version)
    after = replace(before, **fields)
    if after == before and not is_moved:
        return before
    if before.shared and not after.shared and ports.is_used_by_others(tx, before.id, before.project_id):
        raise Conflict(
            f"Unable to reconfigure sharing settings for network {before.id}. Multiple projects are using it.",
            code="InvalidSharedSetting",
        )
    after = replace(after, updated_at=tx.now, revision_number=before.revision_number + 1)
    NETWORKS.update(tx, after)
    if (after.shared, after.external) != (before.shared, before.external):
        networks.copy_to_subnets(tx, after)
    _tell(tx, who, "network.updated", after)
    return after


def _move(tx: Tx, network: Network, vlan_id: int | None) -> bool:
    if vlan_id is None:
        return False
    segments = SEGMENTS.where(tx, network_id=network.id)
    if len(segments) != 1 or segments[0].network_type is not NetworkType.VLAN:
        raise Invalid(
            "Invalid input for operation: provider:segmentation_id changes only on a network of one VLAN segment."
        )
    segment = segments[0]
    try:
        provider_segment(segment.network_type, segment.physical_network, vlan_id, {segment.physical_network})
    except Invalid as wrong:
        raise _with_values(wrong, SegmentWish(segmentation_id=vlan_id)) from wrong
    if vlan_id == segment.segmentation_id:
        return False
    bound = ports.bound_on_network(tx, network.id)
    if bound:
        raise Conflict(
            f"Unable to complete operation on network {network.id}. The segmentation id cannot change while ports "
            f"are bound: {','.join(bound)}.",
            code="NetworkInUse",
        )
    networks.set_segmentation_id(tx, segment, vlan_id)
    return True


def delete_network(tx: Tx, who: Caller, network_id: str) -> None:
    """Delete a network and its subnets. Raises Conflict, with their ids, while it has ports."""
    network = get_network(tx, who, network_id)
    if not is_mine(who, network.project_id):
        raise denied("delete_network")
    on_it = ports.ids_on_network(tx, network.id)
    if on_it:
        raise Conflict(
            f"Unable to complete operation on network {network.id}. There are one or more ports still in use on the "
            f"network, id for these ports is: {','.join(on_it)}.",
            code="NetworkInUse",
        )
    for subnet in networks.subnets_of(tx, network.id):
        SUBNETS.delete(tx, subnet.id)
        tx.tell(Event("subnet.deleted", subnet.id, subnet.project_id, None, who.user_id, who.request_id))
    NETWORKS.delete(tx, network.id)
    _tell(tx, who, "network.deleted", network)


def _tell(tx: Tx, who: Caller, kind: str, network: Network) -> None:
    tx.tell(Event(kind, network.id, network.project_id, None, who.user_id, who.request_id, {"name": network.name}))
