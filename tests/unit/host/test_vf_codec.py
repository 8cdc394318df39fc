"""VF requests and listings, byte for byte: against the kernel's headers, against pyroute2, and against bad luck.

The expected bytes are written out for a little-endian machine, from ``if_link.h``.
"""

import struct
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from mooring.errors import HostFault, Invalid, Unsupported
from mooring.host.machine import PfView
from mooring.host.vf_codec import (
    blamed,
    decode_name,
    decode_one,
    decode_pf,
    decode_vf,
    encode_query,
    encode_settings,
    encode_up,
)
from mooring.model.vf import LinkState, TxRate, VfField, VfSettings, Vlan, VlanProtocol
from mooring.testing.rtnetlink import IFF_UP, attribute, link_message, vf_entry

WANTED = VfSettings("02:00:00:00:00:01", Vlan(100, 3), True, False, TxRate(1, 600), LinkState.DISABLE)
SHOWN = replace(WANTED, link_state=LinkState.AUTO)
VF_COUNT_MAX = 256

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the bytes are written out for little-endian")


def as_bytes(text: str) -> bytes:
    return bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))


HEAD = """
    00 00 0000 00000000 00000000 00000000   # family, padding, type, index, flags, change
    0700 0300 6c6f00 00                     # IFLA_IFNAME lo, and a byte of padding
"""


@little_endian
@pytest.mark.parametrize(
    ("field", "wanted", "entry"),
    [
        (
            VfField.MAC, WANTED,
            """30 00 16 00                          # IFLA_VFINFO_LIST
               2c 00 01 00  28 00 01 00  03000000   # IFLA_VF_INFO, IFLA_VF_MAC, vf
               020000000001 0000 000000000000000000000000000000000000000000000000""",
        ),
        (VfField.VLAN, WANTED, "18001600 14000100 10000200 03000000 64000000 03000000"),
        (
            VfField.VLAN, VfSettings(vlan=Vlan(100, 3, VlanProtocol.AD)),
            # The ethertype is big-endian, and two bytes of padding belong to the struct.
            "20001600 1c000100 18000c00 14000100 03000000 64000000 03000000 88a8 0000",
        ),
        (VfField.SPOOF_CHECK, WANTED, "14001600 10000100 0c000400 03000000 01000000"),
        (VfField.TRUST, WANTED, "14001600 10000100 0c000900 03000000 00000000"),
        (VfField.RATE, WANTED, "18001600 14000100 10000600 03000000 01000000 58020000"),
        (VfField.LINK_STATE, WANTED, "14001600 10000100 0c000500 03000000 02000000"),
    ],
)  # fmt: skip
def test_each_field_has_the_bytes_of_the_kernels_header(field: VfField, wanted: VfSettings, entry: str) -> None:
    assert encode_settings("lo", 3, [field], wanted) == as_bytes(HEAD + entry)


@little_endian
def test_a_query_asks_for_vfs_and_against_counters_by_name() -> None:
    assert encode_query("lo") == as_bytes(HEAD + "08001d00 09000000")


@little_endian
def test_bringing_up_changes_one_flag() -> None:
    assert encode_up("lo") == as_bytes("00 00 0000 00000000 01000000 01000000 07000300 6c6f0000")


def as_pyroute2_sees(body: bytes) -> Any:
    message = ifinfmsg(struct.pack("=IHHII", 16 + len(body), 19, 5, 1, 0) + body)
    message.decode()
    return message


def test_pyroute2_reads_the_same_from_our_request_in_the_order_given() -> None:
    fields = [VfField.RATE, VfField.MAC, VfField.TRUST, VfField.SPOOF_CHECK, VfField.VLAN, VfField.LINK_STATE]
    message = as_pyroute2_sees(encode_settings("enp1s0", 7, fields, WANTED))
    assert message.get_attr("IFLA_IFNAME") == "enp1s0"
    entries = message.get_attr("IFLA_VFINFO_LIST")["attrs"]
    assert [(name, info.get_attr(name)) for _, info in entries for name, _ in info["attrs"]] == [
        ("IFLA_VF_RATE", {"vf": 7, "min_tx_rate": 1, "max_tx_rate": 600}),
        ("IFLA_VF_MAC", {"vf": 7, "mac": "02:00:00:00:00:01"}),
        ("IFLA_VF_TRUST", {"vf": 7, "trust": 0}),
        ("IFLA_VF_SPOOFCHK", {"vf": 7, "spoofchk": 1}),
        ("IFLA_VF_VLAN", {"vf": 7, "vlan": 100, "qos": 3}),
        ("IFLA_VF_LINK_STATE", {"vf": 7, "link_state": 2}),
    ]


