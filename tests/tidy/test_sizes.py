"""A file is one thought, a function fits the screen, and a module's name is a noun."""

from tests.tidy.rules import empty_names, long_files, long_functions
from tests.tidy.sources import assert_none, python_sources

EVERYTHING = python_sources("src", "tests", "bench", "scripts")


def test_files_hold_one_thought() -> None:
    assert_none(long_files(EVERYTHING), "split it where its nouns part, and give each part its noun's name")


def test_functions_fit_the_screen() -> None:
    assert_none(long_functions(EVERYTHING), "take out the part that has a name of its own")


def test_modules_are_named_by_nouns() -> None:
    assert_none(empty_names(EVERYTHING), "what noun is it about? If it has none, it has no home yet")
