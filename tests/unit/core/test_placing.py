"""Placing: which host, exactly which functions, and why not the others."""

from dataclasses import replace

import pytest

from mooring.core.nearest import nearest_miss
from mooring.core.numa import Cells, CellUse
from mooring.core.placing import Clerk, Company, HostView, Wish, answers, binding_refused, no_such_host
from mooring.core.pools import pools_of
from mooring.model.host import Aggregate, Liveness, NumaCell
from mooring.model.pci import PciAddress
from mooring.model.request import NumaPolicy, PciRequest, Placement, Shortage
from mooring.model.server import GroupPolicy
from mooring.model.vf import VfState
from tests.unit.core.clouds import NOW, PCI, PF, alive, host, request, vf, vfs, whole_pf

SRIOV = Wish(requests=(request("p1"),), vcpus=2, memory_mib=2048, disk_gib=10)
PLAIN = Wish(vcpus=2, memory_mib=2048, disk_gib=10)


def only_shortage(wish: Wish, view: HostView, liveness: Liveness = Liveness.ALIVE) -> Shortage:
    answer = Clerk(wish, lambda _: liveness).answer(view)
    assert isinstance(answer, Shortage)
    return answer


def placed(wish: Wish, view: HostView) -> Placement | None:
    answer = Clerk(wish, alive).answer(view)
    return answer if isinstance(answer, Placement) else None


def test_a_server_gets_a_host_and_exactly_these_functions() -> None:
    wanted = {"p1": (PciAddress.parse("0000:81:10.0"),)}
    assert placed(SRIOV, host("h1", *vfs(2))) == Placement("h1", wanted)


def test_every_host_answers() -> None:
    told = list(answers(SRIOV, [host("h1", *vfs(1)), host("h2", *vfs(2)), host("h3")], alive))
    assert [(type(answer).__name__, answer.host) for answer in told] == [
        ("Placement", "h1"),
        ("Placement", "h2"),
        ("Shortage", "h3"),
    ]


def test_a_refused_binding_tells_the_admin_the_reason_and_the_owner_none_of_it() -> None:
    shortage = binding_refused("h1", "p1", "sriovnicswitch: no SR-IOV devices of h1 reach physnet1")
    assert "no SR-IOV devices of h1" in shortage.text
    assert shortage.constraint == "binding"
    assert "h1" not in shortage.summary


@pytest.mark.parametrize(
    ("view", "constraint", "summary"),
    [
        (host("h1", *vfs(16, state=VfState.IN_USE)), "devices", "no free VF on physnet1 (16 of 16 in use)"),
        (host("h1", *vfs(3, "physnet2")), "physical_network", "free VFs on physnet2 only"),
        (host("h1", *vfs(3, "physnet2", VfState.IN_USE)), "physical_network", "no VF on physnet1"),
        (host("h1"), "type", "no VFs"),
        (
            host("h1", *vfs(2, state=VfState.CLAIMED), vf("0000:82:10.0", state=VfState.BASELINING)),
            "devices",
            "no free VF on physnet1 (2 of 3 in use, 1 being cleaned)",
        ),
        (
            host("h1", vf("0000:82:10.0", state=VfState.GONE), vf("0000:82:10.1", state=VfState.RELEASING)),
            "devices",
            "no free VF on physnet1 (1 of 1 being released)",
        ),
        (
            host("h1", vf("0000:82:10.0", is_offered=False), vf("0000:82:10.1", state=VfState.IN_USE)),
            "devices",
            "no free VF on physnet1 (1 of 2 in use, 1 not offered)",
        ),
        (
            host(
                "h1",
                vf("0000:82:10.0", state=VfState.UNAVAILABLE, is_offered=False),
                vf("0000:82:10.1", state=VfState.UNAVAILABLE),
            ),
            "devices",
            "no free VF on physnet1 (1 of 2 unavailable, 1 not offered)",
        ),
        (
            host("h1", vf("0000:82:10.0", iommu_group=1), vf("0000:82:10.1", state=VfState.IN_USE, iommu_group=1)),
            "devices",
            "no free VF on physnet1 (1 of 2 in use, 1 sharing an IOMMU group with one that is not free)",
        ),
        (replace(host("h1", *vfs(1)), is_enabled=False), "agent", "been disabled"),
        (replace(host("h1", *vfs(1)), used_vcpus=127), "cpu", "fewer free vCPUs than the 2 wanted"),
        (replace(host("h1", *vfs(1)), memory_mib=1024), "memory", "fewer free MiB of memory than the 2048 wanted"),
        (replace(host("h1", *vfs(1)), used_disk_gib=995), "disk", "fewer free GiB of disk than the 10 wanted"),
    ],
)
def test_a_host_says_what_it_has_instead(view: HostView, constraint: str, summary: str) -> None:
    shortage = only_shortage(SRIOV, view)
    assert (shortage.constraint, shortage.summary) == (constraint, summary)