@pytest.mark.parametrize("field", VfField)
def test_a_request_for_what_is_not_wanted_is_invalid(field: VfField) -> None:
    with pytest.raises(Invalid, match=f"nothing is wanted for {field}"):
        encode_settings("enp1s0", 3, [*VfField], replace(WANTED, **{field.value: None}))


@pytest.mark.parametrize(
    ("field", "wanted", "vf"),
    [
        (VfField.MAC, VfSettings(mac="02:00:00:00:00"), 0),
        (VfField.MAC, VfSettings(mac="02:00:00:00:00:0g"), 0),
        (VfField.MAC, VfSettings(mac=""), 0),
        (VfField.VLAN, VfSettings(vlan=Vlan(1 << 32)), 0),
        (VfField.VLAN, VfSettings(vlan=Vlan(1, -1)), 0),
        (VfField.RATE, VfSettings(rate=TxRate(0, 1 << 32)), 0),
        (VfField.TRUST, WANTED, -1),
        (VfField.TRUST, WANTED, 1 << 32),
    ],
)
def test_what_does_not_fit_its_struct_is_invalid(field: VfField, wanted: VfSettings, vf: int) -> None:
    with pytest.raises(Invalid, match=f"{field} of VF {vf} cannot be"):
        encode_settings("enp1s0", vf, [field], wanted)


def test_an_extended_acks_offset_is_the_name_of_our_attribute() -> None:
    body = encode_settings("lo", 3, [VfField.MAC, VfField.VLAN], WANTED)
    names = [blamed(body, offset) for offset in range(len(body) + 4)]
    assert names[:16] == [""] * 16
    assert names[16:24] == ["IFLA_IFNAME"] * 7 + [""]
    assert names[24:32] == ["IFLA_VFINFO_LIST", *["IFLA_VFINFO_LIST"] * 3, "IFLA_VF_INFO", *["IFLA_VF_INFO"] * 3]
    assert names[32:72] == ["IFLA_VF_MAC"] * 40
    assert names[76:92] == ["IFLA_VF_VLAN"] * 16
    assert names[92:] == [""] * 4


def shown(*entries: bytes, vf_count: int | None = None) -> PfView:
    return decode_pf(link_message("enp1s0", entries, vf_count=vf_count), "enp1s0")


def test_vfs_are_read_by_index_and_the_links_flags_with_them() -> None:
    each = [replace(SHOWN, mac=f"02:00:00:00:01:{index:02x}", vlan=Vlan(index)) for index in range(4)]
    entries = [vf_entry(index, settings) for index, settings in enumerate(each)]
    assert shown(*entries) == PfView(True, True, dict(enumerate(each)))
    assert decode_pf(link_message("enp1s0", entries, flags=IFF_UP), "enp1s0").has_carrier is False
    assert decode_pf(link_message("enp1s0", entries, flags=0), "enp1s0").is_up is False


def test_pyroute2_reads_the_same_from_the_listings_that_these_tests_are_made_of() -> None:
    message = as_pyroute2_sees(link_message("enp1s0", [vf_entry(0, WANTED, with_counters=True)]))
    assert (message.get_attr("IFLA_IFNAME"), message.get_attr("IFLA_NUM_VF")) == ("enp1s0", 1)
    [(_, info)] = message.get_attr("IFLA_VFINFO_LIST")["attrs"]
    assert info.get_attr("IFLA_VF_MAC") == {"vf": 0, "mac": "02:00:00:00:00:01"}
    assert info.get_attr("IFLA_VF_RATE") == {"vf": 0, "min_tx_rate": 1, "max_tx_rate": 600}
    assert info.get_attr("IFLA_VF_LINK_STATE") == {"vf": 0, "link_state": 2}
    [tag] = info.get_attr("IFLA_VF_VLAN_LIST").get_attrs("IFLA_VF_VLAN_INFO")
    assert tag == {"vf": 0, "vlan": 100, "qos": 3, "proto": 0x8100}


macs = st.binary(min_size=6, max_size=6).map(lambda octets: octets.hex(":"))
words = st.integers(0, 0xFFFFFFFE)
settings_shown = st.builds(
    VfSettings,
    mac=macs,
    vlan=st.builds(Vlan, st.integers(0, 4095), st.integers(0, 7), st.sampled_from(VlanProtocol)),
    spoof_check=st.none() | st.booleans(),
    trust=st.none() | st.booleans(),
    rate=st.builds(TxRate, words, words),
    link_state=st.sampled_from(LinkState),
    guid=st.none() | st.binary(min_size=8, max_size=8).map(lambda octets: octets.hex(":")),
)


