"""Domain XML: what libvirt is told of a server, and what is read back from a domain that lives.

Pure, and built from elements, never from text: no field of a request can become markup. The shapes are those of
https://libvirt.org/formatdomain.html; ``mooring.testing.schemas`` checks them against libvirt's own grammar.

The XML carries the MAC and the VLAN of each VF because libvirt programs both at start, over whatever was there.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element, SubElement

from mooring.errors import HostFault, Invalid, Unsupported
from mooring.host.machine import DomainFiles
from mooring.host.numaxml import add_cells, add_tuning
from mooring.model.desired import DesiredInterface, DesiredServer
from mooring.model.host import NumaCell
from mooring.model.pci import PciAddress
from mooring.model.port import VifType, VnicType

#: A namespace name, compared and never fetched.
NAMESPACE = "https://mooring.dev/xmlns/1"
#: libvirt keeps an alias of the user's own only with this prefix; the rest is the port's id.
ALIAS_PREFIX = "ua-"
#: Empty root ports beyond those that are filled from the start. A slot of q35's own bus takes no device while the guest
#: runs.
SPARE_ROOT_PORTS = 4
#: The root disk, the config drive and the random number generator.
_VIRTIO_DEVICES = 3
_ENTROPY = "/dev/urandom"

#: Of the name of every domain of ours; the rest is the server's id.
NAME_PREFIX = "mooring-"

VLAN_ID_MAX = 4094
#: ``LIBVIRT_IFLA_VF_PORT_PROFILE_MAX`` is 40 with its final NUL.
PROFILE_ID_MAX_CHARS = 39

#: libvirt prints a domain's UUID in lower case, with dashes.
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_UNICAST_MAC = re.compile(r"[0-9a-f][02468ace](?::[0-9a-f]{2}){5}", re.ASCII)
_ALIAS = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
#: The kernel takes more characters than these (``dev_valid_name``), libvirt's grammar does not. IFNAMSIZ is 16.
_NETDEV = re.compile(r"(?!\.\.?$)[A-Za-z0-9_.-]{1,15}", re.ASCII)
_PROFILE_ID = re.compile(rf"[\x20-\x7e]{{1,{PROFILE_ID_MAX_CHARS}}}", re.ASCII)
_ZERO_MAC = "00:00:00:00:00:00"
#: Control characters and lone surrogates: XML 1.0 cannot carry most of them, and libvirt refuses a title of two lines.
_UNWRITABLE_CATEGORIES = frozenset({"Cc", "Cs"})
_UNWRITABLE = frozenset({"\ufffe", "\uffff"})


class DomainKind(StrEnum):
    """The domain's ``type``: who runs the guest."""

    KVM = "kvm"
    QEMU = "qemu"
    """Emulated, for hosts without KVM."""
    TEST = "test"
    """libvirt's own test driver, which runs nothing."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the host has, by names that XML needs and the controller does not know."""

    netdevs: Mapping[PciAddress, str] = field(default_factory=dict)
    """The network device of each function that has one, as sysfs shows it now."""
    ovs_bridges: frozenset[str] = frozenset()
    """Those of its bridges that are Open vSwitch's."""
    numa_cells: Sequence[NumaCell] = ()
    """Its NUMA nodes; only a guest with cells of its own needs them."""


def domain_name(server_id: str) -> str:
    """The domain's name. Servers may share a name and domains may not, so it is made from the id."""
    return NAME_PREFIX + server_id


