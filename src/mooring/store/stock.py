"""What placing reads of hosts, and which of them changed since it last looked.

Triggers keep ``host_changes`` (``tables.py``), so that no writer can forget to.
"""

from dataclasses import dataclass
from functools import lru_cache

import msgspec
from sqlalchemy import Select, bindparam, func, select

from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.request import Device
from mooring.model.vf import VfState
from mooring.store import tables
from mooring.store.rows import moment
from mooring.store.sql import Sql
from mooring.store.tx import Row, Tx

SHARED = ""
"""Stands among the names of hosts for what they have in common: aggregates and PCI groups."""

_ADDRESSES_MAX = 65_536
_address = lru_cache(maxsize=_ADDRESSES_MAX)(PciAddress.parse)
_texts = lru_cache(maxsize=4096)(msgspec.json.Decoder(tuple[str, ...]).decode)
_numbers = lru_cache(maxsize=4096)(msgspec.json.Decoder(tuple[int, ...]).decode)

_H, _D, _C, _S = tables.host_changes.c, tables.devices.c, tables.claims.c, tables.servers.c
_CHANGES = Sql(select(_H.sequence, _H.host).where(_H.sequence > bindparam("since")).order_by(_H.sequence))
_MIN_RATE = func.json_extract(_C.desired, "$.rate.min_mbps")


def _both(statement: Select[*tuple[object, ...]], host: object) -> tuple[Sql, Sql]:
    """Of all hosts, and of one."""
    return Sql(statement), Sql(statement.where(host == bindparam("host")))


_DEVICES = _both(
    select(_D.host, _D.address, _D.kind, _D.vendor_id, _D.product_id, _D.state, _D.updated_at, _D.pf, _D.vf_count,
           _D.physical_network, _D.iommu_group, _D.numa_node, _D.is_offered, _D.reason, _D.link_speed_mbps, _D.trusted,
           _D.tags, _D.features, _D.device_class)
    .where(_D.state != VfState.GONE.value)
    .order_by(_D.host),
    _D.host,
)  # fmt: skip
_IN_CELLS = _both(
    select(_S.host, _S.numa_nodes, _S.used_vcpus, _S.used_memory_mib).where(
        _S.host.is_not(None), _S.numa_nodes != "[]"
    ),
    _S.host,
)
_PROMISED = _both(
    select(_C.host, _D.pf, func.sum(_MIN_RATE))
    .select_from(tables.claims.join(tables.devices, _C.device_id == _D.id))
    .where(_MIN_RATE > 0, _D.pf.is_not(None))
    .group_by(_C.host, _D.pf),
    _C.host,
)


@dataclass(frozen=True, slots=True)
class InCells:
    """One server with NUMA cells of its own."""

    nodes: tuple[int, ...]
    vcpus: int
    memory_mib: int


def changes(tx: Tx, since: int) -> list[tuple[int, str]]:
    """(number, host's name or ``SHARED``) of what changed after change number ``since``, oldest first."""
    return [(int(str(number)), str(host)) for number, host in tx.all(_CHANGES, since=since)]


def devices(tx: Tx, host: str | None) -> dict[str, list[Device]]:
    """What is there of one host, or of all, by host; with just what placing and PCI groups look at."""
    found: dict[str, list[Device]] = {}
    for row in _rows(tx, _DEVICES, host):
        device = _device(row)
        found.setdefault(device.host, []).append(device)
    return found


def _device(row: Row) -> Device:
    (
        host, address, kind, vendor_id, product_id, state, updated_at, pf, vf_count, physnet, group, numa_node,
        is_offered, reason, speed_mbps, trusted, tags, features, device_class,
    ) = row  # fmt: skip
    return Device(
        "", host, _address(address), _KINDS[kind], vendor_id, product_id, _STATES[state], moment(updated_at),  # type: ignore[arg-type,index]  # a row's cells
        pf=_address(pf) if pf else None, vf_count=vf_count, physical_network=physnet, iommu_group=group,  # type: ignore[arg-type]  # a row's cells
        numa_node=numa_node, is_offered=bool(is_offered), reason=reason, link_speed_mbps=speed_mbps,  # type: ignore[arg-type]  # a row's cells
        trusted=bool(trusted), tags=_texts(tags), features=_texts(features), device_class=device_class,  # type: ignore[arg-type]  # a row's cells
    )  # fmt: skip


_KINDS = {kind.value: kind for kind in FunctionKind}
_STATES = {state.value: state for state in VfState}


def servers_in_cells(tx: Tx, host: str | None) -> dict[str, list[InCells]]:
    """The servers with NUMA cells of one host, or of all, by host."""
    found: dict[str, list[InCells]] = {}
    for name, nodes, vcpus, memory_mib in _rows(tx, _IN_CELLS, host):
        server = InCells(_numbers(nodes), int(str(vcpus)), int(str(memory_mib)))
        found.setdefault(str(name), []).append(server)
    return found


def promised_mbps(tx: Tx, host: str | None) -> dict[str, dict[PciAddress, int]]:
    """What of the PFs' links is promised as minimum rates, on one host or on all."""
    found: dict[str, dict[PciAddress, int]] = {}
    for name, pf, rate in _rows(tx, _PROMISED, host):
        found.setdefault(str(name), {})[_address(str(pf))] = int(str(rate))
    return found


def _rows(tx: Tx, statements: tuple[Sql, Sql], host: str | None) -> list[Row]:
    of_all, of_one = statements
    return tx.all(of_all) if host is None else tx.all(of_one, host=host)
