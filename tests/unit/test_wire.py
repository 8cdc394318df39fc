"""The JSON between controller and agent: everything that goes in comes out, and nothing else does."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring import wire
from mooring.errors import Invalid
from mooring.model.desired import Desired, Report, Welcome
from mooring.model.host import Host, HostSnapshot
from mooring.model.identity import Caller
from mooring.model.pci import PciAddress

MODELS = [Desired, Report, Welcome, HostSnapshot]


@pytest.mark.parametrize("kind", MODELS)
@given(data=st.data())
@settings(max_examples=30)
def test_what_is_encoded_is_decoded_to_the_same(kind: type[object], data: st.DataObject) -> None:
    value = data.draw(st.from_type(kind))
    assert wire.decode(kind, wire.encode(value)) == value


def test_sets_and_times_come_back_as_what_they_were() -> None:
    now = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    caller = Caller("u", "user", None, None, frozenset({"admin", "reader"}))
    host = Host("id", "host1", now, now, "hash", device_mappings={"physnet1": ("ens1f0",)})
    assert wire.decode(Caller, wire.encode(caller)) == caller
    assert wire.decode(Host, wire.encode(host)) == host


def test_an_address_is_an_object_of_its_four_numbers() -> None:
    assert wire.encode(PciAddress.parse("0000:81:10.4")) == b'{"domain":0,"bus":129,"slot":16,"function":4}'


def test_a_newer_neighbours_field_is_skipped_and_an_older_ones_gap_is_filled() -> None:
    assert wire.decode(Desired, b'{"host": "h", "epoch": 1, "sequence": 2, "colour": "red"}') == Desired("h", 1, 2)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"host": "h", "epoch": 1}',
        b'{"host": "h", "epoch": "1"}',
        b'{"host": 1, "epoch": 1}',
        b"\xff",
    ],
)
def test_anything_else_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid, match="not a "):
        wire.decode(Desired if b"epoch" in body else Welcome, body)
