"""Free VLANs: the lowest first, at the cost of one look however many networks there are; no change loses any."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.core.vlans import VlanRanges
from mooring.errors import Exhausted
from mooring.model.host import Host
from mooring.model.network import NetworkType, Segment
from mooring.model.outside import NoSteps
from mooring.service import vlan_pools
from mooring.service.network_settings import NetworkSettings, settings_of
from mooring.store import networks, vlans
from mooring.store.hosts import HOSTS
from mooring.store.migrate import upgrade
from mooring.store.networks import SEGMENTS
from mooring.store.tx import Tx


@cache
def empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    upgrade(connection)
    return connection


class Books:
    """One database; what networks have, and what it says is free."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        empty().backup(self.connection)
        self.tx = Tx(self.connection, datetime(2026, 1, 1, tzinfo=UTC), NoSteps())
        self.steps = 0

    def sync(self, *entries: str) -> bool:
        return vlan_pools.sync(self.tx, NetworkSettings(entries))

    def take(self, physnet: str | None = None) -> tuple[str, int]:
        return self._keep(*vlan_pools.take(self.tx, physnet))

    def take_this(self, physnet: str, vlan_id: int) -> tuple[str, int]:
        vlan_pools.take_this(self.tx, physnet, vlan_id)
        return self._keep(physnet, vlan_id)

    def _keep(self, physnet: str, vlan_id: int) -> tuple[str, int]:
        networks.add_segment(self.tx, Segment(f"{physnet}:{vlan_id}", "n", NetworkType.VLAN, physnet, vlan_id))
        return physnet, vlan_id

    def give_back(self, physnet: str, vlan_id: int) -> None:
        SEGMENTS.delete(self.tx, f"{physnet}:{vlan_id}")
        vlan_pools.give_back(self.tx, physnet, vlan_id)

    def free(self, physnet: str) -> list[int]:
        return [number for first, last in vlans.free_spans(self.tx, physnet) for number in range(first, last + 1)]

    def steps_of_a_take(self) -> int:
        """How many instructions SQLite's virtual machine runs for one allocation; its rows follow from them."""
        self.steps = 0
        self.connection.set_progress_handler(self._step, 1)
        try:
            self.take()
        finally:
            self.connection.set_progress_handler(None, 1)
        return self.steps

    def _step(self) -> int:
        self.steps += 1
        return 0


@pytest.fixture
def books() -> Books:
    return Books()


def test_vlans_come_lowest_first_and_in_the_order_of_the_configuration(books: Books) -> None:
    books.sync("b:7:8", "a:100:101", "b:3:3")
    assert [books.take() for _ in range(5)] == [("b", 3), ("b", 7), ("b", 8), ("a", 100), ("a", 101)]
    with pytest.raises(Exhausted) as refused:
        books.take()
    assert refused.value.code == "NoNetworkAvailable"
    books.give_back("b", 7)
    assert books.take() == ("b", 7)


def test_one_physical_network_can_be_asked_for(books: Books) -> None:
    books.sync("a:100:101", "b:3:3")
    assert books.take("b") == ("b", 3)
    with pytest.raises(Exhausted, match="No tenant network") as refused:
        books.take("b")
    assert "every VLAN of b is in use" in refused.value.hint
    with pytest.raises(Exhausted) as refused:
        books.take("c")
    assert "no range of c" in refused.value.hint


def test_without_ranges_the_way_out_is_to_set_some(books: Books) -> None:
    with pytest.raises(Exhausted) as refused:
        books.take()
    assert "network_vlan_ranges is empty" in refused.value.hint


def test_vlan_outside_of_the_ranges_is_nobodys_when_it_is_given_back(books: Books) -> None:
    books.sync("a:100:101")
    books.take_this("a", 5)
    books.take_this("nowhere", 5)
    books.give_back("a", 5)
    books.give_back("nowhere", 5)
    assert (books.free("a"), books.free("nowhere")) == ([100, 101], [])


