"""The look between two turns: what it misses would be missed for half a minute."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mooring.agent.pulse import Pulse
from mooring.host.sysfs import read_functions
from mooring.model.vf import Vlan
from mooring.testing.vf_table import Mishaps
from tests.unit.agent.hosts import PF_NETDEV, Host, boot


def pulse_after_boot(host: Host) -> Pulse:
    report = host.agent().turn(boot(host, 0))
    return Pulse(host.table, read_functions(host.sysfs), report.functions)


def test_nothing_changed_says_nothing(host: Host) -> None:
    pulse = pulse_after_boot(host)
    assert [pulse.differs() for _ in range(3)] == ["", "", ""]


def change_vlan(host: Host) -> None:
    host.table.overwrite(PF_NETDEV, 0, replace(host.settings(0), vlan=Vlan(99)))


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        (change_vlan, "VF 0 of ens1f0 changed"),
        (lambda host: host.table.set_link(PF_NETDEV, up=False), "the link of ens1f0 changed"),
        (lambda host: host.table.set_link(PF_NETDEV, carrier=False), "the link of ens1f0 changed"),
        (lambda host: host.table.plug(PF_NETDEV, host.card, ()), "ens1f0 has 0 VFs, it had 4"),
        (lambda host: host.table.unplug(PF_NETDEV), "ens1f0 cannot be looked at"),
        (lambda host: host.table.misbehave(PF_NETDEV, Mishaps(truncated_to=1)), "ens1f0 cannot be looked at"),
    ],
)
def test_what_changed_is_named(host: Host, happens: Callable[[Host], None], words: str) -> None:
    pulse = pulse_after_boot(host)
    happens(host)
    assert words in pulse.differs()


def test_a_change_of_a_vf_that_no_report_was_about_is_none_of_its_business(host: Host) -> None:
    pulse = pulse_after_boot(host)
    host.table.overwrite(PF_NETDEV, 3, replace(host.settings(3), vlan=Vlan(7)))
    assert pulse.differs() == ""


def test_a_pf_that_could_not_be_looked_at_is_news_only_when_it_can(host: Host) -> None:
    report = host.agent().turn(boot(host, 0))
    host.table.misbehave(PF_NETDEV, Mishaps(truncated_to=0))
    pulse = Pulse(host.table, read_functions(host.sysfs), report.functions)
    assert pulse.differs() == ""
    host.table.misbehave(PF_NETDEV, Mishaps())
    assert pulse.differs() == "ens1f0 can be looked at again"
