"""Networks, their segments and their subnets: rows, and the questions that lists and allocations ask of them."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
from sqlalchemy import bindparam, func, select, update

from mooring.errors import Conflict
from mooring.model.network import Network, NetworkType, Segment, Subnet
from mooring.model.port import VifType
from mooring.store import tables
from mooring.store.rows import Records, micros
from mooring.store.sql import Sql
from mooring.store.tx import Taken, Tx

NETWORKS = Records(tables.networks, Network)
SEGMENTS = Records(tables.segments, Segment)
SUBNETS = Records(tables.subnets, Subnet)

_N, _G, _S = tables.networks.c, tables.segments.c, tables.subnets.c
_L, _P, _B = tables.subnetpools.c, tables.ports.c, tables.port_bindings.c

# The ids go in as one JSON array, so that a list of any length is the same statement.
_WANTED = select(func.json_each(bindparam("wanted")).table_valued("value").c.value)
_SEGMENTS_OF = Sql(
    select(*SEGMENTS.columns)
    .where(_G.network_id.in_(_WANTED), _G.is_dynamic == 0)
    .order_by(_G.network_id, _G.segment_index)
)
_SUBNETS_OF = Sql(
    select(_S.network_id, _S.id, _S.ip_version, _L.address_scope_id)
    .select_from(tables.subnets.outerjoin(tables.subnetpools, _L.id == _S.subnetpool_id))
    .where(_S.network_id.in_(_WANTED))
    .order_by(_S.created_at, _S.id)
)
_EXTERNAL_AMONG = Sql(select(_N.id).where(_N.id.in_(_WANTED), _N.external == 1))
_PROFILE_NAMES = Sql(
    select(tables.port_profiles.c.id, tables.port_profiles.c.name).where(tables.port_profiles.c.id.in_(_WANTED))
)
_PORTS_ON_SEGMENT = Sql(
    select(_P.id)
    .where(
        _P.network_id == bindparam("network"),
        (_P.binding_segment_id == bindparam("segment")) | (func.instr(_P.binding_levels, bindparam("segment")) > 0),
    )
    .order_by(_P.id)
)
_INACTIVE_ON_SEGMENT = Sql(
    select(_B.port_id).where(
        _B.port_id.in_(select(_P.id).where(_P.network_id == bindparam("network"))),
        (_B.binding_segment_id == bindparam("segment")) | (func.instr(_B.binding_levels, bindparam("segment")) > 0),
    )
)
_BOUND_PORTS = Sql(
    select(_P.id, _P.binding_driver)
    .where(
        _P.network_id == bindparam("network"),
        _P.binding_vif_type != VifType.UNBOUND.value,
        _P.binding_vif_type != VifType.BINDING_FAILED.value,
    )
    .order_by(_P.id)
)
_SUBNETS_ON_SEGMENT = Sql(select(_S.id).where(_S.segment_id == bindparam("segment")).order_by(_S.id))
_NETWORKS_BY_SEGMENT = {
    name: Sql(select(_G.network_id).where(_G[name].in_(_WANTED)).distinct())
    for name in ("network_type", "physical_network", "segmentation_id")
}
_SET_SEGMENTATION_ID = Sql(
    update(tables.segments).where(_G.id == bindparam("segment")).values(segmentation_id=bindparam("vlan"))
)
_COPY_TO_SUBNETS = Sql(
    update(tables.subnets)
    .where(_S.network_id == bindparam("network"))
    .values(shared=bindparam("is_shared"), external=bindparam("is_external"))
)
_TOUCH = Sql(
    update(tables.networks)
    .where(_N.id == bindparam("network"))
    .values(revision_number=_N.revision_number + 1, updated_at=bindparam("at"))
)


def _array(values: Iterable[object]) -> str:
    return msgspec.json.encode(list(values)).decode()


def add_segment(tx: Tx, segment: Segment) -> Segment:
    """Insert a segment. Raises Conflict when its VLAN, or its physical network untagged, is another network's."""
    try:
        return SEGMENTS.insert(tx, segment)
    except Taken as taken:
        raise _in_use(segment) from taken


def set_segmentation_id(tx: Tx, segment: Segment, vlan_id: int) -> None:
    """Move a segment to another VLAN. Raises Conflict when that is another network's."""
    try:
        tx.run(_SET_SEGMENTATION_ID, segment=segment.id, vlan=vlan_id)
    except Taken as taken:
        raise _in_use(segment, vlan_id) from taken


