"""What each PF would hand out, and what stands in its way."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from mooring.core.devspec_entries import parse_device_specs
from mooring.core.hostcheck import Finding, Level, Rules
from mooring.core.pfcheck import PfState, check_pfs
from mooring.core.sriov_cards import card_of
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.survey import Survey
from mooring.testing import cards


def at(text: str) -> PciAddress:
    return PciAddress.parse(text)


PF = PciFunction(
    at("0000:81:00.0"), FunctionKind.PF, vendor_id="8086", product_id="10c9", driver="igb", netdev="ens1f0",
    vf_total=7, vf_count=2, link_is_up=True, link_speed_mbps=1000,
)  # fmt: skip
VFS = tuple(
    PciFunction(at(f"0000:81:10.{2 * n}"), FunctionKind.VF, pf=PF.address, vf_index=n, iommu_group=20 + n)
    for n in range(2)
)
EMPTY = replace(PF, vf_count=0)
NAMED = {"pf": "ens1f0", "physical_network": "physnet1"}


def rules(*entries: Mapping[str, object]) -> Rules:
    return Rules(is_from_file=True, specs=parse_device_specs(entries))


def checked(
    survey: Survey | Sequence[PciFunction], wanted: Rules
) -> tuple[tuple[PfState, ...], Sequence[Finding], Sequence[Finding]]:
    """The states; what is said of PFs; what is said of their sum."""
    states, in_all = check_pfs(survey if isinstance(survey, Survey) else Survey(functions=tuple(survey)), wanted)
    return states, [each for state in states for each in state.findings], in_all


def test_a_pf_whose_vfs_are_named_hands_them_out_and_nothing_is_wrong() -> None:
    (state,), of_pfs, in_all = checked([PF, *VFS], rules(NAMED))
    assert state.offered == tuple(vf.address for vf in VFS)
    assert (state.physical_network, state.held_back) == ("physnet1", ())
    assert (of_pfs, in_all) == ([], ())


def test_vfs_that_are_held_back_keep_their_reasons() -> None:
    survey = Survey(functions=(PF, *VFS), host_uses={VFS[0].address: "ens1f0v0 is in bridge br0"})
    (state,), of_pfs, in_all = checked(survey, rules(NAMED))
    assert state.held_back == ((VFS[0].address, "the host itself uses it: ens1f0v0 is in bridge br0"),)
    assert (of_pfs, in_all) == ([], ())


def test_a_pf_of_which_nothing_is_left_to_hand_out_is_bad_with_the_reason() -> None:
    uses = {vf.address: "it is in bridge br0" for vf in VFS}
    _, of_pfs, in_all = checked(Survey(functions=(PF, *VFS), host_uses=uses), rules(NAMED))
    assert [each.level for each in (*of_pfs, *in_all)] == [Level.BAD, Level.BAD]
    assert "none of its 2 VFs would be handed out: the host itself uses it: it is in bridge br0" in of_pfs[0].text


@pytest.mark.parametrize(
    ("pf", "entry", "level", "text", "way_out"),
    [
        (EMPTY, {}, "bad", "it has none of the 7 VFs", "num_vfs = 7 in its device_spec"),
        (EMPTY, {}, "bad", "it has none", "echo 7 > /sys/bus/pci/devices/0000:81:00.0/sriov_numvfs"),
        (EMPTY, {"num_vfs": 8}, "bad", "num_vfs is 8, and the card has 7 at most", "num_vfs = 7"),
        (PF, {"num_vfs": 4}, "warn", "num_vfs is 4, and it has 2 VFs", "echo 0 > "),
        (replace(PF, link_is_up=False), {}, "warn", "its link is down", "ip link set ens1f0 up"),
        (replace(EMPTY, vf_total=0), {}, "bad", "sriov_totalvfs is 0", "enable SR-IOV in the machine's firmware"),
        (
            replace(EMPTY, vf_total=0, vendor_id="15b3", product_id="101d"), {},
            "bad", "sriov_totalvfs is 0", "mlxconfig -d 0000:81:00.0 set SRIOV_EN=1",
        ),
        (replace(EMPTY, vf_total=0, vendor_id="abcd"), {}, "bad", "sriov_totalvfs is 0", "VFs in its firmware"),
        (
            replace(PF, kind=FunctionKind.PCI, vf_total=None, vf_count=None), {},
            "bad", "Intel 82576 without SR-IOV: it is off in the firmware", "enable SR-IOV in the machine's firmware",
        ),
        (replace(PF, faults=("sriov_offset is odd",)), {}, "warn", "sriov_offset is odd", "/sys/bus/pci/devices/"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_pf_is_said_with_the_way_out(
    pf: PciFunction, entry: Mapping[str, object], level: str, text: str, way_out: str
) -> None:
    vfs = VFS if pf.vf_count else ()
    _, of_pfs, _ = checked([pf, *vfs], rules({**NAMED, **entry}))
    assert [(each.level, each.about) for each in of_pfs] == [(level, "ens1f0")]
    assert text in of_pfs[0].text
    assert way_out in of_pfs[0].way_out


@pytest.mark.parametrize(
    ("pf", "text", "way_out"),
    [
        (replace(EMPTY, driver=None, netdev=None), "has no driver", "modprobe igb"),
        (replace(EMPTY, driver=None, netdev=None, vendor_id="abcd"), "has no driver", "driver of this card"),
        (
            replace(EMPTY, driver="vfio-pci", netdev=None), "vfio-pci has the PF itself",
            "echo 0000:81:00.0 > /sys/bus/pci/drivers/vfio-pci/unbind; echo 0000:81:00.0 > /sys/bus/pci/drivers_probe",
        ),
        (replace(EMPTY, netdev=None), "igb has made no network device", "dmesg | grep 0000:81:00.0"),
    ],
)  # fmt: skip
def test_a_pf_that_cannot_be_programmed_is_named_by_its_address(pf: PciFunction, text: str, way_out: str) -> None:
    _, of_pfs, _ = checked([pf], rules({"pf": "0000:81:00.0", "physical_network": "p"}))
    (finding,) = of_pfs
    assert (finding.level, finding.about) == (Level.BAD, "0000:81:00.0")
    assert text in finding.text
    assert way_out in finding.way_out


def test_vfs_that_the_agent_will_make_count_as_handed_out() -> None:
    (state,), of_pfs, in_all = checked([EMPTY], rules({**NAMED, "num_vfs": 7}))
    assert (state.to_be_made, of_pfs, in_all) == (7, [], ())


def test_a_whole_pf_that_is_handed_out_needs_no_vfs() -> None:
    (state,), of_pfs, in_all = checked([EMPTY], rules({**NAMED, "whole": True}))
    assert (state.offered, of_pfs, in_all) == ((PF.address,), [], ())


@pytest.mark.parametrize(
    ("survey", "text", "way_out"),
    [
        (
            Survey(functions=(PF, *VFS), host_uses={VFS[1].address: "ens1f0v1 is in bridge br0"}),
            "its VF 1 is not to be had: the host itself uses it: ens1f0v1", "hand out all of its VFs, or, with no",
        ),
        (
            Survey(functions=(EMPTY,), host_uses={PF.address: "ens1f0 has address 192.0.2.4/24"}),
            "ens1f0 has address 192.0.2.4/24", "free it",
        ),
    ],
)  # fmt: skip
def test_a_whole_pf_that_cannot_be_handed_out_is_bad_with_the_reason(survey: Survey, text: str, way_out: str) -> None:
    _, (finding,), _ = checked(survey, rules({**NAMED, "whole": True}))
    assert finding.level is Level.BAD
    assert text in finding.text
    assert way_out in finding.way_out


def test_a_pf_is_handed_out_beside_its_vfs() -> None:
    (state,), of_pfs, in_all = checked([PF, *VFS], rules({**NAMED, "whole": True, "num_vfs": 2}))
    assert (state.offered, of_pfs, in_all) == ((PF.address, *(vf.address for vf in VFS)), [], ())
    (state,), of_pfs, in_all = checked([EMPTY], rules({**NAMED, "whole": True, "num_vfs": 4}))
    assert (state.offered, state.to_be_made, of_pfs, in_all) == ((PF.address,), 4, [], ())


GPU = PciFunction(at("0000:3b:00.0"), FunctionKind.PCI, "10de", "1db4", device_class="030200", driver="nouveau")
FPGA = PciFunction(
    at("0000:af:00.0"), FunctionKind.PF, "8086", "bcce", device_class="120000", vf_total=3, vf_count=0, driver="dfl-pci"
)
GPUS = {"class": "03"}


def test_what_is_no_nic_is_looked_at_when_it_is_named_and_needs_no_sriov() -> None:
    (state,), findings, in_all = checked([GPU, FPGA], rules(GPUS))
    assert (state.function, state.offered, findings, in_all) == (GPU, (GPU.address,), [], ())
    assert checked([GPU, FPGA, PF, *VFS], rules(NAMED))[0][0].function == PF


def test_what_is_named_and_used_by_the_host_is_bad_with_the_reason() -> None:
    used = Survey(functions=(GPU,), host_uses={GPU.address: "it has the host's frame buffer 'fb0'"})
    _, (finding,), _ = checked(used, rules(GPUS))
    assert (finding.level, finding.about) == (Level.BAD, "0000:3b:00.0")
    assert "frame buffer" in finding.text
    (state,), findings, _ = checked([GPU, FPGA], rules({"address": "0000:3b:00.0", "exclude": True}))
    assert (state.offered, findings) == ((), [])


def test_a_pf_that_is_no_nic_needs_vfs_or_whole() -> None:
    _, (finding,), _ = checked([FPGA], rules({"class": "12"}))
    assert (finding.level, finding.way_out) == (Level.BAD, "whole = true in its device_spec")
    for more in ({"whole": True}, {"num_vfs": 3, "pf": "0000:af:00.0"}):
        (state,), findings, in_all = checked([FPGA], rules({"class": "12", **more}))
        assert (findings, in_all) == ([], ())
        assert state.offered or state.to_be_made


def test_a_physical_network_of_what_is_no_nic_is_bad() -> None:
    _, _, (finding, *_) = checked([GPU, PF, *VFS], rules({"vendor_id": "10de", "physical_network": "p"}))
    assert finding.text == "entry 1 gives p to 0000:3b:00.0, which is no NIC"


def test_no_room_for_vfs_is_said_with_pci_realloc() -> None:
    survey = Survey(functions=(EMPTY,), without_room=frozenset({PF.address}))
    _, of_pfs, _ = checked(survey, rules({**NAMED, "num_vfs": 7}))
    assert [each.level for each in of_pfs] == [Level.BAD]
    assert "pci=realloc" in of_pfs[0].way_out


def test_vfs_that_share_their_iommu_group_are_bad_with_what_is_in_it() -> None:
    survey = Survey(functions=(PF, *VFS), shared_groups={VFS[1].address: ("0000:02:00.0",)})
    _, of_pfs, _ = checked(survey, rules(NAMED))
    assert [each.level for each in of_pfs] == [Level.BAD]
    assert "1 VFs share their IOMMU group with others (0000:81:10.2 with 0000:02:00.0)" in of_pfs[0].text
    assert "ACS" in of_pfs[0].way_out


def test_a_pf_that_is_not_named_is_listed_and_not_held_against_the_host() -> None:
    other = replace(EMPTY, address=at("0000:82:00.0"), netdev="ens2f0", link_is_up=False)
    states, of_pfs, in_all = checked([PF, *VFS, other], rules(NAMED))
    assert [state.function.netdev for state in states] == ["ens1f0", "ens2f0"]
    assert (of_pfs, in_all) == ([], ())


@pytest.mark.parametrize(
    ("functions", "entries", "says"),
    [
        ([], [NAMED], "no network function of this host shows SR-IOV"),
        ([PF, *VFS], [], "there is no entry, so that nothing would be handed out"),
        ([PF, *VFS], [NAMED, {**NAMED, "exclude": True}], "nothing would be handed out"),
        ([PF, *VFS], [NAMED, {**NAMED, "pf": "ens9"}], "entry 2 names ens9, which is not there"),
        (
            [PF, *VFS],
            [NAMED, {"vendor_id": "15b3", "numa_node": 3, "physical_network": "p"}],
            "names vendor_id 15b3, numa_node 3,",
        ),
        ([PF, *VFS], [NAMED, {"address": "0000:99:00.0", "physical_network": "p"}], "entry 2 names 0000:99:00.0"),
    ],
)
def test_what_is_wrong_with_the_sum_is_bad(
    functions: Sequence[PciFunction], entries: Sequence[Mapping[str, object]], says: str
) -> None:
    _, _, in_all = checked(functions, rules(*entries))
    assert in_all[0].level is Level.BAD
    assert says in in_all[0].text
    assert in_all[0].way_out


def test_an_exclusion_of_what_is_not_there_is_a_warning_for_it_may_be_misspelt() -> None:
    _, _, in_all = checked([PF, *VFS], rules(NAMED, {"pf": "ens1fO", "exclude": True}))
    assert [(each.level, each.way_out) for each in in_all] == [(Level.WARN, "name one of ens1f0")]


def test_a_sysfs_that_cannot_be_read_is_all_that_is_said() -> None:
    _, of_pfs, in_all = checked(Survey(fault="it is broken"), rules(NAMED))
    assert (of_pfs, [each.text for each in in_all]) == ([], ["it is broken"])


def test_without_an_agent_toml_nothing_about_a_single_pf_is_bad_while_another_would_do() -> None:
    off = replace(PF, address=at("0000:02:00.0"), kind=FunctionKind.PCI, netdev="eno1", vf_total=None, vf_count=None)
    states, of_pfs, in_all = checked([off, EMPTY], Rules())
    assert [state.function.netdev for state in states] == ["eno1", "ens1f0"]
    assert {each.level for each in of_pfs} == {Level.WARN}
    assert in_all == ()


def test_without_an_agent_toml_and_without_one_pf_that_would_do_the_host_is_not_ready() -> None:
    _, of_pfs, in_all = checked([replace(EMPTY, driver=None, netdev=None)], Rules())
    assert [each.level for each in (*of_pfs, *in_all)] == [Level.WARN, Level.BAD]


@pytest.mark.parametrize("card", [cards.INTEL_82576, cards.INTEL_X710, cards.INTEL_E810, cards.MELLANOX_CX6])
def test_the_cards_that_are_simulated_are_known_with_their_drivers(card: cards.Card) -> None:
    known = card_of(card.vendor_id, card.product_id)
    assert known is not None
    assert known.driver == card.driver
    assert card_of(card.vendor_id, card.vf_product_id) is None
