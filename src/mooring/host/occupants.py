"""What this machine does with netdevs and devices beyond sysfs: addresses, routes, files that programs hold open."""

import errno
import os
import socket
import struct
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

from mooring.host.machine import Occupants
from mooring.host.netlink_ask import NETLINK_ROUTE, dump
from mooring.host.nlattr import HEADER, attributes
from mooring.host.sysfs import is_live

ROUTES_MAX = 20_000
"""A router with a full table is known by its addresses; what comes behind these is not looked at."""
_PROCESSES_MAX = 65_536
_OPEN_FILES_MAX = 500_000
_HOPS_MAX = 256

_RTM_GETADDR, _RTM_GETROUTE = 22, 26
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_RTA_DST, _RTA_OIF, _RTA_MULTIPATH = 1, 4, 9
_RTPROT_KERNEL = 2
_RTN_UNICAST = 1
#: struct ifaddrmsg: family, prefix length, flags, scope, interface.
_IFADDRMSG = struct.Struct("=BBBBI")
#: struct rtmsg: family, lengths of destination and source, TOS, table, protocol, scope, type, flags.
_RTMSG = struct.Struct("=BBBBBBBBI")
#: struct rtnexthop: length, flags, hops, interface.
_RTNEXTHOP = struct.Struct("=HBBi")
_INDEX = struct.Struct("=I")

Dump = Callable[..., list[bytes]]


class KernelOccupants(Occupants):
    """Of the machine, and the network namespace, that this process runs in."""

    def __init__(
        self,
        proc: Path = Path("/proc"),
        *,
        dump: Dump = dump,
        name_of: Callable[[int], str] = socket.if_indextoname,
        list_folder: Callable[[Path], list[str]] = os.listdir,
    ) -> None:
        self._proc = proc
        self._list_folder = list_folder
        self._dump = dump
        self._name_of = name_of

    def netdevs(self) -> Mapping[str, str]:
        uses: dict[int, str] = {}
        for index, cidr in _addresses(self._dump(NETLINK_ROUTE, _RTM_GETADDR, bytes(_IFADDRMSG.size))):
            uses.setdefault(index, f"has address {cidr}")
        routes = self._dump(NETLINK_ROUTE, _RTM_GETROUTE, bytes(_RTMSG.size), answers_max=ROUTES_MAX)
        for index, destination in _routes(routes):
            uses.setdefault(index, f"carries the route to {destination}")
        named: dict[str, str] = {}
        for index, use in uses.items():
            with suppress(OSError):  # gone
                named[self._name_of(index)] = use
        return named

    def holders(self, nodes: Collection[str]) -> Mapping[str, str]:
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
        if unseen:
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


def _addresses(answers: list[bytes]) -> Iterator[tuple[int, str]]:
    """Interface and CIDR; without link-local IPv6, which the kernel itself gives to every netdev that is up."""
    for answer in answers:
        if len(answer) < _IFADDRMSG.size:
            continue
        _, prefix, _, _, index = _IFADDRMSG.unpack_from(answer)
        told = dict(attributes(answer, _IFADDRMSG.size, len(answer)))
        address = _ip(told.get(_IFA_LOCAL) or told.get(_IFA_ADDRESS) or b"")
        if address is not None and not (address.version == 6 and address.is_link_local):  # noqa: PLR2004 - of IPv6
            yield index, f"{address}/{prefix}"


def _routes(answers: list[bytes]) -> Iterator[tuple[int, str]]:
    """Interface and destination of the routes that somebody has set; what follows from addresses is not told again."""
    for answer in answers:
        if len(answer) < _RTMSG.size:
            continue
        family, prefix, _, _, _, protocol, _, kind, _ = _RTMSG.unpack_from(answer)
        if kind != _RTN_UNICAST or protocol == _RTPROT_KERNEL:
            continue
        told = dict(attributes(answer, _RTMSG.size, len(answer)))
        address = _ip(told.get(_RTA_DST, b"")) or ("::" if family == socket.AF_INET6 else "0.0.0.0")  # noqa: S104 - a route
        for index in _interfaces(told):
            yield index, f"{address}/{prefix}"


def _interfaces(told: Mapping[int, bytes]) -> Iterator[int]:
    if len(told.get(_RTA_OIF, b"")) == _INDEX.size:
        yield _INDEX.unpack(told[_RTA_OIF])[0]
    hops, start = told.get(_RTA_MULTIPATH, b""), 0
    for _ in range(_HOPS_MAX):
        if start + _RTNEXTHOP.size > len(hops):
            return
        length, _, _, index = _RTNEXTHOP.unpack_from(hops, start)
        yield index
        start += (max(length, HEADER.size) + 3) & ~3


def _ip(packed: bytes) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(packed)
    except ValueError:
        return None
