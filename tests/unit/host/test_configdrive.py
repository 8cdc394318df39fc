"""The config drive: what a guest reads of itself, in OpenStack's layout, whatever it was given."""

import base64
import json
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.errors import Invalid
from mooring.host.configdrive import VERSIONS, content, meta_data, network_data
from mooring.model.desired import DesiredInterface, DesiredServer, InterfaceAddress, Route
from mooring.model.pci import PciAddress

PORT = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
NETWORK = "e3f1a2b4-0000-4000-8000-00000000000a"
MAC = "02:00:00:00:01:55"
V4 = InterfaceAddress("192.0.2.10", "192.0.2.0/24", "192.0.2.1", ("192.0.2.2", "192.0.2.3"))
V6 = InterfaceAddress("2001:db8::10", "2001:db8::/64", "2001:db8::1", ("2001:db8::2",))
DIRECT = DesiredInterface(
    PORT, MAC, "direct", "hw_veb", PciAddress.parse("0000:81:10.4"), vlan_id=100, network_id=NETWORK, addresses=(V4,)
)
NORMAL = DesiredInterface(PORT, MAC, "normal", "bridge", bridge="br0", mtu=9000, network_id=NETWORK, addresses=(V4,))
PHYSICAL = replace(DIRECT, vnic_type="direct-physical", vif_type="hostdev_physical")
SERVER = DesiredServer(
    "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11", "Web 1", 3, True, vcpus=1, memory_mib=64, interfaces=(DIRECT,),
    project_id="a" * 32, availability_zone="nova", metadata={"role": "front"}, launch_index=2,
)  # fmt: skip

# OpenStack's own schema (nova, doc/api_schemas/network_data.json), as far as Mooring uses it, as types.
Mac = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2}:){5}[0-9a-f]{2}$")]
Ipv4 = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,3}(\.[0-9]{1,3}){3}$")]
Ipv6 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f:]*:[0-9a-f:.]*$")]


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Link(Strict):
    id: str
    type: Literal["bridge", "hw_veb", "ovs", "phy"]
    ethernet_mac_address: Mac
    vif_id: str
    mtu: Annotated[int, msgspec.Meta(ge=1, le=65535)]


class VlanLink(Strict, tag_field="type", tag="vlan"):
    id: str
    vlan_link: str
    vlan_id: int
    vlan_mac_address: Mac


class Route4(Strict):
    network: Ipv4
    netmask: Ipv4
    gateway: Ipv4


class Route6(Strict):
    network: Ipv6
    netmask: Ipv6
    gateway: Ipv6


class Service(Strict):
    type: Literal["dns"]
    address: str


class Network4(Strict, tag_field="type", tag="ipv4"):
    id: str
    link: str
    network_id: str
    ip_address: Ipv4
    netmask: Ipv4
    routes: list[Route4]
    services: list[Service]


class Network6(Strict, tag_field="type", tag="ipv6"):
    id: str
    link: str
    network_id: str
    ip_address: Ipv6
    netmask: Ipv6
    routes: list[Route6]
    services: list[Service]


class NetworkData(Strict):
    links: list[dict[str, Any]]
    networks: list[Network4 | Network6]
    services: list[Service]


def validated(*interfaces: DesiredInterface) -> dict[str, Any]:
    """The network data, once it has passed the schema, and every name in it leads somewhere."""
    data = network_data(interfaces)
    checked = msgspec.convert(data, NetworkData)
    for link in checked.links:
        msgspec.convert(link, VlanLink if link["type"] == "vlan" else Link)
    ids = [link["id"] for link in checked.links]
    assert len(set(ids)) == len(ids)
    assert {network.link for network in checked.networks} <= set(ids)
    assert {link["vlan_link"] for link in checked.links if "vlan_link" in link} <= set(ids)
    decoded: dict[str, Any] = json.loads(json.dumps(data))
    return decoded


