"""Placing: which host, exactly which functions, and why not the others."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.placing import HostView, Placed, Unplaced, Wish, binding_refused, candidates, place
from mooring.model.host import Liveness
from mooring.model.request import Placement, Shortage
from mooring.model.vf import VfState
from tests.unit.core.clouds import host, request, vf, vfs, whole_pf

SRIOV = Wish(requests=(request("p1"),), vcpus=2, memory_mib=2048, disk_gib=10)
PLAIN = Wish(vcpus=2, memory_mib=2048, disk_gib=10)


def only_shortage(wish: Wish, view: HostView) -> Shortage:
    answer = place(wish, [view])
    assert isinstance(answer, Unplaced)
    [shortage] = answer.shortages
    return shortage


def host_order(wish: Wish, *hosts: HostView) -> list[str]:
    return [answer.host for answer in candidates(wish, hosts) if isinstance(answer, Placement)]


def test_a_server_gets_a_host_and_exactly_these_functions() -> None:
    assert place(SRIOV, [host("h1", *vfs(2))]) == Placed(Placement("h1", {"p1": "h1/0000:81:10.0"}), ())


def test_an_ordinary_server_stays_off_hosts_with_sriov_hardware() -> None:
    assert host_order(PLAIN, host("a-sriov", *vfs(2)), host("b-plain")) == ["b-plain", "a-sriov"]


def test_ordinary_servers_spread_to_the_host_with_most_free_memory() -> None:
    busy = replace(host("a-busy"), used_memory_mib=4096)
    assert host_order(PLAIN, busy, host("b-idle")) == ["b-idle", "a-busy"]


def test_servers_with_sriov_ports_pack_on_the_fullest_host_that_will_do() -> None:
    full = host("c-full", *vfs(4, state=VfState.IN_USE))
    assert host_order(SRIOV, host("a-idle", *vfs(8)), host("b-packed", *vfs(1)), full) == ["b-packed", "a-idle"]


def test_equal_hosts_are_taken_by_name() -> None:
    assert host_order(SRIOV, host("b", *vfs(2)), host("a", *vfs(2))) == ["a", "b"]


def test_every_host_answers_so_that_a_refused_binding_goes_on_to_the_next() -> None:
    answers = list(candidates(SRIOV, [host("h1", *vfs(1)), host("h2", *vfs(2)), host("h3")]))
    assert [(type(answer).__name__, answer.host) for answer in answers] == [
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
        (host("h1"), "physical_network", "no VFs"),
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
            host("h1", vf("0000:82:10.0", iommu_group=1), vf("0000:82:10.1", state=VfState.IN_USE, iommu_group=1)),
            "devices",
            "no free VF on physnet1 (1 of 2 in use, 1 sharing an IOMMU group with one that is not free)",
        ),
        (host("h1", *vfs(1), liveness=Liveness.DEAD), "agent", "an agent that does not answer"),
        (host("h1", *vfs(1), liveness=Liveness.UNKNOWN), "agent", "an agent not heard from yet"),
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
            "no free PF on physnet1 (1 of 1 divided into VFs)",
        ),
        (
            host("h1", whole_pf(state=VfState.UNAVAILABLE, is_offered=False), *vfs(2)),
            "physical_network",
            "no PFs",
        ),
    ],
)
def test_a_host_says_which_pfs_it_has_instead(view: HostView, constraint: str, summary: str) -> None:
    wish = replace(SRIOV, requests=(request("p1", vnic_type="direct-physical"),))
    shortage = only_shortage(wish, view)
    assert (shortage.constraint, shortage.summary) == (constraint, summary)


def test_vfs_of_a_pf_that_is_taken_whole_are_told_as_that() -> None:
    shortage = only_shortage(SRIOV, host("h1", whole_pf(state=VfState.CLAIMED), vf("0000:81:10.0")))
    assert shortage.summary == "no free VF on physnet1 (1 of 1 of a PF that is taken whole)"


def test_a_host_without_functions_of_either_kind_says_both() -> None:
    wish = replace(SRIOV, requests=(request("p1"), request("p2", vnic_type="direct-physical")))
    assert only_shortage(wish, host("h1")).summary == "no PFs or VFs"
    assert only_shortage(wish, host("h1", *vfs(1))).summary == "no PFs"


def test_a_quarantine_is_counted_for_the_owner_and_explained_to_the_admin_only() -> None:
    lying = vf("0000:81:10.0", state=VfState.QUARANTINED, reason="vlan of 0000:81:10.0 does not read back")
    shortage = only_shortage(SRIOV, host("h1", lying))
    assert shortage.summary == "no free VF on physnet1 (1 of 1 quarantined)"
    assert shortage.text.endswith("quarantined because vlan of 0000:81:10.0 does not read back")


def test_too_few_functions_for_all_ports_are_counted() -> None:
    wish = Wish(requests=(request("p1"), request("p2"), request("p3", "physnet2")))
    shortage = only_shortage(wish, host("h1", *vfs(1), *vfs(3, state=VfState.IN_USE, bus=0x82)))
    assert shortage.summary == "1 of 2 wanted VFs free on physnet1 (3 of 4 in use) and no VF on physnet2"


def test_another_zone_is_a_shortage_with_both_names_for_the_admin() -> None:
    shortage = only_shortage(replace(PLAIN, availability_zone="az1"), host("h1"))
    assert (shortage.constraint, shortage.text) == ("zone", "the host is in availability zone nova, not az1")


def test_a_disabled_host_tells_the_admin_why() -> None:
    view = replace(host("h1"), is_enabled=False, disabled_reason="new memory on Monday")
    assert only_shortage(PLAIN, view).text == "the host is disabled: new memory on Monday"


def test_one_server_never_gets_more_than_the_host_physically_has() -> None:
    assert only_shortage(Wish(vcpus=33), host("h1")).text == "33 vCPUs wanted, 128 of 128 free, 32 physical"


def test_cpus_are_overcommitted_by_the_ratio_and_memory_is_not() -> None:
    assert isinstance(place(Wish(vcpus=32), [replace(host("h1"), used_vcpus=96)]), Placed)
    assert isinstance(place(Wish(memory_mib=2), [replace(host("h1"), used_memory_mib=65535)]), Unplaced)


def test_a_forced_host_is_the_only_one_asked() -> None:
    wish = replace(SRIOV, forced_host="h2")
    answer = place(wish, [host("h1", *vfs(1)), host("h2")])
    assert isinstance(answer, Unplaced)
    assert [shortage.host for shortage in answer.shortages] == ["h2"]


def test_a_forced_host_that_does_not_exist_is_a_shortage() -> None:
    answer = place(replace(SRIOV, forced_host="nohost"), [host("h1", *vfs(1))])
    assert answer == Unplaced((Shortage("nohost", "agent", "there is no host of this name", "no such host"),))


@st.composite
def clouds(draw: st.DrawFn) -> list[HostView]:
    """A few hosts that differ in functions, memory and liveness."""
    views = []
    for number in range(draw(st.integers(1, 5))):
        states = draw(st.lists(st.sampled_from([VfState.AVAILABLE, VfState.IN_USE, VfState.QUARANTINED]), max_size=4))
        physnet = draw(st.sampled_from(["physnet1", "physnet2"]))
        devices = [vf(f"0000:81:10.{n}", physnet, state) for n, state in enumerate(states)]
        liveness = draw(st.sampled_from([Liveness.ALIVE, Liveness.ALIVE, Liveness.DEAD]))
        used = draw(st.sampled_from([0, 64000, 65000]))
        views.append(replace(host(f"h{number}", *devices, liveness=liveness), used_memory_mib=used))
    return views


@given(clouds(), st.sampled_from([SRIOV, PLAIN]), st.randoms(use_true_random=False))
def test_the_answers_do_not_depend_on_the_order_of_the_hosts(hosts: list[HostView], wish: Wish, chance: Random) -> None:
    before = list(candidates(wish, hosts))
    shuffled = [replace(view, devices=tuple(chance.sample(view.devices, len(view.devices)))) for view in hosts]
    chance.shuffle(shuffled)
    assert list(candidates(wish, shuffled)) == before


@given(clouds(), st.sampled_from([SRIOV, PLAIN]))
def test_each_host_answers_once_and_no_summary_names_one(hosts: list[HostView], wish: Wish) -> None:
    answers = list(candidates(wish, hosts))
    assert sorted(answer.host for answer in answers) == sorted(view.name for view in hosts)
    for answer in answers:
        if isinstance(answer, Shortage):
            assert answer.host not in answer.summary
