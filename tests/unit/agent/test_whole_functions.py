"""Functions of which there is nothing to program: GPUs, accelerators' VFs, PFs with VFs. A reset makes them clean."""

import dataclasses
from collections.abc import Callable, Container, Sequence

import pytest

from mooring.agent.domain import Guests
from mooring.agent.functions import FunctionHands, FunctionWork
from mooring.agent.numvfs import VfCounts
from mooring.agent.scene import Scene
from mooring.agent.vf import VfWriter
from mooring.errors import Conflict, HostFault, Invalid
from mooring.host.domainxml import DomainKind
from mooring.host.ledger import Ledger
from mooring.host.sysfs import read_functions
from mooring.model.desired import DesiredFunction, FunctionReport, Purpose
from mooring.model.host import OfferedFunction
from mooring.model.outside import AgentStep
from mooring.model.pci import FunctionKind, PciAddress, PciFunction
from mooring.model.vf import VfSettings
from mooring.testing.sysfs_tree import folder_of
from tests.unit.agent.hosts import (
    BASELINE_VERIFIED,
    IN_USE,
    PF,
    PF_NETDEV,
    PROGRAMMED,
    QUARANTINED,
    VF_COUNT,
    WEB,
    Host,
    KillAt,
    Killed,
    boot,
    desired,
    server,
)

Look = Callable[[], Sequence[PciFunction]]


class Bench:
    """One function, the machine around it as ``look`` tells it, and the hands of an agent."""

    def __init__(self, host: Host, address: PciAddress, look: Look, *, kill_at: int = 0):
        self.host, self.address, self.look = host, address, look
        self.notes: list[str] = []
        machine, steps = host.machine, KillAt(kill_at)
        writer = VfWriter(host.table, host.bus, steps, host.slept_s.append)
        ledger = Ledger(host.journal)
        counts = VfCounts(ledger, host.bus, host.table, steps, machine.boot_id, self._pf)
        self.hands = FunctionHands(ledger, host.table, host.bus, writer, steps, machine.boot_id, counts)
        self.guests = Guests(machine, DomainKind.KVM, steps)

    def _pf(self, address: PciAddress) -> tuple[PciFunction, int | None]:
        return next(one for one in self.look() if one.address == address), None

    def scene(self) -> Scene:
        return Scene([OfferedFunction(one, is_offered=True) for one in self.look()], self.guests, self.host.table)

    def wanted(self, purpose: Purpose, generation: int) -> DesiredFunction:
        (one,) = (one for one in self.look() if one.address == self.address)
        server_id = WEB if purpose is Purpose.SERVE else None
        return DesiredFunction(one.address, one.pf, one.vf_index, generation, purpose, VfSettings(), server_id)

    def work(self, divided: Container[PciAddress]) -> FunctionWork:
        return FunctionWork(self.hands, self.notes.append, divided)

    def clean(self, generation: int = 1, divided: Container[PciAddress] = ()) -> FunctionReport | None:
        return self.work(divided).clean(self.wanted(Purpose.BASELINE, generation), self.scene())

    def serve(self, generation: int = 2, divided: Container[PciAddress] = ()) -> FunctionReport:
        return self.work(divided).serve(self.wanted(Purpose.SERVE, generation), self.scene())

    def resets(self) -> int:
        return len([write for write in self.host.bus.writes() if write.file == "reset"])

    def vf_count(self) -> int:
        (pf,) = (one for one in read_functions(self.host.sysfs) if one.address == PF)
        return pf.vf_count or 0


def gpu(host: Host, **bench: int) -> Bench:
    """In the place of VF 0. What its sysfs folder says of its class counts when it is bound."""
    (folder_of(host.sysfs, host.vf(0)) / "class").write_text("0x030200\n")
    function = PciFunction(host.vf(0), FunctionKind.PCI, "10de", "2331", device_class="030200")
    return Bench(host, host.vf(0), lambda: [function], **bench)


