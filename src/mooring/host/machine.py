"""A machine, as the agent sees it: protocols, each with a real and a simulated implementation.

The real ones are ``host/netlink.py``, ``host/pcibus.py``, ``host/disks.py``, ``host/watch.py`` and
``host/libvirtd.py``; the simulated ones are in ``mooring.testing``. Discovery has one implementation for both,
``host/sysfs.py``: a simulated host is a sysfs tree on disk.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mooring.errors import NotFound
from mooring.model.desired import DesiredDhcp, DesiredServer
from mooring.model.host import DhcpInterface
from mooring.model.pci import PciAddress, PciFunction
from mooring.model.vf import VfField, VfSettings

__all__ = ["DomainState", "Hypervisor", "HypervisorFacts", "Machine", "VfField", "VfTable"]


@dataclass(frozen=True, slots=True)
class PfView:
    """One RTM_NEWLINK of a PF: its own link, and what its driver holds for each VF."""

    is_up: bool
    """``IFF_UP``: somebody wants it up."""
    has_carrier: bool
    """``IFF_LOWER_UP``: the cable and the switch agree."""
    vfs: Mapping[int, VfSettings]
    """Every VF, by index."""


class VfTable(Protocol):
    """What a PF's driver holds for its VFs: ``ip link show/set PF vf N``."""

    def read(self, pf_netdev: str, vf_index: int) -> VfSettings:
        """What the kernel shows for one VF; ``None`` fields are ones that this card does not report.

        Raises NotFound when the PF or the VF is not there, HostFault when the list is truncated.
        """

    def look(self, pf_netdev: str) -> PfView:
        """The PF and every VF of it. A list shorter than ``sriov_numvfs`` is a HostFault, never a result."""

    def bring_up(self, pf_netdev: str) -> None:
        """``ip link set PF up``: the VFs of a PF that is down have no link. One that is up already is no error."""

    def write(self, pf_netdev: str, vf_index: int, fields: Sequence[VfField], wanted: VfSettings) -> None:
        """Write these fields of ``wanted``, in this order, in one request; the first that is refused ends it.

        What came before a refused field is written then. The error names the field, in its message and as ``field``
        in its facts, beside the ``errno``.
        Raises Unsupported (EOPNOTSUPP, EPROTONOSUPPORT), Invalid (EINVAL, ERANGE), NotFound (ENODEV),
        Conflict (EBUSY) or HostFault (anything else). Success is not proof: the caller reads back.
        """


@dataclass(frozen=True, slots=True)
class DomainState:
    """One domain of ours, as the hypervisor shows it. Domains without our marker are never listed."""

    server_id: str
    generation: int
    """From the metadata marker that ``host/domainxml.py`` writes."""
    is_running: bool
    interface_macs: tuple[str, ...]
    """Of every interface but direct-physical ones: a plain PCI device has no MAC in domain XML."""
    port_ids: tuple[str, ...] = ()
    """Of every interface; direct-physical ones last."""
    functions: tuple[PciAddress, ...] = ()
    """The PCI functions that the guest holds; a macvtap port's VF stays with the host and is not among them."""


@dataclass(frozen=True, slots=True)
class HypervisorFacts:
    type: str
    """As libvirt spells it: ``QEMU``."""
    version: int
    """The hypervisor's, as libvirt counts: major * 1,000,000 + minor * 1,000 + release."""
    vcpus: int
    memory_mib: int
    disk_gib: int


class Hypervisor(Protocol):
    """What the agent asks of libvirt. Every call names a server by its id, which is the domain's UUID.

    Every call may raise Unreachable (libvirt does not answer), Unsupported (this libvirt cannot), Forbidden (it
    may not) and HostFault (it broke, or what was done does not show). Calls block; success was read back.
    """

    def facts(self) -> HypervisorFacts:
        """What the machine has, in all."""

    def domains(self) -> Sequence[DomainState]:
        """The domains that carry our marker; others are none of our business."""

    def start(self, domain_xml: str) -> None:
        """Define and start. Starting a domain that runs already with the same XML is no error.

        A start that fails leaves no domain running. Raises Invalid for XML that is malformed or not marked as ours,
        Stale when the domain is here at a newer generation, and Conflict when it runs as another one, when the
        UUID is taken by a domain that is not ours, or when another domain holds one of its functions.
        """

    def destroy(self, server_id: str) -> None:
        """Stop at once and undefine. A domain that is not there is no error; one without our marker is a Conflict."""

    def attach(self, server_id: str, interface_xml: str) -> None:
        """Plug one more device in; one that is there already, the same, is no error.

        Raises NotFound when the domain is not there, Conflict when it is not ours or the port is plugged otherwise.
        """

    def detach(self, server_id: str, port_id: str) -> None:
        """Unplug the port's device; one that is not there is no error.

        By port and not by MAC: a direct-physical device shows none, and ports of two networks may have the same.
        The guest may take its time: raises Conflict while it has not let go, and then it is worth asking again.
        Raises NotFound when the domain is not there.
        """

    def xml(self, server_id: str) -> str:
        """The live XML; raises NotFound, also for a domain that is not ours."""


