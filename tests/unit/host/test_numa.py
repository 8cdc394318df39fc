"""The NUMA nodes of a host, from sysfs: whole cells or none."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.errors import HostFault
from mooring.host.numa import parse_cpu_list, read_numa_cells
from mooring.model.host import NumaCell
from mooring.testing.numa_tree import build_nodes, cpu_list
from tests.unit.host.damage import DAMAGES

TWO = (NumaCell(0, (0, 1, 4, 5), 4096, 0), NumaCell(1, (2, 3, 6, 7), 2048, 1))


def test_each_node_has_its_processors_its_memory_and_its_socket(tmp_path: Path) -> None:
    build_nodes(tmp_path, TWO)
    assert read_numa_cells(tmp_path) == TWO


def test_a_node_that_only_holds_memory_has_no_processors(tmp_path: Path) -> None:
    expander = NumaCell(10, (), 131_072, None)
    build_nodes(tmp_path, (expander, *TWO))
    assert read_numa_cells(tmp_path) == (*TWO, expander)


def test_a_node_without_memory_is_a_node(tmp_path: Path) -> None:
    build_nodes(tmp_path, (NumaCell(0, (0,), 0, 0),))
    assert read_numa_cells(tmp_path) == (NumaCell(0, (0,), 0, 0),)


def test_where_the_kernel_shows_no_numa_there_are_none(tmp_path: Path) -> None:
    assert read_numa_cells(tmp_path) == ()
    (tmp_path / "devices/system").mkdir(parents=True)
    (tmp_path / "devices/system/node").write_text("")
    assert read_numa_cells(tmp_path) == ()


def test_nodes_that_cannot_be_listed_are_a_fault(tmp_path: Path) -> None:
    (tmp_path / "devices/system").mkdir(parents=True)
    (tmp_path / "devices/system/node").symlink_to("node")
    with pytest.raises(HostFault, match=r"devices/system/node cannot be listed \(ELOOP\)"):
        read_numa_cells(tmp_path)


def test_what_is_beside_the_nodes_is_none(tmp_path: Path) -> None:
    build_nodes(tmp_path, TWO)
    folder = tmp_path / "devices/system/node"
    for name in ("has_cpu", "online", "node01", "node1024", "nodes", "node"):
        (folder / name).mkdir()
    assert read_numa_cells(tmp_path) == TWO


@pytest.mark.parametrize("name", ["cpulist", "meminfo"])
@pytest.mark.parametrize("damage", [pytest.param(damage, id=name) for name, damage in DAMAGES.items()])
def test_a_node_with_a_damaged_file_is_left_out_whole(
    tmp_path: Path, name: str, damage: Callable[[Path], None]
) -> None:
    build_nodes(tmp_path, TWO)
    path = tmp_path / "devices/system/node/node1" / name
    damage(path)
    # The kernel itself writes an empty line for a node without processors.
    says_none = name == "cpulist" and path.is_file() and path.read_bytes() in {b"", b"\n"}
    left = (TWO[0], NumaCell(1, (), 2048, None)) if says_none else (TWO[0],)
    assert read_numa_cells(tmp_path) == left


def test_the_memory_of_another_node_is_not_taken_for_its_own(tmp_path: Path) -> None:
    build_nodes(tmp_path, TWO)
    nodes = tmp_path / "devices/system/node"
    (nodes / "node1/meminfo").write_bytes((nodes / "node0/meminfo").read_bytes())
    assert read_numa_cells(tmp_path) == TWO[:1]


@pytest.mark.parametrize("package", ["-1\n", "1\n", "", "two\n", "1\n1\n", None])
def test_a_socket_that_is_unknown_or_not_the_same_for_all_is_none(tmp_path: Path, package: str | None) -> None:
    build_nodes(tmp_path, TWO)
    path = tmp_path / "devices/system/cpu/cpu5/topology/physical_package_id"
    path.unlink() if package is None else path.write_text(package)
    assert [cell.socket for cell in read_numa_cells(tmp_path)] == [None, 1]


@pytest.mark.parametrize(
    "text",
    ["garbage", "0-", "-3", "3-1", "1,1", "0-3,2", "2,1", "01", "0 ,1", "0,", "8192", "0-8192", "0-31:2/4", "\n"],
)
def test_a_list_that_no_kernel_prints_is_none(text: str) -> None:
    assert parse_cpu_list(text) is None


@given(st.frozensets(st.integers(0, 8191), max_size=40))
def test_a_list_is_read_as_it_is_printed(cpus: frozenset[int]) -> None:
    assert parse_cpu_list(cpu_list(sorted(cpus))) == tuple(sorted(cpus))


@given(st.text(max_size=30) | st.text("0123456789-,", max_size=30))
def test_no_list_stops_the_reader_and_what_it_reads_is_in_order(text: str) -> None:
    cpus = parse_cpu_list(text)
    assert cpus is None or (list(cpus) == sorted(set(cpus)) and all(0 <= cpu <= 8191 for cpu in cpus))
