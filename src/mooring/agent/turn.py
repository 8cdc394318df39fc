"""One turn: from a host's whole desired state to a report of what was read back.

    1  unwanted servers     isolate their functions' links, destroy, read back that they are gone
    2  surplus interfaces   isolate, detach
    3  BASELINE             journal, isolate, write every field, read back, link as the baseline has it
    4  SERVE                journal, isolate, write every field, read back; the link stays down
    5  wanted servers       start or attach; read back again, because libvirt writes MAC and VLAN too; link up last

A turn takes nothing from the one before but what the journal and the machine hold, so it can die anywhere and be done
again; done again with nothing changed, it writes nothing. One function's or one server's failure is in its own
report and stops no other. What has no answer yet is not in the report at all.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

from mooring.agent.domain import Guests
from mooring.agent.scene import Scene
from mooring.agent.vf import Vf, VfWriter
from mooring.core.reconcile import baseline, residue
from mooring.errors import Conflict, HostFault, Invalid, MooringError, Unreachable
from mooring.host.ledger import Ledger
from mooring.host.machine import VfTable
from mooring.model.desired import (
    Desired,
    DesiredFunction,
    DesiredInterface,
    DesiredServer,
    FunctionOutcome,
    FunctionReport,
    Purpose,
    Report,
    ServerOutcome,
    ServerReport,
)
from mooring.model.host import OfferedFunction
from mooring.model.outside import AgentStep, Steps
from mooring.model.pci import PciAddress
from mooring.model.vf import LinkState, VfSettings

FunctionWork = Callable[[DesiredFunction, Vf], FunctionReport | None]
ServerWork = Callable[[DesiredServer], ServerOutcome | None]

_USABLE = frozenset({FunctionOutcome.PROGRAMMED, FunctionOutcome.IN_USE})


@dataclass(frozen=True, slots=True)
class Hands:
    """What a turn works with; the same for every turn of an agent."""

    ledger: Ledger
    table: VfTable
    writer: VfWriter
    guests: Guests
    steps: Steps
    boot_id: str
    offers: Callable[[Collection[PciAddress]], Sequence[OfferedFunction]]


class Turn:
    """Made for one ``Desired``, carried out once."""

    _scene: Scene

    def __init__(self, hands: Hands, desired: Desired):
        self.notes: list[str] = []
        """What is in no report and a person may want to know, in sentences."""
        self._hands = hands
        self._desired = desired
        self._wanted_functions = {wanted.address: wanted for wanted in desired.functions}
        self._function_reports: dict[PciAddress, FunctionReport] = {}
        self._server_reports: dict[str, ServerReport] = {}
        self._is_scene_old = False

    def carry_out(self) -> Report:
        """The whole turn.

        Raises Stale for an epoch older than one already obeyed, and what the hypervisor raises when it does not even
        list its domains.
        """
        self._hands.ledger.obey(self._desired.epoch)
        self._hands.steps.reach(AgentStep.DESIRED_RECEIVED)
        self._scene = self._look()
        wanted = [server for server in self._desired.servers if server.is_wanted]
        unwanted = [server for server in self._desired.servers if not server.is_wanted]
        self._for_servers(self._desired.servers, self._intend_server)
        self._for_servers(unwanted, self._remove)
        self._for_servers(wanted, self._unplug_surplus)
        if self._is_scene_old:
            self._scene = self._look()
        self._for_functions(Purpose.BASELINE, self._baseline)
        self._for_functions(Purpose.SERVE, self._serve)
        self._for_servers(wanted, self._run)
        for stranger in sorted(self._scene.guests.keys() - {server.id for server in self._desired.servers}):
            self.notes.append(f"the domain of server {stranger} is here and not desired; it is left alone")
        return Report(
            self._desired.epoch,
            self._desired.sequence,
            tuple(self._function_reports.values()),
            tuple(self._server_reports.values()),
        )

    def _look(self) -> Scene:
        """Only what this turn is about: a host may have hundreds of functions, and a turn comes with every change."""
        about = {address for wanted in self._desired.functions for address in (wanted.address, wanted.pf)}
        return Scene(self._hands.offers(about), self._hands.guests, self._hands.table)

    def _for_functions(self, purpose: Purpose, work: FunctionWork) -> None:
        for wanted in self._wanted_functions.values():
            if wanted.purpose is not purpose:
                continue
            try:
                # What we made dirty we clean, even if the operator has excluded it since.
                is_owed = purpose is Purpose.BASELINE and self._hands.ledger.has_touched(wanted.address)
                report = work(wanted, self._scene.locate_wanted(wanted, is_owed=is_owed))
            except MooringError as failed:
                report = _quarantined(wanted, failed)
            if report is not None:
                self._function_reports[wanted.address] = report

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

    # Servers and interfaces on their way out

    def _intend_server(self, server: DesiredServer) -> ServerOutcome | None:
        self._hands.ledger.intend_server(server)
        return None

    def _remove(self, server: DesiredServer) -> ServerOutcome | None:
        guest = self._scene.guests.get(server.id)
        if guest is not None:
            for address in sorted(guest.holds):
                self._isolate_leaving(address)
            self._is_scene_old = True
            self._hands.guests.destroy(server.id)
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
        try:
            self._hands.writer.isolate(self._scene.locate(address))
        except MooringError as failed:
            self.notes.append(f"{address} could not be isolated before its guest lost it: {failed}")

    # Functions

    def _baseline(self, wanted: DesiredFunction, vf: Vf) -> FunctionReport | None:
        holder = self._scene.holder(wanted.address)
        if holder is not None:
            self.notes.append(f"{wanted.address} is not baselined: the domain of server {holder.server_id} holds it")
            return None
        is_proven = self._intend(wanted)
        # Of what is wanted only the fresh MAC and the link state count: the rest of the baseline is a constant.
        settings = complete(VfSettings(mac=wanted.settings.mac, link_state=wanted.settings.link_state))
        observed = self._scene.shown(vf)
        if not is_proven or residue(settings, observed):
            self._hands.writer.program(vf, settings, is_new=not is_proven)
            observed = self._hands.writer.open_link(vf, settings)
            self._hands.ledger.prove(wanted, self._hands.boot_id)
            self._hands.steps.reach(AgentStep.BASELINE_VERIFIED)
        return FunctionReport(wanted.address, wanted.generation, FunctionOutcome.BASELINE_VERIFIED, observed)

    def _serve(self, wanted: DesiredFunction, vf: Vf) -> FunctionReport | None:
        if any(server.id == wanted.server_id and not server.is_wanted for server in self._desired.servers):
            self.notes.append(f"{wanted.address} waits for its baseline: server {wanted.server_id} is on its way out")
            return None
        holder = self._scene.holder(wanted.address)
        if holder is not None and holder.server_id != wanted.server_id:
            raise Conflict(f"the domain of server {holder.server_id} holds {wanted.address}")
        is_in_use = holder is not None and holder.is_running
        is_proven = self._intend(wanted)
        settings = complete(wanted.settings)
        observed = self._scene.shown(vf)
        if not is_proven or not self._is_done(vf, settings, observed, is_in_use):
            observed = self._hands.writer.program(vf, settings, is_new=not is_proven)
            self._hands.ledger.prove(wanted, self._hands.boot_id)
            if is_in_use:
                observed = self._hands.writer.open_link(vf, settings)
        outcome = FunctionOutcome.IN_USE if is_in_use else FunctionOutcome.PROGRAMMED
        return FunctionReport(wanted.address, wanted.generation, outcome, observed)

    def _is_done(self, vf: Vf, settings: VfSettings, observed: VfSettings, is_in_use: bool) -> bool:
        """A guest's VF has its link; one that waits for its guest has none."""
        if is_in_use:
            return not residue(settings, observed)
        return not residue(_closed(settings), observed) and self._hands.writer.is_isolated(vf, observed)

    def _intend(self, wanted: DesiredFunction) -> bool:
        """Journal it, and tell whether all of it was written and read back before, in this boot."""
        self._hands.ledger.intend(wanted)
        is_proven = self._hands.ledger.is_proven(wanted, self._hands.boot_id)
        if not is_proven:
            self._hands.steps.reach(AgentStep.INTENT_JOURNALLED)
        return is_proven

    # Servers and interfaces on their way in

    def _run(self, server: DesiredServer) -> ServerOutcome | None:
        for interface in server.interfaces:
            self._require_function(server, interface)
        guest = self._scene.guests.get(server.id)
        guests, netdevs = self._hands.guests, self._scene.netdevs
        if guest is None or not guest.is_running:
            guests.start(server, netdevs)
            self._open_links(server.interfaces, undo=partial(guests.destroy, server.id))
            return ServerOutcome.RUNNING
        if guest.surplus(server):
            return None
        for interface in guest.missing(server):
            guests.attach(server, interface, netdevs)
            self._open_links((interface,), undo=partial(guests.detach, server.id, interface.port_id))
        return ServerOutcome.RUNNING

    def _require_function(self, server: DesiredServer, interface: DesiredInterface) -> None:
        """Raises HostFault unless the interface's function, if it needs one, is programmed for this very server."""
        if interface.address is None:
            return
        what = f"{interface.address} of port {interface.port_id}"
        wanted = self._wanted_functions.get(interface.address)
        if wanted is None or wanted.purpose is not Purpose.SERVE or wanted.server_id != server.id:
            raise HostFault(f"{what} is not desired for server {server.id}")
        report = self._function_reports.get(interface.address)
        if report is None or report.outcome not in _USABLE:
            raise HostFault(f"{what} is not programmed: {report.reason if report else 'it has no answer yet'}")

    def _open_links(self, interfaces: Iterable[DesiredInterface], undo: Callable[[], None]) -> None:
        """Verify the functions again, now that their guest has them, and open their links.

        Raises HostFault when one does not read back; where the card cannot hold its link down, ``undo`` takes it off
        the guest first, for else the guest would go on with a stranger's VLAN or MAC.
        """
        failures: list[str] = []
        is_open = False
        for address in (interface.address for interface in interfaces if interface.address is not None):
            wanted = self._wanted_functions[address]
            try:
                self._function_reports[address] = self._open_link(wanted)
            except MooringError as failed:
                self._function_reports[address] = _quarantined(wanted, failed)
                failures.append(failed.message)
                is_open = is_open or not self._is_isolated(wanted)
        if is_open:
            undo()
        if failures:
            raise HostFault("; ".join(failures))

    def _is_isolated(self, wanted: DesiredFunction) -> bool:
        """As the card shows it now; what cannot be read is not isolated."""
        try:
            vf = self._scene.locate(wanted.address)
            return self._hands.writer.read(vf).link_state is LinkState.DISABLE
        except MooringError:
            return False

    def _open_link(self, wanted: DesiredFunction) -> FunctionReport:
        vf = self._scene.locate(wanted.address)
        settings = complete(wanted.settings)
        if residue(_closed(settings), self._hands.writer.read(vf)):
            self._hands.writer.program(vf, settings, is_new=False)
        observed = self._hands.writer.open_link(vf, settings)
        return FunctionReport(wanted.address, wanted.generation, FunctionOutcome.IN_USE, observed)


def complete(settings: VfSettings) -> VfSettings:
    """``settings``, with the baseline for all that they leave open: nothing of an earlier owner is ever left alone.

    Raises Invalid without a MAC: there is no constant for that.
    """
    if settings.mac is None:
        raise Invalid("no MAC is desired for the function")
    given = {field.name: value for field in fields(settings) if (value := getattr(settings, field.name)) is not None}
    return replace(baseline(settings.mac), **given)


def _closed(settings: VfSettings) -> VfSettings:
    return replace(settings, link_state=None)


def _quarantined(wanted: DesiredFunction, failed: MooringError) -> FunctionReport:
    return FunctionReport(wanted.address, wanted.generation, FunctionOutcome.QUARANTINED, reason=failed.message)
