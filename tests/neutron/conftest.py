"""A real neutron-server with our drivers, and a controller with Neutron's: once each for all tests of a worker."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mooring.testing import real_neutron
from mooring.testing.hosts import SRIOV_ONLY
from mooring.testing.real_neutron import REPOSITORY, RealNeutron, site_packages
from mooring.testing.rig import Rig

SRIOV = "neutron:sriovnicswitch"
INTEL, CISCO = "8086:10ca", "1137:0071"
SETTINGS = f"""
[mooring_sriovnicswitch]
supported_pci_vendor_info = {INTEL},8086:1889
"""

MakePort = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def neutron_venv() -> Path:
    """With Neutron, and with Mooring as its wheel alone."""
    return real_neutron.neutron_venv()


@pytest.fixture(scope="session")
def neutron(neutron_venv: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNeutron]:
    """Neutron with two drivers of ours; the agent of host ``live`` lives, that of ``dead`` does not."""
    server = RealNeutron(
        neutron_venv,
        tmp_path_factory.mktemp("neutron"),
        ("mooring_vmfex", "mooring_sriovnicswitch"),
        {"live": True, "dead": False},
        SETTINGS,
    )
    try:
        server.wait()
        yield server
    finally:
        server.close()


def controller_with(venv: Path, folder: Path, *drivers: str) -> Rig:
    """A controller with these drivers of Neutron's, not started.

    It runs on our own interpreter, which has what Mooring depends on, and imports Neutron from its venv. Neutron's
    SR-IOV driver reads from a file of its own that it is not to bind macvtap ports.
    """
    path = os.pathsep.join([str(REPOSITORY / "src"), str(site_packages(venv))])
    prohibited = folder / "sriov.ini"
    prohibited.write_text("[sriov_driver]\nvnic_type_prohibit_list = macvtap\n")
    names = [f"neutron:{driver}" for driver in drivers]
    settings = f"[controller]\nmechanism_drivers = {json.dumps(names)}\nnetwork_vlan_ranges = ['physnet1']\n"
    if SRIOV in names:
        settings += f'[controller.driver."{SRIOV}"]\nconfig_files = ["{prohibited}"]\n'
    return Rig(folder, settings, {"PYTHONPATH": path, "PYTHONWARNINGS": "ignore"})


@pytest.fixture(scope="session")
def cloud(neutron_venv: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A controller with Neutron's driver alone, on host ``live`` an agent, and ``silent`` never heard from."""
    rig = controller_with(neutron_venv, tmp_path_factory.mktemp("cloud"), "sriovnicswitch")
    try:
        rig.start_controller()
        rig.add_hosts({"live": SRIOV_ONLY, "silent": SRIOV_ONLY})
        rig.start_agent("live")
        rig.wait_available(1)
        yield rig
    finally:
        rig.close()


@pytest.fixture(scope="session")
def port_in_neutron(neutron: RealNeutron) -> MakePort:
    """Makes a port on a network with VLAN 123; gives it as the server answers."""
    wish = {
        "provider:network_type": "vlan",
        "provider:physical_network": "physnet1",
        "provider:segmentation_id": 123,
    }
    network = neutron.client.want(201, "POST", "/v2.0/networks", {"network": wish})["network"]

    def make(host: str, vnic_type: str = "direct", card: str = INTEL, **profile: object) -> dict[str, Any]:
        port = {
            "network_id": network["id"],
            "binding:host_id": host,
            "binding:vnic_type": vnic_type,
            "binding:profile": {"pci_vendor_info": card, **profile},
        }
        made: dict[str, Any] = neutron.client.want(201, "POST", "/v2.0/ports", {"port": port})["port"]
        return made

    return make


@pytest.fixture(scope="session")
def port_in_mooring(cloud: Rig) -> MakePort:
    """The same on Mooring."""
    network_id = cloud.make_network(123, "10.1.0.0/24")

    def make(host: str, vnic_type: str = "direct") -> dict[str, Any]:
        port = {"network_id": network_id, "binding:host_id": host, "binding:vnic_type": vnic_type}
        made: dict[str, Any] = cloud.client.want(201, "POST", "/network/v2.0/ports", {"port": port})["port"]
        return made

    return make
