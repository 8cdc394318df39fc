"""What people ask of PCI functions, as they write it."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.pci_wishes import (
    COUNT_MAX,
    MIN_RATE_MBPS_MAX,
    read_aliases,
    read_features,
    read_group,
    read_group_and_count,
    read_min_rate,
)
from mooring.errors import Invalid

JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text() | st.none(), max_size=3)
SYNTAX = st.text(alphabet=st.sampled_from("ab:,0129 -\u0661\n\t"), max_size=24)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("fast", ("fast", 1)),
        ("fast:1", ("fast", 1)),
        ("fast:32", ("fast", 32)),
        ("fast:002", ("fast", 2)),
        (" fast :2", ("fast", 2)),
        ("x" * 63, ("x" * 63, 1)),
        ("rack_1.fast-25g:3", ("rack_1.fast-25g", 3)),
    ],
)
def test_a_group_may_have_a_count(text: str, read: tuple[str, int]) -> None:
    assert read_group_and_count(text, "nic") == read


@pytest.mark.parametrize(
    "count", ["", "0", "-1", "33", "1.5", "two", " 2", "2 ", "2:3", "1e1", "0x2", "٢", "9" * 30, "2\n"]
)
def test_a_count_that_is_none_is_refused_with_what_was_written(count: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_group_and_count(f"fast:{count}", "nic 0: pci-group")
    assert "nic 0: pci-group" in caught.value.message
    assert "fast" in caught.value.message


@pytest.mark.parametrize(
    "name", ["", " ", ":2", ",", "a,b", "x" * 64, "two words", "a\n", "a\nb", "a\0b", None, 7, ["fast"], True]
)
def test_a_name_that_is_none_is_refused(name: object) -> None:
    with pytest.raises(Invalid, match="pci_group"):
        read_group(name, "pci_group")
    with pytest.raises(Invalid, match="pci_group"):
        read_group_and_count(name, "pci_group")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("gpu:1", (("gpu", 1),)),
        ("gpu", (("gpu", 1),)),
        ("gpu:2,nvme:1", (("gpu", 2), ("nvme", 1))),
        ("gpu:2 , nvme:1", (("gpu", 2), ("nvme", 1))),
        ("gpu:2,nvme,gpu:1", (("gpu", 3), ("nvme", 1))),
        ("a:16,b:16", (("a", 16), ("b", 16))),
    ],
)
def test_an_alias_names_groups_with_counts_as_novas_does(text: str, read: object) -> None:
    assert read_aliases(text, "pci_passthrough:alias") == read


@pytest.mark.parametrize(
    "text", ["", ",", "gpu:1,", "gpu:0", "gpu:1;nvme:1", "a:b:1", "a:16,b:17", "a:20,a:20", ":1", "gpu:-1"]
)
def test_an_alias_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="pci_passthrough:alias"):
        read_aliases(text, "pci_passthrough:alias")


@given(SYNTAX | st.text(max_size=300))
def test_reading_an_alias_gives_counts_within_bounds_or_invalid(text: str) -> None:
    try:
        read = read_aliases(text, "alias")
    except Invalid:
        return
    assert 1 <= sum(count for _, count in read) <= COUNT_MAX
    assert all(count >= 1 and name and name == name.strip() for name, count in read)
    assert len({name for name, _ in read}) == len(read)


@given(SYNTAX | JSON)
def test_reading_a_group_and_a_count_gives_one_within_bounds_or_invalid(text: object) -> None:
    try:
        name, count = read_group_and_count(text, "nic")
    except Invalid:
        return
    assert read_group_and_count(f"{name}:{count}", "nic") == (name, count)
    assert 1 <= count <= COUNT_MAX


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("rx", ("rx",)),
        ("tso, rx", ("rx", "tso")),
        (["rx", "rx", "hw-tc-offload"], ("hw-tc-offload", "rx")),
        (("rx-gro",), ("rx-gro",)),
        ([f"f{n}" for n in range(32)], tuple(sorted(f"f{n}" for n in range(32)))),
    ],
)
def test_features_are_a_list_or_text_with_commas(value: object, read: object) -> None:
    assert read_features(value, "pci_features") == read


@pytest.mark.parametrize(
    "value",
    [
        "", ",", "rx,,tso", "RX", "rx;tso", "r x", "é", "x" * 64, [], [""], ["rx", 1], [["rx"]], {"rx": 1}, {"rx"}, 5,
        None, True, [f"f{n}" for n in range(33)], ",".join(f"f{n}" for n in range(33)),
    ],
)  # fmt: skip
def test_what_is_no_list_of_features_is_refused(value: object) -> None:
    with pytest.raises(Invalid, match="pci_features"):
        read_features(value, "pci_features")


@pytest.mark.parametrize(("value", "read"), [(1, 1), ("1000", 1000), (400_000, MIN_RATE_MBPS_MAX), ("007", 7)])
def test_a_rate_is_a_number_or_its_digits(value: object, read: int) -> None:
    assert read_min_rate(value, "rate") == read


@pytest.mark.parametrize(
    "value", [0, -1, 400_001, "0", "", "1.5", 1.5, True, "\u0661", " 5", "9" * 40, 10**40, None, [5]]
)
def test_a_rate_out_of_bounds_or_of_another_kind_is_refused(value: object) -> None:
    with pytest.raises(Invalid, match="rate"):
        read_min_rate(value, "rate")


@given(JSON, st.sampled_from([read_features, read_min_rate]))
def test_no_value_breaks_the_readers_of_features_and_rates(
    value: object, read: Callable[[object, str], object]
) -> None:
    with contextlib.suppress(Invalid):
        assert read(value, "key")
