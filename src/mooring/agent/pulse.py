"""Whether anything that a turn has proved looks different now: a cheap look, between two turns.

Events of the kernel come sooner, and may be lost; so this is asked every other second, whatever was heard.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mooring.errors import MooringError
from mooring.host.machine import PfView, VfTable
from mooring.model.desired import FunctionReport
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.vf import VfSettings


@dataclass(frozen=True, slots=True)
class _Expected:
    """What one PF showed when the turn was over."""

    pf_netdev: str
    is_up: bool
    has_carrier: bool
    vf_count: int
    vfs: Mapping[int, VfSettings]
    """Of those in the report."""

    def differs(self, view: PfView) -> str:
        if (view.is_up, view.has_carrier) != (self.is_up, self.has_carrier):
            return f"the link of {self.pf_netdev} changed"
        if len(view.vfs) != self.vf_count:
            return f"{self.pf_netdev} has {len(view.vfs)} VFs, it had {self.vf_count}"
        for index, settings in self.vfs.items():
            if view.vfs.get(index) != settings:
                return f"VF {index} of {self.pf_netdev} changed"
        return ""


class Pulse:
    """Made after each turn, from its report."""

    def __init__(self, table: VfTable, functions: Sequence[PciFunction], reports: Sequence[FunctionReport]):
        """``functions`` are the host's, PFs included. A PF that cannot be looked at is expected to stay so."""
        self._table = table
        self._expected: list[_Expected | str] = []
        netdevs = {one.address: one.netdev for one in functions if one.kind is FunctionKind.PF}
        observed: dict[str, dict[int, VfSettings]] = {}
        places: dict[PciAddress, PciFunction] = {one.address: one for one in functions}
        for report in reports:
            place = places.get(report.address)
            pf_netdev = netdevs.get(place.pf) if place is not None and place.pf is not None else None
            if pf_netdev is not None and place is not None and place.vf_index is not None and report.observed:
                observed.setdefault(pf_netdev, {})[place.vf_index] = report.observed
        for pf_netdev, vfs in sorted(observed.items()):
            self._expected.append(self._expect(pf_netdev, vfs))

    def differs(self) -> str:
        """The first difference, in words; empty: all is as it was."""
        for expected in self._expected:
            pf_netdev = expected if isinstance(expected, str) else expected.pf_netdev
            try:
                view = self._table.look(pf_netdev)
            except MooringError as failed:
                if not isinstance(expected, str):
                    return f"{pf_netdev} cannot be looked at: {failed}"
                continue
            if isinstance(expected, str):
                return f"{pf_netdev} can be looked at again"
            if difference := expected.differs(view):
                return difference
        return ""

    def _expect(self, pf_netdev: str, vfs: Mapping[int, VfSettings]) -> _Expected | str:
        try:
            view = self._table.look(pf_netdev)
        except MooringError:
            return pf_netdev
        return _Expected(pf_netdev, view.is_up, view.has_carrier, len(view.vfs), vfs)
