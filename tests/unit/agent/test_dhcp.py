"""The agent's DHCP servers: each has its report, one that fails stops no other, and one that ends is noticed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.agent.dhcp import serve_dhcp
from mooring.model.desired import Desired, DesiredDhcp, DhcpOutcome, DhcpReport
from mooring.testing.dhcp import SimulatedDhcp
from tests.unit.agent.hosts import Host, boot
from tests.unit.agent.test_loop import run

BLUE, RED = "0b1ce000-0000-4000-8000-000000000001", "0bed0000-0000-4000-8000-000000000002"
NETDEV = "ens1f0"
WITHIN_S = 4


def wanted(network_id: str, vlan_id: int = 100) -> DesiredDhcp:
    return DesiredDhcp(
        network_id, "physnet1", vlan_id, 1500, f"port-{vlan_id}", "02:00:00:00:00:01", (f"198.51.{vlan_id}.2/24",)
    )


@pytest.fixture
def servers(tmp_path: Path) -> SimulatedDhcp:
    return SimulatedDhcp(tmp_path / "dhcp", {"physnet1": NETDEV}, tmp_path)


def served(servers: SimulatedDhcp, *some: DesiredDhcp) -> tuple[DhcpReport, ...]:
    notes: list[str] = []
    return serve_dhcp(servers, some, notes.append)


def test_each_server_has_its_report_and_one_that_fails_stops_no_other(servers: SimulatedDhcp) -> None:
    servers.refuse(BLUE, "no carrier")
    blue, red = served(servers, wanted(BLUE), wanted(RED, 200))
    assert blue == DhcpReport(BLUE, "port-100", DhcpOutcome.FAILED, reason="no carrier")
    assert red == DhcpReport(RED, "port-200", DhcpOutcome.SERVING, "02:00:00:00:00:01", ("198.51.200.2/24",))


def test_what_is_not_wanted_any_more_goes(servers: SimulatedDhcp) -> None:
    served(servers, wanted(BLUE), wanted(RED, 200))
    served(servers, wanted(RED, 200))
    assert servers.served() == (RED,)


def test_doing_it_again_starts_nothing(servers: SimulatedDhcp) -> None:
    for _ in range(2):
        served(servers, wanted(BLUE))
    assert (servers.running(BLUE).starts, servers.running(BLUE).reads) == (1, 0)


def test_a_server_that_ends_by_itself_is_up_again_within_seconds(host: Host, servers: SimulatedDhcp) -> None:
    host.machine = replace(host.machine, dhcp=servers)
    desired = replace(boot(host, 0), dhcp=(wanted(BLUE),))
    _during(host, desired, lambda: servers.kill(BLUE), at_s=6, seconds=6 + WITHIN_S)
    assert (servers.running(BLUE).starts, servers.is_alive(BLUE)) == (2, True)


def _during(host: Host, desired: Desired, happens: Callable[[], None], *, at_s: int, seconds: int) -> None:
    def pass_a_second(_seconds: float) -> None:
        host.clock.elapsed_s += 1
        if host.clock.elapsed_s == at_s:
            happens()

    host.controller.on_listen = pass_a_second
    silence: list[Desired | BaseException | None] = [None] * seconds
    run(host, desired, *silence)
