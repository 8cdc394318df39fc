"""What a turn does to one function: a clean state, a server's settings, and what its PF does behind our back.

A function is whole when there is nothing of it to program: a PF, a function without SR-IOV, a VF of something else
than a NIC. It is handed over as it is, and a reset is what makes it clean. A PF with VFs serves by them and is left as
it is, until a server is to have it whole: then they go.

Each answer is a report, or ``None`` for "no answer yet". Nothing is made of a function before it is in the journal.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, fields, replace

from mooring.agent.domain import Guest
from mooring.agent.numvfs import VfCounts
from mooring.agent.scene import Scene
from mooring.agent.vf import Vf, VfWriter
from mooring.core.baselines import without_filters
from mooring.core.reconcile import baseline, infiniband_baseline, residue
from mooring.errors import Conflict, HostFault, Invalid, MooringError, Unsupported
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
    vf_counts: VfCounts


class FunctionWork:
    """The functions of one turn. ``note`` takes what is in no report and a person may want to know."""

    def __init__(self, hands: FunctionHands, note: Callable[[str], None], divided: Container[PciAddress] = ()):
        """``divided`` are the PFs of which VFs are to serve."""
        self._hands = hands
        self._note = note
        self._divided = divided
        self.has_rebound = False
        """Some function was taken from its driver and given back, or VFs went: netdevs are not what they were."""
        self.has_other_vfs = False
        """VFs went or came: the controller has to be told."""

    def drift(self, wanted: DesiredFunction, scene: Scene) -> FunctionReport | None:
        """How a function in a guest's hands differs from what was proven of it; ``None``: not at all, or unknown."""
        proven = self._hands.ledger.proven(wanted, self._hands.boot_id)
        holder = scene.holder(wanted.address)
        if proven is None or holder is None or not holder.is_running or not scene.has_settings(wanted.address):
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
        if _is_whole(wanted, scene):
            self._clean_whole(wanted, scene)
        else:
            observed = self._clean_vf(wanted, scene.locate(wanted.address), scene)
        return FunctionReport(wanted.address, wanted.generation, FunctionOutcome.BASELINE_VERIFIED, observed)

    def serve(self, wanted: DesiredFunction, scene: Scene) -> FunctionReport:
        """Programmed for its server; in its guest's hands with the link as wanted."""
        # A reset that was cut short leaves a PF without the netdev by which its device_spec may name it.
        has_begun = wanted.pf is None and self._hands.ledger.has_begun(wanted, self._hands.boot_id)
        scene.require(wanted, is_owed=has_begun)
        holder = scene.holder(wanted.address)
        if holder is not None and holder.server_id != wanted.server_id:
            raise Conflict(f"the domain of server {holder.server_id} holds {wanted.address}")
        is_in_use = holder is not None and holder.is_running
        if _is_whole(wanted, scene):
            return self._serve_whole(wanted, scene, is_in_use=is_in_use)
        return self._serve_vf(wanted, scene.locate(wanted.address), scene, holder if is_in_use else None)

    def open_link(self, wanted: DesiredFunction, scene: Scene) -> FunctionReport:
        """Once its guest has it: read everything back again, since libvirt wrote MAC and VLAN too; link up last."""
        if _is_whole(wanted, scene):
            return FunctionReport(wanted.address, wanted.generation, FunctionOutcome.IN_USE)
        vf, settings = scene.locate(wanted.address), _possible(wanted.settings, wanted, scene)
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

    def _clean_whole(self, wanted: DesiredFunction, scene: Scene) -> None:
        if scene.vfs_of(wanted.address) and not self._hands.ledger.is_unclean(wanted.address):
            return  # they could be somebody's, and nobody had the PF itself
        self._require_free_vfs(wanted.address, scene)
        if self._intend(wanted) is None:
            self._take_vfs_away(wanted.address, scene)
            self._reset(wanted)
            self._give_vfs_back(wanted)
            self._hands.ledger.prove(wanted, self._hands.boot_id, VfSettings())
            self._hands.steps.reach(AgentStep.BASELINE_VERIFIED)

    def _serve_whole(self, wanted: DesiredFunction, scene: Scene, *, is_in_use: bool) -> FunctionReport:
        if not is_in_use:
            self._require_free_vfs(wanted.address, scene)
        is_clean = self._hands.ledger.is_clean(wanted.address)
        if self._intend(wanted) is None and not is_in_use:
            self._take_vfs_away(wanted.address, scene)
            if not is_clean:
                self._reset(wanted)
        self._hands.ledger.prove(wanted, self._hands.boot_id, VfSettings())
        outcome = FunctionOutcome.IN_USE if is_in_use else FunctionOutcome.PROGRAMMED
        return FunctionReport(wanted.address, wanted.generation, outcome)

    def _require_free_vfs(self, pf: PciAddress, scene: Scene) -> None:
        """Raises Conflict while a VF of the PF is anybody's."""
        vfs, served = scene.vfs_of(pf), self._hands.ledger.serving(self._hands.boot_id)
        held = {record.address: record.server_id for record in served if record.address in vfs}
        held |= {vf: guest.server_id for vf in vfs if (guest := scene.holder(vf)) is not None}
        if held:
            vf, server_id = min(held.items())
            raise Conflict(f"PF {pf} keeps its VFs: server {server_id} has {vf}")
        if vfs and pf in self._divided:
            raise Conflict(f"PF {pf} keeps its VFs: some of them are to serve")

    def _take_vfs_away(self, pf: PciAddress, scene: Scene) -> None:
        vfs = scene.vfs_of(pf)
        if vfs:
            self._hands.vf_counts.take_away(pf, len(vfs))
            self.has_rebound = self.has_other_vfs = True

    def _give_vfs_back(self, wanted: DesiredFunction) -> None:
        if wanted.pf is None:
            note = self._hands.vf_counts.give_back(wanted.address)
            self.has_other_vfs = True
            if note:
                self._note(note)

    def _reset(self, wanted: DesiredFunction) -> None:
        """Off its driver, reset, and with its driver again.

        Raises HostFault when there is no reset: whatever one guest leaves in the function, the next would find.
        """
        self._hands.bus.unbind(wanted.address)
        if not self._hands.bus.reset(wanted.address, any_method=True):
            self._hands.bus.bind(wanted.address)
            raise HostFault(f"the kernel has no reset of {wanted.address} alone, so nothing makes it clean")
        self._hands.steps.reach(AgentStep.FUNCTION_RESET)
        self._hands.bus.bind(wanted.address)
        self.has_rebound = True

    def _clean_vf(self, wanted: DesiredFunction, vf: Vf, scene: Scene) -> VfSettings:
        # Of what is wanted only the fresh MAC or GUID and the link state count: the rest of the baseline is a constant.
        given = wanted.settings
        fresh = VfSettings(mac=given.mac, guid=given.guid, link_state=given.link_state)
        settings = _possible(fresh, wanted, scene)
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
        proven, observed, settings = self._intend(wanted), scene.shown(vf), _possible(wanted.settings, wanted, scene)
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


