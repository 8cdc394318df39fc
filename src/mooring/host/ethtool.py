"""Which features netdevs have switched on, through ethtool's netlink family.

pyroute2 0.9.7 asks for features by ioctl alone, one netdev after the other: the kernel resumes each card for that and
calls into its driver (``__dev_ethtool`` in net/ethtool/ioctl.c). One netlink dump touches none. pyroute2 has the family
and its bit sets, not the message for features: that one is declared here. The bit sets are asked for in their compact
form; in the other one, with names, a netdev's answer outgrows the page that is all a kernel short of memory gives it.

Loads pyroute2: to be imported with the first question.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pyroute2.netlink import genlmsg
from pyroute2.netlink.generic import AsyncGenericNetlinkSocket
from pyroute2.netlink.generic.ethtool import (
    ETHTOOL_GENL_NAME,
    ETHTOOL_GENL_VERSION,
    ETHTOOL_MSG_FEATURES_GET,
    ETHTOOL_MSG_STRSET_GET,
    ethtool_strset_msg,
    ethtoolbitset,
    ethtoolheader,
)

from mooring.errors import HostFault
from mooring.host.netlink_answers import answered, ask, dump, find_family

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

_ETH_SS_FEATURES = 4
_ETHTOOL_FLAG_COMPACT_BITSETS = 1


class FeaturesMessage(genlmsg):  # type: ignore[misc]  # pyroute2 ships no types
    """ETHTOOL_MSG_FEATURES_GET and its answer (include/uapi/linux/ethtool_netlink.h)."""

    nla_map = (
        ("ETHTOOL_A_FEATURES_UNSPEC", "none"),
        ("ETHTOOL_A_FEATURES_HEADER", "ethtoolheader"),
        ("ETHTOOL_A_FEATURES_HW", "none"),
        ("ETHTOOL_A_FEATURES_WANTED", "none"),
        ("ETHTOOL_A_FEATURES_ACTIVE", "ethtoolbitset"),
    )
    ethtoolheader = ethtoolheader
    ethtoolbitset = ethtoolbitset


def read_features(open_socket: Callable[[], Any] = AsyncGenericNetlinkSocket) -> Mapping[str, tuple[str, ...]]:
    """What each netdev has switched on, sorted. Raises Unsupported without ethtool netlink (before Linux 5.6).

    Otherwise raises as ``netlink_answers.answered`` does.
    """

    async def question() -> Mapping[str, tuple[str, ...]]:
        async with open_socket() as socket:
            family = await find_family(socket, ETHTOOL_GENL_NAME, ethtool_strset_msg)
            names = {
                one.get_attr("ETHTOOL_A_STRING_INDEX"): one.get_attr("ETHTOOL_A_STRING_VALUE")
                for answer in await ask(socket, _strings_request(), family)
                for one in _strings(answer)
            }
            socket.register_policy(family, FeaturesMessage)
            answers = await dump(socket, _features_request, family)
            return dict(_features(answer, names) for answer in answers)

    return answered(question, "features of netdevs")


def _strings_request() -> Any:
    wanted = {"attrs": [("ETHTOOL_A_STRINGSET_ID", _ETH_SS_FEATURES)]}
    request = ethtool_strset_msg()
    request["cmd"], request["version"] = ETHTOOL_MSG_STRSET_GET, ETHTOOL_GENL_VERSION
    request["attrs"] = [
        ("ETHTOOL_A_STRSET_HEADER", {"attrs": []}),
        ("ETHTOOL_A_STRSET_STRINGSETS", {"attrs": [("ETHTOOL_A_STRINGSETS_STRINGSET", wanted)]}),
    ]
    return request


def _features_request() -> Any:
    flags = {"attrs": [("ETHTOOL_A_HEADER_FLAGS", _ETHTOOL_FLAG_COMPACT_BITSETS)]}
    request = FeaturesMessage()
    request["cmd"], request["version"] = ETHTOOL_MSG_FEATURES_GET, ETHTOOL_GENL_VERSION
    request["attrs"] = [("ETHTOOL_A_FEATURES_HEADER", flags)]
    return request


def _strings(answer: Any) -> Iterator[Any]:
    strings = answer.get_nested(
        "ETHTOOL_A_STRSET_STRINGSETS", "ETHTOOL_A_STRINGSETS_STRINGSET", "ETHTOOL_A_STRINGSET_STRINGS"
    )
    yield from strings.get_attrs("ETHTOOL_A_STRINGS_STRING") if strings is not None else ()


def _features(answer: Any, names: Mapping[int, str]) -> tuple[str, tuple[str, ...]]:
    """One netdev's. A bit set is words of 32 bits in the host's order, which pyroute2 tells as ``69:4c:1d:40``."""
    netdev = answer.get_nested("ETHTOOL_A_FEATURES_HEADER", "ETHTOOL_A_HEADER_DEV_NAME")
    value = answer.get_nested("ETHTOOL_A_FEATURES_ACTIVE", "ETHTOOL_A_BITSET_VALUE")
    if netdev is None or value is None:
        raise HostFault(f"ethtool's answer about {netdev or 'some netdev'} has no features in it")
    words = [word for (word,) in struct.iter_unpack("=I", bytes.fromhex(value.replace(":", "")))]
    active = {name for index, name in names.items() if index < 32 * len(words) and words[index // 32] >> index % 32 & 1}
    return netdev, tuple(sorted(ours for ours, theirs in FEATURES.items() if active.intersection(theirs)))
