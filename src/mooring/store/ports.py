"""Ports: rows, what must not be there twice, and the questions that are asked of many at once."""

from collections.abc import Callable, Iterable

import msgspec
from sqlalchemy import bindparam, delete, exists, func, select
from sqlalchemy import insert as insert_into

from mooring.errors import Conflict
from mooring.model.port import Binding, Port, VifType
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.sql import Sql
from mooring.store.tx import Taken, Tx

PORTS = Records(tables.ports, Port, nested={"binding": Binding})

_P, _A, _B, _G = tables.ports.c, tables.ip_allocations.c, tables.port_bindings.c, tables.port_security_groups.c
_WANTED = select(func.json_each(bindparam("wanted")).table_valued("value").c.value)
_IS_BOUND = (_P.binding_vif_type != VifType.UNBOUND.value) & (_P.binding_vif_type != VifType.BINDING_FAILED.value)

_IDS_ON_NETWORK = Sql(select(_P.id).where(_P.network_id == bindparam("network")).order_by(_P.id))
_MAC_HOLDER = Sql(select(_P.id).where(_P.network_id == bindparam("network"), _P.mac_address == bindparam("mac")))
_IS_MAC_TAKEN = Sql(select(exists().where(_P.network_id == bindparam("network"), _P.mac_address == bindparam("mac"))))
_NET = tables.networks.c
_NETWORKS_WITH_STRANGERS = Sql(
    select(_NET.id)
    .where(
        _NET.project_id == bindparam("project"),
        # Two ranges of an index, where "another project's" would read all that are on the network.
        exists().where(_P.network_id == _NET.id, _P.project_id < bindparam("project"))
        | exists().where(_P.network_id == _NET.id, _P.project_id > bindparam("project")),
    )
    .order_by(_NET.id)
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
_INACTIVE_SLOT_HOLDER = Sql(
    select(_B.port_id)
    .where(
        _B.binding_host == bindparam("host"),
        _B.binding_vif_type != VifType.UNBOUND.value,
        func.json_extract(_B.binding_profile, "$.pci_slot") == bindparam("slot"),
        _B.port_id != bindparam("but_not"),
    )
    .limit(1)
)
_POLICIES = Sql(
    select(tables.networks.c.id, tables.networks.c.qos_policy_id).where(
        tables.networks.c.id.in_(_WANTED), tables.networks.c.qos_policy_id.is_not(None)
    )
)
_LINK_GROUP = Sql(insert_into(tables.port_security_groups).values(dict.fromkeys(("port_id", "security_group_id"))))
_UNLINK_GROUPS = Sql(delete(tables.port_security_groups).where(_G.port_id == bindparam("port")))
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


def networks_with_strangers(tx: Tx, project_id: str) -> list[str]:
    """The project's own networks on which others have ports."""
    return [str(ident) for (ident,) in tx.all(_NETWORKS_WITH_STRANGERS, project=project_id)]


def holder_of_slot(tx: Tx, host: str, pci_slot: str, but_not: str) -> str | None:
    """The id of another port that is bound on ``host``, inactively perhaps, with this ``pci_slot`` in its profile."""
    for sql in (_SLOT_HOLDER, _INACTIVE_SLOT_HOLDER):
        row = tx.one(sql, host=host, slot=pci_slot, but_not=but_not)
        if row is not None:
            return str(row[0])
    return None


def link_groups(tx: Tx, port: Port) -> None:
    """Write down which security groups a stored port has."""
    tx.run(_UNLINK_GROUPS, port=port.id)
    for group_id in port.security_group_ids:
        tx.run(_LINK_GROUP, port_id=port.id, security_group_id=group_id)


def network_policies(tx: Tx, network_ids: Iterable[str]) -> dict[str, str]:
    """Network id to its QoS policy's, for those that have one."""
    rows = tx.all(_POLICIES, wanted=msgspec.json.encode(list(network_ids)).decode())
    return {str(ident): str(policy_id) for ident, policy_id in rows}


def ids_with_addresses(tx: Tx, addresses: Iterable[str]) -> set[str]:
    return _ids(tx, _WITH_ADDRESS, wanted=msgspec.json.encode(list(addresses)).decode())


def ids_with_subnets(tx: Tx, subnet_ids: Iterable[str]) -> set[str]:
    return _ids(tx, _WITH_SUBNET, wanted=msgspec.json.encode(list(subnet_ids)).decode())


def ids_with_address_part(tx: Tx, part: str) -> set[str]:
    """The ports of which an address contains ``part``, as text."""
    return _ids(tx, _WITH_ADDRESS_PART, part=part)


def _ids(tx: Tx, sql: Sql, **params: object) -> set[str]:
    return {str(port_id) for (port_id,) in tx.all(sql, **params)}
