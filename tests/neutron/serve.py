"""A whole neutron-server in one process. Runs with the interpreter of a venv that has neutron.

The one argument is JSON: ``{"files": [settings...], "port": 9696, "agents": {"host": true, ...}}``. The tables are made
from the models, as Neutron's own tests do: its migrations do not run on SQLite. The WSGI application is the one that
Neutron ships for uWSGI and Apache, here below Paste's server of threads, which Neutron depends on. Agents are written
as their reports would be, and those that are not alive reported last in 2020. Every caller is an admin and a service.
"""

import datetime as dt
import json
import os
import sys

TOLD = json.loads(sys.argv[1])
sys.argv = ["neutron-api"]
os.environ["OS_NEUTRON_CONFIG_DIR"] = "/"
os.environ["OS_NEUTRON_CONFIG_FILES"] = ";".join(TOLD["files"])

from oslo_service import backend  # noqa: E402 - after argv

backend.init_backend(backend.BackendType.THREADING)

from neutron import server  # noqa: E402 - after init_backend
from neutron.db.migration.models import head  # noqa: E402, F401 - after init_backend; it knows every model
from neutron.objects import agent as agents  # noqa: E402 - after init_backend
from neutron.server import api  # noqa: E402 - after init_backend
from neutron_lib import context  # noqa: E402 - after init_backend
from neutron_lib.db import api as database  # noqa: E402 - after init_backend
from neutron_lib.db import model_base  # noqa: E402 - after init_backend
from neutron_lib.plugins import directory  # noqa: E402 - after init_backend
from paste import httpserver  # noqa: E402 - after init_backend

THREADS = 10
IDENTITY = {
    "HTTP_X_PROJECT_ID": "0ad81c1e4f5c4b2a9a5a6bd0bd1f0a11",
    "HTTP_X_USER_ID": "4f2c4bd5a9e94e6aa1c6d3b0f4ad0b22",
    "HTTP_X_ROLES": "admin,service",
}
LONG_AGO = dt.datetime(2020, 1, 1)  # noqa: DTZ001 - Neutron's are naive


def boot():
    admin = context.get_admin_context()
    with database.CONTEXT_WRITER.using(admin) as session:
        model_base.BASEV2.metadata.create_all(session.get_bind())
    application = api.api_server()
    for host, is_alive in TOLD["agents"].items():
        report(admin, host, is_alive)
    return application


def report(admin, host, is_alive):
    state = {
        "agent_type": "NIC Switch agent",
        "binary": "neutron-sriov-nic-agent",
        "host": host,
        "topic": "N/A",
        "configurations": {"device_mappings": {"physnet1": ["ens1f0"]}},
        "start_flag": True,
    }
    _, told = directory.get_plugin().create_or_update_agent(admin, state)
    if not is_alive:
        dead = agents.Agent.get_object(admin, id=told["id"])
        dead.heartbeat_timestamp = LONG_AGO
        dead.update()


def with_identity(application):
    """What Keystone's middleware would have put there for an operator's token, once it had checked it."""

    def called(environ, start_response):
        return application({**environ, **IDENTITY}, start_response)

    return called


class Handler(httpserver.WSGIHandler):
    """Answers in two writes, the second of which must not wait for the client to acknowledge the first."""

    disable_nagle_algorithm = True


httpserver.serve(
    with_identity(server.boot_server(boot, prog="neutron-api")),
    handler=Handler,
    host="127.0.0.1",
    port=str(TOLD["port"]),
    protocol_version="HTTP/1.1",
    threadpool_workers=THREADS,
    daemon_threads=True,
)
