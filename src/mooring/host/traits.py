"""What cards say of themselves beyond what ``host/sysfs.py`` reads: serial number, eswitch mode, features of netdevs.

None of it decides whether a function is sound, so that what cannot be had is ``None`` and no fault. Reading the Vital
Product Data takes some cards seconds, and some hang in it: it is read once for each function, in limited time.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mooring.core.endpoints import is_network
from mooring.errors import HostFault, MooringError
from mooring.host.attribute import read_file
from mooring.host.machine import Traits
from mooring.host.patience import Patience
from mooring.host.sysfs import is_live
from mooring.host.vpd import VPD_MAX_BYTES, serial_number
from mooring.model.pci import FunctionKind, PciAddress, PciFunction

VPD_LIMIT_S = 5.0
_NVME = "0108"
_SERIAL_MAX_CHARS = 20
"""SN of Identify Controller (NVM Express base specification, 5.17.2.1)."""

ReadFeatures = Callable[[], Mapping[str, tuple[str, ...]]]
ReadEswitchMode = Callable[[PciAddress], str | None]


def read_features() -> Mapping[str, tuple[str, ...]]:
    """What each netdev has switched on: see ``host/ethtool.py``."""
    from mooring.host import ethtool  # noqa: PLC0415 - loads pyroute2, which takes longer than most commands take

    return ethtool.read_features()


def read_eswitch_mode(pf: PciAddress) -> str | None:
    """See ``host/devlink.py``."""
    from mooring.host import devlink  # noqa: PLC0415 - loads pyroute2, which takes longer than most commands take

    return devlink.read_eswitch_mode(pf)


def read_vpd(path: Path) -> bytes:
    """Empty for a card without VPD, or with one that the kernel finds invalid (EIO)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(descriptor, VPD_MAX_BYTES)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


class CardTraits(Traits):
    """Of the cards of one sysfs tree; what the live kernel is asked is the caller's to say."""

    def __init__(
        self,
        root: Path,
        *,
        read_features: ReadFeatures | None = read_features,
        read_eswitch_mode: ReadEswitchMode | None = read_eswitch_mode,
        read_vpd: Callable[[Path], bytes] = read_vpd,
        vpd_limit_s: float = VPD_LIMIT_S,
    ) -> None:
        """``None``: there is no kernel to ask, as behind a recording."""
        self._root = root
        self._read_features = read_features
        self._read_eswitch_mode = read_eswitch_mode
        self._read_vpd = read_vpd
        self._vpd_limit_s = vpd_limit_s
        self._patience = Patience()
        self._serials: dict[tuple[PciAddress, str, str], str | None] = {}

    @classmethod
    def of(cls, root: Path) -> "CardTraits":
        """Of this machine's own sysfs, or of a recording, whose files are all that is left to ask."""
        return cls(root) if is_live(root) else cls(root, read_features=None, read_eswitch_mode=None)

    def added_to(self, functions: Sequence[PciFunction]) -> tuple[PciFunction, ...]:
        features = self._features()
        known = {self._key(one) for one in functions if one.kind is not FunctionKind.VF}
        self._serials = {key: serial for key, serial in self._serials.items() if key in known}
        return tuple(self._added_to(one, features) for one in functions)

    def _added_to(self, function: PciFunction, features: Mapping[str, tuple[str, ...]]) -> PciFunction:
        mine = features.get(function.netdev) if function.netdev is not None else None
        if function.kind is FunctionKind.VF:
            return function if mine is None else replace(function, features=mine)
        mode = None
        if self._read_eswitch_mode is not None and function.kind is FunctionKind.PF and is_network(function):
            mode = self._read_eswitch_mode(function.address)
        return replace(function, features=mine, eswitch_mode=mode, serial=self._serial(function))

    def _features(self) -> Mapping[str, tuple[str, ...]]:
        try:
            return self._read_features() if self._read_features is not None else {}
        except MooringError:
            return {}

    def _serial(self, function: PciFunction) -> str | None:
        key, folder = self._key(function), self._root / "bus/pci/devices" / str(function.address)
        if key not in self._serials:
            what = f"reading the VPD of {function.address}"
            try:
                vpd = self._patience.call(
                    str(function.address), what, self._vpd_limit_s, lambda: self._read_vpd(folder / "vpd")
                )
            except HostFault:
                vpd = b""
            self._serials[key] = serial_number(vpd)
        if self._serials[key] is None and function.device_class.startswith(_NVME):
            # Only its driver can tell, which goes while a guest has it; what it told is remembered.
            self._serials[key] = _nvme_serial(folder)
        return self._serials[key]

    def _key(self, function: PciFunction) -> tuple[PciAddress, str, str]:
        """Another card in the same slot is another card; a MAC may be changed, and goes with the driver."""
        return function.address, function.vendor_id, function.product_id


def _nvme_serial(folder: Path) -> str | None:
    for path in sorted(folder.glob("nvme/nvme*/serial")):
        try:
            text = read_file(path).decode("ascii").strip()
        except (OSError, UnicodeError):
            return None
        return text if text.isprintable() and 0 < len(text) <= _SERIAL_MAX_CHARS else None
    return None
