"""``mooring port-profile``: what is typed, and what is printed at 80 columns."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from mooring.model.port_profile import UpstreamState
from mooring.store.port_profiles import PROFILES, by_name
from mooring.store.tx import Tx
from tests.cli.stage import Mooring, Served


@pytest.fixture
def typed(served: Served) -> Iterator[Mooring]:
    """The admin's command line; the port profiles that it makes go afterwards."""
    yield served.mooring
    for one in json.loads(served.mooring("port-profile", "list", "--json").stdout):
        served.mooring("port-profile", "delete", one["name"])


def done(mooring: Mooring, *words: str) -> str:
    result = mooring("port-profile", *words)
    assert (result.exit_code, result.stderr) == (0, "")
    assert max(map(cell_len, result.stdout.splitlines())) <= 80
    return result.stdout


def answer(mooring: Mooring, *words: str) -> Any:
    result = mooring("port-profile", *words, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def refused(mooring: Mooring, *words: str) -> str:
    result = mooring("port-profile", *words)
    assert (result.exit_code, result.stdout) == (1, "")
    return result.stderr


def fail(served: Served, name: str, reason: str) -> None:
    """As the reconciler writes it."""

    def story(tx: Tx) -> None:
        found = by_name(tx, name)
        assert found is not None
        PROFILES.update(tx, replace(found, upstream=UpstreamState.FAILED, upstream_reason=reason))

    served.cloud.controller.store.write_now(story)


def test_create_says_what_was_made_and_what_is_known_of_it_upstream(typed: Mooring) -> None:
    assert done(typed, "create", "gold", "--vlan", "100") == (
        "port profile gold is made: VLAN 100; upstream: unmanaged\n"
    )
    trunk = answer(typed, "create", "trunk", "--vlan", "100", "--vlan", "7", "--vlan", "5", "--max-ports", "9")
    assert (trunk["vlans"], trunk["max_ports"]) == ([100, 5, 7], 9)


def test_list_has_a_line_for_each_and_says_why_one_failed(typed: Mooring, served: Served) -> None:
    assert "make one:" in done(typed, "list")
    done(typed, "create", "gold", "--vlan", "100", "--vlan", "5", "--physnet", "physnet1", "--project", "admin")
    done(typed, "create", "x" * 39, "--vlan", "200", "--kind", "802.1br")
    fail(served, "gold", "UCS Manager at https://ucsm.example.org did not answer aaaLogin: ConnectionRefusedError")
    lines = done(typed, "list").splitlines()
    assert lines[0].split() == ["NAME", "VLANS", "PHYSNETS", "KIND", "PORTS", "FOR", "UPSTREAM"]
    assert "100 native, 5" in lines[1]
    assert lines[1].split()[-3:] == ["1", "project", "failed"]
    assert " ".join(lines[-2:]).split()[:3] == ["gold:", "UCS", "Manager"]


def test_show_names_who_names_it(typed: Mooring) -> None:
    done(typed, "create", "gold", "--vlan", "100", "--description", "to the rack's switch", "--project", "admin")
    said = done(typed, "show", "gold")
    for line in (
        "name               gold",
        "vlans              100",
        "for                admin",
        "kind               802.1Qbh",
    ):
        assert f"{line}\n" in said
    assert answer(typed, "show", "gold")["networks"] == []


def test_set_changes_what_is_given_and_nothing_else(typed: Mooring) -> None:
    done(typed, "create", "gold", "--vlan", "100", "--physnet", "physnet1", "--project", "admin", "--max-ports", "9")
    assert done(typed, "set", "gold", "--vlan", "100", "--vlan", "5", "--any-physnet", "--all-projects") == (
        "port profile gold is changed: VLAN 100 native, 5; upstream: unmanaged\n"
    )
    shown = answer(typed, "set", "gold", "--name", "platinum", "--max-ports", "10")
    assert (shown["name"], shown["vlans"], shown["physical_networks"], shown["projects"]) == (
        "platinum",
        [100, 5],
        [],
        [],
    )
    assert shown["max_ports"] == 10


def test_delete_says_so(typed: Mooring) -> None:
    done(typed, "create", "gold", "--vlan", "100")
    assert done(typed, "delete", "gold") == "port profile gold is deleted\n"
    done(typed, "create", "gold", "--vlan", "100")
    assert answer(typed, "delete", "gold") == {"deleted": "gold"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("create g", "mooring: no VLAN was given\nhint: --vlan ID"),
        ("create g --vlan 4095", "mooring: vlans = 4095 is not a VLAN id\n"),
        ("create g --vlan many", "many"),
        ("create a/b --vlan 100", "mooring: name = 'a/b' is not a name\n"),
        ("create g --vlan 100 --physnet nowhere", "no setting knows physical network nowhere\n"),
        ("create g --vlan 100 --kind 802.1Qbg", "mooring: kind = '802.1Qbg' is no kind of port profile\n"),
        ("create g --vlan 100 --project nobody", "mooring: project nobody could not be found\n"),
        ("set g", "mooring: nothing to change was given\n"),
        ("set g --physnet physnet1 --any-physnet", "mooring: --any-physnet and --physnet were both given\n"),
        ("set nothing --max-ports 3", "mooring: port profile nothing could not be found\n"),
        ("delete nothing", "mooring: port profile nothing could not be found\n"),
        ("show ../../hosts", "could not be found\n"),
        ("show ..", "could not be found"),
    ],
)
def test_what_is_wrong_is_told_in_the_words_that_were_typed(typed: Mooring, words: str, said: str) -> None:
    assert said in refused(typed, *words.split())


def test_waiting_ends_at_once_where_nobody_manages_the_switch(typed: Mooring) -> None:
    assert done(typed, "create", "gold", "--vlan", "100", "--wait").endswith("upstream: unmanaged\n")


def test_waiting_for_what_failed_is_an_error_with_its_reason(typed: Mooring, served: Served) -> None:
    done(typed, "create", "gold", "--vlan", "100")
    fail(served, "gold", "UCS Manager keeps VLAN 100 for itself")
    result = typed("port-profile", "set", "gold", "--description", "again", "--wait")
    assert result.exit_code == 1
    assert "does not have port profile gold: UCS Manager keeps VLAN 100 for itself" in result.stderr
