"""The command as a whole: help, typos, errors, and how little it loads."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

import mooring as package
from mooring.cli.main import main
from tests.cli.stage import Mooring
from tests.tidy.reference import commands

EVERY_COMMAND = dict(commands(main, "mooring"))

#: What a command may load when it needs it, and the command line never does.
HEAVY = (
    "sqlalchemy",
    "sqlite3",
    "falcon",
    "msgspec",
    "pyroute2",
    "uvicorn",
    "rich",
    "yaml",
    "ssl",
    "http.client",
    "asyncio",
)


def test_the_command_line_loads_nothing_that_only_some_commands_need() -> None:
    told = "import sys, mooring.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint(HEAVY)


def test_the_version_is_the_packages(mooring: Mooring) -> None:
    assert mooring("--version").stdout == f"mooring {package.__version__}\n"


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",)])
def test_help_lists_every_command_on_one_line_of_80_columns(mooring: Mooring, words: tuple[str, ...]) -> None:
    result = mooring(*words)
    lines = result.stdout.splitlines()
    for name in main.commands:
        assert len([line for line in lines if line.startswith(f"  {name} ")]) == 1
    assert result.exit_code == 0
    assert max(map(len, lines)) <= 80
    assert "..." not in result.stdout.replace("[ARGS]...", "")


@pytest.mark.parametrize("name", EVERY_COMMAND)
def test_help_of_a_command_fits_80_columns_and_explains_every_option(mooring: Mooring, name: str) -> None:
    result = mooring(*name.split()[1:], "--help")
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    for option in EVERY_COMMAND[name].params:
        if isinstance(option, click.Option):
            assert option.opts[-1].startswith("-")
            assert option.help


@pytest.mark.parametrize(
    "name", [name for name in EVERY_COMMAND if name.split()[1] not in {"up", "controller", "agent", "demo"}]
)
def test_every_command_that_prints_data_prints_json_too(name: str) -> None:
    assert "--json" in {text for option in EVERY_COMMAND[name].params for text in option.opts}


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        ("devcie list", "no such command 'devcie'", "did you mean mooring device?"),
        ("device lst", "no such command 'lst'", "did you mean mooring device list?"),
        ("frobnicate", "no such command 'frobnicate'", "mooring --help shows how to use it"),
        ("device list --jsn", "no such option '--jsn'", "did you mean --json?"),
        ("host show", "missing argument 'NAME'", "mooring host show --help shows how to use it"),
        ("host add x --zone", "option '--zone' requires an argument", "mooring host add --help shows how to use it"),
        ("device list --spec x", "--spec was given without --sysfs", "name the tree"),
        ("device list --sysfs x --host y", "--host and --sysfs were both given", "one host"),
        ("explain", "--flavor was not given", "or plan with --inventory"),
        ("agent --config /nowhere", "/nowhere: No such file", "--config"),
        ("controller --listen nonsense", "nonsense", "as in 127.0.0.1:8780"),
        ("host list", "no cloud is named", "OS_CLOUD"),
    ],
)
def test_an_error_says_what_happened_and_the_way_out_and_exits_1(
    mooring: Mooring, typed: str, message: str, hint: str
) -> None:
    result = mooring(*typed.split())
    first, second = result.stderr.splitlines()
    assert result.exit_code == 1
    assert first.startswith("mooring: ")
    assert message in first
    assert second.startswith("hint: ")
    assert hint in second
    assert result.stdout == ""


@pytest.mark.parametrize("typed", ["device lst --json", "host list --json", "device list --sysfs /nowhere --json"])
def test_with_json_an_error_is_an_object_of_code_message_and_hint(mooring: Mooring, typed: str) -> None:
    result = mooring(*typed.split())
    error = json.loads(result.stderr)["error"]
    assert result.exit_code == 1
    assert set(error) == {"code", "message", "hint"}
    assert all(error.values())


def test_a_name_from_the_command_line_cannot_command_the_terminal(mooring: Mooring) -> None:
    result = mooring("device", "list", "--sysfs", "/no\x1b[2J\u202ewhere")
    assert "\\x1b[2J\\u202ewhere" in result.stderr
    assert "\x1b" not in result.stderr


def test_a_folder_that_cannot_be_made_is_an_error_and_no_traceback(mooring: Mooring, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = mooring("controller", "--state", str(tmp_path / "file" / "below"), "--listen", "127.0.0.1:0")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"mooring: {tmp_path}/file")


def test_a_reader_that_goes_away_is_no_error(recording: Path) -> None:
    command = [sys.executable, "-m", "mooring", "device", "list", "--json", "--sysfs", str(recording)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.close()
        assert running.stderr is not None
        assert running.stderr.read() == b""
