"""Servers on hosts whose VFs only their upstream switch can set: bound, started and cleaned by port profile."""

from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mooring.config import ControllerConfig
from mooring.errors import Conflict, Invalid
from mooring.model.network import Network
from mooring.model.port import PortStatus, VnicType
from mooring.model.port_profile import PortProfile
from mooring.model.server import Server, ServerStatus
from mooring.model.vf import VfSettings, VfState
from mooring.service.interfaces import attach_interface, detach_interface
from mooring.service.networks import NetworkWish, SegmentWish, create_network, update_network
from mooring.service.port_profiles import ProfileWish, create_profile
from mooring.service.ports import PortWish, create_port
from mooring.service.server_ports import NicWish
from mooring.service.servers import ServerWish, create_servers
from mooring.store.claims import CLAIMS
from mooring.store.devices import DEVICES
from mooring.store.servers import SERVERS
from mooring.testing.cards import CISCO_VIC_1240, INTEL_X710
from mooring.testing.cloud import ADMIN
from mooring.testing.host import Plan, Spec
from mooring.testing.hosts import port
from tests.story.conftest import MakeCloud, Told

CONFIG = ControllerConfig(mechanism_drivers=("vmfex", "sriovnicswitch", "linuxbridge"))
VFS = 4
VIC = Plan(
    ports=(port(CISCO_VIC_1240, "0000:81:00.0", "ens1f0", 1, VFS),),
    specs=(Spec("ens1f0", "physnet1"),),
    bridge_mappings={"physnet1": "br-physnet1"},
)
#: The second one reaches another physical network.
TWO_VICS = Plan(
    ports=(*VIC.ports, port(CISCO_VIC_1240, "0000:82:00.0", "ens2f0", 2, VFS)),
    specs=(*VIC.specs, Spec("ens2f0", "physnet2")),
    bridge_mappings={},
)
NIC = Plan(
    ports=(port(INTEL_X710, "0000:3b:00.0", "ens2f0", 3, VFS),),
    specs=(Spec("ens2f0", "physnet1"),),
    bridge_mappings={},
)


def profile(told: Told, name: str = "gold", *vlans: int, **more: Any) -> PortProfile:
    wish = ProfileWish(name, vlans or (100,), **more)
    return told.write(lambda tx: create_profile(tx, told.world, ADMIN, wish))


def network_of(told: Told, profile: PortProfile | None = None) -> Network:
    network = told.network("physnet1", 100, "direct")
    if profile is None:
        return network
    return told.write(lambda tx: update_network(tx, told.world, ADMIN, network.id, {"port_profile": profile.name}))


def boot(told: Told, *nics: NicWish) -> Server:
    wish = ServerWish("vm", told.flavor.id, nics=nics)
    (server,) = told.write(lambda tx: create_servers(tx, told.world, ADMIN, wish))
    told.cloud.settle()
    return told.server(server.id)


def profile_ids(told: Told, server: Server) -> list[str | None]:
    """Of the interfaces of the domain."""
    node = told.cloud.nodes[str(server.host)]
    domain = ET.fromstring(node.host.hypervisor().xml(server.id))  # noqa: S314 - from our own simulator
    assert not domain.findall(".//interface[virtualport]/vlan")
    return [
        None if (one := interface.find("virtualport[@type='802.1Qbh']/parameters")) is None else one.get("profileid")
        for interface in domain.iter("interface")
    ]


def test_a_server_runs_with_the_profile_of_its_network_and_nothing_is_written_to_the_card(
    make_cloud: MakeCloud,
) -> None:
    told = make_cloud({"h1": VIC}, CONFIG)
    server = told.boot(network_of(told, profile(told)))
    assert server.status is ServerStatus.ACTIVE, server.fault
    assert profile_ids(told, server) == ["gold"]
    (bound,) = told.ports(server)
    assert (bound.binding.vif_type, bound.status, bound.port_profile_id) == ("802.1qbh", PortStatus.ACTIVE, None)
    assert bound.binding.vif_details == {"port_filter": False, "connectivity": "l2", "profileid": "gold"}
    assert [claim.desired for claim in told.read(CLAIMS.where)] == [VfSettings()]
    assert told.cloud.nodes["h1"].host.vf_table.writes() == ()

    told.delete(server)
    assert told.is_gone(server)
    free = [device for device in told.read(DEVICES.where) if device.state is VfState.AVAILABLE]
    assert len(free) == VFS
    assert told.cloud.nodes["h1"].host.vf_table.writes() == ()


@pytest.mark.parametrize("vnic_type", ["direct", "macvtap"])
def test_a_nics_profile_goes_before_the_networks(make_cloud: MakeCloud, vnic_type: str) -> None:
    told = make_cloud({"h1": VIC}, CONFIG)
    network = network_of(told, profile(told))
    trunk = profile(told, "trunk", 100, 5)
    server = boot(told, NicWish(network_id=network.id, vnic_type=vnic_type, port_profile="trunk"))
    assert server.status is ServerStatus.ACTIVE, server.fault
    assert profile_ids(told, server) == ["trunk"]
    assert [made.port_profile_id for made in told.ports(server)] == [trunk.id]


def test_ordinary_nics_on_a_network_with_a_profile_have_none(make_cloud: MakeCloud) -> None:
    told = make_cloud({"h1": VIC}, CONFIG)
    network = network_of(told, profile(told))
    server = told.boot(told.port(network, VnicType.NORMAL), told.port(network, VnicType.DIRECT))
    assert server.status is ServerStatus.ACTIVE, server.fault
    assert profile_ids(told, server) == [None, "gold"]
    assert [one.binding.driver for one in told.ports(server)] == ["linuxbridge", "vmfex"]


