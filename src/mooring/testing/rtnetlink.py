"""RTM_NEWLINK as the kernel makes it (``rtnl_fill_ifinfo`` and ``rtnl_fill_vfinfo`` in net/core/rtnetlink.c)."""

import struct
from collections.abc import Sequence

from mooring.model.vf import LinkState, TxRate, VfSettings, Vlan, VlanProtocol

IFF_UP, IFF_LOWER_UP = 1, 1 << 16
_NOT_IMPLEMENTED = 0xFFFFFFFF
_COUNTERS = 8


def attribute(kind: int, value: bytes) -> bytes:
    """With a length of 16 bits, as ``nla_nest_end`` writes it: modulo 65536."""
    return struct.pack("=HH", (len(value) + 4) & 0xFFFF, kind) + value + bytes(-len(value) % 4)


def vf_entry(index: int, settings: VfSettings, *, with_counters: bool = False) -> bytes:
    """The value of one IFLA_VF_INFO, with everything that a kernel of today puts into it, in its order."""
    vlan, rate = settings.vlan or Vlan(), settings.rate or TxRate()
    state = list(LinkState).index(settings.link_state or LinkState.AUTO)
    octets = bytes.fromhex((settings.mac or "").replace(":", ""))
    spoof_check, trust = (_NOT_IMPLEMENTED if on is None else on for on in (settings.spoof_check, settings.trust))
    ethertype = 0x88A8 if vlan.protocol is VlanProtocol.AD else 0x8100
    words = [
        (2, (vlan.id, vlan.qos)), (6, (rate.min_mbps, rate.max_mbps)), (3, (rate.max_mbps,)), (4, (spoof_check,)),
        (5, (state,)), (7, (_NOT_IMPLEMENTED,)), (9, (trust,)),
    ]  # fmt: skip
    info = struct.pack("=III", index, vlan.id, vlan.qos) + struct.pack(">Hxx", ethertype)
    parts = [
        attribute(1, struct.pack("=I32s", index, octets)),
        attribute(13, b"\xff" * 6 + bytes(26)),
        *(attribute(kind, struct.pack(f"={1 + len(values)}I", index, *values)) for kind, values in words),
        attribute(12, attribute(1, info)),
    ]
    if settings.guid is not None:
        node, _, port = settings.guid.partition("/")
        for kind, guid in ((10, node), (11, port or node)):
            parts.append(attribute(kind, struct.pack("=I4xQ", index, int(guid.replace(":", ""), 16))))
    if with_counters:
        parts.append(attribute(8, b"".join(attribute(kind, bytes(8)) for kind in range(_COUNTERS))))
    return b"".join(parts)


def link_message(
    netdev: str, entries: Sequence[bytes], *, flags: int = IFF_UP | IFF_LOWER_UP, vf_count: int | None = None
) -> bytes:
    """The body of an RTM_NEWLINK with these IFLA_VF_INFO values; ``vf_count`` is what IFLA_NUM_VF says instead."""
    count = len(entries) if vf_count is None else vf_count
    return b"".join(
        (
            struct.pack("=BxHiII", 0, 1, 2, flags, 0),
            attribute(3, netdev.encode() + b"\0"),
            attribute(21, struct.pack("=I", count)),
            attribute(22, b"".join(attribute(1, entry) for entry in entries)),
            attribute(26, bytes(8)),
        )
    )
