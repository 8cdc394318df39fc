"""Words in messages."""

import pytest

from mooring.core.words import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [("a b", "a b"), ("a\nb\x1b[0m", "a\\nb\\x1b[0m"), (None, "None"), ("x" * 300, "x" * 200 + "..."), ("é", "é")],
)
def test_value_in_a_message_stays_on_its_line_and_within_bounds(value: object, text: str) -> None:
    assert shown(value) == text
