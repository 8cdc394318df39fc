"""The agent: tells its machine, hears what it should be, makes it so, reports what was read back; and again.

``turn`` is one pass, for tests that step by hand; ``run`` is the loop. The agent trusts neither its controller, whose
older epochs it refuses, nor itself: another agent of the same host ends it (Stale), since two writers are none.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mooring.agent.backoff import Backoff
from mooring.agent.domain import Guests
from mooring.agent.functions import FunctionHands
from mooring.agent.inventory import Inventory, without_observations
from mooring.agent.numvfs import VfCounts, make_vfs
from mooring.agent.plumbing import PlumbingHands
from mooring.agent.pulse import Pulse
from mooring.agent.turn import Hands, Turn
from mooring.agent.uplink import Uplink
from mooring.agent.vf import VfWriter
from mooring.core.devspec import DeviceSpec
from mooring.errors import Forbidden, MooringError, Stale, Unauthenticated
from mooring.host.domainxml import DomainKind
from mooring.host.ledger import Ledger
from mooring.host.machine import Machine
from mooring.model.desired import Desired, DhcpOutcome, FunctionOutcome, Report, ServerOutcome, Welcome
from mooring.model.host import HostSnapshot
from mooring.model.outside import AgentStep, Clock, Ids, NoSteps, Steps

_log = logging.getLogger(__name__)

NewSpecs = Callable[[], Sequence[DeviceSpec] | None]
"""The device specs of a file that somebody had read again; ``None``: nobody did."""

_LISTEN_S = 1.0
_RETRY_MIN_S = 1.0
_RETRY_MAX_S = 30.0

_UNSETTLED = frozenset({FunctionOutcome.QUARANTINED, FunctionOutcome.DEGRADED})
#: Of what a watch hears: functions that come and go, and guests that stop by themselves.
_OF_THE_MACHINE = ("pci ", "net ", "messages ")
_OF_GUESTS = ("domain ", "messages ")


@dataclass(frozen=True, slots=True)
class Outside:
    """What the world is to an agent; a test hands in its own."""

    clock: Clock
    ids: Ids
    steps: Steps = field(default_factory=NoSteps)
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class HostRules:
    """What the host's own configuration says; the controller has no say in it."""

    device_specs: Sequence[DeviceSpec] = ()
    bridge_mappings: Mapping[str, str] = field(default_factory=dict)
    interface_mappings: Mapping[str, str] = field(default_factory=dict)
    domain_kind: DomainKind = DomainKind.KVM
    report_interval_s: float = 25.0
    """Longest silence towards the controller."""
    rescan_interval_s: float = 30.0
    """Between two looks at the machine's functions."""
    pulse_interval_s: float = 2.0
    """Between two looks at what is in use."""


