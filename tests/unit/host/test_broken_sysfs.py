"""A damaged sysfs never stops the reader; what is damaged is listed, says what is wrong, and is not offered."""

import errno
import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from mooring.errors import NotFound
from mooring.host.attribute import read_file
from mooring.host.sysfs import read_functions
from mooring.model.pci import FunctionKind, PciAddress
from mooring.testing.sysfs_tree import unpack_recording
from tests.unit.host.damage import (
    ALL_VFS,
    DAMAGES,
    FIRST,
    LAST,
    OTHER_PF,
    PF,
    SIBLING,
    VF,
    at,
    content,
    damaged,
    folder,
    link,
    offered,
    plain_file,
    remove,
)

VF_FILES = [
    "uevent",
    "numa_node",
    "net/ens99f0v1/address",
    "net/ens99f0v1/operstate",
]
UEVENT = b"PCI_CLASS=20000\nPCI_ID=8086:10CA\nPCI_SLOT_NAME=0000:81:10.2\n"
PF_FILES = [
    *("uevent", "numa_node", "sriov_totalvfs", "sriov_numvfs"),
    *("net/ens99f0/address", "net/ens99f0/operstate", "net/ens99f0/mtu"),
]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pristine")
    unpack_recording(root)
    return root / "sys"


@pytest.fixture
def tree(pristine: Path, tmp_path: Path) -> Path:
    """The recorded host, to be damaged."""
    return shutil.copytree(pristine, tmp_path / "sys", symlinks=True)


@pytest.fixture(scope="module")
def shared(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(pristine, tmp_path_factory.mktemp("shared") / "sys", symlinks=True)


def assert_told(root: Path, address: PciAddress, says: str = "", *, lost: Collection[PciAddress] = ()) -> None:
    """The function is listed with its fault and not offered; of the others, only ``lost`` are not offered either."""
    functions = {function.address: function for function in read_functions(root)}
    assert functions[address].faults
    assert says in "; ".join(functions[address].faults)
    assert offered(functions.values()) == ALL_VFS - {address} - set(lost)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", VF_FILES)
def test_a_vf_with_a_damaged_file_is_listed_and_alone_is_lost(shared: Path, name: str, damage: str) -> None:
    with damaged(shared, VF, name, DAMAGES[damage]):
        assert_told(shared, VF, name)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", PF_FILES)
def test_a_pf_with_a_damaged_file_is_listed_and_its_vfs_are_lost_with_their_count(
    shared: Path, name: str, damage: str
) -> None:
    lost = [FIRST, VF, SIBLING, LAST] if name == "sriov_numvfs" else []
    with damaged(shared, PF, name, DAMAGES[damage]):
        assert_told(shared, PF, name, lost=lost)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (remove, "mtu is missing"),
        (DAMAGES["a fifo"], "mtu is not a regular file"),
        (DAMAGES["a link to another file"], "mtu is not a regular file"),
        (DAMAGES["huge"], "mtu is longer than 4096 bytes"),
        (DAMAGES["binary"], "mtu is binary"),
        (DAMAGES["a zero byte"], "mtu is binary"),
        (DAMAGES["empty"], "mtu is empty"),
        (content(b"x" * 50), f"mtu is '{'x' * 40}...', not a number from 0 to 65535"),
    ],
)
def test_the_fault_says_what_is_wrong_with_the_file(shared: Path, damage: Callable[[Path], object], says: str) -> None:
    with damaged(shared, PF, "net/ens99f0/mtu", damage):
        assert_told(shared, PF, says)


@pytest.mark.parametrize(
    "mac", ["01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "80:00:00:48" + ":fe" * 16, "02-00-00-00-00-01"]
)
def test_a_netdev_without_a_mac_of_its_own_is_a_fault(shared: Path, mac: str) -> None:
    with damaged(shared, VF, "net/ens99f0v1/address", content(f"{mac}\n".encode())):
        assert_told(shared, VF, "not the MAC address of one Ethernet device")


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name != "gone"])
def test_a_damaged_speed_is_a_fault(shared: Path, damage: str) -> None:
    with damaged(shared, PF, "net/ens99f0/speed", DAMAGES[damage]):
        assert_told(shared, PF, "speed")


def test_a_missing_speed_is_no_fault(shared: Path) -> None:
    with damaged(shared, PF, "net/ens99f0/speed", remove):
        assert [function.faults for function in read_functions(shared) if function.faults] == []


