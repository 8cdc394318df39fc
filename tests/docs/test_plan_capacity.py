"""The page on planning: its files are saved where it says, its commands typed in order, and they answer as it says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mooring.core.plan_answer import answer_object
from mooring.core.plan_file import parse_hosts, parse_request
from tests.docs.examples import DOCS, commands
from tests.docs.test_examples import Terminal

PAGE = "how-to/plan-capacity.md"
_SAVED = re.compile(r"as `~/([a-z]+\.[a-z]+)`:\n\n```[a-z]+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    try:
        yield made
    finally:
        made.close()


def test_every_command_of_the_page_answers_as_it_says(desk: Terminal, tmp_path: Path) -> None:
    saved = _SAVED.findall((DOCS / PAGE).read_text(encoding="utf-8"))
    assert [name for name, _ in saved] == ["hosts.json", "request.json", "near.json", "pair.json", "count.py"]
    for name, text in saved:
        (tmp_path / name).write_text(text)
    told = commands(PAGE)
    assert len(told) == 8
    for command in told:
        desk.enter(command)


def test_the_files_of_the_reference_get_the_answer_that_it_shows() -> None:
    page = (DOCS / "reference/explain.md").read_text(encoding="utf-8")
    hosts, request = re.findall(r"^```json\n(\{\"(?:hosts|requests)\".*?)^```$", page, re.MULTILINE | re.DOTALL)
    answer = answer_object(parse_request(request), parse_hosts(hosts))
    assert f"`{json.dumps(answer)}`" in page
