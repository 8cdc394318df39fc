"""A whole PF in a guest's hands: nothing to program, everything to give back clean."""

from mooring.core.devspec import DeviceSpec
from mooring.host.sysfs import read_functions
from mooring.model.desired import DesiredFunction, DesiredInterface, Purpose
from mooring.model.vf import VfSettings
from tests.unit.agent.hosts import (
    ABSENT,
    BASELINE_VERIFIED,
    IN_USE,
    PF,
    PF_NETDEV,
    PROGRAMMED,
    QUARANTINED,
    RUNNING,
    VF_COUNT,
    WEB,
    Host,
    desired,
    outcomes,
    server,
)

WHOLE = (DeviceSpec(pf=PF_NETDEV, physical_network="physnet1", whole=True),)
CLEAN = DesiredFunction(PF, None, None, 1, Purpose.BASELINE, VfSettings())
SERVING = DesiredFunction(PF, None, None, 2, Purpose.SERVE, VfSettings(), WEB)
INTERFACE = DesiredInterface("7c9e6679-7425-40de-944b-e07fc1f90aff", "52:54:00:81:00:00", "direct-physical",
                             "hostdev_physical", PF)  # fmt: skip


def test_a_whole_pf_is_served_and_given_back(bare: Host) -> None:
    agent = bare.agent(specs=WHOLE)
    assert outcomes(agent.turn(desired([CLEAN]))) == [BASELINE_VERIFIED]
    assert outcomes(agent.turn(desired([SERVING], [], 2))) == [PROGRAMMED]
    assert outcomes(agent.turn(desired([SERVING], [server([INTERFACE])], 3))) == [IN_USE, RUNNING]
    assert bare.bus.driver(PF) == "vfio-pci"
    gone = desired(
        [DesiredFunction(PF, None, None, 3, Purpose.BASELINE, VfSettings())],
        [server([], generation=2, is_wanted=False)],
        4,
    )
    assert outcomes(agent.turn(gone)) == [BASELINE_VERIFIED, ABSENT]
    assert bare.bus.driver(PF) == bare.card.driver
    assert bare.writes_since(0) == []


def test_the_same_again_touches_the_pf_no_more(bare: Host) -> None:
    agent = bare.agent(specs=WHOLE)
    wanted = desired([SERVING], [server([INTERFACE])])
    first = agent.turn(wanted)
    assert agent.turn(wanted) == first


def test_a_pf_that_is_not_handed_out_whole_is_refused(bare: Host) -> None:
    specs = (DeviceSpec(pf=PF_NETDEV, physical_network="physnet1"),)
    assert outcomes(bare.agent(specs=specs).turn(desired([CLEAN]))) == [QUARANTINED]


def test_a_pf_with_vfs_keeps_them_until_a_server_has_it_whole(host: Host) -> None:
    agent = host.agent(specs=WHOLE)
    assert outcomes(agent.turn(desired([CLEAN, host.clean(0)]))) == [BASELINE_VERIFIED, BASELINE_VERIFIED]
    assert vf_count(host) == VF_COUNT
    assert outcomes(agent.turn(desired([SERVING], [server([INTERFACE])], 2))) == [IN_USE, RUNNING]
    assert (vf_count(host), host.bus.driver(PF)) == (0, "vfio-pci")


def test_a_pf_of_which_a_vf_is_excluded_is_not_handed_out_whole(host: Host) -> None:
    specs = (DeviceSpec(pf=PF_NETDEV, vfs=frozenset({1}), exclude=True), *WHOLE)
    assert outcomes(host.agent(specs=specs).turn(desired([CLEAN]))) == [QUARANTINED]
    assert vf_count(host) == VF_COUNT


def vf_count(host: Host) -> int | None:
    (pf,) = (one for one in read_functions(host.sysfs) if one.address == PF)
    return pf.vf_count
