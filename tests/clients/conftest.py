"""A controller and three hosts' agents as processes, once for all client tests of a worker."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mooring.main import CLOUDS
from mooring.testing.hosts import named_plans
from mooring.testing.rig import Rig

OFFERED_VFS = 14 + 16 + 6


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """The three hosts of the 2013 thread, every VF at its verified baseline."""
    rig = Rig(tmp_path_factory.mktemp("cloud"))
    try:
        rig.start_controller()
        rig.add_hosts(named_plans(3))
        for name in rig.hosts:
            rig.start_agent(name)
        rig.wait_available(OFFERED_VFS)
        yield rig
        assert rig.findings() == []
    finally:
        rig.close()


@pytest.fixture(scope="session")
def environment(cloud: Rig) -> Mapping[str, str]:
    """What a person would export before the first ``openstack`` command."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    clouds = str(cloud.state / CLOUDS)
    return {**kept, "PATH": path, "OS_CLIENT_CONFIG_FILE": clouds, "OS_CLOUD": "mooring", "PYTHONWARNINGS": "ignore"}
