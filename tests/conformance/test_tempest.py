"""The public test suites of the Networking API, against a controller that runs as it is shipped.

The lists name the tests; every one of them passes, and none is skipped. ``make test-tempest`` runs this file alone, and
with ``ARGS`` those tests only that fit: ``make test-tempest ARGS="-k qos"``.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mooring.testing.rig import Rig
from tests.conformance.workspace import HERE, SETTINGS, Workspace, make_cloud, make_workspace, patterns_of

pytestmark = pytest.mark.requires("tempest")

CONCURRENCY = 2
LIMIT_S = 900
#: Asks for extensions that it does not use, and that are not served here.
ASKS_FOR_MORE = "test_update_external_network_bumps_revision"
MORE_EXTENSIONS = ",auto-allocated-topology,router"
_LINE = re.compile(r"^\{\d+\} (?P<test>.+?) \[[\d.]+s\] \.\.\. (?P<outcome>ok|FAILED|SKIPPED.*)$", re.MULTILINE)
_SHOWN_CHARS_MAX = 12_000


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("tempest")
    rig = Rig(folder, SETTINGS)
    try:
        make_cloud(rig)
        yield make_workspace(rig, folder / "workspace")
        assert rig.findings() == []
    finally:
        rig.close()


@pytest.mark.parametrize("name", ["net-core", "net-core-identity", "net-qos"])
def test_every_test_of_the_list_passes_and_none_is_skipped(workspace: Workspace, name: str) -> None:
    patterns = patterns_of(name)
    apart = [pattern for pattern in patterns if ASKS_FOR_MORE in pattern]
    printed = workspace.run([each for each in patterns if each not in apart], CONCURRENCY, LIMIT_S)
    if apart:
        printed += workspace.run(apart, CONCURRENCY, LIMIT_S, MORE_EXTENSIONS)
    outcomes = {found["test"]: found["outcome"] for found in _LINE.finditer(printed)}
    passed = [test for test, outcome in outcomes.items() if outcome == "ok"]
    others = [f"{test}: {outcome}" for test, outcome in outcomes.items() if outcome != "ok"]
    missed = [pattern for pattern in patterns if not any(re.search(pattern, test) for test in passed)]
    problems = [*missed, *others]
    assert not problems, "\n".join([*problems, printed[-_SHOWN_CHARS_MAX:]])


def test_the_lists_name_as_many_tests_as_they_did() -> None:
    counts = {name: len(patterns_of(name)) for name in ("net-core", "net-core-identity", "net-qos")}

    assert counts == {"net-core": 204, "net-core-identity": 30, "net-qos": 107}


def test_what_the_lists_need_is_served(workspace: Workspace) -> None:
    needed = {line.partition("#")[0].strip() for line in Path(HERE / "extensions-core.txt").read_text().splitlines()}
    line = next(line for line in (workspace.folder / "tempest.conf").read_text().splitlines() if "api_extens" in line)
    served = set(line.partition("=")[2].strip().split(","))

    assert needed - {""} <= served