@pytest.mark.parametrize(
    ("name", "damage", "says"),
    [
        ("physfn", remove, "physfn is missing, although virtfn1 of 0000:81:00.0 points to it"),
        ("physfn", plain_file, "physfn is not a link"),
        ("physfn", folder, "physfn is not a link"),
        ("physfn", link("physfn"), "physfn points to 'physfn', which is no PCI address"),
        ("physfn", link(f"../{VF}"), "physfn points to itself"),
        ("physfn", link(f"../{OTHER_PF}"), "physfn is 0000:81:00.1, but virtfn1 of 0000:81:00.0 points to it"),
        ("physfn", link(f"../{SIBLING}"), "physfn is 0000:81:10.4, but virtfn1 of 0000:81:00.0 points to it"),
        ("physfn", link("../0000:99:00.0"), "physfn is 0000:99:00.0, but virtfn1 of 0000:81:00.0 points to it"),
        ("physfn", link("../81:00.0"), "physfn points to '81:00.0', which is no PCI address"),
        ("physfn", link("../0000:81:00.0\n"), "which is no PCI address"),
        ("iommu_group", remove, "iommu_group is missing, although other functions have one"),
        ("iommu_group", plain_file, "iommu_group is not a link"),
        ("iommu_group", link("../iommu_groups/x"), "iommu_group points to 'x', which is no group's number"),
        ("iommu_group", link("../iommu_groups/-1"), "iommu_group points to '-1', which is no group's number"),
        ("iommu_group", link("../iommu_groups/9999999999"), "which is no group's number"),
        ("uevent", content(b"DRIVER=a b\n" + UEVENT), "uevent names the driver 'a b', which is no driver's name"),
        ("uevent", content(b"DRIVER=\n" + UEVENT), "uevent names the driver '', which is no driver's name"),
        ("uevent", content(b"DRIVER=" + b"d" * 65 + b"\n" + UEVENT), "which is no driver's name"),
        ("uevent", content(b"PCI_CLASS=20000\nPCI_ID=FFFF:FFFF\n"), "the function does not answer"),
        ("uevent", content(b"PCI_CLASS=20000\n"), "without PCI_CLASS and PCI_ID"),
        ("uevent", content(b"PCI_ID=8086:10CA\n"), "without PCI_CLASS and PCI_ID"),
        ("uevent", content(UEVENT.lower()), "without PCI_CLASS and PCI_ID"),
        ("net", plain_file, "net is not a folder"),
        ("net", link("../0000:81:10.4/net"), "net is not a folder"),
        ("net/ens99f0v1", plain_file, "net/ens99f0v1/address cannot be read (ENOTDIR)"),
        ("net/ens99f0v1", lambda path: path.rename(path.with_name("a name")), "net holds 'a name'"),
        ("net/ens99f0v1", lambda path: path.rename(path.with_name("sixteen-letters-")), "net holds 'sixteen-letters-'"),
    ],
)  # fmt: skip  # one damage a line
def test_a_vf_with_damaged_links_is_listed_and_alone_is_lost(
    shared: Path, name: str, damage: Callable[[Path], None], says: str
) -> None:
    with damaged(shared, VF, name, damage):
        assert_told(shared, VF, says)


@pytest.mark.parametrize(
    ("name", "damage", "says"),
    [
        ("virtfn1", remove, "sriov_numvfs is 4, but there is no virtfn1"),
        ("virtfn1", plain_file, "virtfn1 is not a link"),
        ("virtfn1", link("virtfn1"), "virtfn1 points to 'virtfn1', which is no PCI address"),
        ("virtfn1", link("../0000:99:10.2"), "virtfn1 points to 0000:99:10.2, which is no device"),
        ("virtfn1", link("../0000:00:01.0"), "virtfn1 points to 0000:00:01.0, which is no VF"),
        ("virtfn1", link("../0000:00:1c.0"), "virtfn1 points to 0000:00:1c.0, which is no device"),
        ("virtfn1", link(f"../{PF}"), "virtfn1 points to 0000:81:00.0, which is a PF"),
        ("virtfn1", link(f"../{OTHER_PF}"), "virtfn1 points to 0000:81:00.1, which is a PF"),
        ("virtfn1", lambda path: path.rename(path.with_name("virtfn01")), "'virtfn01' is no virtfn link"),
        ("virtfn1", lambda path: path.rename(path.with_name("virtfnx")), "'virtfnx' is no virtfn link"),
        ("virtfn1", lambda path: path.rename(path.with_name("virtfn65535")), "'virtfn65535' is no virtfn link"),
        ("virtfn1", lambda path: path.rename(path.with_name("virtfn9")), "sriov_numvfs is 4, but there is virtfn9"),
    ],
)
def test_a_pf_with_a_damaged_virtfn_link_says_so_and_loses_that_vf(
    shared: Path, name: str, damage: Callable[[Path], object], says: str
) -> None:
    with damaged(shared, PF, name, damage):
        assert_told(shared, PF, says, lost=[VF])
        assert next(f for f in read_functions(shared) if f.address == VF).faults


