"""What a port profile may hold, and when it fits a network."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.core.port_profiles import (
    NAME_MAX_CHARS,
    VLANS_MAX,
    check_fit,
    fitting,
    read_profile_name,
    read_vlans,
)
from mooring.errors import Conflict, Invalid
from mooring.model.network import NetworkType, Segment
from mooring.model.port_profile import PortProfile

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOLD = PortProfile("p1", "gold", NOW, NOW, (100,), ())


def vlan(vlan_id: int, physnet: str = "physnet1") -> Segment:
    return Segment(f"s{vlan_id}-{physnet}", "n", NetworkType.VLAN, physnet, vlan_id)


FLAT = Segment("flat", "n", NetworkType.FLAT, "physnet1", None)


@pytest.mark.parametrize("name", ["gold", "g", "OS-PP-100", "a b", "x" * NAME_MAX_CHARS, "%{}~!", "..a"])
def test_a_name_that_libvirt_takes_is_one(name: str) -> None:
    assert read_profile_name("name", name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "gold ", " gold", "x" * (NAME_MAX_CHARS + 1), "über", "a\tb", "a\n", "a/b", ".", "..", 7, None, ["gold"],
     "2f0e4a5c-0000-4000-8000-000000000000", "\x7f"],
)  # fmt: skip
def test_what_libvirt_a_path_or_an_id_would_not_bear_is_no_name(name: object) -> None:
    with pytest.raises(Invalid):
        read_profile_name("name", name)


def test_the_first_vlan_is_native_and_the_others_are_sorted() -> None:
    assert read_vlans("vlans", [300, 7, 5]) == (300, 5, 7)


@pytest.mark.parametrize(
    "vlans", [[], [0], [4095], [-1], [100, 100], ["100"], [True], [1.0], "100", 100, None, [[1]], list(range(1, 131))]
)
def test_what_is_no_list_of_vlans_is_refused(vlans: object) -> None:
    assert VLANS_MAX < 130
    with pytest.raises(Invalid):
        read_vlans("vlans", vlans)


@pytest.mark.parametrize(
    ("profile", "segments", "fit"),
    [
        (GOLD, [vlan(100)], [vlan(100)]),
        (GOLD, [vlan(200), vlan(100, "physnet2")], [vlan(100, "physnet2")]),
        (replace(GOLD, physical_networks=("physnet2",)), [vlan(100), vlan(100, "physnet2")], [vlan(100, "physnet2")]),
        (replace(GOLD, vlans=(200, 100)), [vlan(100)], []),
        (GOLD, [FLAT], []),
        (GOLD, [], []),
    ],
)
def test_a_segment_fits_when_its_vlan_is_the_native_one_where_the_profile_is_known(
    profile: PortProfile, segments: list[Segment], fit: list[Segment]
) -> None:
    assert fitting(profile, segments) == fit


@pytest.mark.parametrize(
    ("profile", "segments", "code", "message"),
    [
        (GOLD, [vlan(200)], "PortProfileVlanMismatch",
         "port profile gold puts ports on VLAN 100, and network blue is on VLAN 200"),
        (GOLD, [FLAT], "PortProfileVlanMismatch",
         "port profile gold puts ports on VLAN 100, and network blue is untagged"),
        (GOLD, [vlan(200), vlan(300)], "PortProfileVlanMismatch",
         "port profile gold puts ports on VLAN 100, and network blue is on VLAN 200 or on VLAN 300"),
        (replace(GOLD, physical_networks=("physnet9", "physnet8")), [vlan(100)], "PortProfilePhysicalNetworkMismatch",
         "port profile gold is of physnet8 or physnet9, and network blue is on physnet1"),
    ],
)  # fmt: skip
def test_a_clash_names_both_values(profile: PortProfile, segments: list[Segment], code: str, message: str) -> None:
    with pytest.raises(Conflict) as refused:
        check_fit(profile, "blue", segments)
    assert (refused.value.code, refused.value.message) == (code, message)
    assert refused.value.hint


@pytest.mark.parametrize("segments", [[vlan(200)], [vlan(100, "physnet9")]])
def test_those_who_may_not_see_vlans_hear_no_value(segments: list[Segment]) -> None:
    with pytest.raises(Conflict) as refused:
        check_fit(replace(GOLD, physical_networks=("physnet1",)), "blue", segments, is_told=False)
    assert not any(word in refused.value.message + refused.value.hint for word in ("100", "200", "physnet"))


@settings(max_examples=100)
@given(st.lists(st.integers(1, 4094), min_size=1, max_size=8, unique=True), st.integers(1, 4094))
def test_a_profile_fits_a_network_of_its_native_vlan_and_no_other(vlans: list[int], of_network: int) -> None:
    profile = replace(GOLD, vlans=read_vlans("vlans", vlans))
    if vlans[0] == of_network:
        check_fit(profile, "blue", [vlan(of_network)])
    else:
        with pytest.raises(Conflict, match=f"VLAN {vlans[0]}, and network blue is on VLAN {of_network}"):
            check_fit(profile, "blue", [vlan(of_network)])
