"""One question to the kernel, any number of answers: of rtnetlink, and of generic families.

A socket for each question: there are a few in half a minute, and nothing is left over in it that way.
"""

import os
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Protocol

from mooring.errors import HostFault
from mooring.host.kernel_answers import from_errno
from mooring.host.rtnetlink import MESSAGE

NETLINK_ROUTE = socket.NETLINK_ROUTE
NETLINK_GENERIC = 16
ANSWERS_MAX = 65_536
_ANSWERS_TO_ONE_MAX = 64
_BUFFER_BYTES = 1 << 17
_LIMIT_S = 5
_DATAGRAMS_MAX = 65_536
_TRIES_MAX = 3
"""A dump during which something changed is asked for again."""

_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_NLMSG_ERROR, _NLMSG_DONE, _FIRST_OF_FAMILY = 2, 3, 0x10
_CHANGED_MEANWHILE = 0x10
_SOL_NETLINK, _EXT_ACK, _STRICT = 270, 11, 12
_ERRNO = struct.Struct("=i")


class Wire(Protocol):
    """The calls of ``socket.socket`` that are used here."""

    def sendall(self, data: bytes, /) -> None: ...

    def recv(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


def open_wire(protocol: int) -> Wire:
    wire = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    try:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", _LIMIT_S, 0))
        wire.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)
        wire.setsockopt(_SOL_NETLINK, _STRICT, 1)
        wire.bind((0, 0))
    except OSError:
        wire.close()
        raise
    return wire


def dump(
    protocol: int,
    kind: int,
    body: bytes,
    *,
    answers_max: int = ANSWERS_MAX,
    open_wire: Callable[[int], Wire] = open_wire,
) -> list[bytes]:
    """The bodies of all that the kernel lists; of more than ``answers_max``, the first.

    Raises Unsupported or another error for the kernel's no, HostFault when it does not answer whole.
    """
    for _ in range(_TRIES_MAX):
        answers, is_whole = _ask_once(protocol, kind, _DUMP, body, answers_max, open_wire)
        if is_whole:
            return answers
    return answers


def ask(protocol: int, kind: int, body: bytes, *, open_wire: Callable[[int], Wire] = open_wire) -> list[bytes]:
    """The bodies of the answers to one request about one thing. Raises as ``dump`` does."""
    return _ask_once(protocol, kind, _ACK, body, _ANSWERS_TO_ONE_MAX, open_wire)[0]


def _ask_once(
    protocol: int, kind: int, flags: int, body: bytes, answers_max: int, open_wire: Callable[[int], Wire]
) -> tuple[list[bytes], bool]:
    answers: list[bytes] = []
    is_whole = True
    try:
        wire = open_wire(protocol)
        try:
            wire.sendall(MESSAGE.pack(MESSAGE.size + len(body), kind, _REQUEST | flags, 1, 0) + body)
            for _ in range(_DATAGRAMS_MAX):
                for answer_kind, answer_flags, answer in _messages(wire.recv(_BUFFER_BYTES)):
                    is_whole = is_whole and not answer_flags & _CHANGED_MEANWHILE
                    if answer_kind in {_NLMSG_DONE, _NLMSG_ERROR}:
                        _check(answer, f"netlink ({protocol}/{kind})")
                        return answers, is_whole
                    if answer_kind >= _FIRST_OF_FAMILY:
                        answers.append(answer)
                    if len(answers) == answers_max:
                        return answers, True
        finally:
            wire.close()
    except OSError as silent:
        raise HostFault(f"netlink ({protocol}/{kind}) does not answer: {silent}") from silent
    raise HostFault(f"netlink ({protocol}/{kind}) does not come to an end after {_DATAGRAMS_MAX} datagrams")


def _messages(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Type, flags and body of each. Raises HostFault for one that is cut off."""
    start = 0
    while start + MESSAGE.size <= len(datagram):
        length, kind, flags, _, _ = MESSAGE.unpack_from(datagram, start)
        if length < MESSAGE.size or start + length > len(datagram):
            raise HostFault(f"a netlink message of {length} bytes, with {len(datagram) - start} bytes left")
        yield kind, flags, datagram[start + MESSAGE.size : start + length]
        start += (length + 3) & ~3


def _check(answer: bytes, what: str) -> None:
    """NLMSG_DONE and NLMSG_ERROR both begin with an errno, negative or 0."""
    code = -_ERRNO.unpack_from(answer)[0] if len(answer) >= _ERRNO.size else 0
    if code > 0:
        raise from_errno(code, os.strerror(code), what)
