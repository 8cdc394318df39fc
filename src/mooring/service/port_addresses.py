"""Which addresses a port gets: those asked for, the lowest free ones, and those that guests make for themselves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from mooring.core.addressing import IPV4, IPV6, check_fixed_ip, eui64_address, is_auto_address, parse_ip, subnet_of
from mooring.errors import Exhausted, Invalid
from mooring.model.network import IpRange, Subnet
from mooring.model.port import FixedIp, Port
from mooring.store import addresses
from mooring.store.tx import Tx

FIXED_IPS_MAX = 64


@dataclass(frozen=True, slots=True)
class FixedIpWish:
    """One entry of ``fixed_ips``: a subnet, an address, or both."""

    subnet_id: str | None = None
    ip_address: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where addresses are to be found for a port."""

    network_id: str
    subnets: Sequence[Subnet]
    """All of the network, oldest first."""
    device_owner: str
    mac_address: str


def choose(
    tx: Tx, place: Place, wishes: Sequence[FixedIpWish] | None, current: Iterable[FixedIp] = ()
) -> tuple[FixedIp, ...]:
    """Take addresses out of what is free, keeping what the port has ``current``-ly where that is what is wished.

    ``None`` wishes for one IPv4 address and one IPv6 address, from the first subnets that have one. Subnets on
    which guests make their own addresses always give the one that follows from the MAC. Nothing is written but
    the free ranges. Raises Invalid, Conflict and Exhausted with Neutron's codes.
    """
    if wishes is not None and len(wishes) > FIXED_IPS_MAX:
        raise Invalid(f"Invalid input for operation: {len(wishes)} fixed_ips are more than {FIXED_IPS_MAX}.")
    if wishes is None:
        chosen = _defaults(tx, place)
    else:
        had = list(current)
        # Addresses that were named come before "any of this subnet", which could take them away.
        chosen = [_named(tx, place, wish, had) for wish in wishes if wish.ip_address is not None]
        if len(set(chosen)) < len(chosen):
            raise Invalid("Invalid input for operation: fixed_ips names an address twice.")
        for wish in wishes:
            if wish.ip_address is None:
                _any_of(tx, place, wish, had, chosen)
    for subnet in _usable(place):
        own = _own(subnet, place) if is_auto_address(subnet) else None
        if own is not None and own not in chosen:
            chosen.append(own)
    return tuple(chosen)


def _defaults(tx: Tx, place: Place) -> list[FixedIp]:
    chosen = []
    usable = _usable(place)
    for version in (IPV4, IPV6):
        subnets = [subnet for subnet in usable if subnet.ip_version == version and not is_auto_address(subnet)]
        if subnets:
            chosen.append(_lowest(tx, place, subnets))
    return chosen


def _usable(place: Place) -> list[Subnet]:
    """The subnets that are meant for this kind of device owner. Raises Exhausted when there are others only."""
    usable = [s for s in place.subnets if not s.service_types or place.device_owner in s.service_types]
    if place.subnets and not usable:
        raise Exhausted(
            f"No valid service subnet for the given device owner, network {place.network_id}, "
            f"service type {place.device_owner}.",
            code="IpAddressGenerationFailureNoMatchingSubnet",
        )
    return usable


def _lowest(tx: Tx, place: Place, subnets: Iterable[Subnet]) -> FixedIp:
    for subnet in subnets:
        number = addresses.take_lowest(tx, subnet.id)
        if number is not None:
            # Constructed from the whole number, a small IPv6 address would come out as an IPv4 one.
            return FixedIp(subnet.id, str(type(ip_address(subnet.cidr.partition("/")[0]))(number)))
    raise Exhausted(f"No more IP addresses available on network {place.network_id}.", code="IpAddressGenerationFailure")


