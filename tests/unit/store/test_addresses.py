"""What is free and what is taken make up the pools, whatever is taken and given back in which order."""

import sqlite3
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.errors import Conflict
from mooring.model.network import IpRange
from mooring.model.outside import NoSteps
from mooring.store import addresses
from mooring.store.migrate import upgrade
from mooring.store.tx import Tx

BASE = int(ip_address("192.0.2.0"))
POOLS = (IpRange("192.0.2.10", "192.0.2.19"), IpRange("192.0.2.20", "192.0.2.24"), IpRange("192.0.2.30", "192.0.2.39"))
IN_POOLS = {*range(BASE + 10, BASE + 25), *range(BASE + 30, BASE + 40)}
SUBNET = "s"


@pytest.fixture(scope="module")
def tx() -> Tx:
    """One database for all examples; each begins with whole pools."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    upgrade(connection)
    return Tx(connection, datetime(2026, 1, 1, tzinfo=UTC), NoSteps())


@pytest.fixture
def whole(tx: Tx) -> Tx:
    """The database with every address of the pools free."""
    for number in range(BASE, BASE + 256):
        addresses.release(tx, SUBNET, (), str(ip_address(number)))
    addresses.set_pools(tx, SUBNET, POOLS)
    return tx


def free(tx: Tx) -> set[int]:
    spans = addresses.free_spans(tx, SUBNET)
    found = [number for low, high in spans for number in range(low, high + 1)]
    assert len(found) == len(set(found)), f"free ranges overlap: {spans}"
    return set(found)


def test_lowest_free_address_comes_first_and_crosses_from_pool_to_pool(whole: Tx) -> None:
    taken = [addresses.take_lowest(whole, SUBNET) for _ in IN_POOLS]
    assert taken == sorted(IN_POOLS)
    assert addresses.take_lowest(whole, SUBNET) is None


@pytest.mark.parametrize("offset", [9, 25, 29, 40])
def test_address_outside_of_the_pools_is_not_free(whole: Tx, offset: int) -> None:
    assert not addresses.take(whole, SUBNET, BASE + offset)
    assert free(whole) == IN_POOLS


def test_taking_from_the_middle_splits_the_range(whole: Tx) -> None:
    assert addresses.take(whole, SUBNET, BASE + 33)
    assert (BASE + 30, BASE + 32) in addresses.free_spans(whole, SUBNET)
    assert (BASE + 34, BASE + 39) in addresses.free_spans(whole, SUBNET)


def test_giving_back_joins_both_neighbours(whole: Tx) -> None:
    for offset in (32, 34, 33):
        addresses.take(whole, SUBNET, BASE + offset)
    for offset in (32, 34, 33):
        addresses.give_back(whole, SUBNET, POOLS, BASE + offset)
    assert (BASE + 30, BASE + 39) in addresses.free_spans(whole, SUBNET)


@pytest.mark.parametrize("offset", [9, 25, 200])
def test_address_outside_of_the_pools_does_not_become_free_when_given_back(whole: Tx, offset: int) -> None:
    addresses.give_back(whole, SUBNET, POOLS, BASE + offset)
    assert free(whole) == IN_POOLS


def test_giving_back_twice_changes_nothing(whole: Tx) -> None:
    addresses.take(whole, SUBNET, BASE + 15)
    for _ in range(2):
        addresses.give_back(whole, SUBNET, POOLS, BASE + 15)
    assert free(whole) == IN_POOLS


def test_one_address_has_one_port(whole: Tx) -> None:
    addresses.allocate(whole, SUBNET, "192.0.2.12", "port-1")
    with pytest.raises(Conflict) as raised:
        addresses.allocate(whole, SUBNET, "192.0.2.12", "port-2")
    assert raised.value.code == "IpAddressAlreadyAllocated"


@pytest.mark.parametrize("offset", [10, 19, 20, 24, 35])
def test_giving_back_what_is_free_changes_nothing(whole: Tx, offset: int) -> None:
    addresses.give_back(whole, SUBNET, POOLS, BASE + offset)
    assert free(whole) == IN_POOLS


def test_new_pools_leave_out_what_ports_have(whole: Tx) -> None:
    addresses.allocate(whole, SUBNET, "192.0.2.52", "port-1")
    addresses.set_pools(whole, SUBNET, (IpRange("192.0.2.50", "192.0.2.54"),))
    assert free(whole) == {BASE + 50, BASE + 51, BASE + 53, BASE + 54}


def test_ipv6_addresses_keep_their_order(whole: Tx) -> None:
    addresses.set_pools(whole, "six", (IpRange("2001:db8::fffe", "2001:db8::1:1"),))
    taken = [addresses.take_lowest(whole, "six") for _ in range(5)]
    assert [str(ip_address(number)) for number in taken if number is not None] == [
        "2001:db8::fffe", "2001:db8::ffff", "2001:db8::1:0", "2001:db8::1:1",
    ]  # fmt: skip


steps = st.lists(st.tuples(st.sampled_from(["lowest", "take", "give"]), st.integers(5, 45)), max_size=40)


@given(steps=steps)
def test_free_and_taken_make_up_the_pools_after_any_history(tx: Tx, steps: list[tuple[str, int]]) -> None:
    addresses.set_pools(tx, SUBNET, POOLS)
    taken: set[int] = set()
    for verb, offset in steps:
        number = BASE + offset
        if verb == "lowest":
            expected = min(IN_POOLS - taken, default=None)
            got = addresses.take_lowest(tx, SUBNET)
            assert got == expected
            taken |= {got} if got is not None else set()
        elif verb == "take":
            assert addresses.take(tx, SUBNET, number) == (number in IN_POOLS - taken)
            taken |= {number} & IN_POOLS
        else:
            addresses.give_back(tx, SUBNET, POOLS, number)
            taken.discard(number)
        assert free(tx) == IN_POOLS - taken
