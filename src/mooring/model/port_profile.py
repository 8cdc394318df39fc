"""Port profiles: what an upstream switch does with the frames of a port, by name (IEEE 802.1Qbh, later 802.1BR)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ProfileKind(StrEnum):
    """The protocol by which the port asks its switch for the profile; libvirt's ``virtualport`` type."""

    QBH = "802.1Qbh"
    BR = "802.1BR"


class UpstreamState(StrEnum):
    """What is known of the profile on the upstream manager."""

    UNMANAGED = "unmanaged"
    """No upstream manager is configured: somebody else makes the profile there."""
    PENDING = "pending"
    PRESENT = "present"
    """Read back there, as it is here."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PortProfile:
    id: str
    name: str
    """What the switch calls it, and the ``profileid`` of the binding; at most 39 characters (libvirt)."""
    created_at: datetime
    updated_at: datetime
    vlans: tuple[int, ...]
    """The VLANs that it carries: the native one, of the untagged frames of a port, and then the others ascending."""
    physical_networks: tuple[str, ...]
    """Where its switch is reached; empty is anywhere."""
    kind: ProfileKind = ProfileKind.QBH
    description: str = ""
    max_ports: int = 64
    """How many ports the switch gives it to."""
    projects: tuple[str, ...] = ()
    """Who may name it; empty is everybody."""
    revision_number: int = 1
    upstream: UpstreamState = UpstreamState.UNMANAGED
    upstream_reason: str = ""
    upstream_at: datetime | None = None
