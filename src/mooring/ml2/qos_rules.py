"""Which QoS rules a mechanism driver's ports can have, in the form of Neutron's QoS drivers (``supported_rules``).

Rule type, as the API spells it, to parameter to what it may be: ``{"type:range": [low, high]}``, both included, or
``{"type:values": [...]}``. A driver says it in its attribute ``supported_qos_rules``; what is not there is refused on
ports that the driver bound.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Parameter = Mapping[str, Sequence[int | str]]
SupportedRules = Mapping[str, Mapping[str, Parameter]]

NUMBER_MAX = 2_147_483_647
DSCP_MARKS = (0, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 46, 48, 56)
"""Those with a name: class selectors, assured forwarding, expedited forwarding (RFC 2474, 2597, 3246)."""

RANGE: Parameter = {"type:range": [0, NUMBER_MAX]}
EGRESS: Parameter = {"type:values": ["egress"]}
BOTH: Parameter = {"type:values": ["ingress", "egress"]}

#: What a PF can set on a VF, by ``IFLA_VF_RATE``. A minimum of what a VF receives is only kept, as in Neutron.
SRIOV_RULES: SupportedRules = {
    "bandwidth_limit": {"max_kbps": RANGE, "max_burst_kbps": RANGE, "direction": EGRESS},
    "minimum_bandwidth": {"min_kbps": RANGE, "direction": BOTH},
}


def supports(rules: SupportedRules, kind: str, values: Mapping[str, Any]) -> bool:
    """Whether a rule of this type with these values is one of ``rules``."""
    known = rules.get(kind)
    if known is None:
        return False
    return all(name in known and _fits(known[name], value) for name, value in values.items() if value is not None)


def _fits(parameter: Parameter, value: Any) -> bool:
    if "type:values" in parameter:
        return value in parameter["type:values"]
    low, high = parameter["type:range"]
    return bool(low <= value <= high)
