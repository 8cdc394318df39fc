"""What the kernel says of itself: links that change (rtnetlink), devices that come, go and change driver (uevents).

A VF setting that anybody writes is said too, as a change of the PF's link, while the PF is up; it does not say which
setting (``do_setlink`` in net/core/rtnetlink.c), and our own writes are heard like anybody's.

Both sockets hold what was said between two calls; nothing waits and no thread runs. What does not fit is dropped by
the kernel, which says so.
"""

import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Protocol

from mooring.errors import HostFault
from mooring.host.nlattr import text
from mooring.host.rtnetlink import MESSAGE, RTM_NEWLINK
from mooring.host.vf_codec import decode_name

LOST = "messages were lost"
WORDS_MAX = 512
"""What is kept of one call; 256 VFs that come up say some 1,500 things, and one look covers them all."""

_RTM_DELLINK = 17
_RTMGRP_LINK = 1
_NETLINK_KOBJECT_UEVENT = 15
_UEVENT_KERNEL = 1
"""The kernel's own group; udev speaks on 2."""
_SO_RCVBUFFORCE = 33
_QUEUE_BYTES = 1 << 20
_MESSAGE_MAX_BYTES = 1 << 15
_MESSAGES_MAX = 16_384
"""Of one socket, in one call; the rest waits for the next."""
_KERNEL_PORT = 0
#: What names a device of each subsystem that matters.
_NAMED_BY = {b"pci": b"PCI_SLOT_NAME", b"net": b"INTERFACE", b"vfio": b"DEVNAME", b"vfio-dev": b"DEVNAME"}


class Ear(Protocol):
    """The calls of ``socket.socket`` that are used here; ``recvfrom`` never waits."""

    def recvfrom(self, bufsize: int, /) -> tuple[bytes, tuple[int, int]]: ...

    def close(self) -> None: ...


def open_ear(protocol: int, group: int) -> Ear:
    """A socket that hears one multicast group of the kernel's."""
    ear = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
    try:
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _QUEUE_BYTES)
        with suppress(PermissionError):
            # Beyond net.core.rmem_max; without CAP_NET_ADMIN the queue is a shorter one.
            ear.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _QUEUE_BYTES)
        ear.bind((0, group))
    except OSError:
        ear.close()
        raise
    return ear


class KernelWatch:
    """``Watch`` on a real kernel. Listening needs no privilege."""

    def __init__(self, open_ear: Callable[[int, int], Ear] = open_ear):
        """Raises HostFault when the kernel does not let itself be heard."""
        self._ears: list[tuple[Ear, Callable[[bytes], str]]] = []
        try:
            self._ears.append((open_ear(socket.NETLINK_ROUTE, _RTMGRP_LINK), link_words))
            self._ears.append((open_ear(_NETLINK_KOBJECT_UEVENT, _UEVENT_KERNEL), device_words))
        except OSError as refused:
            self.close()
            raise HostFault(f"the kernel's messages cannot be heard: {refused}") from refused

    def heard(self) -> Sequence[str]:
        words: dict[str, None] = {}
        for ear, words_of in self._ears:
            for message in _drained(ear):
                if said := _understood(message, words_of):
                    words[said if len(words) < WORDS_MAX - 1 else LOST] = None
        return tuple(words)

    def close(self) -> None:
        ears, self._ears = self._ears, []
        for ear, _ in ears:
            ear.close()


def _drained(ear: Ear) -> Iterator[bytes | None]:
    """Each message that waits; ``None`` where some were dropped."""
    for _ in range(_MESSAGES_MAX):
        try:
            message, (port, _) = ear.recvfrom(_MESSAGE_MAX_BYTES)
        except BlockingIOError:
            return
        except OSError as failed:
            yield None
            if failed.errno != errno.ENOBUFS:
                return
        else:
            if port == _KERNEL_PORT:
                yield message


def _understood(message: bytes | None, words_of: Callable[[bytes], str]) -> str:
    try:
        return LOST if message is None else words_of(message)
    except HostFault:
        return LOST


def link_words(message: bytes) -> str:
    """``link enp1s0`` or ``link gone enp1s0`` for a message about a link; empty for any other."""
    if len(message) < MESSAGE.size:
        raise HostFault(f"an rtnetlink message of {len(message)} bytes")
    length, kind, *_ = MESSAGE.unpack_from(message)
    if kind not in (RTM_NEWLINK, _RTM_DELLINK):
        return ""
    return f"link{' gone' if kind == _RTM_DELLINK else ''} {decode_name(message[MESSAGE.size : length])}"


def device_words(message: bytes) -> str:
    """``pci remove 0000:01:10.0``, ``net add enp1s0v0`` and the like; empty for a device of no interest here.

    A uevent is ``ACTION@DEVPATH`` and then ``KEY=value`` strings, each ended by a NUL (lib/kobject_uevent.c).
    """
    said = dict(string.partition(b"=")[::2] for string in message.split(b"\0"))
    subsystem = said.get(b"SUBSYSTEM", b"")
    if subsystem not in _NAMED_BY:
        return ""
    name = said.get(_NAMED_BY[subsystem]) or said.get(b"DEVPATH", b"")
    return text(b" ".join((subsystem, said.get(b"ACTION", b"change"), name)))
