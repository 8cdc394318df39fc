"""Hosts: what an agent says of its machine, and what the controller keeps of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mooring.model.pci import PciFunction
from mooring.model.vf import VfSettings

DEFAULT_ZONE = "nova"
"""Nova's ``default_availability_zone``."""


class Liveness(StrEnum):
    """By the controller's own monotonic clock; the agent's clock has no say."""

    ALIVE = "alive"
    UNKNOWN = "unknown"
    """Not heard from since the controller started, and the grace is not over."""
    DEAD = "dead"


class AgentType(StrEnum):
    """Neutron's names for the roles that a Mooring agent fills on its host."""

    NIC_SWITCH = "NIC Switch agent"
    LINUX_BRIDGE = "Linux bridge agent"
    OPEN_VSWITCH = "Open vSwitch agent"
    MACVTAP = "Macvtap agent"
    DHCP = "DHCP agent"


@dataclass(frozen=True, slots=True)
class NumaCell:
    """One NUMA node of a host."""

    id: int
    cpus: tuple[int, ...] = ()
    """The kernel's numbers of its processors, sorted."""
    memory_mib: int = 0
    socket: int | None = None
    """Which package its processors are in; ``None``: the kernel does not say, or they are in several."""


@dataclass(frozen=True, slots=True)
class OfferedFunction:
    """A function together with what the host's own device specs say of it."""

    function: PciFunction
    physical_network: str | None = None
    is_offered: bool = False
    reason: str = ""
    """Why it is not offered."""
    observed: VfSettings | None = None
    trusted: bool = False
    """Its device spec keeps it for trusted ports."""
    tags: tuple[str, ...] = ()
    """The free tags of its device spec, sorted."""


@dataclass(frozen=True, slots=True)
class DhcpInterface:
    """The netdev by which a host serves DHCP on a physical network."""

    physical_network: str
    netdev: str
    mac: str = ""
    reason: str = ""
    """Why it serves none; empty: it does."""


@dataclass(frozen=True, slots=True)
class HostSnapshot:
    """All that an agent knows of its machine, whole, at one moment."""

    boot_id: str
    agent_id: str
    """New for every start of the agent process; a new one begins a new epoch."""
    vcpus: int
    memory_mib: int
    disk_gib: int
    hypervisor_type: str = "QEMU"
    hypervisor_version: int = 0
    functions: tuple[OfferedFunction, ...] = ()
    bridge_mappings: Mapping[str, str] = field(default_factory=dict)
    """Physical network to the bridge that carries ``normal`` ports."""
    version: str = ""
    numa_cells: tuple[NumaCell, ...] = ()
    """By id; empty where the kernel shows no NUMA."""
    ovs_bridges: tuple[str, ...] = ()
    """Those of the mapped bridges that are Open vSwitch's, sorted."""
    interface_mappings: Mapping[str, str] = field(default_factory=dict)
    """Physical network to the ordinary network device below the ``macvtap`` driver's ports."""
    dhcp_interfaces: tuple[DhcpInterface, ...] = ()
    """Empty: its agent.toml does not say ``dhcp = true``."""


@dataclass(frozen=True, slots=True)
class Host:
    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    key_hash: str
    """SHA-256 of the key that the agent authenticates with."""
    availability_zone: str = DEFAULT_ZONE
    """Where it is: the zone of an aggregate that it is in, else its own."""
    is_enabled: bool = True
    disabled_reason: str | None = None
    epoch: int = 0
    boot_id: str = ""
    agent_id: str = ""
    vcpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0
    hypervisor_type: str = "QEMU"
    hypervisor_version: int = 0
    bridge_mappings: Mapping[str, str] = field(default_factory=dict)
    device_mappings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Physical network to the names of the PFs that reach it."""
    started_at: datetime | None = None
    heard_at: datetime | None = None
    """A coarse copy for people; liveness is kept in memory."""
    numa_cells: tuple[NumaCell, ...] = ()
    own_availability_zone: str = DEFAULT_ZONE
    """Where it is while none of its aggregates has a zone."""
    ovs_bridges: tuple[str, ...] = ()
    """Those of ``bridge_mappings`` that are Open vSwitch's."""
    interface_mappings: Mapping[str, str] = field(default_factory=dict)
    """Physical network to the ordinary network device below the ``macvtap`` driver's ports."""
    infiniband_networks: tuple[str, ...] = ()
    """Those of the physical networks in ``device_mappings`` that are InfiniBand fabrics."""
    dhcp_interfaces: tuple[DhcpInterface, ...] = ()


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A named set of hosts with properties: Nova's host aggregate."""

    id: int
    uuid: str
    name: str
    created_at: datetime
    updated_at: datetime
    hosts: tuple[str, ...] = ()
    """Sorted."""
    metadata: Mapping[str, str] = field(default_factory=dict)
