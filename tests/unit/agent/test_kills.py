"""A kill at every single step of every story: a new agent over the same host ends where no kill would have ended."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mooring.core.devspec import DeviceSpec
from mooring.model.desired import Desired, DesiredFunction, Purpose
from mooring.model.outside import AgentStep, ControllerStep
from mooring.model.vf import LinkState, VfSettings, Vlan
from mooring.testing.cards import INTEL_82576, INTEL_X710, Card
from tests.unit.agent.hosts import MAIL, PF, PF_NETDEV, WEB, Host, KillAt, Killed, desired, server

_STEPS_MAX = 100
EVERYTHING = (DeviceSpec(pf=PF_NETDEV, physical_network="physnet1", whole=True),)

Story = Callable[[Host], list[Desired]]


def first_baseline(host: Host) -> list[Desired]:
    return [desired([host.clean(0), host.clean(1)])]


def boot(host: Host) -> list[Desired]:
    functions = [host.serving(0, vlan=Vlan(100, qos=5)), host.serving(1)]
    return [*first_baseline(host), desired(functions, [server([host.interface(0), host.interface(1)])], 2)]


def delete(host: Host) -> list[Desired]:
    functions = [host.clean(0, generation=3), host.clean(1, generation=3)]
    return [*boot(host), desired(functions, [server([], generation=2, is_wanted=False)], 3)]


def hand_over(host: Host) -> list[Desired]:
    """One server goes, and its functions are another's at once."""
    functions = [host.serving(0, MAIL, generation=4, trust=True), host.clean(1, generation=3)]
    servers = [server([], generation=2, is_wanted=False), server([host.interface(0)], MAIL)]
    return [*boot(host), desired(functions, servers, 3)]


def detach(host: Host) -> list[Desired]:
    functions = [host.serving(0, vlan=Vlan(100, qos=5)), host.clean(1, generation=3)]
    return [*boot(host), desired(functions, [server([host.interface(0)], generation=2)], 3)]


def attach(host: Host) -> list[Desired]:
    one = [host.serving(0), host.clean(1)]
    two = [host.serving(0), host.serving(1, vlan=Vlan(101, qos=5))]
    return [
        desired(one, [server([host.interface(0)])]),
        desired(two, [server([host.interface(0), host.interface(1)], generation=2)], 2),
    ]


def pass_through(host: Host) -> list[Desired]:
    """A port's VF, and one that the flavor asked for."""
    functions = [host.serving(0), host.portless(1)]
    return [*first_baseline(host), desired(functions, [server([host.interface(0)], passthrough=[host.vf(1)])], 2)]


def give_back(host: Host) -> list[Desired]:
    functions = [host.clean(0, generation=3), host.clean(1, generation=3)]
    return [*pass_through(host), desired(functions, [server([], generation=2, is_wanted=False)], 3)]


def give_away(host: Host) -> list[Desired]:
    """The PF itself: its VFs go."""
    clean = DesiredFunction(PF, None, None, 1, Purpose.BASELINE, VfSettings())
    whole = DesiredFunction(PF, None, None, 2, Purpose.SERVE, VfSettings(), WEB)
    return [
        desired([clean, host.clean(0), host.clean(1)]),
        desired([whole], [server([], passthrough=[PF])], 2),
    ]


def take_back(host: Host) -> list[Desired]:
    """And are made anew."""
    clean = DesiredFunction(PF, None, None, 3, Purpose.BASELINE, VfSettings())
    return [*give_away(host), desired([clean], [server([], generation=2, is_wanted=False)], 3)]


def begun(folder: Path, story: Story, card: Card = INTEL_X710) -> tuple[Host, Desired]:
    """A host in that folder with all but the last of the story done, and the last."""
    host = Host(folder, card)
    *earlier, last = story(host)
    agent = host.agent(specs=EVERYTHING)
    for wanted in earlier:
        agent.carry_out(wanted)
    return host, last


