"""A new subnet: whether its CIDR is right, what its gateway is, and which addresses it hands out.

Codes and words are Neutron's (``neutron/db/ipam_backend_mixin.py``, ``neutron/ipam/utils.py``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from mooring.core.addressing import (
    AUTO_ADDRESS_MODES,
    EUI64_PREFIX_BITS,
    IPV4,
    IPV6,
    Cidr,
    host_span,
    parse_cidr,
    parse_ip,
)
from mooring.errors import Conflict, Invalid
from mooring.model.network import IpRange

ALLOCATION_POOLS_MAX = 100
IPV6_MODES = frozenset({"slaac", "dhcpv6-stateful", "dhcpv6-stateless"})
#: The longest prefix that leaves room for a DHCP server and a guest.
DHCP_PREFIX_BITS_MAX = {IPV4: 30, IPV6: 126}


class GatewayChoice(Enum):
    """Stands where no gateway was given; ``None`` there means that the subnet shall have none."""

    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class SubnetWish:
    """What was asked for, in the words of the API; ``None`` is "not given" except for the gateway."""

    network_id: str
    ip_version: int
    cidr: str | None
    gateway_ip: str | GatewayChoice | None = GatewayChoice.DEFAULT
    allocation_pools: tuple[IpRange, ...] | None = None
    enable_dhcp: bool = True
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None


@dataclass(frozen=True, slots=True)
class SubnetPlan:
    """The same, decided: every address in its canonical form."""

    cidr: str
    gateway_ip: str | None
    allocation_pools: tuple[IpRange, ...]


def plan_subnet(wish: SubnetWish, other_cidrs: Iterable[str] = ()) -> SubnetPlan:
    """Check a wish and fill in what it leaves open.

    ``other_cidrs`` are those of the network's other subnets. Raises Invalid, or Conflict for a gateway inside a pool.
    """
    if wish.cidr is None:
        raise Invalid(
            "Bad subnets request: a subnetpool must be specified in the absence of a cidr.", code="BadRequest"
        )
    cidr = parse_cidr(wish.cidr)
    check_cidr(cidr, wish.ip_version, wish.network_id, other_cidrs)
    if wish.enable_dhcp:
        check_dhcp(cidr)
    check_ipv6_modes(cidr, wish.enable_dhcp, wish.ipv6_ra_mode, wish.ipv6_address_mode)
    if isinstance(wish.gateway_ip, GatewayChoice):
        gateway = default_gateway(cidr)
    else:
        gateway = None if wish.gateway_ip is None else check_gateway(cidr, wish.gateway_ip)
    if wish.allocation_pools is None:
        pools = default_pools(cidr, gateway)
    else:
        pools = check_pools(cidr, wish.allocation_pools, gateway)
    return SubnetPlan(str(cidr), gateway, pools)


def check_cidr(cidr: Cidr, ip_version: int, network_id: str, other_cidrs: Iterable[str]) -> None:
    """Raises Invalid for another IP version, a prefix of length 0, or an overlap with another subnet."""
    if cidr.version != ip_version:
        raise _invalid(f"cidr '{cidr}' does not match the ip_version '{ip_version}'")
    if cidr.prefixlen == 0:
        raise _invalid("0 is not allowed as CIDR prefix length")
    for other in map(parse_cidr, other_cidrs):
        if cidr.version == other.version and cidr.overlaps(other):
            # Which subnet it overlaps is not said: it may be another project's.
            raise _invalid(f"Requested subnet with cidr: {cidr} for network: {network_id} overlaps with another subnet")


def check_dhcp(cidr: Cidr) -> None:
    """Raises Invalid for a network in which DHCP cannot work."""
    if cidr.prefixlen > DHCP_PREFIX_BITS_MAX[cidr.version]:
        raise _invalid("Subnet has a prefix length that is incompatible with DHCP service enabled")
    if cidr.is_multicast:
        raise _invalid("Multicast IP subnet is not supported if enable_dhcp is True")
    if cidr.is_loopback:
        raise _invalid("Loopback IP subnet is not supported if enable_dhcp is True")
    if cidr.version == IPV4 and int(cidr.network_address) == 0:
        raise _invalid("First IP '0.0.0.0' of network is not supported if enable_dhcp is True")


def check_ipv6_modes(cidr: Cidr, enable_dhcp: bool, ra_mode: str | None, address_mode: str | None) -> None:
    """Raises Invalid for modes that are unknown, contradict each other, or do not go with the CIDR.

    Neutron drops the modes of an IPv4 subnet silently; here they are refused.
    """
    modes = {"ipv6_ra_mode": ra_mode, "ipv6_address_mode": address_mode}
    for attribute, mode in modes.items():
        if mode is not None and cidr.version == IPV4:
            raise _invalid(f"{attribute} is not valid when ip_version is 4")
        if mode is not None and mode not in IPV6_MODES:
            raise Invalid(
                f"Invalid input for {attribute}. Reason: {mode} is not in valid_values.", code="HTTPBadRequest"
            )
    given = {mode for mode in modes.values() if mode is not None}
    if given and not enable_dhcp:
        raise _invalid("ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False")
    if len(given) > 1:
        raise _invalid(
            f"ipv6_ra_mode set to '{ra_mode}' with ipv6_address_mode set to '{address_mode}' is not valid. "
            "If both attributes are set, they must be the same value"
        )
    if given & AUTO_ADDRESS_MODES and cidr.prefixlen != EUI64_PREFIX_BITS:
        raise _invalid(
            f"Invalid CIDR {cidr} for IPv6 address mode. OpenStack uses the EUI-64 address format, "
            "which requires the prefix to be /64"
        )


def default_gateway(cidr: Cidr) -> str | None:
    """The first host of an IPv4 network, the Subnet-Router anycast address of an IPv6 one.

    ``None`` for a network of one address, where a gateway would leave nothing.
    """
    if cidr.num_addresses == 1:
        return None
    return str(cidr.network_address + 1 if cidr.version == IPV4 else cidr.network_address)


def check_gateway(cidr: Cidr, gateway_ip: str) -> str:
    """The gateway in its canonical form. It may lie outside of the subnet, as in Neutron.

    Raises Invalid for another IP version, and for the network or broadcast address of an IPv4 network.
    """
    gateway = parse_ip(gateway_ip, "gateway_ip")
    if gateway.version != cidr.version:
        raise _invalid(f"gateway_ip '{gateway}' does not match the ip_version '{cidr.version}'")
    first, last = host_span(cidr)
    if cidr.version == IPV4 and gateway in cidr and not first <= int(gateway) <= last:
        raise _invalid("Gateway is not valid on subnet")
    return str(gateway)


def default_pools(cidr: Cidr, gateway_ip: str | None) -> tuple[IpRange, ...]:
    """Every address that a station may have, but the gateway's."""
    first, last = host_span(cidr)
    gateway = -1 if gateway_ip is None else int(parse_ip(gateway_ip))
    spans = [(first, gateway - 1), (gateway + 1, last)] if first <= gateway <= last else [(first, last)]
    return tuple(_ip_range(cidr, start, end) for start, end in spans if start <= end)


