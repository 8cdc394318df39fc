"""The life of a VF, and a server in Nova's words."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from mooring.core.lifecycle import OWNED_STATES, TRANSITIONS, ServerView, check, is_allowed, port_status, server_view
from mooring.errors import Conflict
from mooring.model.port import PortStatus
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
        S.REMOVED_PENDING,
    }


def test_a_function_that_was_gone_is_never_in_use_before_it_was_proved_anew() -> None:
    assert not TRANSITIONS[S.REMOVED_PENDING] & {S.IN_USE, S.PROGRAMMED, S.AVAILABLE, S.BASELINING}


@pytest.mark.parametrize(
    ("state", "facts", "status"),
    [
        (S.CLAIMED, {}, PortStatus.BUILD),
        (S.PROGRAMMED, {}, PortStatus.BUILD),
        (S.CLAIMED, {"is_flawed": True}, PortStatus.BUILD),
        (S.CLAIMED, {"is_up": False}, PortStatus.DOWN),
        (S.IN_USE, {}, PortStatus.ACTIVE),
        (S.IN_USE, {"is_up": False}, PortStatus.DOWN),
        (S.IN_USE, {"is_flawed": True}, PortStatus.DOWN),
        (S.IN_USE, {"is_flawed": True, "is_refused": True}, PortStatus.ERROR),
        (S.IN_USE, {"is_flawed": True, "is_refused": True, "is_up": False}, PortStatus.ERROR),
        (S.QUARANTINED, {}, PortStatus.ERROR),
        (S.QUARANTINED, {"is_up": False}, PortStatus.ERROR),
        (S.REMOVED_PENDING, {}, PortStatus.DOWN),
    ],
)
def test_a_port_shows_what_its_function_is(state: VfState, facts: dict[str, bool], status: PortStatus) -> None:
    assert port_status(state, **{"is_up": True, **facts}) is status


@pytest.mark.parametrize("state", list(VfState))
@pytest.mark.parametrize("is_up", [True, False])
@pytest.mark.parametrize("is_flawed", [True, False])
def test_only_a_function_in_use_and_as_wanted_makes_a_port_active(state: VfState, is_up: bool, is_flawed: bool) -> None:
    is_active = port_status(state, is_up=is_up, is_flawed=is_flawed) is PortStatus.ACTIVE
    assert is_active == (state is S.IN_USE and is_up and not is_flawed)


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
        (
            replace(BUILDING, status=ServerStatus.HARD_REBOOT, launched_at=NOW),
            ServerView("HARD_REBOOT", "active", "reboot_started_hard", 4),
        ),
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
