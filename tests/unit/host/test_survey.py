"""What is found on a bare host: a folder with proc, sys, dev and lib stands for it."""

import threading
from pathlib import Path

import pytest

from mooring.errors import Forbidden
from mooring.host.survey import Places, Wishes, ask_libvirt, survey
from mooring.model.pci import PciAddress
from mooring.model.survey import BridgeKind, FileState, LibvirtAnswer, Loading, Platform, Survey
from tests.unit.host.bare_host import ANSWER, KERNEL, PF, build_host, write

STANDARD = "0x00000000fe000000 0x00000000fe01ffff 0x0000000000040200\n"
NOTHING = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
UNSET = "0x0000000000000000 0x000000000001bfff 0x0000000000140204\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "host"
    build_host(root)
    return root


def seen(root: Path, wishes: Wishes | None = None) -> Survey:
    return survey(Places(root, root / "sys"), wishes or Wishes(), ANSWER)


def test_a_whole_host_is_seen_as_it_is(root: Path) -> None:
    found = seen(root)
    assert found.platform == Platform(
        kernel=KERNEL,
        command_line=("quiet", "intel_iommu=on"),
        cpu_vendor="GenuineIntel",
        cpu_virtualizes=True,
        is_guest=False,
        iommu_tables=("DMAR",),
        iommu_units=("dmar0",),
        iommu_group_count=3,
        interrupts_are_remapped=True,
        vfio_pci=Loading.LOADED,
        has_vfio_device=True,
        has_kvm_device=True,
    )
    assert (found.is_root, found.capabilities) == (True, 1 << 12 | 1 << 21)
    assert [str(one.address) for one in found.functions] == [PF, "0000:81:10.0", "0000:81:10.2"]
    assert (found.libvirt, found.fault) == (ANSWER, "")
    assert (found.shared_groups, found.without_room) == ({}, frozenset())


def test_a_host_that_shows_nothing_is_seen_as_empty_and_raises_nothing(tmp_path: Path) -> None:
    found = seen(tmp_path)
    assert found.platform == Platform()
    assert found.functions == ()
    assert "sysfs" in found.fault


@pytest.mark.parametrize(
    ("file", "text", "field", "value"),
    [
        ("proc/cpuinfo", "vendor_id : GenuineIntel\nflags : fpu\n", "cpu_virtualizes", False),
        ("proc/cpuinfo", "vendor_id : AuthenticAMD\nflags : svm hypervisor\n", "is_guest", True),
        ("proc/cpuinfo", "processor : 0\nFeatures : fp asimd\n", "cpu_virtualizes", None),
        ("proc/cpuinfo", "processor : 0\nFeatures : fp asimd\n", "interrupts_are_remapped", None),
        ("proc/interrupts", " 24: 1 PCI-MSIX-0000:01:00.0 0-edge enp1s0\n", "interrupts_are_remapped", False),
        ("proc/cmdline", "", "command_line", ()),
        ("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n", "is_noiommu", True),
        ("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n", "is_noiommu", False),
        ("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n", "allows_unsafe_interrupts", True),
    ],
)
def test_each_file_says_its_own(root: Path, file: str, text: str, field: str, value: object) -> None:
    write(root, file, text)
    assert getattr(seen(root).platform, field) == value


@pytest.mark.parametrize(
    ("list_name", "line", "loading"),
    [
        ("modules.builtin", "kernel/drivers/vfio/pci/vfio-pci.ko\n", Loading.LOADED),
        ("modules.dep", "kernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/x.ko\n", Loading.LOADABLE),
        ("modules.dep", "kernel/drivers/vfio/pci/mlx5-vfio-pci.ko: x\n", Loading.MISSING),
    ],
)
def test_a_module_that_no_driver_folder_shows_is_looked_for_on_disk(
    root: Path, list_name: str, line: str, loading: Loading
) -> None:
    (root / "sys/bus/pci/drivers/vfio-pci").rmdir()
    write(root, f"lib/modules/{KERNEL}/{list_name}", line)
    assert seen(root).platform.vfio_pci is loading


def test_programs_are_looked_for_in_the_folders_that_the_agent_runs_them_from(root: Path) -> None:
    write(root, "usr/sbin/virtqemud").chmod(0o644)
    write(root, "opt/genisoimage").chmod(0o755)
    wishes = Wishes(programs=("qemu-img", "virtqemud", "genisoimage"))
    assert seen(root, wishes).programs == {"qemu-img"}


