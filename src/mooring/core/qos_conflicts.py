"""What rules of one QoS policy may not stand beside each other, with Neutron's errors."""

from collections.abc import Iterable, Mapping

from mooring.errors import Conflict
from mooring.model.qos import Direction, QosRule, RuleType

#: A minimum of one type may not be above the maximum of the other, in one direction.
_BOUNDS = {
    RuleType.BANDWIDTH_LIMIT: ("max_kbps", RuleType.MINIMUM_BANDWIDTH, "min_kbps"),
    RuleType.MINIMUM_BANDWIDTH: ("min_kbps", RuleType.BANDWIDTH_LIMIT, "max_kbps"),
}


def check_conflicts(rule: QosRule, others: Iterable[QosRule]) -> None:
    """Raise Conflict when ``rule`` cannot be beside one of ``others``: a twin, or one that says the contrary."""
    for other in others:
        if other.id == rule.id:
            continue
        _check_bounds(rule, other)
        _check_any(rule, other)
        if other.type is rule.type and other.direction is rule.direction:
            raise Conflict(
                f"Rule {rule.type} conflicts with rule {other.id} which already exists in QoS Policy "
                f"{rule.qos_policy_id}.",
                code="QoSRulesConflict",
            )


def _check_bounds(rule: QosRule, other: QosRule) -> None:
    if rule.type not in _BOUNDS or other.direction is not rule.direction:
        return
    mine, kind, theirs = _BOUNDS[rule.type]
    if other.type is not kind:
        return
    least, most = sorted((rule, other), key=lambda each: each.type is RuleType.BANDWIDTH_LIMIT)
    if least.values["min_kbps"] > most.values["max_kbps"]:
        raise _clash(rule, rule.values[mine], other, other.values[theirs])


def _check_any(rule: QosRule, other: QosRule) -> None:
    """A minimum of packets is for each direction, or for both together."""
    if rule.type is not RuleType.MINIMUM_PACKET_RATE or other.type is not rule.type:
        return
    if (rule.direction is Direction.ANY) != (other.direction is Direction.ANY):
        raise _clash(rule, rule.direction, other, other.direction)


def _clash(rule: QosRule, value: object, other: QosRule, existing: object) -> Conflict:
    return Conflict(
        f"Unable to add the rule with value {value} to the policy {rule.qos_policy_id} as the existing rule of type "
        f"{other.type} has value {existing}.",
        code="QoSRuleParameterConflict",
    )


def changed(rule: QosRule, direction: Direction | None, values: Mapping[str, int]) -> QosRule:
    """The rule with what an update says."""
    return QosRule(
        rule.id, rule.qos_policy_id, rule.type, rule.direction if direction is None else direction,
        {**rule.values, **values},
    )  # fmt: skip
