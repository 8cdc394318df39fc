"""The functions of hosts as admins look at them: with owner and PCI groups, page by page, and what changed of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mooring.core.grouping import Grouping
from mooring.errors import Invalid, NotFound
from mooring.model.pci import FunctionKind
from mooring.model.request import Device
from mooring.model.vf import VfState
from mooring.service.hosts import get_host
from mooring.store import device_list
from mooring.store.device_list import DeviceQuery, OwnedDevice
from mooring.store.groups import GROUPS, aggregates_of_hosts
from mooring.store.tx import Tx

CHUNK = 1000
CHUNKS_MAX = 20
"""Membership of a PCI group is no column: so many chunks of functions one page looks at."""
CHANGES_MAX = 500
"""Of one look."""

GroupsOf = Callable[[Device], frozenset[str]]


@dataclass(frozen=True, slots=True)
class DeviceRow:
    owned: OwnedDevice
    groups: Sequence[str] = ()
    """Names of PCI groups, sorted."""


@dataclass(frozen=True, slots=True)
class DeviceWish:
    """What to look at; ``groups`` are names of PCI groups of which any will do, the empty one for "of none"."""

    query: DeviceQuery
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class DevicePage:
    rows: Sequence[DeviceRow]
    marker: str | None
    """The function behind which there may be more; ``None``: that was all."""
    sequence: int
    """The number of the newest change that it knows of."""


@dataclass(frozen=True, slots=True)
class Change:
    """``row`` is what a function is now; without it, ``left`` is one that is not among those wished for, now.

    With neither, no single function shows what changed: one was removed with its host, or a PCI group changed.
    """

    sequence: int
    row: DeviceRow | None = None
    left: Device | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What changed, oldest first, of each function only the newest."""

    changes: Sequence[Change]
    upto: int
    """Where to go on."""
    is_whole: bool
    """There was no more of it."""


def page_of_devices(tx: Tx, wish: DeviceWish, *, after: str | None, limit: int, chunk_max: int = CHUNK) -> DevicePage:
    """At most ``limit`` functions, those behind function ``after``; by PCI group perhaps fewer, and more behind them.

    Raises NotFound for a host or a PCI group that is not known, Invalid for an ``after`` that is no function.
    """
    groups_of = _checked(tx, wish)
    sequence, found, place = device_list.sequence(tx), list[DeviceRow](), after
    most = chunk_max if wish.groups else limit + 1
    for _ in range(CHUNKS_MAX):
        chunk = _find(tx, wish.query, place, most)
        for owned in chunk:
            if len(found) == limit:
                return DevicePage(found, place, sequence)
            place = owned.device.id
            row = _row(owned, groups_of)
            if _is_in(row, wish.groups):
                found.append(row)
        if len(chunk) < most:
            return DevicePage(found, None, sequence)
    return DevicePage(found, place, sequence)


def get_device(tx: Tx, device_id: str) -> DeviceRow:
    """One function. Raises NotFound."""
    found = device_list.find(tx, DeviceQuery({"id": (device_id,)}))
    if not found:
        raise NotFound("device", device_id, hint="mooring device list shows all")
    return _row(found[0], membership(tx))


def devices_of(tx: Tx, host: str) -> list[DeviceRow]:
    """Every function of one host, by address."""
    groups_of = membership(tx)
    return [_row(owned, groups_of) for owned in device_list.find(tx, DeviceQuery({"host": (host,)}))]


def check_wish(tx: Tx, wish: DeviceWish) -> int:
    """The number of the newest change. Raises NotFound for a host or a PCI group that is not known."""
    _checked(tx, wish)
    return device_list.sequence(tx)


def news_since(tx: Tx, wish: DeviceWish, since: int) -> News:
    """What changed after number ``since``; a number that is yet to come is of another time, and everything is news."""
    newest = device_list.sequence(tx)
    if since > newest:
        return News((Change(newest),), newest, is_whole=True)
    numbers = {ident: number for number, ident in device_list.changed_after(tx, since, CHANGES_MAX)}
    if not numbers:
        return News((), since, is_whole=True)
    everybody = {owned.device.id: owned for owned in device_list.find(tx, DeviceQuery({"id": list(numbers)}))}
    wanted = _wanted(tx, wish, everybody)
    changes = []
    for ident, number in numbers.items():
        if ident in wanted:
            changes.append(Change(number, row=wanted[ident]))
        elif ident == "":
            changes.append(Change(number))
        elif ident in everybody and _may_be_wished(everybody[ident].device, wish):
            changes.append(Change(number, left=everybody[ident].device))
    return News(changes, max(numbers.values()), is_whole=len(numbers) < CHANGES_MAX)


def _wanted(tx: Tx, wish: DeviceWish, everybody: Mapping[str, OwnedDevice]) -> Mapping[str, DeviceRow]:
    """Those that are wished for, by id."""
    found = list(everybody.values())
    if wish.query.equals:
        ids = set(everybody).intersection(wish.query.equals.get("id", everybody))
        found = device_list.find(tx, replace(wish.query, equals={**wish.query.equals, "id": list(ids)}))
    groups_of = membership(tx)
    rows = {owned.device.id: _row(owned, groups_of) for owned in found}
    return {ident: row for ident, row in rows.items() if _is_in(row, wish.groups)}


def _may_be_wished(device: Device, wish: DeviceWish) -> bool:
    """Whether it could ever have been: these never change."""
    place = {"id": device.id, "host": device.host, "address": str(device.address)}
    return all(place[name] in values for name, values in wish.query.equals.items() if name in place)


def _find(tx: Tx, query: DeviceQuery, after: str | None, limit: int) -> list[OwnedDevice]:
    try:
        return device_list.find(tx, query, after=after, limit=limit)
    except LookupError as unknown:
        raise Invalid(f"marker: {unknown}", hint="it is the id of the last one of the page before") from unknown


def _checked(tx: Tx, wish: DeviceWish) -> GroupsOf:
    for name in wish.query.equals.get("host", ()):
        get_host(tx, str(name))
    return membership(tx, wish.groups)


def _row(owned: OwnedDevice, groups_of: GroupsOf) -> DeviceRow:
    return DeviceRow(owned, sorted(groups_of(owned.device)))


def _is_in(row: DeviceRow, groups: frozenset[str]) -> bool:
    return not groups or bool(groups.intersection(row.groups or ("",)))


def membership(tx: Tx, asked: frozenset[str] = frozenset()) -> GroupsOf:
    """Which PCI groups a function is in. Raises NotFound for one that is ``asked`` for and is not there."""
    groups = GROUPS.where(tx)
    if unknown := asked.difference(("",), (group.name for group in groups)):
        raise NotFound("PCI group", min(unknown), hint="mooring pci-group list shows all")
    if not groups:
        return lambda _: frozenset()
    grouping, aggregates = Grouping(groups), aggregates_of_hosts(tx)
    of_host: dict[str, GroupsOf] = {}

    def groups_of(device: Device) -> frozenset[str]:
        if not _is_there_to_have(device):
            return frozenset()
        if device.host not in of_host:
            of_host[device.host] = grouping.on(device.host, aggregates.get(device.host, frozenset()))
        return of_host[device.host](device)

    return groups_of


def _is_there_to_have(device: Device) -> bool:
    """Not gone, and no PF that is there for its VFs only."""
    is_divided = device.kind is FunctionKind.PF and not device.is_offered and device.state is VfState.UNAVAILABLE
    return device.state is not VfState.GONE and not is_divided
