"""The kernel behind a simulated sysfs: what it does when something is written there.

It moves links and folders as the kernel would, and can be told to refuse, to do nothing, or to hang.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from mooring import wire
from mooring.errors import MooringError, NotFound
from mooring.host.kernel_answers import errno_name
from mooring.model.pci import PciAddress
from mooring.testing.cards import (
    CISCO_VIC_1240,
    INTEL_82576,
    INTEL_E810,
    INTEL_N6001,
    INTEL_X710,
    MELLANOX_CX6,
    MELLANOX_CX6_INFINIBAND,
    NVIDIA_V100,
    SAMSUNG_PM9A3,
    ZERO_MAC,
    Card,
)
from mooring.testing.sysfs_tree import add_vfs, folder_of, rebind, remove_vfs
from mooring.testing.vf_table import SimulatedVfTable

KNOWN_CARDS = (
    INTEL_82576, INTEL_X710, INTEL_E810, MELLANOX_CX6, MELLANOX_CX6_INFINIBAND, CISCO_VIC_1240, NVIDIA_V100,
    SAMSUNG_PM9A3, INTEL_N6001,
)  # fmt: skip
HANG_LIMIT_S = 60.0
_LOOK_AGAIN_S = 0.005
_OK = "ok"


@dataclass(frozen=True, slots=True)
class PciMishaps:
    """What is wrong, until told otherwise. Files are named by their last component: ``unbind``, ``reset``."""

    errnos: Mapping[str, int] = field(default_factory=dict)
    """Writes to these files fail with that errno."""
    ignores: frozenset[str] = frozenset()
    """Writes to these are accepted, and nothing happens."""
    hangs: frozenset[str] = frozenset()
    """Writes to these do not return until this ends, and for ``HANG_LIMIT_S`` at most."""
    reset_forgets: bool = False
    """A reset makes newborn what the PF holds for the VF; the drivers that are known keep it."""


@dataclass(frozen=True, slots=True)
class PciWrite:
    """One line of the write log."""

    address: PciAddress
    file: str
    value: str
    answer: str
    """``ok``, or the errno's name."""


@dataclass(frozen=True, slots=True)
class _PfNetdev:
    """What a PF's own driver makes of it, and what is not to be seen while another one has it."""

    name: str
    mac: str


