"""Name filters: they agree with ``re`` on what both know, and take no longer for a clever pattern."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.api.compute.patterns import PATTERN_CHARS_MAX, Pattern
from mooring.errors import Invalid

ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "[a-c]", r"\.", r"\d", r"\-"])
PARTS = st.tuples(ATOMS, st.sampled_from(["", "*", "+", "?"])).map("".join)
PATTERNS = st.tuples(
    st.sampled_from(["", "^"]), st.lists(PARTS, max_size=6).map("".join), st.sampled_from(["", "$"])
).map("".join)


@given(PATTERNS, st.text("abc.-1A\n", max_size=8))
def test_a_pattern_is_found_where_re_finds_it(pattern: str, text: str) -> None:
    found = re.search(pattern.replace("$", r"\Z"), text, re.IGNORECASE | re.DOTALL)
    assert Pattern(pattern).is_in(text) is (found is not None or pattern.lower() in text.lower())


@pytest.mark.parametrize(
    "text",
    ["(a)", "a|b", "a{2}", "*a", "a**", "[a", "\\", r"\1", r"\b", "a^b", "a$b", "[z-a]"],
)
def test_what_is_not_served_says_so_and_is_looked_for_as_it_stands(text: str) -> None:
    pattern = Pattern(text)
    assert isinstance(pattern.refusal, Invalid)
    assert pattern.is_in(f"my {text}!")
    assert not pattern.is_in("aab")


def test_a_pattern_has_a_greatest_length() -> None:
    assert Pattern("x" * PATTERN_CHARS_MAX).refusal is None
    with pytest.raises(Invalid, match="256 characters"):
        Pattern("x" * (PATTERN_CHARS_MAX + 1))


def test_a_pattern_made_to_explode_ends() -> None:
    assert Pattern("a*" * 100 + "b").is_in("a" * 250) is False
