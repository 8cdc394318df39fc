"""QoS policies and their rules, in Neutron's words (``neutron_lib.services.qos.constants``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class RuleType(StrEnum):
    BANDWIDTH_LIMIT = "bandwidth_limit"
    MINIMUM_BANDWIDTH = "minimum_bandwidth"
    DSCP_MARKING = "dscp_marking"
    PACKET_RATE_LIMIT = "packet_rate_limit"
    MINIMUM_PACKET_RATE = "minimum_packet_rate"


class Direction(StrEnum):
    """Of the guest's traffic: egress leaves the guest."""

    EGRESS = "egress"
    INGRESS = "ingress"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class QosRule:
    id: str
    qos_policy_id: str
    type: RuleType
    direction: Direction | None = None
    """``None`` where the type knows no direction."""
    values: Mapping[str, int] = field(default_factory=dict)
    """The type's own numbers by name, as in ``max_kbps``."""


@dataclass(frozen=True, slots=True)
class QosPolicy:
    id: str
    project_id: str
    name: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    shared: bool = False
    is_default: bool = False
    revision_number: int = 0
    tags: tuple[str, ...] = ()
