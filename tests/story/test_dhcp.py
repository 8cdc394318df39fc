"""DHCP from a subnet to a server that was read back, and what becomes of it when things come, go and fail."""

from functools import partial

import pytest

from mooring.core.dhcp_options import OptionWish
from mooring.core.subnets import SubnetWish
from mooring.model.desired import DhcpHost
from mooring.model.network import Network, Subnet
from mooring.model.port import DhcpOption, Port, PortStatus, VnicType
from mooring.service import dhcp as stories
from mooring.service.networks import delete_network
from mooring.service.ports import delete_port, update_port
from mooring.service.subnets import NewSubnet, create_subnet, delete_subnet, update_subnet
from mooring.store import devices, dhcp
from mooring.store.hosts import HOSTS
from mooring.testing.cards import INTEL_X710
from mooring.testing.cloud import ADMIN
from mooring.testing.dhcp import Running
from mooring.testing.host import Plan, Spec
from mooring.testing.hosts import port as pf_of
from tests.story.conftest import MakeCloud, Told

PF, VF = "ens1f0", "ens1f0v1"
AGENT_DOWN_S = 75


def plan(mac_end: int = 1, **dhcp_interfaces: str) -> Plan:
    """A PF with four VFs on physnet1; by its second VF the host serves DHCP."""
    return Plan(
        ports=(pf_of(INTEL_X710, "0000:81:00.0", PF, mac_end, 4),), specs=(Spec(PF, "physnet1"),), bridge_mappings={},
        dhcp_interfaces=dhcp_interfaces or {"physnet1": VF},
    )  # fmt: skip


class Site:
    """A cloud with one network."""

    def __init__(self, told: Told):
        self.told = told
        self.network = told.network("physnet1", 100)

    def subnet(self, cidr: str = "198.51.100.0/24", network: Network | None = None, **more: object) -> Subnet:
        wish = SubnetWish((network or self.network).id, 6 if ":" in cidr else 4, cidr, **more)  # type: ignore[arg-type]  # fields of the wish
        new = NewSubnet("admin-project", wish)
        made = self.told.write(lambda tx: create_subnet(tx, self.told.world, ADMIN, new))
        self.told.cloud.settle()
        return made

    def servers(self, network: Network | None = None) -> list[Port]:
        """The ports of the network's DHCP servers."""
        return self.told.read(lambda tx: dhcp.ports_of(tx, (network or self.network).id))

    @property
    def server(self) -> Port:
        (port,) = self.servers()
        return port

    def running(self, host: str = "h1") -> Running:
        return self.told.cloud.nodes[host].host.dhcp.running(self.network.id)

    def served_by(self, host: str) -> bool:
        return self.network.id in self.told.cloud.nodes[host].host.dhcp.served()

    def port(self) -> Port:
        made = self.told.port(self.network, VnicType.DIRECT)
        self.told.cloud.settle()
        return made

    def set(self, port: Port, **changes: object) -> None:
        self.told.write(lambda tx: update_port(tx, self.told.world, ADMIN, port.id, changes))
        self.told.cloud.settle()

    def look(self) -> None:
        """What the controller does every other second."""
        unsettled = self.told.read(lambda tx: stories.unsettled(tx, self.told.world))
        self.told.write(partial(stories.settle, world=self.told.world, who=ADMIN, network_ids=unsettled))
        self.told.cloud.settle()


@pytest.fixture
def site(make_cloud: MakeCloud) -> Site:
    return Site(make_cloud({"h1": plan()}))


def host_line(port: Port) -> DhcpHost:
    return DhcpHost(port.id, port.mac_address, tuple(fixed.ip_address for fixed in port.fixed_ips))


