"""Devices: one row for each function that a host ever showed."""

from dataclasses import replace

from sqlalchemy import bindparam, func, literal, select, update

from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Device
from mooring.model.vf import VfState
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.sql import Sql
from mooring.store.tx import Tx

DEVICES = Records(tables.devices, Device)

_D = tables.devices.c

_OWNED = select(tables.claims.c.device_id).where(tables.claims.c.host == bindparam("host"))
_RESTLESS = tuple(state.value for state in (VfState.DISCOVERED, VfState.BASELINING, VfState.QUARANTINED))
_WITH_WORK = Sql(
    select(*DEVICES.columns)
    .where(_D.host == bindparam("host"), _D.state.in_([literal(s) for s in _RESTLESS]) | _D.id.in_(_OWNED))
    .order_by(_D.id)
)
_SET_STATE = Sql(
    update(tables.devices)
    .where(_D.id == bindparam("device"), _D.state == bindparam("old"), _D.generation == bindparam("seen"))
    .values(state=bindparam("new"), generation=bindparam("next"), reason=bindparam("why"), updated_at=bindparam("at"))
)
#: A PF that is there for its VFs only is no function to hand out.
_HANDED_OUT = (_D.kind == FunctionKind.VF.value) | (
    (_D.kind == FunctionKind.PF.value)
    & _D.state.not_in([literal(state.value) for state in (VfState.UNAVAILABLE, VfState.GONE)])
)
_COUNTS = Sql(
    select(_D.kind, _D.physical_network, _D.state, func.count())
    .where(_HANDED_OUT)
    .group_by(_D.kind, _D.physical_network, _D.state)
)
_PLACE = (_D.host, _D.kind, _D.physical_network, _D.state)
_BY_HOST = (
    select(*_PLACE, func.count())
    .where(_HANDED_OUT | (_D.kind == FunctionKind.PCI.value))
    .group_by(*_PLACE)
    .order_by(*_PLACE)
)
_HOST_COUNTS, _ALL_HOSTS_COUNTS = Sql(_BY_HOST.where(_D.host == bindparam("host"))), Sql(_BY_HOST)
_DEGRADED = Sql(
    select(_D.physical_network, func.count())
    .where(_D.state == VfState.IN_USE.value, _D.reason != "")
    .group_by(_D.physical_network)
)
_NETDEVS = Sql(
    select(_D.netdev, _D.pf_netdev)
    .where(_D.host == bindparam("host"), _D.netdev.is_not(None) | _D.pf_netdev.is_not(None))
    .distinct()
)


def of_host(tx: Tx, host: str) -> dict[PciAddress, Device]:
    return {device.address: device for device in DEVICES.where(tx, host=host)}


def with_work(tx: Tx, host: str) -> dict[PciAddress, Device]:
    """The functions of a host that have an owner, or, without one, a baseline to be brought to."""
    return {device.address: device for device in map(DEVICES.value, tx.all(_WITH_WORK, host=host))}


def at(tx: Tx, host: str, address: PciAddress) -> Device | None:
    return DEVICES.first(tx, host=host, address=str(address))


def move(tx: Tx, device: Device, new: VfState, *, generation: int, reason: str = "") -> Device:
    """Change the state of a device that is still as we read it. Raises LookupError when somebody was faster."""
    at_us = int(tx.now.timestamp() * 1_000_000)
    touched = tx.run(
        _SET_STATE, device=device.id, old=device.state.value, seen=device.generation, new=new.value, next=generation,
        why=reason, at=at_us,
    )  # fmt: skip
    if touched != 1:
        raise LookupError(f"device {device.host} {device.address} is no longer {device.state} at {device.generation}")
    return replace(device, state=new, generation=generation, reason=reason, updated_at=tx.now)


def counts(tx: Tx) -> list[tuple[str, str, str, int]]:
    """(kind, physical network or empty, state, how many) of the VFs, and of the PFs that are handed out whole."""
    return [
        (str(kind), str(physnet or ""), str(state), int(str(count))) for kind, physnet, state, count in tx.all(_COUNTS)
    ]


def host_counts(tx: Tx, host: str | None = None) -> list[tuple[str, str, str, str, int]]:
    """(host, kind, physical network or empty, state, how many) as ``counts``, of one host or of all."""
    rows = tx.all(_ALL_HOSTS_COUNTS) if host is None else tx.all(_HOST_COUNTS, host=host)
    return [
        (str(name), str(kind), str(physnet or ""), str(state), int(str(count)))
        for name, kind, physnet, state, count in rows
    ]


def degraded(tx: Tx) -> list[tuple[str, int]]:
    """(physical network or empty, how many functions are in use and not as wanted)."""
    return [(str(physnet or ""), int(str(count))) for physnet, count in tx.all(_DEGRADED)]


def netdevs(tx: Tx, host: str) -> set[str]:
    """The names of a host's network devices, as it told them last."""
    return {str(name) for names in tx.all(_NETDEVS, host=host) for name in names if name}
