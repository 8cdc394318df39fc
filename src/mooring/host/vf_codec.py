"""VF settings as rtnetlink carries them: bytes in, bytes out, no socket (``include/uapi/linux/if_link.h``).

Every field goes in an IFLA_VF_INFO of its own: within one, the kernel takes the attributes in its own order
(``do_setvfinfo`` in net/core/rtnetlink.c); one after the other, in the order given, up to the first that is refused.

The kernel fills in a default for what a driver does not report (``rtnl_fill_vfinfo``): 0xffffffff for spoof check
and trust, which is decoded as ``None`` here, and zero for the rest, which cannot be told from a true zero.
"""

import os
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from struct import Struct
from types import MappingProxyType
from typing import Any

from mooring.errors import HostFault, Invalid, Unsupported
from mooring.host.machine import PfView
from mooring.host.nlattr import HEADER, TYPE_MASK, aligned, attribute, attributes, span, spans, text
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan, VlanProtocol

_IFLA_IFNAME, _IFLA_NUM_VF, _IFLA_VFINFO_LIST, _IFLA_EXT_MASK = 3, 21, 22, 29
_IFLA_VF_INFO = 1
_VF_MAC, _VF_VLAN, _VF_TX_RATE, _VF_SPOOFCHK, _VF_LINK_STATE, _VF_RATE, _VF_TRUST, _VF_VLAN_LIST = (
    1,
    2,
    3,
    4,
    5,
    6,
    9,
    12,
)
_VF_NODE_GUID, _VF_PORT_GUID = 10, 11
_IFLA_VF_VLAN_INFO = 1
_EXT_MASK = 1 | 8
"""RTEXT_FILTER_VF, and RTEXT_FILTER_SKIP_STATS: each VF's counters are a third of its entry. Older kernels send them
all the same."""
_IFF_UP, _IFF_LOWER_UP = 1, 1 << 16

#: ``struct ifinfomsg``: family, padding, type, index, flags, change.
_IFINFOMSG = Struct("=BBHiII")
_WORD, _PAIR, _TRIPLE = Struct("=I"), Struct("=II"), Struct("=III")
#: ``struct ifla_vf_mac``: MAX_ADDR_LEN bytes, of which Ethernet has six.
_MAC = Struct("=I6s26x")
#: ``struct ifla_vf_vlan_info``: its last member is big-endian, and the padding behind that is part of its size.
_VLAN_INFO = Struct("=III2s2x")

#: ``struct ifla_vf_guid``: a number of the host's order, whose highest octet is written first.
_GUID = Struct("=I4xQ")

_NOT_IMPLEMENTED = 0xFFFFFFFF
_ETHERTYPES = {VlanProtocol.Q: b"\x81\x00", VlanProtocol.AD: b"\x88\xa8"}
_PROTOCOLS = {b"\0\0": VlanProtocol.Q, **{ethertype: protocol for protocol, ethertype in _ETHERTYPES.items()}}
#: ``enum`` of IFLA_VF_LINK_STATE_*, in order.
_LINK_STATES = (LinkState.AUTO, LinkState.ENABLE, LinkState.DISABLE)
#: The attributes of our requests, for what the kernel says about one of them: name, and what may be inside.
_VF_NAMES = {
    _VF_MAC: "IFLA_VF_MAC", _VF_VLAN: "IFLA_VF_VLAN", _VF_SPOOFCHK: "IFLA_VF_SPOOFCHK", _VF_TRUST: "IFLA_VF_TRUST",
    _VF_NODE_GUID: "IFLA_VF_IB_NODE_GUID", _VF_PORT_GUID: "IFLA_VF_IB_PORT_GUID",
    _VF_LINK_STATE: "IFLA_VF_LINK_STATE", _VF_RATE: "IFLA_VF_RATE", _VF_VLAN_LIST: "IFLA_VF_VLAN_LIST",
}  # fmt: skip
_NAMES = {_IFLA_IFNAME: "IFLA_IFNAME", _IFLA_VFINFO_LIST: "IFLA_VFINFO_LIST", _IFLA_EXT_MASK: "IFLA_EXT_MASK"}
_MAC_BYTES = 6
_GUID_BYTES = 8
_LISTS_KEPT_MAX = 16
_ENTRIES_KEPT_MAX = 2048
_SIZE_MASK = 0xFFFF


