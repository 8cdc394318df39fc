"""A cloud for Tempest, and the folder from which Tempest is run against it."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mooring.testing.client import ApiClient
from mooring.testing.hosts import named_plans
from mooring.testing.peers import venv_of
from mooring.testing.rig import Rig

HERE = Path(__file__).parent
REQUIREMENTS = ("tempest==47.0.0", "neutron-tempest-plugin==3.3.0")
_PASSWORD = "secret"
_OFFERED_VFS = 30
_ADMINS = tuple(f"tadmin{number}" for number in range(1, 5))
_PROJECTS = tuple(f"tp{number}" for number in range(1, 5))
#: Members first: Tempest takes the first free account of the file for its "alt" user, whatever its role.
_ROLES = ("member", "reader", "manager")
#: Small quotas of security groups: Tempest fills them to see what happens.
SETTINGS = """\
[controller]
network_vlan_ranges = ["physnet1:100:1999", "physnet2:100:1999"]
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    folder: Path
    venv: Path

    def run(self, patterns: Sequence[str], concurrency: int, limit_s: float, more_extensions: str = "") -> str:
        """What Tempest printed; its exit code says no more than its lines do.

        ``more_extensions`` are aliases that it shall take for served, with a comma before each.
        """
        config = (self.folder / "tempest.conf").read_text()
        (self.folder / "run.conf").write_text(re.sub("(?m)^(api_extensions = .*)$", rf"\1{more_extensions}", config))
        (self.folder / "patterns").write_text("\n".join(patterns))
        command = [
            str(self.venv / "bin/tempest"), "run", "--config-file", "run.conf", "--concurrency", str(concurrency),
            "--include-list", "patterns",
        ]  # fmt: skip
        path = {"PATH": f"{self.venv / 'bin'}:/usr/bin:/bin", "HOME": str(self.folder)}
        done = subprocess.run(
            command, cwd=self.folder, env=path, capture_output=True, text=True, timeout=limit_s, check=False
        )
        return done.stdout + done.stderr


def make_cloud(rig: Rig) -> None:
    """The accounts, the image and the flavor that the configuration names, and two hosts with agents."""
    rig.start_controller()
    rig.add_hosts(named_plans(2))
    for name in rig.hosts:
        rig.start_agent(name)
    rig.wait_available(_OFFERED_VFS)
    client = rig.client
    roles = {role["name"]: role["id"] for role in _get(client, "/identity/v3/roles")["roles"]}
    for project, user, given in _accounts():
        project_id = _project(client, project)
        body = {"user": {"name": user, "password": _PASSWORD, "default_project_id": project_id}}
        user_id = client.want(201, "POST", "/identity/v3/users", body)["user"]["id"]
        for role in given:
            client.want(204, "PUT", f"/identity/v3/projects/{project_id}/users/{user_id}/roles/{roles[role]}")


def _accounts() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(project, user, roles), in the order in which Tempest shall take them."""
    for role in _ROLES:
        for project in _PROJECTS:
            yield project, f"{project}-{role}", (role,)
    for admin in _ADMINS:
        yield "tadmin", admin, ("admin", "service")


def _project(client: ApiClient, name: str) -> str:
    found = _get(client, f"/identity/v3/projects?name={name}")["projects"]
    if not found:
        found = [client.want(201, "POST", "/identity/v3/projects", {"project": {"name": name}})["project"]]
    return str(found[0]["id"])


def _get(client: ApiClient, path: str) -> Any:
    return client.want(200, "GET", path)


def make_workspace(rig: Rig, folder: Path) -> Workspace:
    venv = venv_of(REQUIREMENTS)
    for name in ("logs", "lock"):
        (folder / name).mkdir(parents=True)
    client = rig.client
    image = {"name": "none", "disk_format": "qcow2", "container_format": "bare"}
    made = client.want(201, "POST", "/image/v2/images", image)
    extensions = _get(client, "/network/v2.0/extensions")["extensions"]
    values = {
        "FOLDER": str(folder), "URL": rig.url, "PASSWORD": _admin_password(rig), "IMAGE": made["id"],
        "FLAVOR": rig.make_flavor(), "EXTENSIONS": ",".join(extension["alias"] for extension in extensions),
    }  # fmt: skip
    text = (HERE / "tempest.conf.in").read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    (folder / "tempest.conf").write_text(text)
    (folder / "accounts.yaml").write_text(yaml.safe_dump([*map(_account, _accounts())]))
    package = next((venv / "lib").glob("python3*/site-packages/tempest"))
    (folder / ".stestr.conf").write_text(
        f"[DEFAULT]\ntest_path={package / 'test_discover'}\ntop_dir={package}\ngroup_regex=([^\\.]*\\.)*\n"
    )
    return Workspace(folder, venv)


def _admin_password(rig: Rig) -> str:
    clouds = yaml.safe_load((rig.state / "clouds.yaml").read_text())
    return str(clouds["clouds"]["mooring"]["auth"]["password"])


def _account(account: tuple[str, str, tuple[str, ...]]) -> dict[str, object]:
    project, user, roles = account
    entry: dict[str, object] = {
        "username": user, "project_name": project, "password": _PASSWORD, "roles": list(roles),
        "user_domain_name": "Default", "project_domain_name": "Default",
    }  # fmt: skip
    return entry | ({"types": ["admin"]} if "admin" in roles else {})


def patterns_of(name: str) -> Sequence[str]:
    """The patterns of a list, one a test."""
    lines = (HERE / f"{name}.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]
