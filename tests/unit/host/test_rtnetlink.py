"""The socket: whose answer is believed, when it is opened anew, and what an error carries."""

import errno
import socket
import struct
import threading
from contextlib import closing
from pathlib import Path

import pytest

from mooring.errors import HostFault
from mooring.host.rtnetlink import RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK, Refused, RouteSocket, open_wire
from mooring.host.vf_codec import decode_name, encode_query
from tests.unit.host.miniature import HEADER, error, message

#: What the kernel sends, the sender's port with it, or what the socket raises.
Said = tuple[bytes, int] | OSError


class ScriptedWire:
    """Answers each request with the next list of datagrams; ``SEQUENCE`` in them becomes the request's own."""

    def __init__(self, *answers: list[Said], on_send: OSError | None = None) -> None:
        self._answers = list(answers)
        self._queue: list[Said] = []
        self._on_send = on_send
        self.sent: list[bytes] = []
        self.is_closed = False

    def sendall(self, data: bytes, /) -> None:
        self.sent.append(data)
        if self._on_send is not None:
            raise self._on_send
        self._queue += self._answers.pop(0)

    def recvfrom_into(self, buffer: bytearray, nbytes: int, flags: int, /) -> tuple[int, tuple[int, int]]:
        assert flags == socket.MSG_TRUNC
        said = self._queue.pop(0) if self._queue else BlockingIOError(errno.EAGAIN, "nothing was said")
        if isinstance(said, OSError):
            raise said
        buffer[: min(len(said[0]), nbytes)] = said[0][:nbytes]
        return len(said[0]), (said[1], 0)

    def close(self) -> None:
        self.is_closed = True


KERNEL, SOMEBODY = 0, 4711


def asked(*datagrams: Said, **more: int) -> bytes:
    return RouteSocket(lambda: ScriptedWire(list(datagrams)), **more).ask(RTM_GETLINK, b"")


def test_a_request_has_a_number_of_its_own_and_asks_for_an_ack_only_where_nothing_else_answers() -> None:
    wire = ScriptedWire([(message(RTM_NEWLINK, 1, b"one!"), KERNEL)], [(error(2, 0), KERNEL)])
    route = RouteSocket(lambda: wire)
    assert route.ask(RTM_GETLINK, b"body") == b"one!"
    assert route.ask(RTM_SETLINK, b"body") == b""
    assert wire.sent == [
        HEADER.pack(20, RTM_GETLINK, 1, 1, 0) + b"body",
        HEADER.pack(20, RTM_SETLINK, 5, 2, 0) + b"body",
    ]


@pytest.mark.parametrize(
    "stray",
    [
        (message(RTM_NEWLINK, 99, b"late"), KERNEL),
        (message(RTM_NEWLINK, 1, b"fake"), SOMEBODY),
        (b"", KERNEL),
        (b"short", KERNEL),
        (HEADER.pack(400, RTM_NEWLINK, 0, 1, 0), KERNEL),
        (HEADER.pack(4, RTM_NEWLINK, 0, 1, 0), KERNEL),
    ],
    ids=["other-number", "other-sender", "empty", "short", "lies-long", "lies-short"],
)
def test_only_the_kernels_answer_to_this_question_is_believed(stray: Said) -> None:
    assert asked(stray, (message(RTM_NEWLINK, 1, b"true"), KERNEL)) == b"true"


def test_strays_without_end_are_a_fault() -> None:
    with pytest.raises(HostFault, match="none of them answers"):
        asked(*[(message(RTM_NEWLINK, 99, b"late"), KERNEL)] * 100)


def test_an_answer_that_does_not_fit_is_a_fault_and_never_half_an_answer() -> None:
    with pytest.raises(HostFault, match="has 116 bytes, of 64 at most"):
        asked((message(RTM_NEWLINK, 1, bytes(100)), KERNEL), reply_max_bytes=64)