def encode_query(pf_netdev: str) -> bytes:
    """The body of an RTM_GETLINK for a PF and its VFs. By name: an index is another netdev's after a driver reload."""
    return _IFINFOMSG.pack(0, 0, 0, 0, 0, 0) + _name(pf_netdev) + attribute(_IFLA_EXT_MASK, _WORD.pack(_EXT_MASK))


def encode_up(pf_netdev: str) -> bytes:
    """The body of an RTM_SETLINK that changes IFF_UP, and no other flag."""
    return _IFINFOMSG.pack(0, 0, 0, 0, _IFF_UP, _IFF_UP) + _name(pf_netdev)


def encode_settings(pf_netdev: str, vf_index: int, fields: Sequence[VfField], wanted: VfSettings) -> bytes:
    """The body of an RTM_SETLINK that writes these fields in this order. Raises Invalid for what ``wanted`` lacks."""
    values = (value for field in fields for value in _field(vf_index, field, wanted))
    entries = b"".join(attribute(_IFLA_VF_INFO, value) for value in values)
    return _IFINFOMSG.pack(0, 0, 0, 0, 0, 0) + _name(pf_netdev) + attribute(_IFLA_VFINFO_LIST, entries)


def blamed(body: bytes, offset: int) -> str:
    """The name of the attribute of our request that an extended ack points at; empty when it points at none."""
    begin, end, name = _IFINFOMSG.size, len(body), ""
    for names, nest in ((_NAMES, _IFLA_VFINFO_LIST), ({_IFLA_VF_INFO: "IFLA_VF_INFO"}, _IFLA_VF_INFO), (_VF_NAMES, 0)):
        found = next((one for one in spans(body, begin, end) if one[1] <= offset < one[2]), None)
        if found is None:
            return name
        kind, begin, end = found
        name = names.get(kind, name)
        if kind != nest or begin == offset:
            return name
        begin += HEADER.size
    return name


def _name(netdev: str) -> bytes:
    return attribute(_IFLA_IFNAME, os.fsencode(netdev) + b"\0")


def _field(vf_index: int, field: VfField, wanted: VfSettings) -> tuple[bytes, ...]:
    """One attribute; of a GUID two, the node's and the port's."""
    value = getattr(wanted, field.value)
    if value is None:
        raise Invalid(f"nothing is wanted for {field} of VF {vf_index}")
    try:
        if field is VfField.GUID:
            guid = _GUID.pack(vf_index, int.from_bytes(_octets(value, _GUID_BYTES)))
            return attribute(_VF_NODE_GUID, guid), attribute(_VF_PORT_GUID, guid)
        return (_ENCODERS[field](vf_index, value),)
    except (struct.error, ValueError) as unfit:
        raise Invalid(f"{field} of VF {vf_index} cannot be {value}: {unfit}") from unfit


def _vlan_attribute(vf: int, vlan: Vlan) -> bytes:
    if vlan.protocol is VlanProtocol.Q:
        # Every kernel has this one; the list came with 4.10.
        return attribute(_VF_VLAN, _TRIPLE.pack(vf, vlan.id, vlan.qos))
    info = _VLAN_INFO.pack(vf, vlan.id, vlan.qos, _ETHERTYPES[vlan.protocol])
    return attribute(_VF_VLAN_LIST, attribute(_IFLA_VF_VLAN_INFO, info))


def _octets(text: str, count: int) -> bytes:
    octets = bytes.fromhex(text.replace(":", ""))
    if len(octets) != count:
        raise ValueError(f"it has {count} octets")
    return octets


