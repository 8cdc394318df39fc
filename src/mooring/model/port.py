"""Ports and their bindings. The binding attributes are Neutron's (`neutron_lib.api.definitions.portbindings`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class VnicType(StrEnum):
    NORMAL = "normal"
    DIRECT = "direct"
    MACVTAP = "macvtap"
    BAREMETAL = "baremetal"
    DIRECT_PHYSICAL = "direct-physical"
    VIRTIO_FORWARDER = "virtio-forwarder"
    SMART_NIC = "smart-nic"
    VDPA = "vdpa"
    ACCELERATOR_DIRECT = "accelerator-direct"
    ACCELERATOR_DIRECT_PHYSICAL = "accelerator-direct-physical"
    REMOTE_MANAGED = "remote-managed"


#: The vnic types whose port needs a virtual function of its own.
VF_VNIC_TYPES = frozenset({VnicType.DIRECT, VnicType.MACVTAP})
#: The vnic types whose port needs a function of its own, be it a virtual or a whole physical one.
FUNCTION_VNIC_TYPES = VF_VNIC_TYPES | {VnicType.DIRECT_PHYSICAL}


class VifType(StrEnum):
    UNBOUND = "unbound"
    BINDING_FAILED = "binding_failed"
    BRIDGE = "bridge"
    HW_VEB = "hw_veb"
    HOSTDEV_PHYSICAL = "hostdev_physical"
    QBH = "802.1qbh"
    OVS = "ovs"
    OTHER = "other"
    """A DHCP server's: its agent plugs it, and no mechanism driver is asked."""
    MACVTAP = "macvtap"
    """A macvtap in bridge mode on an ordinary NIC; not the vnic type, which takes a VF."""
    IB_HOSTDEV = "ib_hostdev"


class PortStatus(StrEnum):
    ACTIVE = "ACTIVE"
    BUILD = "BUILD"
    DOWN = "DOWN"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class FixedIp:
    subnet_id: str
    ip_address: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """One mechanism driver's no, with its reason."""

    driver: str
    reason: str


@dataclass(frozen=True, slots=True)
class BindingLevel:
    """One level of a hierarchical binding: who bound which segment. Level 0, the network's own segment, comes first."""

    driver: str
    segment_id: str


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a port is bound, how, and by whom; the result of asking the mechanism drivers."""

    host: str = ""
    vnic_type: VnicType = VnicType.NORMAL
    profile: Mapping[str, object] = field(default_factory=dict)
    vif_type: str = VifType.UNBOUND
    vif_details: Mapping[str, object] = field(default_factory=dict)
    driver: str | None = None
    """The mechanism driver that said yes, at the bottom level."""
    segment_id: str | None = None
    """The segment that the port is on, of the bottom level."""
    levels: tuple[BindingLevel, ...] = ()
    """All levels, top first; shown as ``bound_drivers``."""
    refusals: tuple[Refusal, ...] = ()
    """Why nobody said yes; kept so that ``port show`` can tell."""

    @property
    def is_bound(self) -> bool:
        return self.vif_type not in (VifType.UNBOUND, VifType.BINDING_FAILED)


@dataclass(frozen=True, slots=True)
class PortBinding:
    """A binding on another host than the active one, kept inactive until it is activated (``binding-extended``)."""

    id: str
    port_id: str
    created_at: datetime
    binding: Binding


@dataclass(frozen=True, slots=True)
class AddressPair:
    """A MAC and addresses that a port may send from besides its own."""

    ip_address: str
    mac_address: str


@dataclass(frozen=True, slots=True)
class DhcpOption:
    """``extra_dhcp_opts``: an option by its dnsmasq name or its number."""

    opt_name: str
    opt_value: str
    ip_version: int = 4


@dataclass(frozen=True, slots=True)
class PortFault:
    """Why a bound port does not work as wanted; set while its status is not what its owner asked for."""

    message: str
    """For the owner: without the host's names, VLANs, and what is another's."""
    details: str
    """The host's own words, for those who may see hosts."""


@dataclass(frozen=True, slots=True)
class Port:
    id: str
    network_id: str
    project_id: str
    name: str
    mac_address: str
    created_at: datetime
    updated_at: datetime
    status: PortStatus = PortStatus.DOWN
    admin_state_up: bool = True
    fixed_ips: tuple[FixedIp, ...] = ()
    device_id: str = ""
    device_owner: str = ""
    binding: Binding = field(default_factory=Binding)
    port_security_enabled: bool = True
    propagate_uplink_status: bool = True
    numa_affinity_policy: str | None = None
    trusted: bool | None = None
    description: str = ""
    revision_number: int = 1
    tags: tuple[str, ...] = ()
    device_index: int = 0
    """Its place among the nics of its server, from 0."""
    is_owned_by_server: bool = False
    """Made for a server's nic, so deleted with the server."""
    fault: PortFault | None = None
    device_tag: str | None = None
    """What the nic's owner calls it, for the guest's metadata: Nova's device tag."""
    qos_policy_id: str | None = None
    port_profile_id: str | None = None
    """Of its own; ``None`` leaves it to the network's default."""
    allowed_address_pairs: tuple[AddressPair, ...] = ()
    extra_dhcp_opts: tuple[DhcpOption, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    """Kept and shown; no backend here filters, and a port says so."""
    data_plane_status: str | None = None
    hints: Mapping[str, object] | None = None
    hardware_offload_type: str | None = None
    device_profile: str | None = None
