"""What a guest finds of itself on its config drive, and what its owner hears when its host cannot give it a disk."""

import base64
import json
from typing import Any

from mooring.core.subnets import SubnetWish
from mooring.model.network import HostRoute, Network
from mooring.model.port import VnicType
from mooring.model.server import Image, Server, ServerStatus
from mooring.service.images import add_image
from mooring.service.interfaces import attach_interface, detach_interface
from mooring.service.server_ports import NicWish
from mooring.service.servers import ServerWish, create_servers
from mooring.service.subnets import NewSubnet, create_subnet
from mooring.testing.cloud import ADMIN
from mooring.testing.disks import DiskMishaps, SimulatedDisks
from tests.story.conftest import Told

SCRIPT = b"#!/bin/sh\necho hello\n"


def subnet(told: Told, network: Network, cidr: str, **more: Any) -> None:
    version = 6 if ":" in cidr else 4
    wish = NewSubnet("admin-project", SubnetWish(network.id, version, cidr), **more)
    told.write(lambda tx: create_subnet(tx, told.world, ADMIN, wish))


def image(told: Told) -> Image:
    return told.write(lambda tx: add_image(tx, told.world, ADMIN, lambda one: one))


def boot(told: Told, *nics: NicWish, **more: Any) -> Server:
    wish = ServerWish("Web 1", told.flavor.id, nics=nics, **more)
    server = told.write(lambda tx: create_servers(tx, told.world, ADMIN, wish))[0]
    told.cloud.settle()
    return told.server(server.id)


def disks(told: Told, server: Server) -> SimulatedDisks:
    found = told.cloud.nodes[server.host or ""].host.machine().disks
    assert isinstance(found, SimulatedDisks)
    return found


def drive(told: Told, server: Server) -> dict[str, Any]:
    """The config drive's newest files, JSON decoded."""
    files = disks(told, server).config_drive(server.id)
    return {
        path.rpartition("/")[2]: json.loads(body) if path.endswith(".json") else body
        for path, body in files.items()
        if path.startswith("openstack/latest/")
    }


def test_guest_without_dhcp_finds_its_addresses_routes_and_name_servers(told: Told) -> None:
    network = told.network("physnet1", 100)
    subnet(
        told, network, "192.0.2.0/24", dns_nameservers=("192.0.2.53",),
        host_routes=(HostRoute("198.51.100.0/24", "192.0.2.9"),),
    )  # fmt: skip
    subnet(told, network, "2001:db8::/64")
    port = told.port(network, VnicType.DIRECT)
    server = boot(told, NicWish(port_id=port.id))
    assert server.status is ServerStatus.ACTIVE
    data = drive(told, server)["network_data.json"]
    (link,) = data["links"]
    assert (link["type"], link["ethernet_mac_address"], link["vif_id"]) == ("hw_veb", port.mac_address, port.id)
    by_type = {one["type"]: one for one in data["networks"]}
    assert {one.ip_address for one in port.fixed_ips} == {one["ip_address"] for one in by_type.values()}
    assert by_type["ipv4"]["routes"] == [
        {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"},  # noqa: S104 - a route, nothing binds it
        {"network": "198.51.100.0", "netmask": "255.255.255.0", "gateway": "192.0.2.9"},
    ]
    assert by_type["ipv6"]["network_id"] == network.id
    assert data["services"] == [{"type": "dns", "address": "192.0.2.53"}]


def test_guest_finds_its_name_its_metadata_its_tags_and_its_user_data(told: Told) -> None:
    network = told.network("physnet1", 100)
    mine = told.port(network, VnicType.NORMAL)
    nics = (NicWish(network_id=network.id, vnic_type="direct", tag="data"), NicWish(port_id=mine.id, tag="management"))
    server = boot(
        told, *nics, image_ref=image(told).id, metadata={"role": "front"}, user_data=base64.b64encode(SCRIPT).decode()
    )
    assert (server.status, server.host) == (ServerStatus.ACTIVE, "sim2")
    files = drive(told, server)
    meta = files["meta_data.json"]
    assert (meta["uuid"], meta["name"], meta["hostname"]) == (server.id, "Web 1", "web-1")
    assert (meta["meta"], meta["project_id"], meta["launch_index"]) == ({"role": "front"}, "admin-project", 0)
    assert meta["availability_zone"] == "nova"
    ports = {port.mac_address: port for port in told.ports(server)}
    assert {ports[device["mac"]].binding.vnic_type: device["tags"] for device in meta["devices"]} == {
        VnicType.DIRECT: ["data"],
        VnicType.NORMAL: ["management"],
    }
    assert files["user_data"] == SCRIPT


def test_tag_goes_with_the_nic_and_the_port_forgets_it(told: Told) -> None:
    network = told.network("physnet1", 100)
    mine = told.port(network, VnicType.NORMAL)
    server = boot(told, NicWish(network_id=network.id))
    told.write(
        lambda tx: attach_interface(tx, told.world, ADMIN, server.id, NicWish(port_id=mine.id, tag="management"))
    )
    told.cloud.settle()
    assert told.stored(mine).device_tag == "management"
    told.write(lambda tx: detach_interface(tx, told.world, ADMIN, server.id, mine.id))
    told.cloud.settle()
    assert told.stored(mine).device_tag is None


def test_server_whose_image_is_not_on_its_host_fails_with_the_reason_and_heals_when_it_is(told: Told) -> None:
    network, wanted = told.network("physnet1", 100), image(told)
    for node in told.cloud.nodes.values():
        found = node.host.machine().disks
        assert isinstance(found, SimulatedDisks)
        found.misbehave(DiskMishaps(missing=(wanted.id,)))
    server = boot(told, NicWish(network_id=network.id, vnic_type="direct"), image_ref=wanted.id)
    assert server.status is ServerStatus.ERROR
    assert server.fault is not None
    assert wanted.id in server.fault.message + server.fault.details
    assert told.cloud.nodes[server.host or ""].host.hypervisor().domains() == []
    disks(told, server).misbehave(DiskMishaps())
    told.cloud.settle()
    assert told.server(server.id).status is ServerStatus.ACTIVE


def test_server_whose_host_has_a_full_disk_fails_and_leaves_nothing_when_it_is_deleted(told: Told) -> None:
    network = told.network("physnet1", 100)
    server = boot(told, NicWish(network_id=network.id, vnic_type="direct"), image_ref=image(told).id)
    disks(told, server).misbehave(DiskMishaps(is_full=True))
    second = boot(
        told, NicWish(network_id=network.id, vnic_type="direct"), image_ref=image(told).id, forced_host=server.host
    )
    assert second.status is ServerStatus.ERROR
    assert second.fault is not None
    assert "no space left" in second.fault.message + second.fault.details
    assert told.server(server.id).status is ServerStatus.ACTIVE
    told.delete(second)
    assert disks(told, server).kept() == [server.id]


def test_guests_files_go_with_their_server_and_not_before(told: Told) -> None:
    network = told.network("physnet1", 100)
    server = boot(told, NicWish(network_id=network.id, vnic_type="direct"), image_ref=image(told).id)
    kept = disks(told, server)
    assert kept.kept() == [server.id]
    told.cloud.nodes[server.host or ""].host.reboot()
    told.cloud.restart_agent(server.host or "")
    told.cloud.settle()
    assert told.server(server.id).status is ServerStatus.ACTIVE
    assert kept.console_tail(server.id, 100) == b"Web 1 login: Web 1 login: "
    told.delete(server)
    assert told.is_gone(server)
    assert kept.kept() == []
