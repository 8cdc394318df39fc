"""What all tests share: the ``requires`` marker, and how Hypothesis runs.

``@pytest.mark.requires("schemas")`` skips a test on a machine that lacks the thing, and says how to get it. Where
``MOORING_TEST_REQUIRE`` lists the name (``.ci/run`` lists all that it installs), its absence is a failure instead: a
skip in CI would be a test that nobody runs.
"""

import importlib.util
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from lab.place import build_folder
from mooring.testing.peers import peers_folder

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


def has_programs(*names: str) -> Callable[[], bool]:
    return lambda: all(shutil.which(name) for name in names)


def has_lab() -> bool:
    """Asked for, or built before: nobody's first `make test` should take the minutes of a first build."""
    return os.geteuid() == 0 and ("lab" in REQUIRED or any(build_folder().glob("boot-*")))


def has_dnsmasq() -> bool:
    return os.geteuid() == 0 and has_programs("dnsmasq", "ip")()


def has_peer(name: str, folder: str) -> Callable[[], bool]:
    """Asked for, or installed before: it comes from PyPI, which not every machine reaches."""
    return lambda: name in REQUIRED or (peers_folder() / folder / "whole").exists()


NEEDS = {
    "client": Need(Path(sys.executable).with_name("openstack").exists, "pip install 'mooring[client]'"),
    "dnsmasq": Need(has_dnsmasq, "as root: apt-get install dnsmasq-base iproute2"),
    # isoinfo, which reads back what was written, comes with genisoimage.
    "disks": Need(has_programs("qemu-img", "isoinfo"), "apt-get install qemu-utils genisoimage"),
    "lab": Need(has_lab, "as root: apt-get install mmdebstrap; make lab"),
    "libvirt": Need(has_module("libvirt"), "apt-get install gcc libvirt-dev pkg-config; pip install libvirt-python"),
    "neutron": Need(has_module("neutron_lib"), "pip install 'mooring[neutron]'"),
    "neutron_server": Need(has_peer("neutron_server", "neutron-29.0.0"), "make bench-neutron"),
    "postgres": Need(has_module("psycopg"), "pip install 'mooring[postgres]'"),
    "systemd": Need(has_programs("systemd-analyze"), "apt-get install systemd"),
    "schemathesis": Need(has_peer("schemathesis", "schemathesis-4.32.5"), "make test-tempest"),
    "tempest": Need(has_peer("tempest", "tempest-47.0.0"), "make test-tempest"),
    "schemas": Need((SCHEMAS / "domain.rng").exists, "apt-get install libvirt0"),
}


def pytest_configure() -> None:
    unknown = REQUIRED - NEEDS.keys()
    if unknown:
        raise pytest.UsageError(f"MOORING_TEST_REQUIRE names {sorted(unknown)}; known are {sorted(NEEDS)}")


class _OneLab(LoadFileScheduling):
    """Files go to workers whole, and all files of the lab to one of them: there is one lab."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/lab" if nodeid.startswith("tests/lab/") else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return _OneLab(config, log)


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
