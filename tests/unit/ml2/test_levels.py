"""Hierarchical binding: down a level where a driver continues, and up again where nobody below binds."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pytest

from mooring.ml2.binding import LEVELS_MAX, Bound, Unbound, bind
from mooring.ml2.context import PortContext, SegmentDict, segment_dict
from mooring.ml2.driver import MechanismDriver
from mooring.model.network import NetworkType, Segment
from mooring.model.port import BindingLevel, Refusal
from tests.unit.ml2.ports import NETWORK, VLAN_100, VLAN_200, context, port

RACK = segment_dict(Segment("rack", "n1", NetworkType.VLAN, "rack7", 300, is_dynamic=True), 1500)
Act = Callable[[PortContext], None]


class Rack:
    """Dynamic segments: always the same one."""

    def __init__(self) -> None:
        self.wishes: list[Mapping[str, Any]] = []

    def allocate(self, wish: Mapping[str, Any]) -> SegmentDict:
        self.wishes.append(wish)
        return RACK

    def release(self, segment_id: str) -> None:
        raise LookupError(segment_id)


class LevelDriver(MechanismDriver):
    """Does with the context what its test says, and remembers what it saw."""

    def __init__(self, name: str, act: Act) -> None:
        self.name = name
        self._act = act
        self.saw: list[tuple[list[str], list[str]]] = []

    @property
    def connectivity(self) -> str:
        return "l2"

    def bind_port(self, context: PortContext) -> None:
        above = [level["bound_driver"] for level in context.binding_levels or []]
        self.saw.append(([segment["id"] for segment in context.segments_to_bind], above))
        self._act(context)


def to_the_rack(context: PortContext) -> None:
    wish = {"network_type": "vlan", "physical_network": "rack7"}
    context.continue_binding(context.segments_to_bind[0]["id"], [context.allocate_dynamic_segment(wish)])


def binds(context: PortContext) -> None:
    context.set_binding(context.segments_to_bind[0]["id"], "hw_veb", {}, "DOWN")


def refuses(context: PortContext) -> None:
    context.refuse("not mine")


def below_the_top(act: Act) -> Act:
    """``act``, but at the top only a refusal."""
    return lambda context: act(context) if context.binding_levels else context.refuse("only below the top")


def ask(*drivers: MechanismDriver, segments: Sequence[Segment] = (VLAN_100,)) -> Bound | Unbound:
    return bind(partial(PortContext.of, port(), NETWORK, segments, "h1", dynamic=Rack()), drivers)


def at_top(act: Act) -> Act:
    """``act``, but below the top only a refusal."""
    return lambda context: context.refuse("only at the top") if context.binding_levels else act(context)


UPPER = at_top(to_the_rack)


def test_a_level_below_is_bound_by_another_driver_through_the_segment_that_the_upper_one_allocated() -> None:
    lower = LevelDriver("lower", below_the_top(binds))
    answer = ask(LevelDriver("upper", UPPER), lower)
    assert isinstance(answer, Bound)
    assert (answer.driver, answer.segment_id) == ("lower", "rack")
    assert answer.levels == (BindingLevel("upper", "s1"), BindingLevel("lower", "rack"))
    assert lower.saw == [(["rack"], ["upper"])]


def test_when_nobody_below_binds_the_next_driver_of_the_upper_level_is_asked() -> None:
    answer = ask(LevelDriver("upper", UPPER), LevelDriver("flat", at_top(binds)))
    assert isinstance(answer, Bound)
    assert answer.levels == (BindingLevel("flat", "s1"),)


def test_every_reason_is_kept_with_the_level_that_it_was_given_at() -> None:
    answer = ask(LevelDriver("upper", UPPER), LevelDriver("picky", refuses))
    assert answer == Unbound(
        (
            Refusal("upper", "level 1: only at the top"),
            Refusal("picky", "level 1: not mine"),
            Refusal("picky", "not mine"),
        )
    )


def test_a_driver_that_bound_one_of_the_segments_above_is_not_asked_again() -> None:
    def round_and_round(context: PortContext) -> None:
        context.continue_binding("s1", context.network.network_segments)

    circular = LevelDriver("circular", round_and_round)
    assert ask(circular) == Unbound(())
    assert len(circular.saw) == 1


def test_levels_end_where_neutrons_do() -> None:
    deep = [segment_dict(Segment(f"d{n}", "n1", NetworkType.VLAN, "rack7", n), 1500) for n in range(1, 30)]

    def digs(context: PortContext) -> None:
        context.continue_binding(context.segments_to_bind[0]["id"], [context.allocate_dynamic_segment({})])

    class Endless(Rack):
        """A new segment each time."""

        def allocate(self, wish: Mapping[str, Any]) -> SegmentDict:
            self.wishes.append(wish)
            return deep.pop(0)

    digger = LevelDriver("digger", digs)
    answer = bind(partial(PortContext.of, port(), NETWORK, [VLAN_100], "h1", dynamic=Endless()), [digger])
    assert answer == Unbound((Refusal("", f"level {LEVELS_MAX}: nobody bound the port within {LEVELS_MAX} levels"),))
    assert len(digger.saw) == LEVELS_MAX


def test_a_static_segment_of_the_network_will_do_for_the_level_below() -> None:
    def to_the_other(context: PortContext) -> None:
        context.continue_binding("s1", [context.network.network_segments[1]])

    drivers = LevelDriver("upper", at_top(to_the_other)), LevelDriver("lower", below_the_top(binds))
    answer = ask(*drivers, segments=(VLAN_100, VLAN_200))
    assert isinstance(answer, Bound)
    assert answer.segment_id == "s2"


@pytest.mark.parametrize(
    ("segment_id", "below", "reason"),
    [
        ("s9", [RACK], "continued from segment s9, which was not offered"),
        (None, [RACK], "continued from segment None, which was not offered"),
        ("s1", [], "continued with no segment for the level below"),
        ("s1", [RACK], "continued with segment rack, which is not the network's"),
        ("s1", ["s2"], "continued with segment None, which is not the network's"),
        ("s1", [{}], "continued with segment None, which is not the network's"),
    ],
)
def test_a_continuation_that_leads_nowhere_is_a_refusal(segment_id: Any, below: Any, reason: str) -> None:
    confused = LevelDriver("confused", lambda context: context.continue_binding(segment_id, below))
    assert ask(confused) == Unbound((Refusal("confused", reason),))


def test_dynamic_segments_are_not_among_those_that_the_top_level_offers() -> None:
    dynamic = Segment("s7", "n1", NetworkType.VLAN, "physnet1", 700, is_dynamic=True)
    driver = LevelDriver("first", binds)
    ask(driver, segments=(VLAN_100, dynamic))
    assert driver.saw == [(["s1"], [])]


def test_where_nobody_makes_dynamic_segments_the_driver_that_wants_one_has_refused() -> None:
    answer = bind(context, [LevelDriver("upper", to_the_rack)])
    assert isinstance(answer, Unbound)
    assert "Unsupported: dynamic segments are not offered here" in answer.reasons
