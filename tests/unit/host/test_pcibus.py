"""What a write to sysfs is answered with, what is waited for, and what does not show afterwards."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mooring.core.endpoints import is_passthrough
from mooring.errors import Conflict, HostFault, MooringError, NotFound, Unsupported
from mooring.host.patience import PatientPciBus
from mooring.host.pcibus import SysfsPciBus, Waits, write_file
from mooring.host.sysfs import read_functions
from mooring.model.pci import PciAddress, PciFunction
from mooring.model.vf import VfSettings
from mooring.testing.cards import INTEL_82576, ZERO_MAC
from mooring.testing.pci_kernel import PciMishaps
from mooring.testing.pcibus import SimulatedPciBus
from mooring.testing.sysfs_tree import SimulatedPf, build, folder_of, rebind
from mooring.testing.vf_table import SimulatedVfTable

PF = PciAddress.parse("0000:81:00.0")
SPARE = PciAddress.parse("0000:81:00.1")
VF = PciAddress.parse("0000:81:10.0")
QUICK = Waits(step_s=1, driver_s=3, netdev_s=3, answer_s=3, vfs_s=3, settle_s=3)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    ports = [
        SimulatedPf(INTEL_82576, PF, "ens1f0", "52:54:00:01:00:00", num_vfs=2),
        SimulatedPf(INTEL_82576, SPARE, "ens1f1", "52:54:00:01:01:00", num_vfs=0),
    ]
    build(tmp_path / "sys", ports)
    return tmp_path / "sys"


@pytest.fixture
def table(tmp_path: Path) -> SimulatedVfTable:
    table = SimulatedVfTable(tmp_path / "vf")
    for pf, count in (("ens1f0", 2), ("ens1f1", 0)):
        table.plug(pf, INTEL_82576, (ZERO_MAC,) * count)
    return table


@pytest.fixture
def bus(tmp_path: Path, root: Path, table: SimulatedVfTable) -> SimulatedPciBus:
    return SimulatedPciBus(tmp_path / "pci", root, table)


def at(root: Path, address: PciAddress) -> PciFunction:
    return next(function for function in read_functions(root) if function.address == address)


def refusing(code: int) -> Callable[[Path, bytes], None]:
    def write(_path: Path, _text: bytes) -> None:
        raise OSError(code, os.strerror(code))

    return write


@pytest.mark.parametrize(
    ("code", "answer", "says"),
    [
        (errno.EBUSY, Conflict, "Device or resource busy (EBUSY)"),
        (errno.EAGAIN, Conflict, "(EAGAIN)"),
        (errno.EOPNOTSUPP, Unsupported, "(EOPNOTSUPP)"),
        (errno.ENOTTY, Unsupported, "(ENOTTY)"),
        (errno.ENODEV, NotFound, "PCI function"),
        (errno.ENXIO, NotFound, "PCI function"),
        (errno.EIO, HostFault, "Input/output error (EIO)"),
        (errno.EINVAL, HostFault, "(EINVAL)"),
        (errno.EPERM, HostFault, "(EPERM)"),
        (errno.EROFS, HostFault, "Read-only file system (EROFS)"),
    ],
)
@pytest.mark.parametrize("work", ["unbind", "bind", "reset", "set_vf_count", "remove_vfs"])
def test_the_kernels_no_is_told_in_its_own_words(
    root: Path, work: str, code: int, answer: type[MooringError], says: str
) -> None:
    bus = SysfsPciBus(root, write=refusing(code), waits=QUICK, sleep=lambda _: None, udev=None)
    if work in ("bind", "reset"):
        rebind(root, VF, None)
    calls: dict[str, Callable[[], object]] = {
        "unbind": lambda: bus.unbind(VF),
        "bind": lambda: bus.bind(VF),
        "reset": lambda: bus.reset(VF),
        "set_vf_count": lambda: bus.set_vf_count(SPARE, 2),
        "remove_vfs": lambda: bus.remove_vfs(PF),
    }
    with pytest.raises(answer) as caught:
        calls[work]()
    assert type(caught.value) is answer
    assert says in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.ENOMEM])
def test_a_card_without_room_for_its_vfs_is_told_with_the_firmware_setting(bus: SimulatedPciBus, code: int) -> None:
    bus.misbehave(PciMishaps(errnos={"sriov_numvfs": code}))
    with pytest.raises(HostFault, match=rf"making 7 VFs: .* \({errno.errorcode[code]}\)") as caught:
        bus.set_vf_count(SPARE, 7)
    assert "IOV BAR space" in caught.value.hint
    assert "pci=realloc" in caught.value.hint


def test_too_many_vfs_are_refused_with_the_most_that_there_can_be(root: Path, bus: SimulatedPciBus) -> None:
    with pytest.raises(HostFault, match="ERANGE") as caught:
        bus.set_vf_count(SPARE, 8)
    assert caught.value.hint == "it can have 7 at most"
    assert at(root, SPARE).vf_count == 0


def test_a_pf_without_a_driver_makes_no_vfs_and_the_hint_says_to_load_it(bus: SimulatedPciBus) -> None:
    bus.unbind(SPARE)
    with pytest.raises(Unsupported) as caught:
        bus.set_vf_count(SPARE, 2)
    assert caught.value.hint == "load the PF's driver first"


@pytest.mark.parametrize(
    ("file", "work"), [("unbind", "unbind"), ("driver_override", "bind"), ("drivers_probe", "bind")]
)
def test_what_the_kernel_takes_and_does_not_do_is_a_fault(
    root: Path, bus: SimulatedPciBus, file: str, work: str
) -> None:
    if work == "bind":
        bus.unbind(VF)
        (folder_of(root, VF) / "driver_override").write_text("vfio-pci\n")
    bus.misbehave(PciMishaps(ignores=frozenset({file})))
    with pytest.raises(HostFault):
        getattr(bus, work)(VF)


def test_a_number_of_vfs_that_the_driver_does_not_reach_is_a_fault(root: Path) -> None:
    def write(path: Path, _text: bytes) -> None:
        path.write_bytes(b"1\n")

    bus = SysfsPciBus(root, write=write, waits=QUICK, sleep=lambda _: None, udev=None)
    with pytest.raises(HostFault, match="was given 2 VFs and shows 1"):
        bus.set_vf_count(SPARE, 2)


def test_vfs_that_do_not_come_in_time_are_a_fault_with_their_number(root: Path) -> None:
    slept: list[float] = []
    bus = SysfsPciBus(root, write=Path.write_bytes, waits=QUICK, sleep=slept.append, udev=None)
    with pytest.raises(HostFault, match=r"of 2 VFs of 0000:81:00\.1, 2 are not there after 3 s"):
        bus.set_vf_count(SPARE, 2)
    assert slept == [1, 1, 1]


def test_vfs_are_taken_away_and_none_is_no_error(root: Path, bus: SimulatedPciBus) -> None:
    bus.remove_vfs(PF)
    assert [one for one in read_functions(root) if one.pf == PF] == []
    assert at(root, PF).vf_count == 0
    bus.remove_vfs(PF)
    assert [write.value for write in bus.writes()] == ["0"]


def test_vfs_that_do_not_go_are_a_fault(root: Path) -> None:
    bus = SysfsPciBus(root, write=lambda *_: None, waits=QUICK, sleep=lambda _: None, udev=None)
    with pytest.raises(HostFault, match=r"0000:81:00\.0 was to have no VFs and shows 2"):
        bus.remove_vfs(PF)
    slept: list[float] = []
    bus = SysfsPciBus(root, write=Path.write_bytes, waits=QUICK, sleep=slept.append, udev=None)
    with pytest.raises(HostFault, match=r"0000:81:00\.0 has no VFs and still shows some after 3 s"):
        bus.remove_vfs(PF)
    assert slept == [1, 1, 1]


def test_vfs_of_what_is_no_nic_are_not_waited_for_until_they_have_a_driver(root: Path) -> None:
    """The host may have none for them."""
    for folder in (folder_of(root, PF), *map(folder_of, [root] * 2, [VF, PciAddress.parse("0000:81:10.2")])):
        (folder / "class").write_text("0x120000\n")
    (folder_of(root, PF) / "sriov_numvfs").write_text("0\n")
    rebind(root, VF, None)
    slept: list[float] = []
    SysfsPciBus(root, write=Path.write_bytes, waits=QUICK, sleep=slept.append, udev=None).set_vf_count(PF, 2)
    assert slept == []


def test_a_netdev_that_comes_late_is_waited_for_and_one_that_never_does_is_a_fault(root: Path) -> None:
    rebind(root, VF, None)
    folder = folder_of(root, VF)

    def write(path: Path, _text: bytes) -> None:
        if path.name == "drivers_probe":
            (folder / "driver").symlink_to("../../../../bus/pci/drivers/igbvf")

    late = SysfsPciBus(
        root, write=write, waits=QUICK, sleep=lambda _: (folder / "net/eth0").mkdir(parents=True), udev=None
    )
    late.bind(VF)
    assert (folder / "net/eth0").is_dir()
    (folder / "net/eth0").rmdir()
    never = SysfsPciBus(root, write=write, waits=QUICK, sleep=lambda _: None, udev=None)
    with pytest.raises(HostFault, match=r"igbvf has 0000:81:10\.0 and made no netdev in 3 s"):
        never.bind(VF)


def test_udev_is_waited_for_until_it_has_named_the_netdev_and_not_for_ever(root: Path, tmp_path: Path) -> None:
    (tmp_path / "udev/data").mkdir(parents=True)
    (tmp_path / "udev/control").touch()
    ifindex = (folder_of(root, VF) / "net/ens1f0v0/ifindex").read_text().strip()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            (tmp_path / f"udev/data/n{ifindex}").write_text("I:4711\nE:ID_RENAMING=1\n")
        else:
            (tmp_path / f"udev/data/n{ifindex}").write_text("I:4711\nE:ID_NET_DRIVER=igbvf\n")

    bus = SysfsPciBus(root, write=write_file, waits=QUICK, sleep=sleep, udev=tmp_path / "udev")
    bus.bind(VF)
    assert len(slept) == 2
    (tmp_path / f"udev/data/n{ifindex}").unlink()
    SysfsPciBus(root, write=write_file, waits=QUICK, sleep=lambda _: None, udev=tmp_path / "udev").bind(VF)


def test_a_function_that_no_driver_takes_is_a_fault_that_says_what_to_load(root: Path, bus: SimulatedPciBus) -> None:
    bus.unbind(VF)
    folder = folder_of(root, VF)
    (folder / "device").write_text("0xbeef\n")
    (folder / "modalias").write_text("pci:v00008086d0000BEEF\n")
    with pytest.raises(HostFault, match=r"no driver took 0000:81:10\.0") as caught:
        bus.bind(VF)
    assert "modprobe pci:v00008086d0000BEEF" in caught.value.hint


def test_vfs_that_are_to_have_no_driver_are_left_without_one(root: Path, bus: SimulatedPciBus) -> None:
    (folder_of(root, PF) / "sriov_drivers_autoprobe").write_text("0\n")
    bus.unbind(VF)
    bus.bind(VF)
    assert (bus.driver(VF), at(root, VF).netdev) == (None, None)


def test_a_function_on_vfio_is_given_back_to_the_hosts_driver(root: Path, bus: SimulatedPciBus) -> None:
    bus.rebind(VF, "vfio-pci")
    bus.bind(VF)
    assert (bus.driver(VF), at(root, VF).netdev) == ("igbvf", "ens1f0v0")


def test_somebody_who_unbinds_it_meanwhile_is_no_fault(root: Path) -> None:
    def write(_path: Path, _text: bytes) -> None:
        rebind(root, VF, None)
        raise OSError(errno.ENODEV, "No such device")

    SysfsPciBus(root, write=write, waits=QUICK, sleep=lambda _: None, udev=None).unbind(VF)
    assert at(root, VF).driver is None


def test_a_vf_takes_the_administrative_mac_when_it_is_bound(
    root: Path, bus: SimulatedPciBus, table: SimulatedVfTable
) -> None:
    table.overwrite("ens1f0", 0, VfSettings(mac="02:00:00:00:01:55"))
    bus.unbind(VF)
    bus.bind(VF)
    assert at(root, VF).mac == "02:00:00:00:01:55"


@pytest.mark.parametrize(
    ("methods", "is_reset"),
    [
        ("flr", True),
        ("flr pm bus", True),
        ("af_flr bus", True),
        ("device_specific flr bus", True),
        ("acpi flr", True),
        ("bus flr", False),
        ("pm bus", False),
        ("device_specific bus", False),
        ("", False),
    ],
)
def test_only_a_function_level_reset_is_done(root: Path, bus: SimulatedPciBus, methods: str, is_reset: bool) -> None:
    rebind(root, VF, None)
    (folder_of(root, VF) / "reset_method").write_text(f"{methods}\n")
    assert bus.reset(VF) is is_reset
    assert [one.file for one in bus.writes()] == (["reset"] if is_reset else [])


@pytest.mark.parametrize(("address", "is_reset"), [(VF, True), (SPARE, False)])
def test_a_kernel_that_does_not_tell_its_methods_resets_vfs_only(
    root: Path, bus: SimulatedPciBus, address: PciAddress, is_reset: bool
) -> None:
    bus.unbind(address)
    (folder_of(root, address) / "reset_method").unlink()
    assert bus.reset(address) is is_reset


def test_a_function_that_is_silent_after_its_reset_is_a_fault(root: Path, bus: SimulatedPciBus) -> None:
    bus.unbind(VF)
    config = folder_of(root, VF) / "config"
    config.write_bytes(b"\xff" * 4096)
    with pytest.raises(HostFault, match="does not answer"):
        bus.reset(VF)
    config.write_bytes(b"\xff\xff\xff\xff\x00\x00\x10\x00" + bytes(4088))
    assert bus.reset(VF) is True


def test_a_card_that_forgets_its_vf_with_a_reset_shows_it_newborn(
    bus: SimulatedPciBus, table: SimulatedVfTable
) -> None:
    table.overwrite("ens1f0", 0, VfSettings(mac="02:00:00:00:01:55", trust=True))
    bus.unbind(VF)
    bus.reset(VF)
    assert table.read("ens1f0", 0).trust is True
    bus.misbehave(PciMishaps(reset_forgets=True))
    bus.reset(VF)
    assert (table.read("ens1f0", 0).trust, table.read("ens1f0", 0).mac) == (False, ZERO_MAC)


def test_a_whole_pf_goes_and_comes_back_with_its_netdev_and_without_vfs(
    root: Path, bus: SimulatedPciBus, table: SimulatedVfTable
) -> None:
    before = at(root, PF)
    bus.unbind(PF)
    assert bus.reset(PF) is True
    assert [function.address for function in read_functions(root)] == [PF, SPARE]
    with pytest.raises(NotFound):
        table.look("ens1f0")
    bus.rebind(PF, "vfio-pci")
    assert at(root, PF).netdev is None
    bus.bind(PF)
    after = at(root, PF)
    assert (after.netdev, after.mac, after.vf_count) == (before.netdev, before.mac, 0)
    assert table.look("ens1f0").vfs == {}


def test_vfs_of_a_pf_that_is_down_are_born_without_mac_on_igb(bus: SimulatedPciBus, table: SimulatedVfTable) -> None:
    table.set_link("ens1f1", up=False)
    bus.set_vf_count(SPARE, 2)
    view = table.look("ens1f1")
    assert (view.is_up, [vf.mac for vf in view.vfs.values()]) == (False, [ZERO_MAC, ZERO_MAC])


def test_a_number_written_by_hand_makes_all_vfs_new_and_is_told(
    tmp_path: Path, root: Path, table: SimulatedVfTable
) -> None:
    said: list[str] = []
    bus = SimulatedPciBus(tmp_path / "pci", root, table, tell=said.append)
    table.overwrite("ens1f0", 0, VfSettings(trust=True))
    bus.set_vf_count_by_hand(PF, 1)
    assert [function.address for function in read_functions(root) if function.pf == PF] == [VF]
    assert {index: vf.trust for index, vf in table.look("ens1f0").vfs.items()} == {0: False}
    assert said == ["pci remove 0000:81:10.0", "pci remove 0000:81:10.2", "pci add 0000:81:10.0"]


def test_a_write_that_hangs_ends_the_callers_patience_and_not_the_other_way_round(bus: SimulatedPciBus) -> None:
    bus.misbehave(PciMishaps(hangs=frozenset({"unbind"})))
    started = threading.Thread(target=bus.unbind, args=(VF,), daemon=True)
    started.start()
    patient = PatientPciBus(bus)
    assert patient.driver(VF) == "igbvf"
    bus.misbehave(PciMishaps())
    started.join(timeout=30)
    assert patient.driver(VF) is None


@pytest.mark.parametrize(
    ("driver", "expected"),
    [
        (None, False),
        ("igbvf", False),
        ("mlx5_core", False),
        ("vfio-pci", True),
        ("mlx5_vfio_pci", True),
        ("hisi-acc-vfio-pci", True),
        ("uio_pci_generic", True),
        ("igb_uio", True),
        ("pci-stub", True),
    ],
)
def test_drivers_that_hand_a_function_to_a_program_are_known(driver: str | None, expected: bool) -> None:
    assert is_passthrough(driver) is expected


def test_a_write_does_not_follow_a_link_or_make_a_file(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to("target")
    for name in ("link", "missing"):
        with pytest.raises(OSError, match=r"Too many levels|No such file"):
            write_file(tmp_path / name, b"1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "target"]
