"""What all tests share: the ``requires`` marker, and how Hypothesis runs.

``@pytest.mark.requires("schemas")`` skips a test on a machine that lacks the thing, and says how to get it. Where
``MOORING_TEST_REQUIRE`` lists the name (``.ci/run`` lists all that it installs), its absence is a failure instead: a
skip in CI would be a test that nobody runs.
"""

import importlib.util
import logging
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

SCHEMAS = Path("/usr/share/libvirt/schemas")
"""libvirt's RNG schemas; Debian has them in libvirt0."""

REQUIRED = frozenset(os.environ.get("MOORING_TEST_REQUIRE", "").split())

# Deadlines measure how busy the machine is. In CI the examples are the same in every run.
settings.register_profile("mooring", deadline=None, max_examples=100, derandomize="CI" in os.environ)
settings.load_profile("mooring")


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a test may require, and how a person gets it."""

    is_there: Callable[[], bool]
    how: str


def has_module(name: str) -> Callable[[], bool]:
    return lambda: importlib.util.find_spec(name) is not None


NEEDS = {
    "client": Need(Path(sys.executable).with_name("openstack").exists, "pip install 'mooring[client]'"),
    "libvirt": Need(has_module("libvirt"), "apt-get install gcc libvirt-dev pkg-config; pip install libvirt-python"),
    "neutron": Need(has_module("neutron_lib"), "pip install 'mooring[neutron]'"),
    "postgres": Need(has_module("psycopg"), "pip install 'mooring[postgres]'"),
    "schemas": Need((SCHEMAS / "domain.rng").exists, "apt-get install libvirt0"),
}


def pytest_configure() -> None:
    unknown = REQUIRED - NEEDS.keys()
    if unknown:
        raise pytest.UsageError(f"MOORING_TEST_REQUIRE names {sorted(unknown)}; known are {sorted(NEEDS)}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("requires"):
        for name in mark.args:
            need = NEEDS[name]
            if need.is_there():
                continue
            if name in REQUIRED:
                pytest.fail(f"{name} is missing, and MOORING_TEST_REQUIRE asks for it: {need.how}", pytrace=False)
            pytest.skip(f"{name} is missing: {need.how}")


@pytest.fixture(scope="session")
def libvirt_schemas() -> Path:
    """The folder of libvirt's RNG schemas; for tests that are marked ``requires("schemas")``."""
    return SCHEMAS


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A program that a test starts in this process configures the log for itself; the next test has its own idea."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
    for handler in [one for one in root.handlers if type(one) is logging.StreamHandler]:
        root.removeHandler(handler)
