"""``sriov_numvfs`` at an agent's start: from 0 to what the host's file says, and never under a claim."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from mooring.agent.numvfs import make_vfs
from mooring.core.devspec import DeviceSpec
from mooring.host.ledger import Ledger
from mooring.host.sysfs import read_functions
from mooring.model.pci import FunctionKind
from tests.unit.agent.hosts import PF, PF_NETDEV, VF_COUNT, Host, desired

THREE = (DeviceSpec(pf=PF_NETDEV, physical_network="physnet1", num_vfs=3),)


def make(host: Host, specs: Sequence[DeviceSpec] = THREE) -> tuple[str, ...]:
    functions = read_functions(host.sysfs)
    return make_vfs(functions, specs, Ledger(host.journal), host.machine.boot_id, host.bus, host.table)


def vf_count(host: Host) -> int:
    return sum(function.kind is FunctionKind.VF for function in read_functions(host.sysfs))


def test_a_pf_without_vfs_gets_them_and_is_up(bare: Host) -> None:
    bare.table.set_link(PF_NETDEV, up=False)
    assert make(bare) == ()
    assert vf_count(bare) == 3
    assert bare.table.look(PF_NETDEV).is_up
    assert len(bare.table.look(PF_NETDEV).vfs) == 3


def test_a_pf_that_has_them_is_left_alone(bare: Host) -> None:
    assert make(bare) == make(bare) == ()


def test_a_pf_that_no_entry_gives_vfs_is_left_alone(bare: Host) -> None:
    assert make(bare, (DeviceSpec(pf=PF_NETDEV, physical_network="physnet1"),)) == ()
    assert vf_count(bare) == 0


def test_another_number_is_told_and_never_changed(host: Host) -> None:
    [note] = make(host)
    assert f"{PF} has {VF_COUNT} VFs and device_spec says 3" in note
    assert vf_count(host) == VF_COUNT


def test_vfs_that_were_taken_away_under_a_server_are_not_made_again_in_this_boot(host: Host) -> None:
    host.agent().turn(desired([host.serving(0)]))
    host.take_vfs_away()
    [note] = make(host)
    assert "while 1 were in use" in note
    assert vf_count(host) == 0


def test_a_reboot_makes_them_again(host: Host) -> None:
    host.agent().turn(desired([host.serving(0)]))
    host.take_vfs_away()
    host.reboot()
    assert make(host) == ()
    assert vf_count(host) == 3


def test_vfs_that_a_server_still_owns_are_not_made_again(host: Host) -> None:
    agent = host.agent()
    agent.turn(desired([host.serving(0)]))
    host.take_vfs_away()
    agent.turn(replace(desired(), missed=(host.vf(0),)))
    [note] = make(host)
    assert "while 1 were in use" in note


def test_they_are_made_again_once_nobody_wants_those_that_went(host: Host) -> None:
    agent = host.agent()
    agent.turn(desired([host.serving(0)]))
    host.take_vfs_away()
    agent.turn(desired())
    assert make(host) == ()
    assert vf_count(host) == 3


@pytest.mark.parametrize("count", [65, 1000])
def test_more_than_the_card_has_is_told(bare: Host, count: int) -> None:
    [note] = make(bare, (DeviceSpec(pf=PF_NETDEV, physical_network="physnet1", num_vfs=count),))
    assert f"PF {PF} has no VFs" in note
    assert vf_count(bare) == 0
