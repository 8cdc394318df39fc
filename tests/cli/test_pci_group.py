"""``mooring pci-group``: what is typed, what is printed at 80 columns, and what a nova.conf becomes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.cli.stage import Mooring, Served


@pytest.fixture
def typed(served: Served) -> Iterator[Mooring]:
    """The admin's command line; the PCI groups that it makes go afterwards."""
    yield served.mooring
    for one in json.loads(served.mooring("pci-group", "list", "--json").stdout):
        served.mooring("pci-group", "delete", one["name"], "--force")


def done(mooring: Mooring, *words: str) -> str:
    result = mooring("pci-group", *words)
    assert (result.exit_code, result.stderr) == (0, "")
    assert max(map(cell_len, result.stdout.splitlines())) <= 80
    return result.stdout


def answer(mooring: Mooring, *words: str) -> Any:
    return json.loads(done_json(mooring, *words))


def done_json(mooring: Mooring, *words: str) -> str:
    result = mooring("pci-group", *words, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def refused(mooring: Mooring, *words: str) -> str:
    result = mooring("pci-group", *words)
    assert (result.exit_code, result.stdout) == (1, "")
    return result.stderr


def test_create_says_how_many_devices_match_now(typed: Mooring) -> None:
    said = done(typed, "create", "west", "--select", "host=sim3,kind=VF", "--description", "to switch 1")
    assert said.startswith("PCI group west is made; devices: ")
    assert "on 1 host: " in said
    assert done(typed, "create", "later", "--select", "vendor_id=15b3") == (
        "PCI group later is made; devices: none yet\n"
    )


def test_show_counts_by_host_and_spells_selectors_as_they_are_typed(typed: Mooring) -> None:
    selector = "kind=VF, physical_network=physnet1, host=sim1, host=sim2, min_link_speed_mbps=1000, trusted=false"
    done(typed, "create", "fast", "--select", selector, "--exclude", "host=sim1,address=*:*:10.0", "--project", "admin")
    said = done(typed, "show", "fast")
    assert "for                admin\n" in said
    assert f"selects\n  {selector}\n" in said.replace("\n    ", " ")
    assert "but not\n  host=sim1, address=*:*:10.0\n" in said
    shown = answer(typed, "show", "fast")
    assert [one["host"] for one in shown["hosts"]] == ["sim1", "sim2"]
    rows = [line.split() for line in said.splitlines()]
    for one in shown["hosts"]:
        assert [one["host"], str(one["devices"]), str(one["free"])] in rows


def test_list_has_a_line_for_each_group(typed: Mooring) -> None:
    assert done(typed, "list").startswith("there is no PCI group; make one with")
    done(typed, "create", "all", "--select", "kind=VF")
    done(typed, "create", "none", "--select", "vendor_id=15b3", "--project", "admin")
    rows = [line.split() for line in done(typed, "list").splitlines()]
    assert rows[0] == ["NAME", "DEVICES", "FREE", "HOSTS", "FOR", "SELECTS"]
    assert rows[1][0] == "all"
    assert rows[1][3:] == ["3", "all", "kind=VF"]
    assert rows[2] == ["none", "0", "0", "0", "1", "project", "vendor_id=15b3"]


def test_those_who_are_no_admins_see_what_is_left(served: Served, typed: Mooring) -> None:
    done(typed, "create", "all", "--select", "kind=VF", "--default-vnic-type", "direct")
    done(typed, "create", "theirs", "--select", "kind=VF", "--project", "admin")
    rows = [line.split() for line in done(served.member(), "list").splitlines()]
    assert rows == [["NAME", "LEFT", "VNIC", "TYPE", "DESCRIPTION"], ["all", "many", "direct", "-"]]
    assert "left               many\n" in done(served.member(), "show", "all")
    assert refused(served.member(), "show", "theirs").startswith("mooring: PCI group theirs could not be found\n")


def test_set_changes_what_is_given(typed: Mooring) -> None:
    done(typed, "create", "g", "--select", "kind=VF", "--project", "admin", "--default-vnic-type", "direct")
    done(typed, "set", "g", "--exclude", "host=sim1", "--name", "h", "--description", "x")
    shown = answer(typed, "show", "h")
    assert (shown["excludes"], shown["description"]) == ([{"hosts": ["sim1"]}], "x")
    assert len(shown["projects"]) == 1
    done(
        typed, "set", "h", "--no-exclude", "--all-projects", "--no-default-vnic-type", "--select", "kind=PF", "--force"
    )
    shown = answer(typed, "show", "h")
    assert (shown["excludes"], shown["projects"], shown["default_vnic_type"]) == ([], [], None)
    assert shown["selectors"] == [{"kind": "type-PF"}]


def test_a_group_in_use_is_changed_and_deleted_by_force_only(typed: Mooring) -> None:
    done(typed, "create", "all", "--select", "kind=VF")
    said = refused(typed, "set", "all", "--select", "vendor_id=15b3")
    assert "servers have 1 of the functions that would leave it" in said
    assert "(server db)" in said
    assert "hint: with --force" in said
    assert "(server db)" in refused(typed, "delete", "all")
    assert done(typed, "set", "all", "--select", "vendor_id=15b3", "--force") == (
        "PCI group all is changed; devices: none yet\n"
    )
    assert done(typed, "delete", "all") == "PCI group all is deleted\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("create g", "mooring: PCI group: it selects nothing\n"),
        ("create g --select vendr_id=8086", "hint: did you mean vendor_id?\n"),
        ("create g --select kind=VFs", "mooring: --select kind = 'VFs' is not a kind of function\n"),
        (
            "create g --exclude numa_node=-1 --select kind=VF",
            "mooring: --exclude numa_node = '-1' is not a whole",
        ),
        ("create g --select host=sim9", "mooring: PCI group: there is no host sim9\n"),
        ("create g --select kind=VF --project nobody", "mooring: project nobody could not be found\n"),
        ("create a/b --select kind=VF", "mooring: name = 'a/b' is not a name\n"),
        ("set g", "mooring: nothing to change was given\n"),
        ("set g --exclude kind=VF --no-exclude", "mooring: --no-exclude and --exclude were both given\n"),
        ("set nothing --description x", "mooring: PCI group nothing could not be found\n"),
        ("delete nothing", "mooring: PCI group nothing could not be found\n"),
        ("show ../../hosts", "could not be found\n"),
        ("show ..", "could not be found"),
    ],
)
def test_what_is_wrong_is_told_in_the_words_that_were_typed(typed: Mooring, words: str, said: str) -> None:
    assert said in refused(typed, *words.split())


