"""What must hold between the networking tables after anything at all."""

from collections.abc import Iterator
from ipaddress import ip_address
from itertools import pairwise

from sqlalchemy import select

from mooring.core.addressing import is_auto_address
from mooring.model.network import Subnet
from mooring.service.audit_network import free_vlans, marks_of_sharing
from mooring.store import tables
from mooring.store.addresses import free_spans
from mooring.store.networks import NETWORKS, SUBNETS
from mooring.store.ports import PORTS
from mooring.store.sql import Sql
from mooring.store.tx import Tx

_A, _S = tables.ip_allocations.c, tables.subnets.c
_ALLOCATIONS = Sql(select(_A.port_id, _A.subnet_id, _A.ip_address, _A.address))
_COPIES = Sql(select(_S.network_id, _S.shared, _S.external))


def unbalanced(tx: Tx) -> list[str]:
    """Every disagreement, in a sentence; nothing is what there should be."""
    pools = (text for subnet in SUBNETS.where(tx) for text in _pools(tx, subnet))
    return [*_addresses(tx), *pools, *_copies(tx), *free_vlans(tx), *marks_of_sharing(tx)]


def _addresses(tx: Tx) -> Iterator[str]:
    """Ports and allocations tell of the same addresses."""
    booked = {(port, subnet, address) for port, subnet, address, _ in tx.all(_ALLOCATIONS)}
    shown = {(port.id, fixed.subnet_id, fixed.ip_address) for port in PORTS.where(tx) for fixed in port.fixed_ips}
    yield from (f"{each} is in one book only" for each in booked ^ shown)
    for _, _, address, number in tx.all(_ALLOCATIONS):
        if f"{int(ip_address(str(address))):032x}" != number:
            yield f"{address} is booked as {number}"


def _pools(tx: Tx, subnet: Subnet) -> Iterator[str]:
    """What is free and what ports have of the pools makes up the pools."""
    handed_out = () if is_auto_address(subnet) else subnet.allocation_pools
    pools = [(int(ip_address(pool.start)), int(ip_address(pool.end))) for pool in handed_out]
    spans = free_spans(tx, subnet.id)
    taken = [
        int(str(number), 16)
        for _, subnet_id, _, number in tx.all(_ALLOCATIONS)
        if subnet_id == subnet.id and any(low <= int(str(number), 16) <= high for low, high in pools)
    ]
    for (_, end), (start, _) in pairwise(spans):
        if start <= end:
            yield f"free ranges of {subnet.cidr} overlap: {spans}"
    for number in taken:
        if any(low <= number <= high for low, high in spans):
            yield f"{ip_address(number)} of {subnet.cidr} is taken and free"
    if sum(high - low + 1 for low, high in [*spans, *((n, n) for n in taken)]) != sum(
        high - low + 1 for low, high in pools
    ):
        yield f"{subnet.cidr} has pools {pools}, free {spans} and taken {taken}"


def _copies(tx: Tx) -> Iterator[str]:
    networks = {network.id: network for network in NETWORKS.where(tx)}
    for network_id, shared, external in tx.all(_COPIES):
        network = networks[str(network_id)]
        if (bool(shared), bool(external)) != (network.shared, network.external):
            yield f"a subnet of {network_id} says shared {shared}, external {external}"
