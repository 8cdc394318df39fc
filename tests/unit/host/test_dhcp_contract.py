"""DHCP servers keep their contract: the simulated ones, and dnsmasq in network namespaces of this very kernel."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mooring.testing.contracts_dhcp import DhcpContract
from mooring.testing.dhcp import SimulatedDhcp
from tests.unit.host.dhcp_wire import DhcpWire


class TestSimulatedServers(DhcpContract):
    @pytest.fixture(autouse=True)
    def _servers(self, tmp_path: Path) -> None:
        netdev = tmp_path / "sys/class/net/ens1f0v1"
        netdev.mkdir(parents=True)
        (netdev / "address").write_text("02:00:00:00:00:01\n")
        self.on(SimulatedDhcp(tmp_path / "dhcp", {"physnet1": "ens1f0v1"}, tmp_path / "sys"), "physnet1")


@pytest.mark.requires("dnsmasq")
class TestDnsmasq(DhcpContract):
    @pytest.fixture(autouse=True)
    def _servers(self, tmp_path: Path) -> Iterator[None]:
        with DhcpWire(tmp_path / "run/dhcp") as wire:
            self.on(wire.servers(), "physnet1", vlans=(100, 200) if wire.has_vlans() else (0,))
            yield