def _is_whole(wanted: DesiredFunction, scene: Scene) -> bool:
    """Whether there is nothing of it to program. Raises Invalid when something is wanted of it all the same."""
    if scene.has_settings(wanted.address):
        return False
    if wanted.settings != VfSettings():
        raise Invalid(f"{wanted.address} has no settings that could be written, and some are wanted")
    return True


def complete(settings: VfSettings) -> VfSettings:
    """``settings``, with the baseline for all that they leave open: nothing of an earlier owner is ever left alone.

    With a GUID it is a VF on InfiniBand, and has no other fields. Raises Invalid without a MAC and without a GUID:
    there is no constant for those.
    """
    if settings.guid is not None:
        link_state = settings.link_state or LinkState.AUTO
        return replace(infiniband_baseline(settings.guid), link_state=link_state, rate=settings.rate)
    if settings.mac is None:
        raise Invalid("no MAC is desired for the function")
    given = {field.name: value for field in fields(settings) if (value := getattr(settings, field.name)) is not None}
    return replace(baseline(settings.mac), **given)


def _possible(settings: VfSettings, wanted: DesiredFunction, scene: Scene) -> VfSettings:
    """``complete``, without what no card takes of a VF that has a representor."""
    whole = complete(settings)
    return whole if scene.representor(wanted.address) is None else without_filters(whole)


def _degraded(wanted: DesiredFunction, observed: VfSettings, reason: str) -> FunctionReport:
    return FunctionReport(wanted.address, wanted.generation, FunctionOutcome.DEGRADED, observed, reason)