def accelerators_vf(host: Host, **pf: object) -> Bench:
    """Its PF has no netdev."""
    (folder_of(host.sysfs, host.vf(0)) / "class").write_text("0x0b4000\n")
    card = PciFunction(PF, FunctionKind.PF, "8086", "4940", device_class="0b4000", vf_count=1, vf_total=16)
    card = dataclasses.replace(card, **pf)  # type: ignore[arg-type]  # fields of a function
    vf = PciFunction(host.vf(0), FunctionKind.VF, "8086", "4941", device_class="0b4000", pf=PF, vf_index=0)
    return Bench(host, vf.address, lambda: [card, vf])


def nic(host: Host, **bench: int) -> Bench:
    """The PF, with its VFs as they are."""
    return Bench(host, PF, lambda: read_functions(host.sysfs), **bench)


# Of anything else than a NIC


@pytest.mark.parametrize("make", [gpu, accelerators_vf])
def test_function_without_settings_is_reset_and_served_and_reset_again(
    host: Host, make: Callable[[Host], Bench]
) -> None:
    bench = make(host)
    reports = [bench.clean(), bench.clean(), bench.serve(), bench.serve(), bench.clean(3)]
    assert [(one.outcome, one.observed) for one in reports if one] == [
        (BASELINE_VERIFIED, None),
        (BASELINE_VERIFIED, None),
        (PROGRAMMED, None),
        (PROGRAMMED, None),
        (BASELINE_VERIFIED, None),
    ]
    assert bench.resets() == 2, "once for each time that it is to be clean"
    assert host.table.writes() == ()


def test_function_that_this_host_never_cleaned_is_reset_before_a_guest_has_it(host: Host) -> None:
    """The journal was lost, or another agent served here before."""
    bench = gpu(host)
    assert bench.serve().outcome is PROGRAMMED
    assert bench.resets() == 1


def test_function_in_a_running_guest_is_never_taken_from_it_to_be_reset(host: Host) -> None:
    bench = gpu(host)
    bench.serve()
    host.hypervisor.start(host_xml(host, host.vf(0)))
    assert bench.serve(3).outcome is IN_USE
    assert bench.clean(4) is None
    assert (bench.resets(), host.bus.driver(host.vf(0))) == (1, "vfio-pci")


def host_xml(host: Host, address: PciAddress) -> str:
    """A domain that has the function."""
    agent = host.twin(host.folder / "twin")
    wanted = desired([agent.portless(0)], [server([], passthrough=[address])])
    agent.agent().turn(wanted)
    return agent.hypervisor.xml(WEB)


def test_function_that_had_no_driver_is_left_without_one(host: Host) -> None:
    bench = gpu(host)
    (folder_of(host.sysfs, host.vf(0)) / "device").write_text("0x2331\n")
    host.bus.rebind(host.vf(0), "vfio-pci")
    assert bench.clean() is not None
    assert host.bus.driver(host.vf(0)) is None


def test_function_that_the_kernel_cannot_reset_is_never_clean(host: Host) -> None:
    bench = gpu(host)
    (folder_of(host.sysfs, host.vf(0)) / "reset").unlink()
    driver = host.bus.driver(host.vf(0))
    with pytest.raises(HostFault, match="the kernel has no reset of"):
        bench.clean()
    assert host.bus.driver(host.vf(0)) == driver


@pytest.mark.parametrize("device_class", ["020000", "020700", ""])
def test_nics_vf_whose_pf_lost_its_netdev_is_not_taken_for_a_function_without_settings(
    host: Host, device_class: str
) -> None:
    pf = PciFunction(PF, FunctionKind.PF, device_class=device_class, vf_count=1)
    vf = PciFunction(host.vf(0), FunctionKind.VF, device_class=device_class, pf=PF, vf_index=0)
    bench = Bench(host, vf.address, lambda: [pf, vf])
    assert bench.scene().has_settings(vf.address)
    assert not bench.scene().has_settings(PF)
    with pytest.raises(HostFault, match="has no network device"):
        bench.clean()
    assert host.bus.writes() == ()


def test_vf_of_a_pf_with_a_netdev_has_settings_whatever_its_class_says(host: Host) -> None:
    with pytest.raises(Invalid, match="no MAC is desired"):
        accelerators_vf(host, netdev=PF_NETDEV).clean()


def test_function_that_is_not_here_has_no_settings(host: Host) -> None:
    assert not gpu(host).scene().has_settings(PciAddress.parse("0000:ff:00.0"))


