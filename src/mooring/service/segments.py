"""Segments: a VLAN or an untagged physical network, reserved for one network, and given back with it.

A network's own segments are static. A mechanism driver may ask for a dynamic one while it binds a port below another;
that one is found again by the next port on it, and goes with the last.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mooring.core.port_profiles import fitting
from mooring.core.vlans import provider_segment
from mooring.errors import Conflict, Invalid, NotFound
from mooring.model.identity import Caller
from mooring.model.network import Network, NetworkType, Segment
from mooring.service import vlan_pools
from mooring.service.ml2_hooks import network_changed
from mooring.service.subnet_segments import check_one_segment
from mooring.service.world import World
from mooring.store import networks
from mooring.store.networks import NETWORKS, SEGMENTS
from mooring.store.port_profiles import profiles_on
from mooring.store.rows import Query
from mooring.store.tx import Event, Tx

SEGMENTS_MAX = 16
_TOLD_MAX = 5


@dataclass(frozen=True, slots=True)
class SegmentWish:
    """What was said of one segment; ``None`` leaves it to the configuration."""

    network_type: str | None = None
    physical_network: str | None = None
    segmentation_id: int | None = None


@dataclass(frozen=True, slots=True)
class NewSegment:
    """What ``POST /segments`` asks for, checked for form by the API."""

    network_id: str
    wish: SegmentWish
    name: str | None = None
    description: str = ""


class _Known:
    """The physical networks that the configuration or a host knows, asked for one by one."""

    def __init__(self, tx: Tx):
        self._tx = tx

    def __contains__(self, physical_network: object) -> bool:
        return vlan_pools.is_known(self._tx, str(physical_network))


def choose(tx: Tx, world: World, network_id: str, wishes: Sequence[SegmentWish]) -> tuple[Segment, ...]:
    """The segments of a new network, in the order of the wishes: their VLANs are taken, and the rows are not written.

    Raises Invalid for segments that can never be, Exhausted when none is left.
    """
    if len(wishes) > SEGMENTS_MAX:
        raise Invalid(f"Invalid input for operation: {len(wishes)} segments are more than {SEGMENTS_MAX}.")
    made: dict[int, Segment] = {}
    # Those with a VLAN of their own first: the lowest free one may be just what a later one names.
    for index in sorted(range(len(wishes)), key=lambda at: wishes[at].segmentation_id is None):
        made[index] = _chosen(tx, Segment(world.ids.uuid(), network_id, **_blank(index)), wishes[index])
    return tuple(made[index] for index in range(len(wishes)))


def _blank(index: int) -> Mapping[str, Any]:
    return {"network_type": NetworkType.VLAN, "physical_network": "", "segmentation_id": None, "segment_index": index}


def store(tx: Tx, chosen: Iterable[Segment]) -> None:
    """Write the rows, once the network has its own. Raises Conflict for a VLAN, or an untagged one, of another."""
    for segment in chosen:
        networks.add_segment(tx, segment)


def _reserve(tx: Tx, segment: Segment, wish: SegmentWish) -> Segment:
    return networks.add_segment(tx, _chosen(tx, segment, wish))


def _chosen(tx: Tx, segment: Segment, wish: SegmentWish) -> Segment:
    kind, physnet, vlan_id = check_wish(tx, wish)
    if kind is NetworkType.VLAN and vlan_id is None:
        physnet, vlan_id = vlan_pools.take(tx, physnet)
    elif kind is NetworkType.VLAN and vlan_id is not None:
        vlan_pools.take_this(tx, physnet or "", vlan_id)
    return replace(
        segment, network_type=kind, physical_network=physnet or "", segmentation_id=vlan_id, created_at=tx.now,
        updated_at=tx.now,
    )  # fmt: skip


def check_wish(tx: Tx, wish: SegmentWish) -> tuple[NetworkType, str | None, int | None]:
    """The type, physical network and VLAN of a wish. Raises Invalid in Neutron's words, and with what was asked for."""
    known = _Known(tx)
    try:
        return provider_segment(wish.network_type, wish.physical_network, wish.segmentation_id, known, known)
    except Invalid as wrong:
        asked = {name: getattr(wish, name) for name in ("network_type", "physical_network", "segmentation_id")}
        said = ", ".join(f"provider:{name} {value}" for name, value in asked.items() if value is not None)
        raise Invalid(wrong.message, code=wrong.code, hint=f"asked for: {said}") from wrong


def move(tx: Tx, segment: Segment, vlan_id: int) -> Segment:
    """Put a VLAN segment on another VLAN of its physical network. Raises Invalid, and Conflict for a VLAN in use."""
    check_wish(tx, SegmentWish(segment.network_type, segment.physical_network, vlan_id))
    vlan_pools.take_this(tx, segment.physical_network, vlan_id)
    networks.set_segmentation_id(tx, segment, vlan_id)
    _give_back(tx, segment)
    return replace(segment, segmentation_id=vlan_id)


def release(tx: Tx, segment: Segment) -> None:
    """Forget a segment; its VLAN is free again, if the ranges have it."""
    SEGMENTS.delete(tx, segment.id)
    _give_back(tx, segment)


def _give_back(tx: Tx, segment: Segment) -> None:
    if segment.network_type is NetworkType.VLAN and segment.segmentation_id is not None:
        vlan_pools.give_back(tx, segment.physical_network, segment.segmentation_id)