def domain_xml(server: DesiredServer, kind: DomainKind, wiring: Wiring, files: DomainFiles) -> str:
    """The whole domain, with our marker.

    Raises Invalid for a field that cannot be written, Unsupported for a vif type that this host cannot plug, and
    HostFault when a macvtap port's VF has no network device, or the host not the NUMA nodes that the guest is to be on.
    """
    if server.vcpus < 1 or server.memory_mib < 1:
        raise Invalid(f"a server needs a vcpu and memory, got {server.vcpus} vcpus and {server.memory_mib} MiB")
    domain = Element("domain", type=kind.value)
    _add(domain, "name", domain_name(_checked(server.id, UUID, "server id")))
    _add(domain, "uuid", server.id)
    if server.name:
        _add(domain, "title", writable(server.name, "server name"))
    domain.append(_marker(server.generation))
    _add(domain, "memory", str(server.memory_mib), unit="MiB")
    _add(domain, "vcpu", str(server.vcpus))
    add_tuning(domain, server, wiring.numa_cells)
    _add_machine(domain, kind, server)
    devices = SubElement(domain, "devices")
    # Named, or libvirt would take the first root port for the root itself and refuse it.
    SubElement(devices, "controller", type="pci", index="0", model="pcie-root")
    filled = len(server.interfaces) + len(server.passthrough) + _VIRTIO_DEVICES
    for _ in range(filled + SPARE_ROOT_PORTS):
        SubElement(devices, "controller", type="pci", model="pcie-root-port")
    # Or libvirt puts in a USB controller, and one of the spare ports is gone.
    SubElement(devices, "controller", type="usb", model="none")
    if files.root_disk is not None:
        _add_root_disk(devices, files.root_disk)
    _add_config_drive(devices, files.config_drive)
    for interface in server.interfaces:
        devices.append(_interface(interface, wiring))
    # Without an alias of ours: that names a port, and what a flavor asked for is known by its address.
    for address in sorted(server.passthrough):
        devices.append(_hostdev(address))
    _add_console(devices, files.console_log)
    # A guest without entropy waits for it at its first boot, and a passed-through nic brings hardly any.
    generator = SubElement(devices, "rng", model="virtio")
    _add(generator, "backend", _ENTROPY, model="random")
    # VFIO pins all of the guest's memory, so that a balloon could give nothing back.
    SubElement(devices, "memballoon", model="none")
    return ET.tostring(domain, encoding="unicode")


def interface_xml(interface: DesiredInterface, wiring: Wiring) -> str:
    """One device, for a live attach: an ``<interface>``, or the ``<hostdev>`` of a direct-physical port.

    Raises as ``domain_xml`` does.
    """
    return ET.tostring(_interface(interface, wiring), encoding="unicode")


def writable(text: str, what: str) -> str:
    """``text``, if XML 1.0 and libvirt can carry it unchanged; raises Invalid with the first character they cannot."""
    for place, character in enumerate(text):
        if character in _UNWRITABLE or unicodedata.category(character) in _UNWRITABLE_CATEGORIES:
            raise Invalid(f"the {what} has U+{ord(character):04X} at {place}, which domain XML cannot carry")
    return text


def _marker(generation: int) -> Element:
    if generation < 0:
        raise Invalid(f"a generation is never negative, got {generation}")
    metadata = Element("metadata")
    # The prefix is spelled out: register_namespace would change ElementTree for the whole process.
    SubElement(metadata, "mooring:server", {"xmlns:mooring": NAMESPACE, "generation": str(generation)})
    return metadata


def _add_machine(domain: Element, kind: DomainKind, server: DesiredServer) -> None:
    system = SubElement(domain, "os")
    _add(system, "type", "hvm", arch="x86_64", machine="q35")
    SubElement(system, "boot", dev="hd")
    features = SubElement(domain, "features")
    SubElement(features, "acpi")
    SubElement(features, "apic")
    if kind is DomainKind.KVM or server.numa_nodes:
        add_cells(SubElement(domain, "cpu", {"mode": "host-model"} if kind is DomainKind.KVM else {}), server)
    SubElement(domain, "clock", offset="utc")
    for event, action in (("on_poweroff", "destroy"), ("on_reboot", "restart"), ("on_crash", "destroy")):
        _add(domain, event, action)


