"""``mooring up``, ``controller``, ``agent`` and ``demo``: start the roots."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mooring.cli.options import FILE, config_file
from mooring.cli.text import say

if TYPE_CHECKING:
    from mooring.config import ControllerConfig

_HOSTS_MAX = 100
AGENT_FILE = Path("/etc/mooring/agent.toml")

_state = click.option("--state", metavar="DIR", help="Folder of the database and of the first credentials.")
_listen = click.option("--listen", metavar="ADDR:PORT", help="Address and port to serve all APIs on.")


def up_state() -> Path:
    """Where ``mooring up`` keeps its cloud unless told otherwise: no place that only root can write."""
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "mooring"


@click.command(short_help="A controller and, if asked, simulated hosts: all in one.")
@_state
@_listen
@click.option("--simulate", type=click.IntRange(0, _HOSTS_MAX), default=0, metavar="N", help="Add N simulated hosts.")
@config_file
def up(state: str | None, listen: str | None, simulate: int, config: Path | None) -> None:
    """Run a controller and, if asked, simulated hosts, until ctrl-C.

    Its state is in ~/.local/state/mooring, unless --state or the file of --config says otherwise. Other commands find
    its clouds.yaml there by themselves.
    """
    from mooring.main import run_up

    run_up(_settings(config, state or (None if config else str(up_state())), listen), simulate, say)


@click.command(short_help="The controller alone.")
@config_file
@_state
@_listen
def controller(config: Path | None, state: str | None, listen: str | None) -> None:
    """Run the controller until SIGINT or SIGTERM.

    SIGHUP has it read the file of --config again: VLAN ranges and MTUs are taken at once.
    """
    from mooring.main import run_controller

    reread = (lambda: _settings(config, state, listen)) if config else None
    run_controller(_settings(config, state, listen), say, reread=reread)


@click.command(short_help="The agent of this machine.")
@click.option(
    "--config", type=FILE, default=AGENT_FILE, show_default=True, metavar="FILE", help="Read the settings from it."
)
def agent(config: Path) -> None:
    """Run the agent of this machine until SIGINT or SIGTERM.

    Its settings and [[device_spec]] entries are in one TOML file, the host's key, from mooring host add, in another.
    """
    from mooring.agent.main import run_agent
    from mooring.config import load_agent

    run_agent(load_agent(config))


@click.command(short_help="A small cloud and its story, told and run.")
@click.option("--once", is_flag=True, help="End after the story; exit 1 if a step was not as told.")
@click.option("--dir", "folder", type=FILE, metavar="DIR", help="Keep everything in this new folder.")
def demo(once: bool, folder: Path | None) -> int:
    """Tell three cases with real commands on a small cloud, then keep it up until ctrl-C."""
    from mooring.demo import run

    return run(folder, once=once, say=say)


def _settings(config: Path | None, state: str | None, listen: str | None) -> "ControllerConfig":
    from mooring.config import ControllerConfig, load_controller

    settings = load_controller(config) if config else ControllerConfig()
    settings = replace(settings, state=state) if state else settings
    return replace(settings, listen=listen) if listen else settings
