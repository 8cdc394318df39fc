"""What the reader says of a recorded host, and of trees with the shapes that other cards have."""

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from mooring.errors import NotFound
from mooring.host.sysfs import find_root, host_use, read_functions
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.testing.cards import INTEL_82576
from mooring.testing.sysfs_tree import SimulatedPf, build, unpack_recording

NODEDEV = Path(__file__).parents[2] / "data/host-82576/nodedev"
PF = PciAddress.parse("0000:81:00.0")
VF = PciAddress.parse("0000:81:10.0")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("recording")
    unpack_recording(root)
    return root


@pytest.fixture(scope="module")
def recorded(recording: Path) -> dict[str, PciFunction]:
    return {str(function.address): function for function in read_functions(recording)}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One port with two VFs: PF ens1f0 at 81:00.0, VFs at 81:10.0 and 81:10.2."""
    build(tmp_path, [SimulatedPf(INTEL_82576, PF, "ens1f0", "52:54:00:01:02:00", num_vfs=2, numa_node=1)])
    return tmp_path


def function_at(root: Path, address: PciAddress) -> PciFunction:
    return next(function for function in read_functions(root) if function.address == address)


def folder_of(root: Path, address: PciAddress) -> Path:
    return (root / "bus/pci/devices" / str(address)).resolve()


def nodedevs(kind: str) -> list[ET.Element]:
    files = sorted(NODEDEV.glob(f"{kind}_*.xml"))
    return [ET.parse(path).getroot() for path in files]  # noqa: S314 - a file of this repository


def address_of(element: ET.Element) -> str:
    parts = (int(element.attrib[key], 16) for key in ("domain", "bus", "slot", "function"))
    return str(PciAddress(*parts))


def address_in_name(name: str) -> str:
    """``pci_0000_81_10_4`` is how libvirt names 0000:81:10.4."""
    _, domain, bus, slot, function = name.split("_")
    return f"{domain}:{bus}:{slot}.{function}"


def test_the_recorded_host_has_three_pfs_and_twelve_vfs_and_nothing_is_wrong(recorded: dict[str, PciFunction]) -> None:
    kinds = [function.kind for function in recorded.values()]
    assert kinds.count(FunctionKind.PF) == 3
    assert kinds.count(FunctionKind.VF) == 12
    assert len(kinds) == 15
    assert [function.faults for function in recorded.values() if function.faults] == []


@pytest.mark.parametrize(
    ("pf", "vfs"),
    [
        ("0000:81:00.0", ["0000:81:10.0", "0000:81:10.2", "0000:81:10.4", "0000:81:10.6"]),
        ("0000:81:00.1", ["0000:81:10.1", "0000:81:10.3", "0000:81:10.5", "0000:81:10.7"]),
    ],
)
def test_interleaved_vfs_belong_to_the_port_whose_links_name_them(
    recorded: dict[str, PciFunction], pf: str, vfs: list[str]
) -> None:
    mine = [function for function in recorded.values() if function.pf == PciAddress.parse(pf)]
    assert [str(function.address) for function in sorted(mine, key=lambda f: f.vf_index or 0)] == vfs
    assert [function.vf_index for function in mine] == [0, 1, 2, 3]
    assert {function.numa_node for function in [*mine, recorded[pf]]} == {1}


def test_functions_come_in_the_order_of_their_addresses(recorded: dict[str, PciFunction]) -> None:
    addresses = [function.address for function in recorded.values()]
    assert addresses == sorted(addresses)


def test_a_numa_node_of_minus_one_is_unknown(recorded: dict[str, PciFunction]) -> None:
    assert recorded["0000:01:00.0"].numa_node is None


@pytest.mark.parametrize("device", nodedevs("pci"), ids=lambda device: device.findtext("name", ""))
def test_the_reader_agrees_with_libvirt_about_a_pci_device(
    recorded: dict[str, PciFunction], device: ET.Element
) -> None:
    address = address_in_name(device.findtext("name", ""))
    function = recorded.get(address)
    if not device.findtext("capability/class", "").startswith("0x02"):
        assert function is None
        return
    assert function is not None
    pci = device.find("capability[@type='pci']")
    assert pci is not None
    ids = [element.attrib["id"] for element in (*pci.iterfind("vendor"), *pci.iterfind("product"))]
    assert [f"0x{function.vendor_id}", f"0x{function.product_id}"] == ids
    assert function.driver == device.findtext("driver/name")
    group = pci.find("iommuGroup")
    assert group is not None
    assert str(function.iommu_group) == group.attrib["number"]
    numa = pci.find("numa")
    assert function.numa_node == (None if numa is None else int(numa.attrib["node"]))
    pf = pci.find("capability[@type='phys_function']/address")
    assert (function.pf and str(function.pf)) == (None if pf is None else address_of(pf))
    vfs = pci.find("capability[@type='virt_functions']")
    assert function.vf_total == (None if vfs is None else int(vfs.attrib["maxCount"]))
    named = [] if vfs is None else [address_of(vf) for vf in vfs.iterfind("address")]
    assert named == [str(vf.address) for vf in recorded.values() if vf.pf == function.address]
    assert function.vf_count == (None if vfs is None else len(named))


@pytest.mark.parametrize("device", nodedevs("net"), ids=lambda device: device.findtext("name", ""))
def test_the_reader_agrees_with_libvirt_about_a_netdev(recorded: dict[str, PciFunction], device: ET.Element) -> None:
    net = device.find("capability[@type='net']")
    assert net is not None
    name = net.findtext("interface")
    function = next((each for each in recorded.values() if each.netdev == name), None)
    if name == "lo":
        assert function is None
        return
    assert function is not None
    assert str(function.address) == address_in_name(device.findtext("parent", ""))
    assert function.mac == net.findtext("address")
    link = net.find("link")
    assert link is not None
    assert function.link_is_up is (link.attrib["state"] == "up")
    assert function.link_speed_mbps == (int(link.attrib["speed"]) if "speed" in link.attrib else None)
    assert function.mtu == 1500


def test_the_root_may_be_sys_or_the_folder_above(recording: Path) -> None:
    assert find_root(recording) == find_root(recording / "sys") == recording / "sys"


def test_a_folder_without_sysfs_is_not_found_and_the_hint_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="sysfs tree") as caught:
        read_functions(tmp_path)
    assert "bus/pci/devices" in caught.value.hint


def test_a_vf_on_vfio_has_no_netdev_and_no_fault(tree: Path) -> None:
    shutil.rmtree(folder_of(tree, VF) / "net")
    function = function_at(tree, VF)
    assert (function.netdev, function.mac, function.mtu, function.faults) == (None, None, None, ())


def test_a_function_without_driver_is_no_fault(tree: Path) -> None:
    (folder_of(tree, VF) / "driver").unlink()
    assert function_at(tree, VF).driver is None
    assert function_at(tree, VF).faults == ()


def test_a_virtio_function_keeps_its_netdev_one_level_deeper(tree: Path) -> None:
    folder = folder_of(tree, VF)
    (folder / "virtio3").mkdir()
    (folder / "net").rename(folder / "virtio3/net")
    function = function_at(tree, VF)
    assert (function.netdev, function.faults) == ("ens1f0v0", ())
    assert function.mac is not None


def test_among_representors_the_netdev_is_the_uplink(tree: Path) -> None:
    net = folder_of(tree, PF) / "net"
    shutil.copytree(net / "ens1f0", net / "aaa0", symlinks=True)
    (net / "aaa0/phys_port_name").write_text("pf0vf0\n")
    (net / "ens1f0/phys_port_name").write_text("p0\n")
    assert function_at(tree, PF).netdev == "ens1f0"


def test_among_several_netdevs_without_port_names_the_first_by_name_is_taken(tree: Path) -> None:
    net = folder_of(tree, PF) / "net"
    shutil.copytree(net / "ens1f0", net / "ens1f0d1", symlinks=True)
    assert function_at(tree, PF).netdev == "ens1f0"
    assert function_at(tree, PF).faults == ()


def test_a_host_without_iommu_or_numa_shows_neither_and_that_is_no_fault(tree: Path) -> None:
    for entry in (tree / "bus/pci/devices").iterdir():
        (entry / "iommu_group").unlink()
        (entry / "numa_node").unlink()
    functions = read_functions(tree)
    assert {(function.iommu_group, function.numa_node, function.faults) for function in functions} == {(None, None, ())}


def test_a_plain_network_function_is_neither_pf_nor_vf(tree: Path) -> None:
    folder = folder_of(tree, PF)
    for path in [*folder.glob("sriov_*"), *folder.glob("virtfn*")]:
        path.unlink()
    for address in (VF, PciAddress.parse("0000:81:10.2")):
        (tree / "bus/pci/devices" / str(address)).unlink()
    (function,) = read_functions(tree)
    assert (function.kind, function.vf_total, function.faults) == (FunctionKind.PCI, None, ())


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
def test_the_hosts_own_use_of_a_function_is_told(
    tree: Path, links: dict[str, str], folders: list[str], says: str | None
) -> None:
    netdev = folder_of(tree, VF) / "net/ens1f0v0"
    for name, target in links.items():
        (netdev / name).symlink_to(target)
    for name in folders:
        (netdev / name).mkdir()
    assert host_use(tree, function_at(tree, VF)) == says


def test_use_that_cannot_be_read_is_not_taken_for_no_use(tree: Path) -> None:
    function = function_at(tree, VF)
    net = folder_of(tree, VF) / "net"
    shutil.rmtree(net)
    net.write_text("no folder\n")
    assert host_use(tree, function) == "its use by the host cannot be told: net is not a folder"
