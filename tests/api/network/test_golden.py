"""The calls that were recorded against a real Neutron, replayed in their order: the same statuses, shapes and words."""

from tests.api.network.golden import Replay, compare, records
from tests.api.network.neutron import Neutron

#: In the order in which they were recorded: later calls name what earlier ones made.
RECORDED = ("networks", "subnets", "ports", "bindings", "qos", "misc")


def test_recorded_calls_get_the_recorded_answers(neutron: Neutron) -> None:
    replay = Replay(neutron)
    found: list[str] = []
    for name in RECORDED:
        for record in records(name):
            found += compare(replay, record, replay.send(record))
    assert not found, "\n".join(found)


def test_recorded_agent_calls_get_the_recorded_answers(neutron: Neutron) -> None:
    replay = Replay(neutron)
    found: list[str] = []
    for record in records("agents"):
        found += compare(replay, record, replay.send(record))
    assert not found, "\n".join(found)
