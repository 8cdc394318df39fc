"""PCI groups: named sets of devices, defined once for the whole cloud."""

from dataclasses import dataclass, field
from datetime import datetime

from mooring.model.pci import FunctionKind


@dataclass(frozen=True, slots=True)
class PciSelector:
    """Which devices belong: those for which everything that is given holds. ``None`` and an empty tuple are not given.

    Where several values are given, any of them will do; of ``features`` and ``tags`` a device has to have all.
    """

    vendor_id: str | None = None
    product_id: str | None = None
    device_class: str | None = None
    """The first two, four or all six hex digits."""
    kind: FunctionKind | None = None
    physical_networks: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    aggregates: tuple[str, ...] = ()
    """Names of host aggregates, of whose hosts the device is."""
    addresses: tuple[str, ...] = ()
    """PCI addresses in which ``*`` stands for a whole field: ``0000:81:*.*``."""
    numa_node: int | None = None
    min_link_speed_mbps: int | None = None
    features: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    trusted: bool | None = None


@dataclass(frozen=True, slots=True)
class PciGroup:
    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    selectors: tuple[PciSelector, ...] = ()
    """A device of which any of these holds belongs to the PCI group."""
    excludes: tuple[PciSelector, ...] = ()
    """Unless one of these holds too."""
    projects: tuple[str, ...] = ()
    """Ids of the projects that may ask for it; empty: all."""
    default_vnic_type: str | None = None
    """Of the ports that are made for nics that ask for it."""
    revision_number: int = field(default=1)
