"""The mechanism drivers of a controller, in their order: asked to bind, and told of changes."""

import logging
from collections.abc import Callable, Sequence

from mooring.errors import MechanismDriverError
from mooring.ml2.binding import Bound, MakeContext, Unbound, bind
from mooring.ml2.calling import AtOnce, DriverCall, sentence
from mooring.ml2.context import PortContext
from mooring.ml2.driver import HOOKS, MechanismDriver

LOG = logging.getLogger(__name__)


class Manager:
    """Neutron's MechanismManager: what it does is there for every driver, and no driver can bring it down."""

    def __init__(self, drivers: Sequence[MechanismDriver] = (), call: DriverCall | None = None) -> None:
        self.drivers = tuple(drivers)
        self._call = call or AtOnce()
        self._hearing = {hook: tuple(each for each in self.drivers if each.hears(hook)) for hook in HOOKS}
        self._nouns = frozenset(hook.split("_")[1] for hook, drivers in self._hearing.items() if drivers)

    def bind(self, make_context: MakeContext) -> Bound | Unbound:
        """Ask the drivers in order until one binds; ``make_context`` gives each a context of its own."""
        return bind(make_context, self.drivers, self._call)

    def hears(self, hook: str) -> bool:
        """Whether any driver has something to do in a hook, as ``create_port_precommit``."""
        return bool(self._hearing[hook])

    def hears_of(self, noun: str) -> bool:
        """Whether any driver has a hook of ``network``, ``subnet`` or ``port``."""
        return noun in self._nouns

    def tell(self, hook: str, make_context: Callable[[], object]) -> None:
        """Call a hook of every driver that has it, each with a context of its own.

        Raises MechanismDriverError. As in Neutron, the first error ends a precommit hook and the hook after a create,
        which will be undone; in the others every driver is called, and the errors are collected. A port is taken
        leave of in the opposite order.
        """
        drivers = self._hearing[hook]
        stops = hook.endswith("_precommit") or hook.startswith("create_")
        faults: dict[str, BaseException] = {}
        for driver in reversed(drivers) if hook.startswith("delete_port_") else drivers:
            fault = self._tell(driver, hook, make_context())
            if fault is not None:
                LOG.error("mechanism driver %s failed in %s: %s", driver.name, hook, sentence(fault), exc_info=fault)
                faults[driver.name] = fault
                if stops:
                    break
        if faults:
            raise MechanismDriverError(hook, faults)

    def _tell(self, driver: MechanismDriver, hook: str, context: object) -> BaseException | None:
        if isinstance(context, PortContext):
            context.allocate_through(self._call.ask_back)
        return self._call(driver, hook, lambda: getattr(driver, hook)(context))