@given(st.lists(settings_shown, max_size=8), st.booleans())
def test_what_the_kernel_lists_is_what_is_read(vfs: list[VfSettings], with_counters: bool) -> None:
    entries = [vf_entry(index, settings, with_counters=with_counters) for index, settings in enumerate(vfs)]
    assert shown(*entries).vfs == dict(enumerate(vfs))
    message = link_message("enp1s0", entries)
    assert [decode_one(message, "enp1s0", index) for index in range(len(vfs) + 1)] == [*vfs, None]


@given(settings_shown, st.integers(0, (1 << 31) - 1), st.permutations(list(VfField)))
def test_what_is_written_reads_back_from_the_same_attributes(
    settings: VfSettings, index: int, fields: list[VfField]
) -> None:
    guid = settings.guid or "fa:16:3e:00:00:01:02:03"
    wanted = replace(settings, spoof_check=bool(settings.spoof_check), trust=bool(settings.trust), guid=guid)
    body = encode_settings("enp1s0", index, fields, wanted)
    start = 16 + 12 + 4  # ifinfomsg, IFLA_IFNAME, the header of the list
    attributes = b""
    while start < len(body):
        (size,) = struct.unpack_from("=H", body, start)
        attributes += body[start + 4 : start + size]
        start += size
    assert decode_vf(attributes) == (index, wanted)


@pytest.mark.parametrize("with_counters", [False, True], ids=["lean", "with-counters"])
@pytest.mark.parametrize("count", [0, 1, 2, 127, 128, 221, 222, 223, 252, VF_COUNT_MAX, 300, 700])
def test_a_list_is_read_whole_though_its_own_length_overruns(count: int, with_counters: bool) -> None:
    each = [replace(SHOWN, mac=f"02:00:00:00:{index // 256:02x}:{index % 256:02x}") for index in range(count)]
    entries = [vf_entry(index, settings, with_counters=with_counters) for index, settings in enumerate(each)]
    message = link_message("enp1s0", entries)
    assert decode_pf(message, "enp1s0").vfs == dict(enumerate(each))
    assert decode_one(message, "enp1s0", count - 1) == (each[-1] if each else None)


@pytest.mark.parametrize("with_counters", [False, True], ids=["lean", "with-counters"])
@pytest.mark.parametrize("count", [1, 2, 64, 222, VF_COUNT_MAX])
@pytest.mark.parametrize("missing", [0, -1])
def test_a_list_that_lacks_a_vf_is_a_fault_however_long(count: int, missing: int, with_counters: bool) -> None:
    entries = [vf_entry(index, SHOWN, with_counters=with_counters) for index in range(count)]
    del entries[missing]
    with pytest.raises(HostFault):
        shown(*entries, vf_count=count)
    with pytest.raises(HostFault):
        decode_one(link_message("enp1s0", entries, vf_count=count), "enp1s0", 0)


@pytest.mark.parametrize(
    ("indices", "count"),
    [((0, 1, 2), 4), ((0, 1, 3), 3), ((0, 1, 1), 3), ((0, 1, 1), 2), ((), 2), ((0, 1), 1)],
    ids=["short", "gap", "twice", "twice-and-whole", "empty", "long"],
)
def test_a_list_that_is_not_one_entry_for_each_vf_is_a_fault(indices: tuple[int, ...], count: int) -> None:
    entries = [vf_entry(index, SHOWN) for index in indices]
    with pytest.raises(HostFault, match=f"the kernel counts {count} VFs"):
        shown(*entries, vf_count=count)


def test_a_vf_is_read_by_the_index_that_it_names_and_not_by_its_place() -> None:
    entries = [vf_entry(index, replace(SHOWN, vlan=Vlan(index))) for index in (0, 2, 1)]
    entries[1] += attribute(99, bytes(8))
    each = [decode_one(link_message("enp1s0", entries), "enp1s0", index) for index in range(3)]
    assert [one.vlan for one in each if one is not None] == [Vlan(0), Vlan(1), Vlan(2)]
    same_size = [vf_entry(index, replace(SHOWN, vlan=Vlan(index))) for index in (0, 2, 1)]
    each = [decode_one(link_message("enp1s0", same_size), "enp1s0", index) for index in range(3)]
    assert [one.vlan for one in each if one is not None] == [Vlan(0), Vlan(1), Vlan(2)]


def test_a_driver_that_does_not_administer_its_vfs_is_unsupported() -> None:
    without_list = link_message("enp1s0", [], vf_count=2).replace(attribute(22, b""), b"")
    with pytest.raises(Unsupported, match="does not administer its 2 VFs"):
        decode_pf(without_list, "enp1s0")


