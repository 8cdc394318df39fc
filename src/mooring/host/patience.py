"""Calls into the kernel that may hang for minutes, where no signal and no time limit of theirs reaches them.

Each runs on another thread. The caller waits for so long and no longer, and until the call returns after all,
nobody starts another one on the same PF or function: there is never a second thread in a driver that hangs.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

from mooring.errors import HostFault
from mooring.host.machine import PciBus, PfView, VfTable
from mooring.model.pci import PciAddress
from mooring.model.vf import VfField, VfSettings

T = TypeVar("T")

CALL_LIMIT_S = 10.0
DRIVER_LIMIT_S = 60.0
"""Probe and remove load firmware and wait for a netdev; a reset waits for the function to answer again."""
COUNT_LIMIT_S = 300.0
"""``sriov_numvfs``: the kernel makes and probes one VF after the other, on some cards at a second each."""


class _Seat:
    """Of one PF, or one function: who has the turn may call, once the last call is over."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.what = ""
        self.since_s = 0.0
        self.call: Future[Any] | None = None


class Patience:
    """Bounded waiting, with one call at a time for each key. Any thread may call."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._guard = threading.Lock()
        self._seats: dict[str, _Seat] = {}
        self._idle: deque[_Worker] = deque()

    def call(self, key: str, what: str, limit_s: float, work: Callable[[], T]) -> T:
        """What ``work`` answers or raises; HostFault when it takes longer, or when the call before still runs."""
        with self._guard:
            seat = self._seats.setdefault(key, _Seat())
        with seat.turn:
            if seat.call is not None and not seat.call.done():
                raise self._overdue(seat)
            call: Future[T] = Future()
            seat.what, seat.since_s, seat.call = what, self._clock(), call
            self._worker().jobs.put((work, call))
            try:
                return call.result(limit_s)
            except TimeoutError:
                if call.done():
                    raise
                raise self._overdue(seat) from None

    def _worker(self) -> "_Worker":
        """One that has nothing to do, or a new one: there are as many as calls at the same time, hung ones included."""
        try:
            return self._idle.pop()
        except IndexError:
            worker = _Worker(self._idle)
            worker.start()
            return worker

    def _overdue(self, seat: _Seat) -> HostFault:
        return HostFault(
            f"{seat.what} has not returned for {self._clock() - seat.since_s:.0f} s",
            hint="a driver hangs in the kernel, whose log may say why; nothing else is asked of it until it returns",
        )


class _Worker(threading.Thread):
    """Makes one call after the other; a daemon, for the process may end while the kernel does not let it go."""

    def __init__(self, idle: "deque[_Worker]"):
        super().__init__(daemon=True, name="patience")
        self.jobs: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._idle = idle

    def run(self) -> None:
        while True:
            self._do(*self.jobs.get())

    def _do(self, work: Callable[[], Any], call: Future[Any]) -> None:
        try:
            answer = work()
        except Exception as failed:  # noqa: BLE001 - carried whole to the caller, who waits for it
            self._idle.append(self)
            call.set_exception(failed)
        else:
            self._idle.append(self)
            call.set_result(answer)


class PatientVfTable:
    """A ``VfTable`` whose calls end in time, by PF."""

    def __init__(self, table: VfTable, call_limit_s: float = CALL_LIMIT_S, patience: Patience | None = None):
        self._table = table
        self._limit_s = call_limit_s
        self._patience = patience or Patience()

    def read(self, pf_netdev: str, vf_index: int) -> VfSettings:
        return self._call(pf_netdev, f"reading VF {vf_index}", lambda: self._table.read(pf_netdev, vf_index))

    def look(self, pf_netdev: str) -> PfView:
        return self._call(pf_netdev, "reading the VFs", lambda: self._table.look(pf_netdev))

    def bring_up(self, pf_netdev: str) -> None:
        self._call(pf_netdev, "bringing up the link", lambda: self._table.bring_up(pf_netdev))

    def write(self, pf_netdev: str, vf_index: int, fields: Sequence[VfField], wanted: VfSettings) -> None:
        what = f"writing {', '.join(fields)} of VF {vf_index}"
        self._call(pf_netdev, what, lambda: self._table.write(pf_netdev, vf_index, fields, wanted))

    def _call(self, pf_netdev: str, what: str, work: Callable[[], T]) -> T:
        return self._patience.call(pf_netdev, f"{what} of {pf_netdev}", self._limit_s, work)


class PatientPciBus:
    """A ``PciBus`` whose calls end in time, by function."""

    def __init__(self, bus: PciBus, patience: Patience | None = None):
        self._bus = bus
        self._patience = patience or Patience()

    def driver(self, address: PciAddress) -> str | None:
        return self._call(address, "reading the driver", CALL_LIMIT_S, lambda: self._bus.driver(address))

    def unbind(self, address: PciAddress) -> None:
        self._call(address, "unbinding the driver", DRIVER_LIMIT_S, lambda: self._bus.unbind(address))

    def bind(self, address: PciAddress) -> None:
        self._call(address, "binding the driver", DRIVER_LIMIT_S, lambda: self._bus.bind(address))

    def reset(self, address: PciAddress, *, any_method: bool = False) -> bool:
        work = partial(self._bus.reset, address, any_method=any_method)
        return self._call(address, "the reset", DRIVER_LIMIT_S, work)

    def set_vf_count(self, pf: PciAddress, count: int) -> None:
        self._call(pf, f"making {count} VFs", COUNT_LIMIT_S, lambda: self._bus.set_vf_count(pf, count))

    def remove_vfs(self, pf: PciAddress) -> None:
        self._call(pf, "taking its VFs away", COUNT_LIMIT_S, lambda: self._bus.remove_vfs(pf))

    def _call(self, address: PciAddress, what: str, limit_s: float, work: Callable[[], T]) -> T:
        return self._patience.call(str(address), f"{what} of {address}", limit_s, work)
