"""What a driver says in its log while it does not bind is its reason, and the log gets no fuller by it."""

import logging
from threading import Thread

import pytest

from mooring.neutron.overheard import REASON_MAX_CHARS, REASONS_MAX, Overheard

LOG = logging.getLogger(__name__)


class Talker:
    """Says what it is told to, as a driver's base class does, in the log of this module."""

    def say(self, *sentences: str) -> None:
        for sentence in sentences:
            LOG.debug("%s", sentence)


class Quiet(Talker):
    """A driver whose bases talk."""


@pytest.fixture
def overheard() -> Overheard:
    return Overheard(Quiet)


def test_debug_message_of_a_base_is_heard(overheard: Overheard) -> None:
    with overheard.listening() as heard:
        Quiet().say("no agent", "dead agent")
    assert heard == ["no agent", "dead agent"]


def test_what_was_not_logged_before_is_still_not_logged(overheard: Overheard, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger().setLevel(logging.INFO)
    with overheard.listening() as heard:
        Quiet().say("no agent")
        LOG.warning("the agent is dead")
    assert heard == ["no agent", "the agent is dead"]
    assert [record.getMessage() for record in caplog.records] == ["the agent is dead"]


def test_nobody_is_heard_in_another_thread_or_afterwards(overheard: Overheard) -> None:
    with overheard.listening() as heard:
        other = Thread(target=Quiet().say, args=("of another port",))
        other.start()
        other.join()
    Quiet().say("too late")
    assert heard == []


def test_two_drivers_of_one_module_are_heard_once(overheard: Overheard) -> None:
    second = Overheard(Talker)
    with overheard.listening() as first_heard:
        Talker().say("of the first")
    with second.listening() as second_heard:
        Talker().say("of the second")
    assert (first_heard, second_heard) == (["of the first"], ["of the second"])


def test_reasons_are_few_and_short(overheard: Overheard) -> None:
    with overheard.listening() as heard:
        Quiet().say(*["x" * 10_000] * 100)
    assert len(heard) == REASONS_MAX
    assert {len(reason) for reason in heard} == {REASON_MAX_CHARS}
