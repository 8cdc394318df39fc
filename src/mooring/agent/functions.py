"""What a turn does to one function: a clean state, a server's settings, and what its PF does behind our back.

Each answer is a report, or ``None`` for "no answer yet". Nothing is made of a function before it is in the journal.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, fields, replace

from mooring.agent.domain import Guest
from mooring.agent.scene import Scene
from mooring.agent.vf import Vf, VfWriter
from mooring.core.reconcile import baseline, residue
from mooring.errors import Conflict, Invalid, MooringError, Unsupported
from mooring.host.ledger import Ledger
from mooring.host.machine import PciBus, VfTable
from mooring.model.desired import DesiredFunction, FunctionOutcome, FunctionReport
from mooring.model.outside import AgentStep, Steps
from mooring.model.pci import PciAddress
from mooring.model.vf import LinkState, VfSettings


@dataclass(frozen=True, slots=True)
class FunctionHands:
    """What functions are worked on with; the same for every turn of an agent."""

    ledger: Ledger
    table: VfTable
    bus: PciBus
    writer: VfWriter
    steps: Steps
    boot_id: str


class FunctionWork:
    """The functions of one turn. ``note`` takes what is in no report and a person may want to know."""

    def __init__(self, hands: FunctionHands, note: Callable[[str], None]):
        self._hands = hands
        self._note = note
        self.has_rebound = False
        """Some function was taken from its driver and given back: its netdev may have another name now."""

    def drift(self, wanted: DesiredFunction, scene: Scene) -> FunctionReport | None:
        """How a function in a guest's hands differs from what was proven of it; ``None``: not at all, or unknown."""
        proven = self._hands.ledger.proven(wanted, self._hands.boot_id)
        holder = scene.holder(wanted.address)
        if wanted.pf is None or proven is None or holder is None or not holder.is_running:
            return None
        try:
            vf = scene.locate(wanted.address)
            observed = scene.shown(vf)
        except MooringError:
            return None
        differing = [*residue(proven, observed)]
        if not scene.view(vf.pf_netdev).is_up:
            differing.append(f"PF {vf.pf_netdev} is down")
        return _degraded(wanted, observed, "; ".join(differing)) if differing else None

    def clean(self, wanted: DesiredFunction, scene: Scene) -> FunctionReport | None:
        """Baseline, verified; ``None`` while a domain has it."""
        # What we made dirty we clean, even if the operator has excluded it since.
        scene.require(wanted, is_owed=self._hands.ledger.has_touched(wanted.address))
        holder = scene.holder(wanted.address)
        if holder is not None:
            self._note(f"{wanted.address} is not baselined: the domain of server {holder.server_id} holds it")
            return None
        observed = None
        if wanted.pf is None:
            self._clean_whole(wanted)
        else:
            observed = self._clean_vf(wanted, scene.locate(wanted.address), scene)
        return FunctionReport(wanted.address, wanted.generation, FunctionOutcome.BASELINE_VERIFIED, observed)

    def serve(self, wanted: DesiredFunction, scene: Scene) -> FunctionReport:
        """Programmed for its server; in its guest's hands with the link as wanted."""
        scene.require(wanted)
        holder = scene.holder(wanted.address)
        if holder is not None and holder.server_id != wanted.server_id:
            raise Conflict(f"the domain of server {holder.server_id} holds {wanted.address}")
        is_in_use = holder is not None and holder.is_running
        if wanted.pf is None:
            self._intend(wanted)
            self._hands.ledger.prove(wanted, self._hands.boot_id, VfSettings())
            outcome = FunctionOutcome.IN_USE if is_in_use else FunctionOutcome.PROGRAMMED
            return FunctionReport(wanted.address, wanted.generation, outcome)
        return self._serve_vf(wanted, scene.locate(wanted.address), scene, holder if is_in_use else None)

    def open_link(self, wanted: DesiredFunction, scene: Scene) -> FunctionReport:
        """Once its guest has it: read everything back again, since libvirt wrote MAC and VLAN too; link up last."""
        if wanted.pf is None:
            return FunctionReport(wanted.address, wanted.generation, FunctionOutcome.IN_USE)
        vf, settings = scene.locate(wanted.address), complete(wanted.settings)
        self._hands.writer.program(vf, settings)
        return self._in_use(wanted, vf, self._hands.writer.open_link(vf, settings))

    def is_isolated(self, wanted: DesiredFunction, scene: Scene) -> bool:
        """As the card shows it now; what cannot be read is not isolated."""
        try:
            return self._hands.writer.read(scene.locate(wanted.address)).link_state is LinkState.DISABLE
        except MooringError:
            return False

    def forget_gone(self, desired: Container[PciAddress], scene: Scene) -> None:
        """What served in this boot, is not here any more, and is nobody's: its PF may be set up anew."""
        for record in self._hands.ledger.serving(self._hands.boot_id):
            if record.address not in desired and not scene.has(record.address):
                self._hands.ledger.let_go(record)

    def _clean_whole(self, wanted: DesiredFunction) -> None:
        if self._intend(wanted) is None:
            self._hands.bus.unbind(wanted.address)
            self._hands.bus.reset(wanted.address)
            self._hands.steps.reach(AgentStep.FUNCTION_RESET)
            self._hands.bus.bind(wanted.address)
            self.has_rebound = True
            self._hands.ledger.prove(wanted, self._hands.boot_id, VfSettings())
            self._hands.steps.reach(AgentStep.BASELINE_VERIFIED)

    def _clean_vf(self, wanted: DesiredFunction, vf: Vf, scene: Scene) -> VfSettings:
        # Of what is wanted only the fresh MAC and the link state count: the rest of the baseline is a constant.
        settings = complete(VfSettings(mac=wanted.settings.mac, link_state=wanted.settings.link_state))
        proven, observed = self._intend(wanted), scene.shown(vf)
        if proven is None or residue(settings, observed):
            if proven is None:
                self._renew(vf, settings)
            else:
                self._hands.writer.program(vf, settings)
            observed = self._hands.writer.open_link(vf, settings)
            self._hands.ledger.prove(wanted, self._hands.boot_id, settings)
            self._hands.steps.reach(AgentStep.BASELINE_VERIFIED)
        return observed

    def _serve_vf(self, wanted: DesiredFunction, vf: Vf, scene: Scene, user: Guest | None) -> FunctionReport:
        proven, observed, settings = self._intend(wanted), scene.shown(vf), complete(wanted.settings)
        if not scene.view(vf.pf_netdev).is_up:
            self._hands.table.bring_up(vf.pf_netdev)
        if user is None:
            observed = self._prepare(wanted, vf, settings, proven, observed)
            return FunctionReport(wanted.address, wanted.generation, FunctionOutcome.PROGRAMMED, observed)
        if proven is not None and proven != settings:
            return self._update(wanted, vf, settings, proven)
        if proven is None or residue(settings, observed):
            self._hands.writer.program(vf, settings, is_full=proven is None)
            observed = self._hands.writer.open_link(vf, settings)
            self._hands.ledger.prove(wanted, self._hands.boot_id, settings)
        return self._in_use(wanted, vf, observed)

    def _prepare(
        self, wanted: DesiredFunction, vf: Vf, settings: VfSettings, proven: VfSettings | None, observed: VfSettings
    ) -> VfSettings:
        """As its server wants it, for a guest that is still to come: with the link down, where the card can."""
        writer = self._hands.writer
        if proven is None:
            observed = self._renew(vf, settings)
        elif residue(replace(settings, link_state=None), observed) or not writer.is_isolated(vf, observed):
            writer.isolate(vf)
            observed = writer.program(vf, settings)
        self._hands.ledger.prove(wanted, self._hands.boot_id, settings)
        return observed

    def _update(self, wanted: DesiredFunction, vf: Vf, settings: VfSettings, proven: VfSettings) -> FunctionReport:
        """New settings for a guest's VF. What the card refuses leaves the guest with the ones that it had."""
        writer = self._hands.writer
        try:
            writer.program(vf, settings)
            observed = writer.open_link(vf, settings)
        except (Unsupported, Invalid) as refused:
            writer.program(vf, proven)
            observed = writer.open_link(vf, proven)
            return replace(_degraded(wanted, observed, refused.message), is_refused=True)
        self._hands.ledger.prove(wanted, self._hands.boot_id, settings)
        return self._in_use(wanted, vf, observed)

    def _renew(self, vf: Vf, settings: VfSettings) -> VfSettings:
        self.has_rebound = True
        return self._hands.writer.renew(vf, settings)

    def _in_use(self, wanted: DesiredFunction, vf: Vf, observed: VfSettings) -> FunctionReport:
        """In its guest's hands; not as it should be while its PF has no carrier, which no write would bring back."""
        if not self._hands.table.look(vf.pf_netdev).has_carrier:
            return _degraded(wanted, observed, f"PF {vf.pf_netdev} has no carrier")
        return FunctionReport(wanted.address, wanted.generation, FunctionOutcome.IN_USE, observed)

    def _intend(self, wanted: DesiredFunction) -> VfSettings | None:
        """Journal it, and tell what was written and read back of it before, in this boot."""
        self._hands.ledger.intend(wanted, self._hands.boot_id)
        proven = self._hands.ledger.proven(wanted, self._hands.boot_id)
        if proven is None:
            self._hands.steps.reach(AgentStep.INTENT_JOURNALLED)
        return proven


def complete(settings: VfSettings) -> VfSettings:
    """``settings``, with the baseline for all that they leave open: nothing of an earlier owner is ever left alone.

    Raises Invalid without a MAC: there is no constant for that.
    """
    if settings.mac is None:
        raise Invalid("no MAC is desired for the function")
    given = {field.name: value for field in fields(settings) if (value := getattr(settings, field.name)) is not None}
    return replace(baseline(settings.mac), **given)


def _degraded(wanted: DesiredFunction, observed: VfSettings, reason: str) -> FunctionReport:
    return FunctionReport(wanted.address, wanted.generation, FunctionOutcome.DEGRADED, observed, reason)
