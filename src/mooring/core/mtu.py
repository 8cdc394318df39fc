"""The MTU of a network: its default, its limit, and the least that an IP version needs.

The largest MTU of a network is that of the smallest physical network which it is on, and its default: Neutron's type
drivers do the same with ``global_physnet_mtu`` and ``physical_network_mtus``.
"""

from collections.abc import Iterable, Mapping

from mooring.errors import Conflict, Invalid

MTU_DEFAULT = 1500
#: RFC 791 for IPv4, RFC 8200 for IPv6.
MTU_MIN: Mapping[int, int] = {4: 68, 6: 1280}


def largest_mtu(global_mtu: int, by_physical_network: Mapping[str, int], physical_networks: Iterable[str]) -> int:
    """What goes through all of the physical networks; the global one where they say nothing."""
    return min([global_mtu, *(by_physical_network.get(physnet, global_mtu) for physnet in physical_networks)])


def network_mtu(wanted: int, largest: int) -> int:
    """The MTU that a network gets; 0 asks for the default. Raises Invalid beyond what its physical networks carry."""
    if not 0 <= wanted <= largest:
        raise Invalid(
            f"Invalid input for operation: Requested MTU is too big, maximum is {largest}.",
            hint=f"mtu {wanted} was asked for; see global_physnet_mtu and physical_network_mtus",
        )
    return wanted or largest


def check_mtu(network_id: str, mtu: int, ip_version: int) -> None:
    """Raises Conflict, ``NetworkMTUSubnetConflict``, when a subnet of this IP version cannot work with the MTU."""
    least = MTU_MIN[ip_version]
    if mtu < least:
        raise Conflict(
            f"MTU {mtu} of network {network_id} is below {least}, the least that IPv{ip_version} needs.",
            code="NetworkMTUSubnetConflict",
        )
