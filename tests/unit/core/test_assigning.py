"""Assigning: an assignment is found exactly when one exists, spread over PFs, and the same for any order."""

from collections import Counter
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.assigning import HOLDING_STATES, Shortfall, Unassigned, assign, fits, free_devices
from mooring.errors import Unsupported
from mooring.model.pci import FunctionKind
from mooring.model.request import Device, PciRequest
from mooring.model.vf import VfState
from tests.unit.core.clouds import request, vf, vfs, whole_pf

PHYSNETS = ("physnet1", "physnet2", "physnet3")
PFS = ("0000:81:00.0", "0000:82:00.0", "0000:83:00.0")


@st.composite
def small_hosts(draw: st.DrawFn) -> tuple[list[PciRequest], list[Device]]:
    physnet_of_pf = [draw(st.sampled_from(PHYSNETS)) for _ in PFS]
    devices = []
    for bus, (pf, physnet) in enumerate(zip(PFS, physnet_of_pf, strict=True), start=0x81):
        for slot in range(draw(st.integers(0, 3))):
            state = draw(st.sampled_from([VfState.AVAILABLE, VfState.AVAILABLE, VfState.IN_USE]))
            devices.append(vf(f"0000:{bus:02x}:10.{slot}", physnet, state, pf=pf))
    wanted = draw(st.lists(st.sets(st.sampled_from(PHYSNETS), min_size=1), max_size=4))
    return [request(f"r{n}", *physnets) for n, physnets in enumerate(wanted)], draw(st.permutations(devices))


def every_assignment(requests: list[PciRequest], devices: list[Device]) -> list[tuple[Device, ...]]:
    free = [d for d in devices if d.state is VfState.AVAILABLE]
    return [
        chosen
        for chosen in permutations(free, len(requests))
        if all(fits(r, d) for r, d in zip(requests, chosen, strict=True))
    ]


def imbalance(devices: tuple[Device, ...]) -> int:
    """The sum of squares of how many functions each PF gives: least when they are spread as well as can be."""
    return sum(count**2 for count in Counter(d.pf for d in devices).values())


@given(small_hosts())
def test_an_assignment_is_found_exactly_when_one_exists_and_is_spread_best(
    host: tuple[list[PciRequest], list[Device]],
) -> None:
    requests, devices = host
    possible = every_assignment(requests, devices)
    answer = assign(requests, devices)
    if isinstance(answer, Unassigned):
        assert possible == []
    else:
        chosen = tuple(answer[r.id] for r in requests)
        assert chosen in possible
        assert imbalance(chosen) == min(map(imbalance, possible))


@given(small_hosts())
def test_a_shortfall_proves_that_no_assignment_exists(host: tuple[list[PciRequest], list[Device]]) -> None:
    requests, devices = host
    answer = assign(requests, devices)
    if isinstance(answer, Unassigned):
        assert answer.shortfalls
        for shortfall in answer.shortfalls:
            rivals = [r for r in requests if r.id in shortfall.request_ids]
            usable = [d for d in free_devices(devices) if any(fits(r, d) for r in rivals)]
            assert (len(usable), len(rivals)) == (shortfall.free, shortfall.wanted)
            assert shortfall.free < shortfall.wanted


@given(small_hosts(), st.randoms(use_true_random=False))
def test_the_answer_does_not_depend_on_the_order_of_what_is_given(
    host: tuple[list[PciRequest], list[Device]], chance: Random
) -> None:
    requests, devices = host
    before = assign(requests, devices)
    chance.shuffle(requests)
    chance.shuffle(devices)
    assert assign(requests, devices) == before


def test_a_picky_request_keeps_the_device_that_an_easy_one_would_have_taken() -> None:
    devices = [vf("0000:81:10.0", "physnet1"), vf("0000:82:10.0", "physnet2", pf=PFS[1])]
    answer = assign([request("a-easy", "physnet1", "physnet2"), request("b-picky", "physnet1")], devices)
    assert not isinstance(answer, Unassigned)
    assert {name: str(d.address) for name, d in answer.items()} == {
        "a-easy": "0000:82:10.0",
        "b-picky": "0000:81:10.0",
    }


def test_two_ports_of_one_server_get_different_pfs() -> None:
    answer = assign([request("a"), request("b")], [*vfs(4), *vfs(4, bus=0x82)])
    assert not isinstance(answer, Unassigned)
    assert {str(d.address) for d in answer.values()} == {"0000:81:10.0", "0000:82:10.0"}


