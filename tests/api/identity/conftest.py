"""Controllers that serve identity and images: one for each test, and one that all tests of a file share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mooring.testing.in_process import InProcessClient, serving
from tests.api.identity.logins import ROUTES, by_password, logged_in


@pytest.fixture
def client(tmp_path: Path) -> Iterator[InProcessClient]:
    with serving(tmp_path, ROUTES) as nobody:
        yield nobody


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessClient]:
    """One controller for tests that change nothing."""
    with serving(tmp_path_factory.mktemp("shared"), ROUTES) as nobody:
        yield nobody


@pytest.fixture(scope="module")
def shared_admin(shared: InProcessClient) -> InProcessClient:
    return shared.admin()


@pytest.fixture(scope="module")
def unscoped(shared: InProcessClient) -> InProcessClient:
    """Logged in, for no project."""
    return logged_in(shared, by_password(scope="unscoped"))
