"""One cloud behind the compute API for each test that asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.compute.cloud import HOSTS, Compute, compute_cloud


@pytest.fixture
def compute(tmp_path: Path) -> Iterator[Compute]:
    with compute_cloud(tmp_path) as made:
        yield made


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[Compute]:
    """The same with three hosts."""
    with compute_cloud(tmp_path, HOSTS) as made:
        yield made


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compute]:
    """One for all tests of a file in which nothing may ever be made."""
    with compute_cloud(tmp_path_factory.mktemp("quiet")) as made:
        yield made
