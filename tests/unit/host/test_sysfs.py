"""What the reader says of a recorded host, and of trees with the shapes that other cards have."""

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from mooring.errors import NotFound
from mooring.host.attribute import read_file
from mooring.host.sysfs import find_root, group_of, read_functions, vfs_of
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.testing.cards import INTEL_82576
from mooring.testing.sysfs_tree import SimulatedPf, build, rebind, unpack_recording

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


def alone(root: Path, address: PciAddress) -> PciFunction:
    """The function, read without the list of all netdevs."""
    return next(function for function in read_functions(root, only=[address, PF]) if function.address == address)


def relink(root: Path, netdev: str, folder: Path) -> None:
    """Where ``class/net`` says that a netdev is."""
    (root / "class/net" / netdev).unlink(missing_ok=True)
    (root / "class/net" / netdev).symlink_to(Path("../..") / folder.relative_to(root))


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
    assert kinds.count(FunctionKind.PCI) == 5
    assert len(kinds) == 20
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
    device_class = device.findtext("capability/class", "")
    if device_class.startswith("0x06"):
        assert function is None
        return
    assert function is not None
    assert function.device_class == device_class.removeprefix("0x")
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
    assert function.mtu == (1500 if function.kind is FunctionKind.PF else None)


def test_the_root_may_be_sys_or_the_folder_above(recording: Path) -> None:
    assert find_root(recording) == find_root(recording / "sys") == recording / "sys"


def test_a_folder_without_sysfs_is_not_found_and_the_hint_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="sysfs tree") as caught:
        read_functions(tmp_path)
    assert "bus/pci/devices" in caught.value.hint


def test_a_vf_on_vfio_has_no_netdev_and_no_fault(tree: Path) -> None:
    shutil.rmtree(folder_of(tree, VF) / "net")
    function = function_at(tree, VF)
    assert (function.netdev, function.mac, function.faults) == (None, None, ())


def test_a_function_without_driver_is_no_fault(tree: Path) -> None:
    rebind(tree, VF, None)
    assert function_at(tree, VF).driver is None
    assert function_at(tree, VF).faults == ()


def test_a_virtio_function_keeps_its_netdev_one_level_deeper(tree: Path) -> None:
    folder = folder_of(tree, VF)
    (folder / "virtio3").mkdir()
    (folder / "net").rename(folder / "virtio3/net")
    relink(tree, "ens1f0v0", folder / "virtio3/net/ens1f0v0")
    for function in (function_at(tree, VF), alone(tree, VF)):
        assert (function.netdev, function.faults) == ("ens1f0v0", ())
        assert function.mac is not None


def test_a_subfunctions_netdev_is_not_the_functions_own(tree: Path) -> None:
    folder = folder_of(tree, VF)
    (folder / "mlx5_core.sf.4").mkdir()
    (folder / "net").rename(folder / "mlx5_core.sf.4/net")
    relink(tree, "ens1f0v0", folder / "mlx5_core.sf.4/net/ens1f0v0")
    for function in (function_at(tree, VF), alone(tree, VF)):
        assert (function.netdev, function.faults) == (None, ())


def test_few_functions_are_read_as_all_of_them_are(recording: Path) -> None:
    everything = read_functions(recording)
    vfs = [function for function in everything if function.pf == PF]
    (pf,) = (function for function in everything if function.address == PF)
    assert read_functions(recording, only=[PF, *(vf.address for vf in vfs)]) == (pf, *vfs)
    assert read_functions(recording, only=[PciAddress.parse("0000:99:00.0")]) == ()


def test_a_tree_without_a_list_of_netdevs_is_read_from_the_functions_folders(tree: Path) -> None:
    before = read_functions(tree)
    shutil.rmtree(tree / "class/net")
    assert read_functions(tree) == before


def test_a_netdev_that_was_renamed_during_the_scan_is_found_under_its_new_name(tree: Path) -> None:
    net = folder_of(tree, VF) / "net"

    def read(path: Path) -> bytes:
        if path.name == "operstate" and (net / "ens1f0v0").is_dir():
            (net / "ens1f0v0").rename(net / "eth7")
        return read_file(path)

    (function,) = (function for function in read_functions(tree, read=read) if function.address == VF)
    assert (function.netdev, function.faults) == ("eth7", ())


def test_a_netdev_that_is_just_being_renamed_is_found(tree: Path) -> None:
    (tree / "class/net/ens1f0v0").rename(tree / "class/net/eth7")
    assert (function_at(tree, VF).netdev, function_at(tree, VF).faults) == ("ens1f0v0", ())


