"""A network namespace with one interface in it, by iproute2's ``ip``: made, read back, and removed.

The interface sits on a netdev of the host's: a VLAN of it, or, without a tag, a macvlan that takes all of it over. The
kernel removes it together with its netdev, and with its namespace.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_interface

import msgspec

from mooring.errors import HostFault
from mooring.host.programs import Program, run

IP = Program(("ip",), ("iproute2",))
_LIMIT_S = 10.0
_IPV6 = 6
_LINK_LOCAL = "link"


@dataclass(frozen=True, slots=True)
class Wish:
    """The interface as it should be."""

    parent: str
    vlan_id: int
    """0 is untagged."""
    mac: str
    mtu: int
    addresses: tuple[str, ...]
    """With their prefix lengths."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The interface as the kernel shows it."""

    vlan_id: int
    parent_index: int
    mac: str
    mtu: int
    is_up: bool
    has_carrier: bool
    addresses: tuple[str, ...]
    """Those of global scope, with their prefix lengths."""


class _Address(msgspec.Struct):
    local: str = ""
    prefixlen: int = 0
    scope: str = ""
    dynamic: bool = False


class _VlanData(msgspec.Struct):
    id: int = 0


class _LinkInfo(msgspec.Struct):
    info_data: _VlanData = msgspec.field(default_factory=_VlanData)


class _Link(msgspec.Struct):
    """What is read of ``ip -d -j address``."""

    ifname: str = ""
    link_index: int = 0
    address: str = ""
    mtu: int = 0
    flags: list[str] = []
    linkinfo: _LinkInfo = msgspec.field(default_factory=_LinkInfo)
    addr_info: list[_Address] = []


class Namespace:
    """``name``, with ``interface`` in it. Every call may raise HostFault with ``ip``'s own words, or Unsupported."""

    def __init__(self, name: str, interface: str):
        self.name = name
        self.interface = interface

    def look(self) -> Seen | None:
        """``None``: the namespace or the interface is not there."""
        try:
            shown = self._inside("-d", "-j", "address", "show", "dev", self.interface)
        except HostFault:
            return None
        try:
            links = msgspec.json.decode(shown, type=list[_Link])
        except msgspec.DecodeError as garbled:
            raise HostFault(f"ip's words on {self.interface} do not parse: {garbled}") from garbled
        link = next((one for one in links if one.ifname == self.interface), None)
        return None if link is None else _seen(link)

    def make(self, wish: Wish) -> None:
        """Both anew; whatever was there of the name goes."""
        self.remove()
        _ip("netns", "add", self.name)
        on_parent = ["link", "add", "link", wish.parent, "name", self.interface, "mtu", str(wish.mtu)]
        kind = ["type", "vlan", "id", str(wish.vlan_id)]
        if not wish.vlan_id:
            # Its parent's own MAC, and all that comes untagged: another MAC a VF would not hear.
            kind = ["type", "macvlan", "mode", "passthru", "nopromisc"]
        _ip(*on_parent, "netns", self.name, *kind)
        if wish.vlan_id:
            self._inside("link", "set", "dev", self.interface, "address", wish.mac)
        self._inside("link", "set", "dev", "lo", "up")
        self._inside("link", "set", "dev", self.interface, "up")

    def set_addresses(self, wanted: Iterable[str], seen: Seen) -> None:
        """Exactly these, and those that the interface gave itself."""
        wanted = [str(ip_interface(one)) for one in wanted]
        for gone in [one for one in seen.addresses if one not in wanted]:
            self._inside("address", "del", gone, "dev", self.interface)
        for new in [one for one in wanted if one not in seen.addresses]:
            # Nobody else has it: the controller gave it, and what waits for a check cannot serve.
            checked = ["nodad"] if ip_interface(new).version == _IPV6 else []
            self._inside("address", "add", new, "dev", self.interface, *checked)

    def attach(self, pid: int) -> None:
        """Give the namespace of a process its name again.

        A name lasts as long as the mounts of the service that gave it, a namespace as long as a process in it.
        """
        with suppress(HostFault):
            _ip("netns", "del", self.name)
        _ip("netns", "attach", self.name, str(pid))

    def remove(self) -> None:
        """None there is no error."""
        with suppress(HostFault):
            _ip("netns", "del", self.name)

    def run(self, command: Sequence[str], limit_s: float = _LIMIT_S) -> str:
        """Run a program in it, to its end."""
        return run([IP.find(), "netns", "exec", self.name, *command], time_max_s=limit_s)

    def _inside(self, *words: str) -> str:
        return _ip("-n", self.name, *words)


def bring_up(netdev: str) -> None:
    """One that is up already is no error."""
    _ip("link", "set", "dev", netdev, "up")


def _ip(*words: str) -> str:
    return run([IP.find(), *words], time_max_s=_LIMIT_S)


def _seen(link: _Link) -> Seen:
    # What an advertisement on the network made is the interface's own.
    addresses = tuple(
        f"{one.local}/{one.prefixlen}" for one in link.addr_info if one.scope != _LINK_LOCAL and not one.dynamic
    )
    return Seen(
        link.linkinfo.info_data.id, link.link_index, link.address, link.mtu, "UP" in link.flags,
        "LOWER_UP" in link.flags, addresses,
    )  # fmt: skip