@pytest.mark.parametrize(
    ("view", "constraint", "summary"),
    [
        (host("h1", whole_pf(state=VfState.IN_USE)), "devices", "no free PF on physnet1 (1 of 1 in use)"),
        (host("h1", whole_pf(physical_network="physnet2")), "physical_network", "free PFs on physnet2 only"),
        (
            host("h1", whole_pf(), vf("0000:81:10.0", state=VfState.UNAVAILABLE)),
            "devices",
            "no free PF on physnet1 (1 of 1 divided into VFs that are not all free)",
        ),
        (
            host("h1", whole_pf(state=VfState.UNAVAILABLE, is_offered=False), *vfs(2)),
            "type",
            "no PFs",
        ),
    ],
)
def test_a_host_says_which_pfs_it_has_instead(view: HostView, constraint: str, summary: str) -> None:
    wish = replace(SRIOV, requests=(request("p1", kinds=PF),))
    shortage = only_shortage(wish, view)
    assert (shortage.constraint, shortage.summary) == (constraint, summary)


def test_vfs_of_a_pf_that_is_taken_whole_are_told_as_that() -> None:
    shortage = only_shortage(SRIOV, host("h1", whole_pf(state=VfState.CLAIMED), vf("0000:81:10.0")))
    assert shortage.summary == "no free VF on physnet1 (1 of 1 of a PF that is taken whole)"


def test_a_host_without_functions_of_either_kind_says_both() -> None:
    wish = replace(SRIOV, requests=(request("p1"), request("p2", kinds=PF)))
    assert only_shortage(wish, host("h1")).summary == "no VFs and no PFs"
    assert only_shortage(wish, host("h1", *vfs(1))).summary == "no PFs"


def test_a_quarantine_is_counted_for_the_owner_and_explained_to_the_admin_only() -> None:
    lying = vf("0000:81:10.0", state=VfState.QUARANTINED, reason="vlan of 0000:81:10.0 does not read back")
    shortage = only_shortage(SRIOV, host("h1", lying))
    assert shortage.summary == "no free VF on physnet1 (1 of 1 quarantined)"
    assert shortage.text.endswith("quarantined since 2026-11-20 00:00: vlan of 0000:81:10.0 does not read back")


def test_too_few_functions_for_all_ports_are_counted() -> None:
    wish = Wish(requests=(request("p1"), request("p2"), request("p3", "physnet2")))
    shortage = only_shortage(wish, host("h1", *vfs(1), *vfs(3, state=VfState.IN_USE, bus=0x82)))
    assert shortage.summary == ("free VFs on physnet1 only and 1 of 2 wanted VFs on physnet1 free (3 of 4 in use)")


def test_another_zone_is_a_shortage_with_both_names_for_the_admin() -> None:
    shortage = only_shortage(replace(PLAIN, availability_zone="az1"), host("h1"))
    assert (shortage.constraint, shortage.text) == ("zone", "the host is in availability zone nova, not az1")


def test_a_disabled_host_tells_the_admin_why() -> None:
    view = replace(host("h1"), is_enabled=False, disabled_reason="new memory on Monday")
    assert only_shortage(PLAIN, view).text == "the host is disabled: new memory on Monday"


