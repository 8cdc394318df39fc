"""What a driver may answer, and the nonsense that it may answer instead, which is a refusal."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.ml2.binding import Bound, Unbound, bind
from mooring.ml2.context import REASON_CHARS_MAX, REASONS_MAX, PortContext
from mooring.ml2.driver import MechanismDriver
from mooring.model.port import PortStatus, Refusal, VifType
from tests.unit.ml2.ports import context


class Odd(MechanismDriver):
    """Somebody else's driver."""

    name = "odd"

    def __init__(self, act: Callable[[PortContext], object]) -> None:
        self._act = act

    def bind_port(self, context: PortContext) -> None:
        self._act(context)


class Sane(MechanismDriver):
    """The next one in the list."""

    name = "sane"

    def bind_port(self, context: PortContext) -> None:
        context.set_binding("s1", "hw_veb", {}, None)


def circle() -> dict[str, Any]:
    around: dict[str, Any] = {}
    around["again"] = around
    return around


def nested(levels: int) -> dict[str, Any]:
    inside: dict[str, Any] = {"at": "the bottom"}
    for _ in range(levels):
        inside = {"a": inside}
    return inside


class Mute(Exception):
    """An error that cannot even be read."""

    def __str__(self) -> str:
        raise ValueError("no words")


def raises(error: BaseException) -> Callable[[PortContext], object]:
    def act(_: PortContext) -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (lambda it: it.set_binding("s9", "hw_veb", {}), "bound segment s9, which was not offered"),
        (lambda it: it.set_binding(None, "hw_veb", {}), "bound segment None, which was not offered"),
        (lambda it: it.set_binding(["s1"], "hw_veb", {}), "bound segment of type list, which was not offered"),
        (lambda it: it.set_binding("s1", None, {}), "bound with vif_type None, which is none"),
        (lambda it: it.set_binding("s1", 7, {}), "bound with vif_type of type int, which is none"),
        (lambda it: it.set_binding("s1", "", {}), "bound with vif_type , which is none"),
        (lambda it: it.set_binding("s1", "unbound", {}), "bound with vif_type unbound, which is none"),
        (lambda it: it.set_binding("s1", "binding_failed", {}), "bound with vif_type binding_failed, which is none"),
        (lambda it: it.set_binding("s1", "x" * 65, {}), f"bound with vif_type {'x' * 64}, which is none"),
        (lambda it: it.set_binding("s1", "hw_veb", None), "TypeError: 'NoneType' object is not iterable"),
        (lambda it: it.set_binding("s1", "hw_veb", 7), "TypeError: 'int' object is not iterable"),
        (lambda it: it.set_binding("s1", "hw_veb", {"a": object}), "gave vif_details that JSON cannot hold: TypeError"),
        (lambda it: it.set_binding("s1", "hw_veb", {"a": {1, 2}}), "gave vif_details that JSON cannot hold: TypeError"),
        (lambda it: it.set_binding("s1", "hw_veb", {(1,): 1}), "gave vif_details that JSON cannot hold: TypeError"),
        (lambda it: it.set_binding("s1", "hw_veb", circle()), "gave vif_details that JSON cannot hold: ValueError"),
        (lambda it: it.set_binding("s1", "hw_veb", {"a": float("nan")}), "gave vif_details that JSON cannot hold"),
        (lambda it: it.set_binding("s1", "hw_veb", {"a": "x" * 5000}), "gave vif_details of 5009 characters, of 4095"),
        (lambda it: it.set_binding("s1", "hw_veb", nested(400)), "gave vif_details of more than 20 levels"),
        (lambda it: it.set_binding("s1", "hw_veb", nested(9999)), "gave vif_details that JSON cannot hold: Recursion"),
        (lambda it: it.set_binding("s1", "hw_veb", {}, "FINE"), "asked for port status FINE, which is not one of"),
        (lambda it: it.set_binding("s1", "hw_veb", {}, 1), "asked for port status of type int, which is not one of"),
        (lambda it: [it.set_binding("s1", "hw_veb", {}), it.set_binding("s1", "ovs", {})], "answered more than once"),
        (lambda it: [it.set_binding("s1", "ovs", {}), it.continue_binding("s1", [])], "answered more than once"),
        (lambda it: it.no_such_member, "AttributeError: 'PortContext' object has no attribute 'no_such_member'"),
        (lambda it: it.current["no such key"], "KeyError: 'no such key'"),
        (lambda it: it.current, "gave no reason (segment vlan 100 on physnet1)"),
        (raises(Exception("of no class")), "Exception: of no class"),
        (raises(RecursionError("too deep")), "RecursionError: too deep"),
        (raises(MemoryError()), "MemoryError"),
        (raises(Mute()), "Mute"),
        (raises(StopIteration()), "StopIteration"),
        (raises(ValueError("y" * 9000)), f"ValueError: {'y' * 500}"),
    ],
)
def test_nonsense_is_a_refusal_with_its_reason_and_the_next_driver_binds(
    act: Callable[[PortContext], object], reason: str
) -> None:
    answer = bind(context, [Odd(act)])
    assert isinstance(answer, Unbound)
    assert [refusal.driver for refusal in answer.refusals] == ["odd"]
    assert answer.refusals[0].reason.startswith(reason)
    after = bind(context, [Odd(act), Sane()])
    assert isinstance(after, Bound)
    assert after.driver == "sane"


