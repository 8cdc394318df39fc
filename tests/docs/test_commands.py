"""Every ``mooring`` command that a page tells a reader to type is one, with these options."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from mooring.cli.main import main
from tests.docs.examples import DOCS, ROOT

PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])
_BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: At the start of a line, after a prompt, another host's name, or the folder that it is installed in.
_TYPED = re.compile(r"^(?:\$ )?(?:ssh \S+ )?(?:/opt/mooring/bin/)?mooring (.*)$", re.MULTILINE)
_ENDS = frozenset({"<", ">", "|", "&&", ";", "#"})


def typed(text: str) -> Iterator[list[str]]:
    """The words of each command in the code blocks of a page, as far as they are Mooring's own."""
    for block in _BLOCK.findall(text):
        for line in _TYPED.findall(block):
            words = shlex.split(line)
            if words[:1] != ["COMMAND"]:
                yield words[: next((n for n, word in enumerate(words) if word in _ENDS), len(words))]


def wrong(words: list[str]) -> str:
    """What is wrong with a command; nothing if nothing is."""
    command: click.Command = main
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        below = command.commands.get(rest.pop(0))
        if below is None:
            return f"mooring {' '.join(words)}: no such command"
        command = below
    known = {text for one in command.params for text in (*one.opts, *one.secondary_opts)} | {"--help", "--version"}
    unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]
    return f"mooring {' '.join(words)}: no option {', '.join(unknown)}" if unknown else ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_of_a_page_exists(page: Path) -> None:
    assert [says for words in typed(page.read_text(encoding="utf-8")) if (says := wrong(words))] == []


def test_the_commands_of_the_page_for_hosts_are_read() -> None:
    page = (DOCS / "how-to/run-on-your-own-hosts.md").read_text(encoding="utf-8")
    assert {("host", "check"), ("host", "join"), ("host", "add")} <= {tuple(words[:2]) for words in typed(page)}


def test_a_command_that_is_none_is_found() -> None:
    (gone,) = typed("```\n$ mooring host chekc --json\n```")
    (odd,) = typed("```\nssh node2 mooring host check --jsno < key\n```")
    assert wrong(gone) == "mooring host chekc --json: no such command"
    assert wrong(odd) == "mooring host check --jsno: no option --jsno"
