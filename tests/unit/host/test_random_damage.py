"""Any damage, anywhere, in any number: the reader goes on, and what is faulty is not handed out."""

import os
import shutil
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.host.sysfs import read_functions
from mooring.model.pci import PciAddress
from mooring.testing.cards import INTEL_82576
from mooring.testing.sysfs_tree import SimulatedPf, build
from tests.unit.host.damage import DAMAGES, PF, SIBLING, VF, at, offered, remove


@dataclass(frozen=True)
class Blow:
    """One piece of damage, to any file or link of a function that the reader looks at."""

    victim: PciAddress
    name: str
    how: str
    raw: bytes


BLOWS = st.builds(
    Blow,
    victim=st.sampled_from([PF, VF, SIBLING]),
    name=st.sampled_from(
        [
            *("class", "uevent", "numa_node", "sriov_totalvfs", "sriov_numvfs"),
            *("driver", "iommu_group", "physfn", "virtfn0", "virtfn1", "virtfn7"),
            *("net", "net/x", "net/x/address", "net/x/mtu", "net/x/speed"),
        ]
    ),
    how=st.sampled_from([*DAMAGES, "bytes", "bytes", f"../{VF}", f"../{PF}", "../net", "7"]),
    raw=st.binary(max_size=64) | st.integers(-(2**70), 2**70).map(lambda n: f"{n}\n".encode()),
)


@settings(max_examples=60)  # each writes a tree
@given(blows=st.lists(BLOWS, min_size=1, max_size=6))
def test_no_damage_stops_the_reader_or_gets_a_faulty_function_offered(
    tmp_path_factory: pytest.TempPathFactory, blows: list[Blow]
) -> None:
    root = tmp_path_factory.mktemp("blows")
    build(root, [SimulatedPf(INTEL_82576, PF, "x", "52:54:00:01:02:00", num_vfs=3, numa_node=1)])
    for blow in blows:
        path = at(root, blow.victim) / blow.name
        if os.path.lexists(path):
            remove(path)
        if not path.parent.is_dir():
            continue
        if blow.how == "bytes":
            path.write_bytes(blow.raw)
        elif blow.how in DAMAGES:
            path.write_text("1\n")
            DAMAGES[blow.how](path)
        else:
            path.symlink_to(blow.how)
    functions = read_functions(root)
    assert {function.faults for function in functions if function.address in offered(functions)} <= {()}
    assert all(fault.isprintable() and fault.isascii() for function in functions for fault in function.faults)
    assert [function.address for function in functions] == sorted({function.address for function in functions})
    shutil.rmtree(root)
