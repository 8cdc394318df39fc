"""Drivers of others are called on threads of their own, and waited for so long and no longer.

A story waits for its drivers in the writer's thread, so one that hangs would hold up every change. A call that is
waited for in vain is left behind, and the same method of the driver is refused at once from then on, until the call
returns after all: there are never more threads in it than were waited for at the same time.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from mooring.errors import Conflict, Unreachable
from mooring.ml2.calling import raised_by
from mooring.ml2.driver import MechanismDriver

T = TypeVar("T")


class DriverThreads:
    """A ``DriverCall``. Drivers that promise to answer at once are called in the caller's thread."""

    def __init__(self, bind_wait_s: float, hook_wait_s: float) -> None:
        """``bind_wait_s`` holds inside a transaction, ``hook_wait_s`` after its commit."""
        self._bind_wait_s = bind_wait_s
        self._hook_wait_s = hook_wait_s
        self._guard = threading.Lock()
        self._left_behind: dict[tuple[str, str], list[_Call]] = {}
        self._idle: deque[_Worker] = deque()
        self._here = threading.local()

    def __call__(self, driver: MechanismDriver, what: str, act: Callable[[], None]) -> BaseException | None:
        if driver.answers_at_once is True:
            return raised_by(act)
        seat = driver.name, what
        if self._is_hanging(seat):
            return Unreachable(f"{what} has not returned yet, and is not called again before it does")
        call = _Call(what, act, self._here)
        self._worker().calls.put(call)
        wait_s = self._hook_wait_s if what.endswith("_postcommit") else self._bind_wait_s
        if call.is_over_within(wait_s):
            return call.fault
        with self._guard:
            self._left_behind.setdefault(seat, []).append(call)
        return Unreachable(f"{what} did not return within {wait_s:g} s")

    def ask_back(self, act: Callable[[], T]) -> T:
        """Run ``act`` in the thread that waits for the driver on this one; outside of a call, right here."""
        call: _Call | None = getattr(self._here, "call", None)
        return act() if call is None else call.ask_back(act)

    def _is_hanging(self, seat: tuple[str, str]) -> bool:
        with self._guard:
            if seat not in self._left_behind:
                return False
            hanging = [call for call in self._left_behind.pop(seat) if not call.is_over]
            if hanging:
                self._left_behind[seat] = hanging
            return bool(hanging)

    def _worker(self) -> "_Worker":
        """One that has nothing to do, or a new one."""
        try:
            return self._idle.pop()
        except IndexError:
            worker = _Worker(self._idle)
            worker.start()
            return worker


class _Call:
    """One call of a driver's method, between the thread that makes it and the one that waits for it."""

    def __init__(self, what: str, act: Callable[[], None], here: threading.local) -> None:
        self.what = what
        self.fault: BaseException | None = None
        self.is_over = False
        self._act = act
        self._here = here
        self._guard = threading.Lock()
        self._is_left = False
        self._messages: SimpleQueue[_Question | None] = SimpleQueue()

    def make(self) -> None:
        """In the driver's thread."""
        self._here.call = self
        self.fault = RuntimeError("the driver ended its thread")
        # Whatever would end the thread: sys.exit() in a driver, or a cancellation that it let through.
        with suppress(BaseException):
            self.fault = raised_by(self._act)
        self._here.call = None
        self.is_over = True
        self._messages.put(None)

    def is_over_within(self, wait_s: float) -> bool:
        """In the waiting thread: run what the driver asks back, until it returns or is left behind."""
        deadline_s = time.monotonic() + wait_s
        while True:
            try:
                question = self._messages.get(timeout=max(0.0, deadline_s - time.monotonic()))
            except Empty:
                return self._leave()
            if question is None:
                return True
            question.put_answer()

    def _leave(self) -> bool:
        with self._guard:
            self._is_left = True
        while not self._messages.empty():
            question = self._messages.get()
            if question is None:
                return True
            question.refuse()
        return False

    def ask_back(self, act: Callable[[], T]) -> T:
        """In the driver's thread. Raises what ``act`` raises, and Conflict when nobody waits any more."""
        question = _Question(act)
        with self._guard:
            if self._is_left:
                raise Conflict(f"{self.what} took too long, and nothing is done for it any more")
            self._messages.put(question)
        answer: T = question.answer()
        return answer


class _Question:
    """Something to be run by the thread that waits."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self._act = act
        self._result: Any = None
        self._fault: BaseException | None = None
        self._is_answered = threading.Event()

    def put_answer(self) -> None:
        self._fault = raised_by(self._run)
        self._is_answered.set()

    def _run(self) -> None:
        self._result = self._act()

    def refuse(self) -> None:
        self._fault = Conflict("the driver took too long, and nothing is done for it any more")
        self._is_answered.set()

    def answer(self) -> Any:
        self._is_answered.wait()
        if self._fault is not None:
            raise self._fault
        return self._result


class _Worker(threading.Thread):
    """Makes one call after the other; a daemon, for the process may end while a driver hangs."""

    def __init__(self, idle: "deque[_Worker]") -> None:
        super().__init__(daemon=True, name="mechanism-driver")
        self.calls: SimpleQueue[_Call] = SimpleQueue()
        self._idle = idle

    def run(self) -> None:
        while True:
            self.calls.get().make()
            self._idle.append(self)