_ENCODERS: Mapping[VfField, Callable[[int, Any], bytes]] = {
    VfField.MAC: lambda vf, mac: attribute(_VF_MAC, _MAC.pack(vf, _octets(mac, _MAC_BYTES))),
    VfField.VLAN: _vlan_attribute,
    VfField.SPOOF_CHECK: lambda vf, is_on: attribute(_VF_SPOOFCHK, _PAIR.pack(vf, is_on)),
    VfField.TRUST: lambda vf, is_on: attribute(_VF_TRUST, _PAIR.pack(vf, is_on)),
    VfField.RATE: lambda vf, rate: attribute(_VF_RATE, _TRIPLE.pack(vf, rate.min_mbps, rate.max_mbps)),
    VfField.LINK_STATE: lambda vf, state: attribute(_VF_LINK_STATE, _PAIR.pack(vf, _LINK_STATES.index(state))),
}


def decode_name(message: bytes) -> str:
    """The netdev that an RTM_NEWLINK or RTM_DELLINK body is about; empty when it does not say."""
    found = attributes(message, _IFINFOMSG.size, len(message))
    return next((text(value) for kind, value in found if kind == _IFLA_IFNAME), "")


def decode_pf(message: bytes, pf_netdev: str) -> PfView:
    """The body of an RTM_NEWLINK with all VFs of a PF.

    Raises HostFault for anything malformed, and unless there is exactly one entry for each VF of IFLA_NUM_VF, which
    is ``sriov_numvfs``. Raises Unsupported for a PF whose driver has VFs and no ``ndo_get_vf_config``.
    """
    flags, count, listing = _opened(message, pf_netdev)
    vfs = _decode_list(listing, count, pf_netdev)
    return PfView(bool(flags & _IFF_UP), bool(flags & _IFF_LOWER_UP), vfs)


def decode_one(message: bytes, pf_netdev: str, vf_index: int) -> VfSettings | None:
    """One VF of an RTM_NEWLINK, or ``None`` when the PF has no such one. Raises as ``decode_pf`` does."""
    _, count, listing = _opened(message, pf_netdev)
    if not 0 <= vf_index < count:
        return None
    # The entries of one answer have one size as a rule, and so it is clear where each begins, and that none lacks.
    size, rest = divmod(len(listing), count)
    start = vf_index * size
    if size > HEADER.size and not rest and HEADER.unpack_from(listing, start) == (size, _IFLA_VF_INFO):
        index, settings = decode_vf(listing[start + HEADER.size : start + size])
        if index == vf_index:
            return settings
    return _decode_list(listing, count, pf_netdev)[vf_index]


def _opened(message: bytes, pf_netdev: str) -> tuple[int, int, bytes]:
    """The link's flags, IFLA_NUM_VF, and the value of IFLA_VFINFO_LIST."""
    if len(message) < _IFINFOMSG.size:
        raise HostFault(f"an answer of {len(message)} bytes about {pf_netdev} is too short for a link")
    count, listing = 0, None
    start, end = _IFINFOMSG.size, len(message)
    while start < end:
        kind, length = _overrun(message, start, count) or span(message, start, end)
        value = start + HEADER.size
        if kind == _IFLA_NUM_VF:
            (count,) = _unpack(_WORD, message[value : start + length])
        elif kind == _IFLA_VFINFO_LIST:
            listing = message[value : start + length]
        start += aligned(length)
    if listing is None and count:
        raise Unsupported(
            f"the driver of {pf_netdev} does not administer its {count} VFs",
            hint="its VFs can be passed through as plain PCI devices only",
        )
    return _IFINFOMSG.unpack_from(message)[4], count, listing or b""


def _overrun(message: bytes, start: int, count: int) -> tuple[int, int] | None:
    """Type and true length of a VF list that is too long for its own length; ``None`` for everything else.

    That length has 16 bits, and 222 entries with counters are more than those hold: kernels that do not look
    (``nla_nest_end``) write it modulo 65536. The entries are whole all the same, so they are counted.
    """
    if len(message) <= _SIZE_MASK or start + HEADER.size > len(message):
        return None
    length, kind = HEADER.unpack_from(message, start)
    if kind & TYPE_MASK != _IFLA_VFINFO_LIST:
        return None
    reached = start + HEADER.size
    for _ in range(count):
        if reached + HEADER.size > len(message):
            return None
        size, entry = HEADER.unpack_from(message, reached)
        if entry & TYPE_MASK != _IFLA_VF_INFO or not HEADER.size <= size <= len(message) - reached:
            return None
        reached += aligned(size)
    true_length = reached - start
    return (_IFLA_VFINFO_LIST, true_length) if true_length & _SIZE_MASK == length else None


