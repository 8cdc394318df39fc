"""What a port asks of its function, in its ``binding:profile``."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.function_wish import FunctionWish, is_wish_only, read_wish, settle_wish, wish_part
from mooring.core.profiles import check_profile, without_device
from mooring.errors import Invalid

ASKED = {"pci_group": " fast ", "pci_features": "tso,rx", "pci_min_rate_mbps": "1000"}
SETTLED = {"pci_group": "fast", "pci_features": ["rx", "tso"], "pci_min_rate_mbps": 1000}
DEVICE = {"pci_slot": "0000:81:10.4", "pci_vendor_info": "8086:10ca"}


def test_a_wish_is_stored_in_one_spelling_and_read_back() -> None:
    stored = check_profile({**ASKED, **DEVICE})
    assert stored == {**SETTLED, **DEVICE}
    assert read_wish(stored) == FunctionWish("fast", frozenset({"rx", "tso"}), 1000)
    assert check_profile(stored) == stored


def test_a_wish_stays_when_the_device_goes() -> None:
    assert without_device({**SETTLED, **DEVICE}) == SETTLED


def test_a_key_that_is_null_asks_for_nothing_and_is_not_stored() -> None:
    assert check_profile({"pci_group": None, "pci_features": None, "pci_min_rate_mbps": None, "own": None}) == {
        "own": None
    }


@pytest.mark.parametrize("key", sorted(ASKED))
@pytest.mark.parametrize("value", ["", 0, [], {}, True, "a:b,c", [None], 1.5])
def test_a_wrong_wish_is_refused_by_its_key(key: str, value: object) -> None:
    with pytest.raises(Invalid, match=f"binding:profile {key}"):
        check_profile({key: value})


@pytest.mark.parametrize(
    ("profile", "answer"),
    [
        ({"pci_group": "fast"}, True),
        ({"pci_group": None}, True),
        ({"pci_group": "fast", "pci_features": "tso"}, True),
        (ASKED, False),
        ({}, False),
        (None, False),
        ([], False),
        ("pci_group", False),
        ({"pci_group": "fast", "trusted": True}, False),
        (DEVICE, False),
    ],
)
def test_what_an_owner_may_say_is_a_wish_and_nothing_else(profile: object, answer: bool) -> None:
    assert is_wish_only(profile) is answer


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("pci_grup", "pci_group"), ("pci-group", "pci_group"), ("pcigroup", "pci_group"),
        ("pci_feature", "pci_features"), ("min_rate_mbps", "pci_min_rate_mbps"), ("group", None), ("rate", None),
    ],
)  # fmt: skip
def test_a_key_that_is_nearly_one_is_refused_by_its_name(key: str, near: str | None) -> None:
    if near is None:
        assert check_profile({key: "fast"}) == {key: "fast"}
        return
    with pytest.raises(Invalid, match=f"{key} is not known: did you mean {near}?"):
        check_profile({key: "fast"})


def test_no_key_of_novas_is_nearly_one_of_ours() -> None:
    of_nova = (
        "pci_slot", "pci_vendor_info", "physical_network", "trusted", "card_serial_number", "pf_mac_address", "vf_num",
        "capabilities", "arq_uuid", "allocation", "migrating_to", "os_vif_delegation", "local_link_information",
        "parent_name", "tag", "vtep-physical-switch", "vtep-logical-switch",
    )  # fmt: skip
    assert settle_wish(dict.fromkeys(of_nova, "x")).keys() == set(of_nova)


def test_the_owner_sees_the_wish_and_not_the_device() -> None:
    assert wish_part({**SETTLED, **DEVICE, "trusted": True}) == SETTLED


@pytest.mark.parametrize(
    "wish", [FunctionWish("a"), FunctionWish(features=frozenset({"rx"})), FunctionWish(min_rate_mbps=1)]
)
def test_a_wish_for_anything_is_one(wish: FunctionWish) -> None:
    assert wish
    assert not FunctionWish()


@given(
    st.dictionaries(
        st.sampled_from(sorted(ASKED)), st.none() | st.text(max_size=6) | st.integers() | st.lists(st.text())
    )
)
def test_a_wish_of_any_values_is_settled_once_for_all_or_invalid(profile: dict[str, object]) -> None:
    try:
        settled = settle_wish(profile)
    except Invalid:
        return
    assert settle_wish(settled) == settled
    assert bool(read_wish(settled)) == bool(settled)
