"""VLANs: the ranges of the configuration, what is left of them, and what a provider network may ask for."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.vlans import Span, VlanRanges, merged, provider_segment, without
from mooring.errors import Invalid
from mooring.model.network import NetworkType


@pytest.mark.parametrize(
    ("entries", "ranges"),
    [
        ([], {}),
        (["physnet1"], {"physnet1": ((1, 4094),)}),
        (["physnet1:100:199"], {"physnet1": ((100, 199),)}),
        ([" physnet1:100:199 "], {"physnet1": ((100, 199),)}),
        (["physnet1:7:7"], {"physnet1": ((7, 7),)}),
        (["b:1:2", "a", "b:5:6"], {"b": ((1, 2), (5, 6)), "a": ((1, 4094),)}),
    ],
)
def test_ranges_are_read_in_the_order_of_the_configuration(
    entries: list[str], ranges: dict[str, tuple[tuple[int, int], ...]]
) -> None:
    parsed = VlanRanges.parse(entries)
    assert parsed.by_physical_network == ranges
    assert parsed.physical_networks == tuple(ranges)


@pytest.mark.parametrize(
    ("entry", "code", "message"),
    [
        ("", "PhysicalNetworkNameError", "has no physical network name"),
        (":1:2", "PhysicalNetworkNameError", "has no physical network name"),
        ("x" * 65, "PhysicalNetworkNameError", "at most 64 characters"),
        ("physnet1:100", "NetworkVlanRangeError", "two values are needed"),
        ("physnet1:1:2:3", "NetworkVlanRangeError", "two values are needed"),
        ("physnet1:a:2", "NetworkVlanRangeError", "'a' is not a VLAN id from 1 to 4094"),
        ("physnet1:1:", "NetworkVlanRangeError", "'' is not a VLAN id"),
        ("physnet1:0:2", "NetworkVlanRangeError", "'0' is not a VLAN id"),
        ("physnet1:1:4095", "NetworkVlanRangeError", "'4095' is not a VLAN id"),
        ("physnet1:1:1_0", "NetworkVlanRangeError", "'1_0' is not a VLAN id"),
        ("physnet1:200:100", "NetworkVlanRangeError", "the range ends at 100, before it starts at 200"),
    ],
)
def test_a_bad_range_is_refused_with_the_entry(entry: str, code: str, message: str) -> None:
    with pytest.raises(Invalid, match=message) as caught:
        VlanRanges.parse([entry])
    assert caught.value.code == code
    assert repr(entry) in caught.value.message


@pytest.mark.parametrize(
    ("entries", "spans"),
    [
        (["a:1:3", "a:2:4"], ((1, 4),)),
        (["a:5:6", "a:1:4"], ((1, 6),)),
        (["a:1:2", "a:4:5"], ((1, 2), (4, 5))),
        (["a:1:9", "a:3:4"], ((1, 9),)),
        (["a", "a:7:7"], ((1, 4094),)),
    ],
)
def test_overlapping_ranges_offer_each_vlan_once(entries: list[str], spans: tuple[Span, ...]) -> None:
    ranges = VlanRanges.parse(entries)
    assert ranges.spans("a") == spans
    assert all(ranges.holds("a", first) and ranges.holds("a", last) for first, last in spans)
    assert not ranges.holds("a", spans[-1][1] + 1)


def test_physical_networks_have_the_places_of_the_configuration() -> None:
    ranges = VlanRanges.parse(["b:1:2", "a", "b:5:6"])
    assert [ranges.position(name) for name in ("b", "a", "c")] == [0, 1, None]
    assert ranges.spans("c") == ()


NUMBERS = st.integers(1, 60)
SPANS = st.lists(st.tuples(NUMBERS, NUMBERS).map(lambda pair: (min(pair), max(pair))), max_size=6)


def numbers(spans: Iterable[Span]) -> list[int]:
    return [number for first, last in spans for number in range(first, last + 1)]


@given(spans=SPANS, taken=st.sets(NUMBERS))
def test_what_is_left_of_ranges_is_what_is_not_taken(spans: list[Span], taken: set[int]) -> None:
    whole = merged(spans)
    assert numbers(whole) == sorted(set(numbers(spans)))
    left = without(whole, sorted(taken))
    assert numbers(left) == sorted(set(numbers(spans)) - taken)
    assert merged(left) == left, "two ranges touch"


@pytest.mark.parametrize(
    ("asked", "segment"),
    [
        (("vlan", "physnet1", 1999), (NetworkType.VLAN, "physnet1", 1999)),
        (("vlan", "physnet1", 5), (NetworkType.VLAN, "physnet1", 5)),
        (("vlan", "physnet1", None), (NetworkType.VLAN, "physnet1", None)),
        (("vlan", None, None), (NetworkType.VLAN, None, None)),
        (("vlan", "", None), (NetworkType.VLAN, None, None)),
        (("flat", "physnet2", None), (NetworkType.FLAT, "physnet2", None)),
        (("flat", "anything", None), (NetworkType.FLAT, "anything", None)),
    ],
)
def test_a_good_provider_segment_comes_back_typed(
    asked: tuple[str, str | None, int | None], segment: tuple[NetworkType, str | None, int | None]
) -> None:
    assert provider_segment(*asked, {"physnet1", "physnet2"}) == segment


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (("vlan", "nophys", 5), "physical_network 'nophys' unknown for VLAN provider network."),
        (("vlan", "physnet1", 4095), "segmentation_id out of range (1 through 4094)."),
        (("vlan", "physnet1", 0), "segmentation_id out of range (1 through 4094)."),
        (("vxlan", None, None), "network_type value 'vxlan' not supported."),
        (("vlan", None, 12), "segmentation_id requires physical_network for VLAN provider network."),
        (("flat", None, None), "physical_network required for flat provider network."),
        (("flat", "physnet1", 7), "segmentation_id prohibited for flat provider network."),
        (("flat", "elsewhere", None), "physical_network 'elsewhere' unknown for flat provider network."),
        ((None, "physnet1", 7), "network_type required."),
        (("vlan", "x" * 65, 7), "physical_network is longer than 64 characters."),
    ],
)
def test_a_bad_provider_segment_is_refused_in_neutrons_words(
    asked: tuple[str | None, str | None, int | None], reason: str
) -> None:
    with pytest.raises(Invalid) as caught:
        provider_segment(*asked, {"physnet1"}, flat_physical_networks={"physnet1"})
    assert (caught.value.code, caught.value.message) == ("InvalidInput", f"Invalid input for operation: {reason}")
