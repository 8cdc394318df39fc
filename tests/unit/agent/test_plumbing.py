"""What a turn does beside VFs: only what the host's own file names, once, and nothing that is somebody else's."""

from dataclasses import replace
from pathlib import Path

import pytest

from mooring.agent.domain import Guests
from mooring.agent.inventory import Inventory
from mooring.agent.plumbing import PlumbingHands, PlumbingWork
from mooring.agent.scene import Scene
from mooring.errors import Conflict, Forbidden, HostFault
from mooring.host.domainxml import DomainKind
from mooring.host.machine import RepresentorPort, VlanNetdev
from mooring.model.desired import Desired, DesiredFunction, DesiredInterface, DesiredServer, Purpose
from mooring.model.host import OfferedFunction
from mooring.model.outside import NoSteps
from mooring.model.pci import PciAddress
from mooring.model.vf import VfSettings
from mooring.testing.cards import MELLANOX_CX6
from mooring.testing.host import Plan, SimulatedHost
from mooring.testing.plumbing import add_nic
from mooring.testing.sysfs_tree import SimulatedPf

LEGACY = SimulatedPf(MELLANOX_CX6, PciAddress.parse("0000:81:00.0"), "ens1f0", "04:3f:72:00:00:01", num_vfs=1)
SWITCHDEV = SimulatedPf(
    MELLANOX_CX6, PciAddress.parse("0000:82:00.0"), "ens2f0", "04:3f:72:00:00:02", num_vfs=2, is_switchdev=True
)
MAC, SERVER = "fa:16:3e:00:00:01", "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11"
OFFLOADED = DesiredInterface("p1", MAC, "direct", "ovs", SWITCHDEV.vf_address(1), 100, "br-phys1")
ON_NIC = DesiredInterface("p2", MAC, "normal", "macvtap", vlan_id=100, source="eno1.100", parent="eno1")
PLUGGED = RepresentorPort("br-phys1", "ens2f0_1", 100, "p1", MAC, SERVER)
VLAN = VlanNetdev("eno1.100", "eno1", 100)


class Bench:
    def __init__(self, folder: Path) -> None:
        plan = Plan(
            (LEGACY, SWITCHDEV), (), {"physnet1": "br-phys1"}, ovs_bridges=("br-phys1", "br-other"),
            interface_mappings={"physnet2": "eno1"},
        )  # fmt: skip
        self.host = SimulatedHost.create(folder, plan, controller="http://127.0.0.1:1", key="key")
        self.plumbing = self.host.plumbing
        self.notes: list[str] = []

    @property
    def scene(self) -> Scene:
        offers = [OfferedFunction(one, is_offered=True) for one in self.host.functions()]
        return Scene(offers, Guests(self.host.machine(), DomainKind.KVM, NoSteps()), self.host.vf_table)

    def work(self) -> PlumbingWork:
        hands = PlumbingHands(self.plumbing, {"physnet1": "br-phys1"}, {"physnet2": "eno1"})
        return PlumbingWork(hands, self.notes.append)

    def connect(self, interface: DesiredInterface) -> None:
        self.work().connect(server(interface), interface, self.scene)


def server(*interfaces: DesiredInterface) -> DesiredServer:
    return DesiredServer(SERVER, "web1", 1, True, 1, 64, interfaces=interfaces)


def desired(*interfaces: DesiredInterface) -> Desired:
    function = DesiredFunction(SWITCHDEV.vf_address(1), SWITCHDEV.address, 1, 1, Purpose.BASELINE, VfSettings())
    return Desired("h1", 1, 1, (function,), (server(*interfaces),))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "host")


def test_what_an_interface_needs_is_made_once(bench: Bench) -> None:
    for _ in range(2):
        bench.connect(OFFLOADED)
        bench.connect(ON_NIC)
        assert list(bench.plumbing.representor_ports()) == [PLUGGED]
        assert list(bench.plumbing.vlan_netdevs()) == [VLAN]


def test_a_port_that_is_on_another_bridge_or_vlan_is_moved(bench: Bench) -> None:
    bench.plumbing.plug(replace(PLUGGED, bridge="br-other", vlan_id=7, port_id="old"))
    bench.connect(OFFLOADED)
    assert list(bench.plumbing.representor_ports()) == [PLUGGED]


