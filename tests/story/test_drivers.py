"""Servers on every kind of wire: Open vSwitch with and without offload, macvtap on a NIC, InfiniBand."""

from xml.etree.ElementTree import Element

import pytest

from mooring.config import ControllerConfig
from mooring.host.livexml import parse
from mooring.host.machine import RepresentorPort, VlanNetdev
from mooring.model.pci import PciAddress
from mooring.model.port import PortStatus, VnicType
from mooring.model.server import Server, ServerStatus
from mooring.model.vf import LinkState, TxRate, VfSettings, VfState, Vlan
from mooring.store import devices
from mooring.testing.cards import MELLANOX_CX6, MELLANOX_CX6_INFINIBAND
from mooring.testing.host import Plan, SimulatedHost, Spec
from mooring.testing.sysfs_tree import SimulatedPf
from tests.story.conftest import MakeCloud, Told

OFFLOAD = {"capabilities": ["switchdev"]}
HOST = "h1"
PF = SimulatedPf(MELLANOX_CX6, PciAddress.parse("0000:81:00.0"), "ens1f0", "04:3f:72:00:00:01", num_vfs=2)
SWITCHDEV = SimulatedPf(
    MELLANOX_CX6, PciAddress.parse("0000:82:00.0"), "ens2f0", "04:3f:72:00:00:02", num_vfs=2, is_switchdev=True
)
FABRIC = SimulatedPf(MELLANOX_CX6_INFINIBAND, PciAddress.parse("0000:83:00.0"), "ib0", "04:3f:72:00:00:03", num_vfs=2)
ON_OVS = Plan(
    ports=(PF, SWITCHDEV),
    specs=(Spec("ens1f0", "physnet1"), Spec("ens2f0", "physnet1")),
    bridge_mappings={"physnet1": "br-phys1"},
    ovs_bridges=("br-phys1",),
)
ON_NIC = Plan(ports=(PF,), specs=(), bridge_mappings={}, interface_mappings={"physnet1": "eno1"})
ON_FABRIC = Plan(ports=(FABRIC,), specs=(Spec("ib0", "fabric"),), bridge_mappings={})
WITH_MACVTAP = ControllerConfig(mechanism_drivers=("sriovnicswitch", "macvtap"))
WITH_MLNX = ControllerConfig(mechanism_drivers=("mlnx",))


def host(told: Told) -> SimulatedHost:
    return told.cloud.nodes[HOST].host


def interface(told: Told, server: Server, path: str = "devices/interface") -> Element:
    found = parse(host(told).hypervisor().xml(server.id)).find(path)
    assert found is not None, path
    return found


def is_up(told: Told, netdev: str) -> bool:
    return bool(int((host(told).root / "class/net" / netdev / "flags").read_text(), 16) & 1)


def plugged(told: Told) -> list[RepresentorPort]:
    return list(host(told).plumbing.representor_ports())


def state(told: Told, port: RepresentorPort) -> VfState:
    """Of the VF behind a representor."""
    address = SWITCHDEV.vf_address(int(port.representor[-1]))
    found = told.read(lambda tx: devices.at(tx, HOST, address))
    assert found is not None
    return found.state


def offloaded(told: Told) -> tuple[Server, RepresentorPort]:
    """A server with one offloaded port on VLAN 100, and what should be on the bridge for it."""
    port = told.port(told.network("physnet1", 100), VnicType.DIRECT, OFFLOAD)
    server = told.boot(port)
    assert server.status is ServerStatus.ACTIVE, server.fault
    stored = told.stored(port)
    assert (stored.status, stored.binding.vif_type) == (PortStatus.ACTIVE, "ovs")
    representor = SWITCHDEV.representor(int(str(stored.binding.profile["vf_num"])))
    return server, RepresentorPort("br-phys1", representor, 100, port.id, port.mac_address, server.id)


