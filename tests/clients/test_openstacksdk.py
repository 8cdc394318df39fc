"""The same story with openstacksdk, as Ansible and Terraform's cousins would tell it."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from mooring.testing.client import wait_until
from mooring.testing.rig import Rig

pytestmark = [pytest.mark.requires("client"), pytest.mark.filterwarnings("ignore::Warning:openstack.*")]


@pytest.fixture
def sdk(environment: Mapping[str, str]) -> Iterator[Any]:
    openstack = pytest.importorskip("openstack")
    config = openstack.config.OpenStackConfig(config_files=[environment["OS_CLIENT_CONFIG_FILE"]])
    connection = openstack.connection.Connection(config=config.get_one(cloud="mooring"))
    yield connection
    connection.close()


def test_the_sdk_boots_shows_and_deletes_a_server_with_an_sriov_port(sdk: Any, cloud: Rig) -> None:
    project = sdk.identity.create_project(name="sdk-lab")
    user = sdk.identity.create_user(name="sdk-ana", password="a-good-word", default_project_id=project.id)
    role = sdk.identity.find_role("member")
    sdk.identity.assign_project_role_to_user(project, user, role)
    network = sdk.network.create_network(
        name="sdk-blue",
        provider_network_type="vlan",
        provider_physical_network="physnet1",
        provider_segmentation_id=302,
    )
    subnet = sdk.network.create_subnet(network_id=network.id, ip_version=4, cidr="192.0.2.0/24")
    port = sdk.network.create_port(network_id=network.id, binding_vnic_type="direct", name="sdk-port")
    flavor = sdk.compute.create_flavor(name="sdk-small", ram=512, vcpus=1, disk=1)
    image = sdk.image.create_image(name="sdk-image", disk_format="qcow2", container_format="bare")
    server = sdk.compute.create_server(
        name="sdk-vm", flavor_id=flavor.id, image_id=image.id, networks=[{"port": port.id}]
    )
    server = sdk.compute.wait_for_server(server, interval=1, wait=30)
    assert server.status == "ACTIVE"
    assert [found.name for found in sdk.compute.servers()] == ["sdk-vm"]
    bound = sdk.network.get_port(port.id)
    assert (bound.binding_vif_type, bound.status) == ("hw_veb", "ACTIVE")
    assert bound.binding_vif_details["vlan"] == "302"
    assert {agent.host for agent in sdk.network.agents()} == {"sim1", "sim2", "sim3"}
    assert {found.name for found in sdk.compute.hypervisors()} == {"sim1", "sim2", "sim3"}
    assert [nic.port_id for nic in sdk.compute.server_interfaces(server)] == [port.id]
    sdk.compute.delete_server(server)
    sdk.compute.wait_for_delete(server, interval=1, wait=30)
    for thing, drop in ((port, sdk.network.delete_port), (subnet, sdk.network.delete_subnet)):
        drop(thing)
    sdk.network.delete_network(network)
    sdk.compute.delete_flavor(flavor)
    wait_until(lambda: cloud.vfs_in("available") == 36, 20, "every VF is back")
    assert cloud.findings() == []


def test_the_sdk_asks_for_pci_groups_in_nics(sdk: Any, cloud: Rig) -> None:
    group = {"name": "sdk-cards", "selectors": [{"vendor_id": "8086", "kind": "VF"}]}
    cloud.client.want(201, "POST", "/mooring/v1/pci-groups", {"pci_group": group})
    network = sdk.network.create_network(
        name="sdk-grey",
        provider_network_type="vlan",
        provider_physical_network="physnet1",
        provider_segmentation_id=305,
    )
    flavor = sdk.compute.create_flavor(name="sdk-least", ram=64, vcpus=1, disk=1)
    nics = [{"uuid": network.id, "pci-group": "sdk-cards:2"}]
    server = sdk.compute.create_server(name="sdk-fast", flavor_id=flavor.id, networks=nics)
    server = sdk.compute.wait_for_server(server, interval=1, wait=30)
    ports = [sdk.network.get_port(nic.port_id) for nic in sdk.compute.server_interfaces(server)]
    assert [(port.binding_vnic_type, port.binding_profile["pci_group"]) for port in ports] == [
        ("direct", "sdk-cards")
    ] * 2
    sdk.compute.delete_server(server)
    sdk.compute.wait_for_delete(server, interval=1, wait=30)
    sdk.network.delete_network(network)
    sdk.compute.delete_flavor(flavor)
    cloud.client.want(204, "DELETE", "/mooring/v1/pci-groups/sdk-cards")
