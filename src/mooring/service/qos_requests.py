"""``resource_request``: a port's minimums in Placement's words, for a scheduler that asks Neutron's API.

Mooring's own placing does not read it. The ids are stable: uuid5 of the port's id and of the rules' ids
(``neutron_lib.placement.utils.resource_request_group_uuid``).
"""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from mooring.model.network import Network, Segment
from mooring.model.port import Port
from mooring.model.qos import QosRule, RuleType
from mooring.service.qos_rates import effective_rules
from mooring.store.tx import Tx

_NO_TRAIT = re.compile(r"[^A-Z0-9_]+")
_BANDWIDTH = {"egress": "NET_BW_EGR_KILOBIT_PER_SEC", "ingress": "NET_BW_IGR_KILOBIT_PER_SEC"}
_PACKETS = {
    "egress": "NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC",
    "ingress": "NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC",
    "any": "NET_PACKET_RATE_KILOPACKET_PER_SEC",
}


def resource_request(tx: Tx, port: Port, network: Network, segments: Sequence[Segment]) -> dict[str, Any] | None:
    """``None`` for a port without a minimum. The physical network is the first segment's."""
    rules = effective_rules(tx, port, network)
    if not rules:
        return None
    vnic_type = _trait("VNIC_TYPE", port.binding.vnic_type)
    bandwidth = [rule for rule in rules if rule.type is RuleType.MINIMUM_BANDWIDTH]
    packets = [rule for rule in rules if rule.type is RuleType.MINIMUM_PACKET_RATE]
    groups = []
    if bandwidth and segments:
        where = _trait("PHYSNET", segments[0].physical_network)
        groups.append(_group(port, bandwidth, [where, vnic_type], _resources(bandwidth, _BANDWIDTH, "min_kbps")))
    if packets:
        groups.append(_group(port, packets, [vnic_type], _resources(packets, _PACKETS, "min_kpps")))
    return {"request_groups": groups, "same_subtree": [group["id"] for group in groups]} if groups else None


def _group(port: Port, rules: Sequence[QosRule], traits: list[str], resources: dict[str, int]) -> dict[str, Any]:
    ident = uuid5(UUID(port.id), ":".join(rule.id for rule in rules))
    return {"id": str(ident), "required": traits, "resources": resources}


def _resources(rules: Sequence[QosRule], names: dict[str, str], value: str) -> dict[str, int]:
    return {names[rule.direction or "egress"]: rule.values[value] for rule in rules}


def _trait(kind: str, name: str) -> str:
    return _NO_TRAIT.sub("_", f"CUSTOM_{kind}_{name}".upper())
