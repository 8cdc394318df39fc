"""A controller and three hosts' agents as processes, once for all client tests of a worker."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mooring.main import CLOUDS
from mooring.testing.hosts import named_plans
from mooring.testing.rig import Rig

OFFERED_VFS = 14 + 16 + 6
COMMAND_MAX_S = 60
OpenStack = Callable[..., Any]


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
    return exported(OS_CLIENT_CONFIG_FILE=str(cloud.state / CLOUDS), OS_CLOUD="mooring")


def exported(**variables: str) -> Mapping[str, str]:
    """Our own environment with these variables, and no others of OpenStack's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**kept, "PATH": path, "PYTHONWARNINGS": "ignore", **variables}


@pytest.fixture
def openstack(environment: Mapping[str, str]) -> OpenStack:
    """Runs one command and gives its JSON; ``refused`` wants it to fail, and gives what it said."""
    return openstack_in(environment)


def openstack_in(environment: Mapping[str, str]) -> OpenStack:
    """The same for whoever exported this."""

    def run(command: str, *, refused: bool = False, plain: bool = False) -> Any:
        words = ["openstack", *command.split()]
        wanted = words if plain or refused else [*words, "-f", "json"]
        done = subprocess.run(
            wanted, env=dict(environment), capture_output=True, text=True, timeout=COMMAND_MAX_S, check=False
        )
        assert (done.returncode != 0) == refused, f"{command}: {done.stdout}{done.stderr}"
        if refused:
            return done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout.strip() and not plain else done.stdout

    return run
