"""Subnet pools: their prefixes, their bounds, and which CIDR a new subnet is cut out of them.

Codes and words are Neutron's (``neutron/ipam/subnet_alloc.py``, ``neutron/db/db_base_plugin_v2.py``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from ipaddress import IPv4Address, IPv4Network, IPv6Network, collapse_addresses, summarize_address_range

from mooring.core.addressing import IPV4, IPV6, Cidr, parse_cidr
from mooring.errors import Conflict, Exhausted, Invalid

PREFIXES_MAX = 1000
#: The longest prefix of an IP version.
PREFIX_BITS_MAX = {IPV4: 32, IPV6: 128}
#: The shortest that a pool hands out unless it is told.
MIN_PREFIX_BITS = {IPV4: 8, IPV6: 64}
#: The prefix length that a quota counts: addresses of IPv4, /64 networks of IPv6.
QUOTA_PREFIX_BITS = {IPV4: 32, IPV6: 64}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Prefix lengths of the subnets that a pool hands out."""

    shortest: int
    longest: int
    default: int


def compact(prefixes: Iterable[str]) -> tuple[str, ...]:
    """The same addresses in as few prefixes as there can be, ascending.

    Raises Invalid for none (``EmptySubnetPoolPrefixList``), for both IP versions at once
    (``PrefixVersionMismatch``), and for what is no CIDR.
    """
    found = [parse_cidr(prefix) for prefix in prefixes]
    if not found:
        raise Invalid("Empty subnet pool prefix list.", code="EmptySubnetPoolPrefixList")
    if len({cidr.version for cidr in found}) > 1:
        raise Invalid("Cannot mix IPv4 and IPv6 prefixes in a subnet pool.", code="PrefixVersionMismatch")
    return tuple(str(cidr) for cidr in _collapsed(found))


def _collapsed(cidrs: Iterable[Cidr]) -> list[Cidr]:
    """All of one IP version."""
    found = list(cidrs)
    v4 = [cidr for cidr in found if isinstance(cidr, IPv4Network)]
    v6 = [cidr for cidr in found if isinstance(cidr, IPv6Network)]
    return [*collapse_addresses(v4), *collapse_addresses(v6)]


def version_of(prefixes: Sequence[str]) -> int:
    return parse_cidr(prefixes[0]).version


def settle_bounds(version: int, shortest: int | None, longest: int | None, default: int | None) -> Bounds:
    """The bounds, with what was left open filled in. Raises Invalid, ``IllegalSubnetPoolPrefixBounds``."""
    low = MIN_PREFIX_BITS[version] if shortest is None else shortest
    high = PREFIX_BITS_MAX[version] if longest is None else longest
    usual = low if default is None else default
    for name, bits, base, limit, is_wrong in (
        ("min_prefixlen", low, "max_prefixlen", high, low > high),
        ("max_prefixlen", high, "ip_version_max", PREFIX_BITS_MAX[version], high > PREFIX_BITS_MAX[version]),
        ("default_prefixlen", usual, "min_prefixlen", low, usual < low),
        ("default_prefixlen", usual, "max_prefixlen", high, usual > high),
    ):
        if is_wrong:
            raise Invalid(
                f"Illegal prefix bounds: {name}={bits}, {base}={limit}.", code="IllegalSubnetPoolPrefixBounds"
            )
    return Bounds(low, high, usual)


def check_grown(before: Sequence[str], after: Sequence[str]) -> None:
    """Raises Invalid, ``IllegalSubnetPoolPrefixUpdate``, when a pool would lose addresses that it has."""
    new = [_span(prefix) for prefix in after]
    for prefix in before:
        low, high = _span(prefix)
        # Compacted prefixes never touch, so that one of them holds all of an old one or there is a gap.
        if version_of(before) != version_of(after) or not any(first <= low and high <= last for first, last in new):
            raise Invalid(
                "Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.",
                code="IllegalSubnetPoolPrefixUpdate",
                hint=f"{prefix} is not in the new ones",
            )


def overlapping(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether two pools of one IP version have an address in common."""
    spans = [_span(prefix) for prefix in right]
    return any(first <= high and low <= last for low, high in map(_span, left) for first, last in spans)


def _span(prefix: str) -> tuple[int, int]:
    cidr = parse_cidr(prefix)
    return int(cidr.network_address), int(cidr.broadcast_address)


def check_length(bits: int, bounds: Bounds) -> None:
    """Raises Invalid for a subnet that is larger or smaller than a pool hands out."""
    if bits > bounds.longest:
        raise Invalid(
            f"Unable to allocate subnet with prefix length {bits}, maximum allowed prefix is {bounds.longest}.",
            code="MaxPrefixSubnetAllocationError",
        )
    if bits < bounds.shortest:
        raise Invalid(
            f"Unable to allocate subnet with prefix length {bits}, minimum allowed prefix is {bounds.shortest}.",
            code="MinPrefixSubnetAllocationError",
        )


def cut(prefixes: Sequence[str], taken: Iterable[str], bits: int) -> str:
    """A free CIDR of this prefix length: the lowest of the smallest free block that has one.

    So large blocks stay whole. Raises Exhausted, ``SubnetAllocationError``, when there is none (500 in Neutron).
    """
    version = version_of(prefixes)
    best: Cidr | None = None
    for low, high in _free(prefixes, taken):
        for block in summarize_address_range(*_ends(version, low, high)):
            if block.prefixlen <= bits and (best is None or block.prefixlen > best.prefixlen):
                best = block
    if best is None:
        raise Exhausted(
            f"Failed to allocate subnet: Insufficient prefix space to allocate subnet size /{bits}.",
            code="SubnetAllocationError",
            hint="ask for a longer prefix, or have the pool's owner add prefixes",
        )
    return f"{best.network_address}/{bits}"


def check_free(prefixes: Sequence[str], taken: Iterable[str], cidr: Cidr) -> None:
    """Raises Conflict, ``SubnetAllocationError``, unless all of ``cidr`` is free in the pool."""
    low, high = int(cidr.network_address), int(cidr.broadcast_address)
    is_of_pool = version_of(prefixes) == cidr.version
    if not is_of_pool or not any(first <= low and high <= last for first, last in _free(prefixes, taken)):
        raise Conflict(
            "Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.",
            code="SubnetAllocationError",
            hint=f"{cidr} is not in the pool, or a part of it is taken",
        )


def _free(prefixes: Sequence[str], taken: Iterable[str]) -> Iterable[tuple[int, int]]:
    """First and last address of each gap between what is taken."""
    used = sorted(_span(cidr) for cidr in taken)
    for low, high in map(_span, prefixes):
        start = low
        for first, last in used:
            if low <= first <= high:
                if start < first:
                    yield start, first - 1
                start = max(start, last + 1)
        if start <= high:
            yield start, high


def _ends(version: int, low: int, high: int) -> tuple[IPv4Address, IPv4Address]:
    kind = IPv4Network if version == IPV4 else IPv6Network
    address = type(kind((0, PREFIX_BITS_MAX[version])).network_address)
    return address(low), address(high)  # type: ignore[return-value]  # both of one version


def quota_units(cidr: str) -> Fraction:
    """What a subnet counts in its pool's quota: addresses of IPv4, /64 networks of IPv6 or parts of one."""
    parsed = parse_cidr(cidr)
    return Fraction(2) ** (QUOTA_PREFIX_BITS[parsed.version] - parsed.prefixlen)
