"""Whatever is written where a person or another program writes: it is read, or it is refused with a reason."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fuzz.targets import TARGETS, Target, run

EACH = pytest.mark.parametrize("target", [pytest.param(target, id=name) for name, target in TARGETS.items()])
#: What readers take apart, and what they trip over.
SHREDS = st.sampled_from(
    [
        *"{}[]()\"'\\,:;=.*-|?+ \n\t\0", "0000:0a:00.0", "0-", "-1", "9" * 20, "1e999", "true", "null",
        "\N{FULLWIDTH DIGIT ONE}", "\N{ARABIC-INDIC DIGIT TWO}", "\u2028", "\ud800", "\N{LATIN SMALL LETTER SHARP S}",
        '""', "[[", "]]", "[" * 3000, "a" * 300,
    ]
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, target: Target) -> str:
    """A text that the target takes, with some of it gone and something else in its place, a few times over."""
    text = draw(st.sampled_from(list(target.seeds)))
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, len(text)))
        last = min(len(text), first + draw(st.sampled_from([0, 1, 2, 8])))
        text = text[:first] + draw(SHREDS | st.text(max_size=4)) + text[last:]
    return text


@EACH
def test_what_it_is_for_is_taken(target: Target) -> None:
    taken = 0
    for seed in target.seeds:
        try:
            target.read(seed)
            taken += 1
        except target.refusals:
            continue
    assert taken


@EACH
@settings(max_examples=40)
@given(data=st.data())
def test_damage_is_refused_or_read_another_way(target: Target, data: st.DataObject) -> None:
    run(target, data.draw(damaged(target)))


@EACH
@settings(max_examples=25)
@given(text=st.text(max_size=60))
@example(text="")
@example(text="[" * 100_000)
@example(text="9" * 5_000)
def test_any_text_is_refused_or_read(target: Target, text: str) -> None:
    run(target, text)


def test_a_target_that_breaks_is_told() -> None:
    """Or the others prove nothing."""
    broken = Target(int, ("1",), (KeyError,))
    run(broken, "7")
    with pytest.raises(ValueError, match="invalid literal"):
        run(broken, "seven")
