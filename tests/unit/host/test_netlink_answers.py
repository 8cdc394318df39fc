"""A dump is read to its end, in any number of datagrams; the kernel's no, its silence and its nonsense are errors."""

import errno
import struct
from collections.abc import Sequence
from typing import Any

import pytest
from pyroute2 import AsyncIPRoute
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg

from mooring.errors import HostFault, Unsupported
from mooring.host.netlink_answers import LIMIT_S, answered, ask, dump
from tests.unit.host.netlink_kernel import (
    CHANGED_MEANWHILE,
    DONE,
    MULTI,
    NLMSG_DONE,
    NLMSG_ERROR,
    KernelSocket,
    message,
    refusal,
)

_GETADDR, _NEWADDR = 22, 20
Datagrams = Sequence[bytes | OSError]


def address(index: int, flags: int = MULTI) -> bytes:
    return message(_NEWADDR, struct.pack("=BBBBI", 2, 24, 0, 0, index), flags)


def listed(*dumps: Datagrams, answers_max: int = 100, limit_s: float = LIMIT_S) -> list[int]:
    """The interfaces of the answers; ``dumps`` are what the kernel says to one request after the other."""
    coming = list(dumps)

    def answer(kind: int, flags: int, body: bytes) -> Datagrams:
        assert (kind, flags, body) == (_GETADDR, 0x301, bytes(8))
        return coming.pop(0)

    wire = KernelSocket(answer)

    async def question() -> list[Any]:
        async with AsyncIPRoute(use_socket=wire) as route_socket:
            return await dump(route_socket, ifaddrmsg, _GETADDR, answers_max=answers_max, limit_s=limit_s)

    try:
        return [one["index"] for one in answered(question, "addresses")]
    finally:
        assert wire.fileno() == -1
        assert not coming


def test_answers_come_in_several_datagrams_and_end_with_done() -> None:
    assert listed([address(2) + address(3), address(4), DONE]) == [2, 3, 4]


def test_no_more_than_so_many_answers_are_taken() -> None:
    assert listed([address(2) + address(3) + address(4), DONE], answers_max=2) == [2, 3]


@pytest.mark.parametrize(
    "changed",
    [
        [address(2, MULTI | CHANGED_MEANWHILE), DONE],
        [address(2), message(NLMSG_DONE, bytes(4), MULTI | CHANGED_MEANWHILE)],
    ],
)
def test_a_dump_during_which_something_changed_is_asked_for_again(changed: Datagrams) -> None:
    assert listed(changed, [address(3), DONE]) == [3]


def test_a_dump_that_changes_all_the_time_is_taken_as_it_is_in_the_end() -> None:
    assert listed(*([address(index, MULTI | CHANGED_MEANWHILE), DONE] for index in (2, 3, 4))) == [4]


@pytest.mark.parametrize("kind", [NLMSG_ERROR, NLMSG_DONE])
@pytest.mark.parametrize(("code", "answer"), [(errno.EOPNOTSUPP, Unsupported), (errno.ENOMEM, HostFault)])
def test_the_kernels_no_is_an_error(kind: int, code: int, answer: type[Exception]) -> None:
    with pytest.raises(answer, match=errno.errorcode[code].replace("ENOTSUP", "EOPNOTSUPP")):
        listed([address(2), refusal(code, kind)])


@pytest.mark.parametrize(
    "datagrams",
    [
        [],
        [address(2)],
        [OSError(errno.ENOBUFS, "No buffer space available")],
        [address(2)[:-4]],
        [address(2) + address(3)[:-4], DONE],
        [struct.pack("=IHHII", 8, _NEWADDR, 0, 1, 0)],
        [message(NLMSG_DONE, b"")],
        [address(2, 0)],
        [message(NLMSG_ERROR, bytes(20), 0)],
    ],
)
def test_silence_and_nonsense_are_host_faults(datagrams: Datagrams) -> None:
    with pytest.raises(HostFault):
        listed(datagrams, limit_s=0.05)


def test_one_that_does_not_answer_is_given_up_on() -> None:
    async def question() -> list[Any]:
        async with AsyncIPRoute(use_socket=KernelSocket(lambda *_: [])) as route_socket:
            return await ask(route_socket, ifaddrmsg(), _GETADDR, limit_s=0.05)

    with pytest.raises(HostFault, match="this address: netlink does not answer in time"):
        answered(question, "this address")


def test_no_socket_is_a_host_fault() -> None:
    async def question() -> list[Any]:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with pytest.raises(HostFault, match="Operation not permitted"):
        answered(question, "addresses")
