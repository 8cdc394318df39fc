"""What is heard of domains: words for what ends a guest, bounded, and a libvirtd that comes and goes."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mooring.host.domain_events import LOST, RESUMED, WORDS_MAX, DomainEvents
from mooring.host.joint_watch import JointWatch

UUID = "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11"
STARTED, STOPPED, CRASHED = 2, 5, 8
RETRY_S = 0.01
WAIT_S = 20.0


class LibvirtError(Exception):
    pass


@dataclass
class Domain:
    uuid: str = UUID
    prefix: str = "mooring-"

    def name(self) -> str:
        return self.prefix + self.uuid

    def UUIDString(self) -> str:  # noqa: N802 - libvirt's own name
        return self.uuid


@dataclass
class Connection:
    """One connection of a libvirt that tells what it is told to tell."""

    is_alive: bool = True
    happened: Callable[..., None] | None = None
    lost: Callable[..., None] | None = None
    is_closed: bool = False

    def registerCloseCallback(self, call: Callable[..., None], opaque: object) -> None:  # noqa: N802, ARG002 - libvirt's own name
        self.lost = call

    def unregisterCloseCallback(self) -> None:  # noqa: N802 - libvirt's own name
        self.lost = None

    def domainEventRegisterAny(self, domain: object, event: int, call: Callable[..., None], opaque: object) -> int:  # noqa: N802, ARG002 - libvirt's own name
        self.happened = call
        return 7

    def domainEventDeregisterAny(self, callback: int) -> None:  # noqa: N802 - libvirt's own name
        assert callback == 7
        self.happened = None

    def isAlive(self) -> bool:  # noqa: N802 - libvirt's own name
        return self.is_alive

    def close(self) -> None:
        self.is_closed = True

    def tell(self, event: int, domain: Domain | None = None) -> None:
        assert self.happened is not None
        self.happened(self, domain or Domain(), event, 0, None)


@dataclass
class Binding:
    """The part of libvirt-python that listening needs. ``refusals`` of the next calls of ``open`` fail."""

    refusals: int = 0
    connections: list[Connection] = field(default_factory=list)
    libvirtError: type[Exception] = LibvirtError  # noqa: N815 - libvirt's own name
    VIR_DOMAIN_EVENT_ID_LIFECYCLE: int = 0
    tries: int = 0

    def open(self, uri: str) -> Connection:
        assert uri == "qemu:///system"
        self.tries += 1
        if self.tries <= self.refusals:
            raise LibvirtError("Failed to connect socket")
        self.connections.append(Connection())
        return self.connections[-1]


def until(is_so: Callable[[], Any]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline_s
        threading.Event().wait(RETRY_S)


def listening(binding: Binding, count: int = 1) -> DomainEvents:
    """Listening, over its ``count``-th connection."""
    events = DomainEvents(binding, "qemu:///system", RETRY_S)
    assert events.heard() == ()
    until(lambda: len(binding.connections) == count and binding.connections[-1].happened)
    return events


def test_end_of_a_guest_of_ours_is_heard_once_and_its_start_is_not() -> None:
    binding = Binding()
    events = listening(binding)
    for event in (STARTED, STOPPED, STOPPED, CRASHED):
        binding.connections[0].tell(event)
    assert events.heard() == (f"domain stopped {UUID}", f"domain crashed {UUID}")
    assert events.heard() == ()
    events.close()


def test_domain_that_has_no_name_of_ours_is_not_heard() -> None:
    binding = Binding()
    events = listening(binding)
    binding.connections[0].tell(STOPPED, Domain(prefix="foreign-"))
    assert events.heard() == ()
    events.close()


def test_more_than_can_be_kept_is_bounded_and_says_so() -> None:
    binding = Binding()
    events = listening(binding)
    for number in range(2 * WORDS_MAX):
        binding.connections[0].tell(STOPPED, Domain(uuid=f"{number}"))
    heard = events.heard()
    assert len(heard) == WORDS_MAX
    assert heard[-1] == LOST
    events.close()


def test_libvirt_that_is_away_at_first_is_tried_again_without_a_word() -> None:
    binding = Binding(refusals=3)
    events = listening(binding)
    assert binding.tries == 4
    assert events.heard() == ()
    events.close()


def test_restarted_libvirt_is_subscribed_again_and_the_gap_is_told() -> None:
    binding = Binding()
    events = listening(binding)
    first = binding.connections[0]
    first.is_alive = False
    assert first.lost is not None
    first.lost(first, 1, None)
    until(lambda: len(binding.connections) == 2 and binding.connections[1].happened)
    assert first.is_closed
    binding.connections[1].tell(STOPPED)
    said: set[str] = set()

    def has_heard_both() -> bool:
        said.update(events.heard())
        return said == {RESUMED, f"domain stopped {UUID}"}

    until(has_heard_both)
    events.close()


def test_loss_that_nobody_tells_of_is_noticed_by_looking() -> None:
    """The test driver of libvirt has no close callback, and a message can be lost."""
    binding = Binding()
    events = listening(binding)
    binding.connections[0].is_alive = False
    until(lambda: len(binding.connections) == 2)
    until(lambda: RESUMED in events.heard())
    events.close()


def test_closed_watch_lets_go_of_its_connection_and_opens_no_other() -> None:
    binding = Binding()
    events = listening(binding)
    events.close()
    events.close()
    assert binding.connections[0].is_closed
    assert binding.connections[0].happened is None
    assert events.heard() == ()
    assert len(binding.connections) == 1


class Watched:
    def __init__(self, *words: str) -> None:
        self.words = words
        self.is_closed = False

    def heard(self) -> tuple[str, ...]:
        return self.words

    def close(self) -> None:
        self.is_closed = True


def test_joint_watch_hears_all_in_order_and_closes_all() -> None:
    watches = (Watched("link enp1s0"), Watched(), Watched("domain stopped 1", "domain stopped 2"))
    joint = JointWatch(watches)
    assert joint.heard() == ["link enp1s0", "domain stopped 1", "domain stopped 2"]
    joint.close()
    assert all(watch.is_closed for watch in watches)
