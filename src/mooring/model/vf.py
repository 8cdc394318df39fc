"""A VF: what can be set on it, and the life it goes through."""

from dataclasses import dataclass
from enum import StrEnum


class LinkState(StrEnum):
    """``IFLA_VF_LINK_STATE``: follow the PF, forced up, forced down."""

    AUTO = "auto"
    ENABLE = "enable"
    DISABLE = "disable"


class VlanProtocol(StrEnum):
    """The tag's ethertype: a customer tag, or the service tag of QinQ."""

    Q = "802.1q"
    AD = "802.1ad"


@dataclass(frozen=True, slots=True)
class Vlan:
    """One value, because id, priority and protocol travel in one netlink attribute. Id 0 is no VLAN."""

    id: int = 0
    qos: int = 0
    protocol: VlanProtocol = VlanProtocol.Q


@dataclass(frozen=True, slots=True)
class TxRate:
    """Megabits a second, 0 is no limit. One value, because ``IFLA_VF_RATE`` carries both."""

    min_mbps: int = 0
    max_mbps: int = 0


@dataclass(frozen=True, slots=True)
class VfSettings:
    """What the PF holds for one VF: desired, or observed.

    ``None`` in a desired value means "leave it alone"; in an observed one, "this card does not say".
    """

    mac: str | None = None
    vlan: Vlan | None = None
    spoof_check: bool | None = None
    trust: bool | None = None
    rate: TxRate | None = None
    link_state: LinkState | None = None
    guid: str | None = None
    """Of a VF on InfiniBand, which has it instead of a MAC: node and port GUID, eight octets. ``a/b`` is read back
    where the two differ, and never written."""


class VfField(StrEnum):
    """The fields of ``VfSettings``, each a netlink attribute of its own."""

    MAC = "mac"
    VLAN = "vlan"
    SPOOF_CHECK = "spoof_check"
    TRUST = "trust"
    RATE = "rate"
    LINK_STATE = "link_state"
    GUID = "guid"


class VfState(StrEnum):
    """The life of a VF. Unknown is never free: only AVAILABLE is offered."""

    DISCOVERED = "discovered"
    """Seen, and not yet known to be clean."""
    BASELINING = "baselining"
    AVAILABLE = "available"
    CLAIMED = "claimed"
    PROGRAMMED = "programmed"
    IN_USE = "in-use"
    RELEASING = "releasing"
    QUARANTINED = "quarantined"
    """Something did not read back; the reason is beside it."""
    UNAVAILABLE = "unavailable"
    """Its PF is owned, or it is not ours to give."""
    REMOVED_PENDING = "removed-pending"
    """Gone from the host while owned."""
    GONE = "gone"
