"""Security group rules: one spelling of each, Neutron's refusals in Neutron's words, and what makes two the same."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.security_rules import (
    PROTOCOLS,
    check_new,
    normalized_cidr,
    read_ethertype,
    read_port,
    read_prefix,
    read_protocol,
    settled,
)
from mooring.errors import Conflict, Invalid
from mooring.model.security_group import SecurityGroupRule

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NO_PORTS = {"port_range_min": None, "port_range_max": None}
RULE = SecurityGroupRule("r1", "p", "g", NOW, NOW, "ingress")


def rule(**fields: Any) -> SecurityGroupRule:
    return replace(RULE, **fields)


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, None), ("any", None), ("TCP", "tcp"), (17, "17"), ("255", "255"), (0, "0"), ("ipv6-icmp", "ipv6-icmp")],
)
def test_protocol_is_kept_as_a_name_or_a_number(given: object, kept: str | None) -> None:
    assert read_protocol(given) == kept


@pytest.mark.parametrize("value", ["bogus", 256, -1, True, 1.5, [], {}, "", "1_7", "\uff11\uff17", "6 "])
def test_protocol_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(Invalid, match="not supported") as caught:
        read_protocol(value)
    assert caught.value.code == "SecurityGroupRuleInvalidProtocol"


@pytest.mark.parametrize("value", ["-16", 65_536, True, "x", 1.0, [], "\uff11"])
def test_port_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(Invalid, match="Invalid value for port"):
        read_port(value)


@pytest.mark.parametrize(
    ("given", "kept", "normal"),
    [
        ("10.0.0.34/24", "10.0.0.34/24", "10.0.0.0/24"),
        ("192.0.2.1", "192.0.2.1/32", "192.0.2.1/32"),
        ("2001:DB8::1/64", "2001:db8::1/64", "2001:db8::/64"),
        ("::/0", "::/0", "::/0"),
        ("", None, None),
        (None, None, None),
    ],
)
def test_prefix_keeps_its_host_bits_and_is_shown_without_them_too(
    given: object, kept: str | None, normal: str | None
) -> None:
    assert (read_prefix(given), normalized_cidr(kept)) == (kept, normal)


@pytest.mark.parametrize(
    "value",
    ["192.168.1./24", "192.168.1.1/33", "bad", "256", "10.0.0.1/24/2", "10.0.0.01", "::1%eth0", 5, [], "10.0.0.0/-1",
     "10.0.0.0/ 8", "::ffff:1.2.3.4/96", "10.0.0.0/\uff18"],
)  # fmt: skip
def test_prefix_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(Invalid) as caught:
        read_prefix(value)
    assert caught.value.code == "InvalidCIDR"


def test_ethertype_is_read_in_any_case() -> None:
    assert (read_ethertype("ipv4"), read_ethertype("IPV6")) == ("IPv4", "IPv6")
    for value in ("IPv5", None, 4, ["IPv4"]):
        with pytest.raises(Invalid):
            read_ethertype(value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"protocol": "tcp", "port_range_min": 80, "port_range_max": 79}, "port_range_min must be <= port_range_max"),
        ({"protocol": "tcp", "port_range_max": 6}, "port_range_min must be <= port_range_max"),
        ({"protocol": "6", "port_range_min": 6}, "port_range_min must be <= port_range_max"),
        ({"protocol": "udp", "port_range_min": 0, "port_range_max": 9}, "Invalid value for port 0"),
        ({"port_range_min": 1, "port_range_max": 2}, "Must also specify protocol"),
        ({"protocol": "vrrp", "port_range_min": 1, "port_range_max": 2}, "Ports cannot be specified for protocol 112"),
        ({"protocol": "icmp", "port_range_min": 1, "port_range_max": 256}, r"ICMP code \(port_range_max\) 256"),
        ({"protocol": "icmp", "port_range_min": 300, "port_range_max": 1}, r"ICMP type \(port_range_min\) 300"),
        ({"protocol": "1", "port_range_max": 6}, r"ICMP type \(port-range-min\) is missing"),
        ({"ethertype": "IPv6", "remote_ip_prefix": "10.0.0.0/8"}, "Conflicting value ethertype IPv6 for CIDR"),
        ({"remote_ip_prefix": "10.0.0.0/8", "remote_group_id": "g"}, "Only one of remote_ip_prefix"),
        ({"protocol": "ipv6-frag"}, "Invalid ethertype IPv4 for protocol ipv6-frag"),
        ({"protocol": "58"}, "Invalid ethertype IPv4 for protocol 58"),
    ],
)
def test_rule_that_can_never_be_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        settled(rule(**fields))


@pytest.mark.parametrize(
    ("fields", "changed"),
    [
        ({"protocol": "tcp", "port_range_min": 1, "port_range_max": 65_535}, NO_PORTS),
        ({"protocol": "icmpv6", "ethertype": "IPv6"}, {"protocol": "ipv6-icmp"}),
        ({"protocol": "1", "ethertype": "IPv6"}, {"protocol": "58"}),
        ({"protocol": "icmp", "port_range_min": 0, "port_range_max": 0}, {}),
        ({"protocol": "icmp", "port_range_min": 11}, {}),
        ({"protocol": "sctp", "port_range_min": 7, "port_range_max": 7}, {}),
    ],
)  # fmt: skip
def test_rule_is_kept_in_one_spelling(fields: dict[str, object], changed: dict[str, object]) -> None:
    assert settled(rule(**fields)) == rule(**fields | changed)


@given(
    st.sampled_from(["IPv4", "IPv6"]), st.sampled_from([None, *PROTOCOLS, *map(str, range(0, 256, 29))]),
    st.none() | st.integers(0, 65_535), st.none() | st.integers(0, 65_535),
)  # fmt: skip
def test_settled_rule_is_settled(ethertype: str, protocol: str | None, low: int | None, high: int | None) -> None:
    try:
        once = settled(rule(ethertype=ethertype, protocol=protocol, port_range_min=low, port_range_max=high))
    except Invalid:
        return
    assert settled(once) == once


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        ({"protocol": "tcp"}, {"protocol": "6"}, True),
        ({"remote_ip_prefix": "0.0.0.0/0"}, {}, True),
        ({"description": "a"}, {"description": "b"}, True),
        ({"protocol": "tcp"}, {"protocol": "udp"}, False),
        ({"direction": "egress"}, {}, False),
        ({"remote_group_id": "g"}, {}, False),
        ({"remote_ip_prefix": "10.0.0.1/8"}, {"remote_ip_prefix": "10.0.0.0/8"}, False),
    ],
)
def test_two_rules_are_the_same_by_what_they_mean(
    left: dict[str, object], right: dict[str, object], is_same: bool
) -> None:
    new, there = rule(id="new", **left), rule(id="there", **right)
    for rules, old in (([new, there], []), ([new], [there])):
        if not is_same:
            check_new(rules, old)
            continue
        with pytest.raises(Conflict) as caught:
            check_new(rules, old)
        assert caught.value.code == ("SecurityGroupRuleExists" if old else "DuplicateSecurityGroupRuleInPost")