def end_of(host: Host, last: Desired, steps: KillAt) -> tuple[object, object]:
    """What the host and its last report are after the last of it, a killed agent being started again once."""
    try:
        report = host.agent(steps, EVERYTHING).carry_out(last)
    except Killed:
        report = host.agent(specs=EVERYTHING).carry_out(last)
    return host.state(), report


@pytest.mark.parametrize(
    ("story", "card"),
    [
        *((story, INTEL_X710) for story in (first_baseline, boot, delete, hand_over, detach, attach)),
        *((story, INTEL_X710) for story in (pass_through, give_back, give_away, take_back)),
        (boot, INTEL_82576),
        (hand_over, INTEL_82576),
        (take_back, INTEL_82576),
    ],
    ids=lambda value: value.driver if isinstance(value, Card) else value.__name__,
)
def test_a_kill_at_any_step_ends_where_no_kill_would_have(tmp_path: Path, story: Story, card: Card) -> None:
    start, last = begun(tmp_path / "start", story, card)
    everything = KillAt()
    goal = end_of(start.twin(tmp_path / "calm"), last, everything)
    count = len(everything.reached)
    assert 0 < count < _STEPS_MAX
    for nth in range(1, count + 1):
        host = start.twin(tmp_path / str(nth))
        steps = KillAt(nth)
        assert end_of(host, last, steps) == goal, f"killed at {steps.reached[-1]}, step {nth} of {count}"
        assert steps.reached == everything.reached[:nth]


def test_a_life_from_baseline_to_baseline_passes_every_step_there_is(host: Host) -> None:
    steps = KillAt()
    agent = host.agent(steps, EVERYTHING)
    for wanted in delete(host):
        agent.carry_out(wanted)
    of_whole_pfs = {AgentStep.VFS_REMOVED, AgentStep.VFS_MADE}
    assert set(steps.reached) == set(AgentStep) - of_whole_pfs
    *_, serving, cleaning = take_back(host)
    for sequence, wanted in enumerate((serving, cleaning), start=4):
        agent.carry_out(replace(wanted, sequence=sequence))
    assert set(steps.reached) == set(AgentStep)


class Watch(KillAt):
    """At every step: no guest has a function with an open link and somebody else's settings."""

    def __init__(self, host: Host, count: int) -> None:
        super().__init__(count)
        self.host = host
        self.wanted: Desired | None = None

    def reach(self, step: AgentStep | ControllerStep) -> None:
        self.look(step)
        super().reach(step)

    def look(self, step: object) -> None:
        held = {address for domain in self.host.hypervisor.domains() for address in domain.functions}
        for function in self.wanted.functions if self.wanted else ():
            assert function.vf_index is not None
            observed = self.host.settings(function.vf_index)
            if function.address in held and function.purpose is Purpose.SERVE and observed.link_state is LinkState.AUTO:
                assert observed == function.settings, f"at {step}"


@pytest.mark.parametrize("story", [boot, attach, pass_through])
def test_no_guest_ever_has_an_open_link_with_other_settings_than_its_own(tmp_path: Path, story: Story) -> None:
    start, last = begun(tmp_path / "start", story)
    for nth in range(1, _STEPS_MAX):
        host = start.twin(tmp_path / str(nth))
        watch = Watch(host, nth)
        watch.wanted = last
        try:
            host.agent(watch).turn(last)
        except Killed:
            watch.look("the kill")
            watch.count = 0
            host.agent(watch).turn(last)
            assert host.running() == {WEB}
        else:
            return
    pytest.fail(f"a story of more than {_STEPS_MAX} steps")


def test_a_kill_after_the_writing_leaves_the_link_down(host: Host) -> None:
    """The settings are the new owner's, and not read back."""
    steps = KillAt(5)
    with pytest.raises(Killed):
        host.agent(steps).turn(desired([host.serving(0)], [server([host.interface(0)])]))
    assert steps.reached[-1] == AgentStep.SETTINGS_WRITTEN
    assert host.table.read(PF_NETDEV, 0).link_state is LinkState.DISABLE
