"""Drivers of others on threads: waited for so long, left behind, and refused until they return."""

import threading
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from mooring.errors import Conflict, Unreachable
from mooring.ml2.binding import Bound, Unbound, bind
from mooring.ml2.context import PortContext, SegmentDict
from mooring.ml2.driver import MechanismDriver
from mooring.ml2.manager import Manager
from mooring.service.driver_threads import DriverThreads
from tests.unit.ml2.ports import NETWORK, VLAN_100, context, port

SHORT_S = 0.05
"""What a test waits for a driver that does not return; the others return long before."""
LONG_S = 20.0


class Foreign(MechanismDriver):
    """Somebody else's driver, as its test has it."""

    def __init__(self, name: str, act: Callable[[PortContext], None]) -> None:
        self.name = name
        self._act = act

    def bind_port(self, context: PortContext) -> None:
        self._act(context)


class Ours(Foreign):
    """One that promises to answer at once."""

    answers_at_once = True


def binds(context: PortContext) -> None:
    context.set_binding("s1", "hw_veb", {}, "DOWN")


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a hanging driver waits for; opened at the end, so that its thread ends."""
    event = threading.Event()
    yield event
    event.set()


def hanging(gate: threading.Event, then: Callable[[PortContext], None] = binds) -> Callable[[PortContext], None]:
    def act(context: PortContext) -> None:
        gate.wait(LONG_S)
        then(context)

    return act


def test_a_driver_that_hangs_is_left_behind_and_the_next_one_binds(gate: threading.Event) -> None:
    drivers = [Foreign("stuck", hanging(gate)), Foreign("next", binds)]
    answer = bind(context, drivers, DriverThreads(SHORT_S, SHORT_S))
    assert isinstance(answer, Bound)
    assert answer.driver == "next"


def test_while_it_hangs_it_is_refused_at_once_and_asked_again_once_it_returned(gate: threading.Event) -> None:
    entered = threading.Semaphore(0)
    returned = threading.Event()

    def act(context: PortContext) -> None:
        entered.release()
        gate.wait(LONG_S)
        returned.set()
        binds(context)

    stuck, calls = Foreign("stuck", act), DriverThreads(SHORT_S, SHORT_S)
    first, second = (bind(context, [stuck], calls) for _ in range(2))
    assert isinstance(first, Unbound)
    assert isinstance(second, Unbound)
    assert first.reasons == "stuck: Unreachable: bind_port did not return within 0.05 s"
    assert second.reasons == (
        "stuck: Unreachable: bind_port has not returned yet, and is not called again before it does"
    )
    assert entered.acquire(timeout=LONG_S)
    assert not entered.acquire(blocking=False), "the second question reached the driver"
    gate.set()
    assert returned.wait(LONG_S)
    assert isinstance(bind(context, [stuck], DriverThreads(LONG_S, LONG_S)), Bound)


def test_what_a_driver_answers_too_late_reaches_nobody(gate: threading.Event) -> None:
    contexts: list[PortContext] = []

    def make() -> PortContext:
        contexts.append(context())
        return contexts[-1]

    answer = bind(make, [Foreign("late", hanging(gate))], DriverThreads(SHORT_S, SHORT_S))
    gate.set()
    assert isinstance(answer, Unbound)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), CancelledError()])
def test_what_a_driver_raises_on_its_thread_is_a_refusal_even_an_end_of_the_thread(error: BaseException) -> None:
    def act(_: PortContext) -> None:
        raise error

    calls = DriverThreads(LONG_S, LONG_S)
    for _ in range(2):
        answer = bind(context, [Foreign("broken", act), Foreign("next", binds)], calls)
        assert isinstance(answer, Bound)
        assert answer.driver == "next"


def test_drivers_that_promise_to_answer_at_once_are_called_in_the_callers_thread() -> None:
    threads: list[threading.Thread] = []

    def act(context: PortContext) -> None:
        threads.append(threading.current_thread())
        context.refuse("seen")

    bind(context, [Ours("ours", act), Foreign("theirs", act)], DriverThreads(LONG_S, LONG_S))
    assert threads[0] is threading.current_thread()
    assert threads[1] is not threading.current_thread()


class Segments:
    """Dynamic segments that remember which thread made them."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def allocate(self, wish: object) -> SegmentDict:
        self.threads.append(threading.current_thread())
        if wish == {}:
            raise Conflict("no VLAN is left")
        made = context().segments_to_bind[0].copy()
        made["id"] = "rack"
        return made

    def release(self, segment_id: str) -> None:
        assert segment_id == "rack"
        self.threads.append(threading.current_thread())