def test_meta_data_says_who_the_guest_is() -> None:
    assert meta_data(SERVER) == {
        "uuid": SERVER.id,
        "name": "Web 1",
        "hostname": "web-1",
        "availability_zone": "nova",
        "project_id": "a" * 32,
        "launch_index": 2,
        "meta": {"role": "front"},
        "devices": [],
    }


@pytest.mark.parametrize(
    ("interface", "devices"),
    [
        pytest.param(DIRECT, [], id="untagged"),
        pytest.param(
            replace(DIRECT, tag="data"), [{"type": "nic", "bus": "pci", "mac": MAC, "tags": ["data"]}], id="tagged"
        ),
        pytest.param(PHYSICAL, [{"type": "nic", "bus": "pci", "mac": MAC, "vlan": 100}], id="whole-pf-on-a-vlan"),
        pytest.param(replace(PHYSICAL, vlan_id=0), [], id="whole-pf-on-a-flat-network"),
    ],
)
def test_meta_data_lists_the_nics_that_the_guest_must_be_told_of(
    interface: DesiredInterface, devices: list[dict[str, object]]
) -> None:
    assert meta_data(replace(SERVER, interfaces=(interface,)))["devices"] == devices


@pytest.mark.parametrize(
    ("interface", "type_"),
    [
        (DIRECT, "hw_veb"),
        (replace(DIRECT, vnic_type="macvtap"), "hw_veb"),
        (NORMAL, "bridge"),
        (replace(NORMAL, vif_type="ovs"), "ovs"),
        (replace(DIRECT, vif_type="802.1qbh"), "phy"),
        (replace(PHYSICAL, vlan_id=0), "phy"),
    ],
)
def test_link_has_the_type_that_nova_shows(interface: DesiredInterface, type_: str) -> None:
    assert validated(interface)["links"] == [
        {
            "id": "tap7c9e6679-74",
            "vif_id": PORT,
            "type": type_,
            "mtu": interface.mtu,
            "ethernet_mac_address": MAC,
        }
    ]


def test_ipv4_address_comes_with_its_mask_its_default_route_and_its_name_servers() -> None:
    data = validated(DIRECT)
    servers = [{"type": "dns", "address": "192.0.2.2"}, {"type": "dns", "address": "192.0.2.3"}]
    assert data["networks"] == [
        {
            "id": "network0",
            "type": "ipv4",
            "link": "tap7c9e6679-74",
            "network_id": NETWORK,
            "ip_address": "192.0.2.10",
            "netmask": "255.255.255.0",
            "routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"}],  # noqa: S104 - a route, nothing binds it
            "services": servers,
        }
    ]
    assert data["services"] == servers


def test_ipv6_address_comes_with_its_mask_and_its_default_route() -> None:
    (network,) = validated(replace(DIRECT, addresses=(V6,)))["networks"]
    assert (network["type"], network["ip_address"], network["netmask"]) == (
        "ipv6", "2001:db8::10", "ffff:ffff:ffff:ffff::",
    )  # fmt: skip
    assert network["routes"] == [{"network": "::", "netmask": "::", "gateway": "2001:db8::1"}]


@pytest.mark.parametrize(
    ("address", "routes"),
    [
        pytest.param(replace(V4, gateway_ip=None), [], id="no-gateway"),
        pytest.param(
            replace(V4, gateway_ip=None, host_routes=(Route("198.51.100.0/24", "192.0.2.9"),)),
            [{"network": "198.51.100.0", "netmask": "255.255.255.0", "gateway": "192.0.2.9"}],
            id="host-route",
        ),
        pytest.param(
            replace(V6, gateway_ip=None, host_routes=(Route("2001:db8:1::/48", "2001:db8::9"),)),
            [{"network": "2001:db8:1::", "netmask": "ffff:ffff:ffff::", "gateway": "2001:db8::9"}],
            id="host-route-v6",
        ),
    ],
)
def test_routes_are_those_of_the_subnet(address: InterfaceAddress, routes: list[dict[str, str]]) -> None:
    (network,) = validated(replace(DIRECT, addresses=(address,)))["networks"]
    assert network["routes"] == routes


