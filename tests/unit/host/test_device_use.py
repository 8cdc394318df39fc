"""What the host does with what is no NIC: disks, screens and open nodes keep it from being handed out."""

import shutil
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import pytest

from mooring.host.host_use import host_uses, open_elsewhere
from mooring.host.sysfs import read_functions
from mooring.model.pci import PciAddress
from mooring.testing.cards import INTEL_N6001, NVIDIA_V100, SAMSUNG_PM9A3
from mooring.testing.hosts import device
from mooring.testing.occupants import SimulatedOccupants
from mooring.testing.sysfs_tree import build, folder_of, rebind

GPU, DISK, OTHER_DISK, FPGA = (
    PciAddress.parse(address) for address in ("0000:17:00.0", "0000:65:00.0", "0000:66:00.0", "0000:af:00.0")
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "sys"
    cards = ((NVIDIA_V100, GPU, 0), (SAMSUNG_PM9A3, DISK, 0), (SAMSUNG_PM9A3, OTHER_DISK, 0), (INTEL_N6001, FPGA, 2))
    build(root, [device(card, str(address), vfs) for card, address, vfs in cards])
    return root


@pytest.fixture
def occupants(tmp_path: Path) -> SimulatedOccupants:
    return SimulatedOccupants(tmp_path / "occupants.json")


def uses(root: Path, occupants: SimulatedOccupants | None = None) -> Mapping[PciAddress, str]:
    return host_uses(root, read_functions(root), occupants)


def screen(root: Path) -> Path:
    """The GPU as one with a screen."""
    folder = folder_of(root, GPU)
    (folder / "uevent").write_text((folder / "uevent").read_text().replace("=30200\n", "=30000\n"))
    return folder


def move(root: Path, disk: str, target: str) -> None:
    (root / "class/block" / disk).unlink()
    (root / "class/block" / disk).symlink_to(target)


def test_what_nobody_uses_is_not_in_use(tree: Path, occupants: SimulatedOccupants) -> None:
    assert uses(tree) == uses(tree, occupants) == {}


# Disks


@pytest.mark.parametrize("name", ["nvme0n1", "nvme0n1p1"])
def test_a_disk_with_a_mount_keeps_its_controller(tree: Path, occupants: SimulatedOccupants, name: str) -> None:
    occupants.mount(name, "/srv")
    assert uses(tree, occupants) == {DISK: f"{name} is mounted on /srv"}
    assert uses(tree) == {}, "of a recording nobody can say"


def hold(home: Path, _root: Path) -> None:
    (home / "holders/dm-0").symlink_to("../../dm-0")


def mount_ext4(home: Path, root: Path) -> None:
    (root / "fs/ext4" / home.name).mkdir(parents=True)


def mount_btrfs(home: Path, root: Path) -> None:
    (root / "fs/btrfs/features").mkdir(parents=True)
    (root / "fs/btrfs/5cbd0e2c/devices" / home.name).mkdir(parents=True)


@pytest.mark.parametrize(
    ("use", "says"),
    [
        (hold, "{} is held by 'dm-0'"),
        (mount_ext4, "{} has a mounted ext4 file system"),
        (mount_btrfs, "{} has a mounted btrfs file system"),
    ],
)
@pytest.mark.parametrize("name", ["nvme1n1", "nvme1n1/nvme1n1p1"])
def test_a_disk_with_a_holder_or_a_file_system_keeps_its_controller_whoever_mounted_it(
    tree: Path, use: Callable[[Path, Path], None], says: str, name: str
) -> None:
    home = folder_of(tree, OTHER_DISK) / "nvme/nvme1" / name
    use(home, tree)
    assert uses(tree) == {OTHER_DISK: says.format(home.name)}


def test_a_disk_that_two_controllers_lead_to_keeps_both(tree: Path, occupants: SimulatedOccupants) -> None:
    """With native multipath the disk is below none of them; the paths have no node and no use of their own."""
    system = tree / "devices/virtual/nvme-subsystem/nvme-subsys0"
    (system / "nvme0n1/holders").mkdir(parents=True)
    (system / "nvme0n1/dev").write_text("259:9\n")
    for number, address in enumerate((DISK, OTHER_DISK)):
        controller = folder_of(tree, address) / f"nvme/nvme{number}"
        (system / f"nvme{number}").symlink_to(controller)
        (controller / f"nvme0c{number}n1").mkdir()
        move(tree, f"nvme{number}n1", "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1")
    (tree / "class/block/nvme1n1").rename(tree / "class/block/nvme0c1n1")
    occupants.mount("nvme0n1", "/data")
    assert uses(tree, occupants) == dict.fromkeys((DISK, OTHER_DISK), "nvme0n1 is mounted on /data")


def test_a_disk_behind_a_bus_of_the_function_keeps_it(tree: Path, occupants: SimulatedOccupants) -> None:
    """As below Intel's volume management device."""
    move(tree, "nvme1n1", f"../../devices/pci0000:00/{GPU}/pci10000:00/10000:00:02.0/10000:01:00.0/nvme/nvme1/nvme1n1")
    occupants.mount("nvme1n1", "/boot")
    assert uses(tree, occupants) == {GPU: "nvme1n1 is mounted on /boot"}


def test_a_controller_whose_disks_cannot_be_listed_is_not_taken_for_unused(tree: Path) -> None:
    shutil.rmtree(tree / "class/block")
    assert uses(tree) == dict.fromkeys(
        (DISK, OTHER_DISK), "its use by the host cannot be told: class/block cannot be listed (ENOENT)"
    )


def test_a_controller_that_a_guest_has_shows_no_disk_and_is_not_in_use(tree: Path) -> None:
    rebind(tree, DISK, "vfio-pci")
    rebind(tree, OTHER_DISK, None)
    shutil.rmtree(tree / "class/block")
    assert uses(tree) == {}


# Screens


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1\n", "it is the screen that the host booted on (boot_vga)"),
        ("0\n", None),
        ("", "its use by the host cannot be told: boot_vga is empty"),
    ],
)
def test_the_screen_that_the_host_booted_on_is_kept(tree: Path, text: str, says: str | None) -> None:
    (screen(tree) / "boot_vga").write_text(text)
    assert uses(tree) == ({} if says is None else {GPU: says})


