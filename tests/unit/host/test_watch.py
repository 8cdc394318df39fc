"""What the kernel says is put into words, once each, bounded, and what is lost is said to be."""

import errno
import socket
from collections.abc import Callable
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.errors import HostFault
from mooring.host.rtnetlink import RTM_NEWLINK
from mooring.host.watch import LOST, WORDS_MAX, Ear, KernelWatch, device_words, link_words
from mooring.testing.rtnetlink import link_message
from tests.unit.host.miniature import message

RTM_DELLINK, RTM_NEWADDR = 17, 20
#: What waits in a socket: a datagram and its sender's port, or an error in between.
Waiting = tuple[bytes, int] | OSError


class ScriptedEar:
    def __init__(self, *waiting: Waiting) -> None:
        self.waiting = list(waiting)
        self.is_closed = False

    def recvfrom(self, bufsize: int, /) -> tuple[bytes, tuple[int, int]]:
        said = self.waiting.pop(0) if self.waiting else BlockingIOError(errno.EAGAIN, "silence")
        if isinstance(said, OSError):
            raise said
        return said[0][:bufsize], (said[1], 1)

    def close(self) -> None:
        self.is_closed = True


def opened(route: Ear, uevent: Ear) -> Callable[[int, int], Ear]:
    return lambda protocol, _: route if protocol == socket.NETLINK_ROUTE else uevent


def link(name: str, kind: int = RTM_NEWLINK) -> tuple[bytes, int]:
    return message(kind, 0, link_message(name, [])), 0


def uevent(action: str, path: str, *strings: str) -> tuple[bytes, int]:
    return "\0".join([f"{action}@{path}", f"ACTION={action}", f"DEVPATH={path}", *strings, ""]).encode(), 0


REMOVED = uevent(
    "remove", "/devices/pci0000:00/0000:01:10.0", "SUBSYSTEM=pci", "PCI_SLOT_NAME=0000:01:10.0", "SEQNUM=9"
)


def test_links_and_devices_are_heard_in_words_and_once() -> None:
    route = ScriptedEar(link("enp1s0"), link("enp1s0"), link("enp1s0", RTM_DELLINK))
    watch = KernelWatch(opened(route, ScriptedEar(REMOVED, uevent("add", "/d/n", "SUBSYSTEM=net", "INTERFACE=eth7"))))
    assert watch.heard() == ("link enp1s0", "link gone enp1s0", "pci remove 0000:01:10.0", "net add eth7")
    assert watch.heard() == ()
    route.waiting.append(link("enp2s0"))
    assert watch.heard() == ("link enp2s0",)


@pytest.mark.parametrize(
    ("strings", "words"),
    [
        (("SUBSYSTEM=pci", "PCI_SLOT_NAME=0000:01:10.0", "DRIVER=igbvf"), "pci bind 0000:01:10.0"),
        (("SUBSYSTEM=net", "INTERFACE=enp1s0v0"), "net bind enp1s0v0"),
        (("SUBSYSTEM=vfio", "DEVNAME=vfio/12"), "vfio bind vfio/12"),
        (("SUBSYSTEM=vfio-dev",), "vfio-dev bind /devices/x"),
        (("SUBSYSTEM=block", "DEVNAME=sda"), ""),
        (("SUBSYSTEM=queues",), ""),
        ((), ""),
    ],
)
def test_only_devices_of_interest_have_words(strings: tuple[str, ...], words: str) -> None:
    assert device_words(uevent("bind", "/devices/x", *strings)[0]) == words


def test_what_is_said_of_addresses_is_nothing_here() -> None:
    assert link_words(message(RTM_NEWADDR, 0, b"whatever")) == ""


def test_an_overflow_is_said_and_what_came_after_it_is_heard() -> None:
    route = ScriptedEar(link("enp1s0"), OSError(errno.ENOBUFS, "No buffer space available"), link("enp2s0"))
    assert KernelWatch(opened(route, ScriptedEar())).heard() == ("link enp1s0", LOST, "link enp2s0")


def test_a_socket_that_fails_is_a_loss_and_no_endless_one() -> None:
    broken = ScriptedEar(*[OSError(errno.EIO, "broken")] * 3)
    assert KernelWatch(opened(broken, ScriptedEar(REMOVED))).heard() == (LOST, "pci remove 0000:01:10.0")


def test_what_only_pretends_to_be_the_kernel_is_not_heard() -> None:
    forged = [(link("enp1s0")[0], 4711), (REMOVED[0], 4711)]
    assert KernelWatch(opened(ScriptedEar(forged[0]), ScriptedEar(forged[1]))).heard() == ()


def test_a_message_that_is_cut_off_is_a_loss() -> None:
    cut = (link("enp1s0")[0][:40], 0)
    assert KernelWatch(opened(ScriptedEar(cut, (b"tiny", 0)), ScriptedEar())).heard() == (LOST,)


def test_more_words_than_are_kept_end_in_a_loss() -> None:
    route = ScriptedEar(*(link(f"eth{number}") for number in range(WORDS_MAX + 50)))
    heard = KernelWatch(opened(route, ScriptedEar(REMOVED))).heard()
    assert len(heard) == WORDS_MAX
    assert heard[-1] == LOST


def test_a_kernel_that_is_not_to_be_heard_is_a_fault_and_leaves_no_socket_open() -> None:
    route = ScriptedEar()

    def refuse(protocol: int, _: int) -> Ear:
        if protocol == socket.NETLINK_ROUTE:
            return route
        raise PermissionError(errno.EPERM, "not for you")

    with pytest.raises(HostFault, match="not for you"):
        KernelWatch(refuse)
    assert route.is_closed


@given(st.binary(max_size=200))
def test_noise_is_put_into_some_words_or_is_a_loss(noise: bytes) -> None:
    ear = ScriptedEar((noise, 0))
    assert len(KernelWatch(opened(ear, ScriptedEar((noise, 0)))).heard()) <= 2


def test_the_real_kernel_lets_itself_be_heard() -> None:
    with closing(KernelWatch()) as watch:
        watch.heard()
        assert LOST not in watch.heard()
    assert watch.heard() == ()
