"""What no file may say: broad excepts, prints, unfinished work, suppressions without a reason."""

from collections import Counter

from tests.tidy.rules import broad_excepts, prints, unexplained_suppressions, unfinished
from tests.tidy.sources import assert_none, python_sources, text_sources

EVERYTHING = python_sources("src", "tests", "bench", "scripts")

#: The places that catch whatever comes, one except each. Everywhere else a class is named.
RINGS = {
    "src/mooring/agent/loop.py": "one bad turn is logged and reported, and the next turn tries again",
    "src/mooring/api/app.py": "a bug answers 500 with the request id, and the controller goes on",
    "src/mooring/ml2/calling.py": "what somebody else's driver raises is its answer, and the next driver is asked",
    "src/mooring/host/patience.py": "what a call raised is carried whole from its thread to the caller who waits",
    "src/mooring/store/sqlite.py": "a story's error is carried whole from the writer thread to the caller who waits",
}

#: Those that speak to a person on standard output.
SPEAKERS = ("src/mooring/cli/", "src/mooring/demo", "bench/")


def test_exceptions_are_caught_by_class() -> None:
    findings = list(broad_excepts(EVERYTHING))
    in_rings = Counter(each.path for each in findings if each.path in RINGS)
    assert_none((each for each in findings if each.path not in RINGS), "name the classes that can be answered here")
    assert all(count == 1 for count in in_rings.values()), f"one broad except in each ring is enough: {in_rings}"


def test_only_the_command_line_prints() -> None:
    assert_none(
        (each for each in prints(EVERYTHING) if not each.path.startswith(SPEAKERS)),
        "return the words, or log them",
    )


def test_nothing_is_left_unfinished() -> None:
    assert_none(unfinished(text_sources()), "finish it, or take it out")


def test_every_suppression_says_why() -> None:
    assert_none(
        unexplained_suppressions(EVERYTHING), "write the code and the reason, as in: # noqa: S104 - listens on purpose"
    )