def test_an_ordinary_port_is_open_vswitchs_without_anybody_naming_the_driver(make_cloud: MakeCloud) -> None:
    told = make_cloud({HOST: ON_OVS})
    port = told.port(told.network("physnet1", 100), VnicType.NORMAL)
    server = told.boot(port)
    assert told.stored(port).binding.driver == "openvswitch"
    device = interface(told, server)
    assert device.find("source[@bridge='br-phys1']") is not None
    assert device.find(f"virtualport[@type='openvswitch']/parameters[@interfaceid='{port.id}']") is not None
    assert device.find("vlan/tag[@id='100']") is not None


def test_an_offloaded_port_is_a_vf_whose_representor_is_on_the_bridge_until_its_server_goes(
    make_cloud: MakeCloud,
) -> None:
    told = make_cloud({HOST: ON_OVS})
    server, wanted = offloaded(told)
    assert plugged(told) == [wanted]
    assert is_up(told, wanted.representor)
    assert interface(told, server).find("vlan") is None
    settings = host(told).vf_table.read("ens2f0", int(wanted.representor[-1]))
    assert (settings.mac, settings.vlan, settings.link_state) == (wanted.mac, Vlan(), LinkState.AUTO)
    told.delete(server)
    assert told.is_gone(server)
    assert plugged(told) == []
    assert not is_up(told, wanted.representor)


def test_offload_takes_vfs_in_switchdev_mode_only_and_everything_else_the_others_only(make_cloud: MakeCloud) -> None:
    told = make_cloud({HOST: ON_OVS})
    network = told.network("physnet1", 100)
    for profile, pf in ((OFFLOAD, SWITCHDEV), ({}, PF)):
        ports = [told.port(network, VnicType.DIRECT, profile) for _ in range(2)]
        servers = [told.boot(port) for port in ports]
        assert {server.status for server in servers} == {ServerStatus.ACTIVE}
        taken = {str(told.stored(port).binding.profile["pci_slot"]) for port in ports}
        assert taken == {str(pf.vf_address(index)) for index in range(2)}


@pytest.mark.parametrize(
    ("ports", "profile", "says"),
    [
        ((PF,), OFFLOAD, "no VF on physnet1 of a card in switchdev mode"),
        ((SWITCHDEV,), {}, "no VF on physnet1 of a card that is not in switchdev mode"),
    ],
)
def test_a_host_without_such_a_card_says_so(
    make_cloud: MakeCloud, ports: tuple[SimulatedPf, ...], profile: dict[str, object], says: str
) -> None:
    specs = tuple(Spec(pf.netdev, "physnet1") for pf in ports)
    told = make_cloud({HOST: Plan(ports, specs, {"physnet1": "br-phys1"}, ovs_bridges=("br-phys1",))})
    server = told.create(told.port(told.network("physnet1", 100), VnicType.DIRECT, profile))
    assert server.fault is not None
    assert says in server.fault.message


def test_a_representor_that_somebody_took_off_the_bridge_is_put_back(make_cloud: MakeCloud) -> None:
    told = make_cloud({HOST: ON_OVS})
    _, wanted = offloaded(told)
    host(told).plumbing.forget_port(wanted.representor)
    told.cloud.settle()
    assert plugged(told) == [wanted]


def test_a_port_says_so_while_open_vswitch_is_silent_and_its_guest_runs_on(make_cloud: MakeCloud) -> None:
    told = make_cloud({HOST: ON_OVS})
    server, wanted = offloaded(told)
    host(told).plumbing.silence_ovs(is_silent=True)
    told.cloud.settle()
    port = told.ports(server)[0]
    assert (port.status, told.server(server.id).status) == (PortStatus.DOWN, ServerStatus.ACTIVE)
    assert port.fault is not None
    host(told).plumbing.silence_ovs(is_silent=False)
    told.cloud.settle()
    assert told.ports(server)[0].status is PortStatus.ACTIVE
    assert plugged(told) == [wanted]


