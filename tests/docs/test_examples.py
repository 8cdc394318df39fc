"""What a page tells a reader to type is typed here, in order, and has to answer as the page says.

The tutorial and the SDK's example run against ``mooring up`` with the real ``openstack`` command, in a home folder of
their own. The mechanism driver's page is executed, and every TOML example is loaded.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mooring.config import load_agent, load_controller
from mooring.core.devspec_entries import parse_device_specs
from mooring.ml2.driver import HOOKS
from mooring.ml2.load import load_drivers
from mooring.ml2.noop import NoopDriver
from tests.docs.examples import DOCS, ROOT, Command, blocks, commands

TUTORIAL = "tutorial/first-server.md"
SWITCHES = "how-to/hosts-on-several-switches.md"
SDK = "how-to/use-terraform-or-the-sdk.md"
DRIVER = "how-to/write-a-mechanism-driver.md"
HOST = "how-to/add-a-host.md"

START_MAX_S = 30.0
STOP_MAX_S = 15.0
COMMAND_MAX_S = 60.0
AGAIN_MAX_S = 20.0
AGAIN_S = 0.5


class Terminal:
    """One reader: a home folder, what was exported, and the cloud that was started in the other terminal."""

    def __init__(self, home: Path):
        self._home = home
        self._port = _free_port()
        self._cloud: subprocess.Popen[bytes] | None = None
        self._log = home / "up.log"
        scripts = home / "bin"
        scripts.mkdir()
        script = scripts / "mooring"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mooring "$@"\n')
        script.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "XDG_"))}
        path = os.pathsep.join([str(scripts), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        self.environment = {
            **kept, "HOME": str(home), "PATH": path, "PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "ignore",
            "PYTHONUNBUFFERED": "1", "COLUMNS": "300",
        }  # fmt: skip

    def enter(self, command: Command) -> None:
        """Type one command. Raises AssertionError when it does not answer as the page says."""
        if command.line.startswith("mooring up"):
            self.start(command)
        elif command.line.startswith("export "):
            self._export(command.line)
        else:
            self._run(command)

    def start(self, command: Command) -> None:
        """``mooring up``, on a port of its own, once whatever ran before was ended with ctrl-C."""
        self.stop()
        line = f"exec {command.line} --listen 127.0.0.1:{self._port}"
        with self._log.open("wb") as log:
            self._cloud = subprocess.Popen(
                ["/bin/sh", "-c", line], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._until(START_MAX_S, lambda: command.lacking(self._said()), self._said)

    def _said(self) -> str:
        """What the cloud said so far. Raises AssertionError when it has ended by itself."""
        said = self._log.read_text(encoding="utf-8")
        assert self._cloud is None or self._cloud.poll() is None, f"mooring up ended by itself: {said[-4000:]}"
        return said

    def stop(self) -> None:
        """Press ctrl-C."""
        if self._cloud is None:
            return
        self._cloud.send_signal(signal.SIGINT)
        code = self._cloud.wait(STOP_MAX_S)
        self._cloud = None
        assert code == 0, f"mooring up ended with {code}: {self._said()[-4000:]}"

    def close(self) -> None:
        """Whatever happened, nothing of ours runs afterwards: the cloud takes its agents along."""
        if self._cloud is None:
            return
        self._cloud.send_signal(signal.SIGINT)
        try:
            self._cloud.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            self._cloud.kill()
            self._cloud.wait()

    def _export(self, line: str) -> None:
        for pair in line.split()[1:]:
            name, _, value = pair.partition("=")
            self.environment[name] = value.replace("~", str(self._home), 1)

    def _run(self, command: Command) -> None:
        """Once; again for a while if it is a question, because a host needs a moment."""
        said = ""

        def lacking() -> list[str]:
            nonlocal said
            code, said = self.shell(command.line)
            wrong = [] if (code != 0) == command.is_refused else [f"exit code {code}"]
            return wrong + command.lacking(said)

        self._until(AGAIN_MAX_S if command.is_question else 0.0, lacking, lambda: f"$ {command.line}\n{said}")

    def shell(self, line: str) -> tuple[int, str]:
        """Exit code, and both outputs as one text."""
        done = subprocess.run(
            ["/bin/sh", "-c", line], env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=COMMAND_MAX_S, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    @staticmethod
    def _until(limit_s: float, lacking: Callable[[], list[str]], said: Callable[[], str]) -> None:
        deadline_s = time.monotonic() + limit_s
        while left := lacking():
            assert time.monotonic() < deadline_s, f"lacks {left}:\n{said()[-4000:]}"
            time.sleep(AGAIN_S)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.requires("client")
@pytest.mark.parametrize(("page", "least"), [(TUTORIAL, 20), (SWITCHES, 20)])
def test_every_command_of_the_page_answers_as_it_says(terminal: Terminal, page: str, least: int) -> None:
    told = commands(page)
    assert len(told) > least
    for command in told:
        terminal.enter(command)


@pytest.mark.requires("client")
def test_the_program_for_the_sdk_runs_and_leaves_nothing_behind(terminal: Terminal) -> None:
    (program,) = blocks(SDK, "python")
    terminal.enter(Command("mooring up --simulate 1 --state ~/sdk", ("serving on ... with 1 simulated hosts; ...",)))
    terminal.enter(Command("export OS_CLIENT_CONFIG_FILE=~/sdk/clouds.yaml OS_CLOUD=mooring"))
    terminal.enter(Command("mooring host list", ("sim1 alive ... physnet1 14/14",)))
    file = Path(terminal.environment["HOME"]) / "program.py"
    file.write_text(program)
    code, said = terminal.shell(f'"{sys.executable}" {file}')
    assert (code, said.split()[:2]) == (0, ["ACTIVE", "hw_veb"]), said
    terminal.enter(Command("mooring host list", ("sim1 alive ... physnet1 14/14",)))
    terminal.enter(Command("mooring audit", ("no findings",)))
    assert terminal.shell("openstack port list -f value -c ID; openstack image list -f value -c ID") == (0, "")


def test_the_driver_of_the_page_keeps_the_contract_and_passes_its_own_tests(tmp_path: Path) -> None:
    page = tmp_path / "test_acme.py"
    page.write_text("\n\n".join(blocks(DRIVER, "python")))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(page)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=COMMAND_MAX_S, check=False
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    assert done.returncode == 0, done.stdout
    assert passed is not None
    assert int(passed[1]) > len(HOOKS), "the contract was not run"


def test_the_driver_of_the_page_takes_the_options_of_the_page(tmp_path: Path) -> None:
    module: dict[str, Any] = {"__name__": "acme_mooring"}
    exec(compile(blocks(DRIVER, "python")[0], str(DOCS / DRIVER), "exec"), module)  # noqa: S102 - our own page
    file = tmp_path / "controller.toml"
    file.write_text(next(text for text in blocks(DRIVER, "toml") if "[controller.driver.acme]" in text))
    config = load_controller(file)
    own = {name: lambda: NoopDriver for name in config.mechanism_drivers}
    driver, *_ = load_drivers(config.mechanism_drivers, {**own, "acme": lambda: module["AcmeDriver"]}, config.driver)
    assert vars(driver)["vlans"] == range(200, 300)


def test_every_toml_example_is_one_that_mooring_reads(tmp_path: Path) -> None:
    seen = set()
    for page in sorted(DOCS.rglob("*.md")):
        for text in blocks(str(page.relative_to(DOCS)), "toml"):
            file = tmp_path / "example.toml"
            file.write_text(text)
            tables = set(tomllib.loads(text))
            seen |= tables
            if "controller" in tables:
                load_controller(file)
            elif tables & {"agent", "device_spec"}:
                parse_device_specs(load_agent(file).device_specs)
    assert {"agent", "device_spec", "controller", "project"} <= seen


def test_a_line_with_dots_matches_any_spacing_and_anything_in_between() -> None:
    command = Command("x", ("| status | ... |", "VF  1", "...in use"))
    assert command.lacking("| status   | ACTIVE |\nVF 1\nport 7 is in use") == []
    assert command.lacking("| status | ACTIVE\nVF 12\nin use by x") == list(command.shows)


def test_what_a_session_tells_is_read_line_by_line() -> None:
    found = commands(TUTORIAL)
    assert found[0].line == "mooring up --simulate 3 --state ~/mooring-tutorial"
    refused = [command.line for command in found if command.is_refused]
    assert any(line.endswith(" clash") for line in refused)
    assert not any(re.search(r"\s#", command.line) for command in found)
