"""Cases 1 and 2 of the 2013 thread: port profiles of one upstream switch, alone and beside Open vSwitch.

Told with the unmodified ``openstack`` command and our own, which talk to a controller, simulated hosts with cards whose
VFs only an upstream switch can set, and a manager of that switch over HTTP.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from mooring.main import CLOUDS
from mooring.testing.cards import CISCO_VIC_1240
from mooring.testing.client import wait_until
from mooring.testing.host import Plan, Spec
from mooring.testing.hosts import port
from mooring.testing.rig import Rig
from mooring.testing.ucsm import FakeUcsManager, Mishap
from tests.clients.conftest import OpenStack, exported, openstack_in
from tests.clients.test_upstream_switches import MooringCommand, mooring_in

pytestmark = pytest.mark.requires("client")

VFS = 4
BRIDGE = "br-physnet1"
NETWORKS, PORTS, SERVERS = "/network/v2.0/networks", "/network/v2.0/ports", "/compute/v2.1/servers"
COMPUTE = {"OpenStack-API-Version": "compute 2.74"}
VIC = (port(CISCO_VIC_1240, "0000:81:00.0", "ens1f0", 1, VFS),)
#: Case 1: SR-IOV only. Case 2: the same physical network through Open vSwitch as well.
SRIOV_ONLY = Plan(ports=VIC, specs=(Spec("ens1f0", "physnet1"),), bridge_mappings={})
MIXED = Plan(
    ports=VIC, specs=(Spec("ens1f0", "physnet1"),), bridge_mappings={"physnet1": BRIDGE}, ovs_bridges=(BRIDGE,)
)


class Story:
    """One cloud, and the words to tell what is done with it."""

    def __init__(self, rig: Rig, manager: FakeUcsManager):
        self.rig, self.manager = rig, manager
        self.want = rig.client.want
        environment = exported(OS_CLIENT_CONFIG_FILE=str(rig.state / CLOUDS), OS_CLOUD="mooring")
        self.openstack: OpenStack = openstack_in(environment)
        self.mooring: MooringCommand = mooring_in(environment)

    def furnish(self) -> None:
        """A flavor, an image, and the networks blue (VLAN 100) and green (VLAN 200) of one physical network."""
        flavor = {"name": "small", "ram": 64, "vcpus": 1, "disk": 1}
        self.want(200, "POST", "/compute/v2.1/flavors", {"flavor": flavor})
        image = {"name": "debian", "disk_format": "qcow2", "container_format": "bare", "visibility": "public"}
        self.want(201, "POST", "/image/v2/images", image)
        for name, vlan in (("blue", 100), ("green", 200)):
            segment = {
                "provider:network_type": "vlan", "provider:physical_network": "physnet1",
                "provider:segmentation_id": vlan,
            }  # fmt: skip
            self.want(201, "POST", NETWORKS, {"network": {"name": name, **segment}})

    def status(self, server: str) -> str:
        (found,) = self.want(200, "GET", f"{SERVERS}/detail?name=^{server}$")["servers"]
        return str(found["status"])

    def serve(self, server: str, nics: str) -> None:
        """A server of its own with these nics, once it runs."""
        self.openstack(f"server create --flavor small --image debian {nics} {server}")
        wait_until(lambda: self.status(server) != "BUILD", 30, f"{server} is built")
        assert self.status(server) == "ACTIVE", self.openstack(f"server show {server}")

    def post_server(self, name: str, nic: Mapping[str, str]) -> Any:
        """By the API itself: the client's --nic knows no keys but its own."""
        network = self.want(200, "GET", f"{NETWORKS}?name={nic['network']}")["networks"][0]["id"]
        keys = {key: value for key, value in nic.items() if key != "network"}
        flavor = next(one["id"] for one in self.want(200, "GET", "/compute/v2.1/flavors")["flavors"])
        image = self.want(200, "GET", "/image/v2/images")["images"][0]["id"]
        wish = {"name": name, "flavorRef": flavor, "imageRef": image, "networks": [{"uuid": network, **keys}]}
        return self.rig.client.call("POST", SERVERS, {"server": wish}, **COMPUTE)

    def interfaces(self, server: str) -> list[Mapping[str, str | None]]:
        """Of the domain that runs on the server's host: what its XML says of each interface."""
        found = self.openstack(f"server show {server}")
        host = self.rig.hosts[found["OS-EXT-SRV-ATTR:host"]]
        domain = ET.fromstring(host.hypervisor().xml(found["id"]))  # noqa: S314 - from our own simulator
        return [
            {
                "type": one.get("type"),
                "virtualport": None if (vport := one.find("virtualport")) is None else vport.get("type"),
                "profileid": None if (what := one.find("virtualport/parameters")) is None else what.get("profileid"),
                "vlan": None if (tag := one.find("vlan/tag")) is None else tag.get("id"),
                "bridge": None if (source := one.find("source")) is None else source.get("bridge"),
            }
            for one in domain.iter("interface")
        ]

    def clear(self) -> None:
        """Servers, ports, networks and profiles go, and every VF is free."""
        for one in self.want(200, "GET", f"{SERVERS}?all_tenants=1")["servers"]:
            self.want(204, "DELETE", f"{SERVERS}/{one['id']}")
        wait_until(lambda: not self.want(200, "GET", SERVERS)["servers"], 30, "no server is left")
        self.rig.wait_available(VFS * len(self.rig.hosts))
        for path, key in ((PORTS, "ports"), (NETWORKS, "networks")):
            for one in self.want(200, "GET", path)[key]:
                self.want(204, "DELETE", f"{path}/{one['id']}")
        for one in self.mooring("port-profile list --json"):
            self.mooring(f"port-profile delete {one['name']}")