# --- import-alias ----------------------------------------------------------------------------------------------

NOVA_CONF = """\
[pci]
alias = {"name": "a1", "vendor_id": "8086", "product_id": "154d", "device_type": "type-PF", "numa_policy": "required"}
alias = {"name": "vf", "vendor_id": "8086", "product_id": "10ca", "device_type": "type-VF"}
alias = {"name": "vf", "vendor_id": "8086", "product_id": "154c", "device_type": "type-VF", "traits": "CUSTOM_GOLD"}
"""


@pytest.fixture
def nova_conf(tmp_path: Path) -> str:
    path = tmp_path / "nova.conf"
    path.write_text(NOVA_CONF)
    return str(path)


def test_a_dry_run_shows_what_would_be_made_and_needs_no_cloud(mooring: Mooring, nova_conf: str) -> None:
    said = " ".join(done(mooring, "import-alias", nova_conf, "--dry-run").split())
    assert "a1 to be made vendor_id=8086,product_id=154d,kind=PF" in said
    assert "a1: numa_policy required is not carried over" in said
    assert "hw:pci_numa_affinity_policy=required" in said
    assert "vf: traits are not carried over" in said


def test_aliases_become_groups_once(typed: Mooring, nova_conf: str) -> None:
    made = answer(typed, "import-alias", nova_conf)
    assert [(one["name"], one["is"]) for one in made] == [("a1", "made"), ("vf", "made")]
    shown = answer(typed, "show", "vf")
    assert [one["product_id"] for one in shown["selectors"]] == ["10ca", "154c"]
    assert shown["device_count"] > 0
    assert [one["is"] for one in answer(typed, "import-alias", nova_conf)] == ["kept", "kept"]


def test_nothing_is_made_where_a_group_of_the_name_is_another(typed: Mooring, nova_conf: str) -> None:
    done(typed, "create", "vf", "--select", "kind=VF")
    assert "PCI group vf exists, and selects something else" in refused(typed, "import-alias", nova_conf)
    assert [one["name"] for one in answer(typed, "list")] == ["vf"]


def test_nothing_is_made_of_a_file_that_nova_refuses(typed: Mooring, tmp_path: Path) -> None:
    path = tmp_path / "nova.conf"
    path.write_text(NOVA_CONF + 'alias = {"name": "vf", "vendor_id": "8086", "product_id": "1"}\n')
    said = refused(typed, "import-alias", str(path))
    assert said.startswith("mooring: alias 4: product_id = '1' is not four hex digits\n")
    assert answer(typed, "list") == []
    assert "No such file" in refused(typed, "import-alias", str(tmp_path / "nothing"))
