"""A serial number is read out of sound Vital Product Data, and nothing is made of any other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.host.vpd import VPD_MAX_BYTES, serial_number


def large(tag: int, body: bytes) -> bytes:
    return bytes([tag]) + len(body).to_bytes(2, "little") + body


def keyword(name: bytes, value: bytes) -> bytes:
    return name + bytes([len(value)]) + value


NAME = large(0x82, b"NVIDIA ConnectX-6 Dx Dual Port 25GbE")
END = b"\x78"


def vpd(*keywords: bytes) -> bytes:
    return NAME + large(0x90, b"".join(keywords)) + large(0x91, keyword(b"YA", b"asset")) + END


@pytest.mark.parametrize(
    ("data", "serial"),
    [
        (vpd(keyword(b"PN", b"MCX623102AN"), keyword(b"SN", b"MT2042X01234"), keyword(b"RV", b"\x5a")), "MT2042X01234"),
        (vpd(keyword(b"SN", b"  A1\0\0")), "A1"),
        (vpd(keyword(b"SN", b"A 1")), "A 1"),
        (b"\x32ab" + vpd(keyword(b"SN", b"A1")), "A1"),  # a small resource before it
        (vpd(keyword(b"PN", b"SN\x02no")), None),
        (vpd(keyword(b"SN", b"")), None),
        (vpd(keyword(b"SN", b"\0\0  ")), None),
        (vpd(keyword(b"SN", b"A\n1")), None),
        (vpd(keyword(b"SN", b"A\xff1")), None),
        (vpd(keyword(b"SN", b"1" * 65)), None),
        (NAME + large(0x91, keyword(b"SN", b"A1")) + END, None),
        (NAME + END + large(0x90, keyword(b"SN", b"A1")), None),
        (NAME + b"\x90\xff\xff" + keyword(b"SN", b"A1"), None),
        (NAME + large(0x90, b"SN\x40A1"), None),
        (NAME + large(0x90, b"SN"), None),
        (NAME + b"\x90\x05", None),
        (b"", None),
        (b"\xff" * VPD_MAX_BYTES, None),
        (bytes(VPD_MAX_BYTES), None),
        (large(0x82, bytes(VPD_MAX_BYTES)) + vpd(keyword(b"SN", b"A1")), None),
    ],
)
def test_the_serial_is_the_keyword_sn_of_the_read_only_part(data: bytes, serial: str | None) -> None:
    assert serial_number(data) == serial


@given(st.binary(max_size=300) | st.binary(max_size=40).map(lambda noise: vpd(noise, keyword(b"SN", b"A1"))))
def test_no_data_stops_the_parser_or_makes_an_unprintable_serial(data: bytes) -> None:
    serial = serial_number(data)
    assert serial is None or (serial.isprintable() and serial.isascii() and 0 < len(serial) <= 64)


@given(st.integers(0, 80))
def test_data_that_is_cut_off_has_the_whole_serial_or_none(length: int) -> None:
    assert serial_number(vpd(keyword(b"SN", b"MT2042X01234"))[:length]) in (None, "MT2042X01234")
