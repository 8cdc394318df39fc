"""Security groups: kept and shown as clients expect. No backend here filters, and what uses a group says so."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    id: str
    project_id: str
    name: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    stateful: bool = True
    shared: bool = False
    revision_number: int = 1
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecurityGroupRule:
    id: str
    project_id: str
    security_group_id: str
    created_at: datetime
    updated_at: datetime
    direction: str
    """``ingress`` or ``egress``."""
    ethertype: str = "IPv4"
    protocol: str | None = None
    """A name or a number as text; ``None`` is any."""
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    description: str = ""
    revision_number: int = 0
    tags: tuple[str, ...] = ()