def told(folder: Path, plans: Mapping[str, Plan]) -> Iterator[Story]:
    with FakeUcsManager() as manager:
        password = folder / "password"
        password.write_text(manager.password)
        settings = (
            '[controller]\nmechanism_drivers = ["vmfex", "sriovnicswitch", "openvswitch"]\n'
            f'[controller.ucsm]\nurl = "{manager.url}"\nuser = "{manager.user}"\npassword_file = "{password}"\n'
            "timeout_s = 2\ninterval_s = 1\n"
        )
        rig = Rig(folder, settings)
        try:
            rig.start_controller()
            rig.add_hosts(plans)
            for name in rig.hosts:
                rig.start_agent(name)
            rig.wait_available(VFS * len(plans))
            story = Story(rig, manager)
            story.furnish()
            yield story
            story.clear()
            wait_until(lambda: not manager.profile_names(), 30, "no profile of ours is upstream")
            assert rig.findings() == []
        finally:
            rig.close()


@pytest.fixture(scope="module")
def case1(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    yield from told(tmp_path_factory.mktemp("case1"), {"compute1": SRIOV_ONLY, "compute2": SRIOV_ONLY})


@pytest.fixture(scope="module")
def case2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    yield from told(tmp_path_factory.mktemp("case2"), {"compute1": MIXED})


def property_of(name: str, value: str) -> str:
    return f"--extra-property name=mooring:{name},value={value}"


QBH_GOLD = {"type": "hostdev", "virtualport": "802.1Qbh", "profileid": "gold", "vlan": None, "bridge": None}


def test_case_1_a_virtual_network_reaches_the_physical_one_by_a_port_profile(case1: Story) -> None:
    openstack, mooring = case1.openstack, case1.mooring
    made = mooring("port-profile create gold --vlan 100 --physnet physnet1 --max-ports 32 --wait")
    assert made == "port profile gold is made: VLAN 100; upstream: present\n"
    assert case1.manager.vlans_of("gold") == {100: True}

    # By network default: the nic says nothing but the network.
    openstack(f"network set {property_of('port_profile', 'gold')} blue", plain=True)
    openstack(f"network set {property_of('default_vnic_type', 'direct')} blue", plain=True)
    case1.serve("by-default", "--network blue")
    assert case1.interfaces("by-default") == [QBH_GOLD]
    (bound,) = openstack("port list --server by-default")
    shown = openstack(f"port show {bound['ID']}")
    assert (shown["binding_vif_type"], shown["status"]) == ("802.1qbh", "ACTIVE")
    assert shown["binding_vif_details"]["profileid"] == "gold"
    assert shown["binding_vif_details"]["bound_drivers"] == {"0": "vmfex"}

    # By nic, whose profile goes before the network's; by macvtap as well.
    mooring("port-profile create trunk --vlan 100 --vlan 5 --vlan 7 --wait")
    assert case1.manager.vlans_of("trunk") == {100: True, 5: False, 7: False}
    for name, vnic_type, kind in (("by-nic", "direct", "hostdev"), ("by-tap", "macvtap", "direct")):
        nic = {"network": "blue", "vnic-type": vnic_type, "port-profile": "trunk"}
        assert case1.post_server(name, nic).status == 202
        wait_until(lambda name=name: case1.status(name) != "BUILD", 30, f"{name} is built")  # type: ignore[misc]  # bound at once
        assert case1.status(name) == "ACTIVE"
        assert case1.interfaces(name) == [QBH_GOLD | {"type": kind, "profileid": "trunk"}]

    # By port.
    openstack(f"port create --network blue --vnic-type direct {property_of('port_profile', 'trunk')} of-trunk")
    case1.serve("by-port", "--port of-trunk")
    assert case1.interfaces("by-port") == [QBH_GOLD | {"profileid": "trunk"}]
    assert "VLAN" not in mooring("explain --flavor small --nic net-id=blue,port-profile=gold")


def test_case_1_what_does_not_fit_is_refused_everywhere_with_both_values(case1: Story) -> None:
    openstack, mooring = case1.openstack, case1.mooring
    mooring("port-profile create silver --vlan 200 --wait")
    openstack(f"network set {property_of('port_profile', 'silver')} green", plain=True)
    clash = "port profile silver puts ports on VLAN 200, and network blue is on VLAN 100"
    profile = property_of("port_profile", "silver")
    assert clash in openstack(f"network set {profile} blue", refused=True)
    assert clash in openstack(f"port create --network blue --vnic-type direct {profile} x", refused=True)
    nic = {"network": "blue", "vnic-type": "direct", "port-profile": "silver"}
    answer = case1.post_server("x", nic)
    assert (answer.status, clash in str(answer.body)) == (409, True)
    assert clash in mooring(
        "explain --flavor small --nic net-id=blue,vnic-type=direct,port-profile=silver", refused=True
    )
    assert "port profile nowhere could not be found" in openstack(
        f"network set {property_of('port_profile', 'nowhere')} blue", refused=True
    ).replace("PortProfile", "port profile")
    moved = mooring("port-profile set silver --vlan 201", refused=True)
    assert "port profile silver puts ports on VLAN 201, and network green is on VLAN 200" in moved
    assert "port profile silver is in use: networks green" in mooring("port-profile delete silver", refused=True)
    openstack("network set --provider-segment 300 green", refused=True)
    assert case1.openstack("network show green")["provider:segmentation_id"] == 200


def test_case_1_the_manager_may_be_away_and_hears_of_everything_when_it_is_back(case1: Story) -> None:
    case1.manager.suffer_until_told(Mishap.UNAVAILABLE)
    said = case1.mooring("port-profile create late --vlan 300 --wait", refused=True)
    assert "upstream: failed" in said
    assert "answered aaaLogin with HTTP 503" in said or "answered configResolveClass with HTTP 503" in said
    assert "late" in case1.mooring("port-profile list")
    case1.manager.suffer_until_told(None)
    wait_until(lambda: "late" in case1.manager.profile_names(), 30, "the profile is upstream")
    case1.mooring("port-profile delete late")
    wait_until(lambda: "late" not in case1.manager.profile_names(), 30, "the profile is gone upstream")


def test_case_2_open_vswitch_and_profiles_share_a_physical_network_on_one_vlan(case2: Story) -> None:
    openstack, mooring = case2.openstack, case2.mooring
    mooring("port-profile create gold --vlan 100 --physnet physnet1 --wait")
    openstack(f"network set {property_of('port_profile', 'gold')} blue", plain=True)
    openstack("port create --network blue --vnic-type normal ordinary")
    openstack("port create --network blue --vnic-type direct fast")
    case2.serve("both", "--port ordinary --port fast")
    ordinary, fast = case2.interfaces("both")
    assert (ordinary["type"], ordinary["bridge"], ordinary["vlan"]) == ("bridge", BRIDGE, "100")
    assert fast == QBH_GOLD
    drivers = [
        openstack(f"port show {name}")["binding_vif_details"]["bound_drivers"]["0"] for name in ("ordinary", "fast")
    ]
    assert drivers == ["openvswitch", "vmfex"]

    # The profile's VLAN is the network's, or nothing is.
    mooring("port-profile create other --vlan 101 --wait")
    clash = "port profile other puts ports on VLAN 101, and network blue is on VLAN 100"
    other = property_of("port_profile", "other")
    assert clash in openstack(f"network set {other} blue", refused=True)
    assert clash in openstack(f"port create --network blue --vnic-type direct {other} x", refused=True)
    assert clash in mooring("port-profile set gold --vlan 101", refused=True).replace("gold", "other")
    assert "is for ports of vnic type direct or macvtap, and the port's is normal" in openstack(
        f"port create --network blue --vnic-type normal {property_of('port_profile', 'gold')} x", refused=True
    )

    # Without a profile no driver takes the VF: the card has no switch that could be programmed.
    openstack("port create --network green --vnic-type direct bare")
    why = " ".join(mooring("explain --flavor small --nic port-id=bare", refused=True).split())
    assert "no VF on physnet1 that works without a port profile" in why
