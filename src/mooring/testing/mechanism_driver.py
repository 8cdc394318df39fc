"""What every mechanism driver keeps to, as a class of tests for authors to subclass; and questions to ask a driver.

A question is a port, its network and a host: all that a driver may look at. It is a value, so a driver is tested
without a controller, a database, or anything put in from outside.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from mooring.ml2.binding import Bound, Unbound, bind
from mooring.ml2.calling import raised_by, sentence
from mooring.ml2.context import AgentDict, NetworkContext, PortContext, SubnetContext
from mooring.ml2.driver import HOOKS, MechanismDriver
from mooring.model.network import Network, NetworkType, Segment, Subnet
from mooring.model.port import Binding, FixedIp, Port, PortStatus, VnicType
from mooring.model.port_profile import PortProfile

NOW = datetime(2026, 11, 1, tzinfo=UTC)
NETWORK = Network("network", "project", "blue", NOW, NOW)
SUBNET = Subnet("subnet", "network", "project", "blue", 4, "192.0.2.0/24", NOW, NOW)
PORT = Port(
    "port", "network", "project", "data", "fa:16:3e:00:00:01", NOW, NOW, fixed_ips=(FixedIp("subnet", "192.0.2.7"),)
)
HOST = "host1"


def vlan_segment(vlan: int = 100, physical_network: str = "physnet1", ident: str = "segment") -> Segment:
    """A static VLAN segment of the network that questions are about."""
    return Segment(ident, NETWORK.id, NetworkType.VLAN, physical_network, vlan)


def flat_segment(physical_network: str = "physnet1", ident: str = "segment") -> Segment:
    """The same, untagged."""
    return Segment(ident, NETWORK.id, NetworkType.FLAT, physical_network, None)


def agent(agent_type: str, configurations: Mapping[str, Any], *, alive: bool = True, host: str = HOST) -> AgentDict:
    """An agent of a host, with what it says of itself."""
    return {
        "agent_type": agent_type,
        "host": host,
        "alive": alive,
        "admin_state_up": True,
        "configurations": configurations,
    }


@dataclass(frozen=True, slots=True)
class Question:
    """A port, and the host that it could be bound on."""

    vnic_type: str = VnicType.DIRECT
    profile: Mapping[str, object] = field(default_factory=dict)
    """``binding:profile``."""
    segments: Sequence[Segment] = (vlan_segment(),)
    agents: Sequence[AgentDict] = ()
    port_profile: PortProfile | None = None
    host: str = HOST
    fixed_ips: tuple[FixedIp, ...] = PORT.fixed_ips

    @property
    def port(self) -> Port:
        binding = Binding(vnic_type=VnicType(self.vnic_type), profile=self.profile)
        return replace(PORT, binding=binding, fixed_ips=self.fixed_ips)

    def context(self) -> PortContext:
        """A context of its own for each call."""
        return PortContext.of(self.port, NETWORK, self.segments, self.host, self.agents, profile=self.port_profile)

    def ask(self, *drivers: MechanismDriver) -> Bound | Unbound:
        """What a controller with these drivers would answer."""
        return bind(self.context, drivers)


class MechanismDriverContract:
    """Subclass it, and write ``make_driver`` and ``binds``; the tests are pytest's.

    A driver that binds nothing leaves ``binds`` empty. One that asks others over the network gets what it asks from
    its own constructor, as a test of it would give it.
    """

    binds: Sequence[Question] = ()
    """Questions that the driver says yes to."""

    def make_driver(self) -> MechanismDriver:
        """A driver as the controller would construct it; ``initialize`` is called by the tests."""
        raise LookupError(f"{type(self).__name__} has no make_driver")

    @pytest.fixture
    def driver(self) -> MechanismDriver:
        made = self.make_driver()
        made.initialize()
        return made

    def test_its_connectivity_is_one_that_neutron_knows(self, driver: MechanismDriver) -> None:
        _holds(driver.connectivity in ("l2", "l3", "legacy"), f"connectivity {driver.connectivity}")

    def test_it_binds_what_it_says_that_it_binds(self, driver: MechanismDriver) -> None:
        for question in self.binds:
            answer = bound(question, driver)
            # A driver does not know of the other statuses.
            _holds(answer.status in (None, PortStatus.ACTIVE, PortStatus.DOWN), f"status {answer.status}")

    def test_asked_twice_it_says_the_same_and_changes_nothing_that_it_was_shown(self, driver: MechanismDriver) -> None:
        for question in self.binds:
            shown, first = deepcopy(question), question.ask(driver)
            _holds(question.ask(driver) == first, f"{question}: another answer the second time")
            _holds(question == shown, f"{question} was {shown}")

    def test_details_of_one_port_are_not_those_of_the_next(self, driver: MechanismDriver) -> None:
        for question in self.binds:
            before = json.dumps(bound(question, driver).vif_details)
            context = question.context()
            driver.bind_port(context)
            if context.answer is not None:
                _spoil(context.answer.vif_details)
            after = json.dumps(bound(question, driver).vif_details)
            _holds(after == before, f"{question}: vif_details {before} became {after} once another port's were changed")

    def test_it_answers_once(self, driver: MechanismDriver) -> None:
        for question in self.binds:
            context = question.context()
            driver.bind_port(context)
            _holds(context.times_answered == 1, f"{question}: answered {context.times_answered} times")

    @pytest.mark.parametrize("vnic_type", list(VnicType))
    def test_every_no_has_a_reason_and_none_is_an_exception(self, driver: MechanismDriver, vnic_type: VnicType) -> None:
        for question in _variations(self.binds or (Question(),), vnic_type):
            context = question.context()
            _must_not_raise(partial(driver.bind_port, context), f"bind_port on {question}")
            is_answered = context.times_answered > 0 or bool(context.refusals)
            _holds(is_answered, f"{question}: neither bound nor refused with a reason")
            _holds(all(reason.strip() for reason in context.refusals), f"{question}: a reason without words")

    def test_a_dead_agent_is_not_bound_to(self, driver: MechanismDriver) -> None:
        for question in self.binds:
            dead: list[AgentDict] = [{**each, "alive": False} for each in question.agents]
            answer = replace(question, agents=dead).ask(driver)
            is_refused = isinstance(answer, Unbound) and "dead" in answer.reasons
            _holds(is_refused or not dead, f"{question}: with its agents dead, {answer}")

    @pytest.mark.parametrize("hook", HOOKS)
    def test_no_hook_fails_on_a_port_a_subnet_or_a_network_of_any_kind(
        self, driver: MechanismDriver, hook: str
    ) -> None:
        for context in _contexts(self.binds or (Question(),), hook, driver):
            _must_not_raise(partial(getattr(driver, hook), context), hook)

    def test_only_its_own_hooks_are_worth_a_call(self, driver: MechanismDriver) -> None:
        inherited = [hook for hook in HOOKS if getattr(type(driver), hook) is getattr(MechanismDriver, hook)]
        heard = [hook for hook in inherited if driver.hears(hook)]
        _holds(not heard, f"hears {', '.join(heard)}, which it does not have")


def _holds(is_kept: bool, what: str) -> None:
    if not is_kept:
        raise AssertionError(what)


def _must_not_raise(act: Callable[[], object], what: str) -> None:
    fault = raised_by(act)
    if fault is not None:
        raise AssertionError(f"{what}: {sentence(fault)}") from fault


def bound(question: Question, driver: MechanismDriver) -> Bound:
    """The driver's yes; fails the test on a no, with its reasons."""
    answer = question.ask(driver)
    if isinstance(answer, Unbound):
        raise AssertionError(f"{question} is refused: {answer.reasons}")
    return answer


