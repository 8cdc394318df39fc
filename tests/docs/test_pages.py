"""What the pages state in lists of names is compared with the code, and what they point at has to be there."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from mooring.model.outside import AgentStep, ControllerStep
from mooring.model.vf import VfState
from mooring.service.audit import CHECKS
from tests.docs.examples import DOCS, ROOT
from tests.tidy.floors import FLOOR
from tests.tidy.sources import python_sources

PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"])
README_LINES_MAX = 80
ARCHITECTURE_LINES_MAX = 110

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_TELLERS = frozenset({"Event", "_bump", "_store", "_tell", "_tell_server"})
_KIND = re.compile(r"[a-z]+(?:-[a-z]+)*\.[a-z]+(?:-[a-z]+)*")


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def spans(page: str) -> set[str]:
    return set(_SPAN.findall(text_of(page)))


def anchors(path: Path) -> set[str]:
    """As a reader of Markdown makes them from headings."""
    headings = _HEADING.findall(path.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> Iterator[str]:
    for target in _LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith("https://"):
            continue
        place, _, anchor = target.partition("#")
        path = (page.parent / place).resolve() if place else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            yield f"{page.name}: {target}"


def test_every_link_leads_somewhere() -> None:
    assert [link for page in PAGES for link in broken_links(page)] == []


def missing_files(page: Path) -> Iterator[str]:
    """Files that a page names by their place: below ``src/mooring``, or below the repository's root."""
    for span in _SPAN.findall(page.read_text(encoding="utf-8")):
        head, slash, _ = span.partition("/")
        if slash and (head in FLOOR or head in ("src", "tests", "docs", "bench", "testing")):
            path = span.partition(" ")[0].rstrip("/")
            if "*" not in path and not (ROOT / path).exists() and not (ROOT / "src/mooring" / path).exists():
                yield f"{page.name}: {span}"


def test_every_file_that_a_page_names_is_there() -> None:
    pages = [page for page in PAGES if "decisions" not in page.parts]
    assert [name for page in pages for name in missing_files(page)] == []


def test_a_link_and_a_file_that_are_not_there_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Here it is\n[a](nowhere.md) [b](#here-it-is) [c](#there) [d](https://example.org)\n`core/nowhere.py`"
    )
    assert list(broken_links(page)) == ["page.md: nowhere.md", "page.md: #there"]
    assert list(missing_files(page)) == ["page.md: core/nowhere.py"]


@pytest.mark.parametrize(
    ("name", "lines_max"), [("README.md", README_LINES_MAX), ("ARCHITECTURE.md", ARCHITECTURE_LINES_MAX)]
)
def test_a_page_for_newcomers_stays_short(name: str, lines_max: int) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= lines_max


def same(real: Iterable[str], told: Iterable[str]) -> None:
    missing, stale = sorted(set(real) - set(told)), sorted(set(told) - set(real))
    assert (missing, stale) == ([], [])


def test_the_page_of_invariants_has_those_of_the_auditor() -> None:
    rows = re.findall(r"^\| `(I[0-9]+)` \|", text_of("explanation/invariants.md"), re.MULTILINE)
    same(CHECKS, rows)


def test_the_page_of_a_vfs_life_has_every_state() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", text_of("explanation/life-of-a-vf.md"), re.MULTILINE)
    same([state.value for state in VfState], rows)


def test_the_page_of_faults_has_every_step_at_which_tests_kill() -> None:
    told = {span for span in spans("explanation/faults-and-restarts.md") if span.startswith(("agent.", "controller."))}
    steps = {step.value for step in (*AgentStep, *ControllerStep)}
    same(steps, told - {"controller.agent_down_s"})


def event_kinds() -> set[str]:
    """The texts of that form that a story hands to what tells events, or keeps as the ``kind`` of one."""
    found = set()
    for source in python_sources("src/mooring/service"):
        for node in source.nodes:
            match node:
                case ast.Call(func=ast.Name(id=name), args=told) if name in _TELLERS:
                    found |= kinds_in(told)
                case ast.Assign(targets=[ast.Name(id="kind")], value=value):
                    found |= kinds_in([value])
    return found | {f"device.{state}" for state in (VfState.PROGRAMMED, VfState.IN_USE)}


def kinds_in(told: Iterable[ast.expr]) -> set[str]:
    texts = (node.value for value in told for node in ast.walk(value) if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and _KIND.fullmatch(text)}


def test_the_page_of_events_has_every_kind_and_no_other() -> None:
    told = {span for span in spans("reference/events.md") if _KIND.fullmatch(span)}
    assert "server.created" in told
    same(event_kinds(), told)
