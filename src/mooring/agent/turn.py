"""One turn: from a host's whole desired state to a report of what was read back.

    0  what changed by itself is told before it is put right
    1  unwanted servers     isolate their functions' links, destroy, read back that they are gone
    2  surplus interfaces   isolate, detach; representors off their bridges, VLANs that nobody needs
    3  BASELINE             journal, isolate, reset, write every field, read back, link as the baseline has it
    4  SERVE                journal, isolate, reset, write every field, read back; the link stays down
    5  wanted servers       VLANs, representors on their bridges; start or attach; read back again, because libvirt
                            writes MAC and VLAN too; link up last
    6  DHCP servers         those not wanted go, those wanted are made and read back

Interfaces come and go while a guest runs; the functions that its flavor asked for it has from its start to its end.

A turn takes nothing from the one before but what the journal and the machine hold, so it can die anywhere and be done
again; done again with nothing changed, it writes nothing. One function's or one server's failure is in its own
report and stops no other. What has no answer yet is not in the report at all.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from mooring.agent.dhcp import serve_dhcp
from mooring.agent.domain import Guest, Guests
from mooring.agent.functions import FunctionHands, FunctionWork
from mooring.agent.plumbing import PlumbingHands, PlumbingWork
from mooring.agent.scene import Scene
from mooring.errors import Conflict, HostFault, MooringError, Unreachable
from mooring.host.machine import DhcpServers, Disks
from mooring.model.desired import (
    Desired,
    DesiredFunction,
    DesiredServer,
    DhcpReport,
    FunctionOutcome,
    FunctionReport,
    Purpose,
    Report,
    ServerOutcome,
    ServerReport,
)
from mooring.model.host import OfferedFunction
from mooring.model.outside import AgentStep, Clock
from mooring.model.pci import PciAddress

#: A turn over hundreds of functions takes minutes. What is done is told meanwhile, which is also a sign of life.
_TELL_EVERY_S = 5.0

ServerWork = Callable[[DesiredServer], ServerOutcome | None]

_USABLE = frozenset({FunctionOutcome.PROGRAMMED, FunctionOutcome.IN_USE, FunctionOutcome.DEGRADED})


@dataclass(frozen=True, slots=True)
class Hands:
    """What a turn works with; the same for every turn of an agent."""

    functions: FunctionHands
    guests: Guests
    disks: Disks
    dhcp: DhcpServers
    offers: Callable[[Collection[PciAddress]], Sequence[OfferedFunction]]
    plumbing: PlumbingHands
    tell: Callable[[Report], None]
    """Where a report goes that cannot wait for the end of the turn."""
    clock: Clock


class Turn:
    """Made for one ``Desired``, carried out once."""

    _scene: Scene

    def __init__(self, hands: Hands, desired: Desired):
        self.notes: list[str] = []
        """What is in no report and a person may want to know, in sentences."""
        self._hands = hands
        serving = (wanted for wanted in desired.functions if wanted.purpose is Purpose.SERVE)
        divided = frozenset(wanted.pf for wanted in serving if wanted.pf is not None)
        self._work = FunctionWork(hands.functions, self.notes.append, divided)
        self._plumbing = PlumbingWork(hands.plumbing, self.notes.append)
        self._desired = desired
        self._wanted_functions = {wanted.address: wanted for wanted in desired.functions}
        self._function_reports: dict[PciAddress, FunctionReport] = {}
        self._server_reports: dict[str, ServerReport] = {}
        self._dhcp_reports: tuple[DhcpReport, ...] = ()
        self._is_scene_old = False
        self._told_at_s = hands.clock.monotonic_s()

    @property
    def has_other_vfs(self) -> bool:
        """VFs went or came by it: the inventory is not what it was."""
        return self._work.has_other_vfs

    def carry_out(self) -> Report:
        """The whole turn.

        Raises Stale for an epoch older than one already obeyed, and what the hypervisor raises when it does not even
        list its domains.
        """
        self._hands.functions.ledger.obey(self._desired.epoch)
        self._hands.functions.steps.reach(AgentStep.DESIRED_RECEIVED)
        self._scene = self._look()
        self._tell_drifts()
        wanted = [server for server in self._desired.servers if server.is_wanted]
        unwanted = [server for server in self._desired.servers if not server.is_wanted]
        self._for_servers(self._desired.servers, self._intend_server)
        self._for_servers(unwanted, self._remove)
        self._for_servers(wanted, self._unplug_surplus)
        self._look_again_if(self._is_scene_old)
        self._plumbing.take_away(self._desired, self._scene)
        self._for_functions(Purpose.BASELINE, self._clean)
        self._for_functions(Purpose.SERVE, self._serve)
        self._look_again_if(self._work.has_rebound)
        self._for_servers(wanted, self._run)
        self._dhcp_reports = serve_dhcp(self._hands.dhcp, self._desired.dhcp, self.notes.append)
        self._tidy_up()
        return self._report()

    def _report(self) -> Report:
        return Report(
            self._desired.epoch,
            self._desired.sequence,
            tuple(self._function_reports.values()),
            tuple(self._server_reports.values()),
            self._dhcp_reports,
        )

    def _look(self) -> Scene:
        """Only what this turn is about: a host may have hundreds of functions, and a turn comes with every change."""
        functions = self._hands.functions
        about = {wanted.address for wanted in self._desired.functions}
        about |= {wanted.pf for wanted in self._desired.functions if wanted.pf is not None}
        about |= {record.address for record in functions.ledger.serving(functions.boot_id)}
        return Scene(self._hands.offers(about), self._hands.guests, functions.table)

    def _look_again_if(self, is_needed: bool) -> None:
        if is_needed:
            self._scene = self._look()

    def _tell_drifts(self) -> None:
        """Before it is put right, or nobody would ever learn of it."""
        seen = (
            self._work.drift(wanted, self._scene)
            for wanted in self._desired.functions
            if wanted.purpose is Purpose.SERVE
        )
        drifts = tuple(report for report in seen if report is not None)
        if not drifts:
            return
        self.notes += [f"{report.address} had changed: {report.reason}" for report in drifts]
        self._tell(Report(self._desired.epoch, self._desired.sequence, drifts))

    def _tell_in_time(self) -> None:
        if self._hands.clock.monotonic_s() - self._told_at_s >= _TELL_EVERY_S:
            self._tell(self._report())

    def _tell(self, report: Report) -> None:
        """Raises what only a person can mend. That nobody hears it stops no work: the turn's own report comes last."""
        try:
            self._hands.tell(report)
        except Unreachable as silent:
            self.notes.append(f"the controller has not heard of it: {silent}")
        self._told_at_s = self._hands.clock.monotonic_s()

    def _tidy_up(self) -> None:
        """What is left over: of functions that went, of servers that were to go, and of what nobody asked for."""
        self._work.forget_gone({*self._wanted_functions, *self._desired.missed}, self._scene)
        known = {server.id for server in self._desired.servers}
        for stranger in sorted(self._scene.guests.keys() - known):
            self.notes.append(f"the domain of server {stranger} is here and not desired; it is left alone")
        for server_id in self._hands.disks.kept():
            if server_id in known or server_id in self._scene.guests:
                continue
            if self._hands.functions.ledger.is_unwanted(server_id):
                self._hands.disks.discard(server_id)
            else:
                self.notes.append(f"the files of server {server_id} are here and nobody said that it goes")

    def _for_functions(self, purpose: Purpose, work: Callable[[DesiredFunction], FunctionReport | None]) -> None:
        # PFs first: what becomes of one may make its VFs anew, and what was made of those is gone then.
        for wanted in sorted(self._wanted_functions.values(), key=lambda wanted: wanted.pf is not None):
            if wanted.purpose is not purpose:
                continue
            try:
                report = work(wanted)
            except MooringError as failed:
                report = _quarantined(wanted, failed)
            if report is not None:
                self._function_reports[wanted.address] = report
            self._tell_in_time()

    def _clean(self, wanted: DesiredFunction) -> FunctionReport | None:
        functions = self._hands.functions
        if functions.ledger.proven(wanted, functions.boot_id) is None and self._scene.holder(wanted.address) is None:
            self._plumbing.require_unplugged(wanted.address, self._scene)
        return self._work.clean(wanted, self._scene)

    def _serve(self, wanted: DesiredFunction) -> FunctionReport | None:
        if any(server.id == wanted.server_id and not server.is_wanted for server in self._desired.servers):
            self.notes.append(f"{wanted.address} waits for its baseline: server {wanted.server_id} is on its way out")
            return None
        return self._work.serve(wanted, self._scene)

    def _for_servers(self, servers: Iterable[DesiredServer], work: ServerWork) -> None:
        """``work`` for each that has no answer yet."""
        for server in servers:
            if server.id in self._server_reports:
                continue
            try:
                outcome, reason = work(server), ""
            except Unreachable as silent:
                self.notes.append(f"server {server.id} waits: {silent}")
                continue
            except MooringError as failed:
                outcome, reason = ServerOutcome.FAILED, failed.message
            if outcome is not None:
                self._server_reports[server.id] = ServerReport(server.id, server.generation, outcome, reason)
            self._tell_in_time()

    # Servers and interfaces on their way out

    def _intend_server(self, server: DesiredServer) -> ServerOutcome | None:
        self._hands.functions.ledger.intend_server(server)
        return None

    def _remove(self, server: DesiredServer) -> ServerOutcome | None:
        guest = self._scene.guests.get(server.id)
        if guest is not None:
            for address in sorted(guest.holds):
                self._isolate_leaving(address)
            self._is_scene_old = True
            self._hands.guests.destroy(server.id)
        else:
            self._hands.disks.discard(server.id)
        return ServerOutcome.ABSENT

    def _unplug_surplus(self, server: DesiredServer) -> ServerOutcome | None:
        guest = self._scene.guests.get(server.id)
        for device in guest.surplus(server) if guest is not None and guest.is_running else ():
            if device.address is not None:
                self._isolate_leaving(device.address)
            self._is_scene_old = True
            try:
                self._hands.guests.detach(server.id, device.port_id)
            except Conflict as held:
                self.notes.append(f"port {device.port_id} is not unplugged yet: {held}")
        return None

    def _isolate_leaving(self, address: PciAddress) -> None:
        """A failure is noted and no more: taking the function off its guest isolates it better still."""
        if not self._scene.has_settings(address):
            return
        try:
            self._hands.functions.writer.isolate(self._scene.locate(address))
        except MooringError as failed:
            self.notes.append(f"{address} could not be isolated before its guest lost it: {failed}")

    # Servers and interfaces on their way in

    def _run(self, server: DesiredServer) -> ServerOutcome | None:
        for address, what in _functions_of(server):
            self._require_function(server, address, what)
        guest = self._scene.guests.get(server.id)
        guests, netdevs = self._hands.guests, self._scene.netdevs
        if guest is None or not guest.is_running:
            for interface in server.interfaces:
                self._plumbing.connect(server, interface, self._scene)
            guests.start(server, netdevs)
            self._open_links([address for address, _ in _functions_of(server)], undo=partial(guests.stop, server.id))
            return ServerOutcome.RUNNING
        if guest.surplus(server):
            return None
        self._keep_connected(server, guest)
        for interface in guest.missing(server):
            self._plumbing.connect(server, interface, self._scene)
            guests.attach(server, interface, netdevs)
            own = [interface.address] if interface.address is not None else []
            self._open_links(own, undo=partial(guests.detach, server.id, interface.port_id))
        if guest.lacks(server):
            what = ", ".join(map(str, guest.lacks(server)))
            raise HostFault(f"{what} is not in the running guest, which gets it when it is started anew and not before")
        return ServerOutcome.RUNNING

    def _keep_connected(self, server: DesiredServer, guest: Guest) -> None:
        """What its interfaces need on the host, should somebody have taken it away. A guest is not failed for it."""
        missing = guest.missing(server)
        for interface in server.interfaces:
            if interface in missing:
                continue
            try:
                self._plumbing.connect(server, interface, self._scene)
            except MooringError as failed:
                self.notes.append(f"port {interface.port_id} is cut off: {failed.message}")
                report = self._function_reports.get(interface.address) if interface.address is not None else None
                if report is not None:
                    outcome, reason = FunctionOutcome.DEGRADED, failed.message
                    self._function_reports[report.address] = replace(report, outcome=outcome, reason=reason)

    def _require_function(self, server: DesiredServer, address: PciAddress, what: str) -> None:
        """Raises HostFault unless the function is programmed for this very server."""
        wanted = self._wanted_functions.get(address)
        if wanted is None or wanted.purpose is not Purpose.SERVE or wanted.server_id != server.id:
            raise HostFault(f"{what} is not desired for server {server.id}")
        report = self._function_reports.get(address)
        if report is None or report.outcome not in _USABLE:
            raise HostFault(f"{what} is not programmed: {report.reason if report else 'it has no answer yet'}")

    def _open_links(self, addresses: Iterable[PciAddress], undo: Callable[[], None]) -> None:
        """Verify the functions again, now that their guest has them, and open their links.

        Raises HostFault when one does not read back; where the card cannot hold its link down, ``undo`` takes it off
        the guest first, for else the guest would go on with a stranger's VLAN or MAC.
        """
        failures: list[str] = []
        is_open = False
        for address in addresses:
            wanted = self._wanted_functions[address]
            try:
                self._function_reports[address] = self._work.open_link(wanted, self._scene)
            except MooringError as failed:
                self._function_reports[address] = _quarantined(wanted, failed)
                failures.append(failed.message)
                is_open = is_open or not self._work.is_isolated(wanted, self._scene)
        if is_open:
            undo()
        if failures:
            raise HostFault("; ".join(failures))


def _functions_of(server: DesiredServer) -> Iterator[tuple[PciAddress, str]]:
    """Every function that its guest is to have, with what it is to be called."""
    for interface in server.interfaces:
        if interface.address is not None:
            yield interface.address, f"{interface.address} of port {interface.port_id}"
    for address in server.passthrough:
        yield address, f"{address}, which the flavor asked for,"


def _quarantined(wanted: DesiredFunction, failed: MooringError) -> FunctionReport:
    return FunctionReport(wanted.address, wanted.generation, FunctionOutcome.QUARANTINED, reason=failed.message)
