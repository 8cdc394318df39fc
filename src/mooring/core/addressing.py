"""IP addresses of ports: reading them, and checking one that somebody chose. Free ones are the store's to find.

Refusals have Neutron's exception name as their code and Neutron's words as their message.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from mooring.core.macs import canonical_mac
from mooring.core.words import shown
from mooring.errors import Invalid
from mooring.model.network import Subnet

Address = IPv4Address | IPv6Address
Cidr = IPv4Network | IPv6Network

IPV4 = 4
IPV6 = 6

#: With these the guest makes its own address from prefix and MAC (RFC 4862), and nobody else may choose it.
AUTO_ADDRESS_MODES = frozenset({"slaac", "dhcpv6-stateless"})
EUI64_PREFIX_BITS = 64

_PREFIX_LENGTH = re.compile(r"[0-9]{1,3}")
_UNIVERSAL_BIT = 1 << 57


def parse_ip(text: object, attribute: str = "ip_address") -> Address:
    """Read one address. Raises Invalid, also for the forms that two readers may read differently.

    Those are octal octets, addresses with a zone (``fe80::1%eth0``), and IPv4 addresses inside IPv6.
    """
    try:
        address = ip_address(text) if isinstance(text, str) else None
    except ValueError:
        address = None
    if address is None or _is_ambiguous(address):
        raise Invalid(
            f"Invalid input for {attribute}. Reason: '{shown(text)}' is not a valid IP address.", code="HTTPBadRequest"
        )
    return address


def _is_ambiguous(address: Address) -> bool:
    return isinstance(address, IPv6Address) and (address.scope_id is not None or address.ipv4_mapped is not None)


def parse_cidr(text: object) -> Cidr:
    """Read ``address/prefix length``; host bits are dropped, as Neutron drops them. Raises Invalid."""
    address, slash, prefix_length = text.partition("/") if isinstance(text, str) else ("", "", "")
    try:
        if not slash or _PREFIX_LENGTH.fullmatch(prefix_length) is None:
            raise ValueError(text)
        parse_ip(address)
        return ip_network(f"{address}/{prefix_length}", strict=False)
    except (ValueError, Invalid) as cause:
        raise Invalid(f"Invalid input for operation: {shown(text)} is not in a CIDR format.") from cause


def host_span(cidr: Cidr) -> tuple[int, int]:
    """The first and the last address that a station may have, as numbers.

    IPv4 loses the network and the broadcast address, IPv6 the Subnet-Router anycast address (RFC 4291, 2.6.1).
    Networks of one or two addresses lose none (RFC 3021, RFC 6164).
    """
    first, last = int(cidr.network_address), int(cidr.broadcast_address)
    if last - first <= 1:
        return first, last
    return first + 1, last - 1 if cidr.version == IPV4 else last


def is_auto_address(subnet: Subnet) -> bool:
    """Whether the guests of this subnet make their own addresses."""
    return bool(AUTO_ADDRESS_MODES & {subnet.ipv6_address_mode, subnet.ipv6_ra_mode})


def eui64_address(cidr: str, mac: str) -> str:
    """The address that a station with this MAC makes for itself in a /64 (RFC 4291, appendix A)."""
    network = parse_cidr(cidr)
    if network.version != IPV6 or network.prefixlen != EUI64_PREFIX_BITS:
        raise Invalid(
            f"Invalid input for operation: Invalid CIDR {cidr} for IPv6 address mode. OpenStack uses the EUI-64 "
            "address format, which requires the prefix to be /64."
        )
    octets = canonical_mac(mac).replace(":", "")
    interface_id = int(octets[:6] + "fffe" + octets[6:], 16) ^ _UNIVERSAL_BIT
    return str(IPv6Address(int(network.network_address) | interface_id))


def check_fixed_ip(subnet: Subnet, address: object) -> str:
    """The canonical form of an address that a port's owner chose in ``subnet``.

    Raises Invalid, ``InvalidIpForSubnet`` when no station of the subnet may have it, and
    ``AllocationOnAutoAddressSubnet`` where guests make their own.
    """
    chosen = parse_ip(address, "fixed_ips")
    if not _is_host_of(subnet, chosen):
        raise Invalid(f"IP address {chosen} is not a valid IP for the specified subnet.", code="InvalidIpForSubnet")
    if is_auto_address(subnet):
        raise Invalid(
            f"IPv6 address {chosen} cannot be directly assigned to a port on subnet {subnet.id} as the subnet is "
            "configured for automatic addresses",
            code="AllocationOnAutoAddressSubnet",
        )
    return str(chosen)


def subnet_of(subnets: Iterable[Subnet], address: object) -> Subnet:
    """The subnet of one network that ``address`` belongs to; raises Invalid, ``InvalidIpForNetwork``."""
    chosen = parse_ip(address, "fixed_ips")
    for subnet in subnets:
        if _is_host_of(subnet, chosen):
            return subnet
    raise Invalid(
        f"IP address {chosen} is not a valid IP for any of the subnets on the specified network.",
        code="InvalidIpForNetwork",
    )


def _is_host_of(subnet: Subnet, address: Address) -> bool:
    cidr = parse_cidr(subnet.cidr)
    first, last = host_span(cidr)
    return cidr.version == address.version and first <= int(address) <= last
