"""``sriov_numvfs`` at the start of an agent: set where the host's own file says so, and never under a claim."""

import logging
from collections.abc import Sequence

from mooring.core.devspec import DeviceSpec, num_vfs_of
from mooring.errors import MooringError
from mooring.host.ledger import Ledger
from mooring.host.machine import PciBus, VfTable
from mooring.model.pci import FunctionKind, PciFunction

_log = logging.getLogger(__name__)


def make_vfs(
    functions: Sequence[PciFunction], specs: Sequence[DeviceSpec], ledger: Ledger, boot_id: str, bus: PciBus,
    table: VfTable,
) -> tuple[str, ...]:  # fmt: skip
    """Give each PF the VFs that a device_spec's ``num_vfs`` asks for; answer what could not be done, in sentences.

    Only a PF that has none, and of which no VF served in this boot: a driver writes the number only from 0, and a
    number that somebody else chose, or took away under a guest, is a person's to look at. The PF is brought up first:
    a VF of igb that is born while its PF is down has no MAC.
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
    if pf.vf_count != 0:
        return [f"{what}: the number is never changed while there are VFs"]
    serving = [record for record in ledger.serving(boot_id) if record.pf == pf.address]
    if serving:
        return [f"{what}: they were taken away while {len(serving)} were in use; delete those servers, or reboot"]
    if pf.netdev is not None:
        table.bring_up(pf.netdev)
    bus.set_vf_count(pf.address, wanted)
    _log.info("vfs-made pf=%s netdev=%s count=%d", pf.address, pf.netdev, wanted)
    return []
