"""What this machine does with netdevs, disks and devices beyond sysfs: addresses, routes, mounts, files held open."""

import errno
import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from mooring.host.machine import Occupants
from mooring.host.mounts import Mounts
from mooring.host.sysfs import is_live

_PROCESSES_MAX = 65_536
_OPEN_FILES_MAX = 500_000


def read_uses() -> Mapping[int, str]:
    """What each netdev is used for, by its index: see ``host/addresses.py``."""
    from mooring.host import addresses  # noqa: PLC0415 - loads pyroute2, which takes longer than most commands take

    return addresses.read_uses()


class KernelOccupants(Occupants):
    """Of the machine, and the network namespace, that this process runs in."""

    def __init__(
        self,
        proc: Path = Path("/proc"),
        *,
        read_uses: Callable[[], Mapping[int, str]] = read_uses,
        name_of: Callable[[int], str] = socket.if_indextoname,
        list_folder: Callable[[Path], list[str]] = os.listdir,
        mounts: Mounts | None = None,
    ) -> None:
        self._proc = proc
        self._mounts = mounts or Mounts(proc)
        self._list_folder = list_folder
        self._read_uses = read_uses
        self._name_of = name_of

    def netdevs(self) -> Mapping[str, str]:
        named: dict[str, str] = {}
        for index, use in self._read_uses().items():
            with suppress(OSError):  # gone
                named[self._name_of(index)] = use
        return named

    def disks(self, disks: Mapping[str, str]) -> Mapping[str, str]:
        return self._mounts.uses(disks)

    def holders(self, nodes: Collection[str], *, is_seen: bool = False) -> Mapping[str, str]:
        found: dict[str, str] = {}
        unseen, left = 0, _OPEN_FILES_MAX
        for process in self._processes():
            try:
                descriptors = self._list_folder(process / "fd")
            except OSError as failure:
                # A process that has ended is no secret; one that we may not look into is.
                unseen += failure.errno in {errno.EACCES, errno.EPERM}
                continue
            left -= len(descriptors)
            if left < 0:
                unseen += 1
                break
            for descriptor in descriptors:
                with suppress(OSError):
                    target = os.readlink(f"{process}/fd/{descriptor}")  # noqa: PTH115 - there may be very many
                    if target in nodes:
                        found.setdefault(target, f"process {process.name} ({_comm(process)})")
        if unseen and not is_seen:
            unknown = f"a process that this agent may not look into ({unseen} of them)"
            return {node: found.get(node, unknown) for node in nodes}
        return found

    def _processes(self) -> Iterator[Path]:
        names = (name for name in self._list_folder(self._proc) if name.isdigit())
        for _, name in zip(range(_PROCESSES_MAX), names, strict=False):
            yield self._proc / name


def occupants_of(sysfs_root: Path) -> Occupants | None:
    """This machine's, for its own sysfs; of a recording nobody can say any more."""
    return KernelOccupants() if is_live(sysfs_root) else None


def _comm(process: Path) -> str:
    try:
        return ascii((process / "comm").read_text(errors="replace").strip())[1:-1]
    except OSError:
        return "?"
