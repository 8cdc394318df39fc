"""``binding:profile``: what may stand in it, what a device writes, and the VLAN that must be the network's."""

from dataclasses import replace

import pytest

from mooring.core.profiles import check_profile, check_profile_vlan, device_profile, take_trust, without_device
from mooring.errors import Conflict, Invalid
from tests.unit.core.clouds import vf, whole_pf


@pytest.mark.parametrize(
    ("profile", "checked"),
    [
        (None, {}),
        ({}, {}),
        ({"pci_slot": "0000:81:10.4", "pci_vendor_info": "8086:10ca", "physical_network": "physnet1"},) * 2,
        ({"pci_slot": None, "trusted": "true", "a": [1, {"b": 2}]},) * 2,
        ({"x": "y" * (4095 - len('{"x": ""}'))},) * 2,
    ],
)
def test_a_good_profile_comes_back_as_it_was(profile: object, checked: object) -> None:
    assert check_profile(profile) == checked


@pytest.mark.parametrize(
    ("profile", "code", "message"),
    [
        ("str", "HTTPBadRequest", "Invalid input for binding:profile. Reason: 'str' is not a dictionary."),
        ([], "HTTPBadRequest", "Invalid input for binding:profile. Reason: '[]' is not a dictionary."),
        ({"x": "y" * 4087}, "InvalidInput", "Invalid input for operation: binding:profile value too large."),
    ],
)
def test_a_profile_of_the_wrong_shape_is_refused_in_neutrons_words(profile: object, code: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_profile(profile)
    assert (caught.value.code, caught.value.message) == (code, message)


@pytest.mark.parametrize(
    "profile",
    [
        {"pci_slot": "81:10"},
        {"pci_slot": "0000:81:10.4\n"},
        {"pci_slot": 7},
        {"pci_vendor_info": "8086"},
        {"pci_vendor_info": "8086:10ca\n"},
        {"pci_vendor_info": ["8086:10ca"]},
        {"physical_network": ""},
        {"physical_network": "x" * 65},
        {"physical_network": 1},
        {"vendor": {1, 2}},
    ],
)
def test_a_profile_with_a_bad_value_is_refused(profile: object) -> None:
    with pytest.raises(Invalid, match="binding:profile"):
        check_profile(profile)


def test_a_profile_that_holds_itself_is_refused() -> None:
    profile: dict[str, object] = {}
    profile["again"] = profile
    with pytest.raises(Invalid, match="not JSON"):
        check_profile(profile)


def test_a_device_writes_exactly_the_keys_that_nova_writes() -> None:
    device = replace(vf("0000:81:10.4"), pf_mac="52:54:00:01:02:00", vf_index=2)
    assert device_profile(device) == {
        "pci_vendor_info": "8086:10ca",
        "pci_slot": "0000:81:10.4",
        "physical_network": "physnet1",
        "pf_mac_address": "52:54:00:01:02:00",
        "vf_num": 2,
    }


def test_a_whole_pf_writes_its_mac_and_nothing_of_a_vf() -> None:
    keys = {"pci_vendor_info": "8086:10ca", "pci_slot": "0000:81:00.0", "physical_network": "physnet1"}
    assert device_profile(whole_pf()) == keys, "a PF in a guest shows no MAC"
    mac = "52:54:00:01:02:00"
    assert device_profile(replace(whole_pf(), mac=mac)) == {**keys, "device_mac_address": mac}
    assert without_device(device_profile(replace(whole_pf(), mac=mac))) == {}


@pytest.mark.parametrize(
    ("said", "trust"),
    [(True, True), (False, False), ("true", True), ("True", True), ("off", False), ("0", False), (None, None)],
)
def test_trust_is_taken_out_of_a_profile_as_nova_reads_it(said: object, trust: bool | None) -> None:
    assert take_trust({"trusted": said, "own": 1}) == ({"own": 1}, trust)
    assert take_trust({"own": 1}) == ({"own": 1}, None)


@pytest.mark.parametrize("said", ["perhaps", "", 1, 0, [True], {"a": True}])
def test_trust_that_is_neither_yes_nor_no_is_refused(said: object) -> None:
    with pytest.raises(Invalid, match="binding:profile trusted"):
        check_profile({"trusted": said})


@pytest.mark.parametrize("mac", ["01:00:5e:00:00:01", "00:00:00:00:00:00", "x", 7])
def test_a_device_mac_that_no_station_has_is_refused(mac: object) -> None:
    with pytest.raises(Invalid, match="device_mac_address"):
        check_profile({"device_mac_address": mac})


def test_what_a_device_wrote_goes_with_it_and_the_owners_keys_stay() -> None:
    owners = {"trusted": "true", "capabilities": ["x"]}
    assert without_device({**owners, **device_profile(vf("0000:81:10.4"))}) == owners


@pytest.mark.parametrize(
    ("profile", "segmentation_id"),
    [({}, 100), ({"vlan": 100}, 100), ({"vlan": "100"}, 100), ({"vlan": 0}, None), ({"vlan": "0"}, None)],
)
def test_a_profile_for_the_networks_own_vlan_passes(profile: dict[str, object], segmentation_id: int | None) -> None:
    check_profile_vlan(profile, segmentation_id)


@pytest.mark.parametrize(
    ("vlan", "segmentation_id", "both"),
    [
        (200, 100, r"VLAN 200 .* VLAN 100"),
        ("200", 100, r"VLAN 200 .* VLAN 100"),
        (200, None, r"VLAN 200 .* untagged"),
        (0, 100, r"VLAN 0 .* VLAN 100"),
    ],
)
def test_a_profile_for_another_vlan_is_refused_with_both_values(
    vlan: object, segmentation_id: int | None, both: str
) -> None:
    with pytest.raises(Conflict, match=both):
        check_profile_vlan({"vlan": vlan}, segmentation_id)


@pytest.mark.parametrize("vlan", ["abc", -1, 4095, True, [100], "100\n", 1.5])
def test_a_vlan_that_is_none_is_refused(vlan: object) -> None:
    with pytest.raises(Invalid, match="vlan must be a VLAN id"):
        check_profile_vlan({"vlan": vlan}, 100)
