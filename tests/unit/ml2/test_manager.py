"""The manager: hooks in order, who hears them, and what comes of an error in one."""

from collections.abc import Sequence
from typing import Any

import pytest

from mooring.errors import Conflict, MechanismDriverError
from mooring.ml2.context import NetworkContext, PortContext
from mooring.ml2.driver import HOOKS, MechanismDriver
from mooring.ml2.manager import Manager
from mooring.ml2.noop import NoopDriver
from tests.unit.ml2.ports import NETWORK, VLAN_100, context


class Recorder(MechanismDriver):
    """Writes every hook down, and raises in those that its test names."""

    def __init__(self, name: str, story: list[str], fails_in: Sequence[str] = ()) -> None:
        self.name = name
        self._story = story
        self._fails_in = fails_in

    def _heard(self, hook: str, context: object) -> None:
        assert context is not None
        self._story.append(f"{self.name} {hook}")
        if hook in self._fails_in:
            raise Conflict(f"{self.name} says no")

    def create_network_precommit(self, context: NetworkContext) -> None:
        self._heard("create_network_precommit", context)

    def create_network_postcommit(self, context: NetworkContext) -> None:
        self._heard("create_network_postcommit", context)

    def update_network_postcommit(self, context: NetworkContext) -> None:
        self._heard("update_network_postcommit", context)

    def delete_port_precommit(self, context: PortContext) -> None:
        self._heard("delete_port_precommit", context)

    def delete_port_postcommit(self, context: PortContext) -> None:
        self._heard("delete_port_postcommit", context)


def network() -> NetworkContext:
    return NetworkContext.of(NETWORK, [VLAN_100])


def test_drivers_are_told_in_their_order() -> None:
    story: list[str] = []
    Manager([Recorder("a", story), Recorder("b", story)]).tell("create_network_precommit", network)
    assert story == ["a create_network_precommit", "b create_network_precommit"]


@pytest.mark.parametrize("hook", ["delete_port_precommit", "delete_port_postcommit"])
def test_a_port_is_taken_leave_of_in_the_opposite_order(hook: str) -> None:
    story: list[str] = []
    Manager([Recorder("a", story), Recorder("b", story)]).tell(hook, context)
    assert story == [f"b {hook}", f"a {hook}"]


@pytest.mark.parametrize("hook", ["create_network_precommit", "create_network_postcommit", "delete_port_precommit"])
def test_the_first_error_ends_what_will_be_undone(hook: str) -> None:
    story: list[str] = []
    drivers = [Recorder("a", story, [hook]), Recorder("b", story, [hook])]
    with pytest.raises(MechanismDriverError) as caught:
        Manager(drivers).tell(hook, context if "port" in hook else network)
    assert len(story) == 1
    assert [str(fault) for fault in caught.value.faults.values()] == [f"{story[0][0]} says no"]


@pytest.mark.parametrize("hook", ["update_network_postcommit", "delete_port_postcommit"])
def test_after_a_commit_that_stays_every_driver_is_told_and_the_errors_are_collected(hook: str) -> None:
    story: list[str] = []
    drivers = [Recorder("a", story, [hook]), Recorder("b", story), Recorder("c", story, [hook])]
    with pytest.raises(MechanismDriverError) as caught:
        Manager(drivers).tell(hook, context if "port" in hook else network)
    assert len(story) == 3
    assert set(caught.value.faults) == {"a", "c"}
    assert caught.value.hook == hook


def test_only_those_that_have_a_hook_of_their_own_are_called_and_no_context_is_made_for_the_others() -> None:
    def no_context() -> Any:
        raise AssertionError("a context was made for nobody")

    manager = Manager([NoopDriver()])
    assert not any(manager.hears(hook) for hook in HOOKS)
    for hook in HOOKS:
        manager.tell(hook, no_context)
    assert Manager([Recorder("a", [])]).hears("create_network_precommit")
    assert not Manager([Recorder("a", [])]).hears("create_subnet_precommit")


def test_each_driver_is_told_with_a_context_of_its_own() -> None:
    class Spoiler(MechanismDriver):
        """Empties what it is shown."""

        def create_network_precommit(self, context: NetworkContext) -> None:
            context.current.clear()

    class Reader(MechanismDriver):
        """Reads what it is shown."""

        read = ""

        def create_network_precommit(self, context: NetworkContext) -> None:
            self.read = context.current["id"]

    reader = Reader()
    Manager([Spoiler(), reader]).tell("create_network_precommit", network)
    assert reader.read == "n1"
