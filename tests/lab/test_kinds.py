"""Every vnic type in one server, its peer of VFs only.

On n0: macvtap, a port of a Linux bridge (white) and one of Open vSwitch (amber), a VF, and a whole PF.
"""

import pytest

from lab.cloud import LabCloud
from tests.lab.conftest import Nets

pytestmark = pytest.mark.requires("lab")

#: The network, the vnic type on n0, and the driver that the guest there should find.
KINDS = {
    "blue": ("macvtap", "virtio_net", 100),
    "white": ("normal", "virtio_net", 201),
    "green": ("direct", "igbvf", 300),
    "amber": ("normal", "virtio_net", 301),
    "bare": ("direct-physical", "igb", None),
}


@pytest.fixture(scope="module")
def mixed(cloud: LabCloud, flavor: str, nets: Nets) -> tuple[str, dict[str, dict[str, object]]]:
    """The server on n0, and its ports by network; a peer on n1 has a VF in each."""
    here = {name: cloud.make_port(getattr(nets, name), kind[0], ip=address(name, 31)) for name, kind in KINDS.items()}
    there = [cloud.make_port(getattr(nets, name), "direct", ip=address(name, 32)) for name in KINDS]
    server = cloud.boot("mixed", "n0", flavor, list(here.values()), pings=[address(name, 32) for name in KINDS])
    peer = cloud.boot("peer", "n1", flavor, there)
    cloud.wait_active(server, peer)
    return server, {name: cloud.port(str(port["id"])) for name, port in here.items()}


def address(network: str, host: int) -> str:
    return f"10.{ {'blue': 1, 'white': 2, 'green': 3, 'bare': 4, 'amber': 5}[network] }.0.{host}"


@pytest.mark.parametrize("network", KINDS)
def test_a_port_of_each_kind_carries_frames_with_its_networks_tag(
    cloud: LabCloud, mixed: tuple[str, dict[str, dict[str, object]]], network: str
) -> None:
    server, ports = mixed
    _, driver, vlan = KINDS[network]
    mac = str(ports[network]["mac_address"])
    cloud.wait_said("n0", server, f"guest: ping {address(network, 32)} ok")
    assert f"{mac} {driver} {address(network, 31)}/24" in cloud.console("n0", server)
    wire = cloud.lab.physnet1 if network in ("blue", "white") else cloud.lab.physnet2
    assert wire.vlans(mac) == {vlan}


def test_a_whole_pf_brings_its_own_mac(cloud: LabCloud, mixed: tuple[str, dict[str, dict[str, object]]]) -> None:
    assert mixed[1]["bare"]["mac_address"] == cloud.lab["n0"].mac("pf2")