class Agent:
    """One agent process; a new one for each start, with an ``agent_id`` of its own."""

    def __init__(self, machine: Machine, uplink: Uplink, ledger: Ledger, rules: HostRules, outside: Outside):
        self.agent_id = outside.ids.uuid()
        self._machine = machine
        self._uplink = uplink
        self._ledger = ledger
        self._rules = rules
        self._outside = outside
        self._inventory = Inventory(
            machine,
            self.agent_id,
            rules.device_specs,
            rules.bridge_mappings,
            ledger.has_touched,
            rules.interface_mappings,
        )
        writer = VfWriter(machine.vf_table, machine.pci_bus, outside.steps, outside.sleep)
        counts = VfCounts(ledger, machine.pci_bus, machine.vf_table, outside.steps, machine.boot_id, self._inventory.pf)
        self._hands = Hands(
            FunctionHands(ledger, machine.vf_table, machine.pci_bus, writer, outside.steps, machine.boot_id, counts),
            guests=Guests(machine, rules.domain_kind, outside.steps),
            disks=machine.disks,
            plumbing=PlumbingHands(machine.plumbing, rules.bridge_mappings, rules.interface_mappings),
            dhcp=machine.dhcp,
            offers=self._inventory.offers,
            tell=uplink.report,
            clock=outside.clock,
        )
        self._has_made_vfs = False
        self._has_other_vfs = False
        self._told: HostSnapshot | None = None
        self._epoch = 0
        self._scanned_at_s = 0.0
        self._desired: Desired | None = None
        self._due_at_s = 0.0
        self._pulse: Pulse | None = None
        self._serving: set[str] = set()
        """The networks whose DHCP servers ran at the end of the last turn."""
        self._pulse_at_s = 0.0
        self._retry = Backoff(_RETRY_MIN_S, _RETRY_MAX_S, outside.jitter)
        self._sentence = ""

    def make_vfs(self) -> None:
        """``sriov_numvfs``, once, at the start. What cannot be done is logged: the other PFs serve all the same."""
        functions = self._inventory.functions()
        for note in make_vfs(
            functions, self._rules.device_specs, self._ledger, self._machine.boot_id, self._machine.pci_bus,
            self._machine.vf_table,
        ):  # fmt: skip
            _log.warning("vfs-not-made reason=%r", note)
        self._has_made_vfs = True

    def follow(self, device_specs: Sequence[DeviceSpec]) -> None:
        """Hand out by these entries from now on, and tell the controller soon.

        What a guest has it keeps until it gives it back. ``num_vfs`` counts at the next start, and for a PF that comes
        back from a server. Only between two turns.
        """
        self._rules = replace(self._rules, device_specs=device_specs)
        self._inventory.follow(device_specs)
        self._scan_soon()

    def snapshot(self) -> HostSnapshot:
        """The machine as it is now, whole."""
        return self._inventory.snapshot()

    def announce(self) -> Welcome:
        """Tell the inventory and obey the epoch of the answer. Raises Stale for an epoch that this host is beyond."""
        snapshot = self.snapshot()
        welcome = self._uplink.announce(snapshot)
        self._ledger.obey(welcome.epoch)
        self._epoch = welcome.epoch
        self._told = without_observations(snapshot)
        self._scanned_at_s = self._outside.clock.monotonic_s()
        _log.info("announced host=%s epoch=%d functions=%d", welcome.host, welcome.epoch, len(snapshot.functions))
        return welcome

    def turn(self, desired: Desired) -> Report:
        """Make the machine as desired, as far as it goes, and tell what was read back. Logs a sentence when it differs.

        Doing it again with nothing changed writes nothing and answers the same. Raises Stale for an older epoch, and
        what the hypervisor raises when it does not even list its domains.
        """
        turn = Turn(self._hands, desired)
        report = turn.carry_out()
        self._has_other_vfs = turn.has_other_vfs
        sentence = describe(report, turn.notes)
        if sentence != self._sentence:
            level = logging.INFO if is_settled(desired, report) else logging.WARNING
            _log.log(level, "turn sequence=%d %s", desired.sequence, sentence)
            self._sentence = sentence
        return report

    def carry_out(self, desired: Desired) -> Report:
        """``turn``, and the report of it sent; and the machine told anew when VFs went or came by it."""
        report = self.turn(desired)
        self._outside.steps.reach(AgentStep.BEFORE_REPORT)
        self._uplink.report(report)
        self._outside.steps.reach(AgentStep.REPORTED)
        if self._has_other_vfs:
            self.announce()
        return report

    def run(self, stop: threading.Event, new_specs: NewSpecs = lambda: None) -> None:
        """Until ``stop``. Raises Unauthenticated, Forbidden or Stale when only a person, or a restart, can help.

        ``new_specs`` is asked in every pass; what it answers is followed.
        """
        failed_tries = Backoff(_RETRY_MIN_S, _RETRY_MAX_S, self._outside.jitter)
        while not stop.is_set():
            specs = new_specs()
            if specs is not None:
                self.follow(specs)
            try:
                if not self._has_made_vfs:
                    self.make_vfs()
                self._announce_if_changed()
                self._listen()
                self._notice()
                self._carry_out_if_due()
            except (Unauthenticated, Forbidden, Stale) as refused:
                _log.error("agent-stops reason=%r hint=%r", refused.message, refused.hint)
                raise
            except MooringError as failed:
                _log.warning("agent-retries reason=%r", failed.message)
                self._told = None
                stop.wait(failed_tries.next_s())
            else:
                failed_tries.reset()

    def _announce_if_changed(self) -> None:
        if self._told is None:
            self.announce()
        elif self._outside.clock.monotonic_s() - self._scanned_at_s >= self._rules.rescan_interval_s:
            self._scanned_at_s = self._outside.clock.monotonic_s()
            if without_observations(self.snapshot()) != self._told:
                self.announce()

    def _listen(self) -> None:
        """Wait a moment for news. Raises Stale when they are of an epoch that another agent began."""
        desired = self._uplink.desired(self._desired.sequence if self._desired is not None else 0, _LISTEN_S)
        if desired is None:
            return
        if desired.epoch > self._epoch:
            raise Stale(
                f"epoch {desired.epoch} has begun, and this agent was welcomed to {self._epoch}",
                hint="another agent of this host took over; only one may run",
            )
        if desired.epoch < self._epoch:
            _log.info("desired-dropped epoch=%d reason='it was on its way before epoch %d'", desired.epoch, self._epoch)
            return
        self._desired = desired
        self._due_at_s = 0.0
        self._retry.reset()

    def _notice(self) -> None:
        """What happened to the host by itself: looked into at once, not when its turn comes."""
        now_s = self._outside.clock.monotonic_s()
        words = self._machine.watch.heard()
        if any(word.startswith(_OF_THE_MACHINE) for word in words):
            self._scan_soon()
        if self._pulse is None or not (words or now_s - self._pulse_at_s >= self._rules.pulse_interval_s):
            return
        self._pulse_at_s = now_s
        difference = self._pulse.differs() or self._dhcp_differs()
        of_guests = [word for word in words if word.startswith(_OF_GUESTS)]
        if difference or of_guests:
            _log.info("noticed what=%r", "; ".join([difference, *of_guests] if difference else of_guests))
            self._pulse = None
            self._due_at_s = 0.0
            self._retry.reset()
            self._scan_soon()

    def _dhcp_differs(self) -> str:
        """The first DHCP server that has ended by itself, in words."""
        wanted = self._desired.dhcp if self._desired is not None else ()
        served = [one.network_id for one in wanted if one.network_id in self._serving]
        dead = (network_id for network_id in served if not self._machine.dhcp.is_alive(network_id))
        return next((f"DHCP of network {network_id} has ended" for network_id in dead), "")

    def _scan_soon(self) -> None:
        self._scanned_at_s = self._outside.clock.monotonic_s() - self._rules.rescan_interval_s

    def _carry_out_if_due(self) -> None:
        """What is new at once, what is unsettled again soon, and all of it again before the controller worries."""
        if self._desired is None or self._outside.clock.monotonic_s() < self._due_at_s:
            return
        report = self.carry_out(self._desired)
        functions = [offered.function for offered in self._told.functions] if self._told is not None else []
        self._pulse = Pulse(self._machine.vf_table, functions, report.functions)
        self._serving = {one.network_id for one in report.dhcp if one.outcome is DhcpOutcome.SERVING}
        self._pulse_at_s = self._outside.clock.monotonic_s()
        pause_s = self._rules.report_interval_s
        if not is_settled(self._desired, report):
            pause_s = min(pause_s, self._retry.next_s())
        self._due_at_s = self._outside.clock.monotonic_s() + pause_s


def is_settled(desired: Desired, report: Report) -> bool:
    """Everything has its answer, and none is a failure."""
    return (
        len(report.functions) == len(desired.functions)
        and len(report.servers) == len(desired.servers)
        and all(server.outcome is not DhcpOutcome.FAILED for server in report.dhcp)
        and all(function.outcome not in _UNSETTLED for function in report.functions)
        and all(server.outcome is not ServerOutcome.FAILED for server in report.servers)
    )


def describe(report: Report, notes: Sequence[str]) -> str:
    """A turn in a sentence: counts of what is well, and each failure with its reason."""
    outcomes = [
        *(one.outcome for one in report.functions), *(one.outcome for one in report.servers),
        *(one.outcome for one in report.dhcp),
    ]  # fmt: skip
    counts = [f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes)]
    failures = [f"{one.address}: {one.reason}" for one in report.functions if one.reason]
    failures += [f"server {one.id}: {one.reason}" for one in report.servers if one.reason]
    failures += [f"DHCP of network {one.network_id}: {one.reason}" for one in report.dhcp if one.reason]
    return "; ".join([", ".join(counts) or "nothing desired", *failures, *notes])
