"""Servers: rows, and how much of each host they use."""

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from mooring.model.server import Server
from mooring.store import tables
from mooring.store.rows import Records
from mooring.store.sql import Sql
from mooring.store.tx import Tx

SERVERS = Records(tables.servers, Server)
_S = tables.servers.c
_USAGE = Sql(
    select(_S.host, func.sum(_S.used_vcpus), func.sum(_S.used_memory_mib), func.sum(_S.used_disk_gib), func.count())
    .where(_S.host.is_not(None))
    .group_by(_S.host)
)
_USAGE_OF = Sql(
    select(func.sum(_S.used_vcpus), func.sum(_S.used_memory_mib), func.sum(_S.used_disk_gib), func.count())
    .where(_S.host == bindparam("host"))
    .having(func.count() > 0)
)
_STATUSES = Sql(select(_S.status, func.count()).group_by(_S.status))


@dataclass(frozen=True, slots=True)
class Usage:
    """What the servers of one host take of it."""

    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0
    servers: int = 0


def insert(tx: Tx, server: Server) -> Server:
    flavor = server.flavor
    return SERVERS.insert(
        tx, server, used_vcpus=flavor.vcpus, used_memory_mib=flavor.ram_mib, used_disk_gib=flavor.disk_gib
    )


def usage(tx: Tx) -> dict[str, Usage]:
    """Host name to what is used there."""
    return {str(host): Usage(*(int(str(number)) for number in numbers)) for host, *numbers in tx.all(_USAGE)}


def usage_of(tx: Tx, host: str) -> dict[str, Usage]:
    """The same of one host."""
    row = tx.one(_USAGE_OF, host=host)
    return {} if row is None else {host: Usage(*(int(str(number)) for number in row))}


def statuses(tx: Tx) -> list[tuple[str, int]]:
    return [(str(status), int(str(count))) for status, count in tx.all(_STATUSES)]
