"""What cards say of themselves is added where it can be had, and costs nothing where it cannot."""

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from mooring.errors import HostFault, Unsupported
from mooring.host.sysfs import read_functions
from mooring.host.traits import CardTraits
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.testing.cards import INTEL_82576, INTEL_N6001, NVIDIA_V100, SAMSUNG_PM9A3
from mooring.testing.hosts import device
from mooring.testing.sysfs_tree import SimulatedPf, build, folder_of, rebind

PF = PciAddress.parse("0000:81:00.0")
VF = PciAddress.parse("0000:81:10.0")
VPD = b"\x90\x0b\x00SN\x08A1B2C3D4\x78"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    build(tmp_path, [SimulatedPf(INTEL_82576, PF, "ens1f0", "52:54:00:01:02:00", num_vfs=2)])
    (folder_of(tmp_path, PF) / "vpd").write_bytes(VPD)
    (folder_of(tmp_path, VF) / "vpd").write_bytes(VPD)
    return tmp_path


def read(root: Path, traits: CardTraits) -> Mapping[PciAddress, PciFunction]:
    return {one.address: one for one in traits.added_to(read_functions(root))}


def offline(root: Path) -> CardTraits:
    return CardTraits(root, read_features=None, read_eswitch_mode=None)


def test_pfs_get_serial_mode_and_features_and_vfs_features_alone(root: Path) -> None:
    features = {"ens1f0": ("rx", "tx"), "ens1f0v0": ("rx",), "eth0": ("tso",)}
    asked: list[PciAddress] = []

    def mode_of(pf: PciAddress) -> str:
        asked.append(pf)
        return "switchdev"

    found = read(root, CardTraits(root, read_features=lambda: features, read_eswitch_mode=mode_of))
    seen = {address: (one.serial, one.eswitch_mode, one.features) for address, one in found.items()}
    assert seen == {
        PF: ("A1B2C3D4", "switchdev", ("rx", "tx")),
        VF: (None, None, ("rx",)),
        PciAddress.parse("0000:81:10.2"): (None, None, None),
    }
    assert asked == [PF]


def test_a_recording_has_what_is_in_its_files(root: Path) -> None:
    found = read(root, offline(root))
    assert (found[PF].serial, found[PF].eswitch_mode, found[PF].features) == ("A1B2C3D4", None, None)
    assert found[VF] == next(one for one in read_functions(root) if one.kind is FunctionKind.VF)


@pytest.mark.parametrize("failure", [Unsupported("no ethtool"), HostFault("silent")])
def test_features_that_cannot_be_had_are_none(root: Path, failure: Exception) -> None:
    def read_features() -> Mapping[str, tuple[str, ...]]:
        raise failure

    found = read(root, CardTraits(root, read_features=read_features, read_eswitch_mode=lambda _: None))
    assert found[PF].features is None
    assert found[PF].serial == "A1B2C3D4"


def test_a_serial_is_read_once_for_each_card(root: Path) -> None:
    traits = offline(root)
    assert read(root, traits)[PF].serial == "A1B2C3D4"
    (folder_of(root, PF) / "vpd").write_bytes(VPD.replace(b"A1", b"Z9"))
    rebind(root, PF, "vfio-pci")
    assert read(root, traits)[PF].serial == "A1B2C3D4"
    uevent = folder_of(root, PF) / "uevent"
    uevent.write_text(uevent.read_text().replace("10C9", "10E6"))
    assert read(root, traits)[PF].serial == "Z9B2C3D4"


@pytest.mark.parametrize("raw", [b"", b"\xff" * 100, b"\x90\xff\xff"])
def test_a_card_without_sound_data_has_no_serial(root: Path, raw: bytes) -> None:
    (folder_of(root, PF) / "vpd").write_bytes(raw)
    assert read(root, offline(root))[PF].serial is None
    (folder_of(root, PF) / "vpd").unlink()
    assert read(root, offline(root))[PF].serial is None


def test_a_card_that_hangs_has_no_serial_and_is_not_asked_again(root: Path) -> None:
    release = threading.Event()
    asked: list[Path] = []

    def read_vpd(path: Path) -> bytes:
        asked.append(path)
        release.wait(timeout=30)
        return VPD

    traits = CardTraits(root, read_features=None, read_eswitch_mode=None, read_vpd=read_vpd, vpd_limit_s=0.01)
    assert read(root, traits)[PF].serial is None
    release.set()
    assert read(root, traits)[PF].serial is None
    assert [path.parent.name for path in asked] == [str(PF)]


def test_a_drive_says_its_serial_while_its_driver_has_it_and_is_remembered(tmp_path: Path) -> None:
    drive = PciAddress.parse("0000:65:00.0")
    build(tmp_path, [device(SAMSUNG_PM9A3, str(drive)), device(NVIDIA_V100, "0000:17:00.0")])
    traits = offline(tmp_path)
    rebind(tmp_path, drive, "vfio-pci")
    assert read(tmp_path, traits)[drive].serial is None
    rebind(tmp_path, drive, "nvme")
    assert read(tmp_path, traits)[drive].serial == "S000065000"
    rebind(tmp_path, drive, "vfio-pci")
    assert read(tmp_path, traits)[drive].serial == "S000065000"
    assert read(tmp_path, offline(tmp_path))[drive].serial is None


@pytest.mark.parametrize("raw", [b"", b"\n", b"S\xff1\n", b"S\x011\n", b"S" * 21])
def test_a_drive_that_tells_nonsense_has_no_serial(tmp_path: Path, raw: bytes) -> None:
    drive = PciAddress.parse("0000:65:00.0")
    build(tmp_path, [device(SAMSUNG_PM9A3, str(drive))])
    (folder_of(tmp_path, drive) / "nvme/nvme0/serial").write_bytes(raw)
    assert read(tmp_path, offline(tmp_path))[drive].serial is None


def test_what_is_no_nic_has_no_eswitch(tmp_path: Path) -> None:
    build(tmp_path, [device(INTEL_N6001, "0000:af:00.0", 1)])
    asked: list[PciAddress] = []
    read(tmp_path, CardTraits(tmp_path, read_features=None, read_eswitch_mode=asked.append))
    assert asked == []
