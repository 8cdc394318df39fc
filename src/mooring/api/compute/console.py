"""``os-getConsoleOutput``: the end of what a guest wrote to its serial console, from the host that runs it."""

import re
from http import HTTPStatus
from typing import Any

from mooring.api import policy
from mooring.api.call import Call, Reply
from mooring.api.compute.microversion import LATEST
from mooring.api.compute.shapes import At, Field, Object, Whole, envelope
from mooring.errors import Conflict, Unreachable
from mooring.model.host import Liveness
from mooring.model.server import Server

ACTION = "os-getConsoleOutput"
WAIT_S = 5.0
_RULE = "os_compute_api:os-console-output"
_EVERYTHING = -1
#: What would command the terminal that shows it; Nova leaves out the same. A tab and a line end stay.
_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class _Length:
    """How many lines, from the end; none and -1 are all."""

    def read(self, value: Any, at: At) -> int:
        return _EVERYTHING if value is None else Whole(_EVERYTHING).read(value, at)


_ARGUMENTS = Object({"length": Field(_Length())})


async def show_console(call: Call, server: Server) -> Reply:
    """200 with ``{"output": ...}``; 409 for a server without a host, 503 when its host is silent."""
    policy.check(_RULE, call.who)
    given = envelope(call.json(), ACTION, _ARGUMENTS, LATEST)
    if server.host is None:
        raise Conflict(f"Instance {server.id} is not ready", hint="it has no host")
    if call.controller.world.heartbeats.of(server.host) is not Liveness.ALIVE:
        raise Unreachable("the server's host has not been heard of lately", hint="its console is there, and its agent?")
    tail = await call.controller.consoles.ask(server.host, server.id, WAIT_S)
    if tail.reason:
        reason = tail.reason if call.who.is_privileged else "an admin is told why"
        raise Conflict(f"the server's host cannot read the console: {reason}")
    return Reply(HTTPStatus.OK, {"output": last_lines(tail.output, given.get("length", _EVERYTHING))})


def last_lines(output: str, count: int) -> str:
    """The last ``count`` lines, all for -1, without what would command a terminal."""
    plain = _COMMANDS.sub("", output)
    if count == _EVERYTHING:
        return plain
    return "\n".join(plain.split("\n")[-count:]) if count else ""