@dataclass(frozen=True, slots=True)
class DomainFiles:
    """The files behind one domain, as absolute paths."""

    config_drive: Path
    console_log: Path
    root_disk: Path | None = None
    """A qcow2 overlay on the image; ``None`` for a server without an image."""


class Disks(Protocol):
    """The folder that holds images, and the files of each server."""

    def prepare(self, server: DesiredServer) -> DomainFiles:
        """Make the files of a server that is about to start. A root disk that is there stays: it is the guest's own.

        The config drive is made anew, for addresses and tags may have changed since.
        Raises NotFound for an image that is not on this host, Invalid for one that is not what its format says, that
        leans on another file or that the flavor's disk is too small for, Unsupported without the tools, and HostFault
        when the disk is full or a tool fails.
        """

    def discard(self, server_id: str) -> None:
        """Delete the server's files; none there is no error. Read back."""

    def kept(self) -> Sequence[str]:
        """The ids of the servers that have files here."""

    def console_tail(self, server_id: str, bytes_max: int) -> bytes:
        """The last bytes that the guest wrote to its console; empty when it wrote none, or has no files here."""


class PciBus(Protocol):
    """What is done to a function as a PCI device, by way of sysfs. Every wait has a limit.

    Every call may raise NotFound (no such function), Conflict (EBUSY, EAGAIN), Unsupported (no such file, EOPNOTSUPP,
    ENOTTY) and HostFault (anything else, and what does not show afterwards).
    """

    def driver(self, address: PciAddress) -> str | None:
        """The driver that has the function."""

    def unbind(self, address: PciAddress) -> None:
        """Take the function from its driver; one without a driver is no error."""

    def bind(self, address: PciAddress) -> None:
        """Give the function to the driver that the kernel would choose, and wait for its netdev where it gets one.

        A NIC without a driver is a fault. Other functions are there for guests, and may be left without one, or to the
        driver that ``driver_override`` names.
        """

    def reset(self, address: PciAddress, *, any_method: bool = False) -> bool:
        """Function level reset. False: this function has none. It must be without a driver.

        With ``any_method``, whatever the kernel has for this function: it resets a bus or a slot by it only when
        nothing else is there (pci_parent_bus_reset and pci_dev_reset_slot_function in drivers/pci/pci.c).
        """

    def set_vf_count(self, pf: PciAddress, count: int) -> None:
        """Write ``sriov_numvfs``, from 0 only, and wait for the VFs. Raises Conflict when it is another number."""

    def remove_vfs(self, pf: PciAddress) -> None:
        """Write 0 to ``sriov_numvfs``, and wait until none is there; nobody may have one. None there is no error."""


class Watch(Protocol):
    """What the kernel and the hypervisor say of themselves, between two looks."""

    def heard(self) -> Sequence[str]:
        """What happened since the last call, in words (``link enp1s0``, ``pci remove 0000:01:10.0``); bounded.

        Empty is no proof that nothing did: messages are lost when a socket overflows, so polling stays behind it.
        """

    def close(self) -> None: ...


class Occupants(Protocol):
    """What the host itself does with netdevs and devices, beyond what sysfs shows."""

    def netdevs(self) -> Mapping[str, str]:
        """Of each netdev that has an address or a route, which: ``has address 192.0.2.4/24``. Raises HostFault.

        Link-local IPv6 addresses do not count: the kernel gives one to every netdev that is up.
        """

    def disks(self, disks: Mapping[str, str]) -> Mapping[str, str]:
        """Of these block devices, each by name with its number (``259:1``), how those that are used are.

        ``is mounted on /srv``, by name. What cannot be told counts as use.
        """

    def holders(self, nodes: Collection[str], *, is_seen: bool = False) -> Mapping[str, str]:
        """Who has these device nodes (``/dev/vfio/15``) open, by node: ``process 4711 (testpmd)``.

        While there are processes that may not be looked into, any of them may have any node: each node is told. With
        ``is_seen`` only what was seen is.
        """


