"""The operators of extra specs, each as Nova's filters have it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.extra_specs_ops import OPERATORS, check, match
from mooring.errors import Invalid

WORDS = st.sampled_from([*sorted(OPERATORS), "1", "2.5", "-3", "ssd", "nan", "", "é"])


@pytest.mark.parametrize(
    ("value", "requirement", "fits"),
    [
        ("ssd", "ssd", True),
        ("ssd", "SSD", False),
        ("a b", "a b", True),
        ("a", "a b", False),
        ("", "", True),
        ("x", "", False),
        ("4", "= 4", True),
        ("5", "= 4", True),
        ("3", "= 4", False),
        ("4.0", "== 4", True),
        ("4.1", "== 4", False),
        ("4.1", "!= 4", True),
        ("4", "!= 4", False),
        ("4", ">= 4", True),
        ("10", ">= 4", True),
        ("3", ">= 4", False),
        ("3", "<= 4", True),
        ("5", "<= 4", False),
        ("four", ">= 4", False),
        ("four", "!= 4", False),
        ("4", ">= four", False),
        ("10", "s== 10", True),
        ("10.0", "s== 10", False),
        ("10", "s!= 2", True),
        ("10", "s!= 10", False),
        ("10", "s< 2", True),
        ("2", "s< 2", False),
        ("2", "s<= 2", True),
        ("2", "s> 10", True),
        ("2", "s> 2", False),
        ("2", "s>= 2", True),
        ("sriov-fast", "<in> fast", True),
        ("sriov", "<in> fast", False),
        ("aes mmx vmx", "<all-in> vmx aes", True),
        ("aes mmx", "<all-in> vmx aes", False),
        ("nvme", "<or> ssd <or> nvme", True),
        ("hdd", "<or> ssd <or> nvme", False),
        ("<or>", "<or> ssd <or> nvme", False),
        ("ssd", "<or>", False),
        ("", "==", False),
        ("aes", "<all-in>", False),
        ("4", "> 3", False),
        ("> 3", "> 3", True),
    ],
)
def test_a_value_fits_a_requirement_exactly_when_it_does_in_nova(value: str, requirement: str, fits: bool) -> None:
    assert match(value, requirement) is fits


@pytest.mark.parametrize(
    "requirement", ["ssd", "", "a b c", "> 3", "== 4", "!= -4.5", "s== x", "<in> x", "<all-in> a b", "<or> a <or> b"]
)
def test_a_requirement_that_can_be_met_is_taken(requirement: str) -> None:
    check(requirement)


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ("==", "'==' compares with nothing"),
        ("<or>", "compares with nothing"),
        ("<all-in> ", "compares with nothing"),
        ("== 4 5", "has 2 values after =="),
        ("s== a b", "has 2 values after s=="),
        ("<in> a b", "has 2 values after <in>"),
        ("= ssd", "'ssd' after = is not a number"),
        (">= 4GiB", "'4GiB' after >= is not a number"),
        ("<or> a b", "no list of alternatives"),
        ("<or> a <or>", "no list of alternatives"),
        ("<or> a b c", "no list of alternatives"),
    ],
)
def test_a_requirement_that_nothing_could_meet_is_refused_with_what_is_wrong(requirement: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(requirement)
    assert words in refused.value.message
    assert refused.value.hint


@given(st.lists(WORDS, max_size=5), WORDS)
def test_no_requirement_breaks_the_comparison(words: list[str], value: str) -> None:
    assert match(value, " ".join(words)) in (True, False)
