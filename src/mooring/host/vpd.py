"""Vital Product Data: what a card's maker wrote into it, the serial number for one (PCI Local Bus 3.0, appendix I).

A list of resources, each with a tag and a length: small ones have both in one byte, large ones take three. The
read-only one (VPD-R) holds keywords of two letters, each with a length and a value. Firmware is often sloppy here, so
whatever does not fit ends the reading, and what was read until then counts.
"""

from collections.abc import Iterator

VPD_MAX_BYTES = 32_768
"""The address in the capability has 15 bits."""
_RESOURCES_MAX = 64
_KEYWORDS_MAX = 256
_VALUE_MAX_CHARS = 64

_LARGE = 0x80
_VPD_R = 0x90
_END = 0x78
_SMALL_LENGTH = 0x07
_SERIAL = b"SN"


def serial_number(vpd: bytes) -> str | None:
    """The keyword SN of the read-only part, stripped; ``None`` where there is none, or it is no printable text."""
    for tag, body in _resources(vpd[:VPD_MAX_BYTES]):
        if tag == _VPD_R:
            for keyword, value in _keywords(body):
                if keyword == _SERIAL:
                    return _text(value)
    return None


def _resources(vpd: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    for _ in range(_RESOURCES_MAX):
        if start >= len(vpd) or vpd[start] & ~_SMALL_LENGTH == _END:
            return
        if vpd[start] & _LARGE:
            tag, head, length = vpd[start], 3, int.from_bytes(vpd[start + 1 : start + 3], "little")
        else:
            tag, head, length = vpd[start] & ~_SMALL_LENGTH, 1, vpd[start] & _SMALL_LENGTH
        body = vpd[start + head : start + head + length]
        if len(body) < length or len(vpd) < start + head:
            return
        yield tag, body
        start += head + length


def _keywords(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    start = 0
    for _ in range(_KEYWORDS_MAX):
        if start + 3 > len(body):
            return
        length = body[start + 2]
        value = body[start + 3 : start + 3 + length]
        if len(value) < length:
            return
        yield body[start : start + 2], value
        start += 3 + length


def _text(value: bytes) -> str | None:
    """Some makers pad with NULs, some with spaces."""
    stripped = value.strip(b"\0 ")
    if not stripped or len(stripped) > _VALUE_MAX_CHARS or not stripped.isascii():
        return None
    text = stripped.decode("ascii")
    return text if text.isprintable() else None
