"""Consoles that somebody waits for. Only the host has them, and only the host calls: so it is asked in its stream.

In memory and in the event loop alone: a wish that dies with the controller is asked again by whoever waited.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from mooring.errors import Conflict, Unreachable
from mooring.model.desired import ConsoleTail

WAITING_MAX = 32
"""Of one host."""

_Waiting = dict[str, list["asyncio.Future[ConsoleTail]"]]


class Consoles:
    """``wake`` lets a host's stream be read anew."""

    def __init__(self, wake: Callable[[str], None]) -> None:
        self._wake = wake
        self._waiting: defaultdict[str, _Waiting] = defaultdict(dict)

    def wanted(self, host: str) -> tuple[str, ...]:
        """The ids of the servers whose consoles the host is to send."""
        return tuple(self._waiting[host]) if host in self._waiting else ()

    async def ask(self, host: str, server_id: str, wait_s: float) -> ConsoleTail:
        """The end of a console, from its host.

        Raises Unreachable when that does not answer within ``wait_s``, Conflict when it is asked too much already.
        """
        waiting = self._waiting[host]
        if sum(map(len, waiting.values())) >= WAITING_MAX:
            raise Conflict(f"{WAITING_MAX} others wait for consoles of the same host", hint="try again in a moment")
        answer = asyncio.get_running_loop().create_future()
        waiting.setdefault(server_id, []).append(answer)
        self._wake(host)
        try:
            return await asyncio.wait_for(answer, wait_s)
        except TimeoutError as late:
            raise Unreachable(
                f"the server's host did not send its console within {wait_s:g} s", hint="try again in a moment"
            ) from late
        finally:
            self._forget(host, server_id, answer)

    def answer(self, host: str, server_id: str, tail: ConsoleTail) -> None:
        """What a host sent; whoever waits has it. Nobody does: too late, and dropped."""
        for waiting in self._waiting[host].get(server_id, ()) if host in self._waiting else ():
            if not waiting.done():
                waiting.set_result(tail)

    def _forget(self, host: str, server_id: str, answer: "asyncio.Future[ConsoleTail]") -> None:
        self._waiting[host][server_id].remove(answer)
        if not self._waiting[host][server_id]:
            del self._waiting[host][server_id]
        if not self._waiting[host]:
            del self._waiting[host]