def test_the_lowest_address_is_taken_first() -> None:
    answer = assign([request("a")], reversed(vfs(8)))
    assert not isinstance(answer, Unassigned)
    assert str(answer["a"].address) == "0000:81:10.0"


def test_no_requests_need_no_devices() -> None:
    assert assign([], []) == {}


@pytest.mark.parametrize("state", [state for state in VfState if state is not VfState.AVAILABLE])
def test_only_available_functions_are_given(state: VfState) -> None:
    assert isinstance(assign([request("a")], [vf("0000:81:10.0", state=state)]), Unassigned)


def test_a_function_that_is_not_offered_is_not_given() -> None:
    assert isinstance(assign([request("a")], [vf("0000:81:10.0", is_offered=False)]), Unassigned)


def test_a_physical_function_is_not_given_as_a_virtual_one() -> None:
    [virtual] = vfs(1)
    physical = Device(
        "pf", "h1", virtual.address, FunctionKind.PF, "8086", "10c9", VfState.AVAILABLE, virtual.updated_at,
        physical_network="physnet1", is_offered=True,
    )  # fmt: skip
    assert isinstance(assign([request("a")], [physical]), Unassigned)


@pytest.mark.parametrize("state", [VfState.IN_USE, VfState.CLAIMED, VfState.RELEASING, VfState.QUARANTINED])
def test_a_function_is_not_given_while_its_iommu_group_has_another_owner(state: VfState) -> None:
    group = [vf("0000:81:10.0", iommu_group=7), vf("0000:81:10.2", state=state, iommu_group=7)]
    assert isinstance(assign([request("a")], group), Unassigned)
    assert free_devices([*group, vf("0000:81:10.4", iommu_group=8)]) == (vf("0000:81:10.4", iommu_group=8),)


def test_the_ports_of_one_server_may_share_an_iommu_group() -> None:
    group = [vf("0000:81:10.0", iommu_group=7), vf("0000:81:10.2", iommu_group=7)]
    assert not isinstance(assign([request("a"), request("b")], group), Unassigned)


def test_rivals_for_one_physical_network_are_one_shortfall() -> None:
    answer = assign([request("a"), request("b"), request("c"), request("d", "physnet2")], vfs(1))
    assert answer == Unassigned(
        (
            Shortfall(("a", "b", "c"), frozenset({"physnet1"}), free=1),
            Shortfall(("d",), frozenset({"physnet2"}), free=0),
        )
    )


def test_a_whole_pf_goes_to_a_port_that_wants_one_and_to_no_other() -> None:
    pf, virtual = whole_pf("0000:83:00.0"), vf("0000:81:10.0")
    wishes = [request("a", vnic_type="direct-physical"), request("b")]
    assert assign(wishes, [pf, virtual]) == {"a": pf, "b": virtual}
    assert assign(wishes[:1], [virtual]) == Unassigned(
        (Shortfall(("a",), frozenset({"physnet1"}), free=0, kind=FunctionKind.PF),)
    )
    assert isinstance(assign(wishes[1:], [pf]), Unassigned)


@pytest.mark.parametrize("state", [state for state in VfState if state is not VfState.GONE])
def test_a_pf_with_a_vf_in_whatever_state_does_not_go_whole(state: VfState) -> None:
    assert whole_pf() not in free_devices([whole_pf(), vf("0000:81:10.0", state=state)])


def test_a_pf_that_counts_vfs_does_not_go_whole_though_none_of_them_is_listed() -> None:
    assert free_devices([whole_pf(vf_count=2)]) == ()
    assert free_devices([whole_pf(), vf("0000:81:10.0", state=VfState.GONE)]) == (whole_pf(),)


@pytest.mark.parametrize("state", sorted(HOLDING_STATES))
def test_a_vf_of_a_pf_that_is_somebodys_is_not_handed_out(state: VfState) -> None:
    assert free_devices([whole_pf(state=state), vf("0000:81:10.0")]) == ()
    assert free_devices([whole_pf(state=state), vf("0000:82:10.0", pf="0000:82:00.0")]) != ()


def test_ports_of_two_kinds_on_one_physical_network_are_no_rivals() -> None:
    answer = assign([request("a"), request("b", vnic_type="direct-physical")], [])
    assert isinstance(answer, Unassigned)
    assert [(each.request_ids, each.kind) for each in answer.shortfalls] == [
        (("a",), FunctionKind.VF),
        (("b",), FunctionKind.PF),
    ]


def test_a_vnic_type_that_needs_no_function_is_an_error_and_not_a_shortage() -> None:
    with pytest.raises(Unsupported, match="vnic type vdpa"):
        assign([request("a", vnic_type="vdpa")], vfs(1))
