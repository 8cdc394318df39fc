"""Making one VF what it should be: isolate, clean, write, read back; and, once its guest may use it, open the link.

Nothing here trusts a successful write. A VF whose settings do not read back keeps its link down.
"""

import errno
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mooring.core.reconcile import plan, plan_all, residue
from mooring.errors import Conflict, HostFault, MooringError, Unsupported
from mooring.host.machine import PciBus, VfTable
from mooring.model.outside import AgentStep, Steps
from mooring.model.pci import PciAddress
from mooring.model.vf import LinkState, VfField, VfSettings

_log = logging.getLogger(__name__)

#: A VF in reset answers EBUSY or EAGAIN, for some hundred milliseconds as a rule and for seconds at worst.
_BUSY_WAITS_S = (0.1, 0.2, 0.4, 0.8, 1.5, 2.0)

_DOWN = VfSettings(link_state=LinkState.DISABLE)
#: While one of these is wrong or in between, the VF's frames are somebody else's.
_IDENTITY = frozenset({VfField.MAC, VfField.VLAN, VfField.GUID})
#: A driver has the operation or has not. Of a VLAN or a rate it may refuse one value and take another.
_ALL_OR_NOTHING = frozenset({VfField.SPOOF_CHECK, VfField.TRUST, VfField.LINK_STATE})


@dataclass(frozen=True, slots=True)
class Vf:
    """Where a VF's settings are: the PF's netdev and its number for the VF."""

    address: PciAddress
    pf_netdev: str
    index: int

    def __str__(self) -> str:
        return f"{self.pf_netdev}/{self.index}"


