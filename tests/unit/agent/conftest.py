"""The simulated host that most of the agent's tests work on."""

from pathlib import Path

import pytest

from tests.unit.agent.hosts import Host


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def bare(tmp_path: Path) -> Host:
    """The same, whose PF has no VFs."""
    return Host(tmp_path, vf_count=0)
