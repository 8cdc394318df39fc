"""Neutron's own SR-IOV driver, unmodified, inside a controller, through its API."""

from pathlib import Path

import pytest

from mooring.ml2.driver import HOOKS
from mooring.testing.rig import Rig
from tests.neutron.conftest import MakePort, controller_with

pytestmark = pytest.mark.requires("neutron_server")


def test_neutrons_driver_binds_a_direct_port_on_a_live_host(port_in_mooring: MakePort) -> None:
    port = port_in_mooring("live")
    assert port["binding:vif_type"] == "hw_veb"
    assert port["binding:vif_details"] == {
        "port_filter": False,
        "connectivity": "l2",
        "vlan": "123",
        "bound_drivers": {"0": "neutron:sriovnicswitch"},
    }
    assert port["status"] == "DOWN"


def test_neutrons_driver_binds_a_whole_pf_anywhere(port_in_mooring: MakePort) -> None:
    assert port_in_mooring("live", "direct-physical")["binding:vif_type"] == "hostdev_physical"


@pytest.mark.parametrize(
    ("host", "vnic_type", "reason"),
    [
        ("silent", "direct", "Attempting to bind with dead agent"),
        ("live", "normal", "Refusing to bind due to unsupported vnic_type: normal"),
        ("live", "macvtap", "Refusing to bind due to unsupported vnic_type: macvtap"),
    ],
)
def test_what_neutrons_driver_logs_at_debug_is_the_reason_here(
    port_in_mooring: MakePort, host: str, vnic_type: str, reason: str
) -> None:
    port = port_in_mooring(host, vnic_type)
    assert port["binding:vif_type"] == "binding_failed"
    assert f"neutron:sriovnicswitch: {reason}" in port["binding:vif_details"]["binding_failed"]


def test_port_bound_by_neutrons_driver_moves_and_goes(cloud: Rig, port_in_mooring: MakePort) -> None:
    port_id = port_in_mooring("silent")["id"]
    path = f"/network/v2.0/ports/{port_id}"
    for host, vif_type in (("live", "hw_veb"), ("silent", "binding_failed"), ("", "unbound")):
        changed = cloud.client.want(200, "PUT", path, {"port": {"binding:host_id": host}})["port"]
        assert changed["binding:vif_type"] == vif_type
    cloud.client.want(204, "DELETE", path)


def test_debug_lines_of_neutrons_driver_are_not_in_the_log(cloud: Rig, port_in_mooring: MakePort) -> None:
    port_in_mooring("live", "normal")
    assert "Refusing to bind due to unsupported vnic_type" not in (cloud.folder / "controller.log").read_text()


def test_contexts_are_what_neutrons_own_test_driver_asserts(neutron_venv: Path, tmp_path: Path) -> None:
    """Its hooks assert the members of each context, and fail the call otherwise; ``logger`` prints all of them."""
    rig = controller_with(neutron_venv, tmp_path, "logger", "test")
    base = "/network/v2.0"
    try:
        rig.start_controller()
        call = rig.client.want
        # Flat, because it takes a VLAN on offer for the second level of a binding.
        flat = {"provider:network_type": "flat", "provider:physical_network": "physnet1"}
        network_id = call(201, "POST", f"{base}/networks", {"network": flat})["network"]["id"]
        call(200, "PUT", f"{base}/networks/{network_id}", {"network": {"name": "renamed"}})
        subnet = {"network_id": network_id, "ip_version": 4, "cidr": "10.1.0.0/24"}
        subnet = call(201, "POST", f"{base}/subnets", {"subnet": subnet})["subnet"]
        call(200, "PUT", f"{base}/subnets/{subnet['id']}", {"subnet": {"name": "renamed"}})
        port = call(201, "POST", f"{base}/ports", {"port": {"network_id": network_id}})["port"]
        path = f"{base}/ports/{port['id']}"
        # By way of unbound: it keeps what bind_port said, and here that is asked before the hook of the old host's end.
        steps = (("host-ovs-no_filter", "ovs"), ("", "unbound"), ("host-bridge-filter", "bridge"), ("", "unbound"))
        for host, vif_type in steps:
            moved = call(200, "PUT", path, {"port": {"binding:host_id": host}})["port"]
            assert moved["binding:vif_type"] == vif_type
        for gone in (path, f"{base}/subnets/{subnet['id']}", f"{base}/networks/{network_id}"):
            call(204, "DELETE", gone)
        log = (rig.folder / "controller.log").read_text()
        missing = [hook for hook in HOOKS if f"{hook} called with" not in log]
        assert missing == []
    finally:
        rig.close()
