"""``sriov_numvfs``: set where the host's own file says so, and 0 while a server has the PF whole. Never under a claim.

A PF that is whole and its VFs are the same transistors: who is given the one takes the other away. The number is
written from 0 only, and to 0 only for a PF none of whose VFs is anybody's.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mooring.core.devspec import DeviceSpec, num_vfs_of
from mooring.core.endpoints import is_passthrough
from mooring.errors import MooringError
from mooring.host.ledger import Ledger
from mooring.host.machine import PciBus, VfTable
from mooring.model.outside import AgentStep, Steps
from mooring.model.pci import FunctionKind, PciAddress, PciFunction

_log = logging.getLogger(__name__)


def make_vfs(
    functions: Sequence[PciFunction], specs: Sequence[DeviceSpec], ledger: Ledger, boot_id: str, bus: PciBus,
    table: VfTable,
) -> tuple[str, ...]:  # fmt: skip
    """Give each PF the VFs that a device_spec's ``num_vfs`` asks for; answer what could not be done, in sentences.

    Only a PF that has none, and of which no VF served in this boot: a driver writes the number only from 0, and a
    number that somebody else chose, or took away under a guest, is a person's to look at. A PF that a server has
    whole, or had and was not cleaned after, gets its VFs when it is clean. The PF is brought up first: a VF of igb
    that is born while its PF is down has no MAC.
    """
    notes: list[str] = []
    for pf in functions:
        if pf.kind is not FunctionKind.PF:
            continue
        try:
            wanted = num_vfs_of(pf, specs)
            if wanted is not None and pf.vf_count != wanted:
                notes += _make(pf, wanted, ledger, boot_id, bus, table)
        except MooringError as failed:
            notes.append(f"PF {pf.address} has no VFs: {failed}")
    return tuple(notes)


def _make(pf: PciFunction, wanted: int, ledger: Ledger, boot_id: str, bus: PciBus, table: VfTable) -> Sequence[str]:
    what = f"PF {pf.address} has {pf.vf_count} VFs and device_spec says {wanted}"
    if ledger.is_unclean(pf.address):
        return [f"{what}: a server has the PF whole, or had, and the VFs come when it is clean"]
    if pf.vf_count != 0:
        return [f"{what}: the number is never changed while there are VFs"]
    serving = [record for record in ledger.serving(boot_id) if record.pf == pf.address]
    if serving:
        return [f"{what}: they were taken away while {len(serving)} were in use; delete those servers, or reboot"]
    _write(pf, wanted, bus, table)
    return []


def _write(pf: PciFunction, count: int, bus: PciBus, table: VfTable) -> None:
    if pf.netdev is not None:
        table.bring_up(pf.netdev)
    bus.set_vf_count(pf.address, count)
    _log.info("vfs-made pf=%s netdev=%s count=%d", pf.address, pf.netdev, count)


@dataclass(frozen=True, slots=True)
class VfCounts:
    """The VFs of PFs that servers have whole: gone while one does, and made anew when the PF is clean again."""

    ledger: Ledger
    bus: PciBus
    table: VfTable
    steps: Steps
    boot_id: str
    look: Callable[[PciAddress], tuple[PciFunction, int | None]]
    """A PF as it is now, and how many VFs its host's own file gives it. Raises NotFound, Invalid."""

    def take_away(self, pf: PciAddress, count: int) -> None:
        """All ``count`` of them, of which none is anybody's; the journal remembers how many. Raises as ``PciBus``."""
        self.ledger.take_vfs_away(pf, count, self.boot_id)
        self.bus.remove_vfs(pf)
        _log.info("vfs-removed pf=%s count=%d", pf, count)
        self.steps.reach(AgentStep.VFS_REMOVED)

    def give_back(self, pf: PciAddress) -> str:
        """As many as its host's own file gives it, else as many as it had before; answer what could not be done.

        Without VFs the PF is as clean, and may go to its next owner.
        """
        try:
            function, wanted = self.look(pf)
            if wanted is None:
                wanted = self.ledger.vfs_taken_away(pf, self.boot_id)
            if wanted == 0 or function.vf_count is None or is_passthrough(function.driver):
                return ""
            _write(function, wanted, self.bus, self.table)
        except MooringError as failed:
            note = f"PF {pf} is clean and has no VFs again: {failed}"
            _log.warning("vfs-not-made reason=%r", note)
            return note
        self.steps.reach(AgentStep.VFS_MADE)
        return ""