def ask_with(segments: Segments, driver: MechanismDriver, calls: DriverThreads) -> Bound | Unbound:
    return bind(partial(PortContext.of, port(), NETWORK, [VLAN_100], "h1", dynamic=segments), [driver], calls)


def test_segments_that_a_driver_asks_for_are_made_in_the_thread_that_waits_for_it() -> None:
    def act(context: PortContext) -> None:
        made = context.allocate_dynamic_segment({"network_type": "vlan"})
        context.release_dynamic_segment(made["id"])
        binds(context)

    segments = Segments()
    assert isinstance(ask_with(segments, Foreign("upper", act), DriverThreads(LONG_S, LONG_S)), Bound)
    assert segments.threads == [threading.current_thread()] * 2


def test_an_error_of_an_allocation_is_raised_where_the_driver_asked_for_it() -> None:
    caught: list[str] = []

    def act(context: PortContext) -> None:
        try:
            context.allocate_dynamic_segment({})
        except Conflict as none_left:
            caught.append(none_left.message)
        binds(context)

    assert isinstance(ask_with(Segments(), Foreign("upper", act), DriverThreads(LONG_S, LONG_S)), Bound)
    assert caught == ["no VLAN is left"]


def test_nothing_is_allocated_for_a_driver_that_nobody_waits_for_any_more(gate: threading.Event) -> None:
    said: list[str] = []
    is_over = threading.Event()

    def asks(context: PortContext) -> None:
        try:
            context.allocate_dynamic_segment({"network_type": "vlan"})
        except Conflict as late:
            said.append(late.message)
        is_over.set()

    segments = Segments()
    answer = ask_with(segments, Foreign("slow", hanging(gate, asks)), DriverThreads(SHORT_S, SHORT_S))
    gate.set()
    assert isinstance(answer, Unbound)
    assert is_over.wait(LONG_S)
    assert said == ["bind_port took too long, and nothing is done for it any more"]
    assert segments.threads == []


def test_hooks_after_a_commit_have_a_limit_of_their_own(gate: threading.Event) -> None:
    class Slow(MechanismDriver):
        """Waits in both kinds of hooks."""

        name = "slow"

        def update_port_precommit(self, context: PortContext) -> None:
            gate.wait(LONG_S)
            context.refuse("too late")

        def update_port_postcommit(self, context: PortContext) -> None:
            context.refuse("heard")

    calls = DriverThreads(SHORT_S, LONG_S)
    fault = calls(Slow(), "update_port_postcommit", lambda: Slow().update_port_postcommit(context()))
    assert fault is None
    fault = calls(Slow(), "update_port_precommit", lambda: Slow().update_port_precommit(context()))
    assert isinstance(fault, Unreachable)


def test_calls_of_several_threads_at_once_do_not_wait_for_each_other() -> None:
    meeting = threading.Barrier(3)

    def meets(context: PortContext) -> None:
        meeting.wait(LONG_S)
        binds(context)

    manager = Manager([Foreign("met", meets)], DriverThreads(LONG_S, LONG_S))
    answers: list[Bound | Unbound] = []
    threads = [threading.Thread(target=lambda: answers.append(manager.bind(context))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
    assert [type(answer) for answer in answers] == [Bound] * 3
