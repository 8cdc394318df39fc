"""Ethernet frames as they are on a wire (IEEE 802.3, 802.1Q, 802.1ad)."""

import struct
from dataclasses import dataclass

CTAG = 0x8100
STAG = 0x88A8
ARP = 0x0806
IPV4 = 0x0800

BROADCAST = "ff:ff:ff:ff:ff:ff"

_ADDRESSES = 12
_SHORTEST = 14
_TAG_BYTES = 4


@dataclass(frozen=True, slots=True)
class Tag:
    """One VLAN tag. ``protocol`` is its TPID, ``vlan`` 0 to 4095, ``pcp`` 0 to 7; DEI is not kept."""

    vlan: int
    pcp: int = 0
    protocol: int = CTAG


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that came into ``port`` of a wire at ``at_s`` (monotonic clock). ``tags`` has the outermost first."""

    port: str
    at_s: float
    dst: str
    src: str
    tags: tuple[Tag, ...]
    ethertype: int
    payload: bytes
    data: bytes

    @property
    def vlan(self) -> int | None:
        """The outermost VLAN, or None for a frame without a tag."""
        return self.tags[0].vlan if self.tags else None

    def __str__(self) -> str:
        tags = "".join(f" vlan {tag.vlan} pcp {tag.pcp}" for tag in self.tags) or " untagged"
        return f"{self.port}: {self.src} > {self.dst}{tags} type {self.ethertype:#06x} length {len(self.data)}"


def parse(port: str, at_s: float, data: bytes) -> Frame | None:
    """The frame in ``data``, without its checksum; None when it is too short to be one."""
    if len(data) < _SHORTEST:
        return None
    at, tags = _ADDRESSES, []
    (ethertype,) = struct.unpack_from("!H", data, at)
    while ethertype in (CTAG, STAG) and len(data) >= at + _TAG_BYTES + 2:
        control, inner = struct.unpack_from("!HH", data, at + 2)
        tags.append(Tag(control & 0xFFF, control >> 13, ethertype))
        ethertype, at = inner, at + _TAG_BYTES
    return Frame(port, at_s, _text(data[:6]), _text(data[6:12]), tuple(tags), ethertype, data[at + 2 :], data)


def build(dst: str, src: str, ethertype: int, payload: bytes, tags: tuple[Tag, ...] = ()) -> bytes:
    """The bytes of a frame, without checksum, to put on a wire."""
    tagged = b"".join(struct.pack("!HH", tag.protocol, tag.pcp << 13 | tag.vlan) for tag in tags)
    return _bytes(dst) + _bytes(src) + tagged + struct.pack("!H", ethertype) + payload


def arp_request(src: str, sender: str, target: str, tags: tuple[Tag, ...] = ()) -> bytes:
    """A broadcast "who has ``target``, tell ``sender``" (RFC 826), padded to the shortest frame that may be sent."""
    addresses = _bytes(src) + _ipv4(sender) + bytes(6) + _ipv4(target)
    payload = struct.pack("!HHBBH", 1, IPV4, 6, 4, 1) + addresses
    return build(BROADCAST, src, ARP, payload.ljust(46, b"\0"), tags)


def _text(address: bytes) -> str:
    return address.hex(":")


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address.replace(":", ""))


def _ipv4(address: str) -> bytes:
    return bytes(int(part) for part in address.split("."))
