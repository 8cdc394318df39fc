"""Ask the mechanism drivers, in order and level by level, to bind one port on one host."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mooring.ml2.answers import checked_binding, checked_next, named, why_without_profile
from mooring.ml2.calling import AtOnce, DriverCall, sentence
from mooring.ml2.context import BindingAnswer, LevelDict, PortContext, SegmentDict
from mooring.ml2.driver import MechanismDriver
from mooring.ml2.spelling import PORT_PROFILE
from mooring.model.port import BindingLevel, Refusal

LOG = logging.getLogger(__name__)

#: How deep a hierarchical binding may go; Neutron's MAX_BINDING_LEVELS.
LEVELS_MAX = 10

MakeContext = Callable[[], PortContext]


@dataclass(frozen=True, slots=True)
class Bound:
    """The drivers said yes, and what the one of the bottom level said."""

    driver: str
    segment_id: str
    vif_type: str
    vif_details: Mapping[str, Any]
    status: str | None
    """The port status that the driver asks for, ``None`` to leave it."""
    levels: tuple[BindingLevel, ...] = ()
    """All levels, top first; the bottom one is ``driver`` on ``segment_id``, and the only one unless more are given."""

    def __post_init__(self) -> None:
        if not self.levels:
            object.__setattr__(self, "levels", (BindingLevel(self.driver, self.segment_id),))


@dataclass(frozen=True, slots=True)
class Unbound:
    """Every driver's reasons, in the order in which they were asked."""

    refusals: tuple[Refusal, ...]

    @property
    def reasons(self) -> str:
        """All of it in one line."""
        return "; ".join(f"{refusal.driver}: {refusal.reason}" for refusal in self.refusals)


def bind(
    make_context: MakeContext, drivers: Sequence[MechanismDriver], call: DriverCall | None = None
) -> Bound | Unbound:
    """Ask each driver, with a context of its own, until one binds the port or leaves it to a level below.

    ``make_context`` is called once for each driver, so that what one driver does to its context never reaches the
    next: ``partial(PortContext.of, port, network, segments, host, agents)``.
    """
    if not drivers:
        return Unbound((Refusal("", "no mechanism driver is configured"),))
    asking = _Asking(make_context, drivers, call or AtOnce())
    return asking.level([], None) or Unbound(tuple(asking.refusals))


@dataclass(slots=True)
class _Asking:
    """One question, on its way down and up the levels."""

    make_context: MakeContext
    drivers: Sequence[MechanismDriver]
    call: DriverCall
    refusals: list[Refusal] = field(default_factory=list)
    allocated: dict[str, SegmentDict] = field(default_factory=dict)
    """The dynamic segments that drivers were given, by id."""

    def level(self, above: Sequence[LevelDict], segments: Sequence[SegmentDict] | None) -> Bound | None:
        """The binding below ``above`` through one of ``segments``; ``None``, with reasons, when nobody binds.

        At the top, ``segments`` is ``None``: those that the context offers.
        """
        if len(above) == LEVELS_MAX:
            self._refused(None, above, [f"nobody bound the port within {LEVELS_MAX} levels"])
            return None
        for driver in self.drivers:
            if segments is not None and _is_above(driver, above, segments):
                continue
            bound = self._ask(driver, above, segments)
            if bound is not None:
                return bound
        return None

    def _ask(
        self, driver: MechanismDriver, above: Sequence[LevelDict], segments: Sequence[SegmentDict] | None
    ) -> Bound | None:
        """One driver's binding, of this level or of those below; ``None`` when there is none, with the reasons."""
        context = self.make_context()
        offered = [each.copy() for each in (context.segments_to_bind if segments is None else segments)]
        known = {each["id"]: each.copy() for each in context.network.network_segments}
        context.prepare(offered, above)
        context.allocate_through(self.call.ask_back)
        profile = context.current.get(PORT_PROFILE)
        fault = self.call(driver, "bind_port", lambda: _bind_port(driver, context))
        if fault is not None:
            LOG.warning("mechanism driver %s failed in bind_port: %s", driver.name, sentence(fault), exc_info=fault)
            self._refused(driver, above, [*context.refusals, sentence(fault)])
        elif context.times_answered > 1:
            self._refused(driver, above, [*context.refusals, "answered more than once"])
        elif context.answer is not None:
            answer = checked_binding(context.answer, offered)
            wrong = answer if isinstance(answer, str) else why_without_profile(profile, answer)
            if wrong is None and not isinstance(answer, str):
                return _bound(driver, answer, above)
            self._refused(driver, above, [*context.refusals, str(wrong)])
        elif context.continuation is not None:
            self.allocated |= {each["id"]: each for each in context.allocated}
            return self._below(driver, checked_next(context.continuation, offered, known | self.allocated), above)
        else:
            self._refused(driver, above, context.refusals or [f"gave no reason ({named(offered)})"])
        return None

    def _below(
        self, driver: MechanismDriver, checked: tuple[SegmentDict, list[SegmentDict]] | str, above: Sequence[LevelDict]
    ) -> Bound | None:
        if isinstance(checked, str):
            self._refused(driver, above, [checked])
            return None
        segment, segments = checked
        return self.level([*above, {"bound_driver": driver.name, "bound_segment": segment}], segments)

    def _refused(self, driver: MechanismDriver | None, above: Sequence[LevelDict], reasons: Sequence[str]) -> None:
        where = f"level {len(above)}: " if above else ""
        name = "" if driver is None else driver.name
        self.refusals += [Refusal(name, where + reason) for reason in dict.fromkeys(reasons)]


def _bind_port(driver: MechanismDriver, context: PortContext) -> None:
    connectivity = driver.connectivity
    if not context.current["fixed_ips"] and connectivity != "l2":
        context.refuse(f"a port without addresses needs l2 connectivity, and this driver gives {connectivity}")
    else:
        driver.bind_port(context)


def _bound(driver: MechanismDriver, answer: BindingAnswer, above: Sequence[LevelDict]) -> Bound:
    levels = [
        BindingLevel(level["bound_driver"], level["bound_segment"]["id"]) for level in above if level["bound_segment"]
    ]
    bottom = BindingLevel(driver.name, answer.segment_id)
    return Bound(driver.name, answer.segment_id, answer.vif_type, answer.vif_details, answer.status, (*levels, bottom))


def _is_above(driver: MechanismDriver, above: Sequence[LevelDict], segments: Sequence[SegmentDict]) -> bool:
    """Whether the driver bound one of these segments at a higher level: asking it again would go in circles."""
    ids = {segment["id"] for segment in segments}
    return any(
        level["bound_driver"] == driver.name and level["bound_segment"] and level["bound_segment"]["id"] in ids
        for level in above
    )