def test_whole_pf_on_a_vlan_gets_a_vlan_link_and_its_address_there() -> None:
    """Nobody else can tag for it: a PF has no port VLAN."""
    data = validated(PHYSICAL)
    nic, vlan = data["links"]
    assert (nic["type"], nic["ethernet_mac_address"]) == ("phy", MAC)
    assert vlan == {
        "id": "tap7c9e6679-74.100",
        "type": "vlan",
        "vlan_link": nic["id"],
        "vlan_id": 100,
        "vlan_mac_address": MAC,
    }
    assert [network["link"] for network in data["networks"]] == [vlan["id"]]


def test_every_address_of_every_nic_is_a_network_of_its_own_and_a_name_server_is_listed_once() -> None:
    other = replace(NORMAL, port_id="16fd2706-8baf-433b-82eb-8c7fada847da", mac="02:00:00:00:01:66", addresses=(V4, V6))
    data = validated(DIRECT, other)
    assert [(network["id"], network["link"]) for network in data["networks"]] == [
        ("network0", "tap7c9e6679-74"),
        ("network1", "tap16fd2706-8b"),
        ("network2", "tap16fd2706-8b"),
    ]
    assert len(data["services"]) == 3


def test_nic_without_an_address_is_a_link_without_a_network() -> None:
    data = validated(replace(DIRECT, addresses=()))
    assert (len(data["links"]), data["networks"], data["services"]) == (1, [], [])


def test_server_without_nics_has_empty_network_data() -> None:
    assert validated() == {"links": [], "networks": [], "services": []}


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (replace(V4, ip_address="192.0.2.256"), "192.0.2.256"),
        (replace(V4, cidr="192.0.2.0/33"), "192.0.2.0/33"),
        (replace(V4, host_routes=(Route("anywhere", "192.0.2.1"),)), "anywhere"),
    ],
)
def test_address_that_is_none_is_refused_by_name(address: InterfaceAddress, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        network_data([replace(DIRECT, addresses=(address,))])


def test_drive_has_every_file_in_every_version() -> None:
    names = ["meta_data.json", "network_data.json", "vendor_data.json"]
    assert sorted(content(SERVER)) == sorted(f"openstack/{version}/{name}" for version in VERSIONS for name in names)


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [("", b""), (base64.b64encode(b"#!/bin/sh\n\xff").decode(), b"#!/bin/sh\n\xff"), ("aGVs\nbG8=", b"hello")],
)
def test_user_data_is_what_was_given_byte_for_byte(given_text: str, expected: bytes) -> None:
    assert content(replace(SERVER, user_data=given_text))["openstack/latest/user_data"] == expected


def test_user_data_that_is_no_base64_is_refused() -> None:
    with pytest.raises(Invalid, match="not base64"):
        content(replace(SERVER, user_data="a"))


@given(
    name=st.text(max_size=60),
    metadata=st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=4),
    tag=st.none() | st.text(max_size=60),
)
def test_whatever_a_name_a_key_or_a_tag_holds_it_reads_back(
    name: str, metadata: dict[str, str], tag: str | None
) -> None:
    server = replace(SERVER, name=name, metadata=metadata, interfaces=(replace(DIRECT, tag=tag),))
    read = json.loads(content(server)["openstack/latest/meta_data.json"])
    assert (read["name"], read["meta"]) == (name, metadata)
    assert [device["tags"] for device in read["devices"]] == ([] if tag is None else [[tag]])


@given(st.ip_addresses(), st.integers(8, 30))
def test_mask_of_any_subnet_has_as_many_bits_as_its_prefix(address: Any, prefix: int) -> None:
    cidr = str(ip_interface(f"{address}/{prefix}").network)
    (network,) = validated(replace(DIRECT, addresses=(InterfaceAddress(str(address), cidr),)))["networks"]
    assert ip_address(network["ip_address"]) == address
    assert int(ip_address(network["netmask"])).bit_count() == prefix
