"""Addresses: read without ambiguity, checked against their subnet."""

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.addressing import (
    check_fixed_ip,
    eui64_address,
    host_span,
    is_auto_address,
    parse_cidr,
    parse_ip,
    subnet_of,
)
from mooring.core.words import shown
from mooring.errors import Invalid
from mooring.model.network import Subnet

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def subnet(cidr: str, mode: str | None = None, ident: str = "s1") -> Subnet:
    version = 6 if ":" in cidr else 4
    return Subnet(ident, "n1", "p1", "", version, cidr, NOW, NOW, ipv6_ra_mode=mode, ipv6_address_mode=mode)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0",
        "10.0.0.256",
        "010.0.0.1",
        "0x0a.0.0.1",
        "167772161",
        "10.0.0.1\n",
        " 10.0.0.1",
        "10.0.0.1/32",
        "\u0661\u0660.0.0.1",
        "fe80::1%eth0",
        "::ffff:10.0.0.1",
        "2001:db8::1::2",
        None,
        167772161,
        b"\n\n\n\n",
    ],
)
def test_an_address_that_two_readers_may_read_differently_is_refused(text: object) -> None:
    with pytest.raises(Invalid) as caught:
        parse_ip(text)
    assert caught.value.message == f"Invalid input for ip_address. Reason: '{shown(text)}' is not a valid IP address."
    assert caught.value.code == "HTTPBadRequest"


@given(st.ip_addresses())
def test_every_canonical_address_is_read_back_as_it_was(address: IPv4Address | IPv6Address) -> None:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return
    assert parse_ip(str(address)) == address


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("10.9.0.0/24", "10.9.0.0/24"),
        ("10.9.0.5/24", "10.9.0.0/24"),
        ("2001:DB8:0:9::1/64", "2001:db8:0:9::/64"),
        ("10.9.0.7/32", "10.9.0.7/32"),
    ],
)
def test_host_bits_of_a_cidr_are_dropped(text: str, canonical: str) -> None:
    assert str(parse_cidr(text)) == canonical


@pytest.mark.parametrize(
    "text", ["bad", "10.9.0.0", "10.9.0.0/", "10.9.0.0/33", "10.9.0.0/-1", "10.9.0.0/255.255.255.0", "10.9.0.0/24\n",
             "010.9.0.0/24", "::ffff:10.0.0.0/104", "fe80::%eth0/64", "10.9.0.0/\u0662\u0664", "", None, 7],
)  # fmt: skip
def test_a_bad_cidr_is_refused_in_neutrons_words(text: object) -> None:
    with pytest.raises(Invalid) as caught:
        parse_cidr(text)
    assert caught.value.message == f"Invalid input for operation: {shown(text)} is not in a CIDR format."
    assert caught.value.code == "InvalidInput"


@pytest.mark.parametrize(
    ("cidr", "first", "last"),
    [
        ("10.0.0.0/24", "10.0.0.1", "10.0.0.254"),
        ("10.0.0.0/30", "10.0.0.1", "10.0.0.2"),
        ("10.0.0.0/31", "10.0.0.0", "10.0.0.1"),
        ("10.0.0.9/32", "10.0.0.9", "10.0.0.9"),
        ("2001:db8::/64", "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"),
        ("2001:db8::/127", "2001:db8::", "2001:db8::1"),
        ("2001:db8::5/128", "2001:db8::5", "2001:db8::5"),
    ],
)
def test_stations_may_have_every_address_but_the_reserved_ones(cidr: str, first: str, last: str) -> None:
    assert host_span(parse_cidr(cidr)) == (int(ip_address(first)), int(ip_address(last)))


@pytest.mark.parametrize(
    ("mac", "address"),
    [
        ("fa:16:3e:f8:97:bb", "2001:db8:9:0:f816:3eff:fef8:97bb"),
        ("00:00:5e:00:53:01", "2001:db8:9:0:200:5eff:fe00:5301"),
    ],
)
def test_a_slaac_address_is_the_one_that_the_guest_makes(mac: str, address: str) -> None:
    assert eui64_address("2001:db8:9::/64", mac) == address


@pytest.mark.parametrize("cidr", ["2001:db8::/65", "2001:db8::/48", "10.0.0.0/8"])
def test_only_a_64_bit_prefix_has_eui64_addresses(cidr: str) -> None:
    with pytest.raises(Invalid, match="which requires the prefix to be /64"):
        eui64_address(cidr, "fa:16:3e:00:00:01")


@pytest.mark.parametrize(
    ("cidr", "address"),
    [
        ("203.0.113.0/28", "2001:db8:9:0:f816:3eff:fef8:97bb"),
        ("203.0.113.0/28", "203.0.113.16"),
        ("203.0.113.0/28", "203.0.113.0"),
        ("203.0.113.0/28", "203.0.113.15"),
        ("2001:db8::/64", "2001:db8::"),
        ("2001:db8::/64", "0.0.0.1"),
    ],
)
def test_an_address_that_no_station_of_the_subnet_may_have_is_refused(cidr: str, address: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_fixed_ip(subnet(cidr), address)
    assert caught.value.message == f"IP address {address} is not a valid IP for the specified subnet."
    assert caught.value.code == "InvalidIpForSubnet"


def test_a_chosen_address_comes_back_in_its_canonical_form() -> None:
    assert check_fixed_ip(subnet("2001:db8::/64"), "2001:DB8:0::00ff") == "2001:db8::ff"


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless"])
def test_nobody_chooses_an_address_where_guests_make_their_own(mode: str) -> None:
    auto = subnet("2001:db8::/64", mode)
    assert is_auto_address(auto)
    with pytest.raises(Invalid, match="configured for automatic addresses") as caught:
        check_fixed_ip(auto, "2001:db8::1")
    assert caught.value.code == "AllocationOnAutoAddressSubnet"


def test_an_address_is_chosen_where_dhcp_hands_them_out() -> None:
    stateful = subnet("2001:db8::/64", "dhcpv6-stateful")
    assert not is_auto_address(stateful)
    assert check_fixed_ip(stateful, "2001:db8::1") == "2001:db8::1"


def test_an_address_finds_its_subnet_or_none_of_the_network() -> None:
    subnets = [subnet("10.1.0.0/24", ident="a"), subnet("10.2.0.0/24", ident="b")]
    assert subnet_of(subnets, "10.2.0.9").id == "b"
    with pytest.raises(Invalid) as caught:
        subnet_of(subnets, "9.9.9.9")
    assert caught.value.code == "InvalidIpForNetwork"
    assert caught.value.message == (
        "IP address 9.9.9.9 is not a valid IP for any of the subnets on the specified network."
    )
