"""No test changes the code that it tests: what a test needs to vary is a parameter."""

from tests.tidy.rules import patching
from tests.tidy.sources import assert_none, python_sources


def test_nothing_is_patched() -> None:
    assert_none(
        patching(python_sources("src", "tests", "bench")),
        "give the code a parameter, and pass it a fake from mooring.testing",
    )
