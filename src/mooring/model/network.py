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
