"""Which bridges are Open vSwitch's: what sysfs shows, and what ovs-vsctl is asked for the rest."""

from pathlib import Path

import pytest

from mooring.errors import HostFault
from mooring.host.bridges import ovs_among


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    """``br0`` is the kernel's, ``br-ovs`` Open vSwitch's, ``eth0`` no bridge at all."""
    for folder in ("br0/bridge", "br-ovs", "eth0"):
        (tmp_path / "sys/class/net" / folder).mkdir(parents=True)
    return tmp_path / "sys"


def ovs_vsctl(folder: Path, body: str) -> str:
    """A search path with an ovs-vsctl of one's own."""
    tool = folder / "ovs-vsctl"
    tool.write_text(f'#!/bin/sh\necho "$@" >> {folder / "asked"}\n{body}\n')
    tool.chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


EVERY_NAME = ["br0", "br-ovs", "eth0", "absent", "", "../net/br-ovs"]
BR_EXISTS = '[ "$3" = br-ovs ] || exit 2'


def test_bridge_that_the_kernel_does_not_show_as_its_own_is_asked_of_open_vswitch(sysfs: Path, tmp_path: Path) -> None:
    assert ovs_among(sysfs, EVERY_NAME, ovs_vsctl(tmp_path, BR_EXISTS)) == {"br-ovs"}
    assert (tmp_path / "asked").read_text().splitlines() == [
        "--timeout=5 br-exists br-ovs",
        "--timeout=5 br-exists eth0",
    ]


def test_without_open_vswitch_no_bridge_is_its(sysfs: Path, tmp_path: Path) -> None:
    assert ovs_among(sysfs, EVERY_NAME, str(tmp_path)) == frozenset()


def test_open_vswitch_that_does_not_answer_is_a_fault_and_no_guess(sysfs: Path, tmp_path: Path) -> None:
    silent = ovs_vsctl(tmp_path, "echo 'ovs-vsctl: db.sock: database connection failed' >&2; exit 1")
    with pytest.raises(
        HostFault, match=r"whether br-ovs is its bridge: ovs-vsctl: db\.sock: database connection failed"
    ):
        ovs_among(sysfs, ["br0", "br-ovs"], silent)
    assert ovs_among(sysfs, ["br0"], silent) == frozenset()
