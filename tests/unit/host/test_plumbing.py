"""Plumbing by ``ovs-vsctl`` and ``ip``: what they are told, and what is made of what they show."""

import json
from pathlib import Path
from typing import Any

import pytest

from mooring.errors import Conflict, HostFault, NotFound, Unsupported
from mooring.host.machine import RepresentorPort, VlanNetdev
from mooring.host.plumbing import HostPlumbing

MAC, PORT, SERVER = "fa:16:3e:00:00:01", "7c9e6679-7425-40de-944b-e07fc1f90ae7", "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11"
WANTED = RepresentorPort("br-phys1", "ens1f0_2", 100, PORT, MAC, SERVER)
VLAN = VlanNetdev("eno1.100", "eno1", 100)

IDS = [["iface-id", PORT], ["attached-mac", MAC], ["vm-uuid", SERVER], ["owner", "mooring"]]
INTERFACES = {"headings": ["name", "external_ids"], "data": [["ens1f0_2", ["map", IDS]]]}
PORTS = {
    "headings": ["_uuid", "name", "tag"],
    "data": [[["uuid", "p1"], "ens1f0_2", 100], [["uuid", "p2"], "br-phys1", ["set", []]]],
}
BRIDGES = {
    "headings": ["name", "ports"],
    "data": [["br-phys1", ["set", [["uuid", "p1"], ["uuid", "p2"]]]], ["br-none", ["set", []]]],
}


