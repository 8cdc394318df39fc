"""Subnets: what Neutron answered to the same wishes, word for word."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.addressing import host_span, parse_cidr
from mooring.core.subnets import (
    ALLOCATION_POOLS_MAX,
    SubnetPlan,
    SubnetWish,
    check_pools,
    default_gateway,
    default_pools,
    plan_subnet,
)
from mooring.errors import Conflict, Invalid, MooringError
from mooring.model.network import IpRange

NETWORK = "ae990091-9bd0-4f25-9a63-80b3356e15a4"
WISH = SubnetWish(NETWORK, 4, "10.9.0.0/24")
WISH6 = SubnetWish(NETWORK, 6, "2001:db8:9::/64")


def wish(**changes: object) -> SubnetWish:
    return replace(WISH, **changes)  # type: ignore[arg-type]  # the table below names fields


def wish6(**changes: object) -> SubnetWish:
    return replace(WISH6, **changes)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("asked", "plan"),
    [
        (
            wish(cidr="198.51.100.0/24"),
            SubnetPlan("198.51.100.0/24", "198.51.100.1", (IpRange("198.51.100.2", "198.51.100.254"),)),
        ),
        (wish(gateway_ip="10.8.0.1"), SubnetPlan("10.9.0.0/24", "10.8.0.1", (IpRange("10.9.0.1", "10.9.0.254"),))),
        (
            wish(cidr="203.0.113.0/28", gateway_ip=None, enable_dhcp=False),
            SubnetPlan("203.0.113.0/28", None, (IpRange("203.0.113.1", "203.0.113.14"),)),
        ),
        (
            wish6(ipv6_ra_mode="slaac", ipv6_address_mode="slaac"),
            SubnetPlan(
                "2001:db8:9::/64", "2001:db8:9::", (IpRange("2001:db8:9::1", "2001:db8:9:0:ffff:ffff:ffff:ffff"),)
            ),
        ),
        (
            wish(gateway_ip="10.9.0.128"),
            SubnetPlan(
                "10.9.0.0/24",
                "10.9.0.128",
                (IpRange("10.9.0.1", "10.9.0.127"), IpRange("10.9.0.129", "10.9.0.254")),
            ),
        ),
        (
            wish(cidr="10.9.0.77/24", allocation_pools=(IpRange("10.9.0.10", "10.9.0.30"),)),
            SubnetPlan("10.9.0.0/24", "10.9.0.1", (IpRange("10.9.0.10", "10.9.0.30"),)),
        ),
        (
            wish(cidr="10.9.0.0/31", enable_dhcp=False),
            SubnetPlan("10.9.0.0/31", "10.9.0.1", (IpRange("10.9.0.0", "10.9.0.0"),)),
        ),
        (
            wish(cidr="10.9.0.4/32", enable_dhcp=False),
            SubnetPlan("10.9.0.4/32", None, (IpRange("10.9.0.4", "10.9.0.4"),)),
        ),
    ],
)
def test_what_a_wish_leaves_open_is_filled_in_as_neutron_does(asked: SubnetWish, plan: SubnetPlan) -> None:
    assert plan_subnet(asked) == plan


INPUT = "Invalid input for operation: "


@pytest.mark.parametrize(
    ("asked", "kind", "code", "message"),
    [
        (wish(cidr="bad"), Invalid, "InvalidInput", INPUT + "bad is not in a CIDR format."),
        (
            wish6(cidr="10.0.0.0/24"),
            Invalid,
            "InvalidInput",
            INPUT + "cidr '10.0.0.0/24' does not match the ip_version '6'.",
        ),
        (
            wish(cidr="10.9.0.0/31"),
            Invalid,
            "InvalidInput",
            INPUT + "Subnet has a prefix length that is incompatible with DHCP service enabled.",
        ),
        (
            wish(cidr=None),
            Invalid,
            "BadRequest",
            "Bad subnets request: a subnetpool must be specified in the absence of a cidr.",
        ),
        (
            wish(allocation_pools=(IpRange("10.9.0.200", "10.9.0.10"),)),
            Invalid,
            "InvalidAllocationPool",
            "The allocation pool {'start': '10.9.0.200', 'end': '10.9.0.10'} is not valid.",
        ),
        (
            wish(allocation_pools=(IpRange("10.9.0.10", "nonsense"),)),
            Invalid,
            "InvalidAllocationPool",
            "The allocation pool {'start': '10.9.0.10', 'end': 'nonsense'} is not valid.",
        ),
        (
            wish(allocation_pools=(IpRange("2001:db8::1", "2001:db8::2"),)),
            Invalid,
            "InvalidAllocationPool",
            "The allocation pool {'start': '2001:db8::1', 'end': '2001:db8::2'} is not valid.",
        ),
        (
            wish(gateway_ip="10.9.0.20", allocation_pools=(IpRange("10.9.0.10", "10.9.0.30"),)),
            Conflict,
            "GatewayConflictWithAllocationPools",
            "Gateway ip 10.9.0.20 conflicts with allocation pool 10.9.0.10-10.9.0.30.",
        ),
        (
            wish(allocation_pools=(IpRange("10.9.0.10", "10.9.1.30"),)),
            Invalid,
            "OutOfBoundsAllocationPool",
            "The allocation pool 10.9.0.10-10.9.1.30 spans beyond the subnet cidr 10.9.0.0/24.",
        ),
        (
            wish(allocation_pools=(IpRange("10.9.0.10", "10.9.0.255"),)),
            Invalid,
            "OutOfBoundsAllocationPool",
            "The allocation pool 10.9.0.10-10.9.0.255 spans beyond the subnet cidr 10.9.0.0/24.",
        ),
        (
            wish(allocation_pools=(IpRange("10.9.0.20", "10.9.0.40"), IpRange("10.9.0.10", "10.9.0.20"))),
            Conflict,
            "OverlappingAllocationPools",
            "Found overlapping allocation pools: 10.9.0.10-10.9.0.20 10.9.0.20-10.9.0.40 for subnet 10.9.0.0/24.",
        ),
        (wish(gateway_ip="10.9.0.255"), Invalid, "InvalidInput", INPUT + "Gateway is not valid on subnet."),
        (
            wish(gateway_ip="2001:db8::1"),
            Invalid,
            "InvalidInput",
            INPUT + "gateway_ip '2001:db8::1' does not match the ip_version '4'.",
        ),
        (wish(cidr="0.0.0.0/0"), Invalid, "InvalidInput", INPUT + "0 is not allowed as CIDR prefix length."),
        (
            wish(cidr="0.0.0.0/8"),
            Invalid,
            "InvalidInput",
            INPUT + "First IP '0.0.0.0' of network is not supported if enable_dhcp is True.",
        ),
        (
            wish(cidr="224.0.1.0/24"),
            Invalid,
            "InvalidInput",
            INPUT + "Multicast IP subnet is not supported if enable_dhcp is True.",
        ),
        (
            wish(cidr="127.1.0.0/24"),
            Invalid,
            "InvalidInput",
            INPUT + "Loopback IP subnet is not supported if enable_dhcp is True.",
        ),
        (
            wish(ipv6_ra_mode="slaac"),
            Invalid,
            "InvalidInput",
            INPUT + "ipv6_ra_mode is not valid when ip_version is 4.",
        ),
        (
            wish6(ipv6_ra_mode="slaac", enable_dhcp=False),
            Invalid,
            "InvalidInput",
            INPUT + "ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False.",
        ),
        (
            wish6(ipv6_ra_mode="slaac", ipv6_address_mode="dhcpv6-stateful"),
            Invalid,
            "InvalidInput",
            INPUT + "ipv6_ra_mode set to 'slaac' with ipv6_address_mode set to 'dhcpv6-stateful' is not valid. "
            "If both attributes are set, they must be the same value.",
        ),
        (
            wish6(cidr="2001:db8::/65", ipv6_address_mode="slaac"),
            Invalid,
            "InvalidInput",
            INPUT + "Invalid CIDR 2001:db8::/65 for IPv6 address mode. OpenStack uses the EUI-64 address format, "
            "which requires the prefix to be /64.",
        ),
        (
            wish6(ipv6_ra_mode="magic"),
            Invalid,
            "HTTPBadRequest",
            "Invalid input for ipv6_ra_mode. Reason: magic is not in valid_values.",
        ),
    ],
)
def test_a_bad_wish_is_refused_in_neutrons_words(
    asked: SubnetWish, kind: type[MooringError], code: str, message: str
) -> None:
    with pytest.raises(kind) as caught:
        plan_subnet(asked)
    assert (type(caught.value), caught.value.code, caught.value.message) == (kind, code, message)


@pytest.mark.parametrize("other", ["198.51.100.0/24", "198.51.100.64/26", "198.51.100.0/25"])
def test_an_overlap_names_the_wish_and_not_the_subnet_that_is_there(other: str) -> None:
    with pytest.raises(Invalid) as caught:
        plan_subnet(wish(cidr="198.51.100.0/25"), [other])
    assert caught.value.message == (
        f"Invalid input for operation: Requested subnet with cidr: 198.51.100.0/25 for network: {NETWORK} "
        "overlaps with another subnet."
    )


def test_subnets_of_both_versions_stand_side_by_side() -> None:
    assert plan_subnet(WISH, ["2001:db8::/64", "10.8.0.0/24"]).cidr == "10.9.0.0/24"


def test_the_number_of_pools_is_bounded() -> None:
    pools = tuple(IpRange(f"10.9.{n // 250}.{n % 250 + 1}", f"10.9.{n // 250}.{n % 250 + 1}") for n in range(101))
    with pytest.raises(
        Invalid, match=f"101 allocation pools were given, and a subnet has at most {ALLOCATION_POOLS_MAX}"
    ):
        plan_subnet(wish(cidr="10.9.0.0/16", allocation_pools=pools))


def test_a_network_with_its_gateway_in_the_middle_of_two_addresses_has_pools_still() -> None:
    assert default_pools(parse_cidr("10.9.0.0/30"), "10.9.0.1") == (IpRange("10.9.0.2", "10.9.0.2"),)


@given(st.integers(0, 2**32 - 1), st.integers(8, 32), st.integers(0, 2**24))
def test_default_pools_hold_every_host_but_the_gateway(number: int, prefix: int, offset: int) -> None:
    cidr = parse_cidr(f"{ip_address(number)}/{prefix}")
    first, last = host_span(cidr)
    gateway = str(ip_address(first + offset % (last - first + 1)))
    pools = default_pools(cidr, gateway)
    sizes = [int(ip_address(pool.end)) - int(ip_address(pool.start)) + 1 for pool in pools]
    assert sum(sizes) == last - first
    assert check_pools(cidr, pools, gateway) == pools


@given(st.ip_addresses(), st.integers(1, 128))
def test_a_default_gateway_is_an_address_of_its_network(address: object, prefix: int) -> None:
    network = ip_network(f"{address}/{min(prefix, ip_address(str(address)).max_prefixlen)}", strict=False)
    gateway = default_gateway(network)
    assert gateway is None if network.num_addresses == 1 else ip_address(str(gateway)) in network
