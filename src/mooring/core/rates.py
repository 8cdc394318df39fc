"""From QoS rules, in kbit/s, to what a PF holds for a VF, in whole Mbit/s; and what got lost on the way, as a sentence.

The rounding is Neutron's SR-IOV agent's (``eswitch_manager.set_device_rate``): 0 is no limit, less than one Mbit/s is
one, and the rest is rounded half up.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from mooring.model.qos import Direction, QosRule, RuleType
from mooring.model.vf import TxRate

_KBPS_IN_MBPS = 1000


@dataclass(frozen=True, slots=True)
class Rates:
    """What a VF is to hold of a policy."""

    tx: TxRate = TxRate()  # noqa: RUF009 - frozen, and the same for all
    rounded: str = ""
    """Where that is not what the rules say, the difference; empty otherwise."""


def mbps(kbps: int) -> int:
    """Whole Mbit/s; 0 clears, and nothing else becomes 0."""
    if 0 < kbps < _KBPS_IN_MBPS:
        return 1
    return (kbps + _KBPS_IN_MBPS // 2) // _KBPS_IN_MBPS


def rates(rules: Iterable[QosRule], wished_min_mbps: int = 0) -> Rates:
    """The rates of a VF under ``rules``; the larger of the rules' minimum and what its port wishes in Mbit/s.

    Only egress is a VF's: it sends, and the PF shapes. A minimum above the maximum is cut to it, for no card holds it.
    """
    egress = [rule for rule in rules if rule.direction is Direction.EGRESS]
    max_kbps = _value(egress, RuleType.BANDWIDTH_LIMIT, "max_kbps")
    min_kbps = _value(egress, RuleType.MINIMUM_BANDWIDTH, "min_kbps")
    max_mbps, min_mbps = mbps(max_kbps), max(mbps(min_kbps), wished_min_mbps)
    said = [_said("max_kbps", max_kbps), _said("min_kbps", min_kbps)]
    if max_mbps and min_mbps > max_mbps:
        said.append(f"the minimum of {min_mbps} Mbit/s is cut to the maximum of {max_mbps}")
        min_mbps = max_mbps
    return Rates(TxRate(min_mbps, max_mbps), "; ".join(filter(None, said)))


def _value(rules: Iterable[QosRule], kind: RuleType, name: str) -> int:
    return next((rule.values[name] for rule in rules if rule.type is kind), 0)


def _said(name: str, kbps: int) -> str:
    whole = mbps(kbps)
    if whole * _KBPS_IN_MBPS == kbps:
        return ""
    return f"{name} {kbps} became {whole} Mbit/s, for cards take whole Mbit/s"
