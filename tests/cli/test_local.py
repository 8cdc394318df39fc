"""Commands that work on this machine alone: the database, the settings, and starting a cloud."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mooring.config import AgentConfig, AgentFile, ControllerConfig, load_agent, load_controller
from mooring.core.devspec_entries import parse_device_specs
from mooring.model.outside import NoSteps
from mooring.store.migrate import migrations
from mooring.store.sqlite import Store, create_file
from mooring.system import SystemClock
from tests.cli.stage import NO_CLOUD, Mooring
from tests.cli.test_client import answered, listening

_STOP_WAIT_S = 20


def test_upgrade_applies_every_migration_once(mooring: Mooring, tmp_path: Path) -> None:
    path = tmp_path / "mooring.db"
    create_file(path)
    newest = migrations()[-1].version
    first = json.loads(mooring("db", "upgrade", "--state", str(tmp_path), "--json").stdout)
    second = mooring("db", "upgrade", "--state", str(tmp_path))
    assert [one["version"] for one in first["applied"]] == [one.version for one in migrations()]
    assert second.stdout == f"{path} is already up to date\n"
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (newest,)
    connection.close()


def test_upgrade_says_what_it_applied(mooring: Mooring, tmp_path: Path) -> None:
    create_file(tmp_path / "mooring.db")
    said = mooring("db", "upgrade", "--state", str(tmp_path)).stdout.splitlines()
    assert said[0] == "applied 0001 first schema"
    assert said[-1] == f"{tmp_path}/mooring.db is up to date"


def test_upgrade_finds_the_state_in_the_configuration(mooring: Mooring, tmp_path: Path) -> None:
    create_file(tmp_path / "mooring.db")
    (tmp_path / "controller.toml").write_text(f'[controller]\nstate = "{tmp_path}"\n')
    assert mooring("db", "upgrade", "--config", str(tmp_path / "controller.toml")).exit_code == 0


def test_upgrade_refuses_a_database_that_a_controller_has_open(mooring: Mooring, tmp_path: Path) -> None:
    create_file(tmp_path / "mooring.db")
    store = Store(tmp_path / "mooring.db", SystemClock(), NoSteps())
    try:
        result = mooring("db", "upgrade", "--state", str(tmp_path))
    finally:
        store.close()
    assert result.exit_code == 1
    assert "another controller has" in result.stderr


def test_upgrade_makes_no_database_and_touches_no_other_file(mooring: Mooring, tmp_path: Path) -> None:
    result = mooring("db", "upgrade", "--state", str(tmp_path))
    assert "could not be found" in result.stderr
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mooring.db").write_text("dear diary")
    assert "is no SQLite database" in mooring("db", "upgrade", "--state", str(tmp_path)).stderr
    assert (tmp_path / "mooring.db").read_text() == "dear diary"


def test_what_config_show_prints_is_a_file_of_the_defaults(mooring: Mooring, tmp_path: Path) -> None:
    (tmp_path / "controller.toml").write_text(mooring("config", "show", "controller").stdout)
    (tmp_path / "agent.toml").write_text(mooring("config", "show", "agent").stdout)
    assert load_controller(tmp_path / "controller.toml") == ControllerConfig()
    assert load_agent(tmp_path / "agent.toml") == AgentFile(AgentConfig())


def test_the_device_spec_that_config_show_explains_is_right_once_uncommented(mooring: Mooring, tmp_path: Path) -> None:
    said, marker, spec = mooring("config", "show", "agent").stdout.partition("# [[device_spec]]\n")
    lines = [line.removeprefix("# ") for line in spec.splitlines() if not line.startswith("# address")]
    (tmp_path / "agent.toml").write_text("\n".join([said, marker.removeprefix("# "), *lines]))
    (parsed,) = parse_device_specs(load_agent(tmp_path / "agent.toml").device_specs)
    assert parsed.physical_network == "physnet1"


def test_config_show_fits_80_columns_and_has_every_setting_in_its_json(mooring: Mooring) -> None:
    result = mooring("config", "show")
    settings = json.loads(mooring("config", "show", "--json").stdout)
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert {one["key"] for one in settings if one["section"] == "agent"} == set(AgentConfig.__dataclass_fields__)
    assert all(one["doc"] and one["type"] for one in settings)


def test_audit_prints_findings_and_exits_1(mooring: Mooring) -> None:
    body = b'{"findings": [{"invariant": "I1", "text": "VF 0000:81:10.0 of \\u001b[31msim1 has two owners"}]}'
    with listening(answered("200 OK", body)) as port:
        result = mooring("audit", OS_AUTH_URL=f"http://127.0.0.1:{port}", OS_TOKEN="abc")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[1].split()[0] == "I1"
    assert "\\x1b[31msim1" in result.stdout


def test_ctrl_c_while_waiting_exits_130_without_a_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        environment = {name: value for name, value in os.environ.items() if name not in NO_CLOUD}
        environment |= {"OS_AUTH_URL": f"http://127.0.0.1:{server.getsockname()[1]}", "OS_TOKEN": "abc"}
        command = [sys.executable, "-m", "mooring", "host", "list"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as waiting:
            connection, _ = server.accept()
            connection.recv(1)
            waiting.send_signal(signal.SIGINT)
            said, complained = waiting.communicate(timeout=_STOP_WAIT_S)
            connection.close()
    assert (waiting.returncode, said, complained.strip()) == (130, b"", b"")


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_up_serves_a_cloud_that_other_commands_find_by_themselves(tmp_path: Path, stop: signal.Signals) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in NO_CLOUD}
    environment |= {"XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "mooring", "up", "--listen", address, "--simulate", "1"]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as running:
        # A start that hangs ends the wait for its words.
        hangs = threading.Timer(_STOP_WAIT_S, running.kill)
        hangs.start()
        assert running.stdout is not None
        assert any("serving on" in line for line in running.stdout)
        hangs.cancel()
        listing = [sys.executable, "-m", "mooring", "host", "list"]
        listed = subprocess.run(listing, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        running.send_signal(stop)
        running.communicate(timeout=_STOP_WAIT_S)
    assert listed.stderr == ""
    assert "sim1" in listed.stdout
    assert running.returncode == 0