def test_a_subnet_with_dhcp_gets_a_server_whose_port_is_active_when_it_was_read_back(site: Site) -> None:
    subnet = site.subnet()
    port, wanted = site.server, site.running().wanted
    assert (port.device_owner, port.device_id) == ("network:dhcp", f"dhcp-h1-{site.network.id}")
    assert (port.status, port.binding.host, port.binding.vif_type) == (PortStatus.ACTIVE, "h1", "other")
    (offered,) = site.told.cloud.nodes["h1"].host.dhcp.interfaces()
    assert port.mac_address == offered.mac
    assert (wanted.vlan_id, wanted.addresses) == (100, (f"{port.fixed_ips[0].ip_address}/24",))
    assert [told.cidr for told in wanted.subnets] == [subnet.cidr]


def test_nothing_is_active_before_the_host_said_so(site: Site) -> None:
    site.told.cloud.nodes["h1"].host.dhcp.refuse(site.network.id, f"{VF} has no carrier")
    site.subnet()
    port = site.server
    assert port.status is PortStatus.DOWN
    assert port.fault is not None
    assert port.fault.details == f"{VF} has no carrier"
    assert VF not in port.fault.message
    site.told.cloud.nodes["h1"].host.dhcp.refuse(site.network.id, "")
    site.told.cloud.settle()
    assert (site.server.status, site.server.fault) == (PortStatus.ACTIVE, None)


def test_the_vf_that_serves_is_nobodys_and_says_why(site: Site) -> None:
    known = site.told.read(lambda tx: devices.of_host(tx, "h1"))
    (used,) = [device for device in known.values() if device.netdev == VF]
    assert (used.is_offered, used.reason) == (False, f"the host itself uses it: {VF} is used by DHCP of physnet1")
    assert len([device for device in known.values() if device.is_offered and device.pf is not None]) == 3


def test_ports_are_the_servers_hosts_and_changes_of_them_reach_it_without_a_restart(site: Site) -> None:
    site.subnet()
    first, second = site.port(), site.port()
    assert set(site.running().wanted.hosts) == {host_line(first), host_line(second)}
    site.told.write(lambda tx: delete_port(tx, site.told.world, ADMIN, second.id))
    site.told.cloud.settle()
    assert site.running().wanted.hosts == (host_line(first),)
    assert site.running().starts == 1
    site.set(first, mac_address="fa:16:3e:99:99:99")
    assert site.running().wanted.hosts == (host_line(site.told.stored(first)),)


def test_the_servers_own_port_is_not_among_its_hosts_and_subnets_without_dhcp_are_not_served(site: Site) -> None:
    site.subnet()
    site.subnet("203.0.113.0/24", enable_dhcp=False)
    site.port()
    wanted = site.running().wanted
    assert [subnet.cidr for subnet in wanted.subnets] == ["198.51.100.0/24"]
    assert len(wanted.hosts) == 1
    assert all(address.endswith("/24") and address.startswith("198.51.100.") for address in wanted.addresses)


