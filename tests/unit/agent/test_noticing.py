"""What happens to a host by itself reaches the controller within seconds, by an event or by the next look."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mooring.model.desired import Desired, FunctionOutcome
from mooring.model.vf import Vlan
from tests.unit.agent.hosts import PF_NETDEV, WEB, Host, boot
from tests.unit.agent.test_loop import run

NOTICED_WITHIN_S = 5


def during(host: Host, happens: Callable[[Host], None], *, at_s: int, seconds: int) -> list[tuple[float, str]]:
    """Boot, let something happen after ``at_s`` seconds, and answer when what was told of functions after the boot."""
    told: list[tuple[float, str]] = []

    def pass_a_second(_seconds: float) -> None:
        host.clock.elapsed_s += 1
        if host.clock.elapsed_s == at_s:
            happens(host)
        while len(told) < len(host.controller.reports):
            report = host.controller.reports[len(told)]
            told.append((host.clock.elapsed_s, ",".join(str(one.outcome) for one in report.functions)))

    host.controller.on_listen = pass_a_second
    silence: list[Desired | BaseException | None] = [None] * seconds
    run(host, boot(host, 0), *silence)
    return told


def tamper_unheard(host: Host) -> None:
    host.table.overwrite(PF_NETDEV, 0, replace(host.settings(0), vlan=Vlan(99)))


def tamper_heard(host: Host) -> None:
    tamper_unheard(host)
    host.watch.say(f"link {PF_NETDEV}")


def cut(host: Host) -> None:
    host.table.set_link(PF_NETDEV, carrier=False)


def set_down(host: Host) -> None:
    host.table.set_link(PF_NETDEV, up=False)


@pytest.mark.parametrize("happens", [tamper_unheard, tamper_heard, cut, set_down])
def test_a_change_of_what_is_in_use_is_told_within_seconds(host: Host, happens: Callable[[Host], None]) -> None:
    told = during(host, happens, at_s=6, seconds=16)
    degraded_at_s = next(at_s for at_s, outcomes in told if FunctionOutcome.DEGRADED in outcomes)
    assert 6 <= degraded_at_s <= 6 + NOTICED_WITHIN_S


def test_without_a_change_nothing_is_told_and_nothing_is_asked_of_the_hypervisor(host: Host) -> None:
    told = during(host, lambda _: None, at_s=6, seconds=16)
    assert [outcomes for _, outcomes in told] == ["in-use"]


def test_a_guest_that_stopped_by_itself_is_started_again_as_soon_as_that_is_heard(host: Host) -> None:
    def power_off(host: Host) -> None:
        host.hypervisor.power_off(WEB)
        host.watch.say(f"domain stopped {WEB}")

    during(host, power_off, at_s=6, seconds=10)
    assert host.running() == {WEB}


def test_vfs_that_went_are_announced_as_soon_as_that_is_heard(host: Host) -> None:
    def take_away(host: Host) -> None:
        host.take_vfs_away()
        host.watch.say("pci remove 0000:81:02.0")

    during(host, take_away, at_s=6, seconds=6)
    assert [len(snapshot.functions) for snapshot in host.controller.announced] == [5, 1]


def test_vfs_that_went_unheard_are_announced_by_the_next_look(host: Host) -> None:
    during(host, Host.take_vfs_away, at_s=6, seconds=6 + NOTICED_WITHIN_S)
    assert [len(snapshot.functions) for snapshot in host.controller.announced] == [5, 1]
