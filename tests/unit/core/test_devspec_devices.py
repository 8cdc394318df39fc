"""What device specs say of functions that are no NICs: GPUs, NVMe drives, accelerators and their VFs."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from mooring.core.devspec import DeviceSpec, decide, offer, why_none
from mooring.core.devspec_entries import parse_device_specs
from mooring.core.endpoints import held_by_group, is_network, is_passthrough
from mooring.model.host import OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction

GPU = PciFunction(
    PciAddress.parse("0000:3b:00.0"), FunctionKind.PCI, "10de", "1db4", device_class="030200", numa_node=0,
    iommu_group=5, driver="nouveau", serial="S1",
)  # fmt: skip
SOUND = replace(
    GPU, address=PciAddress.parse("0000:3b:00.1"), product_id="10f0", device_class="040300", driver="snd_hda_intel"
)
DISK = PciFunction(
    PciAddress.parse("0000:41:00.0"), FunctionKind.PCI, "144d", "a80a", device_class="010802", numa_node=1,
    iommu_group=6, driver="nvme",
)  # fmt: skip
FPGA = PciFunction(
    PciAddress.parse("0000:af:00.0"), FunctionKind.PF, "8086", "bcce", device_class="120000", vf_total=3, vf_count=2,
    iommu_group=7, driver="dfl-pci",
)  # fmt: skip
FPGA_VFS = [
    PciFunction(
        PciAddress.parse(f"0000:af:00.{n + 1}"), FunctionKind.VF, "8086", "bccf", device_class="120000",
        pf=FPGA.address, vf_index=n, iommu_group=8 + n,
    )
    for n in range(2)
]  # fmt: skip
NIC = PciFunction(
    PciAddress.parse("0000:81:00.0"), FunctionKind.PF, "8086", "1572", device_class="020000", netdev="ens1f0",
    vf_total=64, vf_count=1, driver="i40e", numa_node=0,
)  # fmt: skip
NIC_VF = PciFunction(
    PciAddress.parse("0000:81:02.0"), FunctionKind.VF, "8086", "154c", device_class="020000", pf=NIC.address,
    vf_index=0, numa_node=0,
)  # fmt: skip
HOST = [GPU, DISK, FPGA, *FPGA_VFS, NIC, NIC_VF]


def answers(
    *entries: Mapping[str, object], host: list[PciFunction] = HOST, uses: Mapping[PciAddress, str] | None = None
) -> dict[PciAddress, OfferedFunction]:
    return {one.function.address: one for one in offer(host, parse_device_specs(entries), uses or {})}


def handed_out(*entries: Mapping[str, object], host: list[PciFunction] = HOST) -> list[PciFunction]:
    return [one.function for one in answers(*entries, host=host).values() if one.is_offered]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"vendor_id": "10de", "product_id": "1db4"}, [GPU]),
        ({"class": "03"}, [GPU]),
        ({"address": "0000:3b:00.0"}, [GPU]),
        ({"serial": "S1"}, [GPU]),
        ({"driver": "nvme"}, [DISK]),
        ({"class": "0108", "numa_node": 1}, [DISK]),
        ({"class": "0108", "numa_node": 0}, []),
        ({"pf": "0000:af:00.0"}, FPGA_VFS),
        ({"pf": "0000:af:00.0", "vfs": "1"}, FPGA_VFS[1:]),
        ({"class": "12", "product_id": "bccf"}, FPGA_VFS),
        ({"class": "12", "whole": True}, [FPGA, *FPGA_VFS]),
        ({"pf": "0000:af:00.0", "whole": True, "num_vfs": 2}, [FPGA, *FPGA_VFS]),
    ],
)
def test_an_entry_hands_out_what_it_selects(entry: Mapping[str, object], expected: list[PciFunction]) -> None:
    assert handed_out(entry) == expected


def test_what_is_no_nic_reaches_no_network_and_has_the_marks_of_its_entry() -> None:
    (told,) = (one for one in answers({"class": "03", "tags": ["b", "a"], "trusted": True}).values() if one.is_offered)
    assert (told.physical_network, told.trusted, told.tags) == (None, True, ("a", "b"))


def test_the_marks_of_an_entry_that_does_not_decide_are_nobodys() -> None:
    told = answers({"class": "03", "tags": ["a"], "trusted": True}, {"address": "0000:3b:00.0", "exclude": True})
    assert (told[GPU.address].trusted, told[GPU.address].tags) == (False, ())


def test_a_pf_that_is_no_nic_is_meant_and_kept_until_its_entry_says_whole() -> None:
    decisions = {one.offered.function: one for one in decide(HOST, parse_device_specs([{"class": "12"}]), {})}
    assert decisions[FPGA].entry == 0
    assert decisions[FPGA].offered.reason == (
        "a PF is not handed out, only its VFs are; whole = true hands it out itself"
    )
    assert [decisions[vf].offered.is_offered for vf in FPGA_VFS] == [True, True]


def test_an_entry_for_the_vfs_does_not_keep_a_later_one_from_the_pf() -> None:
    given = handed_out({"pf": "0000:af:00.0", "num_vfs": 2}, {"address": "0000:af:00.0", "whole": True})
    assert given == [FPGA, *FPGA_VFS]


def test_an_entry_without_a_physical_network_hands_out_no_nic_and_says_so() -> None:
    told = answers({"vendor_id": "8086"}, {"pf": "ens1f0", "physical_network": "physnet1"})
    assert told[NIC_VF.address].reason == "it is a NIC, and device_spec entry 1 names no physical_network"
    assert told[NIC_VF.address].physical_network is None
    whole = answers({"vendor_id": "8086", "product_id": "1572", "whole": True})
    assert "names no physical_network" in whole[NIC.address].reason


def test_an_entry_with_a_physical_network_is_about_nics_alone() -> None:
    entry: Mapping[str, object] = {"vendor_id": "8086", "physical_network": "physnet1"}
    assert handed_out(entry) == [NIC_VF]
    assert {one.physical_network for one in answers(entry).values() if one.function in (FPGA, *FPGA_VFS)} == {None}


def test_an_exclusion_is_about_everything() -> None:
    told = answers({"class": "03"}, {"numa_node": 0, "exclude": True})
    assert told[GPU.address].reason == told[NIC_VF.address].reason == "device_spec entry 2 excludes it"


def test_a_gpu_that_is_given_a_physical_network_is_told_to_be_none() -> None:
    by_address, by_node = parse_device_specs(
        [{"address": "0000:3b:00.0", "physical_network": "p"}, {"numa_node": 0, "physical_network": "p"}]
    )
    assert why_none(GPU, None, [by_address]) == "entry 1 gives it a physical_network, and it is no NIC: leave that out"
    assert why_none(GPU, None, [by_node]) == ""


def test_use_by_the_host_and_faults_keep_a_device() -> None:
    used = answers({"class": "0108"}, uses={DISK.address: "nvme0n1 is mounted on /srv"})
    assert used[DISK.address].reason == "the host itself uses it: nvme0n1 is mounted on /srv"
    broken = replace(DISK, faults=("class is binary",))
    assert answers({"class": "0108"}, host=[broken])[DISK.address].reason == "class is binary"


def test_a_vf_of_what_is_no_nic_needs_no_netdev_of_its_pf_and_needs_to_know_its_number() -> None:
    assert handed_out({"pf": "0000:af:00.0"}) == FPGA_VFS
    lost = replace(FPGA_VFS[0], vf_index=None)
    told = answers({"product_id": "bccf"}, host=[FPGA, lost])
    assert told[lost.address].reason == f"its PF {FPGA.address} does not say which of its VFs it is"


def test_a_device_whose_iommu_group_the_host_drives_in_part_is_kept() -> None:
    told = answers({"class": "03"}, host=[GPU, SOUND])
    assert told[GPU.address].reason == (
        "it shares IOMMU group 5 with 0000:3b:00.1, which snd_hda_intel has for the host"
    )
    assert handed_out({"address": "0000:3b:00.*"}, host=[GPU, SOUND]) == [GPU, SOUND]
    assert handed_out({"class": "03"}, host=[GPU, replace(SOUND, driver="vfio-pci")]) == [GPU]
    assert handed_out({"class": "03"}, host=[GPU, replace(SOUND, driver=None)]) == [GPU]


def test_a_pf_is_not_handed_out_whole_over_a_vf_that_its_group_keeps() -> None:
    stranger = replace(DISK, iommu_group=FPGA_VFS[0].iommu_group)
    told = answers({"class": "12", "whole": True}, host=[stranger, FPGA, *FPGA_VFS])
    assert "its VF 0 is not to be had: it shares IOMMU group 8 with 0000:41:00.0" in told[FPGA.address].reason


def test_groups_say_nothing_of_nics() -> None:
    nic = replace(NIC_VF, iommu_group=5)
    assert held_by_group([GPU, nic], [nic.address]) == {}


@pytest.mark.parametrize(
    ("function", "pf", "expected"),
    [
        (GPU, None, False),
        (NIC, None, True),
        (replace(NIC, device_class=""), None, True),
        (replace(NIC_VF, device_class=""), NIC, True),
        (replace(NIC_VF, device_class=""), None, None),
        (replace(GPU, device_class=""), None, None),
    ],
)
def test_a_function_is_told_by_its_class_and_else_by_its_netdev(
    function: PciFunction, pf: PciFunction | None, expected: bool | None
) -> None:
    assert is_network(function, pf) is expected


@pytest.mark.parametrize(("physical_network", "is_offered"), [(None, True), ("p", False)])
def test_what_does_not_tell_its_class_is_what_its_entry_takes_it_for(
    physical_network: str | None, is_offered: bool
) -> None:
    unknown = replace(GPU, device_class="")
    spec = DeviceSpec(vendor_id="10de", physical_network=physical_network)
    assert offer([unknown], [spec], {})[0].is_offered is is_offered


@pytest.mark.parametrize(
    ("driver", "expected"), [("vfio-pci", True), ("mlx5_vfio_pci", True), ("pci-stub", True), ("nvme", False)]
)
def test_drivers_that_hand_a_function_on_are_known(driver: str, expected: bool) -> None:
    assert is_passthrough(driver) is expected
    assert not is_passthrough(None)
