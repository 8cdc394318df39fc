"""What an agent tells of its machine: what is handed out, and why the rest is not."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.agent.inventory import Inventory, without_observations
from mooring.core.devspec import DeviceSpec
from mooring.core.devspec_entries import parse_device_specs
from mooring.errors import HostFault, NotFound
from mooring.host.sysfs import vfs_of
from mooring.host.traits import CardTraits
from mooring.model.host import OfferedFunction
from mooring.model.pci import PciAddress
from mooring.testing.cards import INTEL_X710
from mooring.testing.host import Plan, SimulatedHost, Spec
from mooring.testing.hosts import DEVICES, port
from mooring.testing.occupants import SimulatedOccupants
from mooring.testing.sysfs_tree import folder_of
from mooring.testing.vf_table import Mishaps

PF = PciAddress.parse("0000:3b:00.0")
PORT = port(INTEL_X710, str(PF), "ens2f0", 3, 4)
SPECS = (DeviceSpec(pf="ens2f0", physical_network="physnet1"),)


@pytest.fixture
def host(tmp_path: Path) -> SimulatedHost:
    plan = Plan(ports=(PORT,), specs=(Spec("ens2f0", "physnet1"),), bridge_mappings={})
    return SimulatedHost.create(tmp_path / "host", plan, controller="http://127.0.0.1:1", key="key")


def inventory(host: SimulatedHost) -> Inventory:
    return Inventory(host.machine(), "agent", SPECS, {})


def vfs(host: SimulatedHost) -> dict[int | None, OfferedFunction]:
    return {one.function.vf_index: one for one in inventory(host).snapshot().functions if one.function.pf == PF}


def node(host: SimulatedHost, index: int) -> str:
    function = next(one for one in host.functions() if one.address == PORT.vf_address(index))
    return f"/dev/vfio/{function.iommu_group}"


def test_vfs_are_handed_out_with_what_their_pf_shows(host: SimulatedHost) -> None:
    answers = vfs(host)
    assert [one.is_offered for one in answers.values()] == [True] * 4
    assert {index: one.observed for index, one in answers.items()} == dict(host.vf_table.look("ens2f0").vfs)


def test_a_vf_with_an_address_is_kept_and_one_of_a_pf_with_an_address_is_not(host: SimulatedHost) -> None:
    host.occupants.give_address("ens2f0", "192.0.2.4/24")
    host.occupants.give_address("ens2f0v1", "192.0.2.5/24")
    answers = vfs(host)
    assert [index for index, one in answers.items() if one.is_offered] == [0, 2, 3]
    assert answers[1].reason == "the host itself uses it: ens2f0v1 has address 192.0.2.5/24"


def test_a_vf_that_another_program_drives_is_kept_until_the_next_look_finds_it_free(host: SimulatedHost) -> None:
    address = PORT.vf_address(2)
    host.pci_bus.rebind(address, "vfio-pci")
    host.occupants.open_node(node(host, 2), "process 4711 (testpmd)")
    looking = inventory(host)
    assert [one.is_offered for one in looking.offers([PF, address])] == [False, True]
    looking.snapshot()
    (of_vf,) = (one for one in looking.offers([PF, address]) if one.function.address == address)
    assert of_vf.reason == f"the host itself uses it: {node(host, 2)} is open in process 4711 (testpmd)"
    host.occupants.leave()
    looking.snapshot()
    assert [one.is_offered for one in looking.offers([PF, address])] == [False, True]


def test_a_serial_is_told_with_its_pf(host: SimulatedHost) -> None:
    (folder_of(host.root, PF) / "vpd").write_bytes(b"\x90\x05\x00SN\x02A1\x78")
    (pf,) = (one.function for one in inventory(host).snapshot().functions if one.function.address == PF)
    assert pf.serial == "A1"


@pytest.mark.parametrize("truncated_to", [0, 2])
def test_no_vf_of_a_pf_that_does_not_show_all_is_handed_out(host: SimulatedHost, truncated_to: int) -> None:
    host.vf_table.misbehave("ens2f0", Mishaps(truncated_to=truncated_to))
    answers = vfs(host)
    assert {one.is_offered for one in answers.values()} == {False}
    assert all("the kernel counts 4 VFs" in one.reason for one in answers.values())


def test_a_kernel_that_does_not_tell_who_uses_its_netdevs_offers_nothing(host: SimulatedHost) -> None:
    class Silent(SimulatedOccupants):
        def netdevs(self) -> Mapping[str, str]:
            raise HostFault("netlink does not answer")

    machine = replace(host.machine(), occupants=Silent(host.folder / "none"))
    with pytest.raises(HostFault, match="netlink does not answer"):
        Inventory(machine, "agent", SPECS, {}).snapshot()


def test_a_guest_that_comes_or_goes_changes_nothing_that_has_to_be_told_anew(host: SimulatedHost) -> None:
    looking = inventory(host)
    before = looking.snapshot()
    host.pci_bus.rebind(PORT.vf_address(1), "vfio-pci")
    after = looking.snapshot()
    assert after != before
    assert without_observations(after) == without_observations(before)


# Marks and features


def test_the_marks_of_an_entry_go_with_what_it_hands_out(host: SimulatedHost) -> None:
    marked = DeviceSpec(pf="ens2f0", physical_network="physnet1", trusted=True, tags=("b", "a"))
    looking = Inventory(host.machine(), "agent", (marked,), {})
    before = looking.snapshot()
    assert {(one.trusted, one.tags) for one in before.functions if one.is_offered} == {(True, ("a", "b"))}
    looking.follow(SPECS)
    assert without_observations(looking.snapshot()) != without_observations(before)


class Features:
    """What the kernel would say of each netdev."""

    def __init__(self, host: SimulatedHost) -> None:
        self.of: dict[str, tuple[str, ...]] = {"ens2f0": ("rx", "tso"), "ens2f0v1": ("rx",)}
        traits = CardTraits(host.root, read_features=lambda: self._there(host), read_eswitch_mode=None)
        self.looking = Inventory(replace(host.machine(), traits=traits), "agent", SPECS, {})

    def _there(self, host: SimulatedHost) -> Mapping[str, tuple[str, ...]]:
        netdevs = {one.netdev for one in host.functions()}
        return {name: features for name, features in self.of.items() if name in netdevs}


def test_the_features_of_a_function_stay_while_a_guest_has_it_and_a_change_is_told(host: SimulatedHost) -> None:
    features = Features(host)
    before = features.looking.snapshot()
    assert {one.function.vf_index: one.function.features for one in before.functions} == {
        None: ("rx", "tso"), 0: None, 1: ("rx",), 2: None, 3: None,
    }  # fmt: skip
    host.pci_bus.rebind(PORT.vf_address(1), "vfio-pci")
    during = features.looking.snapshot()
    assert without_observations(during) == without_observations(before)
    host.pci_bus.rebind(PORT.vf_address(1), "iavf")
    features.of["ens2f0v1"] = ("rx", "tx")
    assert without_observations(features.looking.snapshot()) != without_observations(before)


# What is no NIC


@pytest.fixture
def devices(tmp_path: Path) -> SimulatedHost:
    return SimulatedHost.create(tmp_path / "devices", DEVICES, controller="http://127.0.0.1:1", key="key")


GPU, OTHER_GPU, DISK, FPGA = (
    PciAddress.parse(address) for address in ("0000:17:00.0", "0000:b3:00.0", "0000:65:00.0", "0000:af:00.0")
)
NO_NICS = parse_device_specs([{"vendor_id": "10de"}, {"class": "0108"}, {"pf": str(FPGA), "whole": True}])


def told(host: SimulatedHost, *entries: Mapping[str, object]) -> dict[PciAddress, bool]:
    """What is told of what is no NIC, and whether it is handed out."""
    looking = Inventory(host.machine(), "agent", parse_device_specs(entries), {})
    functions = looking.snapshot().functions
    return {one.function.address: one.is_offered for one in functions if not one.function.device_class.startswith("02")}


def test_of_what_is_no_nic_only_what_an_entry_names_is_told(devices: SimulatedHost) -> None:
    assert told(devices) == {}
    assert told(devices, {"class": "0302"}) == {GPU: True, OTHER_GPU: True}
    assert told(devices, {"class": "0302"}, {"address": str(GPU), "exclude": True}) == {GPU: False, OTHER_GPU: True}
    assert told(devices, {"product_id": "bccf", "vendor_id": "8086"}) == {
        FPGA: False, **dict.fromkeys(vfs_of(devices.root, FPGA), True),
    }  # fmt: skip
    assert told(devices, {"vendor_id": "8086", "physical_network": "physnet1"}) == {}


def test_a_drive_that_the_host_mounted_is_told_and_kept(devices: SimulatedHost) -> None:
    devices.occupants.mount("nvme0n1p1", "/var/lib/docker")
    looking = Inventory(devices.machine(), "agent", NO_NICS, {})
    for offers in (looking.snapshot().functions, looking.offers([DISK])):
        (drive,) = (one for one in offers if one.function.address == DISK)
        assert drive.reason == "the host itself uses it: nvme0n1p1 is mounted on /var/lib/docker"


def test_what_was_ever_ours_is_told_of_for_ever(devices: SimulatedHost) -> None:
    """Its entry may not match it while it has no driver, or be gone: the controller must not think that it is."""
    looking = Inventory(devices.machine(), "agent", (), {}, {DISK}.__contains__)
    (drive,) = (one for one in looking.snapshot().functions if one.function.address == DISK)
    assert (drive.is_offered, drive.reason) == (False, "no device_spec matches")


def test_a_guest_that_takes_a_device_is_no_news(devices: SimulatedHost) -> None:
    looking = Inventory(devices.machine(), "agent", NO_NICS, {})
    before = looking.snapshot()
    devices.pci_bus.rebind(DISK, "vfio-pci")
    assert without_observations(looking.snapshot()) == without_observations(before)


def test_a_few_functions_are_told_with_what_decides_about_them(devices: SimulatedHost) -> None:
    looking = Inventory(devices.machine(), "agent", NO_NICS, {})
    offers = {one.function.address: one for one in looking.offers([FPGA])}
    assert set(offers) == {FPGA, *vfs_of(devices.root, FPGA)}
    assert offers[FPGA].is_offered
    group = folder_of(devices.root, OTHER_GPU).joinpath("iommu_group").resolve() / "devices"
    (group / str(DISK)).symlink_to("../../../../bus/pci/devices/" + str(DISK))
    (folder_of(devices.root, DISK) / "iommu_group").unlink()
    (folder_of(devices.root, DISK) / "iommu_group").symlink_to(group.parent)
    looking.follow(parse_device_specs([{"vendor_id": "10de"}]))
    offers = {one.function.address: one for one in looking.offers([OTHER_GPU])}
    assert offers[OTHER_GPU].reason.endswith("with 0000:65:00.0, which nvme has for the host")


def test_a_pf_is_told_as_it_is_now_with_the_number_of_its_vfs(devices: SimulatedHost) -> None:
    looking = Inventory(devices.machine(), "agent", parse_device_specs([{"pf": str(FPGA), "num_vfs": 2}]), {})
    function, wanted = looking.pf(FPGA)
    assert (function.vf_count, wanted) == (3, 2)
    with pytest.raises(NotFound):
        looking.pf(PciAddress.parse("0000:99:00.0"))