def _add_root_disk(devices: Element, path: Path) -> None:
    """The overlay, on the host's page cache: the image below it is read once for all of its guests.

    ``writeback`` keeps a guest's flushes, so a power cut costs it no more than on a disk of its own; ``none`` would
    want O_DIRECT, which not every file system has.
    """
    disk = SubElement(devices, "disk", type="file", device="disk")
    SubElement(disk, "driver", name="qemu", type="qcow2", cache="writeback", discard="unmap")
    SubElement(disk, "source", file=_path(path))
    SubElement(disk, "target", dev="vda", bus="virtio")


def _add_config_drive(devices: Element, path: Path) -> None:
    """A disk and no CD-ROM: readers look for the label on any, and images for clouds come without a driver for SATA."""
    disk = SubElement(devices, "disk", type="file", device="disk")
    SubElement(disk, "driver", name="qemu", type="raw")
    SubElement(disk, "source", file=_path(path))
    SubElement(disk, "target", dev="vdb", bus="virtio")
    SubElement(disk, "readonly")


def _add_console(devices: Element, log: Path) -> None:
    """A serial console, and all that it says in a file as well, which virtlogd keeps within its own limit."""
    serial = SubElement(devices, "serial", type="pty")
    SubElement(serial, "log", file=_path(log), append="on")
    SubElement(serial, "target", port="0")
    SubElement(SubElement(devices, "console", type="pty"), "target", type="serial", port="0")


def _path(path: Path) -> str:
    if not path.is_absolute():
        raise Invalid(f"{path} is not an absolute path")
    return writable(str(path), "path")


def _interface(interface: DesiredInterface, wiring: Wiring) -> Element:
    match (interface.vif_type, interface.vnic_type):
        case (VifType.BRIDGE | VifType.OVS, VnicType.NORMAL):
            device = _bridge(interface, wiring)
        case (VifType.MACVTAP, VnicType.NORMAL):
            device = _macvtap_on(interface.source or "", interface, mode="bridge")
            SubElement(device, "model", type="virtio")
        case (VifType.HW_VEB | VifType.QBH | VifType.OVS, VnicType.DIRECT):
            device = _direct(interface)
        case (VifType.HW_VEB | VifType.QBH, VnicType.MACVTAP):
            device = _macvtap(interface, wiring)
        case (VifType.HOSTDEV_PHYSICAL, VnicType.DIRECT_PHYSICAL) | (VifType.IB_HOSTDEV, VnicType.DIRECT):
            # A whole PF, or a VF on InfiniBand: libvirt touches neither MAC nor VLAN there, so the XML names none.
            device = _hostdev(_address(interface))
        case _:
            raise Unsupported(
                f"port {interface.port_id} has vif type {interface.vif_type!r} with vnic type "
                f"{interface.vnic_type!r}, which this host cannot plug"
            )
    SubElement(device, "alias", name=ALIAS_PREFIX + _checked(interface.port_id, _ALIAS, "port id"))
    return device


def _direct(interface: DesiredInterface) -> Element:
    device = Element("interface", type="hostdev", managed="yes")
    _add_mac(device, interface)
    SubElement(device, "driver", name="vfio")
    _add_source(device, _address(interface), type="pci")
    _add_network(device, interface)
    return device


def _macvtap(interface: DesiredInterface, wiring: Wiring) -> Element:
    address = _address(interface)
    netdev = wiring.netdevs.get(address)
    if netdev is None:
        raise HostFault(
            f"function {address} of port {interface.port_id} has no network device, and macvtap needs one",
            hint="is the VF's driver loaded on the host, and is the VF bound to it?",
        )
    device = _macvtap_on(netdev, interface, mode="passthrough")
    _add_network(device, interface)
    SubElement(device, "model", type="virtio")
    return device


