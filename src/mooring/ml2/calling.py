"""Calling a driver of somebody else's: whatever it raises comes back as a value.

``AtOnce`` calls it right here, for drivers that wait for nothing. The controller puts a limit of time around the
others (``service/driver_threads.py``); both answer the same.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from mooring.ml2.driver import MechanismDriver

T = TypeVar("T")

_SENTENCE_CHARS_MAX = 500


class DriverCall(Protocol):
    """How drivers are called."""

    def __call__(self, driver: MechanismDriver, what: str, act: Callable[[], None]) -> BaseException | None:
        """Run ``act``, which calls the driver's method ``what``; returns what it raised."""
        ...

    def ask_back(self, act: Callable[[], T]) -> T:
        """Run ``act``, which a driver's method led to, where the driver's answer is waited for."""
        ...


class AtOnce:
    """In the caller's own thread."""

    def __call__(self, driver: MechanismDriver, what: str, act: Callable[[], None]) -> BaseException | None:
        del driver, what
        return raised_by(act)

    def ask_back(self, act: Callable[[], T]) -> T:
        return act()


def raised_by(act: Callable[[], object]) -> BaseException | None:
    """What ``act`` raises; ``None`` when it returns. An end of the process is not kept from it."""
    try:
        act()
    except Exception as fault:  # noqa: BLE001 - what a driver raises is its answer, whatever it is
        return fault
    return None


def sentence(fault: BaseException) -> str:
    """An error in one line: its class, and what it says, if that can be had."""
    said: list[str] = []
    silent = raised_by(lambda: said.append(str(fault)))
    name = type(fault).__name__
    return f"{name}: {said[0][:_SENTENCE_CHARS_MAX]}" if silent is None and said[0] else name
