"""What may stand in ``device_spec``, and what is handed out by it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.devspec import DeviceSpec, num_vfs_of, offer
from mooring.core.devspec_entries import parse_device_specs
from mooring.errors import Invalid
from mooring.model.host import OfferedFunction
from mooring.model.pci import FunctionKind, PciAddress, PciFunction

PF = PciFunction(PciAddress.parse("0000:81:00.0"), FunctionKind.PF, netdev="ens1f0", vf_total=7, vf_count=4)
OTHER_PF = PciFunction(PciAddress.parse("0000:81:00.1"), FunctionKind.PF, netdev="ens1f1", vf_total=7, vf_count=0)
VFS = [
    PciFunction(PciAddress.parse(f"0000:81:10.{2 * n}"), FunctionKind.VF, pf=PF.address, vf_index=n) for n in range(4)
]
PLAIN = PciFunction(PciAddress.parse("0000:02:00.0"), FunctionKind.PCI, netdev="eno1")
HOST = [PLAIN, PF, OTHER_PF, *VFS]


def spec(**values: object) -> DeviceSpec:
    (parsed,) = parse_device_specs([values])
    return parsed


def offered(
    *entries: Mapping[str, object], host: list[PciFunction] = HOST, uses: Mapping[PciAddress, str] | None = None
) -> dict[PciAddress, OfferedFunction]:
    return {one.function.address: one for one in offer(host, parse_device_specs(entries), uses or {})}


def indices(answers: Mapping[PciAddress, OfferedFunction]) -> list[int | None]:
    return [one.function.vf_index for one in answers.values() if one.is_offered]


@pytest.mark.parametrize(
    ("entry", "parsed"),
    [
        ({"pf": "ens1f0", "physical_network": "physnet1"}, DeviceSpec(pf="ens1f0", physical_network="physnet1")),
        ({"pf": "0000:81:00.0", "physical_network": "p"}, DeviceSpec(pf=PF.address, physical_network="p")),
        ({"pf": "81:00.0", "physical_network": "p"}, DeviceSpec(pf=PF.address, physical_network="p")),
        ({"address": "0000:81:10.2", "exclude": True}, DeviceSpec(address=VFS[1].address, exclude=True)),
        ({"pf": "x", "vfs": "0-3,8", "exclude": True}, DeviceSpec("x", vfs=frozenset({0, 1, 2, 3, 8}), exclude=True)),
        ({"pf": "x", "vfs": " 1 - 2 , 4", "exclude": True}, DeviceSpec("x", vfs=frozenset({1, 2, 4}), exclude=True)),
        ({"pf": "x", "vfs": "2-2,0-2", "exclude": True}, DeviceSpec("x", vfs=frozenset({0, 1, 2}), exclude=True)),
        (
            {"pf": "x", "physical_network": "p", "exclude": False},
            DeviceSpec("x", physical_network="p"),
        ),
        ({"pf": "x", "physical_network": "p", "num_vfs": 7}, DeviceSpec("x", physical_network="p", num_vfs=7)),
        ({"pf": "x", "physical_network": "p", "num_vfs": 0}, DeviceSpec("x", physical_network="p", num_vfs=0)),
        ({"pf": "x", "exclude": True, "num_vfs": 65535}, DeviceSpec("x", exclude=True, num_vfs=65535)),
        ({"pf": "x", "physical_network": "p", "whole": True}, DeviceSpec("x", physical_network="p", whole=True)),
        ({"pf": "x", "physical_network": "p", "whole": False}, DeviceSpec("x", physical_network="p")),
        (
            {"pf": "x", "physical_network": "p", "whole": True, "num_vfs": 8},
            DeviceSpec("x", physical_network="p", whole=True, num_vfs=8),
        ),
        (
            {"address": "0000:81:00.0", "physical_network": "p", "whole": True},
            DeviceSpec(address=PF.address, physical_network="p", whole=True),
        ),
    ],
)
def test_an_entry_is_read_as_written(entry: Mapping[str, object], parsed: DeviceSpec) -> None:
    assert spec(**entry) == parsed


@pytest.mark.parametrize(
    ("entry", "says", "hint"),
    [
        ({"pf": "x", "physcal_network": "p"}, "unknown key 'physcal_network'", "did you mean physical_network?"),
        ({"pf": "x", "zzz": 1}, "unknown key 'zzz'", "known keys: pf, address, vfs, physical_network"),
        ({}, "it selects nothing", "give pf"),
        ({"physical_network": "p"}, "it selects nothing", "give pf"),
        ({"exclude": True}, "it selects nothing", "give pf"),
        ({"pf": "x", "address": "0000:81:10.0", "physical_network": "p"}, "both pf and address", "leave pf out"),
        ({"address": "0000:81:10.0", "vfs": "1", "physical_network": "p"}, "vfs without pf", "name it with pf"),
        ({"pf": "x"}, "it has no physical_network", "set exclude = true"),
        ({"pf": "x", "exclude": False}, "it has no physical_network", "set exclude = true"),
        ({"pf": True, "physical_network": "p"}, "pf = True is not text", 'pf = "..."'),
        ({"pf": ["x"], "physical_network": "p"}, "pf = ['x'] is not text", 'pf = "..."'),
        ({"pf": "", "physical_network": "p"}, "pf = '' is neither", "ens1f0"),
        ({"pf": "..", "physical_network": "p"}, "pf = '..' is neither", "ens1f0"),
        ({"pf": "a/b", "physical_network": "p"}, "pf = 'a/b' is neither", "ens1f0"),
        ({"pf": "0000:81:00.9", "physical_network": "p"}, "pf = '0000:81:00.9' is neither", "ens1f0"),
        ({"pf": "sixteen-letters-", "physical_network": "p"}, "is neither", "ens1f0"),
        ({"address": "81:10", "physical_network": "p"}, "address = '81:10' is not a PCI address", "0000:81:10.4"),
        ({"address": "0000:81:10.0\n", "physical_network": "p"}, r"has '0\n' as function, which", "as in 0-3, or *"),
        ({"address": None, "physical_network": "p"}, "address = None is not text", "in quotes"),
        ({"pf": "x", "vfs": 3, "physical_network": "p"}, "vfs = 3 is not text", 'vfs = "..."'),
        ({"pf": "x", "vfs": "", "physical_network": "p"}, "vfs = '' has ''", '"0-3,8"'),
        ({"pf": "x", "vfs": "0,,1", "physical_network": "p"}, "has '', which is no index", '"0-3,8"'),
        ({"pf": "x", "vfs": "-1", "physical_network": "p"}, "has '-1', which is no index", '"0-3,8"'),
        ({"pf": "x", "vfs": "1-", "physical_network": "p"}, "has '1-', which is no index", '"0-3,8"'),
        ({"pf": "x", "vfs": "a", "physical_network": "p"}, "has 'a', which is no index", '"0-3,8"'),
        ({"pf": "x", "vfs": "\u0663", "physical_network": "p"}, "which is no index", '"0-3,8"'),
        ({"pf": "x", "vfs": "0,3-1", "physical_network": "p"}, "has '3-1', which runs backwards", 'write "1-3"'),
        ({"pf": "x", "vfs": "0-65535", "physical_network": "p"}, "has '0-65535', over 65534", "virtfnN"),
        ({"pf": "x", "vfs": "1000000", "physical_network": "p"}, "which is no index", '"0-3,8"'),
        ({"pf": "x", "physical_network": ""}, "physical_network = '' is not", "1 to 64 printable"),
        ({"pf": "x", "physical_network": "a b"}, "physical_network = 'a b' is not", "without space"),
        ({"pf": "x", "physical_network": "a,b"}, "is not a physical network's name", "comma"),
        ({"pf": "x", "physical_network": "a:b"}, "is not a physical network's name", "colon"),
        ({"pf": "x", "physical_network": "*"}, "is not a physical network's name", "asterisk"),
        ({"pf": "x", "physical_network": "p" * 65}, "is not a physical network's name", "1 to 64"),
        ({"pf": "x", "physical_network": 1}, "physical_network = 1 is not text", "in quotes"),
        ({"pf": "x", "physical_network": "p", "exclude": "true"}, "'true' is not true or false", "without quotes"),
        ({"pf": "x", "physical_network": "p", "exclude": 1}, "exclude = 1 is not true or false", "without quotes"),
        ({"pf": "x", "physical_network": "p", "num_vf": 4}, "unknown key 'num_vf'", "did you mean num_vfs?"),
        ({"pf": "x", "physical_network": "p", "whle": True}, "unknown key 'whle'", "did you mean whole?"),
        ({"pf": "x", "physical_network": "p", "num_vfs": "4"}, "num_vfs = '4' is not a whole number", "num_vfs = 8"),
        ({"pf": "x", "physical_network": "p", "num_vfs": True}, "num_vfs = True is not a whole number", "num_vfs = 8"),
        ({"pf": "x", "physical_network": "p", "num_vfs": 4.0}, "num_vfs = 4.0 is not a whole number", "num_vfs = 8"),
        ({"pf": "x", "physical_network": "p", "num_vfs": -1}, "num_vfs = -1 is not from 0 to 65535", "sriov_totalvfs"),
        ({"pf": "x", "physical_network": "p", "num_vfs": 65536}, "num_vfs = 65536 is not from", "sriov_totalvfs"),
        ({"address": "0000:81:10.0", "physical_network": "p", "num_vfs": 4}, "num_vfs without pf", "name it with pf"),
        ({"pf": "x", "physical_network": "p", "whole": "yes"}, "whole = 'yes' is not true or false", "without quotes"),
        ({"pf": "x", "physical_network": "p", "whole": True, "vfs": "0"}, "both whole and vfs", "an entry of its own"),
        ({"pf": "x", "exclude": True, "whole": True}, "both whole and exclude", "leave that out"),
    ],
)  # fmt: skip  # one entry a line
def test_a_wrong_entry_is_refused_with_the_way_out(entry: Mapping[str, object], says: str, hint: str) -> None:
    right = {"pf": "ens1f0", "physical_network": "physnet1"}
    with pytest.raises(Invalid) as caught:
        parse_device_specs([right, entry])
    assert caught.value.message.startswith("device_spec entry 2: ")
    assert says in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.facts["entry"] == 2


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ({"num_vfs": 4}, {"num_vfs": 8}, "it gives ens1f0 num_vfs = 8, and entry 1 num_vfs = 4"),
        ({"num_vfs": 4, "vfs": "0-1"}, {"num_vfs": 0, "vfs": "2-3"}, "num_vfs = 0, and entry 1 num_vfs = 4"),
        ({"num_vfs": 4, "whole": True}, {"num_vfs": 8}, "it gives ens1f0 num_vfs = 8, and entry 1 num_vfs = 4"),
    ],
)
def test_two_entries_of_one_pf_that_disagree_about_its_vfs_are_refused(
    first: Mapping[str, object], second: Mapping[str, object], says: str
) -> None:
    other = {"pf": "ens1f1", "physical_network": "p", "num_vfs": 2}
    entries = [{"pf": "ens1f0", "physical_network": "p", **rest} for rest in (first, second)]
    with pytest.raises(Invalid) as caught:
        parse_device_specs([*entries, other])
    assert caught.value.message.startswith("device_spec entry 2: ")
    assert says in caught.value.message


def test_entries_of_one_pf_may_leave_its_vfs_to_one_of_them() -> None:
    specs = parse_device_specs(
        [
            {"pf": "ens1f0", "physical_network": "p", "vfs": "0-3", "num_vfs": 7},
            {"pf": "0000:81:00.0", "exclude": True, "vfs": "4-6"},
            {"pf": "ens1f0", "physical_network": "q", "num_vfs": 7},
            {"pf": "ens1f0", "physical_network": "q", "whole": True},
        ]
    )
    assert num_vfs_of(PF, specs) == 7
    assert num_vfs_of(OTHER_PF, specs) is None


def test_one_pf_under_two_names_with_two_numbers_is_refused_where_it_shows() -> None:
    specs = parse_device_specs(
        [
            {"pf": "ens1f0", "physical_network": "p", "num_vfs": 4},
            {"pf": "0000:81:00.0", "physical_network": "p", "num_vfs": 8},
        ]
    )
    with pytest.raises(Invalid, match=r"gives PF 0000:81:00\.0 \(ens1f0\) .* and .* VFs"):
        num_vfs_of(PF, specs)


def test_a_wrong_value_is_named_in_the_facts() -> None:
    with pytest.raises(Invalid) as caught:
        spec(pf="x", vfs="3-1", physical_network="p")
    assert caught.value.facts == {"entry": 1, "field": "vfs", "value": "3-1"}


def test_a_huge_value_does_not_make_a_huge_message() -> None:
    with pytest.raises(Invalid) as caught:
        spec(pf="x" * 100_000, physical_network="p")
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("pf", ["ens1f0", "0000:81:00.0"])
def test_a_pf_named_either_way_stands_for_its_vfs_and_is_not_handed_out_itself(pf: str) -> None:
    answers = offered({"pf": pf, "physical_network": "physnet1"})
    assert indices(answers) == [0, 1, 2, 3]
    assert {answers[vf.address].physical_network for vf in VFS} == {"physnet1"}
    assert answers[PF.address].is_offered is False
    assert answers[PF.address].reason == "a PF is not handed out, only its VFs are"
    assert answers[PF.address].physical_network == "physnet1"
    assert answers[OTHER_PF.address].physical_network is None


def test_what_no_entry_matches_is_not_offered_and_says_so() -> None:
    answers = offered({"pf": "ens1f0", "vfs": "0-1", "physical_network": "physnet1"})
    assert indices(answers) == [0, 1]
    assert answers[VFS[2].address].reason == answers[PLAIN.address].reason == "no device_spec matches"
    assert answers[VFS[2].address].physical_network is None


def test_the_first_entry_that_matches_decides_the_physical_network() -> None:
    answers = offered(
        {"address": "0000:81:10.2", "physical_network": "physnet2"},
        {"pf": "ens1f0", "physical_network": "physnet1"},
        {"address": "0000:81:10.4", "physical_network": "physnet3"},
    )
    networks = [answers[vf.address].physical_network for vf in VFS]
    assert networks == ["physnet1", "physnet2", "physnet1", "physnet1"]


@pytest.mark.parametrize("excluding", [{"pf": "ens1f0", "vfs": "1"}, {"address": "0000:81:10.2"}])
def test_an_excluding_entry_wins_wherever_it_stands(excluding: Mapping[str, object]) -> None:
    granting: Mapping[str, object] = {"pf": "ens1f0", "physical_network": "physnet1"}
    exclude: Mapping[str, object] = {**excluding, "exclude": True}
    for entries, number in (([granting, exclude], 2), ([exclude, granting], 1)):
        answers = offered(*entries)
        assert indices(answers) == [0, 2, 3]
        assert answers[VFS[1].address].reason == f"device_spec entry {number} excludes it"


def test_a_function_with_faults_is_not_offered_and_all_faults_are_the_reason() -> None:
    broken = replace(VFS[1], faults=("vendor is missing", "mtu is binary"))
    answers = offered({"pf": "ens1f0", "physical_network": "p"}, host=[PF, VFS[0], broken])
    assert indices(answers) == [0]
    assert answers[broken.address].reason == "vendor is missing; mtu is binary"


def test_a_function_that_the_host_uses_is_not_offered() -> None:
    uses = {VFS[1].address: "ens1f0v1 is in bond 'bond0'"}
    answers = offered({"pf": "ens1f0", "physical_network": "p"}, uses=uses)
    assert indices(answers) == [0, 2, 3]
    assert answers[VFS[1].address].reason == "the host itself uses it: ens1f0v1 is in bond 'bond0'"


def test_a_pf_that_the_host_uses_still_gives_its_vfs() -> None:
    answers = offered({"pf": "ens1f0", "physical_network": "p"}, uses={PF.address: "ens1f0 is in bridge 'br0'"})
    assert indices(answers) == [0, 1, 2, 3]


def test_a_whole_pf_without_vfs_is_offered_with_its_physical_network() -> None:
    answers = offered({"pf": "ens1f1", "physical_network": "physnet2", "whole": True})
    one = answers[OTHER_PF.address]
    assert (one.is_offered, one.physical_network, one.reason) == (True, "physnet2", "")
    assert [answer for answer in answers.values() if answer.is_offered] == [one]


def test_a_whole_pf_whose_driver_a_guest_took_is_still_offered_by_its_address() -> None:
    taken = replace(OTHER_PF, netdev=None, driver="vfio-pci")
    answers = offered({"pf": "0000:81:00.1", "physical_network": "p", "whole": True}, host=[taken])
    assert answers[taken.address].is_offered


@pytest.mark.parametrize(
    "entries",
    [
        [{"pf": "ens1f0", "physical_network": "p", "whole": True}],
        [{"pf": "ens1f0", "physical_network": "p", "whole": True, "num_vfs": 4}],
        [
            {"pf": "ens1f0", "vfs": "0-1", "physical_network": "p"},
            {"address": "0000:81:00.0", "physical_network": "p", "whole": True},
            {"pf": "ens1f0", "physical_network": "p", "num_vfs": 4},
        ],
    ],
)
def test_a_pf_is_offered_beside_its_vfs_when_all_of_them_are(entries: list[Mapping[str, object]]) -> None:
    answers = offered(*entries)
    assert answers[PF.address].is_offered
    assert indices(answers) == [None, 0, 1, 2, 3]


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([{"pf": "ens1f0", "vfs": "2", "exclude": True}], "its VF 2 is not to be had: device_spec entry 1 excludes it"),
        ([{"address": "0000:81:00.0", "physical_network": "p", "whole": True}], "its VF 0 is not to be had: no device"),
    ],
)
def test_a_pf_with_a_vf_that_is_not_handed_out_is_not_handed_out_whole(
    entries: list[Mapping[str, object]], says: str
) -> None:
    """It would take the VF from whoever has it."""
    rest = [] if "whole" in entries[0] else [{"pf": "ens1f0", "physical_network": "p", "whole": True}]
    answers = offered(*entries, *rest)
    assert not answers[PF.address].is_offered
    assert says in answers[PF.address].reason


def test_a_pf_is_not_handed_out_whole_over_a_vf_that_the_host_uses_or_does_not_show() -> None:
    whole: Mapping[str, object] = {"pf": "ens1f0", "physical_network": "p", "whole": True}
    used = offered(whole, uses={VFS[3].address: "ens1f0v3 is in bond 'bond0'"})
    assert "its VF 3 is not to be had: the host itself uses it: ens1f0v3 is in bond" in used[PF.address].reason
    unseen = offered(whole, host=[PF, *VFS[:3]])
    assert unseen[PF.address].reason == "it is to be handed out whole, and of its 4 VFs 3 are known"


def test_a_pf_that_the_host_uses_or_excludes_is_not_handed_out_whole() -> None:
    whole: Mapping[str, object] = {"pf": "ens1f1", "physical_network": "p", "whole": True}
    used = offered(whole, uses={OTHER_PF.address: "ens1f1 has address 192.0.2.4/24"})[OTHER_PF.address]
    assert used.reason == "the host itself uses it: ens1f1 has address 192.0.2.4/24"
    for entries in ([whole, {"pf": "ens1f1", "exclude": True}], [{"address": "0000:81:00.1", "exclude": True}, whole]):
        assert "excludes it" in offered(*entries)[OTHER_PF.address].reason
    assert offered({"pf": "ens1f1", "vfs": "0-3", "exclude": True}, whole)[OTHER_PF.address].is_offered


def test_a_faulty_pf_is_not_handed_out_whole() -> None:
    broken = replace(OTHER_PF, faults=("sriov_numvfs is missing",))
    answers = offered({"pf": "ens1f1", "physical_network": "p", "whole": True}, host=[broken])
    assert answers[broken.address].reason == "sriov_numvfs is missing"


def test_the_vfs_of_a_pf_without_netdev_cannot_be_programmed_and_are_not_offered() -> None:
    answers = offered({"pf": "0000:81:00.0", "physical_network": "p"}, host=[replace(PF, netdev=None), *VFS])
    assert indices(answers) == []
    assert "0000:81:00.0 has no netdev" in answers[VFS[0].address].reason


def test_a_plain_function_is_not_offered_even_by_its_address() -> None:
    answers = offered({"address": str(PLAIN.address), "physical_network": "p"})
    assert (
        answers[PLAIN.address].reason
        == "it is a NIC without SR-IOV, and such a one is handed out by whole = true alone"
    )


def test_a_nic_without_sriov_is_handed_out_by_whole() -> None:
    answers = offered({"pf": "eno1", "physical_network": "p", "whole": True})
    assert [one.function for one in answers.values() if one.is_offered] == [PLAIN]
    assert answers[PLAIN.address].physical_network == "p"


def test_a_plain_nic_of_the_name_is_not_taken_for_a_pf() -> None:
    assert indices(offered({"pf": "eno1", "physical_network": "p"})) == []


ENTRIES = st.fixed_dictionaries(
    {"physical_network": st.sampled_from(["p", "q"]), "exclude": st.booleans()},
    optional={},
).flatmap(
    lambda rest: st.one_of(
        st.sampled_from([*VFS, PF, PLAIN]).map(lambda one: {**rest, "address": str(one.address)}),
        st.sampled_from(["0", "1-2", "0-3"]).map(lambda vfs: {**rest, "pf": "ens1f0", "vfs": vfs}),
        st.sampled_from(["ens1f0", "0000:81:00.0", "ens1f1"]).map(lambda pf: {**rest, "pf": pf}),
        st.sampled_from(["ens1f0", "ens1f1"]).map(lambda pf: {"physical_network": "p", "pf": pf, "whole": True}),
    )
)


@given(entries=st.lists(ENTRIES, max_size=5), faulty=st.sets(st.sampled_from(range(4))))
def test_each_function_gets_one_answer_and_only_sound_ones_with_a_network_are_offered(
    entries: list[Mapping[str, object]], faulty: set[int]
) -> None:
    host = [PLAIN, PF, OTHER_PF, *(replace(vf, faults=("x",)) if n in faulty else vf for n, vf in enumerate(VFS))]
    answers = offer(host, parse_device_specs(entries), {})
    assert [one.function for one in answers] == host
    for one in answers:
        assert one.is_offered == (one.reason == "")
        if one.is_offered:
            assert one.function.kind is not FunctionKind.PCI
            if one.function == PF:
                assert indices({each.function.address: each for each in answers if each.function.pf}) == [0, 1, 2, 3]
            assert not one.function.faults
            assert one.physical_network is not None