def _spoil(details: Any) -> None:
    """Change a mapping, as deep as it goes."""
    for value in list(details.values()):
        if isinstance(value, dict):
            _spoil(value)
        elif isinstance(value, list):
            value.append("spoilt")
    details["spoilt"] = True


def _variations(questions: Sequence[Question], vnic_type: VnicType) -> Iterator[Question]:
    """The questions for another kind of port, and each with something missing or unusual."""
    odd = dict.fromkeys(("pci_vendor_info", "physical_network", "capabilities", "pci_slot"))
    for question in questions:
        other = replace(question, vnic_type=vnic_type)
        yield other
        yield replace(other, host="elsewhere")
        yield replace(other, agents=())
        yield replace(other, segments=())
        yield replace(other, segments=(flat_segment(), vlan_segment(200, "physnet9", "second")))
        yield replace(other, profile={})
        yield replace(other, profile=odd)
        yield replace(other, profile={**question.profile, "capabilities": ["switchdev"]})
        yield replace(other, fixed_ips=())
        yield replace(other, agents=[{**each, "configurations": {}} for each in question.agents])
        yield replace(other, port_profile=None)


def _contexts(questions: Sequence[Question], hook: str, driver: MechanismDriver) -> Iterator[object]:
    verb, noun, _ = hook.split("_")
    is_update = verb == "update"
    for question in questions:
        if noun == "network":
            yield NetworkContext.of(NETWORK, question.segments, NETWORK if is_update else None)
        elif noun == "subnet":
            yield SubnetContext.of(SUBNET, NETWORK, question.segments, SUBNET if is_update else None)
        else:
            yield from _port_contexts(question, driver, is_update=is_update)


def _port_contexts(question: Question, driver: MechanismDriver, *, is_update: bool) -> Iterator[PortContext]:
    """The port unbound and bound, and in an update what it was: the other one."""
    bare = replace(question.port, binding=replace(question.port.binding, host=question.host))
    bound, answer = bare, question.ask(driver)
    if isinstance(answer, Bound):
        binding = replace(
            bare.binding, vif_type=answer.vif_type, vif_details=answer.vif_details, driver=answer.driver,
            segment_id=answer.segment_id, levels=answer.levels,
        )  # fmt: skip
        bound = replace(bare, binding=binding)
    for now, was in ((bare, bound), (bound, bare)):
        yield PortContext.of_change(
            now, NETWORK, question.segments, question.agents, original=was if is_update else None,
            profile=question.port_profile,
        )  # fmt: skip
