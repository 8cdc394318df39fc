"""What every ``DhcpServers`` keeps to, as a class of tests: for the simulated one, and for dnsmasq on a real kernel.

As in ``contracts.py``: subclass it, or ``broken_promises(DhcpContract().on(...))``.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from mooring.errors import NotFound
from mooring.host.machine import DhcpServers
from mooring.model.desired import DesiredDhcp, DhcpHost, DhcpSubnet
from mooring.testing.contracts import refuses, same

_BLUE, _RED = "0b1ce000-0000-4000-8000-000000000001", "0bed0000-0000-4000-8000-000000000002"
_SUBNET = DhcpSubnet("50b00000-0000-4000-8000-000000000003", "198.51.100.0/24", "198.51.100.1", ("192.0.2.53",))
_FIRST = DhcpHost("90a70000-0000-4000-8000-000000000004", "fa:16:3e:00:00:04", ("198.51.100.4",))
_SECOND = DhcpHost("90a70000-0000-4000-8000-000000000005", "fa:16:3e:00:00:05", ("198.51.100.5",))


class DhcpContract:
    """Needs an interface with a link on ``physical_network``. Nothing is served before, and nothing after."""

    servers: DhcpServers
    physical_network: str
    vlans: Sequence[int] = (100, 200)
    """0 is untagged: all that a kernel without 802.1Q can do."""

    def on(self, servers: DhcpServers, physical_network: str, *, vlans: Sequence[int] = vlans) -> Self:
        self.servers, self.physical_network, self.vlans = servers, physical_network, vlans
        return self

    def test_the_interface_is_offered_with_its_mac(self) -> None:
        offered = {one.physical_network: one for one in self.servers.interfaces()}[self.physical_network]
        same((offered.reason, len(offered.mac)), ("", len("02:00:00:00:00:01")), "reason, and length of the MAC")

    def test_a_server_is_made_once_shown_and_removed_once(self) -> None:
        wanted = self._wanted(_BLUE)
        for _ in range(2):
            seen = self.servers.serve(wanted)
            same((seen.mac, seen.addresses), (wanted.mac, wanted.addresses), "what was read back")
            same((tuple(self.servers.served()), self.servers.is_alive(_BLUE)), ((_BLUE,), True), "what is served")
        for _ in range(2):
            self.servers.remove(_BLUE)
            same((tuple(self.servers.served()), self.servers.is_alive(_BLUE)), ((), False), "what is served")

    def test_two_networks_have_the_same_addresses_on_two_vlans(self) -> None:
        two = dict(zip((_BLUE, _RED), self.vlans, strict=False))
        for network_id, vlan_id in two.items():
            self.servers.serve(self._wanted(network_id, vlan_id))
        same(set(self.servers.served()), set(two), "what is served")
        for network_id in two:
            self.servers.remove(network_id)
        same(tuple(self.servers.served()), (), "what is served")

    def test_hosts_and_addresses_change_under_a_server(self) -> None:
        wanted = self._wanted(_BLUE)
        self.servers.serve(wanted)
        for changed in (
            replace(wanted, hosts=(_FIRST, _SECOND)),
            replace(wanted, hosts=(replace(_SECOND, addresses=_FIRST.addresses),)),
            replace(wanted, addresses=("198.51.100.3/24",)),
            replace(wanted, vlan_id=self.vlans[-1]),
        ):
            seen = self.servers.serve(changed)
            same((seen.mac, seen.addresses), (changed.mac, changed.addresses), "what was read back")
            same(self.servers.is_alive(_BLUE), True, "is_alive")
        self.servers.remove(_BLUE)

    def test_a_physical_network_without_an_interface_is_not_found(self) -> None:
        refuses(NotFound, self.servers.serve, replace(self._wanted(_BLUE), physical_network="nosuchnet"))
        same(tuple(self.servers.served()), (), "what is served")

    def _wanted(self, network_id: str, vlan_id: int | None = None) -> DesiredDhcp:
        offered = {one.physical_network: one for one in self.servers.interfaces()}[self.physical_network]
        vlan_id = self.vlans[0] if vlan_id is None else vlan_id
        return DesiredDhcp(
            network_id, self.physical_network, vlan_id, 1500, "90a70000-0000-4000-8000-000000000002", offered.mac,
            ("198.51.100.2/24",), (_SUBNET,), (_FIRST,),
        )  # fmt: skip
