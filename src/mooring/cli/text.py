"""What the command prints: text that no name can turn into commands for a terminal, JSON, and tables."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

NOTHING = "-"
"""What stands where there is no value."""
BLANK = " "
"""What stands where the row above says it already."""
_GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    title: str
    is_number: bool = False
    """Set to the right."""
    folds: bool = False
    """Goes on in the next line where the terminal is too narrow; other columns keep their width."""
    style: Callable[[str], str] | None = None
    """What is shown to how rich shows it, where the terminal has colours."""


@dataclass(frozen=True, slots=True)
class Group:
    """Rows under a heading of their own; the columns of all groups of a table have the same widths."""

    heading: str
    rows: Sequence[Sequence[object]]
    notes: Sequence[str] = ()
    """Lines below the heading, which like it are our own words."""


def plain(value: object) -> str:
    r"""``value`` as one line of visible text, in which nothing moves the cursor, changes a colour or turns the line.

    Control and format characters, line ends and lone surrogates come out as escapes, as in ``\x1b``.
    """
    text = NOTHING if value is None or value == "" else str(value)
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_visible(char) else _escape(char) for char in text)


def _is_visible(char: str) -> bool:
    return char == " " or unicodedata.category(char)[0] not in "CZ"


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def on_off(value: bool | None) -> str:
    return NOTHING if value is None else "on" if value else "off"


def moment(told: str | None) -> str:
    """A time of the API, which is UTC, to the second."""
    return (told or "")[:19].replace("T", " ")


def counted(number: int, noun: str) -> str:
    """``1 host``, ``2 hosts``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def say(text: str = "") -> None:
    """One line, or several, that are our own words."""
    click.echo(text)


def print_json(value: object) -> None:
    """Indented, in ASCII: what is not, is escaped."""
    import json

    click.echo(json.dumps(value, indent=2))


def filled(text: str, first_indent: str = "", indent: str = "") -> str:
    """``text`` on as many lines as the terminal needs; not broken at hyphens, for it may hold a command."""
    import textwrap

    return textwrap.fill(
        text, terminal_width(), initial_indent=first_indent, subsequent_indent=indent, break_on_hyphens=False
    )


def terminal_width() -> int:
    """``COLUMNS``, or what the terminal says, or 80."""
    import shutil

    return shutil.get_terminal_size().columns


def print_facts(facts: Mapping[str, object]) -> None:
    """Names and values, one a line."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {plain(value)}")


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
    """One table without a heading. With no rows, only the titles."""
    print_groups(columns, [Group("", list(rows))])


def print_groups(columns: Sequence[Column], groups: Sequence[Group]) -> None:
    """Tables under headings, no wider than the terminal (``COLUMNS``, else 80)."""
    for line in group_lines(columns, groups):
        click.echo(line)


def group_lines(columns: Sequence[Column], groups: Sequence[Group]) -> Iterator[str]:
    """The same as lines; with colours for a terminal that has them, and unless ``NO_COLOR`` is set."""
    from rich.console import Console

    console = Console(width=terminal_width(), highlight=False, markup=False, emoji=False)
    tables = [[[plain(value) for value in row] for row in group.rows] for group in groups]
    widths = _widths(columns, [row for rows in tables for row in rows], console.width)
    for number, (group, rows) in enumerate(zip(groups, tables, strict=True)):
        if group.heading:
            yield from [""] if number else []
            for text, indent in ((group.heading, ""), *((note, "    ") for note in group.notes)):
                yield from filled(text, indent, "    ").split("\n")
            if not rows:
                continue  # the heading says it all
        yield from _table_lines(console, columns, widths, rows)


def _table_lines(
    console: "Console", columns: Sequence[Column], widths: Sequence[int], rows: Sequence[Sequence[str]]
) -> Iterator[str]:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        table.add_column(column.title, width=width, justify="right" if column.is_number else "left", overflow="fold")
    styles = [column.style or _unstyled for column in columns]
    for row in rows:
        table.add_row(*(Text(value, style(value)) for value, style in zip(row, styles, strict=True)))
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().rstrip("\n").split("\n"):
        yield line.rstrip()


def _unstyled(_: str) -> str:
    return ""


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """As wide as what stands in them, in cells of a terminal; where that is too much, the widest that folds gives."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, (column.title, *(row[n] for row in rows)))) for n, column in enumerate(columns)]
    too_much = sum(widths) + _GAP * (len(columns) - 1) - room
    for _ in range(max(too_much, 0)):
        giving = [n for n, column in enumerate(columns) if column.folds and widths[n] > cell_len(column.title)]
        if not giving:
            break
        widths[max(giving, key=widths.__getitem__)] -= 1
    return widths
