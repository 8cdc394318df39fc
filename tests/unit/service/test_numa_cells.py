"""What an agent tells of its NUMA nodes is kept with its host, as it was last told."""

import pytest

from mooring.errors import Invalid
from mooring.model.host import HostSnapshot, NumaCell
from mooring.service.hosts import get_host
from mooring.service.inventory import take_inventory
from tests.unit.service.by_hand import HOST, Hand

CELLS = (NumaCell(0, (0, 1), 32_768, 0), NumaCell(1, (), 32_768, None))


def tell(hand: Hand, *cells: NumaCell) -> tuple[NumaCell, ...]:
    functions = tuple(hand.offers.values())
    snapshot = HostSnapshot("boot-1", "agent-1", 16, 65_536, 500, functions=functions, numa_cells=cells)
    hand.write(lambda tx: take_inventory(tx, hand.world, get_host(tx, HOST), snapshot))
    return hand.read(lambda tx: get_host(tx, HOST)).numa_cells


def test_the_nodes_are_kept_as_they_were_told_last(hand: Hand) -> None:
    assert tell(hand, *CELLS) == CELLS
    assert tell(hand, CELLS[0]) == CELLS[:1]
    assert tell(hand) == ()


def test_an_inventory_that_lists_a_node_twice_is_refused(hand: Hand) -> None:
    tell(hand, *CELLS)
    with pytest.raises(Invalid, match="lists a NUMA node twice"):
        tell(hand, CELLS[0], CELLS[0])
    assert hand.read(lambda tx: get_host(tx, HOST)).numa_cells == CELLS
