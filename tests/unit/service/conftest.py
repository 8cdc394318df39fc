"""A host by hand; at the end of each test the auditor must have nothing to say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mooring.testing.controller import make_controller
from mooring.testing.outside import SeededIds, SteppedClock
from tests.unit.service.by_hand import Hand


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[Hand]:
    clock = SteppedClock()
    controller = make_controller(tmp_path, clock=clock, ids=SeededIds())
    made = Hand(controller, clock)
    made.join()
    yield made
    findings = made.findings()
    controller.store.close()
    assert findings == []