def check_pools(cidr: Cidr, pools: Sequence[IpRange], gateway_ip: str | None) -> tuple[IpRange, ...]:
    """The pools in canonical form, in their order.

    Raises Invalid (``InvalidAllocationPool``, ``OutOfBoundsAllocationPool``) and Conflict
    (``OverlappingAllocationPools``, ``GatewayConflictWithAllocationPools``).
    """
    if len(pools) > ALLOCATION_POOLS_MAX:
        raise _invalid(f"{len(pools)} allocation pools were given, and a subnet has at most {ALLOCATION_POOLS_MAX}")
    spans = [_checked_span(cidr, pool) for pool in pools]
    for (left_start, left_end), (right_start, right_end) in pairwise(sorted(spans)):
        if right_start <= left_end:
            raise Conflict(
                f"Found overlapping allocation pools: {_text(cidr, left_start, left_end)} "
                f"{_text(cidr, right_start, right_end)} for subnet {cidr}.",
                code="OverlappingAllocationPools",
            )
    gateway = -1 if gateway_ip is None else int(parse_ip(gateway_ip))
    for start, end in spans:
        if start <= gateway <= end:
            raise Conflict(
                f"Gateway ip {gateway_ip} conflicts with allocation pool {_text(cidr, start, end)}.",
                code="GatewayConflictWithAllocationPools",
            )
    return tuple(_ip_range(cidr, start, end) for start, end in spans)


def _checked_span(cidr: Cidr, pool: IpRange) -> tuple[int, int]:
    try:
        start, end = parse_ip(pool.start), parse_ip(pool.end)
    except Invalid as cause:
        raise _invalid_pool(pool) from cause
    if start.version != cidr.version or end.version != cidr.version or int(start) > int(end):
        raise _invalid_pool(pool)
    first, last = host_span(cidr)
    if int(start) < first or int(end) > last:
        raise Invalid(
            f"The allocation pool {start}-{end} spans beyond the subnet cidr {cidr}.", code="OutOfBoundsAllocationPool"
        )
    return int(start), int(end)


def _invalid_pool(pool: IpRange) -> Invalid:
    return Invalid(
        f"The allocation pool {{'start': '{pool.start}', 'end': '{pool.end}'}} is not valid.",
        code="InvalidAllocationPool",
    )


def _ip_range(cidr: Cidr, start: int, end: int) -> IpRange:
    address = type(cidr.network_address)
    return IpRange(str(address(start)), str(address(end)))


def _text(cidr: Cidr, start: int, end: int) -> str:
    pool = _ip_range(cidr, start, end)
    return f"{pool.start}-{pool.end}"


def _invalid(reason: str) -> Invalid:
    return Invalid(f"Invalid input for operation: {reason}.")
