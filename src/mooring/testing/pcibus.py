"""A simulated host's PCI bus, and what a hand does to it behind everybody's back."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mooring.host.pcibus import SysfsPciBus, Waits
from mooring.model.pci import PciAddress
from mooring.testing.cards import Card
from mooring.testing.pci_kernel import KNOWN_CARDS, PciMishaps, PciWrite, SimulatedKernel
from mooring.testing.sysfs_tree import folder_of
from mooring.testing.vf_table import SimulatedVfTable

_NO_WAITS = Waits(*(0.001 for _ in range(6)))


class SimulatedPciBus(SysfsPciBus):
    """``PciBus`` over the tree at ``root`` and the table of its cards; ``folder`` keeps what is in neither.

    Any number of processes may share them. ``tell`` is a watch's ``say``: it is told what is done by hand.
    """

    def __init__(
        self,
        folder: Path,
        root: Path,
        vf_table: SimulatedVfTable,
        *,
        cards: Sequence[Card] = KNOWN_CARDS,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._kernel = SimulatedKernel(folder, root, vf_table, cards)
        self._tell = tell
        super().__init__(root, write=self._kernel.write, waits=_NO_WAITS, udev=None)

    def misbehave(self, mishaps: PciMishaps) -> None:
        """From now on; ``PciMishaps()`` ends it."""
        self._kernel.misbehave(mishaps)

    def writes(self) -> tuple[PciWrite, ...]:
        """The write log, oldest first."""
        return self._kernel.writes()

    def own_driver(self, address: PciAddress) -> str | None:
        """The one whose table of ids names the function."""
        return self._kernel.own_driver(address)

    def rebind(self, address: PciAddress, driver: str | None) -> None:
        """What libvirt, or a hand, does: another driver, or none. Raises NotFound."""
        self._kernel.bind(address, driver)

    def set_vf_count_by_hand(self, pf: PciAddress, count: int) -> None:
        """``echo 0 > sriov_numvfs; echo COUNT > sriov_numvfs``, behind everybody's back: what was there is gone."""
        before = {link.readlink().name for link in folder_of(self._kernel.root, pf).glob("virtfn*")}
        self._kernel.set_vf_count(pf, 0)
        self._kernel.set_vf_count(pf, count)
        after = {link.readlink().name for link in folder_of(self._kernel.root, pf).glob("virtfn*")}
        for name in sorted(before):
            self._tell(f"pci remove {name}")
        for name in sorted(after):
            self._tell(f"pci add {name}")

    def reload_driver(self, pf: PciAddress) -> None:
        """``modprobe -r`` and ``modprobe`` of the PF's driver: its VFs are gone, and ``sriov_numvfs`` is 0."""
        driver = self._kernel.own_driver(pf)
        self._kernel.bind(pf, None)
        self._tell(f"pci unbind {pf}")
        self._kernel.bind(pf, driver)
        self._tell(f"pci bind {pf}")
