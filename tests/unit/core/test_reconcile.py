"""plan, plan_all and residue: what is written, in which order, and what counts as verified."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.core.reconcile import WRITE_ORDER, baseline, differing, plan, plan_all, residue
from mooring.errors import Unsupported
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan, VlanProtocol

CLEAN = baseline("02:00:00:00:00:01")
PORT = VfSettings(
    mac="02:00:00:00:00:aa",
    vlan=Vlan(100, 3),
    spoof_check=False,
    trust=True,
    rate=TxRate(0, 500),
    link_state=LinkState.ENABLE,
)

macs = st.integers(0, 2**32 - 1).map(lambda n: f"02:00:{n.to_bytes(4, 'big').hex(':')}")
vlans = st.builds(Vlan, st.integers(0, 4094), st.integers(0, 7), st.sampled_from(VlanProtocol))
rates = st.builds(TxRate, st.integers(0, 100), st.integers(0, 1000))
links = st.sampled_from(LinkState)
whole = st.builds(VfSettings, macs, vlans, st.booleans(), st.booleans(), rates, links)
partial = st.builds(
    VfSettings,
    st.none() | macs,
    st.none() | vlans,
    st.none() | st.booleans(),
    st.none() | st.booleans(),
    st.none() | rates,
    st.none() | links,
)


#: What a VF of an Ethernet card has; only one of an InfiniBand card has a GUID.
ETHERNET = tuple(field for field in WRITE_ORDER if field is not VfField.GUID)


def _apply(fields: tuple[VfField, ...], desired: VfSettings, observed: VfSettings) -> VfSettings:
    return replace(observed, **{field.value: getattr(desired, field.value) for field in fields})


def test_a_new_ports_fields_are_written_mac_first_and_rate_last() -> None:
    assert plan(PORT, CLEAN) == (VfField.MAC, VfField.VLAN, VfField.SPOOF_CHECK, VfField.TRUST, VfField.RATE)


def test_the_link_state_is_in_no_plan_because_it_goes_first_and_last() -> None:
    assert plan(replace(CLEAN, link_state=LinkState.DISABLE), CLEAN) == ()
    assert VfField.LINK_STATE not in plan_all(PORT, CLEAN)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mac": "02:00:00:00:00:02"}, VfField.MAC),
        ({"vlan": Vlan(7)}, VfField.VLAN),
        ({"vlan": Vlan(0, 5)}, VfField.VLAN),
        ({"vlan": Vlan(7, 0, VlanProtocol.AD)}, VfField.VLAN),
        ({"spoof_check": False}, VfField.SPOOF_CHECK),
        ({"trust": True}, VfField.TRUST),
        ({"rate": TxRate(1, 0)}, VfField.RATE),
        ({"rate": TxRate(0, 1)}, VfField.RATE),
    ],
)
def test_one_difference_is_one_write(change: dict[str, Any], field: VfField) -> None:
    assert plan(CLEAN, replace(CLEAN, **change)) == (field,)


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param({"mac": "02:00:00:00:00:01".upper()}, id="mac in capitals"),
        pytest.param({"vlan": Vlan(4095)}, id="vlan 4095, as mlx shows none"),
    ],
)
def test_another_spelling_of_the_same_value_is_neither_written_nor_residue(shown: dict[str, Any]) -> None:
    assert plan(CLEAN, replace(CLEAN, **shown)) == ()
    assert residue(CLEAN, replace(CLEAN, **shown)) == ()


def test_vlan_4095_is_still_a_difference_when_a_real_vlan_is_wanted() -> None:
    assert plan(PORT, replace(PORT, vlan=Vlan(4095))) == (VfField.VLAN,)


@pytest.mark.parametrize("field", ETHERNET)
def test_a_wanted_field_that_the_card_does_not_report_is_refused_before_the_first_write(field: VfField) -> None:
    with pytest.raises(Unsupported, match=field):
        plan(PORT, replace(CLEAN, **{field.value: None}))
    with pytest.raises(Unsupported, match=field):
        plan_all(PORT, replace(PORT, **{field.value: None}))


@pytest.mark.parametrize("field", WRITE_ORDER)
def test_none_in_desired_leaves_the_field_alone(field: VfField) -> None:
    desired = replace(PORT, **{field.value: None})
    assert field not in plan(desired, CLEAN)
    assert field not in plan_all(desired, CLEAN)
    assert not any(sentence.startswith(field) for sentence in residue(desired, CLEAN))


def test_a_new_owner_gets_every_field_written_although_the_card_shows_them_right() -> None:
    assert plan_all(CLEAN, CLEAN) == ETHERNET[:-1]


def test_the_rate_is_left_out_when_right_because_igb_refuses_it_without_a_link() -> None:
    assert VfField.RATE not in plan_all(CLEAN, CLEAN)
    assert VfField.RATE in plan_all(PORT, CLEAN)


def test_residue_names_the_field_with_both_values() -> None:
    assert residue(PORT, replace(PORT, vlan=Vlan(), trust=False, link_state=LinkState.DISABLE)) == (
        "vlan is none, wanted 100 (qos 3, 802.1q)",
        "trust is off, wanted on",
        "link_state is disable, wanted enable",
    )


def test_a_wanted_field_that_is_not_reported_is_residue() -> None:
    assert residue(CLEAN, replace(CLEAN, spoof_check=None)) == ("spoof_check is not reported, wanted on",)


@given(desired=partial, observed=whole)
@settings(max_examples=100)
def test_applying_a_plan_leaves_no_residue_but_the_link_state(desired: VfSettings, observed: VfSettings) -> None:
    desired = replace(desired, link_state=None)
    for planned in (plan(desired, observed), plan_all(desired, observed)):
        after = _apply(planned, desired, observed)
        assert residue(desired, after) == ()
        assert plan(desired, after) == ()
        assert list(planned) == [field for field in WRITE_ORDER if field in planned]


@given(desired=partial, observed=whole)
@settings(max_examples=100)
def test_there_is_something_to_write_exactly_when_something_does_not_read_back(
    desired: VfSettings, observed: VfSettings
) -> None:
    desired = replace(desired, link_state=None)
    assert bool(plan(desired, observed)) == bool(residue(desired, observed))


@given(whole, partial)
def test_only_what_is_wanted_and_shown_can_differ(desired: VfSettings, observed: VfSettings) -> None:
    fields = differing(desired, observed)
    assert fields == differing(observed, desired)
    assert all(getattr(observed, field.value) is not None for field in fields)
    assert len(fields) <= len(residue(desired, observed))
    assert differing(desired, desired) == ()


def test_a_mac_in_capitals_and_mlx5s_way_to_show_no_vlan_are_no_difference() -> None:
    assert differing(CLEAN, replace(CLEAN, mac=str(CLEAN.mac).upper(), vlan=Vlan(4095))) == ()
    assert differing(PORT, replace(PORT, trust=False, link_state=LinkState.AUTO)) == (VfField.TRUST, VfField.LINK_STATE)