# Most looks show what the one before showed, or differ in one VF: the same bytes are decoded once.
@lru_cache(_LISTS_KEPT_MAX)
def _decode_list(listing: bytes, count: int, pf_netdev: str) -> Mapping[int, VfSettings]:
    entries = [value for kind, value in attributes(listing, 0, len(listing)) if kind == _IFLA_VF_INFO]
    found = dict(map(decode_vf, entries))
    if len(entries) != count or len(found) != count or (found and max(found) >= count):
        raise HostFault(
            f"the VF list of {pf_netdev} has {len(entries)} entries, the kernel counts {count} VFs",
            hint="a VF in reset is left out, and a truncated list proves nothing; fewer VFs on this PF make it fit",
        )
    return MappingProxyType(found)


@lru_cache(_ENTRIES_KEPT_MAX)
def decode_vf(entry: bytes) -> tuple[int, VfSettings]:
    """The value of one IFLA_VF_INFO: the VF's index and its settings. Raises HostFault when it names no VF."""
    values = dict(attributes(entry, 0, len(entry)))
    if _VF_MAC not in values:
        raise HostFault("a VF list entry has no IFLA_VF_MAC, which names its VF")
    index, mac = _unpack(_MAC, values[_VF_MAC])
    return index, VfSettings(
        mac=mac.hex(":"),
        vlan=_vlan(values),
        spoof_check=_flag(values.get(_VF_SPOOFCHK)),
        trust=_flag(values.get(_VF_TRUST)),
        rate=_rate(values),
        link_state=_link_state(values.get(_VF_LINK_STATE)),
        guid=_guid(values),
    )


def _guid(values: Mapping[int, bytes]) -> str | None:
    """Both are there, or neither: only InfiniBand has ``ndo_get_vf_guid``."""
    guids = [
        _unpack(_GUID, values[kind])[1].to_bytes(_GUID_BYTES).hex(":")
        for kind in (_VF_NODE_GUID, _VF_PORT_GUID)
        if kind in values
    ]
    return "/".join(dict.fromkeys(guids)) or None


def _vlan(values: Mapping[int, bytes]) -> Vlan | None:
    if _VF_VLAN_LIST in values:
        for kind, info in attributes(values[_VF_VLAN_LIST], 0, len(values[_VF_VLAN_LIST])):
            if kind == _IFLA_VF_VLAN_INFO:
                vf, vlan_id, qos, ethertype = _unpack(_VLAN_INFO, info)
                if ethertype not in _PROTOCOLS:
                    raise HostFault(f"VF {vf} has a VLAN of unknown ethertype 0x{ethertype.hex()}")
                return Vlan(vlan_id, qos, _PROTOCOLS[ethertype])
    if _VF_VLAN in values:
        _, vlan_id, qos = _unpack(_TRIPLE, values[_VF_VLAN])
        return Vlan(vlan_id, qos)
    return None


def _rate(values: Mapping[int, bytes]) -> TxRate | None:
    if _VF_RATE in values:
        _, low, high = _unpack(_TRIPLE, values[_VF_RATE])
        return TxRate(low, high)
    return TxRate(0, _unpack(_PAIR, values[_VF_TX_RATE])[1]) if _VF_TX_RATE in values else None


def _flag(value: bytes | None) -> bool | None:
    setting = _NOT_IMPLEMENTED if value is None else _unpack(_PAIR, value)[1]
    return None if setting == _NOT_IMPLEMENTED else bool(setting)


def _link_state(value: bytes | None) -> LinkState | None:
    state = len(_LINK_STATES) if value is None else _unpack(_PAIR, value)[1]
    return _LINK_STATES[state] if state < len(_LINK_STATES) else None


def _unpack(layout: Struct, value: bytes) -> tuple[Any, ...]:
    """The members of a struct; a newer kernel may have put more behind them."""
    if len(value) < layout.size:
        raise HostFault(f"a netlink attribute has {len(value)} bytes, its struct has {layout.size}")
    return layout.unpack_from(value)
