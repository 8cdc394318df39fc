"""What is done to a function as a PCI device, by writing to sysfs: unbind, bind, reset, and how many VFs a PF has.

The kernel's side is drivers/base/bus.c (``unbind``, ``drivers_probe``), drivers/pci/pci-driver.c (``driver_override``),
drivers/pci/pci.c (``reset``, ``reset_method``) and drivers/pci/iov.c (``sriov_numvfs``). Such a write returns when the
kernel is done, which may take it minutes: ``host/patience.py`` bounds that. What is waited for here is what comes
afterwards and by itself, each time with a limit of its own.
"""

import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mooring.core.endpoints import is_passthrough
from mooring.errors import Conflict, HostFault, MooringError, NotFound, Unsupported
from mooring.host.kernel_answers import errno_name
from mooring.model.pci import PciAddress

WriteFile = Callable[[Path, bytes], object]

_FLR = frozenset({"flr", "af_flr"})
#: What may come before them in ``reset_method`` resets the function alone, too (pci_reset_fn_methods).
_OF_ONE_FUNCTION = frozenset({"device_specific", "acpi"})
_NO_OVERRIDE = "(null)"
_NETWORK_CLASS = "0x02"
_CONFIG_HEADER_BYTES = 64
_ATTRIBUTE_MAX_BYTES = 4096
_NO_ROOM = (
    "there is no room for that many VFs: enable SR-IOV and Above 4G Decoding (IOV BAR space) in the firmware, or boot "
    "with pci=realloc; the kernel log says which resource is short"
)


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait for what follows a write."""

    step_s: float = 0.02
    driver_s: float = 5.0
    netdev_s: float = 15.0
    answer_s: float = 5.0
    """For a function to answer again after its reset."""
    vfs_s: float = 60.0
    settle_s: float = 5.0
    """For udev, which names netdevs and loads drivers; what it has not done by then is no error."""


def write_file(path: Path, text: bytes) -> None:
    """One write to a file that is there. Raises OSError: the kernel's own."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.write(descriptor, text)
    finally:
        os.close(descriptor)