def test_ranges_change_and_nothing_is_lost(books: Books) -> None:
    books.sync("a:100:105", "b:1:2")
    assert [books.take() for _ in range(3)] == [("a", 100), ("a", 101), ("a", 102)]
    books.take_this("a", 104)
    assert books.sync("b:1:3", "a:102:104", "c:9:9")
    assert (books.free("a"), books.free("b"), books.free("c")) == ([103], [1, 2, 3], [9])
    assert books.take() == ("b", 1), "the order of the configuration changed"
    books.give_back("a", 100)
    books.give_back("a", 102)
    assert books.free("a") == [102, 103], "100 is outside of the ranges now"
    assert books.sync("a:100:105")
    assert books.free("a") == [100, 102, 103, 105], "101 and 104 are networks'"
    assert (books.free("b"), books.free("c")) == ([], [])
    assert not books.sync("a:100:105"), "the same again is no change"


def test_settings_survive_in_the_database(books: Books) -> None:
    kept = NetworkSettings(("a:1:2",), 9000, (("a", 1450),))
    vlan_pools.sync(books.tx, kept)
    assert settings_of(books.tx) == kept
    assert settings_of(books.tx).ranges == VlanRanges.parse(["a:1:2"])


def test_the_thousandth_network_costs_what_the_first_did(books: Books) -> None:
    books.sync(*(f"physnet{n}:2:4094" for n in range(200)))
    first = books.steps_of_a_take()
    for n in range(4, 4094, 2):
        books.take_this("physnet0", n)
    assert len(vlans.free_spans(books.tx, "physnet0")) > 1000
    for _ in range(1000):
        books.take()
    assert books.steps_of_a_take() <= first + 20


def test_physical_networks_are_known_as_long_as_a_host_or_the_configuration_has_them(books: Books) -> None:
    tx = books.tx
    host = Host(
        "h", "cn1", tx.now, tx.now, "key", device_mappings={"x": ("ens1",)}, bridge_mappings={"x": "b", "y": "c"}
    )
    twin = replace(host, id="i", name="cn2", key_hash="other", bridge_mappings={})
    books.sync("a:1:2")

    def known() -> list[str]:
        return [name for name in ("a", "x", "y", "z") if vlan_pools.is_known(tx, name)]

    assert known() == ["a"]
    HOSTS.insert(tx, host)
    HOSTS.insert(tx, twin)
    assert known() == ["a", "x", "y"]
    HOSTS.update(tx, replace(host, bridge_mappings={"z": "d"}))
    assert known() == ["a", "x", "z"]
    HOSTS.delete(tx, "cn1")
    assert known() == ["a", "x"]
    HOSTS.delete(tx, "cn2")
    books.sync()
    assert known() == []


PHYSNETS = ("a", "b")
IDS = st.integers(1, 30)
RANGES = st.lists(
    st.tuples(st.sampled_from(PHYSNETS), IDS, IDS).map(lambda it: f"{it[0]}:{min(it[1:])}:{max(it[1:])}"), max_size=4
)
MOVES = st.one_of(
    st.tuples(st.just("sync"), RANGES),
    st.tuples(st.just("take"), st.sampled_from([None, *PHYSNETS])),
    st.tuples(st.just("this"), st.tuples(st.sampled_from(PHYSNETS), IDS)),
    st.tuples(st.just("back"), st.tuples(st.sampled_from(PHYSNETS), IDS)),
)


@settings(max_examples=100, deadline=None)
@given(moves=st.lists(MOVES, max_size=25))
def test_free_and_taken_make_up_the_ranges_whatever_happens(moves: list[tuple[str, object]]) -> None:
    books, ranges, taken = Books(), VlanRanges({}), set[tuple[str, int]]()
    for kind, what in moves:
        if kind == "sync" and isinstance(what, list):
            books.sync(*what)
            ranges = VlanRanges.parse(what)
        elif kind == "take" and not isinstance(what, list | tuple):
            try:
                taken.add(books.take(None if what is None else str(what)))
            except Exhausted:
                continue
        elif isinstance(what, tuple):
            physnet, vlan_id = str(what[0]), int(what[1])
            if kind == "this" and (physnet, vlan_id) not in taken:
                taken.add(books.take_this(physnet, vlan_id))
            elif kind == "back" and (physnet, vlan_id) in taken:
                books.give_back(physnet, vlan_id)
                taken.discard((physnet, vlan_id))
        for name in PHYSNETS:
            wanted = {number for first, last in ranges.spans(name) for number in range(first, last + 1)}
            assert books.free(name) == sorted(wanted - {number for physnet, number in taken if physnet == name})
            spans = vlans.free_spans(books.tx, name)
            assert all(left[1] + 1 < right[0] for left, right in pairwise(spans)), "two touch"
