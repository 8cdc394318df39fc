"""An interface of every kind, for the tests of what XML is made of them."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from mooring.host.domainxml import Wiring
from mooring.host.livexml import parse
from mooring.model.desired import DesiredInterface
from mooring.model.pci import PciAddress

VF = PciAddress.parse("0000:81:10.4")
PORT = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
MAC = "02:00:00:00:01:55"
WIRING = Wiring({VF: "enp129s0f0v2"})
DIRECT = DesiredInterface(PORT, MAC, vnic_type="direct", vif_type="hw_veb", address=VF, vlan_id=100)
MACVTAP = replace(DIRECT, vnic_type="macvtap")
NORMAL = DesiredInterface(PORT, MAC, vnic_type="normal", vif_type="bridge", bridge="br-phys1", vlan_id=100, mtu=9000)
DIRECT_QBH = replace(DIRECT, vif_type="802.1qbh", profile_id="gold")
MACVTAP_QBH = replace(DIRECT_QBH, vnic_type="macvtap")
ON_OVS = replace(NORMAL, bridge="br-ovs")
NORMAL_OVS = replace(ON_OVS, vif_type="ovs")
OFFLOADED = replace(DIRECT, vif_type="ovs", bridge="br-ovs")
SHARED_NIC = replace(NORMAL, vif_type="macvtap", bridge=None, source="eno1.100", parent="eno1")
INFINIBAND = replace(DIRECT, vif_type="ib_hostdev")
PHYSICAL = replace(DIRECT, vnic_type="direct-physical", vif_type="hostdev_physical", vlan_id=0)


def shape(xml: str) -> list[str]:
    """Every element as ``path attribute=value ...``, in order."""

    def walk(element: ET.Element, path: str) -> list[str]:
        here = f"{path}/{element.tag}"
        line = " ".join([here, *(f"{name}={value}" for name, value in sorted(element.attrib.items()))])
        return [line, *(line for child in element for line in walk(child, here))]

    return walk(parse(xml), "")
