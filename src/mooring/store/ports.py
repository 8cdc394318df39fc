"""Ports: rows, what must not be there twice, and the questions that are asked of many at once."""

from collections.abc import Callable, Iterable

import msgspec
from sqlalchemy import bindparam, exists, func, select

from mooring.errors import Conflict
from mooring.model.port import Binding, Port, VifType
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.sql import Sql
from mooring.store.tx import Taken, Tx

PORTS = Records(tables.ports, Port, nested={"binding": Binding})

_P, _A = tables.ports.c, tables.ip_allocations.c
_WANTED = select(func.json_each(bindparam("wanted")).table_valued("value").c.value)
_IS_BOUND = (_P.binding_vif_type != VifType.UNBOUND.value) & (_P.binding_vif_type != VifType.BINDING_FAILED.value)

_IDS_ON_NETWORK = Sql(select(_P.id).where(_P.network_id == bindparam("network")).order_by(_P.id))
_BOUND_ON_NETWORK = Sql(select(_P.id).where(_P.network_id == bindparam("network"), _IS_BOUND).order_by(_P.id))
_MAC_HOLDER = Sql(select(_P.id).where(_P.network_id == bindparam("network"), _P.mac_address == bindparam("mac")))
_IS_MAC_TAKEN = Sql(select(exists().where(_P.network_id == bindparam("network"), _P.mac_address == bindparam("mac"))))
_HAS_STRANGERS = Sql(
    select(exists().where(_P.network_id == bindparam("network"), _P.project_id != bindparam("project")))
)
_SLOT_HOLDER = Sql(
    select(_P.id)
    .where(
        _P.binding_host == bindparam("host"),
        _IS_BOUND,
        func.json_extract(_P.binding_profile, "$.pci_slot") == bindparam("slot"),
        _P.id != bindparam("but_not"),
    )
    .limit(1)
)
_WITH_ADDRESS = Sql(select(_A.port_id).where(_A.ip_address.in_(_WANTED)))
_WITH_SUBNET = Sql(select(_A.port_id).where(_A.subnet_id.in_(_WANTED)))
_WITH_ADDRESS_PART = Sql(select(_A.port_id).where(func.instr(_A.ip_address, bindparam("part")) > 0))


def insert(tx: Tx, port: Port) -> Port:
    """Insert a port. Raises Conflict when its MAC is another port's of the network."""
    return _with_its_mac(PORTS.insert, tx, port)


def update(tx: Tx, port: Port) -> Port:
    """Write a port. Raises Conflict when its MAC is another port's of the network."""
    return _with_its_mac(PORTS.update, tx, port)


def _with_its_mac(write: Callable[[Tx, Port], Port], tx: Tx, port: Port) -> Port:
    try:
        return write(tx, port)
    except Taken as broken:
        if "ports.mac_address" not in str(broken):
            raise
        raise mac_in_use(port.network_id, port.mac_address) from broken


def mac_in_use(network_id: str, mac: str) -> Conflict:
    return Conflict(
        f"Unable to complete operation for network {network_id}. The mac address {mac} is in use.",
        code="MacAddressInUse",
    )


def is_mac_taken(tx: Tx, network_id: str, mac: str) -> bool:
    row = tx.one(_IS_MAC_TAKEN, network=network_id, mac=mac)
    return row is not None and bool(row[0])


def holder_of_mac(tx: Tx, network_id: str, mac: str) -> str | None:
    """The id of the network's port with this MAC."""
    row = tx.one(_MAC_HOLDER, network=network_id, mac=mac)
    return None if row is None else str(row[0])


def ids_on_network(tx: Tx, network_id: str) -> list[str]:
    return [str(port_id) for (port_id,) in tx.all(_IDS_ON_NETWORK, network=network_id)]


def bound_on_network(tx: Tx, network_id: str) -> list[str]:
    """The ids of the network's ports that are bound."""
    return [str(port_id) for (port_id,) in tx.all(_BOUND_ON_NETWORK, network=network_id)]


def is_used_by_others(tx: Tx, network_id: str, project_id: str) -> bool:
    """Whether a port on the network belongs to another project than this one."""
    row = tx.one(_HAS_STRANGERS, network=network_id, project=project_id)
    return row is not None and bool(row[0])


def holder_of_slot(tx: Tx, host: str, pci_slot: str, but_not: str) -> str | None:
    """The id of another port that is bound on ``host`` with this ``pci_slot`` in its profile."""
    row = tx.one(_SLOT_HOLDER, host=host, slot=pci_slot, but_not=but_not)
    return None if row is None else str(row[0])


def ids_with_addresses(tx: Tx, addresses: Iterable[str]) -> set[str]:
    return _ids(tx, _WITH_ADDRESS, wanted=msgspec.json.encode(list(addresses)).decode())


def ids_with_subnets(tx: Tx, subnet_ids: Iterable[str]) -> set[str]:
    return _ids(tx, _WITH_SUBNET, wanted=msgspec.json.encode(list(subnet_ids)).decode())


def ids_with_address_part(tx: Tx, part: str) -> set[str]:
    """The ports of which an address contains ``part``, as text."""
    return _ids(tx, _WITH_ADDRESS_PART, part=part)


def _ids(tx: Tx, sql: Sql, **params: object) -> set[str]:
    return {str(port_id) for (port_id,) in tx.all(sql, **params)}