def test_one_server_never_gets_more_than_the_host_physically_has() -> None:
    assert only_shortage(Wish(vcpus=33), host("h1")).text == "33 vCPUs wanted, 128 of 128 free, 32 physical"


def test_cpus_are_overcommitted_by_the_ratio_and_memory_is_not() -> None:
    assert placed(Wish(vcpus=32), replace(host("h1"), used_vcpus=96))
    assert only_shortage(Wish(memory_mib=2), replace(host("h1"), used_memory_mib=65535)).constraint == "memory"


@pytest.mark.parametrize(
    ("liveness", "summary"),
    [(Liveness.DEAD, "an agent that does not answer"), (Liveness.UNKNOWN, "an agent not heard from yet")],
)
def test_a_host_that_is_not_heard_from_gets_nothing(liveness: Liveness, summary: str) -> None:
    assert only_shortage(SRIOV, host("h1", *vfs(1)), liveness).summary == summary


def test_a_forced_host_is_the_only_one_asked() -> None:
    wish = replace(SRIOV, forced_host="h2")
    assert [answer.host for answer in answers(wish, [host("h1", *vfs(1)), host("h2")], alive)] == ["h2"]


def test_a_forced_host_that_does_not_exist_is_a_shortage() -> None:
    [answer] = answers(replace(SRIOV, forced_host="nohost"), [host("h1", *vfs(1))], alive)
    assert isinstance(answer, Shortage)
    assert (answer.host, answer.constraint, answer.summary) == ("nohost", "host", "a name that no host has")


def test_a_wish_for_one_host_that_is_not_there_would_do_on_another() -> None:
    wish, view = replace(SRIOV, forced_host="nohost"), host("h1", *vfs(1))
    near = nearest_miss(wish, {"h1": view}, [no_such_host("nohost")], alive)
    assert near is not None
    assert (near.text, near.summary) == ("on another host, h1 would do", "another host would do")


def test_too_few_free_functions_of_a_pci_group_are_told_in_the_order_of_words_of_a_sentence() -> None:
    devices = (*vfs(1), *vfs(1, state=VfState.IN_USE, bus=0x82))
    view = replace(host("h1"), pools=pools_of(devices, lambda _: frozenset({"fast"})))
    wish = Wish(requests=(request("p1", group="fast", count=2),))
    text = "1 of 2 wanted VFs of PCI group fast on physnet1 free (1 of 2 in use)"
    assert only_shortage(wish, view).text == text


def test_everything_that_stands_against_a_host_is_told() -> None:
    shortage = only_shortage(replace(SRIOV, vcpus=999, availability_zone="az1"), host("h1"))
    assert [lack.constraint for lack in shortage.lacks] == ["zone", "cpu", "type"]


MIXED = (
    vf("0000:81:10.0", trusted=True),
    vf("0000:81:10.1", features=("rx",)),
    vf("0000:81:10.2", numa_node=1),
    vf("0000:82:10.0", "physnet2", pf="0000:82:00.0"),
)


@pytest.mark.parametrize(
    ("asked", "constraint", "need", "have", "text"),
    [
        ({"kinds": PCI}, "type", 1, 0, "no PCI devices"),
        ({"physical_networks": frozenset({"physnet9"})}, "physical_network", 1, 0,
         "free VFs on physnet1 and physnet2 only"),
        ({"physical_networks": frozenset()}, "physical_network", 1, 0,
         "no VF for a tunnelled network, which reaches no physical network"),
        ({"group": "fast"}, "group", 1, 0, "no VF of PCI group fast on physnet1"),
        ({"physical_networks": frozenset({"physnet2"}), "trusted": True}, "trusted", 1, 0,
         "no VF on physnet2 for trusted ports"),
        ({"features": frozenset({"rx", "tso"})}, "features", 1, 0, "no VF on physnet1 with rx and tso"),
        ({"is_switchdev": True}, "eswitch_mode", 1, 0, "no VF on physnet1 of a card in switchdev mode"),
        ({"min_rate_mbps": 5}, "min_rate", 1, 0, "no VF on physnet1 on a link of 5 Mb/s (the fastest has 0)"),
        ({"count": 5}, "type", 5, 4, "4 of 5 wanted VFs"),
        ({"count": 4}, "physical_network", 4, 3, "3 of 4 wanted VFs on physnet1"),
    ],
)  # fmt: skip
def test_a_constraint_that_too_few_functions_meet_is_named_with_its_numbers(
    asked: dict[str, object], constraint: str, need: int, have: int, text: str
) -> None:
    shortage = only_shortage(Wish(requests=(request("p1", **asked),)), host("h1", *MIXED))
    lack = shortage.lacks[0]
    assert (lack.constraint, lack.need, lack.have, lack.text) == (constraint, need, have, text)
    assert lack.requests == ("p1",)


