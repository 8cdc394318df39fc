"""What passes between controller and agent: the desired state of a host, and reports of what was read back.

The agent calls, the controller never does. JSON of these types is the whole protocol.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mooring.model.pci import PciAddress
from mooring.model.port import DhcpOption
from mooring.model.vf import VfSettings


class Purpose(StrEnum):
    """What a function is wanted for."""

    BASELINE = "baseline"
    """Clean, verified, nobody's."""
    SERVE = "serve"
    """A server's: one of its ports', or what its flavor asked for."""


class FunctionOutcome(StrEnum):
    BASELINE_VERIFIED = "baseline-verified"
    PROGRAMMED = "programmed"
    IN_USE = "in-use"
    DEGRADED = "degraded"
    """In a guest's hands and not as wanted: what differs is the reason. The next report says how that ended."""
    QUARANTINED = "quarantined"


class ServerOutcome(StrEnum):
    RUNNING = "running"
    ABSENT = "absent"
    FAILED = "failed"


class DhcpOutcome(StrEnum):
    SERVING = "serving"
    """Its process runs, its interface is up, and its addresses were read back."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DesiredFunction:
    address: PciAddress
    pf: PciAddress | None
    """``None`` is a whole PF, or a function without SR-IOV."""
    vf_index: int | None
    generation: int
    purpose: Purpose
    settings: VfSettings
    """Empty for what has none: whole functions, and VFs of something else than a NIC."""
    server_id: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """``destination`` is a CIDR."""

    destination: str
    next_hop: str


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """One fixed IP with what its subnet says, for the guest's network configuration."""

    ip_address: str
    cidr: str
    gateway_ip: str | None = None
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True)
class DesiredInterface:
    """One network interface of a server: everything that the domain XML needs of a port."""

    port_id: str
    mac: str
    vnic_type: str
    vif_type: str
    address: PciAddress | None = None
    vlan_id: int = 0
    """0 is untagged."""
    bridge: str | None = None
    profile_id: str | None = None
    mtu: int = 1500
    network_id: str = ""
    addresses: tuple[InterfaceAddress, ...] = ()
    tag: str | None = None
    """The nic's device tag, for the guest's metadata."""
    source: str | None = None
    """The network device below a macvtap in bridge mode: an ordinary NIC, or a VLAN's sub-interface of it."""
    parent: str | None = None
    """That NIC."""


@dataclass(frozen=True, slots=True)
class DesiredImage:
    id: str
    disk_format: str
    """As Glance says: ``qcow2`` or ``raw``."""


@dataclass(frozen=True, slots=True)
class DesiredServer:
    id: str
    name: str
    generation: int
    is_wanted: bool
    """False: the domain goes, then its functions are baselined."""
    vcpus: int
    memory_mib: int
    disk_gib: int = 0
    image: DesiredImage | None = None
    interfaces: tuple[DesiredInterface, ...] = ()
    project_id: str = ""
    availability_zone: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    user_data: str | None = None
    """Base64, as the API took it."""
    launch_index: int = 0
    """Its number among the servers of one request, from 0."""
    passthrough: tuple[PciAddress, ...] = ()
    """Functions that its flavor asked for and that are no interface; each is among the desired functions too."""
    numa_nodes: tuple[int, ...] = ()
    """The host node of each of the guest's NUMA cells, in their order; empty for a guest without cells."""


@dataclass(frozen=True, slots=True)
class DhcpSubnet:
    """What the guests of one subnet are told, and whether they are given addresses."""

    id: str
    cidr: str
    gateway_ip: str | None = None
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[Route, ...] = ()
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None


@dataclass(frozen=True, slots=True)
class DhcpHost:
    """One port: what its MAC is answered."""

    port_id: str
    mac: str
    addresses: tuple[str, ...]
    options: tuple[DhcpOption, ...] = ()


@dataclass(frozen=True, slots=True)
class DesiredDhcp:
    """A DHCP server of one network, with exactly the clients that it answers."""

    network_id: str
    physical_network: str
    vlan_id: int
    """0 is untagged."""
    mtu: int
    port_id: str
    """The server's own port: device owner ``network:dhcp``."""
    mac: str
    addresses: tuple[str, ...]
    """Its own, each with the prefix length of its subnet."""
    subnets: tuple[DhcpSubnet, ...] = ()
    hosts: tuple[DhcpHost, ...] = ()


@dataclass(frozen=True, slots=True)
class Desired:
    """The whole desired state of one host as of event ``sequence``."""

    host: str
    epoch: int
    sequence: int
    functions: tuple[DesiredFunction, ...] = ()
    servers: tuple[DesiredServer, ...] = ()
    missed: tuple[PciAddress, ...] = ()
    """What servers own and the host does not show: VFs that nobody makes anew under a claim."""
    consoles: tuple[str, ...] = ()
    """The servers whose consoles somebody waits for, by id. They are no state, and go with their answers."""
    dhcp: tuple[DesiredDhcp, ...] = ()
    """Every DHCP server that the host should run; any other of ours goes."""


@dataclass(frozen=True, slots=True)
class ConsoleTail:
    """The end of what a guest wrote to its serial console, or why it cannot be had."""

    output: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FunctionReport:
    address: PciAddress
    generation: int
    outcome: FunctionOutcome
    observed: VfSettings | None = None
    reason: str = ""
    is_refused: bool = False
    """DEGRADED because the card refuses a wanted setting; it holds what was wanted before."""


@dataclass(frozen=True, slots=True)
class ServerReport:
    id: str
    generation: int
    outcome: ServerOutcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DhcpReport:
    """What was read back of one DHCP server."""

    network_id: str
    port_id: str
    outcome: DhcpOutcome
    mac: str = ""
    addresses: tuple[str, ...] = ()
    """Those that its interface has, with their prefix lengths."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    epoch: int
    sequence: int
    """The ``Desired.sequence`` that this answers."""
    functions: tuple[FunctionReport, ...] = field(default=())
    servers: tuple[ServerReport, ...] = field(default=())
    dhcp: tuple[DhcpReport, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Welcome:
    """The answer to an inventory: who the controller takes the agent for, and its fencing epoch."""

    host: str
    epoch: int
