"""``mooring driver list``: what is installed, what of it the configuration loads, and what does not load at all."""

import importlib
import json
from pathlib import Path

import pytest

from tests.cli.stage import Mooring

MODULE = """
from mooring.ml2.agent_driver import AgentMechanismDriver


class AcmeDriver(AgentMechanismDriver):
    def __init__(self, rack: str = "") -> None:
        super().__init__("Acme agent", {}, ["direct", "macvtap"])
"""
ENTRIES = """[mooring.mechanism_drivers]
acme = acme_mooring:AcmeDriver
acme-broken = acme_mooring:NoSuchDriver
"""


@pytest.fixture(autouse=True)
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution ``acme-mooring`` 2.1 on the path, with a driver that loads and one that does not."""
    info = tmp_path / "site" / "acme_mooring-2.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-mooring\nVersion: 2.1\n")
    (info / "entry_points.txt").write_text(ENTRIES)
    (tmp_path / "site" / "acme_mooring.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    importlib.invalidate_caches()


def config_at(folder: Path, text: str) -> str:
    path = folder / "controller.toml"
    path.write_text("[controller]\n" + text)
    return str(path)


def test_what_is_installed_is_listed_with_where_it_is_from_and_what_it_binds(mooring: Mooring, tmp_path: Path) -> None:
    config = config_at(tmp_path, 'mechanism_drivers = ["sriovnicswitch", "acme"]')
    found = json.loads(mooring("driver", "list", "--config", config, "--json").stdout)
    acme = next(one for one in found if one["name"] == "acme")
    assert acme == {
        "name": "acme",
        "position": 2,
        "class": "acme_mooring:AcmeDriver",
        "distribution": "acme-mooring",
        "version": "2.1",
        "vnic_types": ["direct", "macvtap"],
        "agent_type": "Acme agent",
        "options": ["rack"],
        "fault": None,
    }


def test_one_that_does_not_load_says_why(mooring: Mooring) -> None:
    found = json.loads(mooring("driver", "list", "--json").stdout)
    broken = next(one for one in found if one["name"] == "acme-broken")
    assert broken["fault"].startswith("mechanism driver 'acme-broken' does not load: AttributeError")
    assert broken["position"] is None


def test_an_option_that_it_does_not_have_is_told(mooring: Mooring, tmp_path: Path) -> None:
    config = config_at(tmp_path, 'mechanism_drivers = ["acme"]\n[controller.driver.acme]\nrak = "7"\n')
    found = json.loads(mooring("driver", "list", "--config", config, "--json").stdout)
    acme = next(one for one in found if one["name"] == "acme")
    reason = "[controller.driver.acme] has no option rak (did you mean rack?)"
    assert acme["fault"] == f"mechanism driver 'acme' does not load: {reason}"


def test_one_that_is_named_and_not_installed_is_listed_too(mooring: Mooring, tmp_path: Path) -> None:
    config = config_at(tmp_path, 'mechanism_drivers = ["nosuch"]')
    found = json.loads(mooring("driver", "list", "--config", config, "--json").stdout)
    missing = next(one for one in found if one["name"] == "nosuch")
    assert (missing["position"], missing["fault"]) == (1, "mechanism driver 'nosuch' is not installed")


def test_a_person_reads_a_table(mooring: Mooring, tmp_path: Path) -> None:
    config = config_at(tmp_path, 'mechanism_drivers = ["acme"]')
    lines = mooring("driver", "list", "--config", config).stdout.splitlines()
    assert lines[0].split() == ["NAME", "NO.", "VNIC", "TYPES", "AGENT", "FROM"]
    acme = next(line for line in lines if line.startswith("acme "))
    assert acme.split()[1:3] == ["1", "direct,"]
    assert max(map(len, lines)) <= 80
    assert any(line.strip() == "accelerator-direct," for line in lines), "broken between words, not within"
    assert "error: mechanism driver 'acme-broken' does not load: AttributeError" in "\n".join(lines)
