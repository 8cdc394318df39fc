"""The MTU of a network: its default, its limit, and the least that an IP version needs."""

from collections.abc import Mapping

from mooring.errors import Conflict, Invalid

MTU_DEFAULT = 1500
#: What cards and switches with jumbo frames carry.
MTU_MAX = 9216
#: RFC 791 for IPv4, RFC 8200 for IPv6.
MTU_MIN: Mapping[int, int] = {4: 68, 6: 1280}


def network_mtu(wanted: int) -> int:
    """The MTU that a network gets; 0 asks for the default. Raises Invalid beyond the limit."""
    if not 0 <= wanted <= MTU_MAX:
        raise Invalid(f"Invalid input for operation: mtu {wanted} is not from 0 to {MTU_MAX}.")
    return wanted or MTU_DEFAULT


def check_mtu(network_id: str, mtu: int, ip_version: int) -> None:
    """Raises Conflict, ``NetworkMTUSubnetConflict``, when a subnet of this IP version cannot work with the MTU."""
    least = MTU_MIN[ip_version]
    if mtu < least:
        raise Conflict(
            f"MTU {mtu} of network {network_id} is below {least}, the least that IPv{ip_version} needs.",
            code="NetworkMTUSubnetConflict",
        )
