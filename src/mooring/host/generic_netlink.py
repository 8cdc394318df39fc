"""Two generic netlink families: ``ethtool`` for what netdevs have switched on, ``devlink`` for a PF's eswitch mode.

include/uapi/linux/ethtool_netlink.h and devlink.h. One dump has the features of every netdev, as bit sets whose
names are asked for once; an eswitch mode is asked for PF by PF, for there is no dump of it.
"""

from collections.abc import Callable, Iterator, Mapping
from struct import Struct, error

from mooring.errors import MooringError, Unsupported
from mooring.host.netlink_ask import NETLINK_GENERIC, ask, dump
from mooring.host.nlattr import attribute, attributes, text
from mooring.model.pci import PciAddress

Ask = Callable[[int, int, bytes], list[bytes]]

#: What libvirt and Nova call a feature, by the kernel's own names; one of the names in a row is enough.
FEATURES: Mapping[str, tuple[str, ...]] = {
    "rx": ("rx-checksum",),
    "tx": ("tx-checksum-ipv4", "tx-checksum-ipv6", "tx-checksum-ip-generic"),
    "sg": ("tx-scatter-gather",),
    "tso": ("tx-tcp-segmentation", "tx-tcp6-segmentation"),
    "gso": ("tx-generic-segmentation",),
    "gro": ("rx-gro",),
    "lro": ("rx-lro",),
    "rxvlan": ("rx-vlan-hw-parse",),
    "txvlan": ("tx-vlan-hw-insert",),
    "ntuple": ("rx-ntuple-filter",),
    "rxhash": ("rx-hashing",),
    "txudptnl": ("tx-udp_tnl-segmentation",),
    "hw-tc-offload": ("hw-tc-offload",),
}
ESWITCH_MODES = ("legacy", "switchdev", "switchdev_inactive")

_GENL_ID_CTRL, _CTRL_GETFAMILY, _CTRL_FAMILY_ID, _CTRL_FAMILY_NAME = 0x10, 3, 1, 2
_ETHTOOL_STRSET_GET, _ETHTOOL_FEATURES_GET = 1, 11
_HEADER, _HEADER_NAME, _HEADER_FLAGS, _COMPACT_BITSETS = 1, 2, 3, 1
_FEATURES_ACTIVE, _BITSET_VALUE = 4, 4
_STRINGSETS, _STRINGSET, _STRINGSET_ID, _STRINGS, _STRING = 2, 1, 1, 3, 1
_STRING_INDEX, _STRING_VALUE = 1, 2
_ETH_SS_FEATURES = 4
_DEVLINK_ESWITCH_GET, _BUS_NAME, _DEV_NAME, _ESWITCH_MODE = 29, 1, 2, 25
_NESTED = 0x8000
#: struct genlmsghdr: command, version, reserved.
_GENLMSGHDR = Struct("=BBH")
_U16, _U32 = Struct("=H"), Struct("=I")


def read_features(ask: Ask = ask, dump: Ask = dump) -> Mapping[str, tuple[str, ...]]:
    """What each netdev has switched on, sorted. Raises Unsupported without ethtool netlink (before Linux 5.6)."""
    family = _family("ethtool", ask)
    names = _feature_names(family, ask)
    header = attribute(_HEADER | _NESTED, attribute(_HEADER_FLAGS, _U32.pack(_COMPACT_BITSETS)))
    found: dict[str, tuple[str, ...]] = {}
    for answer in dump(NETLINK_GENERIC, family, _message(_ETHTOOL_FEATURES_GET, header)):
        told = _told(answer[_GENLMSGHDR.size :])
        netdev = text(_told(told.get(_HEADER, b"")).get(_HEADER_NAME, b""))
        bits = int.from_bytes(_swapped(_told(told.get(_FEATURES_ACTIVE, b"")).get(_BITSET_VALUE, b"")), "little")
        active = {name for index, name in names.items() if bits >> index & 1}
        found[netdev] = tuple(sorted(ours for ours, theirs in FEATURES.items() if active.intersection(theirs)))
    return found


def read_eswitch_mode(pf: PciAddress, ask: Ask = ask) -> str | None:
    """``None`` when the driver has no devlink, or no eswitch there."""
    name = attribute(_BUS_NAME, b"pci\0") + attribute(_DEV_NAME, f"{pf}\0".encode())
    try:
        answers = ask(NETLINK_GENERIC, _family("devlink", ask), _message(_DEVLINK_ESWITCH_GET, name))
    except MooringError:
        return None
    for answer in answers:
        mode = _told(answer[_GENLMSGHDR.size :]).get(_ESWITCH_MODE, b"")
        if len(mode) == _U16.size and _U16.unpack(mode)[0] < len(ESWITCH_MODES):
            return ESWITCH_MODES[_U16.unpack(mode)[0]]
    return None


def _family(name: str, ask: Ask) -> int:
    body = _message(_CTRL_GETFAMILY, attribute(_CTRL_FAMILY_NAME, f"{name}\0".encode()))
    for answer in ask(NETLINK_GENERIC, _GENL_ID_CTRL, body):
        number = _told(answer[_GENLMSGHDR.size :]).get(_CTRL_FAMILY_ID, b"")
        if len(number) == _U16.size:
            family: int = _U16.unpack(number)[0]
            return family
    raise Unsupported(f"this kernel has no netlink family {name}")


def _feature_names(family: int, ask: Ask) -> Mapping[int, str]:
    wanted = attribute(_STRINGSET | _NESTED, attribute(_STRINGSET_ID, _U32.pack(_ETH_SS_FEATURES)))
    body = attribute(_HEADER | _NESTED, b"") + attribute(_STRINGSETS | _NESTED, wanted)
    names: dict[int, str] = {}
    for answer in ask(NETLINK_GENERIC, family, _message(_ETHTOOL_STRSET_GET, body)):
        sets = _told(answer[_GENLMSGHDR.size :]).get(_STRINGSETS, b"")
        for _, one in _nested(sets, _STRINGSET):
            for _, string in _nested(_told(one).get(_STRINGS, b""), _STRING):
                told = _told(string)
                if len(told.get(_STRING_INDEX, b"")) == _U32.size:
                    names[_U32.unpack(told[_STRING_INDEX])[0]] = text(told.get(_STRING_VALUE, b""))
    return names


def _message(command: int, body: bytes) -> bytes:
    return _GENLMSGHDR.pack(command, 1, 0) + body


def _told(body: bytes) -> dict[int, bytes]:
    return dict(attributes(body, 0, len(body)))


def _nested(body: bytes, kind: int) -> Iterator[tuple[int, bytes]]:
    return (one for one in attributes(body, 0, len(body)) if one[0] == kind)


def _swapped(value: bytes) -> bytes:
    """A bit set is words of 32 bits in the host's order; its bits as one little-endian number."""
    try:
        return b"".join(_U32.unpack_from(value, start)[0].to_bytes(4, "little") for start in range(0, len(value), 4))
    except error:
        return b""
