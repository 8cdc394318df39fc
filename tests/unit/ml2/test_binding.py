"""Asking the drivers: in order, each with a context of its own, and no reason is lost."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mooring.errors import Conflict
from mooring.ml2.binding import Bound, Unbound, bind
from mooring.ml2.context import PortContext
from mooring.ml2.driver import MechanismDriver
from mooring.model.port import Refusal
from tests.unit.ml2.ports import context, port


class ScriptedDriver(MechanismDriver):
    """Does with the context what its test says."""

    def __init__(self, name: str, act: Callable[[PortContext], None], connectivity: str = "l2") -> None:
        self.name = name
        self._act = act
        self._connectivity = connectivity

    @property
    def connectivity(self) -> str:
        return self._connectivity

    def bind_port(self, context: PortContext) -> None:
        self._act(context)


def says_yes(context: PortContext) -> None:
    context.set_binding("s1", "hw_veb", {"vlan": "100"}, "DOWN")


def says_no(context: PortContext) -> None:
    context.refuse("not mine")


def says_nothing(context: PortContext) -> None:
    del context


def raises(error: Exception) -> Callable[[PortContext], None]:
    def act(context: PortContext) -> None:
        context.refuse("looked")
        raise error

    return act


def test_the_first_driver_that_says_yes_binds() -> None:
    drivers = [ScriptedDriver("a", says_no), ScriptedDriver("b", says_yes), ScriptedDriver("c", raises(KeyError("x")))]
    assert bind(context, drivers) == Bound("b", "s1", "hw_veb", {"vlan": "100"}, "DOWN")


def test_every_reason_of_every_driver_is_kept_in_order() -> None:
    drivers = [ScriptedDriver("a", says_no), ScriptedDriver("b", says_nothing)]
    answer = bind(context, drivers)
    assert answer == Unbound((Refusal("a", "not mine"), Refusal("b", "gave no reason (segment vlan 100 on physnet1)")))
    assert answer.reasons == "a: not mine; b: gave no reason (segment vlan 100 on physnet1)"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("bad"), "ValueError: bad"),
        (KeyError("physnet"), "KeyError: 'physnet'"),
        (IndexError("none"), "IndexError: none"),
        (TypeError("no"), "TypeError: no"),
        (AttributeError("x"), "AttributeError: x"),
        (RuntimeError("boom"), "RuntimeError: boom"),
        (OSError("unreachable"), "OSError: unreachable"),
        (Conflict("taken"), "Conflict: taken"),
    ],
)
def test_a_driver_that_raises_has_refused_and_the_next_is_asked(error: Exception, reason: str) -> None:
    broken = ScriptedDriver("broken", raises(error))
    assert bind(context, [broken]) == Unbound((Refusal("broken", "looked"), Refusal("broken", reason)))
    assert isinstance(bind(context, [broken, ScriptedDriver("b", says_yes)]), Bound)


def test_a_binding_that_a_driver_set_before_it_raised_does_not_count() -> None:
    def sets_and_raises(context: PortContext) -> None:
        says_yes(context)
        raise RuntimeError("boom")

    assert bind(context, [ScriptedDriver("a", sets_and_raises)]) == Unbound((Refusal("a", "RuntimeError: boom"),))


def test_a_driver_never_sees_what_another_did_to_its_context() -> None:
    def spoils(context: PortContext) -> None:
        context.current.clear()
        context.network.network_segments.clear()

    assert isinstance(bind(context, [ScriptedDriver("a", spoils), ScriptedDriver("b", says_yes)]), Bound)


def test_a_segment_that_was_not_offered_is_not_bound() -> None:
    def invents(context: PortContext) -> None:
        context.set_binding("s9", "hw_veb", {})

    answer = bind(context, [ScriptedDriver("a", invents)])
    assert answer == Unbound((Refusal("a", "bound segment s9, which was not offered"),))


def test_a_port_without_addresses_is_bound_by_l2_drivers_only() -> None:
    def unaddressed() -> PortContext:
        return context(replace(port(), fixed_ips=()))

    assert isinstance(bind(unaddressed, [ScriptedDriver("a", says_yes, "l2")]), Bound)
    answer = bind(unaddressed, [ScriptedDriver("a", says_yes, "legacy")])
    assert isinstance(answer, Unbound)
    assert "this driver gives legacy" in answer.reasons


def test_no_drivers_is_a_refusal_that_says_so() -> None:
    assert bind(context, []) == Unbound((Refusal("", "no mechanism driver is configured"),))
