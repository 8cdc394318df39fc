"""Netlink attributes, as ``include/uapi/linux/netlink.h`` lays them out: length, type, value, padding to 4 bytes."""

from collections.abc import Iterator
from struct import Struct

from mooring.errors import HostFault

#: ``struct nlattr``: the length counts these four bytes, and not the padding.
HEADER = Struct("=HH")
#: Without NLA_F_NESTED and NLA_F_NET_BYTEORDER.
TYPE_MASK = 0x3FFF


def aligned(size: int) -> int:
    """``NLA_ALIGN``: where the next attribute begins."""
    return (size + 3) & ~3


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute with its padding."""
    size = HEADER.size + len(value)
    return HEADER.pack(size, kind) + value + bytes(aligned(size) - size)


def span(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Type and length of the attribute at ``start``. Raises HostFault when it does not lie within ``end``."""
    if start + HEADER.size > end:
        raise HostFault(f"netlink attributes end at byte {start} with {end - start} bytes left, too few for one more")
    length, kind = HEADER.unpack_from(data, start)
    if length < HEADER.size or start + length > end:
        raise HostFault(f"a netlink attribute of {length} bytes at byte {start}, with {end - start} bytes left")
    return kind & TYPE_MASK, length


def spans(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Type, begin and end of each attribute between two offsets. Raises HostFault for one that is cut off."""
    while start < end:
        kind, length = span(data, start, end)
        yield kind, start, start + length
        start += aligned(length)


def attributes(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Type and value of each attribute between two offsets. Raises HostFault for one that is cut off."""
    # As ``spans`` does it, without its calls: a list of VFs has some thousand attributes.
    unpack = HEADER.unpack_from
    while start < end:
        length, kind = unpack(data, start) if start + 4 <= end else (0, 0)
        if length < 4 or start + length > end:  # noqa: PLR2004 - the size of the header
            span(data, start, end)
        yield kind & TYPE_MASK, data[start + 4 : start + length]
        start += (length + 3) & ~3


def text(value: bytes) -> str:
    """A string's value: up to its NUL, whatever bytes it has."""
    return value.partition(b"\0")[0].decode(errors="replace")