@pytest.mark.parametrize(
    ("physfn", "says"),
    [
        (PF, "physfn is 0000:81:00.0, and no virtfn link of a PF points to it"),
        (PciAddress.parse("0000:99:00.0"), "its PF 0000:99:00.0 is no device of this host"),
        (SIBLING, "its PF 0000:81:10.4 has no SR-IOV files"),
    ],
)
def test_a_vf_that_no_pf_knows_is_listed_with_the_pf_that_it_names(tree: Path, physfn: PciAddress, says: str) -> None:
    (at(tree, PF) / "virtfn1").unlink()
    link(f"../{physfn}")(at(tree, VF) / "physfn")
    assert_told(tree, VF, says)
    (function,) = (function for function in read_functions(tree) if function.address == VF)
    assert (function.kind, function.pf, function.vf_index) == (FunctionKind.VF, physfn, None)


def test_a_vf_that_two_links_claim_is_nobodys(tree: Path) -> None:
    link(f"../{SIBLING}")(at(tree, PF) / "virtfn1")
    assert_told(tree, SIBLING, "virtfn1 of 0000:81:00.0 and virtfn2 of 0000:81:00.0 point to it", lost=[VF])


@pytest.mark.parametrize(
    ("numvfs", "says", "lost"),
    [
        ("3", "sriov_numvfs is 3, but there is virtfn3", {LAST}),
        ("5", "sriov_numvfs is 5, but there is no virtfn4", set()),
        ("8", "sriov_numvfs is 8, more than sriov_totalvfs, 7", set()),
        ("65535", "there is no virtfn4, virtfn5, virtfn6, virtfn7, virtfn8 and 65526 more", set()),
        ("0", "there is virtfn0, virtfn1, virtfn2, virtfn3", {FIRST, VF, SIBLING, LAST}),
    ],
)
def test_a_count_that_disagrees_with_the_links_is_told(
    shared: Path, numvfs: str, says: str, lost: set[PciAddress]
) -> None:
    with damaged(shared, PF, "sriov_numvfs", content(f"{numvfs}\n".encode())):
        assert_told(shared, PF, says, lost=lost)


def test_a_pf_with_a_physfn_link_keeps_its_vfs(shared: Path) -> None:
    with damaged(shared, PF, "physfn", lambda path: path.symlink_to(f"../{PF}")):
        assert_told(shared, PF, "it has a physfn link, although it is a PF")


@pytest.mark.parametrize("damage", [remove, content(b"garbage\n"), content(b"0x2\n")])
def test_a_vf_whose_class_is_gone_everywhere_is_still_listed(tree: Path, damage: Callable[[Path], None]) -> None:
    damage(at(tree, VF) / "class")
    (at(tree, VF) / "uevent").unlink()
    assert_told(tree, VF, "uevent is missing")


def test_a_vf_without_physfn_that_has_files_of_a_pf_is_told(tree: Path) -> None:
    (at(tree, VF) / "physfn").unlink()
    (at(tree, VF) / "sriov_numvfs").write_text("4\n")
    assert_told(tree, VF, "virtfn1 of 0000:81:00.0 points to it, although it is a PF")


@pytest.mark.parametrize(("address", "is_listed"), [("0000:00:1c.0", False), ("0000:00:1f.2", True)])
def test_a_damaged_uevent_makes_no_bridge_a_device_and_no_device_a_bridge(
    tree: Path, address: str, is_listed: bool
) -> None:
    (at(tree, PciAddress.parse(address)) / "uevent").write_text("garbage\n")
    found = {str(one.address): one for one in read_functions(tree)}
    assert (address in found) is is_listed
    assert not is_listed or "uevent is 'garbage'" in found[address].faults[0]


@pytest.mark.parametrize(
    "target", ["nowhere", str(VF), "../../../devices/pci0000:80/0000:80:00.0/0000:81:10.4", "/proc/self", "../.."]
)
def test_an_entry_that_does_not_lead_to_its_own_folder_is_not_read(tree: Path, target: str) -> None:
    link(target)(tree / "bus/pci/devices" / str(VF))
    assert_told(tree, VF, "does not lead to a folder of its own in this sysfs")
    (function,) = (function for function in read_functions(tree) if function.address == VF)
    assert (function.kind, function.vendor_id, function.netdev) == (FunctionKind.VF, "", None)