def test_folders_and_the_key_are_judged_by_what_can_be_done_with_them(root: Path, tmp_path: Path) -> None:
    here, missing, file = tmp_path / "here", tmp_path / "not/there", write(tmp_path, "file")
    here.mkdir()
    found = seen(root, Wishes(folders=(here, missing, file, file / "below"), key_file=file))
    assert list(found.folders.values()) == [FileState.GOOD, FileState.MISSING, FileState.DENIED, FileState.DENIED]
    assert found.key_file is FileState.EXPOSED
    file.chmod(0o600)
    assert seen(root, Wishes(key_file=file)).key_file is FileState.GOOD
    assert seen(root, Wishes(key_file=missing)).key_file is FileState.MISSING
    assert seen(root, Wishes(key_file=file / "below")).key_file is FileState.DENIED


def test_bridges_are_told_by_their_kind(root: Path) -> None:
    write(root, "sys/class/net/br-aware/bridge/vlan_filtering", "1\n")
    write(root, "sys/class/net/br-plain/bridge/vlan_filtering", "0\n")
    write(root, "sys/class/net/br-ovs/address")
    answer = '#!/bin/sh\n[ "$3" = br-ovs ] || exit 2\n'
    write(root, "usr/bin/ovs-vsctl", answer).chmod(0o755)
    names = ("br-aware", "br-plain", "br-ovs", "ens1f0", "br-gone", "../net/br-aware")
    kinds = list(seen(root, Wishes(bridges=names)).bridges.values())
    assert kinds == [
        BridgeKind.VLAN_AWARE, BridgeKind.PLAIN, BridgeKind.OPEN_VSWITCH, BridgeKind.OTHER, BridgeKind.MISSING,
        BridgeKind.MISSING,
    ]  # fmt: skip


@pytest.mark.parametrize(("neighbour", "is_shared"), [("0x030000", True), ("0x060400", False), (None, True)])
def test_a_vf_shares_its_iommu_group_with_devices_but_not_with_bridges(
    root: Path, neighbour: str | None, is_shared: bool
) -> None:
    vf = PciAddress.parse("0000:81:10.0")
    (folder,) = (path.parent for path in root.glob(f"sys/kernel/iommu_groups/*/devices/{vf}"))
    (folder / "0000:80:01.0").touch()
    if neighbour is not None:
        write(root, "sys/bus/pci/devices/0000:80:01.0/class", f"{neighbour}\n")
    assert seen(root).shared_groups == ({vf: ("0000:80:01.0",)} if is_shared else {})


@pytest.mark.parametrize(
    ("resource", "has_room"),
    [
        (STANDARD + NOTHING * 6 + STANDARD + NOTHING * 5, True),
        (STANDARD + NOTHING * 12, False),
        (STANDARD + NOTHING * 6 + UNSET + NOTHING * 5, False),
        (STANDARD + NOTHING * 6, True),
        (STANDARD + "\n" * 12, True),
        ("x\n" * 13, True),
        (None, True),
    ],
)
def test_a_pf_whose_vfs_have_no_address_in_memory_has_no_room(
    tmp_path: Path, resource: str | None, has_room: bool
) -> None:
    build_host(tmp_path, num_vfs=0)
    if resource is not None:
        write(tmp_path, f"sys/bus/pci/devices/{PF}/resource", resource)
    assert seen(tmp_path).without_room == (frozenset() if has_room else {PciAddress.parse(PF)})


def test_a_pf_that_has_vfs_has_room_for_them(root: Path) -> None:
    write(root, f"sys/bus/pci/devices/{PF}/resource", STANDARD + NOTHING * 12)
    assert seen(root).without_room == frozenset()


def test_what_libvirt_refuses_is_an_answer() -> None:
    def refuse() -> LibvirtAnswer:
        raise Forbidden("not yours", hint="ask root")

    assert ask_libvirt(lambda: ANSWER) == ANSWER
    assert ask_libvirt(refuse) == LibvirtAnswer(silence="not yours", code="PolicyNotAuthorized", hint="ask root")


def test_a_libvirt_that_never_answers_is_not_waited_for_longer_than_the_limit() -> None:
    release = threading.Event()

    def hang() -> LibvirtAnswer:
        release.wait()
        return ANSWER

    try:
        assert ask_libvirt(hang, wait_s=0.05) == LibvirtAnswer(silence="no answer within 0.05 s", code="Unreachable")
    finally:
        release.set()
