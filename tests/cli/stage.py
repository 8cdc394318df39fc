"""Who types a command, and what answers it."""

from collections.abc import Mapping
from dataclasses import dataclass

from click.testing import CliRunner, Result

from mooring.cli.client import Client
from mooring.cli.main import main
from mooring.testing.cloud import Cloud
from mooring.testing.controller import token_for

NO_CLOUD = {"OS_CLOUD": None, "OS_CLIENT_CONFIG_FILE": None, "OS_AUTH_URL": None, "OS_TOKEN": None}


@dataclass(frozen=True, slots=True)
class Mooring:
    """The command line, as typed in a terminal of 80 columns."""

    environment: Mapping[str, str | None]

    def __call__(self, *words: str, columns: int = 80, **environment: str | None) -> Result:
        told = {**NO_CLOUD, "COLUMNS": str(columns), **self.environment, **environment}
        return CliRunner().invoke(main, words, env=told, catch_exceptions=False)


@dataclass(frozen=True, slots=True)
class Served:
    """A cloud whose API answers on ``url``."""

    cloud: Cloud
    url: str
    client: Client
    mooring: Mooring

    def member(self) -> Mooring:
        """The command line of somebody who is no admin."""
        token = token_for(self.cloud.controller, "demo")
        return Mooring({"OS_AUTH_URL": f"{self.url}/identity/v3", "OS_TOKEN": token})
