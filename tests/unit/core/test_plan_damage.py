"""Damaged files of hosts and requests: whatever stands in them, there is an answer, or a refusal with a way out."""

import json
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.core.plan_answer import answer_object
from mooring.core.plan_file import parse_hosts, parse_request
from mooring.errors import Invalid
from tests.unit.core.clouds import chance_of
from tests.unit.core.plans import HOSTS, REQUEST

EXAMPLES = 300

#: What to put in the place of anything.
_ODD: tuple[object, ...] = (
    None, True, False, 0, -1, 1, 2**70, 0.5, float("nan"), float("inf"), "", "0", "x", "\x00", "\ud800", "\n",
    "\N{ARABIC-INDIC DIGIT ZERO}", [], [[]], {}, {"0": 0}, [None], ["x", "x"], "0000:0a:00.0", "0000:0a:02.0", "VF",
    "PF", "PCI", "physnet1", "h1",
)  # fmt: skip


def damaged(value: Any, chance: Random) -> Any:
    """A copy with one thing in it left out, doubled, renamed or replaced by something odd."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        rest = {name: one for name, one in value.items() if name != key}
        match chance.randrange(8):
            case 0:
                return rest
            case 1:
                return {**rest, chance.choice([key.upper(), key + "s", key[:-1], ""]): value[key]}
            case 2:
                return {**value, key: chance.choice(_ODD)}
            case _:
                return {**value, key: damaged(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        number = chance.randrange(len(value))
        if chance.random() < 0.2:
            return [*value, value[number]]
        return [*value[:number], damaged(value[number], chance), *value[number + 1 :]]
    return chance.choice(_ODD)


def answered(hosts: str, request: str) -> None:
    """All that two files can lead to: an answer, or a refusal that says what is wrong and the way out."""
    try:
        answer = answer_object(parse_request(request), parse_hosts(hosts))
    except Invalid as refused:
        told = (refused.message, refused.hint)
    else:
        told = (json.dumps(answer), "an answer")
    assert all(told)


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 2**64), st.integers(1, 3), st.booleans())
def test_a_file_with_something_odd_in_any_place_is_read_or_refused(
    seed: int, times: int, is_request: bool
) -> None:  # fmt: skip
    chance, value = chance_of(seed), json.loads(REQUEST if is_request else HOSTS)
    for _ in range(times):
        value = damaged(value, chance)
    text = json.dumps(value)
    answered(HOSTS if is_request else text, text if is_request else REQUEST)


@settings(max_examples=EXAMPLES)
@given(st.integers(0, 2**64), st.booleans())
def test_a_file_with_broken_characters_is_read_or_refused(seed: int, is_request: bool) -> None:
    chance, broken = chance_of(seed), list(REQUEST if is_request else HOSTS)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(broken))
        broken[place : place + chance.randint(0, 3)] = chance.choice(
            ["", '"', "{", "]", ",", "0", "\\u0000", "-", "e9"]
        )
    text = "".join(broken)
    answered(HOSTS if is_request else text, text if is_request else REQUEST)
