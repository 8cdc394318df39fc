"""The repository names no package registry and no machine: which of them to use is for the machine to say."""

import re
import tomllib

from tests.tidy.rules import machine_paths, named_registries
from tests.tidy.sources import ROOT, assert_none, text_sources

PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def test_no_file_names_a_registry() -> None:
    assert_none(named_registries(text_sources()), "leave it out: pip, apt and npm know their own")


def test_no_file_names_a_path_of_one_machine() -> None:
    assert_none(machine_paths(text_sources()), "make it relative, or an argument")


def test_the_lock_pins_every_dependency_by_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    declared = {name.split(">")[0] for name in [*project["dependencies"], *extras["client"], *extras["dev"]]}
    pinned = {name for name, _ in PIN.findall(lock)}
    assert declared <= pinned, "run `make lock`"
    blocks = [block for block in re.split(r"\n(?=[a-z0-9])", lock) if PIN.match(block)]
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert len(blocks) == len(pinned)
