"""DHCP servers: which hosts offer them, and the ports that they have on networks."""

from sqlalchemy import bindparam, exists, func, literal_column, select

from mooring.model.host import Host
from mooring.model.port import Port
from mooring.store import tables
from mooring.store.hosts import HOSTS
from mooring.store.ports import PORTS
from mooring.store.sql import Sql
from mooring.store.tx import Tx

DEVICE_OWNER = "network:dhcp"
"""Neutron's ``DEVICE_OWNER_DHCP``."""
DRIVER = "mooring-dhcp"
"""Who bound the port of a DHCP server of ours. Nobody can say that of a port by the API."""

_P, _H, _S = tables.ports.c, tables.hosts.c, tables.subnets.c
# Spelled out, so that SQLite sees that its partial indexes will do.
_IS_OF_DHCP = _P.device_owner == literal_column(f"'{DEVICE_OWNER}'")
_IS_OURS = _IS_OF_DHCP & (_P.binding_driver == literal_column(f"'{DRIVER}'"))
_OFFERS = _H.dhcp_interfaces != literal_column("'[]'")

_IS_OFFERED = Sql(select(exists().where(_OFFERS)))
_HOSTS = Sql(select(*HOSTS.columns).where(_OFFERS).order_by(_H.name))
_OF_NETWORK = Sql(select(*PORTS.columns).where(_IS_OF_DHCP, _P.network_id == bindparam("network")).order_by(_P.id))
_OF_HOST = Sql(select(*PORTS.columns).where(_IS_OURS, _P.binding_host == bindparam("host")).order_by(_P.network_id))
_LOADS = Sql(select(_P.binding_host, func.count()).where(_IS_OURS).group_by(_P.binding_host))
_WITH_SERVERS = select(_P.network_id).where(_IS_OURS)
_WITH_SUBNETS = select(_S.network_id).where(_S.enable_dhcp == literal_column("1"))
_SERVED = Sql(_WITH_SERVERS.distinct().order_by(_P.network_id))
_ALL = Sql(_WITH_SUBNETS.union(_WITH_SERVERS).order_by("network_id"))


def is_offered(tx: Tx) -> bool:
    """Whether any host has to do with DHCP at all."""
    row = tx.one(_IS_OFFERED)
    return row is not None and bool(row[0])


def hosts(tx: Tx) -> list[Host]:
    """The hosts whose agents are to serve DHCP, whether they can or not, by name."""
    return [HOSTS.value(row) for row in tx.all(_HOSTS)]


def ports_of(tx: Tx, network_id: str) -> list[Port]:
    """The ports of a network's DHCP servers, by age. Those that others made, or bound elsewhere, are none."""
    ours = [port for port in all_ports_of(tx, network_id) if port.binding.driver == DRIVER]
    return sorted(ours, key=lambda port: (port.created_at, port.id))


def all_ports_of(tx: Tx, network_id: str) -> list[Port]:
    """Every port of the network whose device owner is a DHCP server, whoever made it."""
    return [PORTS.value(row) for row in tx.all(_OF_NETWORK, network=network_id)]


def ports_on(tx: Tx, host: str) -> list[Port]:
    """The ports of a host's DHCP servers, by network."""
    return [PORTS.value(row) for row in tx.all(_OF_HOST, host=host)]


def loads(tx: Tx) -> dict[str, int]:
    """Host name to how many networks it serves, where it serves any."""
    return {str(host): int(str(count)) for host, count in tx.all(_LOADS)}


def networks(tx: Tx, *, served_only: bool = False) -> list[str]:
    """The ids of the networks that have a DHCP server, or want one, sorted. For the latter looks at every subnet."""
    return [str(network_id) for (network_id,) in tx.all(_SERVED if served_only else _ALL)]
