"""What the rest of the world is to us: the clock, chance, and the steps at which a process may die.

Decisions and stories take these as arguments, so that a whole cloud can run in one process, seeded, for tests.
"""

from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time of day, UTC, aware."""

    def monotonic_s(self) -> float:
        """Seconds that never run backwards; only differences mean something."""


class Ids(Protocol):
    def uuid(self) -> str:
        """A fresh UUID in its 36-character form."""

    def hex_id(self) -> str:
        """A fresh 32-digit id, as Keystone makes them for projects and users."""

    def secret(self) -> str:
        """At least 256 bits from the system's generator, printable in a header."""

    def mac(self) -> str:
        """A fresh unicast, locally administered MAC address, lower case."""


class AgentStep(StrEnum):
    """The steps of the agent's work, in order. A death at any of them must lose and leak nothing."""

    DESIRED_RECEIVED = "agent.desired-received"
    INTENT_JOURNALLED = "agent.intent-journalled"
    VFS_REMOVED = "agent.vfs-removed"
    """Of a PF that a server is to have whole, or had."""
    LINK_ISOLATED = "agent.link-isolated"
    FUNCTION_RESET = "agent.function-reset"
    VFS_MADE = "agent.vfs-made"
    """Of a PF that a server had whole."""
    SETTINGS_WRITTEN = "agent.settings-written"
    SETTINGS_VERIFIED = "agent.settings-verified"
    DOMAIN_STARTED = "agent.domain-started"
    LINK_RESTORED = "agent.link-restored"
    DOMAIN_DESTROYED = "agent.domain-destroyed"
    BASELINE_VERIFIED = "agent.baseline-verified"
    BEFORE_REPORT = "agent.before-report"
    REPORTED = "agent.reported"


class ControllerStep(StrEnum):
    """The steps of the controller's stories, in order."""

    SERVER_PLACED = "controller.server-placed"
    SERVER_STORED = "controller.server-stored"
    PORT_BOUND = "controller.port-bound"
    DEVICE_CLAIMED = "controller.device-claimed"
    BEFORE_COMMIT = "controller.before-commit"
    COMMITTED = "controller.committed"
    REPORT_RECEIVED = "controller.report-received"
    FUNCTION_REPORTED = "controller.function-reported"
    SERVER_REPORTED = "controller.server-reported"
    DELETE_STORED = "controller.delete-stored"
    CLAIM_RELEASED = "controller.claim-released"


class Steps(Protocol):
    def reach(self, step: AgentStep | ControllerStep) -> None:
        """Called at each named step; the product's own does nothing, a fault test's may not return."""


class NoSteps:
    """The steps of every day: nothing happens at them."""

    def reach(self, step: AgentStep | ControllerStep) -> None:
        del step
