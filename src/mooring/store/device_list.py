"""Lists of devices with their owners, whole or page by page, filtered and sorted in SQL; and what changed of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import and_, bindparam, exists, func, or_, select

from mooring.model.request import Claim, Device
from mooring.store import tables
from mooring.store.claims import CLAIMS
from mooring.store.devices import DEVICES
from mooring.store.sql import Sql
from mooring.store.tx import Row, Tx

_D, _C, _S = tables.devices.c, tables.claims.c, tables.servers.c
_N = tables.device_changes.c
_SHAPES_MAX = 512
_NO_LIMIT = -1
#: What a number sorts and is compared as where there is none: nothing that a device has is negative.
NO_NUMBER = -1


def _text_or_none(column: Any) -> Any:
    return func.coalesce(column, "")


def _number_or_none(column: Any) -> Any:
    return func.coalesce(column, NO_NUMBER)


#: What a list is filtered by. The value of one that a device does not have is the empty text, or ``NO_NUMBER``.
_CELLS: Mapping[str, Any] = {
    "id": _D.id, "host": _D.host, "address": _D.address, "kind": _D.kind, "state": _D.state,
    "vendor_id": _D.vendor_id, "product_id": _D.product_id, "device_class": _D.device_class,
    "is_offered": _D.is_offered, "trusted": _D.trusted,
    "physical_network": _text_or_none(_D.physical_network), "pf": _text_or_none(_D.pf),
    "pf_netdev": _text_or_none(_D.pf_netdev), "netdev": _text_or_none(_D.netdev), "driver": _text_or_none(_D.driver),
    "numa_node": _number_or_none(_D.numa_node), "iommu_group": _number_or_none(_D.iommu_group),
    "server_id": _text_or_none(_C.server_id), "server_name": _text_or_none(_S.name),
    "project_id": _text_or_none(_S.project_id),
}  # fmt: skip
#: Lists in one cell: a device is found by any of their items.
_LISTS: Mapping[str, Any] = {"tag": _D.tags, "feature": _D.features}
#: By address as a number: domains beyond four digits come last.
_BY_ADDRESS = (func.length(_D.address), _D.address)
_PLACE = (_D.host, *_BY_ADDRESS)
_SORTS: Mapping[str, Sequence[Any]] = {
    **{name: (_CELLS[name],) for name in _CELLS if name not in ("address", "pf")},
    "address": _BY_ADDRESS,
    "pf": (func.length(_CELLS["pf"]), _CELLS["pf"]),
    **{
        name: (_number_or_none(_D[name]),)
        for name in ("vf_index", "vf_count", "vf_total", "link_speed_mbps", "generation", "verified_at")
    },
}
FILTERS = frozenset(_CELLS) | frozenset(_LISTS)
SORT_KEYS = frozenset(_SORTS)

_SHOWN = (*DEVICES.columns, *CLAIMS.columns, _S.name, _S.project_id)
_SOURCE = tables.devices.outerjoin(tables.claims, _C.device_id == _D.id).outerjoin(
    tables.servers, _S.id == _C.server_id
)
_SEQUENCE = Sql(select(func.coalesce(func.max(_N.sequence), 0)))
_CHANGED = Sql(
    select(_N.sequence, _N.device_id)
    .where(_N.sequence > bindparam("since"))
    .order_by(_N.sequence)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class OwnedDevice:
    """A device, and whose it is."""

    device: Device
    claim: Claim | None = None
    server_name: str | None = None
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceQuery:
    """What to list: ``equals`` maps names of ``FILTERS`` to stored values of which any will do."""

    equals: Mapping[str, Sequence[object]] = field(default_factory=dict)
    sort: Sequence[tuple[str, bool]] = ()
    """(one of ``SORT_KEYS``, ascending), most important first; host and address come last, always."""


def find(tx: Tx, query: DeviceQuery, *, after: str | None = None, limit: int | None = None) -> list[OwnedDevice]:
    """At most ``limit`` of what the query means, those behind device ``after``.

    Raises LookupError when there is no such device.
    """
    shape = _Shape(tuple(sorted(query.equals)), tuple(query.sort), after is not None)
    params: dict[str, object] = {
        f"any_{name}": msgspec.json.encode(list(values)).decode() for name, values in query.equals.items()
    }
    if after is not None:
        place = tx.one(_place_of(shape.sort), device=after)
        if place is None:
            raise LookupError(f"there is no device {after!r}")
        params |= {f"after_{n}": cell for n, cell in enumerate(place)}
    rows = tx.each(_listing(shape), **params, most=_NO_LIMIT if limit is None else limit)
    return [_value(row) for row in rows]


def sequence(tx: Tx) -> int:
    """The number of the newest change; 0 when nothing ever changed."""
    row = tx.one(_SEQUENCE)
    return int(str(row[0])) if row else 0


def changed_after(tx: Tx, since: int, most: int) -> list[tuple[int, str]]:
    """(its number, the device's id) of at most ``most`` changes, oldest first; of each device only the newest one.

    An empty id: a device was removed with its host, or a PCI group or a host aggregate changed.
    """
    return [(int(str(number)), str(ident)) for number, ident in tx.each(_CHANGED, since=since, most=most)]


@dataclass(frozen=True, slots=True)
class _Shape:
    """What of a query decides its text; the rest are parameters."""

    filters: tuple[str, ...]
    sort: tuple[tuple[str, bool], ...]
    is_after: bool


def _value(row: Row) -> OwnedDevice:
    split = len(DEVICES.columns)
    device, held, (server_name, project_id) = row[:split], row[split:-2], row[-2:]
    if held[0] is None:
        return OwnedDevice(DEVICES.value(device))
    claim = CLAIMS.value(held)
    return OwnedDevice(
        DEVICES.value(device), claim, None if server_name is None else str(server_name),
        None if project_id is None else str(project_id),
    )  # fmt: skip


def _order(sort: Sequence[tuple[str, bool]]) -> list[tuple[Any, bool]]:
    asked = [(cell, is_up) for name, is_up in sort for cell in _SORTS[name]]
    return [*asked, *((cell, True) for cell in _PLACE)]


@lru_cache(maxsize=_SHAPES_MAX)
def _place_of(sort: tuple[tuple[str, bool], ...]) -> Sql:
    """What the sorted cells of one device are."""
    cells = [cell.label(f"cell_{n}") for n, (cell, _) in enumerate(_order(sort))]
    return Sql(select(*cells).select_from(_SOURCE).where(_D.id == bindparam("device")))


@lru_cache(maxsize=_SHAPES_MAX)
def _listing(shape: _Shape) -> Sql:
    order = _order(shape.sort)
    statement = select(*_SHOWN).select_from(_SOURCE).where(*map(_holds, shape.filters))
    if shape.is_after:
        statement = statement.where(*_behind(order))
    statement = statement.order_by(*(cell.asc() if is_up else cell.desc() for cell, is_up in order))
    return Sql(statement.limit(bindparam("most")))


def _holds(name: str) -> Any:
    """One parameter however many values there are: a JSON list."""
    wanted = select(func.json_each(bindparam(f"any_{name}")).table_valued("value").c.value).scalar_subquery()
    if name in _CELLS:
        return _CELLS[name].in_(wanted)
    item = func.json_each(_LISTS[name]).table_valued("value", name=f"each_{name}").c.value
    return exists(select(1).where(item.in_(wanted)))


def _behind(order: Sequence[tuple[Any, bool]]) -> list[Any]:
    """Lexicographic (a, b, ...) > (the marker's), each cell in its own direction.

    The bound on the first cell says nothing new, but is one that an index can be searched by.
    """
    either = []
    for n, (cell, is_up) in enumerate(order):
        marker: Any = bindparam(f"after_{n}")
        alike = [before == bindparam(f"after_{k}") for k, (before, _) in enumerate(order[:n])]
        either.append(and_(*alike, cell > marker if is_up else cell < marker))
    first, is_up = order[0]
    bound: Any = bindparam("after_0")
    return [first >= bound if is_up else first <= bound, or_(*either)]