@pytest.mark.parametrize(
    ("interface", "says"),
    [
        (replace(OFFLOADED, bridge="br-other"), "bridge_mappings do not name 'br-other'"),
        (replace(OFFLOADED, bridge=None), "bridge_mappings do not name ''"),
        (replace(ON_NIC, parent="ens1f0", source="ens1f0.100"), "interface_mappings do not name 'ens1f0'"),
        (replace(ON_NIC, vlan_id=0), "is on eno1 itself, and not on 'eno1.100'"),
    ],
)
def test_what_the_hosts_own_file_does_not_name_is_not_touched(
    bench: Bench, interface: DesiredInterface, says: str
) -> None:
    with pytest.raises(Forbidden, match=says):
        bench.connect(interface)
    assert not bench.plumbing.representor_ports()
    assert not bench.plumbing.vlan_netdevs()


@pytest.mark.parametrize("address", [LEGACY.vf_address(0), None])
def test_a_vf_without_representor_is_a_fault_that_names_the_mode(bench: Bench, address: PciAddress | None) -> None:
    with pytest.raises(HostFault, match="has no representor") as fault:
        bench.connect(replace(OFFLOADED, address=address))
    assert "switchdev" in (fault.value.hint or "")


def test_a_netdev_of_the_vlans_name_that_is_another_is_left_alone(bench: Bench) -> None:
    add_nic(bench.host.root, "eno1.100")
    with pytest.raises(Conflict, match=r"eno1\.100 is here already"):
        bench.connect(ON_NIC)


def test_what_no_server_wants_goes_and_what_one_wants_stays(bench: Bench) -> None:
    bench.connect(OFFLOADED)
    bench.connect(ON_NIC)
    bench.work().take_away(desired(OFFLOADED, ON_NIC), bench.scene)
    assert len(bench.plumbing.representor_ports()) == len(bench.plumbing.vlan_netdevs()) == 1
    bench.work().take_away(desired(), bench.scene)
    assert not bench.plumbing.representor_ports()
    assert not bench.plumbing.vlan_netdevs()
    assert bench.notes == []


def test_while_open_vswitch_is_silent_no_vf_with_a_representor_counts_as_unplugged(bench: Bench) -> None:
    bench.connect(OFFLOADED)
    bench.plumbing.silence_ovs(is_silent=True)
    work, scene = bench.work(), bench.scene
    work.take_away(desired(), scene)
    with pytest.raises(HostFault, match=r"ens2f0_1, the representor of .*, is not off its bridge: "):
        work.require_unplugged(SWITCHDEV.vf_address(1), scene)
    work.require_unplugged(LEGACY.vf_address(0), scene)
    assert bench.notes == [
        "representors could not be taken off the bridge: ovs-vsctl failed (1): database connection failed"
    ]


def test_the_controller_is_told_of_bridges_and_nics_that_are_here_and_whose_they_are(bench: Bench) -> None:
    bridges, nics = {"physnet1": "br-phys1", "physnet3": "br-linux"}, {"physnet2": "eno1", "physnet4": "eno2"}
    looking = Inventory(bench.host.machine(), "agent", (), bridges, interface_mappings=nics)
    told = looking.snapshot()
    assert (told.bridge_mappings, told.ovs_bridges) == (bridges, ("br-phys1",))
    assert told.interface_mappings == {"physnet2": "eno1"}


def test_a_bridge_of_which_open_vswitch_does_not_say_whose_it_is_serves_nobody(bench: Bench) -> None:
    bench.plumbing.silence_ovs(is_silent=True)
    told = Inventory(bench.host.machine(), "agent", (), {"physnet1": "br-phys1"}).snapshot()
    assert (told.bridge_mappings, told.ovs_bridges) == ({}, ())


def test_the_controller_is_told_which_pfs_are_in_switchdev_mode(bench: Bench) -> None:
    functions = Inventory(bench.host.machine(), "agent", (), {}).functions()
    assert {one.netdev: one.eswitch_mode for one in functions if one.pf is None} == {
        "ens1f0": None,
        "ens2f0": "switchdev",
    }
