"""A dump is read to its end, in any number of datagrams; the kernel's no, its silence and its nonsense are errors."""

import errno
import struct
from collections.abc import Sequence

import pytest

from mooring.errors import HostFault, Unsupported
from mooring.host.netlink_ask import NETLINK_ROUTE, dump

_ERROR, _DONE, _NEWADDR = 2, 3, 20
_MULTI, _CHANGED = 2, 0x10


def message(kind: int, body: bytes, flags: int = _MULTI) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body + bytes(-len(body) % 4)


DONE = message(_DONE, struct.pack("=i", 0))


class Wire:
    def __init__(self, datagrams: Sequence[bytes | OSError]) -> None:
        self.datagrams = list(datagrams)
        self.sent: list[bytes] = []
        self.is_closed = False

    def sendall(self, data: bytes, /) -> None:
        self.sent.append(data)

    def recv(self, size: int, /) -> bytes:
        one = self.datagrams.pop(0)
        if isinstance(one, OSError):
            raise one
        return one[:size]

    def close(self) -> None:
        self.is_closed = True


def asked(*wires: Wire, answers_max: int = 100) -> list[bytes]:
    coming = list(wires)
    return dump(NETLINK_ROUTE, 22, b"body", answers_max=answers_max, open_wire=lambda _: coming.pop(0))


def test_answers_come_in_several_datagrams_and_end_with_done() -> None:
    wire = Wire([message(_NEWADDR, b"one") + message(_NEWADDR, b"second"), message(_NEWADDR, b""), DONE])
    assert asked(wire) == [b"one", b"second", b""]
    assert wire.sent == [struct.pack("=IHHII", 20, 22, 0x301, 1, 0) + b"body"]
    assert wire.is_closed


def test_no_more_than_so_many_answers_are_taken() -> None:
    wire = Wire([message(_NEWADDR, b"1") * 3, DONE])
    assert asked(wire, answers_max=2) == [b"1", b"1"]
    assert wire.is_closed


def test_a_dump_during_which_something_changed_is_asked_for_again() -> None:
    changed = Wire([message(_NEWADDR, b"old", _MULTI | _CHANGED), DONE])
    assert asked(changed, Wire([message(_NEWADDR, b"new"), DONE])) == [b"new"]


def test_a_dump_that_changes_all_the_time_is_taken_as_it_is_in_the_end() -> None:
    wires = [Wire([message(_NEWADDR, b"%d" % number), message(_DONE, bytes(4), _CHANGED)]) for number in range(3)]
    assert asked(*wires) == [b"2"]


@pytest.mark.parametrize("kind", [_ERROR, _DONE])
@pytest.mark.parametrize(("code", "answer"), [(errno.EOPNOTSUPP, Unsupported), (errno.ENOMEM, HostFault)])
def test_the_kernels_no_is_an_error(kind: int, code: int, answer: type[Exception]) -> None:
    wire = Wire([message(kind, struct.pack("=i", -code))])
    with pytest.raises(answer, match=errno.errorcode[code].replace("ENOTSUP", "EOPNOTSUPP")):
        asked(wire)
    assert wire.is_closed


@pytest.mark.parametrize(
    "datagrams",
    [
        [BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")],
        [OSError(errno.ENOBUFS, "No buffer space available")],
        [message(_NEWADDR, b"whole")[:-4]],
        [struct.pack("=IHHII", 8, _NEWADDR, 0, 1, 0)],
    ],
)
def test_silence_and_nonsense_are_host_faults(datagrams: Sequence[bytes | OSError]) -> None:
    wire = Wire(datagrams)
    with pytest.raises(HostFault):
        asked(wire)
    assert wire.is_closed


def test_no_socket_is_a_host_fault() -> None:
    def open_wire(_: int) -> Wire:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with pytest.raises(HostFault, match="Operation not permitted"):
        dump(NETLINK_ROUTE, 22, b"", open_wire=open_wire)
