"""Devices as the controller knows them, wishes for them, and the claims that join the two."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mooring.model.pci import FunctionKind, PciAddress
from mooring.model.vf import VfSettings, VfState


class NumaPolicy(StrEnum):
    """How near a device has to be to its guest's cells: Nova's ``hw:pci_numa_affinity_policy``.

    It says nothing to a guest without NUMA cells of its own.
    """

    REQUIRED = "required"
    """On a host node of one of the guest's cells."""
    SOCKET = "socket"
    """On a node of the same socket as one of them."""
    LEGACY = "legacy"
    """On one of their nodes, or on one that the kernel does not tell; what holds where nothing is said."""
    PREFERRED = "preferred"
    """Anywhere, the nearest first."""


class Spread(StrEnum):
    """Over what the functions of one server are spread, as far as there is room: ``pci:spread`` of a flavor."""

    PF = "pf"
    NUMA = "numa"
    NONE = "none"
    """Not at all: all from as few PFs as can be."""


@dataclass(frozen=True, slots=True)
class Device:
    """One function of one host, as the controller remembers it."""

    id: str
    host: str
    address: PciAddress
    kind: FunctionKind
    vendor_id: str
    product_id: str
    state: VfState
    updated_at: datetime
    generation: int = 0
    """Grows with every change of owner; a report or a command with an older one is refused."""
    pf: PciAddress | None = None
    pf_netdev: str | None = None
    pf_mac: str | None = None
    vf_index: int | None = None
    vf_total: int | None = None
    vf_count: int | None = None
    driver: str | None = None
    netdev: str | None = None
    mac: str | None = None
    numa_node: int | None = None
    iommu_group: int | None = None
    link_speed_mbps: int | None = None
    physical_network: str | None = None
    is_offered: bool = False
    """The host's own device specs hand it out, and nothing is wrong with it."""
    reason: str = ""
    """Why it is not offered, why it is quarantined, or, of one in use, what about it is not as wanted."""
    observed: VfSettings | None = None
    verified_at: datetime | None = None
    """When it was last read back; ``None``: not since its settings were changed, or never."""
    trusted: bool = False
    """Its device spec keeps it for trusted ports."""
    tags: tuple[str, ...] = ()
    """The free tags of its device spec, sorted."""
    features: tuple[str, ...] = ()
    """What its netdev, or its PF's, has switched on, in libvirt's and Nova's words; sorted."""
    device_class: str = ""
    """Six hex digits, lower case, as in ``020000`` for Ethernet."""


@dataclass(frozen=True, slots=True)
class PciRequest:
    """A wish for functions: one for each SR-IOV port of a server, one for each item of a flavor's alias."""

    id: str
    """The port's id for a port's wish."""
    kinds: frozenset[FunctionKind]
    """Any of these will do."""
    physical_networks: frozenset[str] | None = None
    """Any of these will do: those of a port's segments. ``None``: it does not matter. Empty: the port's network has
    none, because it is tunnelled, and no function will do."""
    count: int = 1
    group: str | None = None
    """The name of the PCI group that they have to be of."""
    trusted: bool | None = None
    """Asked for, they are exactly that. ``None``: any will do, those that are not trusted first."""
    features: frozenset[str] = frozenset()
    """They have to have all of these."""
    numa_policy: NumaPolicy | None = None
    """``None`` is ``legacy``, as in Nova."""
    min_rate_mbps: int = 0
    """What each wants for itself of its PF's link."""
    has_port_profile: bool | None = None
    """It is for a port with a port profile, and wants a VF that takes one; or with none, and wants one that works
    without. ``None``: it does not matter."""
    is_switchdev: bool | None = None
    """Their PF's embedded switch is in switchdev mode, or is not; ``None``: it does not matter."""


@dataclass(frozen=True, slots=True)
class Claim:
    """This device, for this request, of this server. UNIQUE(device_id) is what keeps owners apart."""

    device_id: str
    host: str
    address: PciAddress
    server_id: str
    port_id: str | None
    """``None``: it was asked for by a flavor, and has no port."""
    generation: int
    created_at: datetime
    desired: VfSettings
    is_releasing: bool = False
    request_id: str = ""
    """Of a flavor's wish: its PCI group's name."""


@dataclass(frozen=True, slots=True)
class Placement:
    """An answer of the placing engine for one host: exactly which functions each request would get."""

    host: str
    devices: Mapping[str, tuple[PciAddress, ...]] = field(default_factory=dict)
    """By request id; as many as it asked for, by address."""
    numa_nodes: tuple[int, ...] = ()
    """The host node of each of the guest's NUMA cells."""


@dataclass(frozen=True, slots=True)
class Lack:
    """One constraint that failed on one host."""

    constraint: str
    """``agent``, ``host``, ``zone``, ``aggregate``, ``server_group``, ``same_host``, ``different_host``, ``cpu``,
    ``memory``, ``disk``, ``numa_cells``, ``type``, ``physical_network``, ``group``, ``trusted``, ``features``,
    ``eswitch_mode``, ``port_profile``, ``numa_policy``, ``min_rate``, ``devices``, ``pf_or_vfs``, ``search``,
    ``binding``."""
    text: str
    """With its numbers; for those who may see hosts."""
    summary: str
    """The same without host names, VLANs or other projects' facts, to be read after "has": for the owner."""
    requests: tuple[str, ...] = ()
    """The ids of the requests that it is about, if it is about devices."""
    need: int = 0
    have: int = 0


@dataclass(frozen=True, slots=True)
class Shortage:
    """Why one host will not do."""

    host: str
    lacks: tuple[Lack, ...]
    """One at least, the first to be told first."""

    @property
    def constraint(self) -> str:
        """That of the first."""
        return self.lacks[0].constraint

    @property
    def text(self) -> str:
        return "; ".join(lack.text for lack in self.lacks)

    @property
    def summary(self) -> str:
        return " and ".join(lack.summary for lack in self.lacks)
