"""What the host itself uses is told, whatever way it uses it; what cannot be told is not taken for unused."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from mooring.core.devspec import offer
from mooring.core.devspec_entries import parse_device_specs
from mooring.host.host_use import host_uses, open_elsewhere
from mooring.host.sysfs import read_functions
from mooring.model.pci import FunctionKind, PciAddress
from mooring.testing.cards import INTEL_82576
from mooring.testing.occupants import SimulatedOccupants
from mooring.testing.sysfs_tree import SimulatedPf, build, folder_of, rebind

PF = PciAddress.parse("0000:81:00.0")
VF = PciAddress.parse("0000:81:10.0")
SIBLING = PciAddress.parse("0000:81:10.2")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One port with two VFs: PF ens1f0 at 81:00.0, VFs at 81:10.0 and 81:10.2."""
    root = tmp_path / "sys"
    build(root, [SimulatedPf(INTEL_82576, PF, "ens1f0", "52:54:00:01:02:00", num_vfs=2, numa_node=1)])
    return root


@pytest.fixture
def occupants(tmp_path: Path) -> SimulatedOccupants:
    return SimulatedOccupants(tmp_path / "occupants.json")


def uses(root: Path, occupants: SimulatedOccupants | None = None) -> Mapping[PciAddress, str]:
    return host_uses(root, read_functions(root), occupants)


def node_of(root: Path, address: PciAddress) -> str:
    (function,) = (one for one in read_functions(root) if one.address == address)
    return f"/dev/vfio/{function.iommu_group}"


@pytest.mark.parametrize(
    ("links", "folders", "says"),
    [
        ({"master": "../bond0"}, ["bonding_slave"], "ens1f0v0 is in bond 'bond0'"),
        ({"master": "../br0", "upper_br0": "../br0"}, ["brport"], "ens1f0v0 is in bridge 'br0'"),
        ({"master": "../ovs-system"}, [], "ens1f0v0 is in switch 'ovs-system'"),
        ({"upper_vlan7": "../vlan7"}, [], "ens1f0v0 carries 'vlan7'"),
        ({"upper_macvtap0": "../macvtap0"}, [], None),
        ({}, [], None),
    ],
)
def test_what_is_stacked_on_a_netdev_is_told(
    tree: Path, links: dict[str, str], folders: list[str], says: str | None
) -> None:
    netdev = folder_of(tree, VF) / "net/ens1f0v0"
    for name, target in links.items():
        (netdev / name).symlink_to(target)
    for name in folders:
        (netdev / name).mkdir()
    assert uses(tree) == ({} if says is None else {VF: says})


def test_use_that_cannot_be_read_is_not_taken_for_no_use(tree: Path) -> None:
    functions = read_functions(tree)
    net = folder_of(tree, VF) / "net"
    shutil.rmtree(net)
    net.write_text("no folder\n")
    assert host_uses(tree, functions) == {VF: "its use by the host cannot be told: net is not a folder"}


def test_a_netdev_that_went_since_is_nobodys(tree: Path) -> None:
    functions = read_functions(tree)
    rebind(tree, VF, "vfio-pci")
    assert host_uses(tree, functions) == {}


def test_an_address_is_use_of_its_own_function_alone(tree: Path, occupants: SimulatedOccupants) -> None:
    occupants.give_address("ens1f0", "192.0.2.4/24")
    occupants.give_address("ens1f0v0", "2001:db8::4/64")
    occupants.give_address("eth0", "198.51.100.1/24")
    told = uses(tree, occupants)
    assert told == {PF: "ens1f0 has address 192.0.2.4/24", VF: "ens1f0v0 has address 2001:db8::4/64"}
    specs = parse_device_specs([{"pf": "ens1f0", "physical_network": "physnet1"}])
    offered = [one.function.address for one in offer(read_functions(tree), specs, told) if one.is_offered]
    assert offered == [SIBLING]


def test_without_occupants_only_sysfs_is_asked(tree: Path) -> None:
    assert uses(tree) == {}


@pytest.mark.parametrize("address", [VF, PF])
def test_a_netdev_in_another_namespace_is_use(tree: Path, address: PciAddress) -> None:
    netdev = next((folder_of(tree, address) / "net").iterdir())
    (tree / "class/net" / netdev.name).unlink()
    shutil.rmtree(netdev)
    (use,) = uses(tree).values()
    driver = "igb" if address == PF else "igbvf"
    assert use == f"{driver} has it and shows no netdev: that is in another network namespace"


@pytest.mark.parametrize("driver", [None, "vfio-pci", "mlx5_vfio_pci", "uio_pci_generic", "pci-stub"])
def test_a_function_whose_driver_makes_no_netdev_is_not_in_another_namespace(tree: Path, driver: str | None) -> None:
    rebind(tree, VF, driver)
    assert uses(tree) == {}


def test_what_another_program_drives_is_told_with_the_program(tree: Path, occupants: SimulatedOccupants) -> None:
    rebind(tree, VF, "vfio-pci")
    occupants.open_node(node_of(tree, VF), "process 4711 (testpmd)")
    occupants.open_node(node_of(tree, SIBLING), "process 4712 (elsewhere)")
    told = open_elsewhere(tree, read_functions(tree), occupants, guests=())
    assert told == {VF: f"{node_of(tree, VF)} is open in process 4711 (testpmd)"}


def test_what_our_own_guest_drives_is_no_other_programs(tree: Path, occupants: SimulatedOccupants) -> None:
    rebind(tree, VF, "vfio-pci")
    occupants.open_node(node_of(tree, VF), "process 4711 (qemu-system-x86)")
    assert open_elsewhere(tree, read_functions(tree), occupants, guests={VF}) == {}


@pytest.mark.parametrize(
    ("folder", "node"),
    [("vfio-dev/vfio3", "/dev/vfio/devices/vfio3"), ("uio/uio2", "/dev/uio2"), (None, "/dev/vfio/noiommu-{group}")],
)
def test_every_way_to_drive_a_function_is_looked_for(
    tree: Path, occupants: SimulatedOccupants, folder: str | None, node: str
) -> None:
    rebind(tree, VF, "uio_pci_generic")
    if folder is not None:
        (folder_of(tree, VF) / folder).mkdir(parents=True)
    node = node.format(group=node_of(tree, VF).rpartition("/")[2])
    occupants.open_node(node, "process 4711 (testpmd)")
    told = open_elsewhere(tree, read_functions(tree), occupants, guests=())
    assert told == {VF: f"{node} is open in process 4711 (testpmd)"}


def test_processes_are_not_looked_into_when_no_function_could_be_driven(tree: Path) -> None:
    class Curious(SimulatedOccupants):
        def holders(self, nodes: object, *, is_seen: bool = False) -> Mapping[str, str]:
            raise AssertionError(nodes, is_seen)

    assert open_elsewhere(tree, read_functions(tree), Curious(tree / "none"), guests=()) == {}


def test_a_plain_network_card_without_netdev_is_not_judged(tree: Path) -> None:
    folder = folder_of(tree, PF)
    for path in [*folder.glob("sriov_*"), *folder.glob("virtfn*")]:
        path.unlink()
    for address in (VF, SIBLING):
        (tree / "bus/pci/devices" / str(address)).unlink()
    shutil.rmtree(folder / "net")
    (function,) = read_functions(tree)
    assert function.kind is FunctionKind.PCI
    assert host_uses(tree, [function]) == {}
