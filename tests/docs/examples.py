"""Examples in the pages: blocks of code, and console sessions of commands with what they show."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(r"^```([a-z]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_REFUSED = "  # refused"


@dataclass(frozen=True, slots=True)
class Command:
    """One line after ``$``, and the lines that it shows."""

    text: str
    shows: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """As a shell takes it."""
        return self.text.removesuffix(_REFUSED)

    @property
    def is_refused(self) -> bool:
        """It has to fail."""
        return self.text.endswith(_REFUSED)

    @property
    def is_question(self) -> bool:
        """It changes nothing, so that it may be asked again."""
        return re.search(r" (show|list|explain|audit)\b", self.line) is not None

    def lacking(self, output: str) -> list[str]:
        """The lines that should be shown and are not."""
        said = [_squeezed(line) for line in output.splitlines()]
        return [line for line in self.shows if not any(_pattern(line).fullmatch(each) for each in said)]


def _squeezed(line: str) -> str:
    return " ".join(line.split())


def _pattern(line: str) -> re.Pattern[str]:
    """The line in any spacing, with anything in place of ``...``."""
    return re.compile(".*".join(re.escape(part) for part in _squeezed(line).split("...")))


def blocks(page: str, kind: str) -> list[str]:
    """The text of each block of this kind on a page of ``docs``, as in ``python`` for a block that opens with it."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [inside for name, inside in _BLOCK.findall(text) if name == kind]


def commands(page: str) -> list[Command]:
    """Every command of every ``console`` block of a page, in order."""
    return [command for block in blocks(page, "console") for command in _session(block)]


def _session(block: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, *shows = part.splitlines()
        yield Command(line, tuple(shown for shown in shows if shown.strip()))