def test_nothing_outside_the_root_is_read(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside" / str(VF)
    shutil.copytree(at(tree, VF), outside, symlinks=True)
    link(str(outside))(tree / "bus/pci/devices" / str(VF))
    seen: list[Path] = []

    def read(path: Path) -> bytes:
        seen.append(path)
        return read_file(path)

    read_functions(tree, read=read)
    assert [path for path in seen if not path.is_relative_to(tree)] == []


def test_entries_that_are_no_addresses_are_passed_over(tree: Path) -> None:
    for name in ("garbage", "81:10.2", "0000:81:1F.9", "\udcff", "0000:81:10.2\n", "0000:8A:00.0"):
        (tree / "bus/pci/devices" / name).symlink_to(at(tree, VF))
    assert len(read_functions(tree)) == 20


REFUSALS = [
    *(errno.EACCES, errno.EPERM, errno.EIO, errno.EINVAL, errno.EOPNOTSUPP, errno.ENODEV, errno.EBUSY, errno.EAGAIN),
]


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("name", ["uevent", "net/ens99f0v1/address", "net/ens99f0v1/operstate"])
def test_a_file_that_cannot_be_read_is_a_fault_with_its_errno(pristine: Path, name: str, code: int) -> None:
    def read(path: Path) -> bytes:
        if path == at(pristine, VF) / name:
            raise OSError(code, os.strerror(code))
        return read_file(path)

    functions = read_functions(pristine, read=read)
    (function,) = (function for function in functions if function.address == VF)
    assert f"{name} cannot be read ({errno.errorcode[code]})" in function.faults
    assert offered(functions) == ALL_VFS - {VF}


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("name", ["sriov_totalvfs", "sriov_numvfs", "net/ens99f0/mtu"])
def test_a_pf_whose_driver_refuses_an_attribute_says_so(pristine: Path, name: str, code: int) -> None:
    def read(path: Path) -> bytes:
        if path == at(pristine, PF) / name:
            raise OSError(code, os.strerror(code))
        return read_file(path)

    functions = read_functions(pristine, read=read)
    (function,) = (function for function in functions if function.address == PF)
    assert function.faults == (f"{name} cannot be read ({errno.errorcode[code]})",)
    of_pf = {FIRST, VF, SIBLING, LAST}
    assert offered(functions) == (ALL_VFS - of_pf if name == "sriov_numvfs" else ALL_VFS)


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EOPNOTSUPP, errno.EIO, errno.EACCES])
def test_a_driver_without_an_answer_is_no_fault_where_drivers_need_not_answer(pristine: Path, code: int) -> None:
    def read(path: Path) -> bytes:
        if path.name == "speed":
            raise OSError(code, os.strerror(code))
        return read_file(path)

    functions = read_functions(pristine, read=read)
    faulty = [function.address for function in functions if function.faults]
    with_link = [function.address for function in functions if function.link_is_up]
    assert faulty == ([] if code in (errno.EINVAL, errno.EOPNOTSUPP) else with_link)
    assert with_link


def test_a_function_that_goes_away_during_the_scan_is_left_out(tree: Path) -> None:
    gone = at(tree, VF)

    def read(path: Path) -> bytes:
        if path == gone / "numa_node":
            shutil.rmtree(gone)
            (tree / "bus/pci/devices" / str(VF)).unlink()
        return read_file(path)

    functions = read_functions(tree, read=read)
    assert VF not in {function.address for function in functions}
    assert offered(functions) == ALL_VFS - {VF}


def test_a_netdev_that_goes_away_during_the_scan_is_no_fault(tree: Path) -> None:
    netdev = at(tree, VF) / "net/ens99f0v1"

    def read(path: Path) -> bytes:
        if path == netdev / "address":
            shutil.rmtree(netdev)
        return read_file(path)

    (function,) = (function for function in read_functions(tree, read=read) if function.address == VF)
    assert (function.netdev, function.mac, function.faults) == (None, None, ())


def test_a_list_of_devices_that_is_no_folder_is_not_found(tree: Path) -> None:
    plain_file(tree / "bus/pci/devices")
    with pytest.raises(NotFound):
        read_functions(tree)


def test_a_list_of_devices_outside_the_root_is_not_found(tree: Path, tmp_path: Path) -> None:
    (tree / "bus/pci/devices").rename(tmp_path / "elsewhere")
    (tree / "bus/pci/devices").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotFound):
        read_functions(tree)