class SimulatedKernel:
    """Answers writes as drivers/base/bus.c, drivers/pci/pci-sysfs.c and drivers/pci/iov.c do."""

    def __init__(self, folder: Path, root: Path, vf_table: SimulatedVfTable, cards: Sequence[Card]) -> None:
        self.root = root
        self._folder = folder
        self._vf_table = vf_table
        self._pfs = {card.product_id: card for card in cards}
        self._vfs = {card.vf_product_id: card for card in cards if card.vf_total}

    def write(self, path: Path, text: bytes) -> None:
        """Raises OSError, as a write to the file would."""
        name, value = path.name, text.decode().strip()
        address = PciAddress.parse(value if name in {"unbind", "drivers_probe"} else path.parent.name)
        mishaps = self._reached(name)
        code = mishaps.errnos.get(name, 0)
        with self._locked():
            if not code and name not in mishaps.ignores:
                code = self._carry_out(address, name, value, mishaps)
            self._log(PciWrite(address, name, value, errno_name(code) if code else _OK))
        if code:
            raise OSError(code, os.strerror(code), str(path))

    def bind(self, address: PciAddress, driver: str | None) -> None:
        with self._locked():
            self._bind(address, driver)

    def set_vf_count(self, pf: PciAddress, count: int) -> None:
        with self._locked():
            self._set_vf_count(pf, count)

    def own_driver(self, address: PciAddress) -> str | None:
        """The one whose table of ids names the function."""
        product_id = _text(folder_of(self.root, address) / "device").removeprefix("0x")
        if product_id in self._pfs:
            return self._pfs[product_id].driver
        return self._vfs[product_id].vf_driver if product_id in self._vfs else None

    def _carry_out(self, address: PciAddress, name: str, value: str, mishaps: PciMishaps) -> int:
        """The errno of the answer; 0 is a yes."""
        try:
            device = folder_of(self.root, address)
        except NotFound:
            return errno.ENODEV
        match name:
            case "unbind":
                if not (device / "driver").is_symlink():
                    return errno.ENODEV
                self._bind(address, None)
            case "driver_override":
                (device / name).write_text(f"{value or '(null)'}\n")
            case "drivers_probe":
                self._probe(address, device)
            case "reset":
                if mishaps.reset_forgets:
                    self._forget(device)
            case "sriov_numvfs":
                return self._vf_count_answer(device, int(value)) or self._set_vf_count(address, int(value))
        return 0

    def _probe(self, address: PciAddress, device: Path) -> None:
        override = _text(device / "driver_override")
        autoprobe = _text(device / "physfn/sriov_drivers_autoprobe")
        if (device / "driver").is_symlink() or (autoprobe == "0" and override == "(null)"):
            return
        self._bind(address, self.own_driver(address) if override == "(null)" else override)

    def _bind(self, address: PciAddress, driver: str | None) -> None:
        device = folder_of(self.root, address)
        if not (device / "sriov_totalvfs").exists():
            rebind(self.root, address, driver, mac=self._administrative_mac(device))
            return
        self._unbind_pf(address, device)
        own = self._pf_netdev(address) if driver is not None and driver == self.own_driver(address) else None
        if own is None:
            rebind(self.root, address, driver)
        else:
            rebind(self.root, address, driver, netdev=own.name, mac=own.mac)
            self._vf_table.plug(own.name, self._pfs[_text(device / "device").removeprefix("0x")], ())

    def _unbind_pf(self, address: PciAddress, device: Path) -> None:
        """Its VFs go with the driver; its netdev's name is what udev gives it again."""
        remove_vfs(self.root, address)
        for netdev in device.glob("net/*"):
            kept = _PfNetdev(netdev.name, _text(netdev / "address"))
            (self._folder / f"{address}.json").write_bytes(wire.encode(kept))
            self._vf_table.unplug(netdev.name)

    def _pf_netdev(self, address: PciAddress) -> _PfNetdev | None:
        try:
            return wire.decode(_PfNetdev, (self._folder / f"{address}.json").read_bytes())
        except FileNotFoundError:
            return None

    def _administrative_mac(self, device: Path) -> str | None:
        """What a VF's driver takes when it binds: what the PF holds for it, unless that is all zeros."""
        seat = _seat(device)
        with suppress(MooringError):
            mac = self._vf_table.read(*seat).mac if seat is not None else None
            return mac if mac != ZERO_MAC else None
        return None

    def _forget(self, device: Path) -> None:
        seat, card = _seat(device), self._vfs.get(_text(device / "device").removeprefix("0x"))
        if seat is not None and card is not None:
            self._vf_table.overwrite(*seat, replace(card.newborn, mac=ZERO_MAC))

    def _vf_count_answer(self, device: Path, count: int) -> int:
        """``sriov_numvfs_store``."""
        if count > int(_text(device / "sriov_totalvfs")):
            return errno.ERANGE
        found = int(_text(device / "sriov_numvfs"))
        if found != count and not (device / "driver").is_symlink():
            return errno.ENOENT
        return errno.EBUSY if 0 not in {found, count} and found != count else 0

    def _set_vf_count(self, pf: PciAddress, count: int) -> int:
        device = folder_of(self.root, pf)
        netdev = next((path.name for path in sorted(device.glob("net/*"))), None)
        card = self._pfs[_text(device / "device").removeprefix("0x")]
        remove_vfs(self.root, pf)
        (device / "sriov_numvfs").write_text(f"{count}\n")
        add_vfs(self.root, pf, card.vf_driver if _text(device / "sriov_drivers_autoprobe") != "0" else None)
        if netdev is not None:
            self._plug_newborn(netdev, card, device, count)
        return 0

    def _plug_newborn(self, netdev: str, card: Card, pf: Path, count: int) -> None:
        """The link stays as it is. A VF of igb that is born while its PF is down has no MAC."""
        is_up = has_carrier = True
        with suppress(MooringError):
            view = self._vf_table.look(netdev)
            is_up, has_carrier = view.is_up, view.has_carrier or not view.is_up
        has_macs = is_up or not card.admin_mac_needs_rebind
        macs = tuple(_text(path) if has_macs and path.exists() else ZERO_MAC for path in _vf_macs(pf, count))
        self._vf_table.plug(netdev, card, macs, up=is_up, carrier=has_carrier)

    def misbehave(self, mishaps: PciMishaps) -> None:
        fresh = self._mishaps_file.with_suffix(".new")
        fresh.write_bytes(wire.encode(mishaps))
        fresh.replace(self._mishaps_file)

    def writes(self) -> tuple[PciWrite, ...]:
        try:
            lines = self._log_file.read_bytes().splitlines()
        except FileNotFoundError:
            return ()
        return tuple(wire.decode(PciWrite, line) for line in lines)

    def _reached(self, name: str) -> PciMishaps:
        """What is wrong by the time that the write gets through."""
        for _ in range(int(HANG_LIMIT_S / _LOOK_AGAIN_S)):
            mishaps = self._mishaps()
            if name not in mishaps.hangs:
                return mishaps
            time.sleep(_LOOK_AGAIN_S)
        return mishaps

    def _mishaps(self) -> PciMishaps:
        try:
            return wire.decode(PciMishaps, self._mishaps_file.read_bytes())
        except FileNotFoundError:
            return PciMishaps()

    @property
    def _mishaps_file(self) -> Path:
        return self._folder / "mishaps.json"

    @property
    def _log_file(self) -> Path:
        return self._folder / "writes.jsonl"

    def _log(self, record: PciWrite) -> None:
        with self._log_file.open("ab") as log:
            log.write(wire.encode(record) + b"\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _seat(device: Path) -> tuple[str, int] | None:
    """The netdev of a VF's PF, and the VF's index there."""
    if not (device / "physfn").is_symlink():
        return None
    pf = device.parent / (device / "physfn").readlink().name
    netdev = next((path.name for path in sorted(pf.glob("net/*"))), None)
    index = next((link.name for link in pf.glob("virtfn*") if link.readlink().name == device.name), None)
    return None if netdev is None or index is None else (netdev, int(index.removeprefix("virtfn")))


def _vf_macs(pf: Path, count: int) -> Iterator[Path]:
    """Where each VF's netdev has its MAC; without a netdev there is none."""
    for index in range(count):
        vf = pf.parent / (pf / f"virtfn{index}").readlink().name
        yield next((path / "address" for path in sorted(vf.glob("net/*"))), vf / "no-netdev")


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
