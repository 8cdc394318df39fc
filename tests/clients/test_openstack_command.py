"""The whole story with the unmodified ``openstack`` command, as a subprocess."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mooring.testing.client import wait_until
from mooring.testing.disks import SimulatedDisks
from mooring.testing.rig import Rig
from mooring.testing.schemas import validate_domain
from tests.clients.conftest import OpenStack

pytestmark = pytest.mark.requires("client", "schemas")


def test_a_server_with_an_sriov_port_from_the_first_project_to_the_clean_vf(openstack: OpenStack, cloud: Rig) -> None:
    openstack("project create lab")
    openstack("user create --project lab --password a-good-word ana")
    openstack("role add --project lab --user ana member", plain=True)
    assert "ana" in [user["Name"] for user in openstack("user list")]

    network = openstack(
        "network create --provider-network-type vlan --provider-physical-network physnet1"
        " --provider-segment 301 cli-blue"
    )
    assert network["provider:segmentation_id"] == 301
    openstack("subnet create --network cli-blue --subnet-range 192.0.2.0/24 cli-blue-v4")
    port = openstack("port create --network cli-blue --vnic-type direct cli-port")
    assert (port["binding_vnic_type"], port["status"]) == ("direct", "DOWN")
    openstack("flavor create --vcpus 1 --ram 512 --disk 1 cli-small")
    assert "cli-small" in [flavor["Name"] for flavor in openstack("flavor list")]
    openstack("image create --disk-format qcow2 --container-format bare cli-image")
    assert "cli-image" in [image["Name"] for image in openstack("image list")]

    server = openstack("server create --flavor cli-small --image cli-image --nic port-id=cli-port cli-vm")
    assert server["name"] == "cli-vm"
    wait_until(lambda: status_of(openstack, "cli-vm") == "ACTIVE", 30, "cli-vm is ACTIVE")
    assert "cli-vm" in [row["Name"] for row in openstack("server list")]
    shown = openstack("server show cli-vm")
    assert shown["addresses"]["cli-blue"] == [port["fixed_ips"][0]["ip_address"]]

    bound = openstack("port show cli-port")
    assert (bound["status"], bound["binding_vif_type"]) == ("ACTIVE", "hw_veb")
    assert bound["binding_vif_details"]["vlan"] == "301"
    assert bound["binding_host_id"] == shown["OS-EXT-SRV-ATTR:host"]
    assert sorted(bound["binding_profile"]) == [
        "pci_slot", "pci_vendor_info", "pf_mac_address", "physical_network", "vf_num",
    ]  # fmt: skip
    validate_xml(cloud, shown)

    agents = openstack("network agent list")
    assert {"sim1", "sim2", "sim3"} == {agent["Host"] for agent in agents if agent["Alive"]}
    assert {"NIC Switch agent", "Linux bridge agent"} == {agent["Agent Type"] for agent in agents}
    assert {row["Hypervisor Hostname"] for row in openstack("hypervisor list")} == {"sim1", "sim2", "sim3"}
    assert "in use" in openstack(
        "network create --provider-network-type vlan --provider-physical-network physnet1 --provider-segment 301 clash",
        refused=True,
    )

    openstack("server delete --wait cli-vm", plain=True)
    assert openstack("server list") == []
    assert openstack("port show cli-port")["binding_vif_type"] == "unbound"
    openstack("port delete cli-port", plain=True)
    wait_until(lambda: cloud.vfs_in("available") == 36, 20, "every VF is back")
    for command in ("subnet delete cli-blue-v4", "network delete cli-blue", "flavor delete cli-small"):
        openstack(command, plain=True)
    assert cloud.findings() == []


def test_guest_gets_its_user_data_and_its_console_is_shown(openstack: OpenStack, cloud: Rig, tmp_path: Path) -> None:
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/sh\necho hello\n")
    openstack(
        "network create --provider-network-type vlan --provider-physical-network physnet1 --provider-segment 302 red"
    )
    openstack("subnet create --network red --subnet-range 198.51.100.0/24 red-v4")
    openstack("flavor create --vcpus 1 --ram 512 --disk 1 cli-tiny")
    openstack(
        f"server create --flavor cli-tiny --image {openstack('image create --disk-format qcow2 cli-disk')['id']}"
        f" --nic net-id=red,tag=data --user-data {script} --use-config-drive --property role=front cli-guest"
    )
    wait_until(lambda: status_of(openstack, "cli-guest") == "ACTIVE", 30, "cli-guest is ACTIVE")
    shown = openstack("server show cli-guest")
    assert shown["config_drive"] in (True, "True")
    disks = cloud.hosts[shown["OS-EXT-SRV-ATTR:host"]].machine().disks
    assert isinstance(disks, SimulatedDisks)
    files = disks.config_drive(shown["id"])
    assert files["openstack/latest/user_data"] == script.read_bytes()
    meta = json.loads(files["openstack/latest/meta_data.json"])
    assert (meta["meta"], [device["tags"] for device in meta["devices"]]) == ({"role": "front"}, [["data"]])
    data = json.loads(files["openstack/latest/network_data.json"])
    assert [network["ip_address"] for network in data["networks"]] == shown["addresses"]["red"]

    assert openstack("console log show cli-guest", plain=True) == "cli-guest login: \n"
    assert openstack("console log show --lines 1 cli-guest", plain=True).strip() == "cli-guest login:"

    openstack("server delete --wait cli-guest", plain=True)
    for command in ("network delete red", "flavor delete cli-tiny", "image delete cli-disk"):
        openstack(command, plain=True)


def test_a_port_asks_for_a_pci_group_what_the_client_lets_no_nic_do(openstack: OpenStack, cloud: Rig) -> None:
    group = {"name": "cli-cards", "selectors": [{"vendor_id": "8086", "kind": "VF"}]}
    cloud.client.want(201, "POST", "/mooring/v1/pci-groups", {"pci_group": group})
    openstack(
        "network create --provider-network-type vlan --provider-physical-network physnet1 --provider-segment 304 grey"
    )
    openstack("flavor create --vcpus 1 --ram 64 --disk 1 --property pci:spread=numa cli-least")
    openstack("image create --disk-format qcow2 cli-empty")
    create = "server create --flavor cli-least --image cli-empty"
    assert "Invalid argument net-id=grey,pci-group=cli-cards" in openstack(
        f"{create} --nic net-id=grey,pci-group=cli-cards cli-fast", refused=True
    )
    asked = {"pci_group": "cli-cards"}
    port = openstack(
        "port create --network grey --vnic-type direct --numa-policy-preferred"
        " --binding-profile pci_group=cli-cards cli-asks"
    )
    assert (port["binding_profile"], port["numa_affinity_policy"]) == (asked, "preferred")
    openstack(f"{create} --nic port-id=cli-asks cli-fast")
    wait_until(lambda: status_of(openstack, "cli-fast") == "ACTIVE", 30, "cli-fast is ACTIVE")
    held = openstack("port show cli-asks")["binding_profile"]
    assert (held["pci_group"], "pci_slot" in held) == ("cli-cards", True)
    openstack("server delete --wait cli-fast", plain=True)
    assert openstack("port show cli-asks")["binding_profile"] == asked
    openstack("port unset --binding-profile pci_group cli-asks", plain=True)
    assert openstack("port show cli-asks")["binding_profile"] == {}
    for command in ("port delete cli-asks", "network delete grey", "flavor delete cli-least", "image delete cli-empty"):
        openstack(command, plain=True)
    cloud.client.want(204, "DELETE", "/mooring/v1/pci-groups/cli-cards")


def status_of(openstack: OpenStack, name: str) -> str:
    return str(openstack(f"server show {name} -c status")["status"])


def validate_xml(cloud: Rig, server: Mapping[str, Any]) -> None:
    """The domain that the server's host runs is valid by libvirt's own schema."""
    host = cloud.hosts[server["OS-EXT-SRV-ATTR:host"]]
    xml = host.hypervisor().xml(server["id"])
    validate_domain(xml)
    assert 'type="hostdev"' in xml