def test_an_end_of_the_process_is_not_kept_from_it() -> None:
    with pytest.raises(SystemExit):
        bind(context, [Odd(raises(SystemExit(3)))])


def test_reasons_are_bounded_in_number_and_in_length() -> None:
    def talks(context: PortContext) -> None:
        for number in range(REASONS_MAX * 2):
            context.refuse(f"{number} " + "z" * REASON_CHARS_MAX * 2)

    answer = bind(context, [Odd(talks)])
    assert isinstance(answer, Unbound)
    assert len(answer.refusals) == REASONS_MAX
    assert max(len(refusal.reason) for refusal in answer.refusals) == REASON_CHARS_MAX


def test_a_reason_that_is_no_text_is_made_one() -> None:
    assert bind(context, [Odd(lambda it: it.refuse(404))]) == Unbound((Refusal("odd", "404"),))  # type: ignore[arg-type]  # on purpose


def test_members_of_enumerations_are_stored_as_the_texts_that_they_are() -> None:
    answer = bind(context, [Odd(lambda it: it.set_binding("s1", VifType.HW_VEB, {"a": VifType.OVS}, PortStatus.DOWN))])
    assert isinstance(answer, Bound)
    assert [type(each) for each in (answer.vif_type, answer.status, answer.vif_details["a"])] == [str, str, str]


def test_what_a_driver_keeps_of_its_details_is_not_what_is_stored() -> None:
    kept = {"inner": {"vlan": "100"}}
    answer = bind(context, [Odd(lambda it: it.set_binding("s1", "hw_veb", kept))])
    kept["inner"]["vlan"] = "200"
    assert isinstance(answer, Bound)
    assert answer.vif_details == {"inner": {"vlan": "100"}}


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(object),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(segment_id=_ANYTHING | st.just("s1"), vif_type=_ANYTHING | st.just("ovs"), details=_ANYTHING, status=_ANYTHING)
def test_whatever_is_handed_to_set_binding_the_answer_is_a_binding_or_a_reason(
    segment_id: Any, vif_type: Any, details: Any, status: Any
) -> None:
    answer = bind(context, [Odd(lambda it: it.set_binding(segment_id, vif_type, details, status))])
    if isinstance(answer, Unbound):
        assert all(refusal.reason for refusal in answer.refusals)
    else:
        assert (type(answer.segment_id), type(answer.vif_type), type(answer.vif_details)) == (str, str, dict)
        assert answer.status is None or answer.status in set(PortStatus)
