"""Networks, their segments, and subnets, spelled as Neutron spells them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class NetworkType(StrEnum):
    FLAT = "flat"
    VLAN = "vlan"


@dataclass(frozen=True, slots=True)
class Segment:
    """(network type, physical network, segmentation id). A flat segment has id ``None``."""

    id: str
    network_id: str
    network_type: NetworkType
    physical_network: str
    segmentation_id: int | None
    name: str | None = None
    description: str = ""
    is_dynamic: bool = False
    """A mechanism driver asked for it while it bound a port; it goes with the last port on it."""
    segment_index: int = 0
    """Its place among the segments of its network."""
    revision_number: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Network:
    id: str
    project_id: str
    name: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    admin_state_up: bool = True
    shared: bool = False
    external: bool = False
    mtu: int = 1500
    port_security_enabled: bool = True
    revision_number: int = 1
    tags: tuple[str, ...] = ()
    default_vnic_type: str | None = None
    """The vnic type of ports made for a server's nic that names only this network; Mooring's own."""
    is_default: bool = False
    """Neutron's mark of the external network that topologies are allocated on; kept and shown, and used for nothing."""
    qos_policy_id: str | None = None
    """The QoS policy of its ports that have none of their own."""
    port_profile_id: str | None = None
    """The port profile of its ports that have none of their own; Mooring's own."""


@dataclass(frozen=True, slots=True)
class IpRange:
    """First and last address of an allocation pool, both included."""

    start: str
    end: str


@dataclass(frozen=True, slots=True)
class HostRoute:
    destination: str
    nexthop: str


@dataclass(frozen=True, slots=True)
class Subnet:
    id: str
    network_id: str
    project_id: str
    name: str
    ip_version: int
    cidr: str
    created_at: datetime
    updated_at: datetime
    gateway_ip: str | None = None
    enable_dhcp: bool = True
    allocation_pools: tuple[IpRange, ...] = ()
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None
    service_types: tuple[str, ...] = ()
    description: str = ""
    revision_number: int = 0
    tags: tuple[str, ...] = field(default=())
    subnetpool_id: str | None = None
    """The pool that its CIDR was taken from."""
    segment_id: str | None = None
    """The segment that its addresses are for; ``None`` is all of its network."""


@dataclass(frozen=True, slots=True)
class AddressScope:
    """Subnet pools of one scope never overlap."""

    id: str
    project_id: str
    name: str
    ip_version: int
    shared: bool = False


@dataclass(frozen=True, slots=True)
class SubnetPool:
    """Prefixes that subnets' CIDRs are cut from."""

    id: str
    project_id: str
    name: str
    ip_version: int
    prefixes: tuple[str, ...]
    """Canonical, merged and sorted."""
    min_prefixlen: int
    max_prefixlen: int
    default_prefixlen: int
    created_at: datetime
    updated_at: datetime
    default_quota: int | None = None
    """What one project may have of it: IPv4 addresses, or IPv6 /64 networks."""
    address_scope_id: str | None = None
    shared: bool = False
    is_default: bool = False
    description: str = ""
    revision_number: int = 0
    tags: tuple[str, ...] = ()