def _macvtap_on(netdev: str, interface: DesiredInterface, *, mode: str) -> Element:
    device = Element("interface", type="direct")
    _add_mac(device, interface)
    SubElement(device, "source", dev=_checked(netdev, _NETDEV, "network device"), mode=mode)
    return device


def _bridge(interface: DesiredInterface, wiring: Wiring) -> Element:
    device = Element("interface", type="bridge")
    _add_mac(device, interface)
    SubElement(device, "source", bridge=_checked(interface.bridge or "", _NETDEV, "bridge"))
    if interface.vif_type == VifType.OVS or interface.bridge in wiring.ovs_bridges:
        virtualport = SubElement(device, "virtualport", type="openvswitch")
        # Open vSwitch's iface-id, by which Neutron's own tools find a port.
        SubElement(virtualport, "parameters", interfaceid=_checked(interface.port_id, UUID, "port id"))
    # Only where it is needed: libvirt tags on Linux bridges since 11.0, older ones refuse the start.
    if interface.vlan_id:
        _add_vlan(device, interface)
    SubElement(device, "model", type="virtio")
    SubElement(device, "mtu", size=str(interface.mtu))
    return device


def _hostdev(address: PciAddress) -> Element:
    """A plain PCI device: libvirt takes it from its driver and gives it back, and sets nothing of it."""
    device = Element("hostdev", mode="subsystem", type="pci", managed="yes")
    _add_source(device, address)
    return device


def _add_network(device: Element, interface: DesiredInterface) -> None:
    """Who tags the VF's frames: the card, by VLAN id, or the upstream switch, by port profile.

    libvirt refuses the two together; a profile id on a ``hw_veb`` port is the controller's business and not written.
    Behind a representor it is the port of Open vSwitch that tags, and the XML has neither.
    """
    if interface.vif_type == VifType.OVS:
        return
    if interface.vif_type != VifType.QBH:
        _add_vlan(device, interface)
        return
    profile_id = _checked(interface.profile_id or "", _PROFILE_ID, "port profile")
    SubElement(SubElement(device, "virtualport", type="802.1Qbh"), "parameters", profileid=profile_id)


def _add_vlan(device: Element, interface: DesiredInterface) -> None:
    """``<vlan>``, for id 0 as well.

    Without the element libvirt sets a VF's VLAN to 0 whatever it was before: the tag 0 of a flat network says no
    more than what happens, and a reader of the XML sees which VLAN was meant.
    """
    if not 0 <= interface.vlan_id <= VLAN_ID_MAX:
        raise Invalid(f"the VLAN of port {interface.port_id} must be 0..{VLAN_ID_MAX}, got {interface.vlan_id}")
    SubElement(SubElement(device, "vlan"), "tag", id=str(interface.vlan_id))


def _add_mac(device: Element, interface: DesiredInterface) -> None:
    mac = _checked(interface.mac.lower(), _UNICAST_MAC, "MAC address")
    if mac == _ZERO_MAC:
        raise Invalid(f"the MAC address of port {interface.port_id} is {_ZERO_MAC}")
    SubElement(device, "mac", address=mac)


def _add_source(device: Element, address: PciAddress, **attributes: str) -> None:
    SubElement(
        SubElement(device, "source"),
        "address",
        attributes,
        domain=f"0x{address.domain:04x}",
        bus=f"0x{address.bus:02x}",
        slot=f"0x{address.slot:02x}",
        function=f"0x{address.function:x}",
    )


def _address(interface: DesiredInterface) -> PciAddress:
    if interface.address is None:
        raise Invalid(f"port {interface.port_id} of vnic type {interface.vnic_type!r} names no PCI function")
    return interface.address


def _add(parent: Element, tag: str, text: str, **attributes: str) -> None:
    SubElement(parent, tag, attributes).text = text


def _checked(value: str, pattern: re.Pattern[str], what: str) -> str:
    if pattern.fullmatch(value) is None:
        raise Invalid(f"{value!r} is not a {what} that domain XML can carry")
    return value