def _in_use(segment: Segment, vlan_id: int | None = None) -> Conflict:
    physnet = segment.physical_network
    if segment.network_type is NetworkType.FLAT:
        return Conflict(
            f"Unable to create the flat network. Physical network {physnet} is in use.", code="FlatNetworkInUse"
        )
    vlan = segment.segmentation_id if vlan_id is None else vlan_id
    return Conflict(
        f"Unable to create the network. The VLAN {vlan} on physical network {physnet} is in use.", code="VlanIdInUse"
    )


def segments_of(tx: Tx, network_ids: Iterable[str]) -> dict[str, list[Segment]]:
    """Network id to its static segments, in the order in which they were asked for."""
    found: dict[str, list[Segment]] = {}
    for row in tx.all(_SEGMENTS_OF, wanted=_array(network_ids)):
        segment = SEGMENTS.value(row)
        found.setdefault(segment.network_id, []).append(segment)
    return found


def every_segment_of(tx: Tx, network_id: str) -> list[Segment]:
    """A network's static segments and those that drivers asked for, in the order in which drivers are to try them."""
    return sorted(SEGMENTS.where(tx, network_id=network_id), key=lambda segment: segment.segment_index)


@dataclass(frozen=True, slots=True)
class SubnetMark:
    """What a network shows of one of its subnets."""

    id: str
    ip_version: int
    address_scope_id: str | None


def subnet_marks_of(tx: Tx, network_ids: Iterable[str]) -> dict[str, list[SubnetMark]]:
    """Network id to its subnets, oldest first."""
    found: dict[str, list[SubnetMark]] = {}
    for network_id, subnet_id, version, scope in tx.all(_SUBNETS_OF, wanted=_array(network_ids)):
        mark = SubnetMark(str(subnet_id), int(str(version)), None if scope is None else str(scope))
        found.setdefault(str(network_id), []).append(mark)
    return found


def profile_names(tx: Tx, profile_ids: Iterable[str]) -> dict[str, str]:
    """Port profile id to its name."""
    return {str(ident): str(name) for ident, name in tx.all(_PROFILE_NAMES, wanted=_array(profile_ids))}


def ports_on_segment(tx: Tx, segment: Segment) -> list[str]:
    """The ids of the ports of which a binding, active or not, has the segment at whichever level."""
    place = {"network": segment.network_id, "segment": segment.id}
    rows = [*tx.all(_PORTS_ON_SEGMENT, **place), *tx.all(_INACTIVE_ON_SEGMENT, **place)]
    return sorted({str(port_id) for (port_id,) in rows})


def bound_ports(tx: Tx, network_id: str) -> list[tuple[str, str]]:
    """(port id, mechanism driver) of the network's ports that are bound."""
    return [(str(port_id), str(driver)) for port_id, driver in tx.all(_BOUND_PORTS, network=network_id)]


def subnets_on_segment(tx: Tx, segment: Segment) -> list[str]:
    return [str(subnet_id) for (subnet_id,) in tx.all(_SUBNETS_ON_SEGMENT, segment=segment.id)]


def subnets_of(tx: Tx, network_id: str) -> list[Subnet]:
    """A network's subnets, oldest first."""
    return sorted(SUBNETS.where(tx, network_id=network_id), key=lambda subnet: (subnet.created_at, subnet.id))


def external_among(tx: Tx, network_ids: Iterable[str]) -> set[str]:
    """Those of the networks that are external."""
    return {str(network_id) for (network_id,) in tx.all(_EXTERNAL_AMONG, wanted=_array(network_ids))}


def networks_by_segment(tx: Tx, column: str, values: Iterable[object]) -> set[str]:
    """The ids of the networks of which a segment has one of ``values`` in ``column``."""
    return {str(network_id) for (network_id,) in tx.all(_NETWORKS_BY_SEGMENT[column], wanted=_array(values))}


def copy_to_subnets(tx: Tx, network: Network) -> None:
    """Keep the subnets' copy of ``shared`` and ``external`` true."""
    tx.run(_COPY_TO_SUBNETS, network=network.id, is_shared=int(network.shared), is_external=int(network.external))


def touch(tx: Tx, network_id: str) -> None:
    """A new revision of a network of which a subnet or a segment came or went."""
    tx.run(_TOUCH, network=network_id, at=micros(tx.now))
