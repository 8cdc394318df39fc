"""The life of a VF, and a server in Nova's words."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from mooring.core.lifecycle import OWNED_STATES, TRANSITIONS, ServerView, check, is_allowed, server_view
from mooring.errors import Conflict
from mooring.model.server import Fault, Flavor, Server, ServerStatus
from mooring.model.vf import VfState

NOW = datetime(2026, 11, 20, tzinfo=UTC)
BUILDING = Server("s1", "p1", "u1", "web", Flavor("f1", "small", 1, 1, 1, NOW), None, NOW, NOW)
FAULT = Fault("No valid host was found.", "", NOW)
S = VfState


def test_every_state_has_its_line_and_every_state_can_be_left() -> None:
    assert set(TRANSITIONS) == set(VfState)
    assert all(TRANSITIONS.values())


def test_the_life_of_a_vf_goes_round() -> None:
    life = [S.DISCOVERED, S.BASELINING, S.AVAILABLE, S.CLAIMED, S.PROGRAMMED, S.IN_USE, S.RELEASING, S.BASELINING]
    for old, new in pairwise(life):
        check(old, new)


def test_only_a_verified_baseline_makes_a_function_free() -> None:
    assert {old for old in VfState if S.AVAILABLE in TRANSITIONS[old]} == {S.BASELINING}


def test_only_a_free_function_or_one_that_was_owned_is_claimed() -> None:
    assert {old for old in VfState if S.CLAIMED in TRANSITIONS[old]} == {
        S.AVAILABLE,
        S.PROGRAMMED,
        S.IN_USE,
        S.QUARANTINED,
    }


@pytest.mark.parametrize("owned", sorted(OWNED_STATES - {S.RELEASING}))
def test_an_owned_function_is_not_cleaned_before_it_is_released(owned: VfState) -> None:
    assert not is_allowed(owned, S.BASELINING)


@pytest.mark.parametrize("owned", sorted(OWNED_STATES - {S.REMOVED_PENDING}))
def test_an_owned_function_that_vanishes_is_not_forgotten(owned: VfState) -> None:
    assert is_allowed(owned, S.REMOVED_PENDING)
    assert not is_allowed(owned, S.GONE)


@pytest.mark.parametrize("state", sorted(set(VfState) - {S.GONE, S.QUARANTINED}))
def test_doubt_quarantines_a_function_in_any_state(state: VfState) -> None:
    check(state, S.QUARANTINED)


@pytest.mark.parametrize("state", list(VfState))
def test_a_repeated_report_of_the_same_state_is_no_error(state: VfState) -> None:
    check(state, state)


def test_a_forbidden_step_says_what_would_be_allowed() -> None:
    with pytest.raises(Conflict, match="a function that is in-use cannot become available") as caught:
        check(S.IN_USE, S.AVAILABLE)
    assert "releasing" in caught.value.hint


@pytest.mark.parametrize(
    ("server", "view"),
    [
        (BUILDING, ServerView("BUILD", "building", "scheduling", 0)),
        (replace(BUILDING, host="h1"), ServerView("BUILD", "building", "spawning", 0)),
        (replace(BUILDING, status=ServerStatus.ACTIVE, launched_at=NOW), ServerView("ACTIVE", "active", None, 1)),
        (replace(BUILDING, status=ServerStatus.ERROR, fault=FAULT), ServerView("ERROR", "error", None, 0)),
        (replace(BUILDING, status=ServerStatus.DELETING), ServerView("BUILD", "building", "deleting", 0)),
        (
            replace(BUILDING, status=ServerStatus.DELETING, launched_at=NOW),
            ServerView("ACTIVE", "active", "deleting", 1),
        ),
        (
            replace(BUILDING, status=ServerStatus.DELETING, launched_at=NOW, fault=FAULT),
            ServerView("ERROR", "error", "deleting", 0),
        ),
    ],
)
def test_a_server_shows_the_states_that_novas_clients_know(server: Server, view: ServerView) -> None:
    assert server_view(server) == view
