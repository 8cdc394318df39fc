"""A guest's NUMA cells in domain XML: on the nodes that were chosen, shared out evenly, or refused."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mooring.errors import HostFault, Invalid
from mooring.host.domainxml import DomainKind, Wiring, domain_xml
from mooring.host.livexml import parse
from mooring.host.machine import DomainFiles
from mooring.host.numa import parse_cpu_list
from mooring.model.desired import DesiredServer
from mooring.model.host import NumaCell
from mooring.testing.schemas import validate_domain

FILES = DomainFiles(Path("/var/lib/mooring/servers/1/config-drive.iso"), Path("/var/lib/mooring/servers/1/console.log"))
#: Sibling threads are numbered apart, as Linux does on most machines; node 2 is memory alone.
CELLS = (
    NumaCell(0, (0, 1, 2, 3, 8, 9, 10, 11), 4096, 0),
    NumaCell(1, (4, 5, 6, 7, 12, 13, 14, 15), 4096, 1),
    NumaCell(2, (), 4096, None),
    NumaCell(3, (16,), 4096, 1),
)
GUEST = DesiredServer(
    "0b2f1c3e-9a57-4c55-8d36-1f6f7f3f2a11", "web1", 1, True, vcpus=4, memory_mib=2048, numa_nodes=(1, 0)
)


def build(server: DesiredServer = GUEST, kind: DomainKind = DomainKind.KVM) -> str:
    return domain_xml(server, kind, Wiring(numa_cells=CELLS), FILES)


def lines(xml: str, path: str) -> list[dict[str, str]]:
    return [dict(element.attrib) for element in parse(xml).iterfind(path)]


def test_each_cell_floats_over_its_own_node_and_qemu_over_all_of_them() -> None:
    xml = build()
    assert lines(xml, "cputune/vcpupin") == [
        {"vcpu": "0", "cpuset": "4-7,12-15"},
        {"vcpu": "1", "cpuset": "4-7,12-15"},
        {"vcpu": "2", "cpuset": "0-3,8-11"},
        {"vcpu": "3", "cpuset": "0-3,8-11"},
    ]
    assert lines(xml, "cputune/emulatorpin") == [{"cpuset": "0-15"}]


def test_memory_of_each_cell_is_its_nodes_alone() -> None:
    xml = build()
    assert lines(xml, "numatune/memory") == [{"mode": "strict", "nodeset": "0-1"}]
    assert lines(xml, "numatune/memnode") == [
        {"cellid": "0", "mode": "strict", "nodeset": "1"},
        {"cellid": "1", "mode": "strict", "nodeset": "0"},
    ]


@pytest.mark.parametrize("kind", list(DomainKind))
def test_guest_is_told_of_its_cells_whoever_runs_it(kind: DomainKind) -> None:
    xml = build(kind=kind)
    assert lines(xml, "cpu") == [{"mode": "host-model"} if kind is DomainKind.KVM else {}]
    assert lines(xml, "cpu/numa/cell") == [
        {"id": "0", "cpus": "0-1", "memory": "1048576", "unit": "KiB"},
        {"id": "1", "cpus": "2-3", "memory": "1048576", "unit": "KiB"},
    ]


def test_what_cannot_be_shared_evenly_is_the_first_cells() -> None:
    xml = build(replace(GUEST, vcpus=5, memory_mib=1000, numa_nodes=(0, 1, 3)))
    assert [(cell["cpus"], int(cell["memory"]) // 1024) for cell in lines(xml, "cpu/numa/cell")] == [
        ("0-2", 334),
        ("3", 333),
        ("4", 333),
    ]
    assert lines(xml, "cputune/vcpupin")[-1] == {"vcpu": "4", "cpuset": "16"}
    assert lines(xml, "numatune/memory") == [{"mode": "strict", "nodeset": "0-1,3"}]


@given(st.integers(1, 64), st.integers(1, 4096), st.lists(st.sampled_from((0, 1, 3)), max_size=4))
def test_all_that_the_flavor_gives_is_in_some_cell(vcpus: int, memory_mib: int, nodes: list[int]) -> None:
    server = replace(GUEST, vcpus=vcpus, memory_mib=memory_mib, numa_nodes=tuple(nodes))
    if min(vcpus, memory_mib) < len(nodes):
        with pytest.raises(Invalid, match="too few for"):
            build(server)
        return
    cells = lines(build(server), "cpu/numa/cell")
    assert len(cells) == len(nodes)
    if nodes:
        assert [cpu for cell in cells for cpu in parse_cpu_list(cell["cpus"]) or ()] == list(range(vcpus))
        assert sum(int(cell["memory"]) for cell in cells) == memory_mib * 1024


def test_guest_without_cells_says_nothing_of_numa() -> None:
    xml = build(replace(GUEST, numa_nodes=()))
    assert not any(word in xml for word in ("numa", "cputune", "cell"))


@pytest.mark.parametrize(
    ("nodes", "says"),
    [((0, 7), "node 7, and this host has nodes 0-3"), ((2,), "node 2, which has no processors")],
)
def test_node_that_the_host_cannot_give_is_a_fault_of_the_host(nodes: tuple[int, ...], says: str) -> None:
    with pytest.raises(HostFault, match=says):
        build(replace(GUEST, numa_nodes=nodes))


def test_host_without_numa_is_told_from_one_with_other_nodes() -> None:
    with pytest.raises(HostFault, match="node 1, and this host has none"):
        domain_xml(GUEST, DomainKind.KVM, Wiring(), FILES)


@pytest.mark.requires("schemas")
@pytest.mark.parametrize("kind", list(DomainKind))
@pytest.mark.parametrize("nodes", [(0,), (1, 0), (0, 1, 3), (1, 1)])
def test_libvirts_grammar_takes_every_layout_of_cells(nodes: tuple[int, ...], kind: DomainKind) -> None:
    validate_domain(build(replace(GUEST, numa_nodes=nodes), kind))