def _named(tx: Tx, place: Place, wish: FixedIpWish, had: list[FixedIp]) -> FixedIp:
    """The address that a wish names: one that the port has, or one that nobody has."""
    address = str(parse_ip(wish.ip_address, "fixed_ips"))
    for old in had:
        if old.ip_address == address and wish.subnet_id in (None, old.subnet_id):
            had.remove(old)
            return old
    subnet = subnet_of(place.subnets, address) if wish.subnet_id is None else _subnet(place, wish.subnet_id)
    check_fixed_ip(subnet, address)
    if addresses.is_allocated(tx, subnet.id, address):
        raise addresses.already_allocated(subnet.id, address)
    addresses.take(tx, subnet.id, int(ip_address(address)))
    return FixedIp(subnet.id, address)


def _any_of(tx: Tx, place: Place, wish: FixedIpWish, had: list[FixedIp], chosen: list[FixedIp]) -> None:
    subnet = _subnet(place, wish.subnet_id)
    if is_auto_address(subnet):
        own = _own(subnet, place)
        if own not in chosen:
            chosen.append(own)
        return
    old = next((fixed for fixed in had if fixed.subnet_id == subnet.id), None)
    if old is None:
        chosen.append(_lowest(tx, place, [subnet]))
    else:
        had.remove(old)
        chosen.append(old)


def _subnet(place: Place, subnet_id: str | None) -> Subnet:
    for subnet in place.subnets:
        if subnet.id == subnet_id:
            return subnet
    raise Invalid(
        f"Invalid input for operation: Failed to create port on network {place.network_id}, because fixed_ips "
        f"included invalid subnet {subnet_id}."
    )


def _own(subnet: Subnet, place: Place) -> FixedIp:
    return FixedIp(subnet.id, eui64_address(subnet.cidr, place.mac_address))


def follow_mac(
    tx: Tx, network_id: str, subnets: Sequence[Subnet], before: Port, after: Port,
    wishes: Sequence[FixedIpWish] | None = None,
) -> tuple[FixedIp, ...]:  # fmt: skip
    """The addresses of a port that changes: those wished for, if any were, and those that follow from a new MAC."""
    kept = list(before.fixed_ips)
    if after.mac_address != before.mac_address:
        automatic = {subnet.id for subnet in subnets if is_auto_address(subnet)}
        kept = [fixed for fixed in kept if fixed.subnet_id not in automatic]
        if wishes is None:
            wishes = [FixedIpWish(fixed.subnet_id, fixed.ip_address) for fixed in kept]
    if wishes is None:
        return before.fixed_ips
    chosen = choose(tx, Place(network_id, subnets, after.device_owner, after.mac_address), wishes, kept)
    return before.fixed_ips if set(chosen) == set(before.fixed_ips) else chosen


def exchange(tx: Tx, subnets: Iterable[Subnet], before: Port, after: Port) -> None:
    """Write down what a stored port has no more, and what it has now."""
    release(tx, subnets, [fixed for fixed in before.fixed_ips if fixed not in after.fixed_ips])
    write(tx, after, [fixed for fixed in after.fixed_ips if fixed not in before.fixed_ips])


def write(tx: Tx, port: Port, fixed_ips: Iterable[FixedIp]) -> None:
    """Write down that the port, which is stored, has these addresses. Raises Conflict for one that another has."""
    for fixed in fixed_ips:
        addresses.allocate(tx, fixed.subnet_id, fixed.ip_address, port.id)


def release(tx: Tx, subnets: Iterable[Subnet], fixed_ips: Iterable[FixedIp]) -> None:
    """Give addresses back to their subnets' pools."""
    pools = {subnet.id: _pools(subnet) for subnet in subnets}
    for fixed in fixed_ips:
        addresses.release(tx, fixed.subnet_id, pools[fixed.subnet_id], fixed.ip_address)


def open_pools(tx: Tx, subnet: Subnet) -> None:
    """Make what is free of a subnet its pools without the addresses that ports have."""
    addresses.set_pools(tx, subnet.id, _pools(subnet))


def _pools(subnet: Subnet) -> Sequence[IpRange]:
    """Nothing is handed out where guests make their own addresses, so nothing is kept free there."""
    return () if is_auto_address(subnet) else subnet.allocation_pools
