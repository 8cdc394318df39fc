"""The nics of ``mooring explain``, with what the thread of 2013 asked for."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.cli.nics import KEYS, count_of, read_nics
from mooring.errors import Invalid


@pytest.mark.parametrize("key", ["pci-group", "pci-flavor", "pci-alias"])
@pytest.mark.parametrize(("value", "count"), [("fast", 1), ("fast:1", 1), ("fast:2", 2), ("fast:32", 32)])
def test_each_spelling_of_a_pci_group_makes_as_many_nics_as_it_counts(key: str, value: str, count: int) -> None:
    nic = read_nics([f"net-id=blue,{key}={value}"], (), ())[0]
    assert isinstance(nic, Mapping)
    assert nic == {"net-id": "blue", key: value}
    assert count_of(nic) == count


def test_a_port_takes_a_pci_group_for_itself() -> None:
    assert read_nics(["port-id=p1,pci-group=fast"], (), ()) == [{"port-id": "p1", "pci-group": "fast"}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("net-id=blue,pci-group=fast:0", "'0' is not from 1 to 32"),
        ("net-id=blue,pci-group=fast:33", "'33' is not from 1 to 32"),
        ("net-id=blue,pci-group=fast:-1", "'-1' is not from 1 to 32"),
        ("net-id=blue,pci-group=:2", "is not a name"),
        ("net-id=blue,pci-group=", "pci-group has no value"),
        ("net-id=blue,pci-group=a,pci-flavor=a", "are the same thing"),
        ("port-id=p1,pci-group=fast:2", "a port is one nic"),
        ("net-id=blue,pci-grp=fast", "is no key of a nic"),
    ],
)
def test_a_pci_group_that_cannot_be_is_refused_with_the_nic(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        read_nics([text], (), ())


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.text(alphabet="ab:,=02 -", max_size=8)), max_size=4))
def test_a_nic_of_any_text_is_read_or_invalid(pairs: list[tuple[str, str]]) -> None:
    text = ",".join(f"{key}={value}" for key, value in pairs)
    try:
        nics = read_nics([text], (), ())
    except Invalid:
        return
    assert all(isinstance(nic, Mapping) and 1 <= count_of(nic) <= 32 for nic in nics)
