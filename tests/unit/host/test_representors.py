"""Representors, found by the switch and the port name that the kernel shows."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.errors import HostFault
from mooring.host.representors import representors_of
from mooring.host.sysfs import read_functions
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.testing.cards import MELLANOX_CX6
from mooring.testing.sysfs_tree import SimulatedPf, add_vfs, build, remove_vfs

SWITCH = "0000a1b2c3d4e5f6"
PF = PciFunction(PciAddress.parse("0000:81:00.1"), FunctionKind.PF, phys_switch_id=SWITCH)


def netdevs(root: Path, shown: Mapping[str, tuple[str, str]]) -> Path:
    """Netdevs with their ``phys_switch_id`` and ``phys_port_name``; an empty one is a file that is not there."""
    for name, (switch_id, port_name) in shown.items():
        folder = root / "class/net" / name
        folder.mkdir(parents=True)
        for file, text in (("phys_switch_id", switch_id), ("phys_port_name", port_name)):
            if text:
                (folder / file).write_text(f"{text}\n")
    return root


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        pytest.param(
            {"eth1_0": (SWITCH, "pf1vf0"), "eth1_3": (SWITCH, "pf1vf3")}, {0: "eth1_0", 3: "eth1_3"}, id="vfs"
        ),
        pytest.param({"eth1": (SWITCH, "p1"), "eth1_0": (SWITCH, "pf1vf0")}, {0: "eth1_0"}, id="uplink"),
        pytest.param({"eth0_0": (SWITCH, "pf0vf0"), "eth1_0": (SWITCH, "pf1vf0")}, {0: "eth1_0"}, id="other-pf"),
        pytest.param({"eth5": (SWITCH, "2")}, {2: "eth5"}, id="older-driver"),
        pytest.param({"eth5": ("ffff", "pf1vf0"), "eth6": ("", "pf1vf1")}, {}, id="other-switch"),
        pytest.param({"eth5": (SWITCH, "pf1sf8"), "eth6": (SWITCH, "c1pf1vf0"), "eth7": (SWITCH, "")}, {}, id="no-vf"),
    ],
)
def test_representors_are_those_of_the_pfs_own_switch(
    tmp_path: Path, shown: Mapping[str, tuple[str, str]], found: Mapping[int, str]
) -> None:
    assert representors_of(netdevs(tmp_path, shown), PF) == found


def test_two_netdevs_of_one_vf_are_a_fault_and_no_guess(tmp_path: Path) -> None:
    root = netdevs(tmp_path, {"a": (SWITCH, "pf1vf0"), "b": (SWITCH, "0")})
    with pytest.raises(HostFault, match="a and b are both the representor of VF 0"):
        representors_of(root, PF)


def test_a_pf_that_names_no_switch_has_none_and_costs_no_look(tmp_path: Path) -> None:
    assert representors_of(tmp_path / "absent", replace(PF, phys_switch_id=None)) == {}
    assert representors_of(tmp_path / "absent", PF) == {}


def test_representors_come_and_go_with_their_vfs(tmp_path: Path) -> None:
    port = SimulatedPf(
        MELLANOX_CX6, PciAddress.parse("0000:81:00.0"), "ens1f0", "04:3f:72:00:00:01", 2, is_switchdev=True
    )
    build(tmp_path, [port])

    def pf() -> PciFunction:
        return next(one for one in read_functions(tmp_path) if one.kind is FunctionKind.PF)

    assert pf().netdev == "ens1f0"
    assert representors_of(tmp_path, pf()) == {0: "ens1f0_0", 1: "ens1f0_1"}
    remove_vfs(tmp_path, port.address)
    assert representors_of(tmp_path, pf()) == {}
    (tmp_path / "bus/pci/devices" / str(port.address) / "sriov_numvfs").write_text("1\n")
    add_vfs(tmp_path, port.address, None)
    assert representors_of(tmp_path, pf()) == {0: "ens1f0_0"}