def test_a_vf_is_nobodys_while_its_representor_may_be_on_the_bridge_of_its_last_owner(make_cloud: MakeCloud) -> None:
    told = make_cloud({HOST: ON_OVS})
    server, wanted = offloaded(told)
    host(told).plumbing.silence_ovs(is_silent=True)
    told.delete(server)
    assert state(told, wanted) is VfState.QUARANTINED
    host(told).plumbing.silence_ovs(is_silent=False)
    told.cloud.settle()
    assert plugged(told) == []
    assert state(told, wanted) is VfState.AVAILABLE


def test_a_macvtap_port_is_on_the_nics_vlan_which_comes_with_the_first_server_and_goes_with_the_last(
    make_cloud: MakeCloud,
) -> None:
    told = make_cloud({HOST: ON_NIC}, WITH_MACVTAP)
    network = told.network("physnet1", 100)
    servers = [told.boot(told.port(network, VnicType.NORMAL)) for _ in range(2)]
    assert {server.status for server in servers} == {ServerStatus.ACTIVE}
    assert list(host(told).plumbing.vlan_netdevs()) == [VlanNetdev("eno1.100", "eno1", 100)]
    assert is_up(told, "eno1.100")
    source = interface(told, servers[0]).find("source")
    assert source is not None
    assert (source.get("dev"), source.get("mode")) == ("eno1.100", "bridge")
    told.delete(servers[0])
    assert len(host(told).plumbing.vlan_netdevs()) == 1
    told.delete(servers[1])
    assert not host(told).plumbing.vlan_netdevs()
    assert not (host(told).root / "class/net/eno1.100").exists()


def test_macvtap_port_on_a_flat_network_is_on_the_nic_itself(make_cloud: MakeCloud) -> None:
    told = make_cloud({HOST: ON_NIC}, WITH_MACVTAP)
    server = told.boot(told.port(told.flat_network("physnet1"), VnicType.NORMAL))
    assert server.status is ServerStatus.ACTIVE
    assert interface(told, server).find("source[@dev='eno1']") is not None
    assert not host(told).plumbing.vlan_netdevs()


def test_vlans_come_back_with_their_servers_after_a_reboot(make_cloud: MakeCloud) -> None:
    told = make_cloud({HOST: ON_NIC}, WITH_MACVTAP)
    server = told.boot(told.port(told.network("physnet1", 100), VnicType.NORMAL))
    host(told).reboot()
    told.cloud.restart_agent(HOST)
    told.cloud.settle()
    assert told.server(server.id).status is ServerStatus.ACTIVE
    assert [netdev.name for netdev in host(told).plumbing.vlan_netdevs()] == ["eno1.100"]


def test_on_infiniband_a_vf_gets_the_ports_guid_and_a_fresh_one_when_it_comes_back(make_cloud: MakeCloud) -> None:
    told = make_cloud({HOST: ON_FABRIC}, WITH_MLNX)
    idle = set(told.on_card(HOST))
    assert all(settings.guid != "00:00:00:00:00:00:00:00" for settings in idle)
    port = told.port(told.network("fabric", 100), VnicType.DIRECT)
    server = told.boot(port)
    assert server.status is ServerStatus.ACTIVE, server.fault
    details = told.stored(port).binding.vif_details
    assert (told.stored(port).binding.vif_type, details["pkey"]) == ("ib_hostdev", "0x8064")
    held = VfSettings("00:00:00:00:00:00", Vlan(), rate=TxRate(), link_state=LinkState.AUTO, guid=str(details["guid"]))
    assert held in told.on_card(HOST)
    assert interface(told, server, "devices/hostdev").find("mac") is None
    told.delete(server)
    assert told.is_gone(server)
    assert details["guid"] not in {settings.guid for settings in told.on_card(HOST)}
    assert len({settings.guid for settings in told.on_card(HOST)}) == 2
