"""Each rule catches its breach, and lets the neighbour pass that looks like one."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from tests.tidy import rules
from tests.tidy.floors import cycle_in, import_graph, impurities, strangers, wrong_arrows
from tests.tidy.sources import Finding, Source, assert_none

Rule = Callable[[Iterable[Source]], Iterator[Finding]]

#: In what follows, a tilde keeps the rules from finding this file; ``spelled`` takes it out.
NOQA = "# no~qa"
IGNORE = "# type: ig~nore"


def spelled(text: str) -> list[Source]:
    return [Source("src/mooring/core/x.py", text.replace("~", ""))]


def body(lines: int) -> str:
    return "def f():\n" + "    x = 1\n" * (lines - 1)


@pytest.mark.parametrize(
    ("rule", "breach"),
    [
        (rules.long_files, "x = 1\n" * 401),
        (rules.long_functions, body(61)),
        (rules.long_functions, "async " + body(61)),
        (rules.long_functions, "class C:\n" + "".join(f"    {line}\n" for line in body(61).splitlines())),
        (rules.patching, "from unittest import mock"),
        (rules.patching, "from unittest.mock import patch"),
        (rules.patching, "import unittest.mock as m"),
        (rules.patching, "import mock"),
        (rules.patching, "def test_it(mocker): ..."),
        (rules.patching, "def test_it(monkeypatch): monkeypatch.setattr(a, 'b', c)"),
        (rules.patching, "def test_it(monkeypatch): monkeypatch.setitem(a, 'b', c)"),
        (rules.broad_excepts, "try: f()\nexcept Exception: g()"),
        (rules.broad_excepts, "try: f()\nexcept BaseException as e: g(e)"),
        (rules.broad_excepts, "try: f()\nexcept (ValueError, Exception): g()"),
        (rules.broad_excepts, "try: f()\nexcept: g()"),
        (rules.prints, "print('x')"),
        (rules.unfinished, "# TO~DO: the rest"),
        (rules.unfinished, "raise NotImplemented~Error"),
        (rules.unexplained_suppressions, f"import os  {NOQA}"),
        (rules.unexplained_suppressions, f"import os  {NOQA}: F401"),
        (rules.unexplained_suppressions, f"import os  {NOQA} because I say so"),
        (rules.unexplained_suppressions, f"x = y  {IGNORE}"),
        (rules.unexplained_suppressions, f"x = y  {IGNORE}[arg-type]"),
        (rules.named_registries, "pip install --index~-url=somewhere x"),
        (rules.named_registries, "https://py~pi.org/simple"),
        (rules.named_registries, "http://deb.deb~ian.org/debian"),
        (rules.machine_paths, "see /wo~rk/notes.md"),
        (rules.machine_paths, "cd /ro~ot/x"),
        (rules.machine_paths, 'p = "/ho~me/jane/x"'),
    ],
)
def test_a_rule_catches_its_breach(rule: Rule, breach: str) -> None:
    assert [each.path for each in rule(spelled(breach))] == ["src/mooring/core/x.py"]


@pytest.mark.parametrize(
    ("rule", "neighbour"),
    [
        (rules.long_files, "x = 1\n" * 400),
        (rules.long_functions, body(60)),
        (rules.patching, "def test_it(monkeypatch): monkeypatch.setenv('A', 'b')"),
        (rules.patching, "from mooring.core.reconcile import plan"),
        (rules.broad_excepts, "try: f()\nexcept (ValueError, OSError): g()"),
        (rules.prints, "table.print()"),
        (rules.unfinished, "# everything to do is done"),
        (rules.unexplained_suppressions, f"x = 1  {NOQA}: S104 - listens on every address on purpose"),
        (rules.unexplained_suppressions, f"x = y  {IGNORE}[arg-type]  # the stub is too narrow"),
        (rules.unexplained_suppressions, f"x = '{NOQA}'"),
        (rules.named_registries, "python-openstackclient from PyPI; --no-emit-index~-url"),
        (rules.machine_paths, "src/work/x.py and ${DIR}/work and https://x.org/root/y and /sys/class/net"),
    ],
)
def test_a_rule_lets_the_neighbour_pass(rule: Rule, neighbour: str) -> None:
    assert list(rule(spelled(neighbour))) == []


@pytest.mark.parametrize("path", ["src/mooring/utils.py", "src/mooring/common/x.py", "src/mooring/api/vlan_helpers.py"])
def test_a_name_that_fits_everything_is_caught(path: str) -> None:
    assert len(list(rules.empty_names([Source(path, "")]))) == 1


@pytest.mark.parametrize(
    "path", ["src/mooring/ml2/sriov_base.py", "src/mooring/model/port.py", "tests/unit/test_db.py"]
)
def test_a_noun_is_let_pass(path: str) -> None:
    assert list(rules.empty_names([Source(path, "")])) == []


@pytest.mark.parametrize(
    ("here", "imports"),
    [
        ("model/port", "from mooring.core import placing"),
        ("core/placing", "import mooring.ml2.driver"),
        ("ml2/driver", "from mooring.core.explain import Reason"),
        ("store/ports", "from mooring import host"),
        ("host/sysfs", "from mooring.store.tx import Tx"),
        ("service/ports", "import mooring.agent.loop"),
        ("agent/loop", "def f():\n    from mooring.service import ports"),
        ("service/ports", "from mooring.testing.cards import CARDS"),
        ("cli/up", "from mooring.testing.cards import CARDS"),
        ("core/placing", "import importlib\nimportlib.import_module('mooring.store')"),
        ("attic/x", ""),
    ],
)
def test_an_import_that_does_not_go_down_is_caught(here: str, imports: str) -> None:
    assert len(list(wrong_arrows([Source(f"src/mooring/{here}.py", imports)]))) == 1


@pytest.mark.parametrize(
    ("here", "imports"),
    [
        ("model/pci", "from mooring.errors import Invalid"),
        ("store/ports", "from mooring.model.port import Port\nfrom mooring.core.vlans import free"),
        ("api/app", "from mooring.service import ports"),
        ("cli/up", "from mooring.main import run"),
        ("main", "from mooring.testing.cards import CARDS\nfrom mooring.api.app import app"),
        ("agent/main", "from mooring.testing.cards import CARDS"),
        ("testing/cloud", "from mooring.service import ports"),
        ("__init__", ""),
    ],
)
def test_an_import_that_goes_down_is_let_pass(here: str, imports: str) -> None:
    assert list(wrong_arrows([Source(f"src/mooring/{here}.py", imports)])) == []


def test_a_circle_of_imports_is_caught_inside_functions_too() -> None:
    one = Source("src/mooring/core/one.py", "from mooring.core import two")
    two = Source("src/mooring/core/two.py", "def f():\n    from mooring.core.one import g")
    assert set(cycle_in(import_graph([one, two]))) == {"mooring.core.one", "mooring.core.two"}
    assert cycle_in(import_graph([one, Source("src/mooring/core/two.py", "")])) == []


@pytest.mark.parametrize(
    ("here", "imports", "count"),
    [
        ("service/ports", "import sqlalchemy", 1),
        ("agent/vf", "from pyroute2 import IPRoute", 1),
        ("service/ports", "import falcon.asgi", 1),
        ("model/port", "import msgspec", 1),
        ("api/app", "import requests", 1),
        ("store/tables", "import sqlalchemy", 0),
        ("api/app", "import falcon.asgi\nimport msgspec\nimport json", 0),
        ("testing/vf_table", "import pyroute2", 0),
    ],
)
def test_an_outside_module_in_the_wrong_part_is_caught(here: str, imports: str, count: int) -> None:
    declared = {"falcon", "msgspec", "pyroute2", "sqlalchemy"}
    assert len(list(strangers([Source(f"src/mooring/{here}.py", imports)], declared))) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("import time", 1),
        ("from pathlib import Path", 1),
        ("async def f(): ...", 1),
        ("x = open('f')", 1),
        ("from datetime import datetime\nx = datetime.now()", 1),
        ("import uuid\nx = uuid.uuid4()", 1),
        ("from datetime import datetime\ndef f(now: datetime): return now.isoformat()", 0),
    ],
)
def test_an_impure_decision_is_caught(text: str, count: int) -> None:
    assert len(list(impurities([Source("src/mooring/core/x.py", text)]))) == count
    assert list(impurities([Source("src/mooring/agent/x.py", text)])) == []


def test_findings_fail_with_the_advice_and_every_place() -> None:
    with pytest.raises(AssertionError, match=r"(?s)2 to mend: split it.*a\.py:3: long.*b\.py:1: long"):
        assert_none([Finding("b.py", 1, "long"), Finding("a.py", 3, "long")], "split it")
    assert_none([], "nothing")
