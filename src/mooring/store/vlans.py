"""The free VLANs of each physical network, as ranges with both ends, and the lowest of them.

``free_vlans`` and the VLANs that segments have inside the configured ranges make up those ranges, without overlap. Any
question here is one look into an index, however many networks there are.
"""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, insert, select, update

from mooring.core.vlans import Span
from mooring.model.network import NetworkType
from mooring.store import tables
from mooring.store.sql import Sql
from mooring.store.tx import Tx

_F, _G, _H = tables.free_vlans.c, tables.segments.c, tables.host_physical_networks.c
_OF_PHYSNET = _F.physical_network == bindparam("physnet")
_THIS = (_OF_PHYSNET, _F.first == bindparam("low"))

LOWEST = Sql(select(_F.physical_network, _F.first, _F.last).order_by(_F.position, _F.first).limit(1))
LOWEST_OF = Sql(select(_F.physical_network, _F.first, _F.last).where(_OF_PHYSNET).order_by(_F.first).limit(1))
_AT_OR_BELOW = Sql(
    select(_F.first, _F.last, _F.position)
    .where(_OF_PHYSNET, _F.first <= bindparam("at"))
    .order_by(_F.first.desc())
    .limit(1)
)
_ALL = Sql(select(_F.first, _F.last).where(_OF_PHYSNET).order_by(_F.first))
_INSERT = Sql(
    insert(tables.free_vlans).values(
        physical_network=bindparam("physnet"), first=bindparam("low"), last=bindparam("high"), position=bindparam("at")
    )
)
_MOVE_FIRST = Sql(update(tables.free_vlans).where(*_THIS).values(first=bindparam("new")))
_MOVE_LAST = Sql(update(tables.free_vlans).where(*_THIS).values(last=bindparam("new")))
_DELETE = Sql(delete(tables.free_vlans).where(*_THIS))
_DELETE_ALL = Sql(delete(tables.free_vlans).where(_OF_PHYSNET))
_PHYSNETS = Sql(select(_F.physical_network).distinct())
_IN_USE = Sql(
    select(_G.segmentation_id)
    .where(_G.network_type == NetworkType.VLAN.value, _G.physical_network == bindparam("physnet"))
    .order_by(_G.segmentation_id)
)
_ON_A_HOST = Sql(select(_H.host).where(_H.physical_network == bindparam("physnet")).limit(1))


def take_lowest(tx: Tx, physical_network: str | None = None) -> tuple[str, int] | None:
    """Take the lowest free VLAN, of the first physical network that has one if none is given; ``None``: none left."""
    row = tx.one(LOWEST) if physical_network is None else tx.one(LOWEST_OF, physnet=physical_network)
    if row is None:
        return None
    physnet, first, last = str(row[0]), int(str(row[1])), int(str(row[2]))
    if first == last:
        tx.run(_DELETE, physnet=physnet, low=first)
    else:
        tx.run(_MOVE_FIRST, physnet=physnet, low=first, new=first + 1)
    return physnet, first


def take(tx: Tx, physical_network: str, vlan_id: int) -> bool:
    """Take this VLAN out of what is free, splitting its range; False when it is in no free range."""
    row = tx.one(_AT_OR_BELOW, physnet=physical_network, at=vlan_id)
    if row is None or int(str(row[1])) < vlan_id:
        return False
    low, high, position = (int(str(cell)) for cell in row)
    if low == vlan_id:
        tx.run(_DELETE, physnet=physical_network, low=low)
    else:
        tx.run(_MOVE_LAST, physnet=physical_network, low=low, new=vlan_id - 1)
    if vlan_id < high:
        tx.run(_INSERT, physnet=physical_network, low=vlan_id + 1, high=high, at=position)
    return True


def give_back(tx: Tx, physical_network: str, position: int, vlan_id: int) -> None:
    """Make a VLAN of the configured ranges free again, joined with its neighbours, if it is not free already."""
    below = tx.one(_AT_OR_BELOW, physnet=physical_network, at=vlan_id)
    if below is not None and int(str(below[1])) >= vlan_id:
        return
    high = vlan_id
    above = tx.one(_AT_OR_BELOW, physnet=physical_network, at=vlan_id + 1)
    if above is not None and int(str(above[0])) == vlan_id + 1:
        high = int(str(above[1]))
        tx.run(_DELETE, physnet=physical_network, low=vlan_id + 1)
    if below is not None and int(str(below[1])) == vlan_id - 1:
        tx.run(_MOVE_LAST, physnet=physical_network, low=int(str(below[0])), new=high)
    else:
        tx.run(_INSERT, physnet=physical_network, low=vlan_id, high=high, at=position)


def set_free(tx: Tx, physical_network: str, position: int, spans: Iterable[Span]) -> None:
    """Make exactly these ranges what is free of a physical network."""
    tx.run(_DELETE_ALL, physnet=physical_network)
    for low, high in spans:
        tx.run(_INSERT, physnet=physical_network, low=low, high=high, at=position)


def free_spans(tx: Tx, physical_network: str) -> list[Span]:
    """What is free of a physical network, ascending."""
    return [(int(str(first)), int(str(last))) for first, last in tx.all(_ALL, physnet=physical_network)]


def physical_networks(tx: Tx) -> set[str]:
    """Those of which something is free."""
    return {str(physnet) for (physnet,) in tx.all(_PHYSNETS)}


def vlans_in_use(tx: Tx, physical_network: str) -> list[int]:
    """The VLANs that segments have, ascending."""
    return [int(str(vlan)) for (vlan,) in tx.all(_IN_USE, physnet=physical_network)]


def is_on_a_host(tx: Tx, physical_network: str) -> bool:
    """Whether any host maps this physical network to a card or a bridge."""
    return tx.one(_ON_A_HOST, physnet=physical_network) is not None
