"""``noop``: binds nothing and hears of nothing. The shape of a driver, to copy and fill in."""

from mooring.ml2.context import PortContext
from mooring.ml2.driver import MechanismDriver


class NoopDriver(MechanismDriver):
    """Refuses every port and leaves every change alone.

    All methods but ``bind_port`` are inherited: a driver writes those that it has something to do in, and only those
    are called.
    """

    name = "noop"
    answers_at_once = True

    @property
    def connectivity(self) -> str:
        """``l2``: it is asked for ports without addresses too."""
        return "l2"

    def bind_port(self, context: PortContext) -> None:
        """Say no, with the reason that the port's owner reads."""
        self.refuse(context, "this driver binds nothing")