class VfWriter:
    """Writes to VFs and proves what it wrote. Remembers what each PF turned out not to be able to."""

    def __init__(self, table: VfTable, bus: PciBus, steps: Steps, sleep: Callable[[float], None]):
        self._table = table
        self._bus = bus
        self._steps = steps
        self._sleep = sleep
        self._unable: dict[str, set[VfField]] = {}

    def read(self, vf: Vf) -> VfSettings:
        return self._table.read(vf.pf_netdev, vf.index)

    def unable(self, pf_netdev: str) -> frozenset[VfField]:
        """The fields that the PF's driver answered EOPNOTSUPP to, since the agent started."""
        return frozenset(self._unable.get(pf_netdev, ()))

    def is_isolated(self, vf: Vf, observed: VfSettings) -> bool:
        """The link is down, or this card is known to have no way to hold it down."""
        return observed.link_state is LinkState.DISABLE or VfField.LINK_STATE in self.unable(vf.pf_netdev)

    def isolate(self, vf: Vf) -> None:
        """Hold the VF's link down, where the card can: igb, for one, has no ``ndo_set_vf_link_state``.

        Raises HostFault when the card takes the write and does not show it.
        """
        if not self.is_isolated(vf, self.read(vf)):
            try:
                self._write(vf, (VfField.LINK_STATE,), _DOWN)
            except Unsupported as refused:
                _log.warning("link-cannot-be-isolated pf=%s reason=%r", vf.pf_netdev, refused.message)
            else:
                self._verify(vf, _DOWN)
        self._steps.reach(AgentStep.LINK_ISOLATED)

    def renew(self, vf: Vf, wanted: VfSettings) -> VfSettings:
        """Make the VF a new owner's: nothing that the one before left is kept; answer what was read back.

        Isolated, taken from its driver and reset where the card has a function level reset, written in full, read
        back, and given to the host's driver, which takes the administrative MAC only when it binds (igbvf). The link
        stays down where the card can hold it. Raises as ``program`` does.
        """
        plan_all(wanted, self.read(vf))  # raises for what could not be verified, before anything is changed
        self.isolate(vf)
        self._bus.unbind(vf.address)
        was_reset = self._bus.reset(vf.address)
        self._steps.reach(AgentStep.FUNCTION_RESET)
        observed = self.read(vf)
        self._write_able(vf, plan_all(wanted, observed), plan(wanted, observed), wanted)
        self._steps.reach(AgentStep.SETTINGS_WRITTEN)
        self._verify(vf, _closed(wanted))
        self._bus.bind(vf.address)
        proven = self._verify(vf, _closed(wanted))
        self._steps.reach(AgentStep.SETTINGS_VERIFIED)
        _log.info("vf-renewed vf=%s address=%s reset=%s", vf, vf.address, was_reset)
        return proven

    def program(self, vf: Vf, wanted: VfSettings, *, is_full: bool = False) -> VfSettings:
        """Write what differs, or all of it when it was never proven; the link state aside. Answer what was read back.

        The VF is isolated first when its MAC or its VLAN is to be written. Raises HostFault when something does not
        read back, and isolates it; Unsupported before the first write for a field that the card does not report or is
        known not to take; and whatever the card answered to a write.
        """
        observed = self.read(vf)
        differing = plan(wanted, observed)
        fields = plan_all(wanted, observed) if is_full else differing
        if fields:
            self._refuse_unable(vf, differing)
            if _IDENTITY & set(fields):
                self.isolate(vf)
            self._write_able(vf, fields, differing, wanted)
            self._steps.reach(AgentStep.SETTINGS_WRITTEN)
            try:
                observed = self._verify(vf, _closed(wanted))
            except HostFault:
                self.isolate(vf)
                raise
            _log.info("vf-programmed vf=%s address=%s fields=%s", vf, vf.address, ",".join(fields))
        self._steps.reach(AgentStep.SETTINGS_VERIFIED)
        return observed

    def open_link(self, vf: Vf, wanted: VfSettings) -> VfSettings:
        """Give the VF the link state that it should have, read everything back once more, and answer that.

        Raises HostFault when the read-back differs, Unsupported when the card cannot have that link state; the link
        is down again then, where the card can.
        """
        try:
            observed = self.read(vf)
            if wanted.link_state is not None and observed.link_state is not wanted.link_state:
                self._refuse_unable(vf, (VfField.LINK_STATE,))
                self._write(vf, (VfField.LINK_STATE,), wanted)
            self._steps.reach(AgentStep.LINK_RESTORED)
            return self._verify(vf, wanted)
        except MooringError:
            self.isolate(vf)
            raise

    def _verify(self, vf: Vf, wanted: VfSettings) -> VfSettings:
        observed = self.read(vf)
        left = residue(wanted, observed)
        if left:
            raise HostFault(
                f"{vf} took the write and does not show it: {'; '.join(left)}",
                hint="reset the function or reload the PF's driver; a card that goes on lying should be exchanged",
            )
        return observed

    def _refuse_unable(self, vf: Vf, fields: Sequence[VfField]) -> None:
        """Asking the card again would cost the guest its link for nothing."""
        refused = [field for field in fields if field in self.unable(vf.pf_netdev)]
        if refused:
            raise Unsupported(f"the driver of {vf.pf_netdev} cannot set {', '.join(refused)} of a VF")

    def _write_able(self, vf: Vf, fields: Sequence[VfField], differing: Sequence[VfField], wanted: VfSettings) -> None:
        """All of it in one request. A field that the card cannot write is passed over when it is right already."""
        able = tuple(field for field in fields if field in differing or field not in self.unable(vf.pf_netdev))
        while able:
            try:
                self._write(vf, able, wanted)
            except Unsupported:
                unable = self.unable(vf.pf_netdev)
                if unable & set(differing) or not unable & set(able):
                    raise
                able = tuple(field for field in able if field not in unable)
            else:
                return

    def _write(self, vf: Vf, fields: Sequence[VfField], wanted: VfSettings) -> None:
        for wait_s in (*_BUSY_WAITS_S, None):
            try:
                self._table.write(vf.pf_netdev, vf.index, fields, wanted)
            except Conflict:
                if wait_s is None:
                    raise
                self._sleep(wait_s)
            except Unsupported as refused:
                field = refused.facts.get("field")
                if field in _ALL_OR_NOTHING and refused.facts.get("errno") == errno.EOPNOTSUPP:
                    self._unable.setdefault(vf.pf_netdev, set()).add(VfField(str(field)))
                raise
            else:
                return


def _closed(settings: VfSettings) -> VfSettings:
    return replace(settings, link_state=None)
