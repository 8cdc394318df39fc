"""Who types a command, and what answers it."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from click.testing import CliRunner, Result

from mooring.api.app import make_app
from mooring.api.call import Controller
from mooring.api.routes import ROUTES
from mooring.cli.client import Client
from mooring.cli.main import main
from mooring.main import listen
from mooring.testing.cloud import Cloud
from mooring.testing.controller import token_for

_STOP_WAIT_S = 10.0
NO_CLOUD = {"OS_CLOUD": None, "OS_CLIENT_CONFIG_FILE": None, "OS_AUTH_URL": None, "OS_TOKEN": None}


@dataclass(frozen=True, slots=True)
class Mooring:
    """The command line, as typed in a terminal of 80 columns."""

    environment: Mapping[str, str | None]

    def __call__(self, *words: str, columns: int = 80, stdin: str | None = None, **environment: str | None) -> Result:
        told = {**NO_CLOUD, "COLUMNS": str(columns), **self.environment, **environment}
        return CliRunner().invoke(main, words, input=stdin, env=told, catch_exceptions=False)


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


@contextmanager
def serving(controller: Controller) -> Iterator[str]:
    """Its API on a port of this machine; gives the URL."""
    with listen("127.0.0.1:0") as bound:
        config = uvicorn.Config(make_app(controller, ROUTES), lifespan="off", log_config=None, access_log=False)
        server, loop = uvicorn.Server(config), asyncio.new_event_loop()
        controller.streams.bind(loop)
        thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve(sockets=[bound])), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            loop.call_soon_threadsafe(controller.streams.close)
            server.should_exit = True
            thread.join(_STOP_WAIT_S)
            loop.close()
