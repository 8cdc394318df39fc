"""Frames on the lab's wires: what is built is what is read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.frames import ARP, BROADCAST, CTAG, IPV4, STAG, Tag, arp_request, build, parse

MAC = "fa:16:3e:00:00:01"
OTHER = "fa:16:3e:00:00:02"

tags = st.builds(Tag, st.integers(0, 4095), st.integers(0, 7), st.sampled_from([CTAG, STAG]))


@given(st.lists(tags, max_size=3), st.binary(max_size=60))
@settings(max_examples=100, deadline=None)
def test_a_frame_is_read_as_it_was_built(stack: list[Tag], payload: bytes) -> None:
    frame = parse("p", 0.0, build(OTHER, MAC, IPV4, payload, tuple(stack)))
    assert frame is not None
    assert (frame.dst, frame.src, frame.ethertype, frame.payload) == (OTHER, MAC, IPV4, payload)
    assert frame.tags == tuple(stack)


@given(st.binary(max_size=64))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_a_frame_or_nothing(data: bytes) -> None:
    frame = parse("p", 0.0, data)
    assert (frame is None) == (len(data) < 14)


@pytest.mark.parametrize(
    ("stack", "vlan"), [((), None), ((Tag(100),), 100), ((Tag(0, 5),), 0), ((Tag(7, 0, STAG), Tag(8)), 7)]
)
def test_the_vlan_is_the_outermost_tag_s(stack: tuple[Tag, ...], vlan: int | None) -> None:
    frame = parse("p", 0.0, build(OTHER, MAC, IPV4, b"", stack))
    assert frame is not None
    assert frame.vlan == vlan


def test_an_arp_request_asks_everybody_and_is_long_enough_to_send() -> None:
    frame = parse("p", 0.0, arp_request(MAC, "10.0.0.1", "10.0.0.2", (Tag(100),)))
    assert frame is not None
    assert (frame.dst, frame.src, frame.ethertype, frame.vlan) == (BROADCAST, MAC, ARP, 100)
    assert len(frame.payload) == 46
    assert frame.payload[14:18] == bytes([10, 0, 0, 1])
    assert frame.payload[24:28] == bytes([10, 0, 0, 2])


def test_a_frame_is_told_in_one_line() -> None:
    frame = parse("n0.pf0", 0.0, build(OTHER, MAC, IPV4, b"", (Tag(100, 5),)))
    assert str(frame) == f"n0.pf0: {MAC} > {OTHER} vlan 100 pcp 5 type 0x0800 length 18"