def test_an_interface_is_attached_with_a_profile_and_detached_clean(make_cloud: MakeCloud) -> None:
    told = make_cloud({"h1": VIC}, CONFIG)
    network = network_of(told, profile(told))
    profile(told, "trunk", 100, 5)
    server = told.boot(network)
    wish = NicWish(network_id=network.id, vnic_type="direct", port_profile="trunk")
    made = told.write(lambda tx: attach_interface(tx, told.world, ADMIN, server.id, wish))
    told.cloud.settle()
    assert profile_ids(told, server) == ["gold", "trunk"]
    told.write(lambda tx: detach_interface(tx, told.world, ADMIN, server.id, made.id))
    told.cloud.settle()
    assert profile_ids(told, server) == ["gold"]
    assert len(told.read(CLAIMS.where)) == 1


def test_of_a_network_of_several_segments_a_vf_is_taken_where_the_profile_fits(make_cloud: MakeCloud) -> None:
    told = make_cloud({"h1": TWO_VICS}, CONFIG)
    segments = (SegmentWish("vlan", "physnet1", 100), SegmentWish("vlan", "physnet2", 200))
    wish = NetworkWish("admin-project", "two", segments=segments)
    network = told.write(lambda tx: create_network(tx, told.world, ADMIN, wish))
    profile(told, "silver", 200)
    for _ in range(VFS):
        server = boot(told, NicWish(network_id=network.id, vnic_type="direct", port_profile="silver"))
        assert server.status is ServerStatus.ACTIVE, server.fault
        assert told.ports(server)[0].binding.profile["physical_network"] == "physnet2"
    server = boot(told, NicWish(network_id=network.id, vnic_type="direct", port_profile="silver"))
    assert server.status is ServerStatus.ERROR
    assert server.fault is not None
    assert "no free VF on physnet2" in server.fault.message


@pytest.mark.parametrize(
    ("wish", "kind", "words"),
    [
        ({"port_profile": "silver"}, Conflict,
         "port profile silver puts ports on VLAN 200, and network net-100 is on VLAN 100"),
        ({"port_profile": "elsewhere"}, Conflict, "port profile elsewhere is of physnet2, and network net-100 is on"),
        ({"port_profile": "nowhere"}, Invalid, "Port profile nowhere could not be found."),
        ({"port_profile": "gold", "vnic_type": "normal"}, Invalid, "and the port's is normal"),
        ({"port_profile": "gold", "vnic_type": "direct-physical"}, Invalid, "and the port's is direct-physical"),
    ],
)  # fmt: skip
def test_a_nics_profile_that_does_not_fit_is_refused_before_anything_is_placed(
    make_cloud: MakeCloud, wish: dict[str, str], kind: type[Exception], words: str
) -> None:
    told = make_cloud({"h1": TWO_VICS}, CONFIG)
    network = network_of(told)
    for name, vlan, physnets in (("gold", 100, ()), ("silver", 200, ()), ("elsewhere", 100, ("physnet2",))):
        profile(told, name, vlan, physical_networks=physnets)
    with pytest.raises(kind, match=words):
        boot(told, NicWish(**{"network_id": network.id, "vnic_type": "direct", **wish}))
    assert told.read(SERVERS.where) == []


def test_a_vf_that_only_its_switch_can_set_serves_no_port_without_a_profile(make_cloud: MakeCloud) -> None:
    told = make_cloud({"h1": VIC}, CONFIG)
    server = told.boot(network_of(told))
    assert server.status is ServerStatus.ERROR
    assert server.fault is not None
    assert "no VF on physnet1 that works without a port profile" in server.fault.message


def test_a_host_with_other_cards_is_passed_over_for_a_port_with_a_profile(make_cloud: MakeCloud) -> None:
    told = make_cloud({"h1": NIC, "h2": VIC}, CONFIG)
    network = network_of(told, profile(told))
    for _ in range(VFS):
        server = told.boot(network)
        assert (server.status, server.host) == (ServerStatus.ACTIVE, "h2")
    last = told.boot(network)
    assert last.status is ServerStatus.ERROR
    assert last.fault is not None
    assert "no VF on physnet1 that takes a port profile" in last.fault.message


def test_on_a_host_with_both_kinds_of_cards_each_port_gets_a_vf_of_its_own_kind(make_cloud: MakeCloud) -> None:
    both = replace(NIC, ports=(*NIC.ports, *VIC.ports), specs=(*NIC.specs, *VIC.specs))
    told = make_cloud({"h1": both}, CONFIG)
    network = network_of(told, profile(told))
    plain = told.network("physnet1", 101, "direct")
    for _ in range(VFS):
        server = told.boot(network, plain)
        assert server.status is ServerStatus.ACTIVE, server.fault
        assert [one.binding.driver for one in told.ports(server)] == ["vmfex", "sriovnicswitch"]
    last = told.boot(plain)
    assert last.fault is not None
    assert "no free VF on physnet1 (4 of 4 in use)" in last.fault.message


def test_without_the_driver_no_port_with_a_profile_is_bound_and_the_reason_is_kept(make_cloud: MakeCloud) -> None:
    told = make_cloud({"h1": NIC}, replace(CONFIG, mechanism_drivers=("sriovnicswitch", "linuxbridge")))
    network = network_of(told, profile(told))
    server = told.boot(network)
    assert server.status is ServerStatus.ERROR
    assert server.fault is not None
    assert "no VF on physnet1 that takes a port profile" in server.fault.message
    wish = PortWish(network.id, "admin-project", vnic_type=VnicType.DIRECT, host="h1")
    bound = told.write(lambda tx: create_port(tx, told.world, ADMIN, wish))
    assert "the port has port profile gold, and this driver tells no upstream switch of it" in [
        refusal.reason for refusal in bound.binding.refusals
    ]