def test_a_switch_id_is_read_of_pfs_whose_driver_has_one(tree: Path) -> None:
    for address, netdev in ((PF, "ens1f0"), (VF, "ens1f0v0")):
        (folder_of(tree, address) / "net" / netdev / "phys_switch_id").write_text("f8f21e0003a1b2c3\n")
    assert function_at(tree, PF).phys_switch_id == "f8f21e0003a1b2c3"
    assert function_at(tree, VF).phys_switch_id is None


def test_the_speed_of_a_link_that_is_down_is_not_asked_for(tree: Path) -> None:
    asked: list[Path] = []

    def read(path: Path) -> bytes:
        asked.append(path)
        return read_file(path)

    read_functions(tree, read=read)
    assert [path.parent.name for path in asked if path.name == "speed"] == ["ens1f0"]


def test_among_representors_the_netdev_is_the_uplink(tree: Path) -> None:
    net = folder_of(tree, PF) / "net"
    shutil.copytree(net / "ens1f0", net / "aaa0", symlinks=True)
    relink(tree, "aaa0", net / "aaa0")
    (net / "aaa0/phys_port_name").write_text("pf0vf0\n")
    (net / "ens1f0/phys_port_name").write_text("p0\n")
    assert function_at(tree, PF).netdev == alone(tree, PF).netdev == "ens1f0"


def test_among_several_netdevs_without_port_names_the_first_by_name_is_taken(tree: Path) -> None:
    net = folder_of(tree, PF) / "net"
    shutil.copytree(net / "ens1f0", net / "ens1f0d1", symlinks=True)
    relink(tree, "ens1f0d1", net / "ens1f0d1")
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


def test_a_functions_class_and_the_link_type_of_a_pf_are_read(tree: Path) -> None:
    assert (function_at(tree, PF).device_class, function_at(tree, PF).link_type) == ("020000", "ethernet")
    assert (function_at(tree, VF).device_class, function_at(tree, VF).link_type) == ("020000", None)
    for text, kind in (("32\n", "infiniband"), ("772\n", None)):
        (folder_of(tree, PF) / "net" / "ens1f0" / "type").write_text(text)
        assert function_at(tree, PF).link_type == kind


@pytest.mark.parametrize(("address", "faults"), [("00:00:10:29" + ":00" * 16, 0), ("00:00:10:29" + ":00" * 15, 1)])
def test_an_address_of_infiniband_is_no_mac_and_no_fault(tree: Path, address: str, faults: int) -> None:
    for where, netdev in ((PF, "ens1f0"), (VF, "ens1f0v0")):
        folder = folder_of(tree, where) / "net" / netdev
        (folder / "type").write_text("32\n")
        (folder / "address").write_text(f"{address}\n")
        function = function_at(tree, where)
        assert (function.netdev, function.mac, len(function.faults)) == (netdev, None, faults)
        (folder / "type").write_text("1\n")
        assert len(function_at(tree, where).faults) == 1


def test_what_is_no_bridge_is_listed_with_its_class_and_nothing_of_a_nic(recorded: dict[str, PciFunction]) -> None:
    disk = recorded["0000:00:1f.2"]
    assert (disk.kind, disk.device_class, disk.netdev, disk.pf) == (FunctionKind.PCI, "010601", None, None)
    assert {one.device_class[:2] for one in recorded.values()} == {"00", "01", "02", "07", "0c"}


def test_the_vfs_of_a_pf_and_the_members_of_a_group_are_told_without_a_look_at_all(recording: Path) -> None:
    pf, vf = PciAddress.parse("0000:81:00.1"), PciAddress.parse("0000:81:10.3")
    assert vfs_of(recording, pf) == tuple(PciAddress.parse(f"0000:81:10.{n}") for n in (1, 3, 5, 7))
    assert group_of(recording, vf) == (vf,)
    nothing = PciAddress.parse("0000:99:00.0")
    assert vfs_of(recording, vf) == vfs_of(recording, nothing) == group_of(recording, nothing) == ()


def test_of_a_few_functions_nobody_says_that_others_are_missing(
    recorded: dict[str, PciFunction], recording: Path
) -> None:
    asked = [PciAddress.parse("0000:81:00.0"), PciAddress.parse("0000:81:10.2")]
    assert [recorded[str(one)] for one in asked] == list(read_functions(recording, only=asked))
