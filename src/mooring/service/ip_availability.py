"""How many addresses networks have, and how many of them are taken. For admins and services; others see none."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from mooring.core.addressing import IPV4, is_auto_address, parse_cidr
from mooring.errors import NotFound
from mooring.model.identity import Caller
from mooring.model.network import Network, Subnet
from mooring.store.ip_availability import free_counts, subnets_of_networks, taken_counts
from mooring.store.networks import NETWORKS
from mooring.store.rows import Query
from mooring.store.tx import Tx

#: The network's and the broadcast address, in all IPv4 subnets that have them.
_RESERVED_IPV4 = 2


@dataclass(frozen=True, slots=True)
class Counts:
    """Addresses; all of them may be more than 64 bits hold."""

    total: int
    """What stations may have."""
    total_in_pools: int
    used: int
    used_in_pools: int

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.total + other.total, self.total_in_pools + other.total_in_pools, self.used + other.used,
            self.used_in_pools + other.used_in_pools,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Availability:
    """One network's counts, by subnet."""

    network: Network
    subnets: tuple[tuple[Subnet, Counts], ...]

    @property
    def counts(self) -> Counts:
        return sum((counts for _, counts in self.subnets), start=Counts(0, 0, 0, 0))


def get_counted(tx: Tx, who: Caller, network_id: str) -> Network:
    """Raises NotFound, also for those who may not know."""
    network = NETWORKS.get(tx, network_id) if who.is_privileged else None
    if network is None:
        raise NotFound("network", network_id)
    return network


def list_counted(tx: Tx, who: Caller, query: Query) -> list[Network]:
    return NETWORKS.find(tx, query) if who.is_privileged else []


def availability_of(tx: Tx, found: Sequence[Network], ip_versions: Collection[int] = ()) -> list[Availability]:
    """The counts of many networks, in three reads; of subnets of these IP versions, if any are given."""
    subnets = {
        network_id: [subnet for subnet in of_network if not ip_versions or subnet.ip_version in ip_versions]
        for network_id, of_network in subnets_of_networks(tx, [network.id for network in found]).items()
    }
    ids = [subnet.id for of_network in subnets.values() for subnet in of_network]
    taken, free = taken_counts(tx, ids), free_counts(tx, ids)
    return [
        Availability(
            network,
            tuple(
                (subnet, _counts(subnet, taken.get(subnet.id, 0), free.get(subnet.id, 0)))
                for subnet in subnets.get(network.id, ())
            ),
        )
        for network in found
    ]


def _counts(subnet: Subnet, taken: int, free: int) -> Counts:
    cidr = parse_cidr(subnet.cidr)
    pools = sum(int(ip_address(pool.end)) - int(ip_address(pool.start)) + 1 for pool in subnet.allocation_pools)
    reserved = _RESERVED_IPV4 if cidr.version == IPV4 and cidr.num_addresses > _RESERVED_IPV4 else 0
    # Where guests make their own addresses nothing is kept free, and what they make lies in the pool.
    used_in_pools = min(taken, pools) if is_auto_address(subnet) else pools - free
    return Counts(cidr.num_addresses - reserved, pools or cidr.num_addresses, taken, used_in_pools)