def test_a_netdev_that_is_no_pf_shows_no_vfs() -> None:
    plain = link_message("lo", [])
    assert decode_pf(plain.replace(attribute(22, b""), b""), "lo").vfs == {}
    assert decode_pf(plain[: 16 + 8], "lo").vfs == {}
    assert decode_name(plain) == "lo"


MAC = attribute(1, struct.pack("=I32s", 0, b"\x02"))


@pytest.mark.parametrize(
    ("more", "field", "value"),
    [
        (b"", VfField.VLAN, None),
        (b"", VfField.SPOOF_CHECK, None),
        (b"", VfField.TRUST, None),
        (b"", VfField.RATE, None),
        (b"", VfField.LINK_STATE, None),
        (attribute(4, struct.pack("=II", 0, 0xFFFFFFFF)), VfField.SPOOF_CHECK, None),
        (attribute(9, struct.pack("=II", 0, 0xFFFFFFFF)), VfField.TRUST, None),
        (attribute(5, struct.pack("=II", 0, 3)), VfField.LINK_STATE, None),
        (attribute(3, struct.pack("=II", 0, 40)), VfField.RATE, TxRate(0, 40)),
        (attribute(2, struct.pack("=III", 0, 5, 1)), VfField.VLAN, Vlan(5, 1)),
        (attribute(12, attribute(1, struct.pack("=III4x", 0, 5, 1))), VfField.VLAN, Vlan(5, 1)),
        (attribute(12, b"") + attribute(2, struct.pack("=III", 0, 5, 1)), VfField.VLAN, Vlan(5, 1)),
        (attribute(0x8000 | 9, struct.pack("=II", 0, 1)), VfField.TRUST, True),
        (attribute(9, struct.pack("=III", 0, 1, 77)), VfField.TRUST, True),
        (attribute(99, b"\x01"), VfField.TRUST, None),
    ],
    ids=[
        "no-vlan", "no-spoofchk", "no-trust", "no-rate", "no-state", "spoofchk-unknown", "trust-unknown", "state-3",
        "old-rate", "old-vlan", "no-ethertype", "empty-list", "flag-bits", "longer-struct", "unknown-attribute",
    ],
)  # fmt: skip
def test_what_drivers_and_kernels_leave_out_or_add_is_read_for_what_it_is(
    more: bytes, field: VfField, value: object
) -> None:
    assert getattr(shown(MAC + more).vfs[0], field.value) == value


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        attribute(9, struct.pack("=II", 0, 1)),
        attribute(1, struct.pack("=I6s", 0, b"\x02")),
        MAC + attribute(9, struct.pack("=I", 0)),
        MAC + attribute(12, attribute(1, struct.pack("=III", 0, 5, 1))),
        MAC + attribute(12, attribute(1, struct.pack("=III", 0, 5, 1) + b"\x12\x34\0\0")),
        MAC + b"\x03\0\x09\0",
        MAC + b"\x40\0\x09\0",
        MAC + b"\x08\0",
    ],
    ids=["empty", "no-mac", "short-mac", "short-trust", "short-tag", "ethertype", "tiny", "too-long", "half-a-header"],
)
def test_an_entry_that_is_malformed_is_a_fault(entry: bytes) -> None:
    with pytest.raises(HostFault):
        shown(entry)


WHOLE = link_message("enp1s0", [vf_entry(index, SHOWN) for index in range(3)])


def test_a_message_cut_at_any_byte_is_a_fault_or_shows_no_vf_at_all() -> None:
    before_the_list, behind_the_list = WHOLE.index(attribute(21, struct.pack("=I", 3))), len(WHOLE) - 12
    for size in range(len(WHOLE)):
        try:
            vfs = decode_pf(WHOLE[:size], "enp1s0").vfs
        except (HostFault, Unsupported):
            continue
        # The name's padding may be cut off: the kernel's own parser does not ask for it either.
        assert vfs == {} if size <= before_the_list else size == behind_the_list


@given(st.binary(max_size=300))
def test_noise_is_a_fault_and_nothing_worse(noise: bytes) -> None:
    def one(body: bytes) -> object:
        return decode_one(body, "enp1s0", 0)

    for decode in (lambda body: decode_pf(body, "enp1s0"), one, decode_name, decode_vf):
        with suppress(HostFault, Unsupported):
            decode(noise)


@given(st.integers(16, len(WHOLE) - 1), st.integers(0, 255))
def test_a_wrong_byte_is_a_fault_or_a_whole_list(place: int, byte: int) -> None:
    damaged = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    with suppress(HostFault, Unsupported):
        assert sorted(decode_pf(damaged, "enp1s0").vfs) in ([], [0, 1, 2])