# A PF that has VFs


def test_pf_that_serves_by_its_vfs_is_not_touched_to_be_clean(host: Host) -> None:
    bench = nic(host)
    assert bench.clean() is not None
    assert (host.bus.writes(), bench.vf_count()) == ((), VF_COUNT)


def test_pf_that_is_given_away_whole_loses_its_vfs_first_and_is_reset(host: Host) -> None:
    bench = nic(host)
    bench.clean()
    assert bench.serve().outcome is PROGRAMMED
    assert (bench.vf_count(), bench.resets(), host.bus.driver(PF)) == (0, 1, host.card.driver)
    assert bench.serve().outcome is PROGRAMMED
    assert bench.resets() == 1


def test_pf_that_was_given_back_is_clean_before_it_has_vfs_again(host: Host) -> None:
    """Somebody was quick: its VFs were made before the agent looked."""
    bench = nic(host)
    bench.serve()
    host.bus.set_vf_count_by_hand(PF, VF_COUNT)
    assert bench.clean(3) is not None
    assert (bench.vf_count(), bench.resets()) == (VF_COUNT, 2)
    assert bench.clean(4) is not None
    assert (bench.vf_count(), bench.resets()) == (VF_COUNT, 2), "it is the host's own, and was clean"


def test_pf_of_which_a_guest_has_a_vf_is_not_given_away(host: Host) -> None:
    host.agent().turn(boot(host, 1))
    bench = nic(host)
    with pytest.raises(Conflict, match=f"PF {PF} keeps its VFs: server {WEB} has {host.vf(1)}"):
        bench.serve()
    assert bench.clean(3) is not None, "nothing was made of it"
    assert (bench.vf_count(), host.running()) == (VF_COUNT, {WEB})


def test_pf_of_which_a_vf_is_to_serve_is_not_given_away(host: Host) -> None:
    bench = nic(host)
    with pytest.raises(Conflict, match="some of them are to serve"):
        bench.serve(divided={PF})
    assert bench.vf_count() == VF_COUNT


def test_pf_of_whose_vfs_not_all_are_known_is_left_alone(host: Host) -> None:
    functions = [one for one in read_functions(host.sysfs) if one.vf_index != 2]
    bench = Bench(host, PF, lambda: functions)
    for work in (bench.clean, bench.serve):
        with pytest.raises(HostFault, match=f"has {VF_COUNT} VFs, of which {VF_COUNT - 1} are known"):
            work()
    assert host.bus.writes() == ()


def test_kill_at_any_step_never_hands_over_a_pf_that_was_not_reset(host: Host) -> None:
    for nth in range(1, 10):
        twin = host.twin(host.folder / f"twin{nth}")
        first = nic(twin, kill_at=nth)
        try:
            first.serve()
        except Killed:
            assert nic(twin).serve().outcome is PROGRAMMED
        assert (nic(twin).vf_count(), nic(twin).resets() >= 1) == (0, True)
        if len(first.hands.steps.reached) < nth:  # type: ignore[attr-defined]  # a KillAt
            return
    pytest.fail("more steps than there are")


def test_turn_that_serves_a_vf_never_takes_it_away_for_its_pf(host: Host) -> None:
    """What only a controller gone mad would ask for."""
    whole = DesiredFunction(PF, None, None, 2, Purpose.SERVE, VfSettings(), WEB)
    report = host.agent().turn(desired([host.serving(0), whole], [server([host.interface(0)], passthrough=[PF])]))
    assert host.settings(0).vlan == host.serving(0).settings.vlan
    assert {one.address: one.outcome for one in report.functions} == {PF: QUARANTINED, host.vf(0): PROGRAMMED}
    assert host.running() == set()


def test_steps_of_a_whole_function_are_those_of_any_other(host: Host) -> None:
    bench = gpu(host)
    bench.clean()
    assert bench.hands.steps.reached == [  # type: ignore[attr-defined]  # a KillAt
        AgentStep.INTENT_JOURNALLED, AgentStep.FUNCTION_RESET, AgentStep.BASELINE_VERIFIED,
    ]  # fmt: skip
