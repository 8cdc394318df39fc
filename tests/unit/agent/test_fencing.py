"""Late copies of what was desired once: refused, by epoch and by generation."""

import pytest

from mooring.errors import Stale
from tests.unit.agent.hosts import (
    BASELINE_VERIFIED,
    FAILED,
    QUARANTINED,
    WEB,
    Host,
    boot,
    desired,
    outcomes,
    server,
)


def test_an_older_epoch_is_refused_whole(host: Host) -> None:
    host.agent().turn(desired([host.clean(0)], epoch=5))
    before = host.state()
    with pytest.raises(Stale, match="epoch 4 is older than 5"):
        host.agent().turn(desired([host.clean(1)], epoch=4))
    assert host.state() == before


def test_an_older_generation_of_a_function_is_refused_and_stops_nothing_else(host: Host) -> None:
    host.agent().turn(boot(host, 0))
    before = host.settings(0)
    late = desired([host.clean(0, generation=1), host.clean(1)], [server([host.interface(0)])], sequence=2)
    host.hypervisor.destroy(WEB)
    report = host.agent().turn(late)
    assert [one.outcome for one in report.functions] == [QUARANTINED, BASELINE_VERIFIED]
    assert "generation 1" in report.functions[0].reason
    assert host.settings(0).vlan == before.vlan


def test_a_released_claim_is_not_revived_by_a_late_copy_of_it(host: Host) -> None:
    host.agent().turn(boot(host, 0))
    gone = desired([host.clean(0, generation=3)], [server([], generation=2, is_wanted=False)], sequence=2)
    host.agent().turn(gone)
    report = host.agent().turn(boot(host, 0))
    assert outcomes(report) == [QUARANTINED, FAILED]
    assert host.running() == set()
    assert host.settings(0) == host.clean(0).settings
