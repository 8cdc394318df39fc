"""What dnsmasq is told: only known hosts are answered, and nothing that a port's owner wrote ends the server."""

from dataclasses import replace
from pathlib import Path

import pytest

from mooring.host.dnsmasq import DnsmasqFiles, dnsmasq_files
from mooring.model.desired import DesiredDhcp, DhcpHost, DhcpSubnet
from mooring.model.port import DhcpOption

FOUR = DhcpSubnet("four", "198.51.100.0/24", "198.51.100.1")
SIX = DhcpSubnet("six", "2001:db8::/64", "2001:db8::1", ("2001:db8::53",), (), None, "dhcpv6-stateful")
HOST = DhcpHost("p1", "fa:16:3e:00:00:04", ("198.51.100.4", "2001:db8::4"))
WANTED = DesiredDhcp(
    "n1", "physnet1", 100, 1500, "dhcp-port", "02:00:00:00:00:01", ("198.51.100.2/24",), (FOUR,), (HOST,)
)


def files(wanted: DesiredDhcp, *refused: str) -> DnsmasqFiles:
    return dnsmasq_files(wanted, Path("/run/x"), "md1", 3600, lambda text: text not in refused)


def ranges(wanted: DesiredDhcp) -> list[str]:
    return [line for line in files(wanted).config.splitlines() if line.startswith("dhcp-range=")]


def test_nobody_is_answered_but_the_hosts_of_the_file() -> None:
    lines = files(WANTED).config.splitlines()
    assert {"dhcp-ignore=tag:!known", "bind-interfaces", "no-hosts", "port=0", "interface=md1"} <= set(lines)
    assert ranges(WANTED) == ["dhcp-range=set:subnet-four,198.51.100.0,static,255.255.255.0,3600s"]


@pytest.mark.parametrize(
    ("ra_mode", "address_mode", "line", "announces", "address"),
    [
        (None, None, "static", False, True),
        (None, "dhcpv6-stateful", "static", False, True),
        (None, "dhcpv6-stateless", "static", False, False),
        (None, "slaac", None, False, False),
        ("dhcpv6-stateful", "dhcpv6-stateful", "static", True, True),
        ("dhcpv6-stateless", "dhcpv6-stateless", "ra-stateless", True, False),
        ("slaac", "slaac", "ra-only", True, False),
        ("slaac", None, "ra-only", True, False),
    ],
)
def test_the_modes_of_an_ipv6_subnet_decide_on_ranges_addresses_and_advertisements(
    ra_mode: str | None, address_mode: str | None, line: str | None, announces: bool, address: bool
) -> None:
    wanted = replace(WANTED, subnets=(replace(SIX, ipv6_ra_mode=ra_mode, ipv6_address_mode=address_mode),))
    told = files(wanted)
    assert ranges(wanted) == ([f"dhcp-range=set:subnet-six,2001:db8::,{line},64,3600s"] if line else [])
    assert ("enable-ra" in told.config.splitlines()) is announces
    assert ("[2001:db8::4]" in told.hosts) is address


def test_a_host_of_two_families_has_one_line_and_a_second_ipv4_address_its_own() -> None:
    other = DhcpSubnet("other", "203.0.113.0/24")
    host = replace(HOST, addresses=(*HOST.addresses, "203.0.113.4"))
    told = files(replace(WANTED, subnets=(FOUR, SIX, other), hosts=(host,)))
    assert told.hosts.splitlines() == [
        "fa:16:3e:00:00:04,set:port-p1,198.51.100.4,[2001:db8::4],host-198-51-100-4",
        "fa:16:3e:00:00:04,set:port-p1,203.0.113.4",
    ]
    assert told.addresses.keys() == {"198.51.100.4", "2001:db8::4", "203.0.113.4"}


def test_a_subnet_without_gateway_and_dns_sends_neither() -> None:
    told = files(replace(WANTED, subnets=(replace(FOUR, gateway_ip=None),)))
    assert told.options.splitlines() == [
        "tag:subnet-four,option:router", "tag:subnet-four,option:dns-server", "tag:subnet-four,option:mtu,1500",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("option", "line"),
    [
        (DhcpOption("bootfile-name", "pxelinux.0"), "tag:port-p1,option:bootfile-name,pxelinux.0"),
        (DhcpOption("router", ""), "tag:port-p1,option:router"),
        (DhcpOption("66", "192.0.2.9"), "tag:port-p1,66,192.0.2.9"),
        (DhcpOption("dns-server", "[2001:db8::7]", 6), "tag:port-p1,option6:dns-server,[2001:db8::7]"),
        (DhcpOption("23", "[2001:db8::7]", 6), "tag:port-p1,option6:23,[2001:db8::7]"),
    ],
)
def test_options_of_a_port_go_by_name_or_number(option: DhcpOption, line: str) -> None:
    assert line in files(replace(WANTED, hosts=(replace(HOST, options=(option,)),))).options.splitlines()


@pytest.mark.parametrize(
    "option",
    [
        DhcpOption("router", "192.0.2.1\ndhcp-script=/bin/sh"),
        DhcpOption("router\n", "192.0.2.1\n"),
        DhcpOption("tag:!known,3", "192.0.2.1"),
        DhcpOption("option:router", "192.0.2.1"),
        DhcpOption("", "192.0.2.1"),
        DhcpOption("router", "x" * 300),
        DhcpOption("\u0663", "192.0.2.1"),
    ],
)
def test_an_option_that_could_mean_something_else_is_left_out_and_told(option: DhcpOption) -> None:
    told = files(replace(WANTED, hosts=(replace(HOST, options=(option,)),)))
    assert "port-p1" not in told.options
    assert len(told.notes) == 1
    assert told.notes[0].isprintable()


def test_an_option_that_dnsmasq_refuses_is_left_out_and_told() -> None:
    option = DhcpOption("router", "nonsense")
    told = files(replace(WANTED, hosts=(replace(HOST, options=(option,)),)), "tag:port-p1,option:router,nonsense")
    assert told.notes == ("DHCP option router=nonsense of port p1 is left out: dnsmasq does not take it",)
