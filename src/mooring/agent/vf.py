"""Making one VF what it should be: isolate, write, read back; and, once its guest may use it, open the link.

Nothing here trusts a successful write. A VF whose settings do not read back keeps its link down.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from mooring.core.reconcile import plan, plan_all, residue
from mooring.errors import Conflict, HostFault, MooringError, Unsupported
from mooring.host.machine import VfTable
from mooring.model.outside import AgentStep, Steps
from mooring.model.pci import PciAddress
from mooring.model.vf import LinkState, VfField, VfSettings

_log = logging.getLogger(__name__)

#: A VF in reset answers EBUSY or EAGAIN for some hundred milliseconds after its guest went.
_BUSY_TRIES_MAX = 5
_BUSY_WAIT_S = 0.2

_DOWN = VfSettings(link_state=LinkState.DISABLE)


@dataclass(frozen=True, slots=True)
class Vf:
    """Where a VF's settings are: the PF's netdev and its number for the VF."""

    address: PciAddress
    pf_netdev: str
    index: int

    def __str__(self) -> str:
        return f"{self.pf_netdev}/{self.index}"


class VfWriter:
    """Writes to VFs and proves what it wrote. Remembers which PFs cannot hold a VF's link down."""

    def __init__(self, table: VfTable, steps: Steps, sleep: Callable[[float], None]):
        self._table = table
        self._steps = steps
        self._sleep = sleep
        self._open_pfs: set[str] = set()

    def read(self, vf: Vf) -> VfSettings:
        return self._table.read(vf.pf_netdev, vf.index)

    def is_isolated(self, vf: Vf, observed: VfSettings) -> bool:
        """The link is down, or this card is known to have no way to hold it down."""
        return observed.link_state is LinkState.DISABLE or vf.pf_netdev in self._open_pfs

    def isolate(self, vf: Vf) -> None:
        """Hold the VF's link down, where the card can: igb, for one, has no ``ndo_set_vf_link_state``.

        Raises HostFault when the card takes the write and does not show it.
        """
        if not self.is_isolated(vf, self.read(vf)):
            try:
                self._write(vf, VfField.LINK_STATE, _DOWN)
            except Unsupported as refused:
                self._open_pfs.add(vf.pf_netdev)
                _log.warning("link-cannot-be-isolated pf=%s reason=%r", vf.pf_netdev, refused.message)
            else:
                self._verify(vf, _DOWN)
        self._steps.reach(AgentStep.LINK_ISOLATED)

    def program(self, vf: Vf, wanted: VfSettings, *, is_new: bool) -> VfSettings:
        """Isolate, then write what differs, or all of it for a new owner; answer what was read back.

        The link stays down. Raises HostFault when something does not read back, Unsupported before the first write
        for a field that the card does not report, and whatever the card answered to a write.
        """
        observed = self.read(vf)
        differing = plan(wanted, observed)
        fields = plan_all(wanted, observed) if is_new else differing
        self.isolate(vf)
        for field in fields:
            try:
                self._write(vf, field, wanted)
            except Unsupported:
                if field in differing:
                    raise
                # Already as wanted, and nobody else can write it either.
            self._steps.reach(AgentStep.FIELD_WRITTEN)
        proven = self._verify(vf, replace(wanted, link_state=None))
        self._steps.reach(AgentStep.SETTINGS_VERIFIED)
        if differing:
            _log.info("vf-programmed vf=%s address=%s fields=%s", vf, vf.address, ",".join(differing))
        return proven

    def open_link(self, vf: Vf, wanted: VfSettings) -> VfSettings:
        """Give the VF the link state that it should have, read everything back once more, and answer that.

        Raises HostFault when the read-back differs, Unsupported when the card cannot have that link state; the link
        is down again then, where the card can.
        """
        try:
            observed = self.read(vf)
            if wanted.link_state is not None and observed.link_state is not wanted.link_state:
                self._write(vf, VfField.LINK_STATE, wanted)
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

    def _write(self, vf: Vf, field: VfField, wanted: VfSettings) -> None:
        for is_last in (*[False] * (_BUSY_TRIES_MAX - 1), True):
            try:
                self._table.write(vf.pf_netdev, vf.index, field, wanted)
            except Conflict:
                if is_last:
                    raise
                self._sleep(_BUSY_WAIT_S)
            else:
                return
