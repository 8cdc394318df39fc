"""Which settings a VF has: on Ethernet, behind a representor, with a port profile, on InfiniBand."""

import pytest

from mooring.core.baselines import as_bound, baseline_of, is_infiniband
from mooring.core.reconcile import baseline, plan_all, residue
from mooring.errors import Unsupported
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan

MAC, GUID = "fa:16:3e:00:00:01", "fa:16:3e:00:00:00:00:01"
WANTED = VfSettings(MAC, Vlan(100), True, True, TxRate(0, 500), LinkState.ENABLE)


@pytest.mark.parametrize(("vif_type", "settings"), [
    ("hw_veb", WANTED),
    ("802.1qbh", VfSettings()),
    ("ovs", VfSettings(MAC, Vlan(), None, None, TxRate(0, 500), LinkState.ENABLE)),
    ("ib_hostdev", VfSettings(guid=GUID, link_state=LinkState.ENABLE, rate=TxRate(0, 500))),
])  # fmt: skip
def test_a_vf_holds_what_its_binding_leaves_to_it(vif_type: str, settings: VfSettings) -> None:
    assert as_bound(WANTED, vif_type) == settings


@pytest.mark.parametrize(
    ("device_class", "features", "settings"),
    [
        ("020000", (), baseline(MAC)),
        ("", (), baseline(MAC)),
        ("020000", ("rx", "switchdev"), VfSettings(MAC, Vlan(), None, None, TxRate(), LinkState.AUTO)),
        ("020700", (), VfSettings(guid=GUID, link_state=LinkState.AUTO)),
        ("020700", ("switchdev",), VfSettings(guid=GUID, link_state=LinkState.AUTO)),
    ],
)
def test_nobodys_vf_has_the_baseline_of_its_kind(
    device_class: str, features: tuple[str, ...], settings: VfSettings
) -> None:
    assert baseline_of(device_class, features, MAC) == settings


@pytest.mark.parametrize(
    ("device_class", "is_one"), [("020700", True), ("020000", False), ("028000", False), ("", False)]
)
def test_infiniband_is_told_by_the_pci_class(device_class: str, *, is_one: bool) -> None:
    assert is_infiniband(device_class) is is_one


def test_a_guid_is_written_where_the_card_shows_one_and_read_back_whole() -> None:
    wanted = baseline_of("020700", (), MAC)
    shown = VfSettings("00:00:00:00:00:00", Vlan(), rate=TxRate(), link_state=LinkState.AUTO, guid="00" + ":00" * 7)
    assert plan_all(wanted, shown) == (VfField.GUID,)
    assert residue(wanted, VfSettings(guid=GUID.upper(), link_state=LinkState.AUTO)) == ()
    assert residue(wanted, VfSettings(guid=f"{GUID}/{'00' + ':00' * 7}", link_state=LinkState.AUTO))
    with pytest.raises(Unsupported, match="does not report guid"):
        plan_all(wanted, baseline(MAC))
