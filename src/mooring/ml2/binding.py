"""Ask the mechanism drivers, in order, to bind one port on one host."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mooring.errors import MooringError
from mooring.ml2.context import BindingAnswer, PortContext
from mooring.ml2.driver import MechanismDriver
from mooring.model.port import Refusal

LOG = logging.getLogger(__name__)

#: What a driver of somebody else's may raise without taking the story down with it. A driver that raises has
#: refused; Neutron logs such an error and asks the next driver, and so do we, keeping the reason.
DRIVER_FAULTS = (MooringError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, OSError)


@dataclass(frozen=True, slots=True)
class Bound:
    """The first driver that said yes, and what it said."""

    driver: str
    segment_id: str
    vif_type: str
    vif_details: Mapping[str, Any]
    status: str | None
    """The port status that the driver asks for, ``None`` to leave it."""


@dataclass(frozen=True, slots=True)
class Unbound:
    """Every driver's reasons, in the order in which they were asked."""

    refusals: tuple[Refusal, ...]

    @property
    def reasons(self) -> str:
        """All of it in one line."""
        return "; ".join(f"{refusal.driver}: {refusal.reason}" for refusal in self.refusals)


def bind(make_context: Callable[[], PortContext], drivers: Sequence[MechanismDriver]) -> Bound | Unbound:
    """Ask each driver, with a context of its own, until one binds the port.

    ``make_context`` is called once for each driver, so that what one driver does to its context never reaches the
    next: ``partial(PortContext.of, port, network, segments, host, agents)``.
    """
    if not drivers:
        return Unbound((Refusal("", "no mechanism driver is configured"),))
    refusals: list[Refusal] = []
    for driver in drivers:
        answer = _ask(driver, make_context())
        if isinstance(answer, Bound):
            return answer
        refusals.extend(Refusal(driver.name, reason) for reason in answer)
    return Unbound(tuple(refusals))


def _ask(driver: MechanismDriver, context: PortContext) -> Bound | tuple[str, ...]:
    """One driver's yes, or its reasons: at least one."""
    if not context.current["fixed_ips"] and driver.connectivity != "l2":
        return (f"a port without addresses needs l2 connectivity, and this driver gives {driver.connectivity}",)
    try:
        driver.bind_port(context)
    except DRIVER_FAULTS as fault:
        LOG.warning("mechanism driver %s failed on port %s", driver.name, context.current["id"], exc_info=True)
        return (*context.refusals, f"{type(fault).__name__}: {fault}")
    if context.answer is not None:
        return _checked(driver, context, context.answer)
    return tuple(dict.fromkeys(context.refusals)) or ("refused without a reason",)


def _checked(driver: MechanismDriver, context: PortContext, answer: BindingAnswer) -> Bound | tuple[str, ...]:
    offered = {segment["id"] for segment in context.segments_to_bind}
    if answer.segment_id not in offered:
        return (f"bound segment {answer.segment_id}, which was not offered",)
    return Bound(driver.name, answer.segment_id, answer.vif_type, answer.vif_details, answer.status)