@pytest.mark.parametrize("kind", [1, 3, 4, 24])
def test_an_answer_of_another_kind_is_a_fault(kind: int) -> None:
    with pytest.raises(HostFault, match=f"type {kind}"):
        asked((message(kind, 1, b"body"), KERNEL))


@pytest.mark.parametrize("failure", [OSError(errno.ENOBUFS, "full"), BlockingIOError(errno.EAGAIN, "late")])
def test_after_a_failure_the_next_question_gets_a_socket_of_its_own(failure: OSError) -> None:
    wires = [ScriptedWire([failure]), ScriptedWire([(message(RTM_NEWLINK, 2, b"true"), KERNEL)])]
    opened = iter(wires)
    route = RouteSocket(lambda: next(opened))
    with pytest.raises(HostFault, match="does not answer"):
        route.ask(RTM_GETLINK, b"")
    assert wires[0].is_closed
    assert route.ask(RTM_GETLINK, b"") == b"true"
    route.close()
    assert wires[1].is_closed


def test_a_refusal_is_an_answer_and_keeps_the_socket() -> None:
    wire = ScriptedWire([(error(1, errno.EBUSY), KERNEL)], [(error(2, 0), KERNEL)])
    route = RouteSocket(lambda: wire)
    with pytest.raises(Refused):
        route.ask(RTM_SETLINK, b"")
    assert route.ask(RTM_SETLINK, b"") == b""
    assert not wire.is_closed


def test_what_cannot_be_opened_or_sent_is_a_fault() -> None:
    def refuse() -> ScriptedWire:
        raise PermissionError(errno.EPERM, "no netlink for you")

    with pytest.raises(HostFault, match="no netlink for you"):
        RouteSocket(refuse).ask(RTM_GETLINK, b"")
    with pytest.raises(HostFault, match="went away"):
        RouteSocket(lambda: ScriptedWire(on_send=OSError(errno.EIO, "went away"))).ask(RTM_GETLINK, b"")


def test_the_drivers_words_and_the_place_that_it_means_are_kept() -> None:
    with pytest.raises(Refused) as refusal:
        asked((error(1, errno.EINVAL, "VLAN 5000 is no VLAN", offset=48), KERNEL))
    assert (refusal.value.code, refusal.value.text) == (errno.EINVAL, "VLAN 5000 is no VLAN")
    assert refusal.value.offset == 48 - HEADER.size


def test_without_words_the_errno_speaks() -> None:
    with pytest.raises(Refused) as refusal:
        asked((error(1, errno.EINVAL), KERNEL))
    assert (refusal.value.text, refusal.value.offset) == ("Invalid argument", None)


def test_words_behind_an_echoed_request_are_found() -> None:
    echo = HEADER.pack(23, RTM_SETLINK, 5, 1, 0) + b"request" + bytes(1)
    words = struct.pack("=HH", 8, 1) + b"no!\0"
    with pytest.raises(Refused, match="no!"):
        asked((message(2, 1, struct.pack("=i", -95) + echo + words, 0x200), KERNEL))


def test_the_real_kernel_answers_many_threads_each_its_own_question() -> None:
    interfaces = [path.name for path in Path("/sys/class/net").iterdir() if path.is_dir()]
    answers: list[tuple[str, str]] = []
    with closing(RouteSocket()) as route:

        def ask(name: str) -> None:
            answers.extend((name, decode_name(route.ask(RTM_GETLINK, encode_query(name)))) for _ in range(50))

        threads = [threading.Thread(target=ask, args=(name,)) for name in (interfaces * 8)[:8]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 8 * 50
    assert [one for one in answers if one[0] != one[1]] == []


def test_the_real_kernels_answer_is_measured_and_not_cut() -> None:
    with (
        closing(RouteSocket(open_wire, reply_max_bytes=64)) as route,
        pytest.raises(HostFault, match="of 64 at most"),
    ):
        route.ask(RTM_GETLINK, encode_query("lo"))
