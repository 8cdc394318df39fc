"""The wire: a switch between sockets, here with the test at the far ends."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from lab.frames import IPV4, Tag, build
from lab.wire import Wire

A, B, C = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"
ARRIVES_WITHIN_S = 5
SILENCE_S = 0.1


class Ends:
    """A wire with three ports, whose NICs the test plays."""

    def __init__(self, stack: ExitStack) -> None:
        # Not pytest's own folder: a Unix socket's path ends at 107 bytes.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wire.")))
        self.wire = Wire("physnet1", folder)
        stack.callback(self.wire.close)
        self.carriers: list[tuple[str, bool]] = []
        self.near: dict[str, str] = {}
        self.nics: dict[str, socket.socket] = {}
        for port in ("a", "b", "c"):
            near, far = self.wire.add(port, partial(self._note, port))
            nic = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            nic.bind(str(far))
            self.near[port], self.nics[port] = str(near), nic

    def _note(self, port: str, up: bool) -> None:
        self.carriers.append((port, up))

    def send(self, port: str, data: bytes) -> None:
        self.nics[port].sendto(data, self.near[port])

    def receive(self, port: str) -> bytes:
        self.nics[port].settimeout(ARRIVES_WITHIN_S)
        return self.nics[port].recv(2048)

    def is_silent(self, port: str) -> bool:
        self.nics[port].settimeout(SILENCE_S)
        try:
            self.nics[port].recv(2048)
        except TimeoutError:
            return True
        return False


@pytest.fixture
def ends() -> Iterator[Ends]:
    with ExitStack() as stack:
        yield Ends(stack)


def frame(src: str, dst: str, vlan: int | None = None) -> bytes:
    return build(dst, src, IPV4, b"x" * 46, () if vlan is None else (Tag(vlan),))


def test_a_frame_to_nobody_known_goes_to_all_others(ends: Ends) -> None:
    ends.send("a", frame(A, B))
    assert ends.receive("b") == ends.receive("c") == frame(A, B)
    assert ends.is_silent("a")


def test_a_frame_to_a_learned_mac_goes_to_its_port_alone(ends: Ends) -> None:
    ends.send("b", frame(B, C))
    ends.receive("a"), ends.receive("c")
    ends.send("a", frame(A, B))
    assert ends.receive("b") == frame(A, B)
    assert ends.is_silent("c")


def test_a_mac_learned_on_one_vlan_is_not_known_on_another(ends: Ends) -> None:
    ends.send("b", frame(B, C, 100))
    ends.receive("a"), ends.receive("c")
    ends.send("a", frame(A, B, 200))
    assert ends.receive("c") == frame(A, B, 200)


def test_frames_are_kept_and_found_by_what_they_are(ends: Ends) -> None:
    ends.send("a", frame(A, B, 100))
    ends.send("a", frame(A, B))
    ends.receive("b"), ends.receive("b")
    assert ends.wire.vlans(A) == {100, None}
    assert [each.vlan for each in ends.wire.seen(src=A, vlan=None)] == [None]
    assert [each.port for each in ends.wire.seen(vlan=100)] == ["a"]
    assert ends.wire.seen(port="b") == []
    ends.wire.clear()
    assert ends.wire.seen() == []


def test_a_cut_cable_passes_nothing_either_way_and_takes_the_carrier(ends: Ends) -> None:
    ends.wire.cut("b")
    ends.send("b", frame(B, A))
    ends.send("a", frame(A, B))
    assert ends.receive("c") == frame(A, B)
    assert ends.is_silent("b")
    ends.wire.mend("b")
    ends.send("a", frame(A, B))
    assert ends.receive("b") == frame(A, B)
    assert ends.carriers == [("b", False), ("b", True)]
    assert ends.wire.seen(src=B) == []


def test_a_port_lets_only_its_vlans_through(ends: Ends) -> None:
    ends.wire.allow("b", {100})
    ends.send("a", frame(A, B, 200))
    ends.send("a", frame(A, B))
    ends.send("a", frame(A, B, 100))
    assert ends.receive("b") == frame(A, B, 100)
    ends.wire.allow("b", None)
    ends.send("a", frame(A, B, 200))
    assert ends.receive("b") == frame(A, B, 200)


def test_an_injected_frame_reaches_the_one_nic(ends: Ends) -> None:
    ends.wire.inject("c", frame(A, C, 7))
    assert ends.receive("c") == frame(A, C, 7)
    assert ends.is_silent("b")


def test_a_host_that_is_off_does_not_stop_the_others(ends: Ends) -> None:
    ends.nics["b"].close()
    ends.send("a", frame(A, B))
    assert ends.receive("c") == frame(A, B)