class SysfsPciBus:
    """``PciBus`` of one sysfs. ``write`` takes the kernel's place where there is none behind the files."""

    def __init__(
        self,
        root: Path,
        *,
        write: WriteFile = write_file,
        waits: Waits = Waits(),
        sleep: Callable[[float], None] = time.sleep,
        udev: Path | None = Path("/run/udev"),
    ) -> None:
        """``udev`` is its run-time folder; ``None``: nobody gives netdevs other names than the kernel did."""
        self._root = root
        self._write = write
        self._waits = waits
        self._sleep = sleep
        self._udev = udev if udev is not None and (udev / "control").exists() else None

    def driver(self, address: PciAddress) -> str | None:
        try:
            return (self._device(address) / "driver").readlink().name
        except OSError:
            self._device(address)
            return None

    def unbind(self, address: PciAddress) -> None:
        device, driver = self._device(address), self.driver(address)
        if driver is None:
            return
        try:
            self._write(device / "driver/unbind", str(address).encode())
        except OSError as failure:
            # ENODEV and ENOENT: somebody else was quicker, which is as good.
            if self.driver(address) is not None:
                raise _refused(address, f"unbinding from {driver}", failure) from failure
        if not self._comes(lambda: self.driver(address) is None, self._waits.driver_s):
            raise HostFault(f"{address} is still on {driver} after it was unbound")

    def bind(self, address: PciAddress) -> None:
        device = self._device(address)
        is_nic = _text(device / "class").startswith(_NETWORK_CLASS)
        # What is no NIC may be kept from the host's drivers on purpose, as driverctl does: a GPU's may never let go.
        if is_nic:
            self._clear_override(address, device)
            if is_passthrough(self.driver(address)):
                self.unbind(address)
        if self.driver(address) is None:
            try:
                self._write(self._root / "bus/pci/drivers_probe", str(address).encode())
            except OSError as failure:
                raise _refused(address, "asking for its driver", failure) from failure
            if is_nic and not self._comes(lambda: self.driver(address) is not None, self._waits.driver_s):
                self._explain_no_driver(address, device)
                return
        if is_nic and not is_passthrough(self.driver(address)):
            if not self._comes(lambda: _netdev(device) is not None, self._waits.netdev_s):
                raise HostFault(
                    f"{self.driver(address)} has {address} and made no netdev in {self._waits.netdev_s:g} s",
                    hint="the kernel log may say why",
                )
            self._comes(lambda: self._is_settled(device), self._waits.settle_s)

    def reset(self, address: PciAddress, *, any_method: bool = False) -> bool:
        device, driver = self._device(address), self.driver(address)
        if not (_has_flr(device) or (any_method and (device / "reset").exists())):
            return False
        if driver is not None:
            raise Conflict(f"{address} is on {driver}: it is reset only without a driver")
        try:
            self._write(device / "reset", b"1")
        except OSError as failure:
            raise _refused(address, "its reset", failure) from failure
        if not self._comes(lambda: _answers(device), self._waits.answer_s):
            raise HostFault(
                f"{address} does not answer {self._waits.answer_s:g} s after its reset",
                hint="take the card off the bus and rescan it, or power-cycle the host",
            )
        return True

    def set_vf_count(self, pf: PciAddress, count: int) -> None:
        device = self._device(pf)
        found = _number(pf, device, "sriov_numvfs")
        if found == count:
            return
        if found != 0:
            raise Conflict(
                f"{pf} has {found} VFs, not {count}: the number is changed from 0 only",
                hint="when nobody uses them: echo 0 > sriov_numvfs, then start the agent again",
            )
        try:
            self._write(device / "sriov_numvfs", str(count).encode())
        except OSError as failure:
            raise self._no_vfs(pf, device, count, failure) from failure
        found = _number(pf, device, "sriov_numvfs")
        if found != count:
            raise HostFault(f"{pf} was given {count} VFs and shows {found}", hint="the kernel log may say why")
        if not self._comes(lambda: self._missing(device, count) == 0, self._waits.vfs_s):
            raise HostFault(
                f"of {count} VFs of {pf}, {self._missing(device, count)} are not there after {self._waits.vfs_s:g} s",
                hint="the kernel log may say why",
            )
        if _text(device / "sriov_drivers_autoprobe") != "0":
            vfs = [device / f"virtfn{index}" for index in range(count)]
            self._comes(lambda: all(self._is_settled(vf) for vf in vfs), self._waits.settle_s)

    def remove_vfs(self, pf: PciAddress) -> None:
        device = self._device(pf)
        found = _number(pf, device, "sriov_numvfs")
        if found == 0:
            return
        try:
            self._write(device / "sriov_numvfs", b"0")
        except OSError as failure:
            raise _refused(pf, f"taking its {found} VFs away", failure) from failure
        left = _number(pf, device, "sriov_numvfs")
        if left != 0:
            raise HostFault(f"{pf} was to have no VFs and shows {left}", hint="the kernel log may say why")
        if not self._comes(lambda: not any(device.glob("virtfn*")), self._waits.vfs_s):
            raise HostFault(
                f"{pf} has no VFs and still shows some after {self._waits.vfs_s:g} s",
                hint="the kernel log may say why",
            )

    def _device(self, address: PciAddress) -> Path:
        device = self._root / "bus/pci/devices" / str(address)
        if not device.is_dir():
            raise NotFound("PCI function", str(address), hint="is it still plugged in, and sriov_numvfs still set?")
        return device

    def _clear_override(self, address: PciAddress, device: Path) -> None:
        """What was cut short, libvirt for one, leaves ``vfio-pci`` there, and the next probe would go to it."""
        path = device / "driver_override"
        if _text(path) in {_NO_OVERRIDE, ""}:
            return
        try:
            self._write(path, b"\n")
        except OSError as failure:
            raise _refused(address, "clearing driver_override", failure) from failure
        if _text(path) not in {_NO_OVERRIDE, ""}:
            raise HostFault(f"driver_override of {address} is still {_text(path)!r} after it was cleared")

    def _explain_no_driver(self, address: PciAddress, device: Path) -> None:
        """A PF whose ``sriov_drivers_autoprobe`` is 0 has VFs without a driver, and that is meant. Else HostFault."""
        if _text(device / "physfn/sriov_drivers_autoprobe") == "0":
            return
        alias = _text(device / "modalias")
        raise HostFault(
            f"no driver took {address}",
            hint=f"load its driver (modprobe {alias or 'of the VFs'}); the kernel log says when a driver refused it",
        )

    def _missing(self, device: Path, count: int) -> int:
        """How many VFs are not whole yet; ``class`` is there before the device is announced."""
        return sum(not (device / f"virtfn{index}" / "class").exists() for index in range(count))

    def _is_settled(self, device: Path) -> bool:
        """A NIC with a driver, and a netdev that udev has seen to: its name will not change any more.

        Of anything else nothing is waited for: its host may have no driver for it.
        """
        if not _text(device / "class").startswith(_NETWORK_CLASS):
            return True
        try:
            driver = (device / "driver").readlink().name
        except OSError:
            return False
        if is_passthrough(driver):
            return True
        netdev = _netdev(device)
        if netdev is None or self._udev is None:
            return netdev is not None
        record = _text(self._udev / "data" / f"n{_text(netdev / 'ifindex')}")
        # It is written before the netdev is renamed, too, and says so then (udev-event.c, rename_netif).
        return bool(record) and "E:ID_RENAMING=1" not in record.splitlines()

    def _no_vfs(self, pf: PciAddress, device: Path, count: int, failure: OSError) -> MooringError:
        what = f"making {count} VFs"
        match failure.errno:
            case errno.ENOSPC | errno.ENOMEM:
                return _refused(pf, what, failure, _NO_ROOM)
            case errno.ERANGE:
                return _refused(pf, what, failure, f"it can have {_text(device / 'sriov_totalvfs')} at most")
            case errno.ENOENT:
                driver = self.driver(pf)
                hint = f"its driver {driver} makes no VFs this way" if driver else "load the PF's driver first"
                return _refused(pf, what, failure, hint)
        return _refused(pf, what, failure)

    def _comes(self, is_there: Callable[[], bool], limit_s: float) -> bool:
        """Whether it comes in time; there at once is the rule."""
        for _ in range(max(1, round(limit_s / self._waits.step_s))):
            if is_there():
                return True
            self._sleep(self._waits.step_s)
        return is_there()