class Host:
    """A sysfs with netdevs, and tools that write down what they are told and answer what they are given."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.root = folder / "sys"
        for name, flags in (("ens1f0_2", "0x1002"), ("eno1", "0x1003"), ("br0", "0x1003")):
            self.netdev(name, flags)

    def netdev(self, name: str, flags: str) -> None:
        (self.root / "class/net" / name).mkdir(parents=True)
        (self.root / "class/net" / name / "flags").write_text(f"{flags}\n")

    def tool(self, name: str, *answers: object, failure: str = "") -> None:
        tool = self.folder / name
        (self.folder / f"{name}.out").write_text("".join(f"{json.dumps(answer)}\n" for answer in answers))
        end = f"echo '{failure}' >&2; exit 1" if failure else f"cat {self.folder}/{name}.out"
        tool.write_text(f'#!/bin/sh\necho "{name} $@" >> {self.folder}/told\n{end}\n')
        tool.chmod(0o755)

    @property
    def plumbing(self) -> HostPlumbing:
        return HostPlumbing(self.root, f"{self.folder}")

    @property
    def told(self) -> list[str]:
        return (self.folder / "told").read_text().splitlines() if (self.folder / "told").exists() else []


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_our_ports_are_listed_with_the_bridge_and_the_tag_that_they_have(host: Host) -> None:
    host.tool("ovs-vsctl", INTERFACES, PORTS, BRIDGES)
    assert host.plumbing.representor_ports() == [WANTED]
    (asked,) = host.told
    assert asked.split(" -- ") == [
        "ovs-vsctl --timeout=5 --format=json",
        "--columns=name,external_ids find Interface external_ids:owner=mooring",
        "--columns=_uuid,name,tag list Port",
        "--columns=name,ports list Bridge",
    ]


def test_a_port_without_tag_or_bridge_is_told_as_it_is(host: Host) -> None:
    untagged = {**PORTS, "data": [[["uuid", "p1"], "ens1f0_2", ["set", []]]]}
    host.tool("ovs-vsctl", INTERFACES, untagged, {**BRIDGES, "data": [["br-phys1", ["uuid", "p1"]]]})
    assert [(port.bridge, port.vlan_id) for port in host.plumbing.representor_ports()] == [("br-phys1", 0)]
    host.tool("ovs-vsctl", INTERFACES, untagged, {**BRIDGES, "data": []})
    assert [port.bridge for port in host.plumbing.representor_ports()] == [""]


@pytest.mark.parametrize(
    "answers",
    [
        (),
        (INTERFACES, PORTS),
        (INTERFACES, PORTS, {"headings": ["name"]}),
        (INTERFACES, PORTS, []),
        (INTERFACES, PORTS, {**BRIDGES, "data": [["one"]]}),
    ],
)
def test_an_answer_of_another_form_is_a_fault_and_no_empty_list(host: Host, answers: tuple[object, ...]) -> None:
    host.tool("ovs-vsctl", *answers)
    with pytest.raises(HostFault):
        host.plumbing.representor_ports()


@pytest.mark.parametrize(("vlan_id", "tag"), [(100, " tag=100"), (0, "")])
def test_a_representor_is_plugged_by_the_rules_of_os_vif(host: Host, vlan_id: int, tag: str) -> None:
    host.tool("ovs-vsctl")
    host.tool("ip")
    host.plumbing.plug(RepresentorPort("br-phys1", "ens1f0_2", vlan_id, PORT, MAC, SERVER))
    up, written = host.told
    assert up == "ip link set dev ens1f0_2 up"
    said = f"iface-id={PORT} attached-mac={MAC} iface-status=active vm-uuid={SERVER} owner=mooring"
    assert written.split(" -- ") == [
        "ovs-vsctl --timeout=5 --format=json",
        "--if-exists del-port ens1f0_2",
        f"add-port br-phys1 ens1f0_2{tag}",
        " ".join(["set Interface ens1f0_2", *(f"external_ids:{pair}" for pair in said.split())]),
    ]


def test_a_representor_is_taken_off_and_down_and_one_that_went_is_no_error(host: Host) -> None:
    host.tool("ovs-vsctl")
    host.tool("ip")
    (host.root / "class/net/ens1f0_2/flags").write_text("0x1003\n")
    host.plumbing.unplug("ens1f0_2")
    host.plumbing.unplug("ens9_9")
    assert host.told == [
        "ovs-vsctl --timeout=5 --format=json -- --if-exists del-port ens1f0_2",
        "ip link set dev ens1f0_2 down",
        "ovs-vsctl --timeout=5 --format=json -- --if-exists del-port ens9_9",
    ]


def test_without_open_vswitch_the_package_is_named_and_its_refusal_is_heard(host: Host) -> None:
    with pytest.raises(Unsupported, match="ovs-vsctl is not installed"):
        host.plumbing.representor_ports()
    host.tool("ovs-vsctl", failure="ovs-vsctl: no bridge named br-phys1")
    host.tool("ip")
    with pytest.raises(HostFault, match="no bridge named br-phys1"):
        host.plumbing.plug(WANTED)
    with pytest.raises(NotFound, match="ens9_9"):
        host.plumbing.plug(RepresentorPort("br-phys1", "ens9_9", 0, PORT, MAC, SERVER))


def vlan(
    name: str = "eno1.100", parent: str = "eno1", vlan_id: int = 100, alias: str | None = "mooring"
) -> dict[str, Any]:
    info = {"info_kind": "vlan", "info_data": {"id": vlan_id}}
    return {"ifname": name, "link": parent, "linkinfo": info} | ({} if alias is None else {"ifalias": alias})


def test_our_vlans_are_those_with_our_alias(host: Host) -> None:
    host.tool("ip", [{}, vlan(), vlan("eno1.7", vlan_id=7, alias=None), vlan("eno1.8", vlan_id=8, alias="somebody's")])
    assert host.plumbing.vlan_netdevs() == [VLAN]
    assert host.told == ["ip -d -j link show type vlan"]


def test_a_vlan_is_made_marked_and_brought_up(host: Host) -> None:
    host.tool("ip")
    (host.root / "class/net/eno1/flags").write_text("0x1002\n")
    with pytest.raises(NotFound):  # these tools make nothing
        host.plumbing.add_vlan(VLAN)
    assert host.told == [
        "ip -d -j link show type vlan",
        "ip link set dev eno1 up",
        "ip link add link eno1 name eno1.100 type vlan id 100",
        "ip link set dev eno1.100 alias mooring",
    ]


@pytest.mark.parametrize("alias", ["mooring", None])
def test_a_vlan_that_is_there_is_used_whoever_made_it(host: Host, alias: str | None) -> None:
    host.tool("ip", [vlan(alias=alias)])
    host.netdev("eno1.100", "0x1002")
    host.plumbing.add_vlan(VLAN)
    assert host.told[1:] == ["ip link set dev eno1.100 up"]


@pytest.mark.parametrize("shown", [[vlan(vlan_id=7)], [vlan(parent="eno2")], []])
def test_another_netdev_of_that_name_is_left_alone(host: Host, shown: list[object]) -> None:
    host.tool("ip", shown)
    host.netdev("eno1.100", "0x1003")
    with pytest.raises(Conflict, match=r"eno1\.100 is here already"):
        host.plumbing.add_vlan(VLAN)
    assert len(host.told) == 1


def test_a_vlan_is_removed_once(host: Host) -> None:
    host.tool("ip")
    host.netdev("eno1.100", "0x1003")
    host.plumbing.remove_vlan("eno1.100")
    host.plumbing.remove_vlan("eno1.200")
    assert host.told == ["ip link delete dev eno1.100 type vlan"]


@pytest.mark.parametrize("shown", [[vlan() | {"linkinfo": {}}], ["eno1.100"], [{"linkinfo": 3}]])
def test_a_vlan_of_another_form_is_a_fault(host: Host, shown: list[object]) -> None:
    host.tool("ip", shown)
    with pytest.raises(HostFault, match="of another form"):
        host.plumbing.vlan_netdevs()
