"""PCI groups: rows, and what of the cloud's devices decides who is in them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, true

from mooring.core.function_wish import PCI_GROUP
from mooring.core.grouping import ANY_TEXT, Traits
from mooring.model.group import PciGroup, PciSelector
from mooring.model.pci import FunctionKind
from mooring.model.vf import VfState
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.sql import Sql
from mooring.store.tx import Row, Tx

GROUPS = Records(tables.pci_groups, PciGroup)

_A, _C, _D, _S = tables.aggregates.c, tables.claims.c, tables.devices.c, tables.servers.c
_COUNT = Sql(select(func.count()).select_from(tables.pci_groups))
_AGGREGATES = Sql(select(_A.name, _A.hosts))
_PORTS = tables.ports
_BY_PORT = func.json_extract(_PORTS.c.binding_profile, f"$.{PCI_GROUP}")
_NAMES = msgspec.json.Decoder(tuple[str, ...])
_TRAITS = (
    _D.vendor_id, _D.product_id, _D.device_class, _D.kind, _D.physical_network, _D.numa_node, _D.link_speed_mbps,
    _D.features, _D.tags, _D.trusted,
)  # fmt: skip
#: A PF that is there for its VFs only is no function to hand out.
_IS_PRESENT = (_D.state != VfState.GONE.value) & (
    (_D.kind == FunctionKind.VF.value) | (_D.is_offered == 1) | (_D.state != VfState.UNAVAILABLE.value)
)
_PARAMETERS_MAX = 4_096
"""Beyond so many values in its selectors a narrowed statement is dearer than looking at every device."""


@dataclass(frozen=True, slots=True)
class SeenDevice:
    """Of a device, just what decides which PCI groups it is in, and what is counted of it."""

    host: str
    address: str
    traits: Traits
    state: VfState
    is_offered: bool
    count: int = 1
    """How many there are like it."""


@dataclass(frozen=True, slots=True)
class OwnedFunction:
    """A function that a server has."""

    device: SeenDevice
    server_id: str
    server_name: str


def by_name(tx: Tx, name: str) -> PciGroup | None:
    return GROUPS.first(tx, name=name)


def count(tx: Tx) -> int:
    row = tx.one(_COUNT)
    return int(str(row[0])) if row else 0


def aggregate_names(tx: Tx) -> set[str]:
    return {str(name) for name, _ in tx.all(_AGGREGATES)}


def aggregates_of_hosts(tx: Tx) -> Mapping[str, frozenset[str]]:
    """Host to the names of the aggregates that it is in; a host that is in none is not there."""
    found: dict[str, set[str]] = {}
    for name, hosts in tx.all(_AGGREGATES):
        for host in _NAMES.decode(str(hosts)):
            found.setdefault(host, set()).add(str(name))
    return {host: frozenset(names) for host, names in found.items()}


def seen_devices(tx: Tx, selectors: Sequence[PciSelector], *, is_counted: bool = False) -> Iterator[SeenDevice]:
    """The devices that are there, by host: all that one of the selectors may mean, and perhaps more.

    With ``is_counted``, devices that are alike in all but their address come as one, without it.
    """
    alike = (_D.host, _D.state, _D.is_offered, *_TRAITS)
    if is_counted:
        statement = select(func.count(), literal(""), *alike).group_by(*alike)
    else:
        statement = select(literal(1), _D.address, *alike)
    return _seen(tx, statement.where(_IS_PRESENT, _narrowed(selectors)).order_by(_D.host))


def free_devices(tx: Tx, selectors: Sequence[PciSelector]) -> Iterator[SeenDevice]:
    """Of ``seen_devices`` those that are offered and AVAILABLE, with their addresses."""
    statement = select(literal(1), _D.address, _D.host, _D.state, _D.is_offered, *_TRAITS)
    is_free = (_D.state == VfState.AVAILABLE.value) & (_D.is_offered == 1)
    return _seen(tx, statement.where(is_free, _narrowed(selectors)).order_by(_D.host))


def _seen(tx: Tx, statement: Select[Any]) -> Iterator[SeenDevice]:
    return map(_Reader().device, tx.each(Sql(statement)))


def owned_functions(tx: Tx, selectors: Sequence[PciSelector]) -> Iterator[OwnedFunction]:
    """What servers have, being released or not: all that one of the selectors may mean, and perhaps more."""
    return _owned(tx, _narrowed(selectors))


def claimed_for(tx: Tx, name: str) -> Iterator[OwnedFunction]:
    """What servers have because their flavor, or a port of theirs, asked for the PCI group of this name."""
    return _owned(tx, or_(*(column == name for column in (_C.request_id, _BY_PORT))))


def _owned(tx: Tx, means: ColumnElement[bool]) -> Iterator[OwnedFunction]:
    joined = (
        tables.claims.join(tables.devices, _D.id == _C.device_id)
        .outerjoin(tables.servers, _S.id == _C.server_id)
        .outerjoin(_PORTS, _PORTS.c.id == _C.port_id)
    )
    columns = (_C.server_id, _S.name, literal(1), _D.address, _D.host, _D.state, _D.is_offered, *_TRAITS)
    statement = select(*columns).select_from(joined).where(means).order_by(_D.host, _D.address)
    reader = _Reader()
    for server_id, server_name, *row in tx.each(Sql(statement)):
        yield OwnedFunction(reader.device(tuple(row)), str(server_id), str(server_name or ""))


class _Reader:
    """Rows to values; few traits are shared by many devices, and each is read once."""

    def __init__(self) -> None:
        self._traits: dict[Row, Traits] = {}

    def device(self, row: Row) -> SeenDevice:
        count, address, host, state, is_offered, *cells = row
        key = tuple(cells)
        traits = self._traits.get(key)
        if traits is None:
            traits = self._traits[key] = _traits(key)
        return SeenDevice(str(host), str(address), traits, VfState(str(state)), bool(is_offered), int(str(count)))


def _traits(cells: Row) -> Traits:
    vendor_id, product_id, device_class, kind, physnet, numa_node, speed_mbps, features, tags, trusted = cells
    return Traits(
        str(vendor_id), str(product_id), str(device_class), FunctionKind(str(kind)),
        None if physnet is None else str(physnet), None if numa_node is None else int(str(numa_node)),
        None if speed_mbps is None else int(str(speed_mbps)), _NAMES.decode(str(features)), _NAMES.decode(str(tags)),
        bool(trusted),
    )  # fmt: skip


def _narrowed(selectors: Sequence[PciSelector]) -> ColumnElement[bool]:
    """What the database can tell of the selectors; ``core/grouping.py`` decides."""
    values = sum(1 + len(one.hosts) + len(one.physical_networks) for one in selectors)
    if not selectors or values > _PARAMETERS_MAX:
        return true()
    return or_(*(and_(true(), *_clauses(one)) for one in selectors))


def _clauses(selector: PciSelector) -> Iterator[ColumnElement[bool]]:
    for column, value in (
        (_D.vendor_id, selector.vendor_id), (_D.product_id, selector.product_id),
        (_D.kind, selector.kind and selector.kind.value), (_D.numa_node, selector.numa_node),
        (_D.trusted, None if selector.trusted is None else int(selector.trusted)),
    ):  # fmt: skip
        if value is not None:
            yield column == value
    if selector.physical_networks:
        yield _D.physical_network.in_(_literals(selector.physical_networks))
    if selector.hosts and not any(ANY_TEXT in host for host in selector.hosts):
        yield _D.host.in_(_literals(selector.hosts))


def _literals(values: Sequence[str]) -> Sequence[Any]:
    return [literal(value) for value in values]
