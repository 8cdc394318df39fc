"""VFs that go when a server gets their PF, and come back when the PF is clean."""

import errno
from dataclasses import replace

import pytest

from mooring.agent.loop import Agent
from mooring.agent.numvfs import make_vfs
from mooring.core.devspec import DeviceSpec
from mooring.host.ledger import Ledger
from mooring.host.sysfs import read_functions
from mooring.model.desired import DesiredFunction, Purpose
from mooring.model.host import HostSnapshot
from mooring.model.vf import VfSettings
from mooring.testing.pci_kernel import PciMishaps
from tests.unit.agent.hosts import (
    BASELINE_VERIFIED,
    IN_USE,
    PF,
    PF_NETDEV,
    RUNNING,
    VF_COUNT,
    WEB,
    Host,
    desired,
    outcomes,
    server,
)

BOTH = DeviceSpec(pf=PF_NETDEV, physical_network="physnet1", whole=True)
SIX = replace(BOTH, num_vfs=6)
GIVEN = desired(
    [DesiredFunction(PF, None, None, 2, Purpose.SERVE, VfSettings(), WEB)], [server([], passthrough=[PF])], 2
)
TAKEN = desired(
    [DesiredFunction(PF, None, None, 3, Purpose.BASELINE, VfSettings())],
    [server([], generation=2, is_wanted=False)],
    3,
)


def vf_count(host: Host) -> int | None:
    return next(one.vf_count for one in read_functions(host.sysfs) if one.address == PF)


def given_away(host: Host, *specs: DeviceSpec) -> Agent:
    agent = host.agent(specs=specs or (BOTH,))
    assert outcomes(agent.carry_out(GIVEN)) == [IN_USE, RUNNING]
    assert vf_count(host) == 0
    return agent


def shown(snapshot: HostSnapshot) -> list[int | None]:
    return [one.function.vf_index for one in snapshot.functions]


@pytest.mark.parametrize(("spec", "count"), [(BOTH, VF_COUNT), (SIX, 6)])
def test_a_pf_gets_the_vfs_of_its_device_spec_and_else_as_many_as_it_had(
    host: Host, spec: DeviceSpec, count: int
) -> None:
    agent = given_away(host, spec)
    assert outcomes(agent.carry_out(TAKEN))[0] is BASELINE_VERIFIED
    assert vf_count(host) == count
    assert host.table.look(PF_NETDEV).is_up


def test_another_process_of_the_agent_remembers_how_many_they_were(host: Host) -> None:
    given_away(host)
    host.agent(specs=(BOTH,)).carry_out(TAKEN)
    assert vf_count(host) == VF_COUNT


def test_after_a_reboot_the_number_is_whoever_makes_them_to_say(host: Host) -> None:
    given_away(host)
    host.reboot()
    host.agent(specs=(BOTH,)).carry_out(TAKEN)
    assert vf_count(host) == 0


def test_a_pf_without_vfs_has_none_when_it_comes_back(bare: Host) -> None:
    given_away(bare).carry_out(TAKEN)
    assert vf_count(bare) == 0


def test_the_controller_is_told_at_once_that_vfs_went_and_came(host: Host) -> None:
    agent = given_away(host)
    assert shown(host.controller.announced[-1]) == [None]
    agent.carry_out(TAKEN)
    assert shown(host.controller.announced[-1]) == [None, 0, 1, 2, 3]
    told = len(host.controller.announced)
    agent.carry_out(TAKEN)
    assert len(host.controller.announced) == told


def test_vfs_that_cannot_be_made_again_do_not_keep_the_pf(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    agent = given_away(host)
    host.bus.misbehave(PciMishaps(errnos={"sriov_numvfs": errno.ENOSPC}))
    assert outcomes(agent.carry_out(TAKEN))[0] is BASELINE_VERIFIED
    assert f"PF {PF} is clean and has no VFs again" in caplog.text


def test_vfs_that_cannot_be_taken_away_keep_the_pf_from_its_server(host: Host) -> None:
    host.bus.misbehave(PciMishaps(errnos={"sriov_numvfs": errno.EBUSY}))
    report = host.agent(specs=(BOTH,)).carry_out(GIVEN)
    assert "taking its 4 VFs away: Device or resource busy (EBUSY)" in report.functions[0].reason
    assert (vf_count(host), host.running()) == (VF_COUNT, set())


def test_what_was_clean_of_the_vfs_before_is_not_clean_after(host: Host) -> None:
    agent = host.agent(specs=(BOTH,))
    agent.carry_out(desired([host.clean(0)]))
    agent.carry_out(GIVEN)
    agent.carry_out(TAKEN)
    assert host.settings(0).mac != host.clean(0).settings.mac, "it is newborn"
    agent.carry_out(desired([host.clean(0)], sequence=4))
    assert host.settings(0).mac == host.clean(0).settings.mac


def test_a_pf_is_cleaned_before_its_vfs_when_one_turn_is_to_do_both(host: Host) -> None:
    """Else the VFs that were made clean would be gone, and others in their places."""
    agent = given_away(host)
    host.hypervisor.destroy(WEB)
    host.bus.set_vf_count_by_hand(PF, VF_COUNT)
    both = desired([host.clean(0, generation=4), *TAKEN.functions], TAKEN.servers, 3)
    assert outcomes(agent.carry_out(both))[:2] == [BASELINE_VERIFIED] * 2
    assert host.settings(0).mac == host.clean(0).settings.mac


def test_a_pf_that_a_server_has_gets_no_vfs_at_the_agents_start(host: Host) -> None:
    given_away(host, SIX)
    functions = read_functions(host.sysfs)
    address_of_it = (replace(SIX, pf=PF),)
    [note] = make_vfs(functions, address_of_it, Ledger(host.journal), host.machine.boot_id, host.bus, host.table)
    assert note.endswith("a server has the PF whole, or had, and the VFs come when it is clean")
    assert vf_count(host) == 0
