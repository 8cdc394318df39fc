"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(path_type=Path)

as_json = click.option("--json", "is_json", is_flag=True, help="Print JSON, errors included.")

cloud = click.option("--os-cloud", metavar="NAME", help="A cloud of clouds.yaml; else OS_CLOUD or OS_*.")

config_file = click.option("--config", type=FILE, metavar="FILE", help="Read the settings from this TOML file.")
