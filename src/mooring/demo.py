"""``mooring demo``: a controller and three agents in processes of their own, and a story told with real commands."""

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from xml.etree import ElementTree as ET

from mooring.errors import HostFault, Invalid, MooringError
from mooring.main import CLOUDS, Say
from mooring.testing.fleet import Fleet
from mooring.testing.hosts import named_plans
from mooring.testing.story import STORY, Step

_START_WAIT_S = 20.0
_POLL_S = 0.1
_TRY_AGAIN_S = 0.5
_COMMAND_MAX_S = 60
_HOSTS = 3
_BOLD, _DIM, _RED, _PLAIN = "\033[1m", "\033[2m", "\033[31m", "\033[0m"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays."""

    folder: Path
    url: str
    fleet: Fleet
    environment: dict[str, str]
    say: Say
    is_terminal: bool

    def styled(self, style: str, text: str) -> str:
        return f"{style}{text}{_PLAIN}" if self.is_terminal else text


def run(folder: Path | None, *, once: bool, say: Say = print) -> int:
    """Tell the story; 0 when every step was as told, 1 when not. Without ``once``, stays up until ctrl-C."""
    started_s = time.monotonic()
    with _folder(folder) as home, _stage(home, say) as stage:
        failures = _tell(stage)
        took_s = time.monotonic() - started_s
        if failures:
            say(stage.styled(_RED, f"\n{failures} steps were not as told, in {took_s:.0f} s. Logs: {home}"))
        else:
            say(stage.styled(_BOLD, f"\nEvery step was as told, in {took_s:.0f} s."))
        if not once:
            _stay(stage)
        return 1 if failures else 0


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """The given folder, which stays; or one that goes with us."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        if any(given.iterdir()):
            raise Invalid(f"{given} is not empty", hint="the story starts from nothing: give a new folder")
        yield given.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="mooring-demo-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@contextmanager
def _stage(home: Path, say: Say) -> Iterator[Stage]:
    """A controller that answers, and the hosts with their agents; all ended on the way out, however that comes."""
    address = f"127.0.0.1:{_free_port()}"
    url = f"http://{address}"
    environment = _environment(home)
    say(f"Starting a controller on {url} and {_HOSTS} agents. Everything is in {home}.")
    with (home / "controller.log").open("ab") as log:
        command = [sys.executable, "-m", "mooring", "controller", "--state", str(home), "--listen", address]
        controller = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)  # noqa: S603 - our own
    fleet = Fleet(home / "hosts", url)
    try:
        _wait(lambda: _answers(url), "the controller does not answer", home / "controller.log")
        _add_hosts(fleet, environment, home)
        fleet.start()
        _wait(lambda: _is_ready(environment, fleet), "the hosts did not report", home / "hosts")
        yield Stage(home, url, fleet, environment, say, sys.stdout.isatty())
    finally:
        fleet.stop()
        controller.terminate()
        controller.wait(_START_WAIT_S)


def _environment(home: Path) -> dict[str, str]:
    bin_folder = Path(sys.executable).parent
    path = f"{bin_folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    if shutil.which("openstack", path=path) is None:
        raise Invalid("the openstack command is not installed", hint="pip install 'mooring[client]', or make demo")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return {
        **kept, "PATH": path, "OS_CLIENT_CONFIG_FILE": str(home / CLOUDS), "OS_CLOUD": "mooring",
        "COLUMNS": "100", "PYTHONWARNINGS": "ignore",
    }  # fmt: skip


def _add_hosts(fleet: Fleet, environment: dict[str, str], home: Path) -> None:
    for name, plan in named_plans(_HOSTS).items():
        key_file = home / f"{name}.key"
        _run(["mooring", "host", "add", name, "--key-out", str(key_file)], environment, check=True)
        fleet.build(name, plan, key_file.read_text().strip())
        key_file.unlink()


def _is_ready(environment: dict[str, str], fleet: Fleet) -> bool:
    """Every offered VF of every host has been read back clean."""
    fleet.check()
    shown = _run(["mooring", "host", "list", "--json"], environment).stdout
    return shown.count('"alive"') == _HOSTS and "baselining" not in shown and "discovered" not in shown


