"""Simulated hosts in a folder: wherever the folder is, their agents find it."""

import tomllib
from contextlib import chdir
from pathlib import Path

from mooring.config import ControllerConfig
from mooring.main import clouds_file
from mooring.testing.fleet import Fleet
from mooring.testing.hosts import MIXED


def test_a_host_in_a_folder_that_was_named_from_here_is_found_from_anywhere(tmp_path: Path) -> None:
    with chdir(tmp_path):
        host = Fleet(Path("hosts"), "http://127.0.0.1:1").build("sim1", MIXED, "key")
        clouds = clouds_file(ControllerConfig(state="state"))
    agent = tomllib.loads((tmp_path / "hosts/sim1/agent.toml").read_text())["agent"]
    assert {agent[name] for name in ("simulate", "key_file")} == {str(host.folder), str(host.folder / "agent.key")}
    assert host.folder == tmp_path / "hosts/sim1"
    assert clouds == tmp_path / "state/clouds.yaml"