def test_free_functions_that_are_for_others_are_counted_beside_those_in_use() -> None:
    devices = (
        *vfs(16, state=VfState.IN_USE),
        *(vf(f"0000:82:10.{n}", trusted=True, pf="0000:82:00.0") for n in range(4)),
    )
    shortage = only_shortage(Wish(requests=(request("p1", trusted=False),)), host("h1", *devices))
    assert shortage.text == "no free VF on physnet1 (16 of 16 in use), 4 more for trusted ports only"


def test_one_server_that_wants_a_pf_and_a_vf_of_it_is_told_so() -> None:
    wish = Wish(requests=(request("p1"), request("p2", kinds=PF)))
    shortage = only_shortage(wish, host("h1", whole_pf(), *vfs(2)))
    assert (shortage.constraint, shortage.text) == ("pf_or_vfs", "too few PFs to give some whole and VFs of others")


FOUR_NODES = tuple(NumaCell(node, tuple(range(node * 4, node * 4 + 4)), 16384, node // 2) for node in range(4))
#: nova.md 2.3: where the device is, where the guest's cells are, and the policies under which it will do.
NUMA_TRUTH = [
    ((0,), (0,), "required socket legacy preferred"),
    ((0,), (0, 1), "required socket legacy preferred"),
    ((0,), (3,), "preferred"),
    ((1,), (0,), "socket preferred"),
    ((1,), (0, 1), "required socket legacy preferred"),
    ((1,), (3,), "preferred"),
    ((2,), (0,), "preferred"),
    ((2,), (0, 1), "preferred"),
    ((2,), (3,), "socket preferred"),
    ((None,), (0,), "legacy preferred"),
    ((None,), (0, 1), "legacy preferred"),
    ((None,), (3,), "legacy preferred"),
    ((0, 2), (0,), "preferred"),
    ((0, 2), (0, 1), "preferred"),
    ((0, 2), (3,), "preferred"),
    ((0, None), (0,), "legacy preferred"),
    ((0, None), (0, 1), "legacy preferred"),
    ((0, None), (3,), "preferred"),
]


@pytest.mark.parametrize(("devices", "guest", "policies"), NUMA_TRUTH)
@pytest.mark.parametrize("policy", [None, *NumaPolicy])
def test_numa_policies_are_novas(
    devices: tuple[int | None, ...], guest: tuple[int, ...], policies: str, policy: NumaPolicy | None
) -> None:
    there = [vf(f"0000:81:10.{n}", numa_node=node) for n, node in enumerate(devices)]
    wish = Wish(requests=(request("p1", count=len(devices), numa_policy=policy),), numa_nodes=guest)
    would_do = (policy or NumaPolicy.LEGACY).value in policies.split()
    assert (placed(wish, host("h1", *there, cells=Cells(FOUR_NODES))) is not None) is would_do


def test_a_host_that_does_not_tell_its_sockets_has_no_device_on_the_same_one() -> None:
    wish = Wish(requests=(request("p1", numa_policy=NumaPolicy.SOCKET),), numa_nodes=(0,))
    untold = Cells((*FOUR_NODES[:3], replace(FOUR_NODES[3], socket=None)))
    assert placed(wish, host("h1", vf("0000:81:10.0", numa_node=1), cells=untold)) is None
    assert placed(wish, host("h1", vf("0000:81:10.0", numa_node=0), cells=untold)) is not None


@pytest.mark.parametrize("policy", [None, *NumaPolicy])
def test_to_a_guest_without_cells_of_its_own_every_device_is_near(policy: NumaPolicy | None) -> None:
    wish = Wish(requests=(request("p1", numa_policy=policy),))
    assert placed(wish, host("h1", vf("0000:81:10.0", numa_node=2), cells=Cells(FOUR_NODES)))


def test_the_nearest_function_is_taken_even_where_a_farther_one_would_do() -> None:
    wish = Wish(requests=(request("p1", numa_policy=NumaPolicy.PREFERRED),), numa_nodes=(1,))
    near, far = vf("0000:82:10.0", numa_node=1, pf="0000:82:00.0"), vf("0000:81:10.0", numa_node=0)
    answer = placed(wish, host("h1", far, near, cells=Cells(FOUR_NODES)))
    assert answer is not None
    assert answer.devices == {"p1": (near.address,)}


def test_a_guests_cells_go_where_its_devices_are() -> None:
    wish = Wish(requests=(request("p1", numa_policy=NumaPolicy.REQUIRED),), vcpus=4, memory_mib=2048, guest_cells=1)
    answer = placed(wish, host("h1", vf("0000:81:10.0", numa_node=2), cells=Cells(FOUR_NODES)))
    assert answer is not None
    assert answer.numa_nodes == (2,)


def test_a_node_that_is_full_takes_no_cell() -> None:
    wish = Wish(requests=(request("p1", numa_policy=NumaPolicy.REQUIRED),), vcpus=4, memory_mib=2048, guest_cells=1)
    full = Cells(FOUR_NODES, {2: CellUse(4, 16000)})
    shortage = only_shortage(wish, host("h1", vf("0000:81:10.0", numa_node=2), cells=full))
    assert shortage.constraint == "numa_policy"


def test_a_guest_with_more_cells_than_the_host_has_nodes_is_told_so() -> None:
    shortage = only_shortage(Wish(vcpus=8, memory_mib=4096, guest_cells=5), host("h1", cells=Cells(FOUR_NODES)))
    assert shortage.constraint == "numa_cells"
    assert shortage.text == "no 5 of 4 NUMA nodes with room for 2 vCPUs and 820 MiB each"


@pytest.mark.parametrize(
    ("policy", "members", "would_do"),
    [
        (GroupPolicy.AFFINITY, {}, True),
        (GroupPolicy.AFFINITY, {"h1": 1}, True),
        (GroupPolicy.AFFINITY, {"h2": 1}, False),
        (GroupPolicy.ANTI_AFFINITY, {}, True),
        (GroupPolicy.ANTI_AFFINITY, {"h1": 1}, True),
        (GroupPolicy.ANTI_AFFINITY, {"h1": 2}, False),
        (GroupPolicy.SOFT_AFFINITY, {"h2": 1}, True),
        (GroupPolicy.SOFT_ANTI_AFFINITY, {"h1": 9}, True),
    ],
)
def test_a_server_group_is_kept_together_or_apart(policy: GroupPolicy, members: dict[str, int], would_do: bool) -> None:
    wish = Wish(company=Company(policy, members, max_server_per_host=2))
    assert (placed(wish, host("h1")) is not None) is would_do


def test_an_aggregate_that_keeps_its_hosts_for_a_pci_group_turns_others_away() -> None:
    kept = Aggregate(1, "u", "gpus", NOW, NOW, ("h1",), {"pci:groups": "gpu"})
    view = host("h1", replace(vf("0000:05:00.0", None), pf=None), aggregates=(kept,))
    assert only_shortage(PLAIN, view).constraint == "aggregate"
    view = replace(view, pools=pools_of([vf("0000:81:10.0", None)], lambda _: frozenset({"gpu"})))
    assert placed(Wish(requests=(PciRequest("alias:gpu", request("x").kinds, group="gpu"),)), view)
