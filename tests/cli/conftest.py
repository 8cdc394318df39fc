"""A controller that answers on a socket, with three simulated hosts and one server, for commands to talk to."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mooring.cli.client import Client
from mooring.cli.login import find_login
from mooring.system import SystemClock, SystemIds
from mooring.testing.cloud import Cloud
from mooring.testing.controller import ADMINS_WORD
from mooring.testing.hosts import named_plans
from mooring.testing.sysfs_tree import unpack_recording
from tests.cli.busy import busy_cloud
from tests.cli.stage import Mooring, Served, serving


@pytest.fixture
def mooring(tmp_path: Path) -> Mooring:
    """The command line of somebody who has no cloud at all."""
    return Mooring({"XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)})


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real kernel's sysfs with three ports of 82576 cards."""
    folder = tmp_path_factory.mktemp("recording")
    unpack_recording(folder)
    return folder


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Shared by all tests: what one of them makes, it names so that no other stumbles over it."""
    folder = tmp_path_factory.mktemp("cloud")
    cloud = Cloud(folder, named_plans(3), clock=SystemClock(), ids=SystemIds())
    try:
        with serving(cloud.controller) as url:
            clouds = folder / "clouds.yaml"
            auth = {
                "auth_url": f"{url}/identity/v3",
                "username": "admin",
                "password": ADMINS_WORD,
                "project_name": "admin",
            }
            clouds.write_text(json.dumps({"clouds": {"test": {"auth": auth}}}))
            environment = {"OS_CLIENT_CONFIG_FILE": str(clouds), "OS_CLOUD": "test"}
            client = Client(find_login(None, environment))
            _furnish(client)
            cloud.settle()
            yield Served(cloud, url, client, Mooring(environment))
    finally:
        cloud.close()


@pytest.fixture(scope="session")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Shared as well, by tests that change nothing."""
    with busy_cloud(tmp_path_factory.mktemp("busy")) as cloud:
        yield cloud


def _furnish(client: Client) -> None:
    """Networks blue and green, two ports named twin, and a server with the port db-data on blue."""
    client.post("/compute/v2.1/flavors", {"flavor": {"name": "small", "ram": 1024, "vcpus": 2, "disk": 10}})
    image = {"name": "debian", "disk_format": "qcow2", "container_format": "bare"}
    client.post("/image/v2/images", image)
    for name, physnet, vlan, cidr in (
        ("blue", "physnet1", 100, "192.0.2.0/24"),
        ("green", "physnet2", 200, "198.51.100.0/24"),
    ):
        segment = {
            "provider:network_type": "vlan",
            "provider:physical_network": physnet,
            "provider:segmentation_id": vlan,
        }
        network = client.post("/network/v2.0/networks", {"network": {"name": name, **segment}})["network"]
        subnet = {"network_id": network["id"], "ip_version": 4, "cidr": cidr}
        client.post("/network/v2.0/subnets", {"subnet": subnet})
        if name == "blue":
            _ports_and_server(client, network["id"])


def _ports_and_server(client: Client, network_id: str) -> None:
    wishes: Sequence[tuple[str, str]] = (
        ("db-data", "direct"), ("web-mgmt", "normal"), ("web-data", "direct"), ("twin", "direct"), ("twin", "direct"),
    )  # fmt: skip
    ids = {}
    for name, vnic_type in wishes:
        port = {"network_id": network_id, "name": name, "binding:vnic_type": vnic_type}
        ids[name] = client.post("/network/v2.0/ports", {"port": port})["port"]["id"]
    flavors = client.get("/compute/v2.1/flavors")["flavors"]
    server = {"name": "db", "flavorRef": flavors[0]["id"], "networks": [{"port": ids["db-data"]}]}
    client.post("/compute/v2.1/servers", {"server": server})
