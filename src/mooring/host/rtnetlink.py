"""One question to the kernel, one answer: a NETLINK_ROUTE socket for requests about links.

The kernel does the work within ``sendto``, so the answer waits when that returns: two system calls a question. It also
holds its lock (RTNL) there, and no time limit of a socket ends a driver that hangs in it; ``host/patience.py`` does.
"""

import os
import socket
import struct
import threading
from collections.abc import Callable
from struct import Struct
from typing import Protocol

from mooring.errors import HostFault
from mooring.host.nlattr import aligned, attributes, text

RTM_NEWLINK, RTM_GETLINK, RTM_SETLINK = 16, 18, 19
#: ``struct nlmsghdr``: length, type, flags, sequence, port.
MESSAGE = Struct("=IHHII")
#: More than the list of the most VFs that a PF can have, counters included, on any card of today.
REPLY_MAX_BYTES = 1 << 19

_REQUEST, _ACK = 1, 4
_NLMSG_ERROR = 2
_CAPPED, _ACK_TLVS = 0x100, 0x200
_SOL_NETLINK, _NETLINK_CAP_ACK, _NETLINK_EXT_ACK = 270, 10, 11
_ACK_TEXT, _ACK_OFFSET = 1, 2
_WORD, _ERRNO = Struct("=I"), Struct("=i")
_KERNEL_PORT = 0
_SEQUENCE_MASK = 0xFFFFFFFF
_STRAYS_MAX = 16
"""Datagrams that answer something else, before we give up."""
_LIMIT_S = 5


class Refused(Exception):
    """The kernel's NLMSG_ERROR to one request."""

    def __init__(self, code: int, text: str, offset: int | None = None):
        """``text`` is the extended ack where there is one; ``offset`` is the place in our body that it points at."""
        super().__init__(text)
        self.code = code
        self.text = text
        self.offset = offset


class Wire(Protocol):
    """The calls of ``socket.socket`` that are used here."""

    def sendall(self, data: bytes, /) -> None: ...

    def recvfrom_into(self, buffer: bytearray, nbytes: int, flags: int, /) -> tuple[int, tuple[int, int]]:
        """Answer the datagram's true size, and the sender's port and group."""

    def close(self) -> None: ...


def open_wire() -> Wire:
    """A socket of the kernel's, which sends the driver's own words along with the errno, and not our request back."""
    wire = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    try:
        wire.setsockopt(_SOL_NETLINK, _NETLINK_CAP_ACK, 1)
        wire.setsockopt(_SOL_NETLINK, _NETLINK_EXT_ACK, 1)
        # Python's own timeouts would cost two more system calls a question.
        for limit in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            wire.setsockopt(socket.SOL_SOCKET, limit, struct.pack("ll", _LIMIT_S, 0))
        wire.bind((0, 0))
    except OSError:
        wire.close()
        raise
    return wire


class RouteSocket:
    """Opened at the first question, and anew after anything that went wrong. Threads take turns."""

    def __init__(self, open_wire: Callable[[], Wire] = open_wire, reply_max_bytes: int = REPLY_MAX_BYTES):
        self._open_wire = open_wire
        self._buffer = bytearray(reply_max_bytes)
        self._turn = threading.Lock()
        self._wire: Wire | None = None
        self._sequence = 0

    def ask(self, kind: int, body: bytes) -> bytes:
        """The body of the RTM_NEWLINK that answers a question; empty for a request that is only acknowledged.

        Raises Refused for the kernel's no, HostFault when there is no whole answer in time.
        """
        with self._turn:
            answer = self._exchange(kind, body)
        if isinstance(answer, Refused):
            raise answer
        return answer

    def close(self) -> None:
        with self._turn:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _exchange(self, kind: int, body: bytes) -> bytes | Refused:
        wire, self._wire = self._wire, None
        self._sequence = (self._sequence + 1) & _SEQUENCE_MASK
        flags = _REQUEST | (_ACK if kind == RTM_SETLINK else 0)
        try:
            wire = wire or self._open_wire()
            wire.sendall(MESSAGE.pack(MESSAGE.size + len(body), kind, flags, self._sequence, 0) + body)
            answer = self._receive(wire)
        except (OSError, HostFault) as broken:
            # A late answer would be read as the answer to another question: the socket goes, and its queue with it.
            if wire is not None:
                wire.close()
            if isinstance(broken, OSError):
                raise HostFault(f"rtnetlink does not answer: {broken}", hint=_hint(broken)) from broken
            raise
        self._wire = wire
        return answer

    def _receive(self, wire: Wire) -> bytes | Refused:
        for _ in range(_STRAYS_MAX):
            size, (port, _) = wire.recvfrom_into(self._buffer, len(self._buffer), socket.MSG_TRUNC)
            if size > len(self._buffer):
                raise HostFault(f"rtnetlink's answer has {size} bytes, of {len(self._buffer)} at most")
            answer = bytes(memoryview(self._buffer)[:size]) if port == _KERNEL_PORT else b""
            if len(answer) < MESSAGE.size:
                continue
            length, kind, flags, sequence, _ = MESSAGE.unpack_from(answer)
            if sequence == self._sequence and MESSAGE.size <= length <= size:
                return _opened(kind, flags, answer[MESSAGE.size : length])
        raise HostFault(f"rtnetlink sent {_STRAYS_MAX} messages, and none of them answers")


def _hint(broken: OSError) -> str:
    is_late = isinstance(broken, BlockingIOError)
    return f"it was given {_LIMIT_S} s; the kernel log may say why" if is_late else "may this process use netlink?"


def _opened(kind: int, flags: int, body: bytes) -> bytes | Refused:
    if kind == RTM_NEWLINK:
        return body
    if kind != _NLMSG_ERROR or len(body) < _ERRNO.size:
        raise HostFault(f"rtnetlink answered with a message of type {kind} and {len(body)} bytes")
    (negative,) = _ERRNO.unpack_from(body)
    return _refusal(-negative, flags, body) if negative else b""


def _refusal(code: int, flags: int, body: bytes) -> Refused:
    """``struct nlmsgerr``: the errno, our request's header, our request unless it is capped, and attributes."""
    said: dict[int, bytes] = {}
    if flags & _ACK_TLVS and len(body) >= _ERRNO.size + MESSAGE.size:
        echoed = MESSAGE.size if flags & _CAPPED else MESSAGE.unpack_from(body, _ERRNO.size)[0]
        said = dict(attributes(body, _ERRNO.size + aligned(echoed), len(body)))
    offset = said.get(_ACK_OFFSET, b"")
    words = text(said.get(_ACK_TEXT, b"")) or os.strerror(code)
    return Refused(code, words, _WORD.unpack(offset)[0] - MESSAGE.size if len(offset) == _WORD.size else None)
