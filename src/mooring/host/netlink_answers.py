"""What pyroute2 leaves to those who ask through it: a limit of time, dumps that are whole, and our errors.

pyroute2 0.9 waits for an answer for good. It takes for whole what the kernel broke off (an errno in NLMSG_DONE), what
changed while it was listed (NLM_F_DUMP_INTR) and what was cut off. A list of addresses with something missing would
hand out what the host itself uses. Its sockets are of its ``asyncio`` half: only these can be given up on.

Modules that need this one load it with their first question: pyroute2 takes longer to load than most commands take.
"""

import asyncio
import errno
import os
import struct
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

from pyroute2.netlink import NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NLMSG_DONE
from pyroute2.netlink.exceptions import NetlinkError

from mooring.errors import HostFault, Unsupported
from mooring.host.kernel_answers import from_errno

T = TypeVar("T")

ANSWERS_MAX = 65_536
LIMIT_S = 5.0
"""From one datagram to the next."""
_TRIES_MAX = 3
"""A dump during which something changed is asked for again."""
_NLMSGHDR_BYTES = 16
_ERRNO = struct.Struct("=i")
_FIRST_OF_FAMILY = 0x10
"""NLMSG_MIN_TYPE: message types below are netlink's own."""


def answered(question: Callable[[], Coroutine[Any, Any, T]], what: str) -> T:
    """The answer to ``question``, on a thread that has no event loop of its own; ``what`` is told in errors.

    Raises Unsupported or another error for the kernel's no, HostFault when it does not answer, or not whole.
    """
    try:
        return asyncio.run(question())
    except NetlinkError as no:
        raise from_errno(no.code, os.strerror(no.code), what) from no
    except TimeoutError as silent:
        raise HostFault(f"{what}: netlink does not answer in time") from silent
    except OSError as silent:
        raise HostFault(f"{what}: netlink does not answer: {silent}") from silent
    except (struct.error, LookupError, TypeError, ValueError) as unread:
        # Whatever pyroute2's decoders stumble over: they trust the lengths in a message.
        raise HostFault(f"{what}: netlink's answer cannot be read: {unread}") from unread


async def find_family(socket: Any, name: str, message: type[Any], *, limit_s: float = LIMIT_S) -> int:
    """The number of a generic family, whose answers ``socket`` reads as ``message`` from now on.

    Raises Unsupported when this kernel does not have it.
    """
    try:
        async with asyncio.timeout(limit_s):
            await socket.bind(name, message)
    except NetlinkError as no:
        if no.code == errno.ENOENT:
            raise Unsupported(f"this kernel has no netlink family {name}") from no
        raise
    return int(socket.prid)


async def ask(socket: Any, message: Any, kind: int, *, limit_s: float = LIMIT_S) -> list[Any]:
    """The answers to one request about one thing. Raises pyroute2's errors, for ``answered``."""
    async with asyncio.timeout(limit_s):
        told = await socket.nlm_request(message, kind, NLM_F_REQUEST | NLM_F_ACK)
        return [answer async for answer in told if answer["header"]["type"] >= _FIRST_OF_FAMILY]


async def dump(
    socket: Any,
    message: Callable[[], Any],
    kind: int,
    *,
    answers_max: int = ANSWERS_MAX,
    limit_s: float = LIMIT_S,
) -> list[Any]:
    """All that the kernel lists; of more than ``answers_max``, the first, and then ``socket`` is of no more use.

    ``message`` makes the request. Raises pyroute2's errors for ``answered``, HostFault for a dump that has no end.
    """
    answers: list[Any] = []
    for _ in range(_TRIES_MAX):
        answers, is_whole = await _dumped(socket, message(), kind, answers_max, limit_s)
        if is_whole:
            break
    return answers


async def _dumped(socket: Any, message: Any, kind: int, answers_max: int, limit_s: float) -> tuple[list[Any], bool]:
    heard: list[Any] = []
    """Also NLMSG_DONE, which pyroute2 keeps for itself."""
    answers: list[Any] = []
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(limit_s) as limit:
        told = await socket.nlm_request(message, kind, NLM_F_REQUEST | NLM_F_DUMP, callback=heard.append)
        async with aclosing(told):
            async for answer in told:
                answers.append(answer)
                if len(answers) == answers_max:
                    return answers, True
                limit.reschedule(loop.time() + limit_s)
    if not heard or heard[-1]["header"]["type"] != NLMSG_DONE:
        raise HostFault(f"netlink's list ends without its NLMSG_DONE, after {len(answers)} answers")
    _check(heard[-1])
    return answers, not any(one["header"]["flags"] & NLM_F_DUMP_INTR for one in heard)


def _check(done: Any) -> None:
    """NLMSG_DONE begins with an errno, negative or 0."""
    (negative,) = _ERRNO.unpack_from(done.data, done.offset + _NLMSGHDR_BYTES)
    if negative:
        raise NetlinkError(-negative)