def test_a_gpu_with_a_frame_buffer_is_kept(tree: Path) -> None:
    (folder_of(tree, GPU) / "graphics/fb0").mkdir(parents=True)
    assert uses(tree) == {GPU: "it has the host's frame buffer 'fb0'"}


def test_what_is_no_gpu_is_not_asked_for_a_screen(tree: Path) -> None:
    (folder_of(tree, FPGA) / "boot_vga").write_text("1\n")
    assert uses(tree) == {}


def test_use_that_cannot_be_read_is_not_taken_for_no_use(tree: Path) -> None:
    functions = read_functions(tree)
    (folder_of(tree, GPU) / "graphics").write_text("no folder\n")
    (tree / "bus/pci/devices" / str(FPGA)).unlink()
    (tree / "bus/pci/devices" / str(FPGA)).symlink_to("nowhere")
    told = host_uses(tree, functions)
    assert told[GPU] == "its use by the host cannot be told: graphics is not a folder"
    assert "does not lead to a folder" in told[FPGA]


# Programs


@pytest.mark.parametrize(
    ("address", "folder", "node"),
    [
        (GPU, "drm/renderD128", "/dev/dri/renderD128"),
        (GPU, "drm/card0", "/dev/dri/card0"),
        (FPGA, "accel/accel0", "/dev/accel/accel0"),
        (DISK, None, "/dev/nvme0"),
        (DISK, None, "/dev/nvme0n1p1"),
    ],
)
def test_a_program_that_has_a_node_of_it_open_keeps_it(
    tree: Path, occupants: SimulatedOccupants, address: PciAddress, folder: str | None, node: str
) -> None:
    if folder is not None:
        (folder_of(tree, address) / folder).mkdir(parents=True)
    occupants.open_node(node, "process 4711 (ollama)")
    assert open_elsewhere(tree, read_functions(tree), occupants, guests=()) == {
        address: f"{node} is open in process 4711 (ollama)"
    }


def test_what_could_be_open_in_a_process_that_is_hidden_is_not_taken_for_open(tree: Path, tmp_path: Path) -> None:
    """Else nobody could be handed a GPU without the right to look into every process."""

    class Blind(SimulatedOccupants):
        def holders(self, nodes: Collection[str], *, is_seen: bool = False) -> Mapping[str, str]:
            return {} if is_seen else dict.fromkeys(nodes, "a hidden process")

    (folder_of(tree, GPU) / "drm/card0").mkdir(parents=True)
    rebind(tree, FPGA, "vfio-pci")
    told = open_elsewhere(tree, read_functions(tree), Blind(tmp_path / "none"), guests=())
    assert list(told) == [FPGA], "what is on vfio-pci was put there for somebody"


def test_vfs_of_what_is_no_nic_are_not_in_another_namespace_for_want_of_a_netdev(tree: Path) -> None:
    assert uses(tree) == {}
    assert {one.driver for one in read_functions(tree) if one.pf == FPGA} == {"dfl-pci"}
