"""What a bare host has for SR-IOV, as it was found at one moment, before anything is served on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mooring.model.pci import PciAddress, PciFunction


class Loading(StrEnum):
    """What has become of a kernel module."""

    LOADED = "loaded"
    """Built in counts as loaded."""
    LOADABLE = "loadable"
    MISSING = "missing"


class BridgeKind(StrEnum):
    """What a bridge mapping names."""

    VLAN_AWARE = "vlan-aware"
    """A Linux bridge with ``vlan_filtering``."""
    PLAIN = "plain"
    """A Linux bridge without."""
    OPEN_VSWITCH = "open-vswitch"
    OTHER = "other"
    """A netdev that is no bridge."""
    MISSING = "missing"


class FileState(StrEnum):
    """What this process may do with a folder or a file."""

    GOOD = "good"
    MISSING = "missing"
    """It is not there, and can be made."""
    DENIED = "denied"
    """It cannot be written, made or read."""
    EXPOSED = "exposed"
    """A secret that others can read."""


@dataclass(frozen=True, slots=True)
class LibvirtAnswer:
    """What libvirt says of itself, or why it says nothing.

    Versions as libvirt counts: major * 1,000,000 + minor * 1,000 + release.
    """

    version: int = 0
    hypervisor: str = ""
    hypervisor_version: int = 0
    kvm_refusal: str = ""
    """Why its hypervisor runs no guests with KVM; empty: it does."""
    silence: str = ""
    """Why there is no answer; empty: there is one."""
    code: str = ""
    """The error's code, when there is no answer."""
    hint: str = ""
    """The error's own way out."""


@dataclass(frozen=True, slots=True)
class Platform:
    """Kernel, firmware and processor. ``None`` means that it cannot be told."""

    kernel: str = ""
    """``uname -r``."""
    command_line: tuple[str, ...] = ()
    cpu_vendor: str | None = None
    """``GenuineIntel``, ``AuthenticAMD``; other processors do not say."""
    cpu_virtualizes: bool | None = None
    """``vmx`` or ``svm`` is among the flags."""
    is_guest: bool = False
    """This host is itself a virtual machine."""
    iommu_tables: tuple[str, ...] | None = None
    """The firmware's ACPI tables that describe an IOMMU: DMAR (VT-d), IVRS (AMD-Vi), IORT (SMMU), VIOT (virtio)."""
    iommu_units: tuple[str, ...] = ()
    """As in /sys/class/iommu: ``dmar0``, ``ivhd0``."""
    iommu_group_count: int = 0
    interrupts_are_remapped: bool | None = None
    vfio_pci: Loading = Loading.MISSING
    has_vfio_device: bool = False
    is_noiommu: bool = False
    """vfio's ``enable_unsafe_noiommu_mode``."""
    allows_unsafe_interrupts: bool = False
    """vfio_iommu_type1's ``allow_unsafe_interrupts``."""
    has_kvm_device: bool = False


@dataclass(frozen=True, slots=True)
class Survey:
    """The whole host."""

    platform: Platform = field(default_factory=Platform)
    libvirt: LibvirtAnswer = field(default_factory=LibvirtAnswer)
    programs: frozenset[str] = frozenset()
    """Those of the programs that were looked for that are there."""
    is_root: bool = True
    capabilities: int = 0
    """CapEff of this process: bit N is capability N of linux/capability.h."""
    folders: Mapping[str, FileState] = field(default_factory=dict)
    """By path."""
    key_file: FileState | None = None
    """``None``: no configuration names one."""
    bridges: Mapping[str, BridgeKind] = field(default_factory=dict)
    """By the bridge's name."""
    functions: tuple[PciFunction, ...] = ()
    fault: str = ""
    """Why the functions, or what the host does with them, cannot be told."""
    host_uses: Mapping[PciAddress, str] = field(default_factory=dict)
    """Why the host itself uses a function."""
    shared_groups: Mapping[PciAddress, tuple[str, ...]] = field(default_factory=dict)
    """For a VF that is not alone in its IOMMU group: what else is there, bridges not counted."""
    without_room: frozenset[PciAddress] = frozenset()
    """PFs for whose VFs the firmware has assigned no memory."""
