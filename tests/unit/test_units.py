"""The systemd units: what they start is there, where they write is where the settings say, and systemd reads them."""

import shlex
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import click
import pytest

from lab.cloud import DHCP_POWERS
from mooring.cli.main import main
from mooring.cli.run import AGENT_FILE
from mooring.config import AgentConfig, ControllerConfig
from mooring.host.dhcp import FOLDER

UNITS = Path(__file__).parents[2] / "packaging" / "systemd"
NAMES = ("mooring-agent.service", "mooring-controller.service")
DHCP = "mooring-agent.service.d/dhcp.conf"
"""What hosts that serve DHCP add to the agent's unit."""
PROGRAM = "/opt/mooring/bin/mooring"


def settings(name: str) -> dict[str, list[str]]:
    """What a unit sets, by key; a key may stand there several times."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in (UNITS / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[key].append(value)
    return found


def words(name: str, key: str) -> list[str]:
    return [word for value in settings(name)[key] for word in shlex.split(value)]


def command_of(name: str) -> click.Command:
    program, noun, *_ = words(name, "ExecStart")
    assert program == PROGRAM
    return main.commands[noun]


def test_there_is_a_unit_for_each_root_one_addition_and_no_other_file() -> None:
    found = sorted(str(path.relative_to(UNITS)) for path in UNITS.rglob("*") if path.is_file())
    assert found == sorted([*NAMES, DHCP])


@pytest.mark.parametrize("name", NAMES)
def test_what_a_unit_starts_is_a_command_with_these_options(name: str) -> None:
    *_, option, value = words(name, "ExecStart")
    known = {text: one for one in command_of(name).params for text in one.opts}
    assert known[option].name == "config"
    assert value.startswith("/etc/mooring/")


def test_the_agents_unit_reads_the_file_that_the_agent_reads_by_itself() -> None:
    assert words("mooring-agent.service", "ExecStart")[-1] == str(AGENT_FILE)


def test_the_agent_may_write_where_its_settings_say_and_the_folders_are_made() -> None:
    name, config = "mooring-agent.service", AgentConfig()
    made = words(name, "ExecStartPre")
    assert {config.images, config.servers} <= set(made)
    assert made[0] == "+/usr/bin/mkdir"
    assert f"/var/lib/{settings(name)['StateDirectory'][0]}" == config.state
    assert words(name, "ReadWritePaths") == [f"-{config.servers}"]


def test_the_controller_may_write_its_state_and_nothing_else() -> None:
    name, config = "mooring-controller.service", ControllerConfig()
    assert words(name, "ReadWritePaths") == [f"-{config.state}"]
    assert words(name, "ExecStartPre")[-1] == config.state
    assert words(name, "RequiresMountsFor") == [config.state]


def test_guests_folders_can_be_passed_through_by_the_user_that_runs_them() -> None:
    for name in NAMES:
        told = words(name, "ExecStartPre")
        assert told[told.index("-m") + 1] == "0711"


def test_the_agent_has_no_more_of_roots_powers_than_the_page_says() -> None:
    page = (UNITS.parents[1] / "docs/reference/privileges.md").read_text()
    granted = words("mooring-agent.service", "CapabilityBoundingSet")
    assert granted
    assert all(f"| `{capability}` |" in page for capability in granted)
    assert words("mooring-agent.service", "User") == ["root"]


def test_what_dhcp_adds_is_on_the_page_and_is_what_the_lab_proves() -> None:
    page = (UNITS.parents[1] / "docs/reference/privileges.md").read_text()
    granted = words(DHCP, "CapabilityBoundingSet")
    assert all(f"| `{capability}` |" in page for capability in granted)
    proved = {f"CAP_{name.removeprefix('+').upper()}" for name in DHCP_POWERS.split(",")}
    assert proved == set(granted)
    assert words(DHCP, "RuntimeDirectory") == [FOLDER.name]
    assert FOLDER.parent == Path("/run")


def test_an_agent_that_stops_leaves_the_dhcp_servers_alone() -> None:
    assert settings(DHCP)["KillMode"] == ["process"]
    assert settings(DHCP)["RuntimeDirectoryPreserve"] == ["yes"]


def test_the_controller_has_none_and_is_not_root() -> None:
    assert settings("mooring-controller.service")["CapabilityBoundingSet"] == [""]
    assert words("mooring-controller.service", "User") == ["mooring"]


def test_sysfs_stays_writable_for_the_agent() -> None:
    assert "ProtectKernelTunables" not in settings("mooring-agent.service")


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_says_who_starts_it_again_and_waits_for_no_watchdog_that_nobody_feeds(name: str) -> None:
    told = settings(name)
    assert told["Restart"] == ["on-failure"]
    assert told["Type"] == ["exec"]
    assert "WatchdogSec" not in told


@pytest.mark.requires("systemd")
@pytest.mark.parametrize("name", NAMES)
def test_systemd_has_nothing_to_say_against_a_unit(name: str, tmp_path: Path) -> None:
    """Of a copy that starts a program which every machine has."""
    started = shutil.which("true") or "/bin/true"
    copy = tmp_path / name
    copy.write_text((UNITS / name).read_text().replace(PROGRAM, started))
    done = subprocess.run(
        [shutil.which("systemd-analyze") or "", "verify", "--recursive-errors=no", str(copy)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, [line for line in done.stderr.splitlines() if name in line]) == (0, [])
