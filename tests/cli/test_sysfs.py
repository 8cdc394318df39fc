"""``mooring device list --sysfs``: a tree on disk, with no controller."""

import json
import os
import tarfile
from dataclasses import fields
from importlib import resources
from pathlib import Path

import pytest

from mooring.model.pci import PciAddress, PciFunction
from mooring.testing.cards import MELLANOX_CX6
from mooring.testing.hosts import DEVICES
from mooring.testing.sysfs_tree import RECORDING, SimulatedPf, build
from tests.cli.stage import Mooring

SPEC = """
[[device_spec]]
pf = "enp1s0"
physical_network = "physnet1"

[[device_spec]]
pf = "ens99f0"
vfs = "2-3"
exclude = true

[[device_spec]]
pf = "ens99f0"
physical_network = "physnet2"
"""


def test_the_recording_shows_3_pfs_with_4_vfs_each_beneath_them(mooring: Mooring, recording: Path) -> None:
    result = mooring("device", "list", "--sysfs", str(recording))
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[-1] == "3 PFs, 12 VFs; --all shows 5 more that are no NICs"
    rows = [line.split() for line in lines[1:-2]]
    tree: dict[str, list[tuple[str, str, str]]] = {row[1]: [] for row in rows if row[0] == "PF"}
    last = ""
    for row in rows:
        if row[0] == "PF":
            last = row[1]
        else:
            tree[last].append((row[0], row[1], row[2]))
    assert [row[1:3] for row in rows if row[0] == "PF"] == [
        ["0000:01:00.0", "enp1s0"], ["0000:81:00.0", "ens99f0"], ["0000:81:00.1", "ens99f1"],
    ]  # fmt: skip
    assert tree["0000:81:00.1"] == [
        ("├", "0", "0000:81:10.1"), ("├", "1", "0000:81:10.3"), ("├", "2", "0000:81:10.5"), ("└", "3", "0000:81:10.7"),
    ]  # fmt: skip


def test_a_row_holds_driver_mac_numa_node_iommu_group_and_link(mooring: Mooring, recording: Path) -> None:
    result = mooring("device", "list", "--sysfs", str(recording))
    pf = next(line for line in result.stdout.splitlines() if "0000:81:00.0" in line)
    assert pf.split() == ["PF", "0000:81:00.0", "ens99f0", "igb", "52:54:00:01:02:00", "1", "9", "1", "Gb/s"]


def test_json_holds_every_field_with_addresses_as_text(mooring: Mooring, recording: Path) -> None:
    devices = json.loads(mooring("device", "list", "--json", "--sysfs", str(recording)).stdout)
    assert [one["kind"] for one in devices].count("type-PF") == 3
    assert [one["kind"] for one in devices].count("type-VF") == 12
    assert all(set(one) == {field.name for field in fields(PciFunction)} for one in devices)
    vf = next(one for one in devices if one["address"] == "0000:81:10.5")
    assert (vf["pf"], vf["vf_index"], vf["numa_node"], vf["iommu_group"]) == ("0000:81:00.1", 2, 1, 21)


unpacks = pytest.mark.skipif(not hasattr(tarfile, "data_filter"), reason="this Python has no extraction filters")


@unpacks
def test_a_packed_recording_shows_the_same_as_an_unpacked_one(mooring: Mooring, recording: Path) -> None:
    with resources.as_file(resources.files("mooring.testing") / "data" / f"{RECORDING}.tar.gz") as packed:
        told = mooring("device", "list", "--sysfs", str(packed))
    assert told.exit_code == 0
    assert told.stdout == mooring("device", "list", "--sysfs", str(recording)).stdout


@unpacks
def test_a_packed_recording_that_leads_out_of_its_folder_is_refused(mooring: Mooring, tmp_path: Path) -> None:
    packed = tmp_path / "evil.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../../escaped"))
    result = mooring("device", "list", "--sysfs", str(packed))
    assert result.exit_code == 1
    assert "cannot be unpacked" in result.stderr
    assert not (tmp_path.parent / "escaped").exists()


@unpacks
@pytest.mark.parametrize("content", [b"", b"not gzip", b"\x1f\x8b\x08\x00"])
def test_a_file_that_is_no_archive_is_refused(mooring: Mooring, tmp_path: Path, content: bytes) -> None:
    packed = tmp_path / "broken.tar.gz"
    packed.write_bytes(content)
    result = mooring("device", "list", "--sysfs", str(packed))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"mooring: {packed} cannot be unpacked")


def test_a_spec_shows_what_would_be_handed_out_and_why_the_rest_would_not(
    mooring: Mooring, recording: Path, tmp_path: Path
) -> None:
    spec = tmp_path / "agent.toml"
    spec.write_text(SPEC)
    result = mooring("device", "list", "--sysfs", str(recording), "--spec", str(spec))
    said = result.stdout
    assert "\n3 PFs, 12 VFs, 6 of them handed out; --all shows 5 more that are no NICs\n" in said
    assert "not handed out: device_spec entry 2 excludes it\n  0000:81:10.4, 0000:81:10.6\n" in said
    assert "not handed out: no device_spec matches\n  0000:81:10.1, 0000:81:10.3, 0000:81:10.5, 0000:81:10.7\n" in said
    row = next(line for line in said.splitlines() if "0000:81:10.2" in line)
    assert row.split()[-2:] == ["physnet2", "yes"]


