"""A simulated host shows the NUMA nodes of its plan, and the agent tells them."""

from pathlib import Path

import pytest

from mooring.agent.inventory import Inventory
from mooring.model.host import NumaCell
from mooring.testing.cards import INTEL_X710
from mooring.testing.host import Plan, SimulatedHost, Spec
from mooring.testing.hosts import RECORDED, port
from mooring.testing.numa_tree import cpu_list, two_sockets

PLAN = Plan((port(INTEL_X710, "0000:3b:00.0", "ens2f0", 3, 1),), (Spec("ens2f0", "physnet1"),), {})
FOUR = tuple(NumaCell(node, (node, node + 4), 1024, node // 2) for node in range(4))


@pytest.mark.parametrize(
    ("plan", "cells"),
    [
        (PLAN, two_sockets(64, 262_144)),
        (RECORDED, two_sockets(64, 262_144)),
        (Plan(PLAN.ports, PLAN.specs, {}, numa_cells=FOUR), FOUR),
        (Plan(PLAN.ports, PLAN.specs, {}, numa_cells=()), ()),
    ],
    ids=["by default", "the recorded host", "four nodes", "none"],
)
def test_an_inventory_tells_the_nodes_of_the_plan(tmp_path: Path, plan: Plan, cells: tuple[NumaCell, ...]) -> None:
    host = SimulatedHost.create(tmp_path / "host", plan, controller="http://127.0.0.1:1", key="key")
    assert Inventory(host.machine(), "agent", (), {}).snapshot().numa_cells == cells


def test_two_sockets_share_all_there_is() -> None:
    first, second = two_sockets(7, 1025)
    assert first.cpus + second.cpus == tuple(range(7))
    assert first.memory_mib + second.memory_mib == 1025


@pytest.mark.parametrize(("cpus", "text"), [((), ""), ((3,), "3"), ((0, 1, 2, 8, 10, 11), "0-2,8,10-11")])
def test_processors_are_listed_as_the_kernel_prints_them(cpus: tuple[int, ...], text: str) -> None:
    assert cpu_list(cpus) == text
