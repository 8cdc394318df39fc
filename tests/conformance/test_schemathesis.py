"""Requests made up from the description that the controller serves, good and bad ones, never get a 5xx.

``make test-tempest ARGS="-k schemathesis"`` runs this file alone; schemathesis comes from PyPI into a venv of its own.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mooring.api.openapi import PATH
from mooring.testing.client import ApiClient
from mooring.testing.hosts import named_plans
from mooring.testing.peers import venv_of
from mooring.testing.rig import Rig
from tests.conformance.workspace import SETTINGS

pytestmark = pytest.mark.requires("schemathesis")

REQUIREMENTS = ("schemathesis==4.32.5",)
EXAMPLES = 12
LIMIT_S = 600
ANSWER_LIMIT_S = 20
_SHOWN_CHARS_MAX = 12_000


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp("schemathesis"), SETTINGS)
    try:
        rig.start_controller()
        rig.add_hosts(named_plans(1))
        yield rig
        assert rig.findings() == []
    finally:
        rig.close()


@pytest.mark.parametrize("role", ["admin", "member"])
def test_no_made_up_request_gets_a_server_error(rig: Rig, role: str, tmp_path: Path) -> None:
    token = rig.client.token if role == "admin" else _members_token(rig)
    command = [
        str(venv_of(REQUIREMENTS) / "bin/st"), "run", f"{rig.url}{PATH}", "--header", f"X-Auth-Token:{token}",
        "--include-path-regex", "^/network", "--checks", "not_a_server_error", "--max-examples", str(EXAMPLES),
        "--generation-deterministic", "--continue-on-failure", "--no-color",
        "--request-timeout", str(ANSWER_LIMIT_S), "--warnings", "off", "--suppress-health-check", "all",
    ]  # fmt: skip
    home = {"PATH": os.defpath, "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=home, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    said = re.search(r"(\d+) generated", done.stdout)

    assert done.returncode == 0, done.stdout[-_SHOWN_CHARS_MAX:] + done.stderr
    assert said is not None, done.stdout[-_SHOWN_CHARS_MAX:]
    assert int(said[1]) > EXAMPLES


def _members_token(rig: Rig) -> str:
    client, word = rig.client, "a-password-for-a-minute"
    project = client.want(201, "POST", "/identity/v3/projects", {"project": {"name": "made-up"}})["project"]["id"]
    user = {"name": "made-up", "password": word, "default_project_id": project}
    user_id = client.want(201, "POST", "/identity/v3/users", {"user": user})["user"]["id"]
    role = client.want(200, "GET", "/identity/v3/roles?name=member")["roles"][0]["id"]
    client.want(204, "PUT", f"/identity/v3/projects/{project}/users/{user_id}/roles/{role}")
    member = ApiClient.login(rig.url, "made-up", word, "made-up")
    member.close()
    return member.token
