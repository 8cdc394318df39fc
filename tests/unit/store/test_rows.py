"""Rows to values and back."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime

import pytest

from mooring.model.port import Binding, BindingLevel, FixedIp, Port, VnicType
from mooring.store.ports import PORTS

NOW = datetime(2026, 11, 21, 9, 5, 7, 123456, UTC)
PORT = Port(
    "port-1", "network-1", "project-1", "", "fa:16:3e:00:00:01", NOW, NOW,
    fixed_ips=(FixedIp("subnet-1", "10.0.0.2"),), trusted=False, hints={"openvswitch": {}},
    binding=Binding("host-1", VnicType.DIRECT, {}, "hw_veb", {"vlan": "7"}, levels=(BindingLevel("one", "segment-1"),)),
)  # fmt: skip


def read_back() -> Port:
    return PORTS.value(tuple(PORTS.flat(PORT).values()))


def test_a_row_reads_back_as_the_value_that_it_was_written_from() -> None:
    assert read_back() == PORT
    assert hash(read_back().binding.levels) == hash(PORT.binding.levels)


@pytest.mark.parametrize(("value", "name"), [(read_back(), "name"), (read_back().binding, "host")])
def test_what_was_read_from_a_row_does_not_change(value: object, name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, name, "other")


def test_lists_that_are_empty_in_a_row_are_empty_tuples() -> None:
    assert (read_back().tags, read_back().binding.refusals) == ((), ())