# --- dynamic ones ---------------------------------------------------------------------------------------------


def allocate_dynamic(tx: Tx, world: World, network: Network, wish: SegmentWish) -> Segment:
    """The network's dynamic segment that is as wished, made if there is none. Raises what ``POST /networks`` does."""
    of_network = SEGMENTS.where(tx, network_id=network.id)
    for segment in of_network:
        if segment.is_dynamic and _is_as_wished(segment, wish):
            return segment
    if len(of_network) >= SEGMENTS_MAX:
        raise Invalid(f"Invalid input for operation: network {network.id} has {SEGMENTS_MAX} segments, the most.")
    blank = Segment(world.ids.uuid(), network.id, is_dynamic=True, **_blank(_next_index(of_network)))
    return _reserve(tx, blank, wish)


def _is_as_wished(segment: Segment, wish: SegmentWish) -> bool:
    return (
        wish.network_type in (None, segment.network_type)
        and wish.physical_network in (None, segment.physical_network)
        and wish.segmentation_id in (None, segment.segmentation_id)
    )


def release_dynamic(tx: Tx, segment_id: str) -> None:
    """Forget a dynamic segment that no port is bound to any more; any other stays."""
    segment = SEGMENTS.get(tx, segment_id)
    if segment is not None and segment.is_dynamic and not networks.ports_on_segment(tx, segment):
        release(tx, segment)


def _next_index(of_network: Sequence[Segment]) -> int:
    return max((segment.segment_index for segment in of_network), default=-1) + 1


# --- the calls of /segments -----------------------------------------------------------------------------------


def get_segment(tx: Tx, who: Caller, segment_id: str) -> Segment:
    """Raises NotFound for everybody but admins: where networks are is not told."""
    segment = SEGMENTS.get(tx, segment_id) if who.is_admin else None
    if segment is None:
        raise NotFound("segment", segment_id)
    return segment


def list_segments(tx: Tx, who: Caller, query: Query) -> list[Segment]:
    return SEGMENTS.find(tx, query) if who.is_admin else []


def create_segment(tx: Tx, world: World, who: Caller, new: NewSegment) -> Segment:
    """Add a segment to a network. Raises what ``POST /networks`` does."""
    network = NETWORKS.get(tx, new.network_id)
    if network is None:
        raise NotFound("network", new.network_id)
    of_network = SEGMENTS.where(tx, network_id=network.id)
    if len(of_network) >= SEGMENTS_MAX:
        raise Invalid(f"Invalid input for operation: network {network.id} has {SEGMENTS_MAX} segments, the most.")
    check_one_segment(tx, network.id)
    blank = Segment(
        world.ids.uuid(), network.id, name=new.name, description=new.description, **_blank(_next_index(of_network))
    )
    segment = _reserve(tx, blank, new.wish)
    networks.touch(tx, network.id)
    network_changed(tx, world, who, network, network)
    _tell(tx, who, "segment.created", segment)
    return segment


def update_segment(tx: Tx, who: Caller, segment_id: str, changes: Mapping[str, Any]) -> Segment:
    """Set the name or the description."""
    before = get_segment(tx, who, segment_id)
    after = replace(before, **changes)
    if after == before:
        return before
    after = SEGMENTS.update(tx, replace(after, updated_at=tx.now, revision_number=before.revision_number + 1))
    _tell(tx, who, "segment.updated", after)
    return after


def delete_segment(tx: Tx, world: World, who: Caller, segment_id: str) -> None:
    """Take a segment off its network. Raises Conflict, ``SegmentInUse``, while something is on it."""
    segment = get_segment(tx, who, segment_id)
    for what, users in (
        ("still bound with port(s)", networks.ports_on_segment(tx, segment)),
        ("still associated with subnet(s)", networks.subnets_on_segment(tx, segment)),
    ):
        if users:
            told = ", ".join(users[:_TOLD_MAX]) + (", ..." if len(users) > _TOLD_MAX else "")
            raise Conflict(
                f"Segment '{segment.id}' cannot be deleted: The segment is {what} {told}.", code="SegmentInUse"
            )
    network = NETWORKS.get(tx, segment.network_id)
    if network is not None:
        _check_profile_stays(tx, network, segment)
    release(tx, segment)
    if network is not None:
        networks.touch(tx, network.id)
        network_changed(tx, world, who, network, network)
    _tell(tx, who, "segment.deleted", segment)


def _check_profile_stays(tx: Tx, network: Network, segment: Segment) -> None:
    """Raises Conflict when a port profile of the network, or of a port of it, fits this segment and no other."""
    rest = [one for one in SEGMENTS.where(tx, network_id=network.id) if one.id != segment.id and not one.is_dynamic]
    for profile in profiles_on(tx, network):
        if fitting(profile, [segment]) and not fitting(profile, rest):
            raise Conflict(
                f"Segment '{segment.id}' cannot be deleted: The network's port profile {profile.name} is of it.",
                code="SegmentInUse",
                hint="give the network and its ports another port profile first, or none",
            )


def _tell(tx: Tx, who: Caller, kind: str, segment: Segment) -> None:
    detail = {
        "network": segment.network_id, "physical_network": segment.physical_network,
        "segmentation_id": segment.segmentation_id,
    }  # fmt: skip
    tx.tell(Event(kind, segment.id, None, None, who.user_id, who.request_id, detail))
