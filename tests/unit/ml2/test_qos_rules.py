"""What a driver says of QoS rules, and whether a rule is one of them."""

from typing import Any

import pytest

from mooring.ml2.qos_rules import DSCP_MARKS, SRIOV_RULES, SupportedRules, supports

MARKS: SupportedRules = {"dscp_marking": {"dscp_mark": {"type:values": list(DSCP_MARKS)}}}


@pytest.mark.parametrize(
    ("rules", "kind", "values", "expected"),
    [
        (SRIOV_RULES, "bandwidth_limit", {"max_kbps": 0, "max_burst_kbps": 0, "direction": "egress"}, True),
        (SRIOV_RULES, "bandwidth_limit", {"max_kbps": 1, "direction": "ingress"}, False),
        (SRIOV_RULES, "bandwidth_limit", {"max_kbps": 2_147_483_648, "direction": "egress"}, False),
        (SRIOV_RULES, "bandwidth_limit", {"max_kbps": 1, "colour": 1}, False),
        (SRIOV_RULES, "minimum_bandwidth", {"min_kbps": 1, "direction": "ingress"}, True),
        (SRIOV_RULES, "dscp_marking", {"dscp_mark": 8}, False),
        (MARKS, "dscp_marking", {"dscp_mark": 8, "direction": None}, True),
        (MARKS, "dscp_marking", {"dscp_mark": 9}, False),
        ({}, "bandwidth_limit", {"max_kbps": 1}, False),
    ],
)
def test_a_rule_is_supported_in_its_type_names_ranges_and_choices(
    rules: SupportedRules, kind: str, values: dict[str, Any], expected: bool
) -> None:
    assert supports(rules, kind, values) is expected