def _tell(stage: Stage) -> int:
    total = sum(len(chapter.steps) for chapter in STORY)
    number, failures = 0, 0
    for chapter in STORY:
        stage.say("\n" + stage.styled(_BOLD, f"== {chapter.title} =="))
        for step in chapter.steps:
            number += 1
            failures += 0 if _play(stage, step, f"{number}/{total}") else 1
    return failures


def _play(stage: Stage, step: Step, place: str) -> bool:
    if step.told:
        stage.say(f"\n{step.told}")
    stage.say(stage.styled(_DIM, f"[{place}] ") + stage.styled(_BOLD, f"$ {step.command}"))
    done, is_as_told = subprocess.CompletedProcess[str]([], 1, "", ""), False
    for attempt in range(step.tries_max):
        if attempt:
            time.sleep(_TRY_AGAIN_S)
        done = _perform(stage, step)
        is_as_told = (done.returncode != 0) == step.is_refused and all(text in done.stdout for text in step.shows)
        if is_as_told:
            break
    stage.say(done.stdout.rstrip())
    if not is_as_told:
        wanted = "a refusal" if step.is_refused else "success"
        stage.say(stage.styled(_RED, f"not as told: exit code {done.returncode}; wanted {wanted} showing {step.shows}"))
    return is_as_told


def _perform(stage: Stage, step: Step) -> "subprocess.CompletedProcess[str]":
    command = shlex.split(step.command)
    if command[0] == "virsh":
        return _domain(stage, command[-1])
    return _run(command, stage.environment)


def _domain(stage: Stage, server: str) -> "subprocess.CompletedProcess[str]":
    """What ``virsh dumpxml`` would show on the server's host, if its hypervisor were not a simulated one."""
    named = ["openstack", "server", "show", server, "-f", "value", "-c", "id"]
    server_id = _run(named, stage.environment).stdout.strip()
    for name in named_plans(_HOSTS):
        try:
            tree = ET.fromstring(stage.fleet.open(name).hypervisor().xml(server_id))  # noqa: S314 - our own XML
        except MooringError:
            continue
        ET.indent(tree)
        return subprocess.CompletedProcess([], 0, ET.tostring(tree, encoding="unicode"), "")
    return subprocess.CompletedProcess([], 1, f"no host has a domain {server_id}", "")


def _run(command: list[str], environment: dict[str, str], *, check: bool = False) -> "subprocess.CompletedProcess[str]":
    """Run to its end, both outputs as one text."""
    done = subprocess.run(  # noqa: S603 - commands of our own story
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_COMMAND_MAX_S,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if check and done.returncode:
        raise HostFault(f"{shlex.join(command)} failed: {done.stdout.strip()}")
    return done


def _stay(stage: Stage) -> None:
    clouds = stage.folder / CLOUDS
    stage.say(
        f"""
The cloud stays up at {stage.url} until ctrl-C. In another terminal:

  export OS_CLIENT_CONFIG_FILE={clouds} OS_CLOUD=mooring PATH={Path(sys.executable).parent}:$PATH
  openstack server list
  mooring device list
  openstack server delete db        # and look at the devices again
  mooring explain --flavor small --nic net-id=blue,vnic-type=direct
  mooring event list
"""
    )
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(_TRY_AGAIN_S):
        stage.fleet.check()
    stage.say("Stopping.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=1) as answer:  # noqa: S310 - our own http address
            return bool(answer.status == HTTPStatus.OK)
    except (urllib.error.URLError, OSError):
        return False


def _wait(is_so: Callable[[], bool], otherwise: str, log: Path) -> None:
    deadline_s = time.monotonic() + _START_WAIT_S
    while not is_so():
        if time.monotonic() > deadline_s:
            raise HostFault(f"{otherwise} within {_START_WAIT_S:.0f} s", hint=f"see {log}")
        time.sleep(_POLL_S)
