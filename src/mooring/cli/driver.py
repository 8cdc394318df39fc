"""``mooring driver list``: the mechanism drivers that this machine's controller can load."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mooring.cli.options import as_json, config_file
from mooring.cli.text import Column, print_json, print_table
from mooring.cli.tree import print_notes

if TYPE_CHECKING:
    from mooring.config import ControllerConfig
    from mooring.ml2.load import Installed

_COLUMNS = (
    Column("NAME"),
    Column("NO.", is_number=True),
    Column("VNIC TYPES", folds=True),
    Column("AGENT", folds=True),
    Column("FROM", folds=True),
)


@click.group(short_help="List the mechanism drivers.")
def driver() -> None:
    """Mechanism drivers: who decides whether and how a port is bound."""


@driver.command("list", short_help="List the installed mechanism drivers.")
@config_file
@as_json
def listing(config: Path | None, is_json: bool) -> None:
    """List the mechanism drivers that are installed beside this command; those with a number are in mechanism_drivers.

    A driver is made, with the options that the file of --config has for it, and not started.
    """
    from mooring.config import ControllerConfig, load_controller
    from mooring.ml2.load import registered_drivers

    settings = load_controller(config) if config else ControllerConfig()
    installed = registered_drivers()
    found = [_told(each, settings) for each in installed]
    found += [
        _missing(name, settings) for name in settings.mechanism_drivers if name not in {each.name for each in installed}
    ]
    if is_json:
        print_json(found)
    else:
        print_table(_COLUMNS, [_row(one) for one in found])
        print_notes("error", [(one["name"], one["fault"] or "") for one in found])


def _told(installed: "Installed", settings: "ControllerConfig") -> Mapping[str, Any]:
    from mooring.errors import MooringError
    from mooring.ml2.driver import about
    from mooring.ml2.load import make_driver, options_of

    facts: dict[str, Any] = {
        "name": installed.name,
        "position": _position(installed.name, settings),
        "class": installed.target,
        "distribution": installed.distribution,
        "version": installed.version,
        "vnic_types": [],
        "agent_type": None,
        "options": [],
        "fault": None,
    }
    try:
        made = make_driver(installed.name, installed.load, settings.driver.get(installed.name, {}))
        return {**facts, **about(made), "options": list(options_of(installed.load()))}
    except MooringError as fault:
        return {**facts, "fault": f"{fault.message} ({fault.hint})" if fault.hint else fault.message}


def _missing(name: str, settings: "ControllerConfig") -> Mapping[str, Any]:
    blank = dict.fromkeys(("class", "distribution", "version", "agent_type"))
    fault = f"mechanism driver {name!r} is not installed"
    return {
        "name": name, "position": _position(name, settings), **blank, "vnic_types": [], "options": [], "fault": fault,
    }  # fmt: skip


def _position(name: str, settings: "ControllerConfig") -> int | None:
    """From 1; ``None`` for a driver that is not loaded."""
    names = settings.mechanism_drivers
    return names.index(name) + 1 if name in names else None


def _row(one: Mapping[str, Any]) -> Sequence[object]:
    where = f"{one['distribution']} {one['version']}" if one["distribution"] else None
    return (one["name"], one["position"], ", ".join(one["vnic_types"]) or None, one["agent_type"], where)
