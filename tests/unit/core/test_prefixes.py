"""Subnet pools: what prefixes come to, the bounds of a pool, and the CIDRs that are cut out of it."""

from fractions import Fraction
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.addressing import parse_cidr
from mooring.core.prefixes import (
    Bounds,
    check_free,
    check_grown,
    check_length,
    compact,
    cut,
    overlapping,
    quota_units,
    settle_bounds,
)
from mooring.errors import Conflict, Exhausted, Invalid


@pytest.mark.parametrize(
    ("given_prefixes", "compacted"),
    [
        (("10.1.0.0/24", "10.0.0.0/24"), ("10.0.0.0/24", "10.1.0.0/24")),
        (("10.0.1.0/24", "10.0.0.0/24"), ("10.0.0.0/23",)),
        (("10.0.0.0/8", "10.9.0.0/16"), ("10.0.0.0/8",)),
        (("2001:db8::/64",), ("2001:db8::/64",)),
    ],
)
def test_prefixes_are_merged_and_sorted(given_prefixes: tuple[str, ...], compacted: tuple[str, ...]) -> None:
    assert compact(given_prefixes) == compacted


@pytest.mark.parametrize(
    ("prefixes", "code"),
    [
        ((), "EmptySubnetPoolPrefixList"),
        (("10.0.0.0/8", "2001:db8::/32"), "PrefixVersionMismatch"),
        (("nonsense",), "InvalidInput"),
    ],
)
def test_prefixes_that_make_no_pool_are_refused(prefixes: tuple[str, ...], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        compact(prefixes)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("version", "asked", "settled"),
    [
        (4, (None, None, None), Bounds(8, 32, 8)),
        (6, (None, None, None), Bounds(64, 128, 64)),
        (4, (24, None, None), Bounds(24, 32, 24)),
        (4, (24, 28, 26), Bounds(24, 28, 26)),
        (6, (0, 0, 0), Bounds(0, 0, 0)),
    ],
)
def test_bounds_that_are_left_open_are_neutrons(
    version: int, asked: tuple[int | None, int | None, int | None], settled: Bounds
) -> None:
    assert settle_bounds(version, *asked) == settled


@pytest.mark.parametrize(
    ("version", "asked", "words"),
    [
        (4, (30, 28, None), "min_prefixlen=30, max_prefixlen=28"),
        (4, (None, 33, None), "max_prefixlen=33, ip_version_max=32"),
        (6, (None, 129, None), "max_prefixlen=129, ip_version_max=128"),
        (4, (24, 28, 23), "default_prefixlen=23, min_prefixlen=24"),
        (4, (24, 28, 29), "default_prefixlen=29, max_prefixlen=28"),
        (6, (None, 32, None), "min_prefixlen=64, max_prefixlen=32"),
    ],
)
def test_bounds_that_contradict_each_other_are_named(
    version: int, asked: tuple[int | None, int | None, int | None], words: str
) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        settle_bounds(version, *asked)
    assert refused.value.code == "IllegalSubnetPoolPrefixBounds"


@pytest.mark.parametrize(
    ("before", "after", "is_grown"),
    [
        (("10.0.0.0/24",), ("10.0.0.0/16",), True),
        (("10.0.0.0/24", "10.2.0.0/24"), ("10.0.0.0/24", "10.2.0.0/23"), True),
        (("10.0.0.0/16",), ("10.0.0.0/24",), False),
        (("10.0.0.0/24",), ("10.1.0.0/24",), False),
        (("0.0.0.0/24",), ("::/0",), False),
    ],
)
def test_prefixes_of_a_pool_only_grow(before: tuple[str, ...], after: tuple[str, ...], is_grown: bool) -> None:
    if is_grown:
        check_grown(before, after)
        return
    with pytest.raises(Invalid) as refused:
        check_grown(before, after)
    assert refused.value.code == "IllegalSubnetPoolPrefixUpdate"


@pytest.mark.parametrize(
    ("left", "right", "answer"),
    [
        (("10.0.0.0/8",), ("10.9.0.0/16",), True),
        (("10.9.0.0/16",), ("10.0.0.0/8",), True),
        (("10.0.0.0/24", "10.2.0.0/24"), ("10.1.0.0/24", "10.3.0.0/24"), False),
        (("10.0.0.0/24",), ("10.0.1.0/24",), False),
    ],
)
def test_pools_overlap_where_they_have_an_address_in_common(
    left: tuple[str, ...], right: tuple[str, ...], answer: bool
) -> None:
    assert overlapping(left, right) is answer


def test_small_blocks_go_before_large_ones_are_cut() -> None:
    prefixes = ("10.0.0.0/16", "10.2.0.0/24")
    assert cut(prefixes, [], 26) == "10.2.0.0/26"
    assert cut(prefixes, ["10.2.0.0/26"], 26) == "10.2.0.64/26"
    assert cut(prefixes, ["10.2.0.0/24"], 26) == "10.0.0.0/26"
    assert cut(prefixes, ["10.2.0.0/24", "10.0.0.0/17"], 17) == "10.0.128.0/17"


def test_full_pool_says_what_it_has_no_room_for() -> None:
    with pytest.raises(Exhausted, match="/25") as refused:
        cut(("10.0.0.0/24",), ["10.0.0.64/26", "10.0.0.192/26"], 25)
    assert refused.value.code == "SubnetAllocationError"


@pytest.mark.parametrize("cidr", ["10.0.0.0/25", "10.0.1.0/26", "10.0.0.64/27", "2001:db8::/64", "10.0.0.0/16"])
def test_cidr_that_is_taken_or_not_the_pools_is_refused(cidr: str) -> None:
    with pytest.raises(Conflict):
        check_free(("10.0.0.0/24",), ["10.0.0.64/26"], parse_cidr(cidr))
    check_free(("10.0.0.0/24",), ["10.0.0.64/26"], parse_cidr("10.0.0.128/25"))


@given(st.lists(st.integers(24, 30), max_size=12))
def test_what_is_cut_never_overlaps_and_never_leaves_the_pool(lengths: list[int]) -> None:
    prefixes, taken = ("192.0.2.0/25", "198.51.100.0/26"), list[str]()
    pool = [ip_network(prefix) for prefix in prefixes]
    for bits in lengths:
        try:
            made = cut(prefixes, taken, bits)
        except Exhausted:
            continue
        check_free(prefixes, taken, parse_cidr(made))
        network = ip_network(made)
        assert network.prefixlen == bits
        assert any(network.subnet_of(block) for block in pool)  # type: ignore[arg-type]  # all are IPv4
        assert not any(network.overlaps(ip_network(other)) for other in taken)
        taken.append(made)


@pytest.mark.parametrize(
    ("bits", "code"), [(23, "MinPrefixSubnetAllocationError"), (29, "MaxPrefixSubnetAllocationError")]
)
def test_length_beyond_the_bounds_is_refused(bits: int, code: str) -> None:
    with pytest.raises(Invalid, match=f"prefix length {bits}") as refused:
        check_length(bits, Bounds(24, 28, 26))
    assert refused.value.code == code
    check_length(24, Bounds(24, 28, 26))
    check_length(28, Bounds(24, 28, 26))


@pytest.mark.parametrize(
    ("cidr", "units"),
    [("10.0.0.0/30", 4), ("2001:db8::/60", 16), ("2001:db8::/64", 1), ("2001:db8::/65", Fraction(1, 2))],
)
def test_quota_counts_addresses_and_networks(cidr: str, units: Fraction) -> None:
    assert quota_units(cidr) == units
