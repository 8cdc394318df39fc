"""A VF table on disk, with the manners of a given card, and mishaps to order.

One JSON file for each PF, replaced atomically: like a real card, it outlives the agent and is seen by every process.
Beside them ``writes.jsonl`` takes one line for each field that was written or refused, for observers and auditors.
"""

import errno
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mooring import wire
from mooring.errors import HostFault, Invalid, NotFound
from mooring.host.kernel_answers import errno_name, from_errno
from mooring.host.machine import PfView
from mooring.model.vf import TxRate, VfField, VfSettings, Vlan
from mooring.testing.cards import VLAN_ID_MAX, VLAN_QOS_MAX, ZERO_MAC, Card

_GROUP_BIT = 0x01
_OK = "ok"
HANG_LIMIT_S = 60.0
_LOOK_AGAIN_S = 0.005


@dataclass(frozen=True, slots=True)
class Mishaps:
    """What is wrong with one PF, until told otherwise."""

    lies_about: frozenset[VfField] = frozenset()
    """Writes of these are accepted, and change nothing."""
    busy_writes: int = 0
    """This many writes are still answered with ``busy_errno``."""
    busy_errno: int = errno.EBUSY
    truncated_to: int | None = None
    """The VF list ends after this many entries."""
    errnos: Mapping[VfField, int] = field(default_factory=dict)
    """Writes of these fail with that errno."""
    hangs: bool = False
    """Every call hangs in the driver until this ends, and for ``HANG_LIMIT_S`` at most."""


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """One line of the write log; a request with several fields has one for each, up to the first refused."""

    pf: str
    vf: int
    field: VfField
    value: object
    answer: str
    """``ok``, or the errno's name."""


@dataclass(frozen=True, slots=True)
class _Pf:
    card: Card
    vfs: tuple[VfSettings, ...]
    is_up: bool = True
    has_carrier: bool = True
    mishaps: Mishaps = field(default_factory=Mishaps)