def test_a_spec_adds_its_answer_to_the_json(mooring: Mooring, recording: Path, tmp_path: Path) -> None:
    spec = tmp_path / "agent.toml"
    spec.write_text(SPEC)
    result = mooring("device", "list", "--json", "--sysfs", str(recording), "--spec", str(spec))
    vf = next(one for one in json.loads(result.stdout) if one["address"] == "0000:81:10.4")
    assert (vf["physical_network"], vf["is_offered"]) == ("physnet2", False)
    assert vf["reason"] == "device_spec entry 2 excludes it"


def test_a_wrong_spec_is_named_by_entry_and_field(mooring: Mooring, recording: Path, tmp_path: Path) -> None:
    spec = tmp_path / "agent.toml"
    spec.write_text('[[device_spec]]\npf = "enp1s0"\nphysnet = "physnet1"\n')
    result = mooring("device", "list", "--sysfs", str(recording), "--spec", str(spec))
    assert result.exit_code == 1
    assert "device_spec entry 1: unknown key 'physnet'" in result.stderr


def test_a_damaged_function_is_listed_with_what_is_wrong(mooring: Mooring, tmp_path: Path) -> None:
    build(tmp_path, [_port("ens1f0np0", vfs=2)])
    vf = Path(os.path.realpath(tmp_path / "bus/pci/devices/0000:81:00.2"))
    (vf / "numa_node").write_text("\x1b[31mpurple\n")
    result = mooring("device", "list", "--sysfs", str(tmp_path))
    assert result.exit_code == 0
    assert "wrong: numa_node" in result.stdout
    assert "\x1b" not in result.stdout
    assert result.stdout.splitlines()[-1] == "1 PF, 2 VFs"


def test_long_names_fold_so_that_80_columns_hold_every_row(mooring: Mooring, tmp_path: Path) -> None:
    build(tmp_path, [_port("enp129s0f0np0", vfs=8)])
    lines = mooring("device", "list", "--sysfs", str(tmp_path)).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert all("…" not in line for line in lines)
    wide = mooring("device", "list", "--sysfs", str(tmp_path), columns=200).stdout
    assert "enp129s0f0np0v7" in wide


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """Two GPUs, a drive, an FPGA with three VFs; and a NIC with four."""
    build(tmp_path / "sys", DEVICES.ports)
    return tmp_path / "sys"


def test_what_is_no_nic_is_listed_when_it_is_asked_for(mooring: Mooring, devices: Path) -> None:
    said = mooring("device", "list", "--sysfs", str(devices)).stdout
    assert "0000:17:00.0" not in said
    assert said.splitlines()[-1] == "1 PF, 4 VFs; --all shows 7 more that are no NICs"
    result = mooring("device", "list", "--sysfs", str(devices), "--all")
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "PCI 0000:17:00.0 3D controller (030200) 10de:1db4 nouveau 0 0" in rows
    assert "PCI 0000:65:00.0 NVMe (010802) 144d:a80a nvme 0 2" in rows
    assert "PF 0000:af:00.0 accelerator (120000) 8086:bcce dfl-pci 1 3" in rows
    assert "└ 2 0000:af:00.7 accelerator (120000) 8086:bccf dfl-pci 1 6" in rows
    assert rows[-1] == "1 PF, 4 VFs, 7 other devices"
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_spec_shows_whatever_it_is_about(mooring: Mooring, devices: Path, tmp_path: Path) -> None:
    spec = tmp_path / "agent.toml"
    spec.write_text('[[device_spec]]\nclass = "03"\ntags = ["gpu"]\n[[device_spec]]\npf = "0000:af:00.0"\nvfs = "1"\n')
    result = mooring("device", "list", "--sysfs", str(devices), "--spec", str(spec))
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "PCI 0000:17:00.0 3D controller (030200) 10de:1db4 nouveau yes gpu" in rows
    assert "└ 1 0000:af:00.6 accelerator (120000) 8086:bccf dfl-pci yes" in rows
    assert rows[-1].startswith("1 PF, 4 VFs, 4 other devices, 3 of them handed out; --all shows 3 more")


def test_all_is_said_of_a_tree_alone(mooring: Mooring) -> None:
    result = mooring("device", "list", "--all")
    assert (result.exit_code, "--all was given without --sysfs" in result.stderr) == (1, True)


def test_a_host_without_network_functions_is_no_error(mooring: Mooring, tmp_path: Path) -> None:
    build(tmp_path, [])
    result = mooring("device", "list", "--sysfs", str(tmp_path))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "0 PFs, 0 VFs"


def _port(netdev: str, vfs: int) -> SimulatedPf:
    address = PciAddress.parse("0000:81:00.0")
    return SimulatedPf(MELLANOX_CX6, address, netdev, "52:54:00:00:00:01", vfs, numa_node=1)