def test_a_second_subnet_gives_the_server_a_second_address(site: Site) -> None:
    site.subnet()
    before = site.server
    site.subnet("2001:db8::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    after = site.server
    assert after.id == before.id
    assert len(after.fixed_ips) == 2
    assert after.status is PortStatus.ACTIVE
    assert site.running().wanted.subnets[1].ipv6_ra_mode == "slaac"


def test_without_dhcp_there_is_no_server(site: Site) -> None:
    subnet = site.subnet()
    site.told.write(lambda tx: update_subnet(tx, site.told.world, ADMIN, subnet.id, {"enable_dhcp": False}))
    site.told.cloud.settle()
    assert (site.servers(), site.served_by("h1")) == ([], False)


def test_subnets_and_networks_with_servers_only_are_deleted_with_them(site: Site) -> None:
    first, _ = site.subnet(), site.subnet("203.0.113.0/24")
    site.told.write(lambda tx: delete_subnet(tx, site.told.world, ADMIN, first.id))
    site.told.cloud.settle()
    assert len(site.server.fixed_ips) == 1
    site.told.write(lambda tx: delete_network(tx, site.told.world, ADMIN, site.network.id))
    site.told.cloud.settle()
    assert not site.served_by("h1")


def test_an_agent_that_starts_again_does_not_interrupt_the_server(site: Site) -> None:
    site.subnet()
    site.told.cloud.restart_agent("h1")
    site.told.cloud.settle()
    assert (site.running().starts, site.server.status) == (1, PortStatus.ACTIVE)


def test_a_server_that_died_is_started_again(site: Site) -> None:
    site.subnet()
    site.told.cloud.nodes["h1"].host.dhcp.kill(site.network.id)
    site.told.cloud.settle()
    assert (site.running().starts, site.running().is_alive) == (2, True)


def test_a_host_without_dnsmasq_says_so_and_serves_nothing(site: Site) -> None:
    site.told.cloud.nodes["h1"].host.dhcp.uninstall()
    site.told.cloud.restart_agent("h1")
    (shown,) = site.told.read(lambda tx: HOSTS.where(tx, name="h1"))[0].dhcp_interfaces
    assert "dnsmasq is not installed" in shown.reason
    site.subnet()
    assert site.servers() == []
    site.told.cloud.nodes["h1"].host.dhcp.uninstall("")
    site.told.cloud.restart_agent("h1")
    site.look()
    assert site.server.status is PortStatus.ACTIVE


def test_another_host_takes_over_from_one_that_died_with_the_same_addresses(make_cloud: MakeCloud) -> None:
    site = Site(make_cloud({"h1": plan(1), "h2": plan(2)}))
    site.subnet()
    before = site.server
    assert before.binding.host == "h1"
    site.told.clock.advance(AGENT_DOWN_S + 1)
    site.told.world.heartbeats.hear("h2")
    unsettled = site.told.read(lambda tx: stories.unsettled(tx, site.told.world))
    assert unsettled == [site.network.id]
    site.told.write(partial(stories.settle, world=site.told.world, who=ADMIN, network_ids=unsettled))
    moved = site.server
    assert (moved.id, moved.binding.host, moved.status) == (before.id, "h2", PortStatus.DOWN)
    assert moved.fixed_ips == before.fixed_ips
    assert moved.mac_address != before.mac_address
    site.told.cloud.settle()
    assert site.server.status is PortStatus.ACTIVE
    # The one that was dead comes back and finds that it is not wanted any more.
    assert (site.served_by("h1"), site.served_by("h2")) == (False, True)
    site.look()
    assert site.server.binding.host == "h2"


def test_a_host_that_is_the_only_one_keeps_its_networks_when_it_dies(site: Site) -> None:
    site.subnet()
    site.told.clock.advance(AGENT_DOWN_S + 1)
    assert site.told.read(lambda tx: stories.unsettled(tx, site.told.world)) == []
    assert site.server.binding.host == "h1"


def test_networks_are_spread_over_the_hosts_that_offer_dhcp(make_cloud: MakeCloud) -> None:
    site = Site(make_cloud({"h1": plan(1), "h2": plan(2), "h3": plan(3, physnet9=VF)}))
    for vlan in (101, 102, 103):
        site.subnet(network=site.told.network("physnet1", vlan))
    assert site.told.read(dhcp.loads) == {"h1": 2, "h2": 1}


def test_a_subnet_without_a_free_address_has_no_server_and_says_so(site: Site) -> None:
    subnet = site.subnet("198.51.100.0/30", enable_dhcp=False)
    site.port()
    site.told.write(lambda tx: update_subnet(tx, site.told.world, ADMIN, subnet.id, {"enable_dhcp": True}))
    site.told.cloud.settle()
    assert site.servers() == []


def test_options_of_a_port_reach_the_server(site: Site) -> None:
    site.subnet()
    port = site.port()
    site.set(port, extra_dhcp_opts=(OptionWish("tftp-server", "192.0.2.9"),))
    assert site.running().wanted.hosts[0].options == (DhcpOption("tftp-server", "192.0.2.9"),)
    assert site.running().starts == 1
