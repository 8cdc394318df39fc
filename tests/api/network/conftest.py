"""One controller behind the networking API for each test that asks for it; its books are checked at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.network.books import unbalanced
from tests.api.network.neutron import Neutron, neutron_at


@pytest.fixture
def neutron(tmp_path: Path) -> Iterator[Neutron]:
    with neutron_at(tmp_path) as made:
        yield made
        assert not made.nobody.controller.store.read_now(unbalanced)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neutron]:
    """One for all tests of a file in which nothing may ever change, or which change it in one go."""
    with neutron_at(tmp_path_factory.mktemp("quiet")) as made:
        yield made
        assert not made.nobody.controller.store.read_now(unbalanced)
