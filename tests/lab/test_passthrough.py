"""A function that is no NIC: asked for by a flavor, read by the guest itself, given back to the host's driver."""

from collections.abc import Iterator

import pytest

from lab.cloud import LabCloud
from lab.lab import nvme_words
from lab.qemu import NVME_ADDRESS
from tests.lab.conftest import Nets

pytestmark = pytest.mark.requires("lab")

GROUP = "scratch-disk"


@pytest.fixture(scope="module")
def with_disk(cloud: LabCloud) -> Iterator[str]:
    """A flavor that asks for one disk of a PCI group; its id."""
    group = {"name": GROUP, "selectors": [{"class": "0108", "tags": ["disk"]}]}
    cloud.client.want(201, "POST", "/mooring/v1/pci-groups", {"pci_group": group})
    wish = {"name": "with-disk", "ram": 160, "vcpus": 1, "disk": 0}
    flavor = str(cloud.client.want(200, "POST", "/compute/v2.1/flavors", {"flavor": wish})["flavor"]["id"])
    specs = {"extra_specs": {"pci_passthrough:alias": f"{GROUP}:1"}}
    cloud.client.want(200, "POST", f"/compute/v2.1/flavors/{flavor}/os-extra_specs", specs)
    yield flavor
    cloud.clear()
    cloud.client.want(202, "DELETE", f"/compute/v2.1/flavors/{flavor}")
    cloud.client.want(204, "DELETE", f"/mooring/v1/pci-groups/{GROUP}")


def test_guest_reads_the_disk_that_its_flavor_asked_for_and_the_host_has_it_back_afterwards(
    cloud: LabCloud, nets: Nets, with_disk: str
) -> None:
    assert cloud.driver("n0", NVME_ADDRESS) == "nvme"
    port = cloud.make_port(nets.blue, ip="10.1.0.51")
    server = cloud.boot("reader", "n0", with_disk, [port])
    cloud.wait_active(server)
    cloud.wait_said("n0", server, f"guest: disk nvme0n1 {nvme_words('n0').strip()}")
    cloud.wait_said("n0", server, f"{port['mac_address']} igbvf 10.1.0.51/24")
    (disk,) = cloud.devices("n0", address=NVME_ADDRESS)
    assert (disk["state"], cloud.driver("n0", NVME_ADDRESS)) == ("in-use", "vfio-pci")

    second = cloud.boot("too-late", "n0", with_disk, [cloud.make_port(nets.blue, ip="10.1.0.52")])
    refused = cloud.server(second)
    assert refused is not None
    assert refused["status"] == "ERROR"
    assert GROUP in refused["fault"]["message"]

    cloud.delete(server, second)
    (disk,) = cloud.devices("n0", address=NVME_ADDRESS)
    assert (disk["state"], cloud.driver("n0", NVME_ADDRESS)) == ("available", "nvme")
    assert cloud.lab["n0"].sh("head -n 1 /dev/nvme0n1") == nvme_words("n0"), "it works for the host again"