class SimulatedVfTable:
    """``VfTable`` over a folder, which is made if need be. Any number of processes may share it.

    ``tell`` is a watch's ``say``. It is told what others do to a card; what the agent itself writes, only the kernel
    tells it.
    """

    def __init__(self, directory: Path, tell: Callable[[str], None] = lambda _: None):
        self._directory = directory
        self._tell = tell
        directory.mkdir(parents=True, exist_ok=True)

    def plug(self, pf_netdev: str, card: Card, macs: tuple[str, ...], *, up: bool = True, carrier: bool = True) -> None:
        """A PF with one newborn VF for each of ``macs``; what it held before is forgotten, as by a driver reload."""
        with self._locked():
            self._save(pf_netdev, _Pf(card, tuple(replace(card.newborn, mac=mac) for mac in macs), up, carrier))
        self._tell(f"link {pf_netdev}")

    def unplug(self, pf_netdev: str) -> None:
        with self._locked():
            self._file(pf_netdev).unlink(missing_ok=True)
        self._tell(f"link gone {pf_netdev}")

    def set_link(self, pf_netdev: str, *, up: bool | None = None, carrier: bool | None = None) -> None:
        """``ip link set PF up`` or ``down`` by somebody, the cable in or out; ``None`` leaves it as it is."""
        with self._locked():
            pf = self._load(pf_netdev)
            is_up, has_carrier = pf.is_up if up is None else up, pf.has_carrier if carrier is None else carrier
            self._save(pf_netdev, replace(pf, is_up=is_up, has_carrier=has_carrier))
        self._tell(f"link {pf_netdev}")

    def misbehave(self, pf_netdev: str, mishaps: Mishaps) -> None:
        """From now on; ``Mishaps()`` ends it."""
        with self._locked():
            self._save(pf_netdev, replace(self._load(pf_netdev), mishaps=mishaps))

    def overwrite(self, pf_netdev: str, vf_index: int, settings: VfSettings) -> None:
        """Somebody's ``ip link set`` behind the agent's back: no manners, no mishaps, not in the write log."""
        with self._locked():
            pf = self._load(pf_netdev)
            self._save(pf_netdev, replace(pf, vfs=_with(pf.vfs, vf_index, settings)))
        self._tell(f"link {pf_netdev}")

    def read(self, pf_netdev: str, vf_index: int) -> VfSettings:
        try:
            return self.look(pf_netdev).vfs[vf_index]
        except KeyError as missing:
            raise NotFound("vf", f"{pf_netdev}/{vf_index}") from missing

    def look(self, pf_netdev: str) -> PfView:
        pf = self._reached(pf_netdev)
        shown = pf.vfs[: pf.mishaps.truncated_to] if pf.card.shows_vfs else ()
        if len(shown) != len(pf.vfs):
            raise HostFault(f"the VF list of {pf_netdev} has {len(shown)} entries, the kernel counts {len(pf.vfs)} VFs")
        vfs = {index: _shown(pf.card, settings) for index, settings in enumerate(shown)}
        return PfView(pf.is_up, pf.is_up and pf.has_carrier, vfs)

    def bring_up(self, pf_netdev: str) -> None:
        self._reached(pf_netdev)
        with self._locked():
            self._save(pf_netdev, replace(self._load(pf_netdev), is_up=True))

    def write(self, pf_netdev: str, vf_index: int, fields: Sequence[VfField], wanted: VfSettings) -> None:
        for one in fields:
            if getattr(wanted, one.value) is None:
                raise Invalid(f"nothing is wanted for {one} of VF {vf_index}")
        self._reached(pf_netdev)
        with self._locked():
            pf, code = self._load(pf_netdev), 0
            for one in fields:
                pf, code = _written(pf, vf_index, one, wanted)
                value = getattr(wanted, one.value)
                self._log(WriteRecord(pf_netdev, vf_index, one, value, errno_name(code) if code else _OK))
                if code:
                    break
            self._save(pf_netdev, pf)
        if code:
            raise from_errno(code, os.strerror(code), f"{pf_netdev} vf {vf_index} {one}", field=one)

    def _reached(self, pf_netdev: str) -> _Pf:
        """What the driver gets to see of the PF, once it no longer hangs."""
        for _ in range(int(HANG_LIMIT_S / _LOOK_AGAIN_S)):
            pf = self._load(pf_netdev)
            if not pf.mishaps.hangs:
                return pf
            time.sleep(_LOOK_AGAIN_S)
        raise HostFault(f"{pf_netdev} hung for {HANG_LIMIT_S:.0f} s")

    def writes(self) -> tuple[WriteRecord, ...]:
        """The write log, oldest first; values as JSON holds them."""
        try:
            lines = self._log_file.read_bytes().splitlines()
        except FileNotFoundError:
            return ()
        return tuple(wire.decode(WriteRecord, line) for line in lines)

    @property
    def _log_file(self) -> Path:
        return self._directory / "writes.jsonl"

    def _file(self, pf_netdev: str) -> Path:
        return self._directory / f"{pf_netdev}.json"

    def _load(self, pf_netdev: str) -> _Pf:
        try:
            return wire.decode(_Pf, self._file(pf_netdev).read_bytes())
        except FileNotFoundError as missing:
            raise NotFound("netdev", pf_netdev) from missing

    def _save(self, pf_netdev: str, pf: _Pf) -> None:
        target = self._file(pf_netdev)
        fresh = target.with_suffix(".new")
        fresh.write_bytes(wire.encode(pf))
        fresh.replace(target)

    def _log(self, record: WriteRecord) -> None:
        with self._log_file.open("ab") as log:
            log.write(wire.encode(record) + b"\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _with(vfs: tuple[VfSettings, ...], index: int, settings: VfSettings) -> tuple[VfSettings, ...]:
    return (*vfs[:index], settings, *vfs[index + 1 :])


def _shown(card: Card, settings: VfSettings) -> VfSettings:
    if settings.vlan == Vlan() and card.no_vlan_shown_as:
        return replace(settings, vlan=Vlan(card.no_vlan_shown_as))
    return settings


def _written(pf: _Pf, vf_index: int, field: VfField, wanted: VfSettings) -> tuple[_Pf, int]:
    """The PF after one field of a write, and the errno of the answer; 0 is a yes."""
    if pf.mishaps.busy_writes:
        mishaps = replace(pf.mishaps, busy_writes=pf.mishaps.busy_writes - 1)
        return replace(pf, mishaps=mishaps), pf.mishaps.busy_errno
    value = getattr(wanted, field.value)
    code = _refusal(pf, vf_index, field, value)
    if code or field in pf.mishaps.lies_about:
        return pf, code
    settings = replace(pf.vfs[vf_index], **{field.value: value})
    return replace(pf, vfs=_with(pf.vfs, vf_index, settings)), 0


def _refusal(pf: _Pf, vf_index: int, field: VfField, value: object) -> int:
    """The errno that the kernel or this card's driver would answer with; 0 is a yes."""
    if not 0 <= vf_index < len(pf.vfs):
        return errno.EINVAL
    if field in pf.mishaps.errnos or field in pf.card.refusals:
        return pf.mishaps.errnos.get(field) or pf.card.refusals[field]
    if field is VfField.GUID and pf.card.newborn.guid is None:
        return errno.EOPNOTSUPP
    match field, value:
        case VfField.MAC, str(mac):
            wrong = int(mac[:2], 16) & _GROUP_BIT or (mac == ZERO_MAC and not pf.card.takes_zero_mac)
            return errno.EINVAL if wrong else 0
        case VfField.VLAN, Vlan(id=vlan_id, qos=qos, protocol=protocol):
            if vlan_id > VLAN_ID_MAX or qos > VLAN_QOS_MAX:
                return errno.EINVAL
            if vlan_id and not pf.card.takes_vlans:
                return errno.EOPNOTSUPP
            return 0 if protocol in pf.card.vlan_protocols else errno.EPROTONOSUPPORT
        case VfField.RATE, TxRate() as rate:
            return 0 if _takes_rate(pf, rate) else errno.EINVAL
    return 0


def _takes_rate(pf: _Pf, rate: TxRate) -> bool:
    if pf.card.rate_needs_link and not (pf.is_up and pf.has_carrier):
        return False
    if rate.min_mbps and not pf.card.min_rate:
        return False
    too_fast = pf.card.max_rate_mbps is not None and rate.max_mbps > pf.card.max_rate_mbps
    return not too_fast and not (rate.max_mbps and rate.max_mbps < rate.min_mbps)
