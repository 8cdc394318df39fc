"""Our mechanism drivers inside a real neutron-server, through its API."""

from pathlib import Path

import pytest

from mooring.ml2 import sriov_nic_switch, vmfex
from mooring.testing.real_neutron import RealNeutron, site_packages
from tests.neutron.conftest import CISCO, INTEL, MakePort

pytestmark = pytest.mark.requires("neutron_server")


@pytest.mark.parametrize("ours", [Path(sriov_nic_switch.__file__), Path(vmfex.__file__)], ids=str)
def test_neutron_has_the_very_file_that_runs_here(neutron_venv: Path, ours: Path) -> None:
    assert (site_packages(neutron_venv) / "mooring/ml2" / ours.name).read_bytes() == ours.read_bytes()


def test_direct_port_is_bound_on_a_host_with_a_live_agent(port_in_neutron: MakePort) -> None:
    port = port_in_neutron("live")
    assert port["binding:vif_type"] == "hw_veb"
    assert port["binding:vif_details"] == {
        "port_filter": False,
        "connectivity": "l2",
        "vlan": "123",
        "bound_drivers": {"0": "mooring_sriovnicswitch"},
    }
    assert port["status"] == "DOWN", "the agent has yet to wire it"


def test_whole_pf_is_bound_without_an_agent_since_neutrons_report_none(port_in_neutron: MakePort) -> None:
    port = port_in_neutron("elsewhere", "direct-physical")
    assert (port["binding:vif_type"], port["status"]) == ("hostdev_physical", "ACTIVE")


@pytest.mark.parametrize("vnic_type", ["direct", "macvtap"])
def test_port_of_a_vmfex_card_is_bound_with_its_port_profile_and_no_agent(
    port_in_neutron: MakePort, vnic_type: str
) -> None:
    port = port_in_neutron("elsewhere", vnic_type, CISCO, port_profile="gold")
    assert (port["binding:vif_type"], port["status"]) == ("802.1qbh", "ACTIVE")
    assert port["binding:vif_details"] == {
        "port_filter": False,
        "connectivity": "l2",
        "profileid": "gold",
        "bound_drivers": {"0": "mooring_vmfex"},
    }


def test_vmfex_profile_is_named_after_the_vlan_when_the_port_names_none(port_in_neutron: MakePort) -> None:
    assert port_in_neutron("live", card=CISCO)["binding:vif_details"]["profileid"] == "OS-PP-123"


@pytest.mark.parametrize(
    ("host", "vnic_type", "card", "reason"),
    [
        ("dead", "direct", INTEL, "the NIC Switch agent of dead is dead"),
        ("elsewhere", "direct", INTEL, "host elsewhere has no NIC Switch agent"),
        ("live", "direct", "15b3:1004", "card 15b3:1004 is not one of 8086:10ca, 8086:1889"),
        ("live", "normal", INTEL, "vnic type normal is not one of direct, macvtap"),
    ],
)
def test_refused_port_is_not_bound_and_the_log_says_why(
    neutron: RealNeutron, port_in_neutron: MakePort, host: str, vnic_type: str, card: str, reason: str
) -> None:
    port = port_in_neutron(host, vnic_type, card)
    assert (port["binding:vif_type"], port["binding:vif_details"]) == ("binding_failed", {})
    said = f"mechanism driver mooring_sriovnicswitch refuses port {port['id']}: {reason}"
    assert said in neutron.log.read_text()


def test_bound_port_follows_its_server_to_a_host_and_refuses_a_dead_one(
    neutron: RealNeutron, port_in_neutron: MakePort
) -> None:
    port_id = port_in_neutron("dead")["id"]
    for host, vif_type in (("live", "hw_veb"), ("dead", "binding_failed")):
        wish = {"port": {"binding:host_id": host}}
        assert neutron.client.want(200, "PUT", f"/v2.0/ports/{port_id}", wish)["port"]["binding:vif_type"] == vif_type


def test_port_is_deleted_with_all_hooks_called(neutron: RealNeutron, port_in_neutron: MakePort) -> None:
    port_id = port_in_neutron("live")["id"]
    neutron.client.want(204, "DELETE", f"/v2.0/ports/{port_id}")
    neutron.client.want(404, "GET", f"/v2.0/ports/{port_id}")


def test_neutron_does_not_start_with_vendor_info_that_is_none(neutron_venv: Path, tmp_path: Path) -> None:
    settings = "[mooring_sriovnicswitch]\nsupported_pci_vendor_info = intel\n"
    server = RealNeutron(neutron_venv, tmp_path, ("mooring_sriovnicswitch",), {}, settings)
    try:
        with pytest.raises(AssertionError, match="supported_pci_vendor_info holds 'intel'"):
            server.wait()
    finally:
        server.close()
