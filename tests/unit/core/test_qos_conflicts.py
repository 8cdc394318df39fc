"""Which rules of one policy go together."""

import pytest

from mooring.core.qos_conflicts import changed, check_conflicts
from mooring.errors import Conflict
from mooring.model.qos import Direction, QosRule, RuleType

EGRESS, INGRESS, ANY = Direction.EGRESS, Direction.INGRESS, Direction.ANY
LIMIT, MINIMUM = RuleType.BANDWIDTH_LIMIT, RuleType.MINIMUM_BANDWIDTH
DSCP, PACKETS = RuleType.DSCP_MARKING, RuleType.MINIMUM_PACKET_RATE


def rule(ident: str, kind: RuleType, direction: Direction | None = EGRESS, **values: int) -> QosRule:
    return QosRule(ident, "p", kind, direction, values)


@pytest.mark.parametrize(
    ("new", "old", "code"),
    [
        (rule("n", LIMIT, max_kbps=5), rule("o", LIMIT, max_kbps=6), "QoSRulesConflict"),
        (rule("n", DSCP, None, dscp_mark=8), rule("o", DSCP, None, dscp_mark=10), "QoSRulesConflict"),
        (rule("n", PACKETS, ANY, min_kpps=8), rule("o", PACKETS, ANY, min_kpps=9), "QoSRulesConflict"),
        (rule("n", PACKETS, ANY, min_kpps=8), rule("o", PACKETS, EGRESS, min_kpps=9), "QoSRuleParameterConflict"),
        (rule("n", PACKETS, INGRESS, min_kpps=8), rule("o", PACKETS, ANY, min_kpps=9), "QoSRuleParameterConflict"),
        (rule("n", LIMIT, max_kbps=5), rule("o", MINIMUM, min_kbps=6), "QoSRuleParameterConflict"),
        (rule("n", MINIMUM, min_kbps=6), rule("o", LIMIT, max_kbps=5), "QoSRuleParameterConflict"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(new: QosRule, old: QosRule, code: str) -> None:
    with pytest.raises(Conflict) as refused:
        check_conflicts(new, [old])
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (rule("n", LIMIT, INGRESS, max_kbps=5), rule("o", LIMIT, EGRESS, max_kbps=6)),
        (rule("n", LIMIT, max_kbps=5), rule("o", MINIMUM, min_kbps=5)),
        (rule("n", LIMIT, max_kbps=5), rule("o", MINIMUM, INGRESS, min_kbps=6)),
        (rule("n", PACKETS, INGRESS, min_kpps=8), rule("o", PACKETS, EGRESS, min_kpps=9)),
        (rule("n", DSCP, None, dscp_mark=8), rule("o", LIMIT, max_kbps=6)),
    ],
)
def test_rules_of_other_directions_and_types_go_together(new: QosRule, old: QosRule) -> None:
    check_conflicts(new, [old])


def test_a_rule_is_not_its_own_twin() -> None:
    check_conflicts(rule("o", LIMIT, max_kbps=5), [rule("o", LIMIT, max_kbps=6)])


def test_a_change_keeps_what_it_does_not_say() -> None:
    before = rule("o", LIMIT, max_kbps=5, max_burst_kbps=2)
    assert changed(before, None, {"max_kbps": 9}) == rule("o", LIMIT, max_kbps=9, max_burst_kbps=2)
    assert changed(before, INGRESS, {}) == rule("o", LIMIT, INGRESS, max_kbps=5, max_burst_kbps=2)
