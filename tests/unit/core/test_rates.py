"""From kbit/s to what a PF holds for a VF."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.core.rates import Rates, mbps, rates
from mooring.model.qos import Direction, QosRule, RuleType
from mooring.model.vf import TxRate


def rule(kind: RuleType, direction: Direction | None = Direction.EGRESS, **values: int) -> QosRule:
    return QosRule("r", "p", kind, direction, values)


def limit(kbps: int, direction: Direction = Direction.EGRESS) -> QosRule:
    return rule(RuleType.BANDWIDTH_LIMIT, direction, max_kbps=kbps, max_burst_kbps=0)


def minimum(kbps: int, direction: Direction = Direction.EGRESS) -> QosRule:
    return rule(RuleType.MINIMUM_BANDWIDTH, direction, min_kbps=kbps)


@pytest.mark.parametrize(
    ("kbps", "whole"),
    [
        (0, 0), (1, 1), (999, 1), (1000, 1), (1499, 1), (1500, 2), (2500, 3), (10_000_000, 10_000),
        (2_147_483_647, 2_147_484),
    ],
)  # fmt: skip
def test_kbps_become_whole_mbps_as_neutrons_sriov_agent_rounds_them(kbps: int, whole: int) -> None:
    assert mbps(kbps) == whole


@given(st.integers(0, 2_147_483_647))
def test_rounding_loses_less_than_one_mbps_and_makes_no_limit_into_none(kbps: int) -> None:
    assert abs(mbps(kbps) * 1000 - kbps) < 1000
    assert (mbps(kbps) == 0) == (kbps == 0)


def test_no_rules_are_no_rates() -> None:
    assert rates([]) == Rates(TxRate(0, 0), "")


def test_a_limit_and_a_minimum_become_one_rate() -> None:
    assert rates([limit(5000), minimum(2000)]) == Rates(TxRate(min_mbps=2, max_mbps=5), "")


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ([limit(1500)], "max_kbps 1500 became 2 Mbit/s, for cards take whole Mbit/s"),
        ([minimum(300)], "min_kbps 300 became 1 Mbit/s, for cards take whole Mbit/s"),
    ],
)
def test_rounding_is_said(rules: list[QosRule], text: str) -> None:
    assert rates(rules).rounded == text


def test_what_a_vf_receives_is_not_its_rate() -> None:
    assert rates([limit(5000, Direction.INGRESS), minimum(2000, Direction.INGRESS)]) == Rates()


def test_packets_and_marks_are_not_rates() -> None:
    assert (
        rates([rule(RuleType.DSCP_MARKING, None, dscp_mark=26), rule(RuleType.PACKET_RATE_LIMIT, max_kpps=9)])
        == Rates()
    )


@pytest.mark.parametrize(("wished", "kbps", "expected"), [(0, 4000, 4), (7, 4000, 7), (3, 4000, 4), (7, 0, 7)])
def test_the_larger_of_two_minimums_holds(wished: int, kbps: int, expected: int) -> None:
    assert rates([minimum(kbps)], wished).tx.min_mbps == expected


def test_a_wished_minimum_above_the_maximum_is_cut_and_said() -> None:
    found = rates([limit(5000)], 7)
    assert found.tx == TxRate(min_mbps=5, max_mbps=5)
    assert found.rounded == "the minimum of 7 Mbit/s is cut to the maximum of 5"
