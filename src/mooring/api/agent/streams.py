"""Wakes the streams of hosts whose desired state changed, and those who watch whatever changes.

The store calls ``committed`` in its writer thread; streams wait in the event loop. A wake-up carries no data: the
stream reads the database again, so that a lost or doubled one does no harm.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from mooring.store.tx import Event

ANYTHING = ""
"""Instead of a host's name: wake at every commit that told of something."""


class Streams:
    """One asyncio.Event for each waiting stream, by host."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self.is_closing = False

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell which loop the streams live in, once it runs."""
        self._loop = loop

    def committed(self, events: Sequence[Event]) -> None:
        hosts = {event.host for event in events if event.host is not None}
        if self._waiting.get(ANYTHING):
            hosts.add(ANYTHING)
        if hosts and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, hosts)

    def wake(self, host: str) -> None:
        """From the event loop: the host's stream is to be read anew."""
        self._wake({host})

    def close(self) -> None:
        """Let every stream end, so that the server can stop."""
        self.is_closing = True
        self._wake(set(self._waiting))

    def _wake(self, hosts: set[str]) -> None:
        for host in hosts:
            for waiting in self._waiting.get(host, ()):
                waiting.set()

    def subscribe(self, host: str) -> asyncio.Event:
        """An event that is set at each change for ``host``, or ``ANYTHING``; clear it before you read."""
        event = asyncio.Event()
        self._waiting[host].add(event)
        return event

    def unsubscribe(self, host: str, event: asyncio.Event) -> None:
        self._waiting[host].discard(event)
        if not self._waiting[host]:
            del self._waiting[host]

    def count(self) -> int:
        """How many wait for one host: agents."""
        return sum(len(waiting) for waiting in self._waiting.values()) - self.watchers()

    def watchers(self) -> int:
        """How many wait for ``ANYTHING``."""
        return len(self._waiting.get(ANYTHING, ()))
