"""The addresses of subnets: what is left of each one's pools, as ranges, and which port has which address.

Numbers are written as 32 hex digits, so that text order is address order for both IP versions. ``free_ranges`` and
the addresses that ports have inside the pools make up the pools, without overlap; an address outside of the pools
can be taken too, and returns to nowhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address

from sqlalchemy import bindparam, delete, insert, select, update

from mooring.errors import Conflict
from mooring.model.network import IpRange
from mooring.store import tables
from mooring.store.sql import Sql
from mooring.store.tx import Taken, Tx

_F, _A = tables.free_ranges.c, tables.ip_allocations.c
_OF_SUBNET = _F.subnet_id == bindparam("subnet")

_INSERT_RANGE = Sql(
    insert(tables.free_ranges).values(subnet_id=bindparam("subnet"), first=bindparam("low"), last=bindparam("high"))
)
_LOWEST = Sql(select(_F.first, _F.last).where(_OF_SUBNET).order_by(_F.first).limit(1))
_AT_OR_BELOW = Sql(
    select(_F.first, _F.last).where(_OF_SUBNET, _F.first <= bindparam("at")).order_by(_F.first.desc()).limit(1)
)
_ALL_RANGES = Sql(select(_F.first, _F.last).where(_OF_SUBNET).order_by(_F.first))
_MOVE_FIRST = Sql(
    update(tables.free_ranges).where(_OF_SUBNET, _F.first == bindparam("low")).values(first=bindparam("new"))
)
_MOVE_LAST = Sql(
    update(tables.free_ranges).where(_OF_SUBNET, _F.first == bindparam("low")).values(last=bindparam("new"))
)
_DELETE_RANGE = Sql(delete(tables.free_ranges).where(_OF_SUBNET, _F.first == bindparam("low")))
_DELETE_RANGES = Sql(delete(tables.free_ranges).where(_OF_SUBNET))

_ALLOCATE = Sql(
    insert(tables.ip_allocations).values(
        subnet_id=bindparam("subnet"), address=bindparam("at"), ip_address=bindparam("ip"), port_id=bindparam("port")
    )
)
_RELEASE = Sql(delete(tables.ip_allocations).where(_A.subnet_id == bindparam("subnet"), _A.address == bindparam("at")))
_HOLDER = Sql(select(_A.port_id).where(_A.subnet_id == bindparam("subnet"), _A.address == bindparam("at")))
_ALLOCATED = Sql(select(_A.address, _A.port_id).where(_A.subnet_id == bindparam("subnet")).order_by(_A.address))
_EVERYWHERE = Sql(select(_A.port_id, _A.ip_address))


def _text(number: int) -> str:
    return f"{number:032x}"


def _number(cell: object) -> int:
    return int(str(cell), 16)


def _spans(pools: Iterable[IpRange]) -> Iterator[tuple[int, int]]:
    for pool in pools:
        yield int(ip_address(pool.start)), int(ip_address(pool.end))


def set_pools(tx: Tx, subnet_id: str, pools: Sequence[IpRange]) -> None:
    """Make what is free of a subnet all of ``pools`` but the addresses that ports have."""
    tx.run(_DELETE_RANGES, subnet=subnet_id)
    taken = [_number(address) for address, _ in tx.all(_ALLOCATED, subnet=subnet_id)]
    for low, high in _spans(pools):
        start = low
        for number in taken:
            if start <= number <= high:
                _insert(tx, subnet_id, start, number - 1)
                start = number + 1
        _insert(tx, subnet_id, start, high)


def _insert(tx: Tx, subnet_id: str, low: int, high: int) -> None:
    if low <= high:
        tx.run(_INSERT_RANGE, subnet=subnet_id, low=_text(low), high=_text(high))


def take_lowest(tx: Tx, subnet_id: str) -> int | None:
    """Take the lowest free address; ``None`` when the pools are empty."""
    row = tx.one(_LOWEST, subnet=subnet_id)
    if row is None:
        return None
    first, last = row
    number = _number(first)
    if first == last:
        tx.run(_DELETE_RANGE, subnet=subnet_id, low=first)
    else:
        tx.run(_MOVE_FIRST, subnet=subnet_id, low=first, new=_text(number + 1))
    return number


def take(tx: Tx, subnet_id: str, number: int) -> bool:
    """Take this address out of what is free, splitting its range; False when it is in no free range."""
    row = tx.one(_AT_OR_BELOW, subnet=subnet_id, at=_text(number))
    if row is None or _number(row[1]) < number:
        return False
    low, high = _number(row[0]), _number(row[1])
    if low == number:
        tx.run(_DELETE_RANGE, subnet=subnet_id, low=row[0])
    else:
        tx.run(_MOVE_LAST, subnet=subnet_id, low=row[0], new=_text(number - 1))
    _insert(tx, subnet_id, number + 1, high)
    return True


def give_back(tx: Tx, subnet_id: str, pools: Iterable[IpRange], number: int) -> None:
    """Make an address free again, joined with its neighbours, if it lies in a pool and is not free already."""
    if not any(low <= number <= high for low, high in _spans(pools)):
        return
    below = tx.one(_AT_OR_BELOW, subnet=subnet_id, at=_text(number))
    if below is not None and _number(below[1]) >= number:
        return
    high = number
    above = tx.one(_AT_OR_BELOW, subnet=subnet_id, at=_text(number + 1))
    if above is not None and _number(above[0]) == number + 1:
        high = _number(above[1])
        tx.run(_DELETE_RANGE, subnet=subnet_id, low=above[0])
    if below is not None and _number(below[1]) == number - 1:
        tx.run(_MOVE_LAST, subnet=subnet_id, low=below[0], new=_text(high))
    else:
        _insert(tx, subnet_id, number, high)


def free_spans(tx: Tx, subnet_id: str) -> list[tuple[int, int]]:
    """What is left of the pools: first and last number of each range, ascending."""
    return [(_number(first), _number(last)) for first, last in tx.all(_ALL_RANGES, subnet=subnet_id)]


def allocate(tx: Tx, subnet_id: str, address: str, port_id: str) -> None:
    """Write down that the port has the address. Raises Conflict when another has it."""
    try:
        tx.run(_ALLOCATE, subnet=subnet_id, at=_text(int(ip_address(address))), ip=address, port=port_id)
    except Taken as taken:
        raise already_allocated(subnet_id, address) from taken


def already_allocated(subnet_id: str, address: str) -> Conflict:
    return Conflict(f"IP address {address} already allocated in subnet {subnet_id}.", code="IpAddressAlreadyAllocated")


def is_allocated(tx: Tx, subnet_id: str, address: str) -> bool:
    return tx.one(_HOLDER, subnet=subnet_id, at=_text(int(ip_address(address)))) is not None


def release(tx: Tx, subnet_id: str, pools: Iterable[IpRange], address: str) -> None:
    """The address is no port's any more, and free if it is the pools'."""
    number = int(ip_address(address))
    if tx.run(_RELEASE, subnet=subnet_id, at=_text(number)):
        give_back(tx, subnet_id, pools, number)


def ports_with_addresses(tx: Tx, subnet_id: str) -> set[str]:
    """The ids of the ports that have an address of this subnet."""
    return {str(port_id) for _, port_id in tx.all(_ALLOCATED, subnet=subnet_id)}


def all_allocations(tx: Tx) -> list[tuple[str, str]]:
    """(port id, address) of every allocation."""
    return [(str(port_id), str(address)) for port_id, address in tx.all(_EVERYWHERE)]