def _refused(address: PciAddress, what: str, failure: OSError, hint: str = "") -> MooringError:
    """The kernel's answer as our error."""
    code = failure.errno or 0
    message, facts = f"{address}: {what}: {os.strerror(code)} ({errno_name(code)})", {"errno": code}
    match code:
        case errno.ENODEV | errno.ENXIO:
            return NotFound("PCI function", str(address), hint=hint or "it went away while it was worked on")
        case errno.EBUSY | errno.EAGAIN:
            return Conflict(message, hint=hint or "it is worth another try", facts=facts)
        case errno.ENOENT | errno.EOPNOTSUPP | errno.ENOTTY:
            return Unsupported(message, hint=hint or "this kernel or this card has no such thing", facts=facts)
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return HostFault(
                message, hint=hint or "run the agent as root, and with /sys writable (ProtectKernelTunables=no)",
                facts=facts,
            )  # fmt: skip
    return HostFault(message, hint=hint or "the kernel log may say why", facts=facts)


def _has_flr(device: Path) -> bool:
    """Whether a write to ``reset`` is a function level reset, and never one of the whole bus."""
    if not (device / "reset").exists():
        return False
    if not (device / "reset_method").exists():
        # Before Linux 5.15 the kernel does not tell; a VF has no other reset (its bus has no bridge to reset it by).
        return (device / "physfn").is_symlink()
    methods = _text(device / "reset_method").split()
    first = next((method for method in methods if method not in _OF_ONE_FUNCTION), None)
    return first in _FLR


def _answers(device: Path) -> bool:
    """All ones is what the bus reads where nobody answers. A VF shows no ids of its own, but it has a header."""
    try:
        with (device / "config").open("rb", buffering=0) as config:
            header = config.read(_CONFIG_HEADER_BYTES)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return header.count(0xFF) < len(header)


def _netdev(device: Path) -> Path | None:
    """A virtio function keeps its netdev one level deeper."""
    return next((path for pattern in ("net/*", "virtio*/net/*") for path in device.glob(pattern)), None)


def _number(address: PciAddress, device: Path, name: str) -> int:
    text = _text(device / name)
    if not (device / name).exists():
        raise Unsupported(
            f"{address} has no {name}: it is no PF", hint="enable SR-IOV in the firmware of card and host"
        )
    if not text.isdigit():
        raise HostFault(f"{name} of {address} is {text!r}, which is no number")
    return int(text)


def _text(path: Path) -> str:
    """One attribute, stripped; empty for one that is missing or gives no answer."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(_ATTRIBUTE_MAX_BYTES).decode("ascii", "replace").strip()
    except OSError:
        return ""
