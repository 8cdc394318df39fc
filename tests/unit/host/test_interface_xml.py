"""What XML each kind of interface is made of, element by element."""

from dataclasses import replace

import pytest

from mooring.host.domainxml import interface_xml
from mooring.model.desired import DesiredInterface
from tests.unit.host.interfaces import (
    DIRECT,
    DIRECT_QBH,
    INFINIBAND,
    MAC,
    MACVTAP,
    MACVTAP_QBH,
    NORMAL,
    NORMAL_OVS,
    OFFLOADED,
    ON_OVS,
    PHYSICAL,
    PORT,
    SHARED_NIC,
    WIRING,
    shape,
)

ADDRESS = "address bus=0x81 domain=0x0000 function=0x4 slot=0x10"
VLAN_100 = ["/interface/vlan", "/interface/vlan/tag id=100"]
GOLD = ["/interface/virtualport type=802.1Qbh", "/interface/virtualport/parameters profileid=gold"]
ALIAS = f"alias name=ua-{PORT}"


@pytest.mark.parametrize(
    ("interface", "expected"),
    [
        pytest.param(
            DIRECT,
            [
                "/interface managed=yes type=hostdev",
                f"/interface/mac address={MAC}",
                "/interface/driver name=vfio",
                "/interface/source",
                f"/interface/source/{ADDRESS} type=pci",
                *VLAN_100,
                f"/interface/{ALIAS}",
            ],
            id="direct",
        ),
        pytest.param(
            MACVTAP,
            [
                "/interface type=direct",
                f"/interface/mac address={MAC}",
                "/interface/source dev=enp129s0f0v2 mode=passthrough",
                *VLAN_100,
                "/interface/model type=virtio",
                f"/interface/{ALIAS}",
            ],
            id="macvtap",
        ),
        pytest.param(
            NORMAL,
            [
                "/interface type=bridge",
                f"/interface/mac address={MAC}",
                "/interface/source bridge=br-phys1",
                *VLAN_100,
                "/interface/model type=virtio",
                "/interface/mtu size=9000",
                f"/interface/{ALIAS}",
            ],
            id="normal",
        ),
        pytest.param(
            ON_OVS,
            [
                "/interface type=bridge",
                f"/interface/mac address={MAC}",
                "/interface/source bridge=br-ovs",
                "/interface/virtualport type=openvswitch",
                f"/interface/virtualport/parameters interfaceid={PORT}",
                *VLAN_100,
                "/interface/model type=virtio",
                "/interface/mtu size=9000",
                f"/interface/{ALIAS}",
            ],
            id="normal-on-ovs",
        ),
        pytest.param(
            DIRECT_QBH,
            [
                "/interface managed=yes type=hostdev",
                f"/interface/mac address={MAC}",
                "/interface/driver name=vfio",
                "/interface/source",
                f"/interface/source/{ADDRESS} type=pci",
                *GOLD,
                f"/interface/{ALIAS}",
            ],
            id="direct-port-profile",
        ),
        pytest.param(
            PHYSICAL,
            [
                "/hostdev managed=yes mode=subsystem type=pci",
                "/hostdev/source",
                f"/hostdev/source/{ADDRESS}",
                f"/hostdev/{ALIAS}",
            ],
            id="direct-physical",
        ),
        pytest.param(
            OFFLOADED,
            [
                "/interface managed=yes type=hostdev",
                f"/interface/mac address={MAC}",
                "/interface/driver name=vfio",
                "/interface/source",
                f"/interface/source/{ADDRESS} type=pci",
                f"/interface/{ALIAS}",
            ],
            id="ovs-direct",
        ),
        pytest.param(
            SHARED_NIC,
            [
                "/interface type=direct",
                f"/interface/mac address={MAC}",
                "/interface/source dev=eno1.100 mode=bridge",
                "/interface/model type=virtio",
                f"/interface/{ALIAS}",
            ],
            id="macvtap-on-a-nic",
        ),
        pytest.param(
            INFINIBAND,
            [
                "/hostdev managed=yes mode=subsystem type=pci",
                "/hostdev/source",
                f"/hostdev/source/{ADDRESS}",
                f"/hostdev/{ALIAS}",
            ],
            id="infiniband",
        ),
    ],
)
def test_interface_has_exactly_these_elements(interface: DesiredInterface, expected: list[str]) -> None:
    assert shape(interface_xml(interface, replace(WIRING, ovs_bridges=frozenset({"br-ovs"})))) == expected


def test_binding_of_open_vswitch_is_a_port_of_it_whatever_the_host_knows_of_the_bridge() -> None:
    knowing = replace(WIRING, ovs_bridges=frozenset({"br-ovs"}))
    assert interface_xml(NORMAL_OVS, WIRING) == interface_xml(ON_OVS, knowing)


@pytest.mark.parametrize("interface", [DIRECT, MACVTAP])
def test_flat_network_writes_vlan_0_on_a_vf_because_libvirt_sets_it_anyway(interface: DesiredInterface) -> None:
    assert "/interface/vlan/tag id=0" in shape(interface_xml(replace(interface, vlan_id=0), WIRING))


def test_flat_network_writes_no_vlan_on_a_bridge_because_older_libvirt_refuses_it() -> None:
    assert "vlan" not in interface_xml(replace(NORMAL, vlan_id=0), WIRING)


@pytest.mark.parametrize("interface", [DIRECT_QBH, MACVTAP_QBH])
def test_port_profile_is_never_written_beside_a_vlan(interface: DesiredInterface) -> None:
    assert "vlan" not in interface_xml(interface, WIRING)
