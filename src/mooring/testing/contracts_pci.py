"""What every ``PciBus`` keeps to, as a class of tests: for the simulated one, and for sysfs on any kernel.

With pytest: subclass it, and call ``on`` in an autouse fixture. Without it, with ``contracts.broken_promises``:
``broken_promises(PciBusContract().on(SysfsPciBus(Path("/sys")), Path("/sys"), pf=..., vf=...))``. The VF is nobody's,
and on its host's driver; it is there again afterwards.
"""

from pathlib import Path
from typing import Self

from mooring.errors import Conflict, HostFault, NotFound, Unsupported
from mooring.host.machine import PciBus
from mooring.host.sysfs import read_functions
from mooring.model.pci import PciAddress, PciFunction
from mooring.testing.contracts import refuses, same

ABSENT = PciAddress(0, 0xFE, 0x1F, 7)


class PciBusContract:
    """Needs a PF with VFs, one of which has a driver that makes a netdev."""

    bus: PciBus
    root: Path
    pf: PciAddress
    vf: PciAddress
    has_flr: bool
    spare_pf: PciAddress | None
    """One without VFs, which may have some; it keeps those that the last test gives it."""

    def on(
        self,
        bus: PciBus,
        root: Path,
        *,
        pf: PciAddress,
        vf: PciAddress,
        has_flr: bool = True,
        spare_pf: PciAddress | None = None,
    ) -> Self:
        """Set what the tests are about."""
        self.bus, self.root, self.pf, self.vf = bus, root, pf, vf
        self.has_flr, self.spare_pf = has_flr, spare_pf
        return self

    def test_a_function_leaves_its_driver_once_and_again_and_comes_back_as_it_was(self) -> None:
        before = self._function(self.vf)
        for _ in range(2):
            self.bus.unbind(self.vf)
            same(self.bus.driver(self.vf), None, "the driver")
            same((self._function(self.vf).driver, self._function(self.vf).netdev), (None, None), "driver and netdev")
        for _ in range(2):
            self.bus.bind(self.vf)
            same(self.bus.driver(self.vf), before.driver, "the driver")
            after = self._function(self.vf)
            same((after.driver, after.netdev, after.faults), (before.driver, before.netdev, ()), "driver and netdev")

    def test_a_function_is_reset_without_a_driver_only(self) -> None:
        if self.has_flr:
            refuses(Conflict, self.bus.reset, self.vf)
        self.bus.unbind(self.vf)
        try:
            same(self.bus.reset(self.vf), self.has_flr, "the reset's answer")
            same(self._function(self.vf).faults, (), "the faults after the reset")
        finally:
            self.bus.bind(self.vf)

    def test_an_override_that_somebody_left_is_cleared_when_the_host_gets_the_function_back(self) -> None:
        driver = self.bus.driver(self.vf)
        self.bus.unbind(self.vf)
        override = self.root / "bus/pci/devices" / str(self.vf) / "driver_override"
        override.write_text("pci-stub\n")
        self.bus.bind(self.vf)
        same(self.bus.driver(self.vf), driver, "the driver")
        same(override.read_text().strip(), "(null)", "driver_override")

    def test_a_function_that_is_not_there_is_not_found(self) -> None:
        refuses(NotFound, self.bus.driver, ABSENT)
        refuses(NotFound, self.bus.unbind, ABSENT)
        refuses(NotFound, self.bus.bind, ABSENT)
        refuses(NotFound, self.bus.reset, ABSENT)
        refuses(NotFound, self.bus.set_vf_count, ABSENT, 1)
        refuses(NotFound, self.bus.remove_vfs, ABSENT)

    def test_the_number_of_vfs_is_never_changed_from_another_than_none(self) -> None:
        count = self._function(self.pf).vf_count or 0
        before = read_functions(self.root)
        self.bus.set_vf_count(self.pf, count)
        for other in (0, count - 1, count + 1):
            if other != count:
                refuses(Conflict, self.bus.set_vf_count, self.pf, other)
        same(read_functions(self.root), before, "all functions")

    def test_a_vf_has_no_vfs(self) -> None:
        refuses(Unsupported, self.bus.set_vf_count, self.vf, 1)
        refuses(Unsupported, self.bus.remove_vfs, self.vf)

    def test_vfs_are_made_and_are_there_with_their_drivers(self) -> None:
        if self.spare_pf is None:
            return
        total = self._function(self.spare_pf).vf_total or 0
        refusal = refuses(HostFault, self.bus.set_vf_count, self.spare_pf, total + 1)
        same(str(total) in refusal.hint, True, f"the most VFs are named in {refusal.hint!r}")
        same(self._function(self.spare_pf).vf_count, 0, "sriov_numvfs after the refusal")
        self.bus.set_vf_count(self.spare_pf, 2)
        vfs = [one for one in read_functions(self.root) if one.pf == self.spare_pf]
        same([vf.vf_index for vf in vfs], [0, 1], "the VFs")
        same([(vf.driver is None, vf.netdev is None, vf.faults) for vf in vfs], [(False, False, ())] * 2, "the VFs")
        self.bus.remove_vfs(self.spare_pf)
        same([one for one in read_functions(self.root) if one.pf == self.spare_pf], [], "the VFs that were taken away")
        same(self._function(self.spare_pf).vf_count, 0, "sriov_numvfs")
        self.bus.remove_vfs(self.spare_pf)
        self.bus.set_vf_count(self.spare_pf, 2)

    def _function(self, address: PciAddress) -> PciFunction:
        found = read_functions(self.root, only={address, self.pf})
        return next(function for function in found if function.address == address)
