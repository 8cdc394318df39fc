"""Servers (the guests), and what they are made from: flavors and images."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ServerStatus(StrEnum):
    """Nova's `status`; the server view derives vm_state, task_state and power_state from it."""

    BUILD = "BUILD"
    ACTIVE = "ACTIVE"
    ERROR = "ERROR"
    HARD_REBOOT = "HARD_REBOOT"
    """Its host rebooted under it, and starts it anew."""
    DELETING = "DELETING"
    """Shown as ACTIVE or ERROR with task_state `deleting`, as Nova does."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a server is in ERROR: in counts for its owner, host by host for an admin."""

    message: str
    details: str
    created_at: datetime
    code: int = 500


@dataclass(frozen=True, slots=True)
class Flavor:
    id: str
    name: str
    ram_mib: int
    disk_gib: int
    vcpus: int
    created_at: datetime
    ephemeral_gib: int = 0
    swap_mib: int = 0
    rxtx_factor: float = 1.0
    is_public: bool = True
    description: str | None = None
    extra_specs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Image:
    id: str
    name: str
    owner: str
    created_at: datetime
    updated_at: datetime
    status: str = "active"
    visibility: str = "public"
    disk_format: str = "qcow2"
    container_format: str = "bare"
    min_disk_gib: int = 0
    min_ram_mib: int = 0
    size_bytes: int | None = None
    checksum: str | None = None
    protected: bool = False
    tags: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Server:
    id: str
    project_id: str
    user_id: str
    name: str
    flavor: Flavor
    """As it was when the server was made: later edits of the flavor do not reach it."""
    image_id: str | None
    created_at: datetime
    updated_at: datetime
    status: ServerStatus = ServerStatus.BUILD
    host: str | None = None
    generation: int = 1
    """Grows with every change of what the host should do for this server."""
    launched_at: datetime | None = None
    fault: Fault | None = None
    availability_zone: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    key_name: str | None = None
    user_data: str | None = None
    config_drive: bool = False
    tags: tuple[str, ...] = ()
    reservation_id: str = ""
    launch_index: int = 0
    server_group_id: str | None = None
    scheduler_hints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """As they were asked for."""
    numa_nodes: tuple[int, ...] = ()
    """The host node of each of the guest's NUMA cells, in their order; empty for a guest without cells."""


class GroupPolicy(StrEnum):
    """Nova's server group policies."""

    AFFINITY = "affinity"
    ANTI_AFFINITY = "anti-affinity"
    SOFT_AFFINITY = "soft-affinity"
    SOFT_ANTI_AFFINITY = "soft-anti-affinity"


@dataclass(frozen=True, slots=True)
class ServerGroup:
    """Servers that want one host, or different ones. The members are the servers that name it."""

    id: str
    name: str
    project_id: str
    user_id: str
    created_at: datetime
    policy: GroupPolicy = GroupPolicy.ANTI_AFFINITY
    max_server_per_host: int = 1
    """Of anti-affinity only: how many of them one host may have."""