class Traits(Protocol):
    """What cards say of themselves, beyond what sysfs shows in its attributes."""

    def added_to(self, functions: Sequence[PciFunction]) -> Sequence[PciFunction]:
        """The same functions with ``serial``, ``eswitch_mode`` and ``features``; ``None`` where that cannot be told."""


@dataclass(frozen=True, slots=True)
class DhcpSeen:
    """What was read back of a DHCP server that runs."""

    mac: str
    addresses: tuple[str, ...]
    """Those of its interface, with their prefix lengths."""
    notes: tuple[str, ...] = ()
    """What was asked for and is left out, in sentences."""


class DhcpServers(Protocol):
    """The DHCP servers of this host, one a network. Whatever a network's server runs as is found again by its id.

    Every call may raise HostFault, for what failed or does not show afterwards, and Unsupported without the programs.
    """

    def interfaces(self) -> Sequence[DhcpInterface]:
        """By physical network; empty: this host is to serve none."""

    def served(self) -> Sequence[str]:
        """The ids of the networks of which there is anything here."""

    def is_alive(self, network_id: str) -> bool:
        """Whether the process of the network's server is there."""

    def serve(self, wanted: DesiredDhcp) -> DhcpSeen:
        """Make the network's server as wanted, as far as it is not; read back. One that goes on is not interrupted.

        Raises NotFound for a physical network that this host has no interface on.
        """

    def remove(self, network_id: str) -> None:
        """End the network's server and remove all of it; none there is no error."""


class NoDhcp(DhcpServers):
    """Of a host that is to serve none."""

    def interfaces(self) -> Sequence[DhcpInterface]:
        return ()

    def served(self) -> Sequence[str]:
        return ()

    def is_alive(self, network_id: str) -> bool:  # noqa: ARG002 - none is
        return False

    def serve(self, wanted: DesiredDhcp) -> DhcpSeen:
        raise NotFound("DHCP interface", wanted.physical_network, hint="see dhcp_interfaces in agent.toml")

    def remove(self, network_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class VlanNetdev:
    """A VLAN's sub-interface of an ordinary network device."""

    name: str
    parent: str
    vlan_id: int


@dataclass(frozen=True, slots=True)
class RepresentorPort:
    """A VF's representor as a port of an Open vSwitch bridge, with what os-vif writes of its port."""

    bridge: str
    representor: str
    vlan_id: int
    """The port's tag; 0 is none."""
    port_id: str
    mac: str
    server_id: str


class Plumbing(Protocol):
    """What carries frames between guests and a physical network besides VFs. What is listed was made by Mooring.

    Every call may raise Unsupported (a program is not installed) and HostFault; what was done is read back by listing.
    """

    def ovs_bridges(self, names: Collection[str]) -> frozenset[str]:
        """Those of the names that are Open vSwitch's bridges. Raises HostFault when it does not answer."""

    def representor_ports(self) -> Sequence[RepresentorPort]:
        """Ours, on whatever bridge they are."""

    def plug(self, port: RepresentorPort) -> None:
        """Bring the representor up and make it that port, in one transaction; one that is otherwise is made anew."""

    def unplug(self, representor: str) -> None:
        """Off its bridge and down; the netdev itself is the card's. One that is on no bridge is no error."""

    def vlan_netdevs(self) -> Sequence[VlanNetdev]:
        """Ours."""

    def add_vlan(self, wanted: VlanNetdev) -> None:
        """Bring up the parent, make the sub-interface and bring it up. One that is there already, the same, is used.

        Raises Conflict for one of that name that is another.
        """

    def remove_vlan(self, name: str) -> None:
        """None there is no error."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything that one agent does things to."""

    sysfs_root: Path
    vf_table: VfTable
    pci_bus: PciBus
    hypervisor: Hypervisor
    disks: Disks
    watch: Watch
    boot_id: str
    occupants: Occupants
    traits: Traits
    plumbing: Plumbing
    dhcp: DhcpServers = field(default_factory=NoDhcp)
