"""Assigning: an assignment is found exactly when one exists, spread as asked, and the same for any order."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.core.assigning import MATCHING_STEPS, STEPS_MAX, Search, Unassigned, addresses
from mooring.core.pools import HOLDING_STATES, pools_of
from mooring.core.shortages import lacks_of
from mooring.model.pci import PciAddress
from mooring.model.request import Device, PciRequest, Spread
from mooring.model.vf import VfState
from tests.unit.core.clouds import PF, chance_of, request, vf, vfs, whole_pf
from tests.unit.core.random_clouds import Cloud, every_assignment, is_free, random_cloud, shares_well, will_do

RANDOM_CLOUDS = 20_000
_FREE = VfState.AVAILABLE


@settings(max_examples=RANDOM_CLOUDS)
@given(st.integers(0, 2**64))
def test_an_assignment_is_found_exactly_when_one_exists_and_keeps_every_constraint(seed: int) -> None:
    cloud = random_cloud(chance_of(seed))
    possible = next(every_assignment(cloud), None)
    answer = cloud.assign()
    if isinstance(answer, Unassigned):
        assert possible is None
        assert not answer.is_given_up
        return
    by_address = {device.address: device for device in cloud.devices}
    units = [request for request in cloud.requests for _ in range(request.count)]
    chosen = [by_address[address] for request in cloud.requests for address in answer[request.id]]
    assert len({device.address for device in chosen}) == len(units)
    assert all(is_free(device, cloud.devices) for device in chosen)
    assert all(will_do(unit, device, cloud) for unit, device in zip(units, chosen, strict=True))
    assert shares_well(units, chosen, cloud)


@given(st.integers(0, 2**64))
def test_the_answer_does_not_depend_on_the_order_of_what_is_given(seed: int) -> None:
    chance = chance_of(seed)
    cloud = random_cloud(chance)
    requests, devices = chance.sample(cloud.requests, k=len(cloud.requests)), list(cloud.devices)
    chance.shuffle(devices)
    shuffled = replace(cloud, requests=requests, devices=devices)
    assert shuffled.assign() == cloud.assign()


PHYSNETS = ("physnet1", "physnet2", "physnet3")


@st.composite
def hosts_of_vfs(draw: st.DrawFn) -> Cloud:
    devices = []
    for bus in (0x81, 0x82, 0x83):
        physnet = draw(st.sampled_from(PHYSNETS))
        devices += [
            vf(f"0000:{bus:02x}:10.{slot}", physnet, pf=f"0000:{bus:02x}:00.0")
            for slot in range(draw(st.integers(0, 3)))
        ]
    wanted = draw(st.lists(st.sets(st.sampled_from(PHYSNETS), min_size=1), max_size=4))
    requests = [request(f"r{n}", *physnets) for n, physnets in enumerate(wanted)]
    return Cloud(requests, devices, {device.address: frozenset() for device in devices}, ())


def imbalance(cloud: Cloud, chosen: Sequence[PciAddress]) -> int:
    """The sum of squares of how many functions each PF gives: least when they are spread as well as can be."""
    pfs = {device.address: device.pf for device in cloud.devices}
    return sum(count**2 for count in Counter(pfs[address] for address in chosen).values())


@given(hosts_of_vfs())
def test_the_ports_of_one_server_are_spread_over_pfs_as_well_as_can_be(cloud: Cloud) -> None:
    answer = cloud.assign()
    if not isinstance(answer, Unassigned):
        best = min(imbalance(cloud, [device.address for device in each]) for each in every_assignment(cloud))
        assert imbalance(cloud, [address for each in answer.values() for address in each]) == best


@given(hosts_of_vfs())
def test_a_shortfall_proves_that_no_assignment_exists(cloud: Cloud) -> None:
    answer = cloud.assign()
    if isinstance(answer, Unassigned):
        assert answer.shortfalls
        for shortfall in answer.shortfalls:
            rivals = [r for r in cloud.requests if r.id in shortfall.request_ids]
            usable = [d for d in cloud.devices if any(will_do(r, d, cloud) for r in rivals)]
            assert (len(usable), len(rivals)) == (shortfall.have, shortfall.need)
            assert shortfall.have < shortfall.need


def given_to(requests: Sequence[PciRequest], *devices: Device, spread: Spread = Spread.PF) -> dict[str, list[str]]:
    """Request id to addresses; empty when there is no assignment."""
    pools = pools_of(devices)
    found = Search(requests, pools, spread=spread).assign()
    if isinstance(found, Unassigned):
        return {}
    return {name: [str(one) for one in ones] for name, ones in addresses(found, pools).items()}


def test_a_picky_request_keeps_the_device_that_an_easy_one_would_have_taken() -> None:
    one, other = vf("0000:81:10.0"), vf("0000:81:10.1", "physnet2")
    easy, picky = request("a-easy", "physnet1", "physnet2"), request("b-picky")
    assert given_to([easy, picky], one, other) == {"a-easy": ["0000:81:10.1"], "b-picky": ["0000:81:10.0"]}


TWO_PFS = (*vfs(2), *vfs(2, bus=0x82))


@pytest.mark.parametrize(
    ("spread", "pfs"), [(Spread.PF, {"81", "82"}), (Spread.NUMA, {"81", "82"}), (Spread.NONE, {"81"})]
)
def test_the_ports_of_one_server_are_spread_as_its_flavor_asks(spread: Spread, pfs: set[str]) -> None:
    answer = given_to([request("a"), request("b")], *TWO_PFS, spread=spread)
    assert {address[5:7] for ones in answer.values() for address in ones} == pfs


def test_functions_are_spread_over_numa_nodes_before_pfs() -> None:
    near = [replace(d, numa_node=0) for d in (*vfs(1), *vfs(1, bus=0x82))]
    far = [replace(d, numa_node=1) for d in vfs(1, bus=0x83)]
    answer = given_to([request("a"), request("b")], *near, *far, spread=Spread.NUMA)
    assert sorted(answer.values()) == [["0000:81:10.0"], ["0000:83:10.0"]]


def test_servers_are_packed_so_that_whole_pfs_stay_free() -> None:
    used = (vf("0000:82:10.0", state=VfState.IN_USE, pf="0000:82:00.0"), vf("0000:82:10.1", pf="0000:82:00.0"))
    assert given_to([request("a")], whole_pf(), *vfs(2), *used) == {"a": ["0000:82:10.1"]}


def test_the_lowest_address_is_taken_first() -> None:
    assert given_to([request("a")], *reversed(vfs(3))) == {"a": ["0000:81:10.0"]}


def test_a_function_with_less_that_others_may_want_is_taken_first() -> None:
    rich = replace(vf("0000:81:10.0"), features=("rx",))
    assert given_to([request("a")], rich, vf("0000:82:10.0", pf="0000:82:00.0")) == {"a": ["0000:82:10.0"]}


@pytest.mark.parametrize(
    ("trusted", "address"), [(None, "0000:81:10.1"), (False, "0000:81:10.1"), (True, "0000:81:10.0")]
)
def test_trust_is_given_exactly_as_asked_and_unasked_last(trusted: bool | None, address: str) -> None:
    devices = vf("0000:81:10.0", trusted=True), vf("0000:81:10.1")
    assert given_to([request("a", trusted=trusted)], *devices) == {"a": [address]}


def test_no_requests_need_no_devices() -> None:
    assert given_to([], *vfs(1)) == {}


@pytest.mark.parametrize("state", [state for state in VfState if state is not _FREE])
def test_only_available_functions_are_given(state: VfState) -> None:
    assert given_to([request("a")], vf("0000:81:10.0", state=state)) == {}


def test_a_function_that_is_not_offered_is_not_given() -> None:
    assert given_to([request("a")], vf("0000:81:10.0", is_offered=False)) == {}


@pytest.mark.parametrize("state", sorted(HOLDING_STATES))
def test_a_function_is_not_given_while_its_iommu_group_has_another_owner(state: VfState) -> None:
    group = [vf("0000:81:10.0", state=state, iommu_group=7), vf("0000:81:10.2", iommu_group=7)]
    assert given_to([request("a")], *group) == {}
    assert given_to([request("a")], *group, vf("0000:81:10.4", iommu_group=8)) == {"a": ["0000:81:10.4"]}


def test_the_ports_of_one_server_may_share_an_iommu_group() -> None:
    group = [vf("0000:81:10.0", iommu_group=7), vf("0000:81:10.2", iommu_group=7)]
    assert len(given_to([request("a"), request("b")], *group)) == 2


def test_rivals_for_one_physical_network_are_one_shortfall() -> None:
    requests = [request("a"), request("b"), request("c")]
    answer = Search(requests, pools_of(vfs(1))).assign()
    assert isinstance(answer, Unassigned)
    assert [(s.request_ids, s.need, s.have) for s in answer.shortfalls] == [(("a", "b", "c"), 3, 1)]


def test_a_whole_pf_goes_to_a_port_that_wants_one_and_to_no_other() -> None:
    devices = whole_pf("0000:81:00.0"), vf("0000:82:10.0", pf="0000:82:00.0")
    answer = given_to([request("vf"), request("whole", kinds=PF)], *devices)
    assert answer == {"vf": ["0000:82:10.0"], "whole": ["0000:81:00.0"]}


def test_a_pf_and_a_vf_of_it_do_not_go_to_one_server() -> None:
    assert given_to([request("vf"), request("whole", kinds=PF)], whole_pf(), *vfs(2)) == {}


def test_a_pf_is_chosen_so_that_the_vfs_that_others_need_stay() -> None:
    first = whole_pf("0000:81:00.0"), *vfs(2)
    second = whole_pf("0000:82:00.0"), *vfs(1, bus=0x82)
    answer = given_to([request("two", count=2), request("whole", kinds=PF)], *first, *second)
    assert answer == {"two": ["0000:81:10.0", "0000:81:10.1"], "whole": ["0000:82:00.0"]}


@pytest.mark.parametrize("state", sorted(set(VfState) - {_FREE, VfState.GONE}))
def test_a_pf_goes_whole_only_while_all_of_its_vfs_are_free(state: VfState) -> None:
    assert given_to([request("a", kinds=PF)], whole_pf(), vf("0000:81:10.0")) == {"a": ["0000:81:00.0"]}
    assert given_to([request("a", kinds=PF)], whole_pf(), vf("0000:81:10.0", state=state)) == {}


def test_a_pf_that_counts_vfs_does_not_go_whole_though_none_of_them_is_listed() -> None:
    assert given_to([request("a", kinds=PF)], whole_pf(vf_count=2)) == {}


def test_a_pf_does_not_go_whole_while_the_host_itself_uses_a_vf_of_it() -> None:
    used = vf("0000:81:10.0", state=VfState.UNAVAILABLE, is_offered=False)
    assert given_to([request("a", kinds=PF)], whole_pf(), used) == {}


@pytest.mark.parametrize("state", sorted(HOLDING_STATES))
def test_a_vf_of_a_pf_that_is_somebodys_is_not_handed_out(state: VfState) -> None:
    assert given_to([request("a")], whole_pf(state=state), vf("0000:81:10.0")) == {}


def test_minimum_rates_on_one_link_add_up() -> None:
    slow = [replace(d, link_speed_mbps=1000) for d in (whole_pf(is_offered=False), *vfs(2))]
    fast = [replace(d, link_speed_mbps=10_000) for d in (whole_pf("0000:82:00.0", is_offered=False), *vfs(2, bus=0x82))]
    wants = [request(name, min_rate_mbps=600) for name in "abc"]
    assert len(given_to(wants, *slow, *fast)) == 3
    assert given_to([*wants, request("d", min_rate_mbps=600)], *slow, *fast) == {}


def divisible(count: int, *, is_alike: bool) -> list[Device]:
    """PFs that could go whole or by their one VF; unless they are alike, each is on a node of its own."""
    return [
        device
        for n in range(count)
        for device in (
            whole_pf(f"0000:{0x10 + n:02x}:00.0", numa_node=None if is_alike else n),
            *vfs(1, bus=0x10 + n, numa_node=None if is_alike else n),
        )
    ]


def test_nine_different_pfs_are_within_the_bound() -> None:
    wants = [request("whole", kinds=PF, count=5), request("vfs", count=4)]
    assert isinstance(Search(wants, pools_of(divisible(9, is_alike=False))).assign(), dict)
    answer = Search([wants[0], replace(wants[1], count=5)], pools_of(divisible(9, is_alike=False))).assign()
    assert answer == Unassigned()


def test_a_host_that_could_be_divided_in_too_many_ways_is_given_up_on_and_says_so() -> None:
    wants = [request("whole", kinds=PF, count=8), request("vfs", count=8)]
    search = Search(wants, pools_of(divisible(15, is_alike=False)))
    answer = search.assign()
    assert isinstance(answer, Unassigned)
    assert answer.is_given_up
    assert "search" in {lack.constraint for lack in lacks_of(search, answer)}


def test_pfs_that_are_alike_are_one_choice_of_how_many() -> None:
    wants = [request("whole", kinds=PF, count=32), request("vfs", count=32)]
    assert isinstance(Search(wants, pools_of(divisible(64, is_alike=True))).assign(), dict)
    search = Search(wants, pools_of(divisible(63, is_alike=True)))
    assert search.assign() == Unassigned()
    assert search.budget.left > STEPS_MAX / 2


@pytest.mark.parametrize(("count", "links"), [(9, 4), (17, 8)])
def test_rates_that_links_cannot_carry_together_take_no_more_steps_than_there_are(count: int, links: int) -> None:
    # Two fit on a link, and there is one too many; by their sum they would all fit.
    wants = [request(f"r{n:02}", min_rate_mbps=3400 + n) for n in range(count)]
    devices = [
        device
        for bus in range(0x81, 0x81 + links)
        for device in (
            whole_pf(f"0000:{bus:02x}:00.0", is_offered=False, link_speed_mbps=10_000),
            *vfs(32, bus=bus, link_speed_mbps=10_000),
        )
    ]
    search = Search(wants, pools_of(devices))
    assert isinstance(search.assign(), Unassigned)
    assert search.budget.left >= -MATCHING_STEPS


@pytest.mark.parametrize(
    ("is_switchdev", "address"), [(True, "0000:81:10.1"), (False, "0000:81:10.0"), (None, "0000:81:10.0")]
)
def test_a_function_is_of_a_card_in_the_mode_that_was_asked_for(is_switchdev: bool | None, address: str) -> None:
    two = vf("0000:81:10.0"), vf("0000:81:10.1", features=("rx", "switchdev"))
    assert given_to([request("a", is_switchdev=is_switchdev)], *two) == {"a": [address]}
