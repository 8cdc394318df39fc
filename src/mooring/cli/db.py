"""``mooring db upgrade``: bring the database's schema up to date."""

import os
from pathlib import Path

import click

from mooring.cli.options import as_json, config_file
from mooring.cli.text import plain, print_json, say
from mooring.errors import Invalid, NotFound

_SQLITE_MAGIC = b"SQLite format 3\x00"


@click.group(short_help="Upgrade the controller's database.")
def db() -> None:
    """The controller's database."""


@db.command(short_help="Bring the database's schema up to date.")
@click.option("--state", metavar="DIR", help="Folder of the database.")
@config_file
@as_json
def upgrade(state: str | None, config: Path | None, is_json: bool) -> None:
    """Bring the database's schema up to date, while no controller runs on it.

    Without --state and --config, the database is where a controller without a configuration keeps it.
    """
    from mooring.config import ControllerConfig, load_controller
    from mooring.store.migrate import upgrade_file
    from mooring.store.sqlite import hold

    settings = load_controller(config) if config else ControllerConfig()
    path = Path(state or settings.state).expanduser() / "mooring.db"
    _check(path)
    held = hold(path)
    try:
        applied = upgrade_file(path)
    finally:
        os.close(held)
    if is_json:
        print_json({"database": str(path), "applied": [{"version": one.version, "name": one.name} for one in applied]})
        return
    for one in applied:
        say(f"applied {one.version:04d} {one.name.replace('_', ' ')}")
    say(f"{plain(path)} is up to date" if applied else f"{plain(path)} is already up to date")


def _check(path: Path) -> None:
    """Raise NotFound for no file, Invalid for one that SQLite did not write: an upgrade would make or harm one."""
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_SQLITE_MAGIC))
    except FileNotFoundError as missing:
        raise NotFound("database", str(path), hint="name its folder with --state; a controller makes it") from missing
    except OSError as broken:
        raise Invalid(f"{path}: {broken.strerror}") from broken
    if start not in (b"", _SQLITE_MAGIC):
        raise Invalid(f"{path} is no SQLite database", hint="name the folder of the database with --state")
