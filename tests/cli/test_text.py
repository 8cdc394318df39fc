"""What is printed: no name reaches the terminal as a command, and no table is wider than it."""

import json
import re

import click
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mooring.cli.failure import tell
from mooring.cli.text import Column, Group, plain, print_groups, print_json
from mooring.errors import Conflict

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_TEXTS = st.text(st.characters(), max_size=60)


def printed(columns: list[Column], groups: list[Group], width: int) -> str:
    @click.command()
    def show() -> None:
        print_groups(columns, groups)

    return CliRunner().invoke(show, env={"COLUMNS": str(width)}, catch_exceptions=False).stdout


@given(_TEXTS)
def test_no_text_keeps_a_character_that_commands_a_terminal(text: str) -> None:
    shown = plain(text)
    assert _UNSAFE.search(shown) is None
    assert shown


@given(st.text(st.characters(categories=("L", "N", "P", "S", "M")), min_size=1))
def test_visible_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert plain(text) == text


def test_nothing_is_shown_as_a_dash() -> None:
    assert [plain(value) for value in (None, "", 0, False)] == ["-", "-", "0", "False"]


@given(st.lists(st.tuples(st.text(max_size=15), _TEXTS), max_size=5))
def test_a_table_with_a_folding_column_fits_80_columns_and_loses_nothing(rows: list[tuple[str, str]]) -> None:
    shown = printed([Column("FIRST"), Column("LAST", folds=True)], [Group("", rows)], 80)
    widest_fixed = max((cell_len(plain(first)) for first, _ in rows), default=0)
    if widest_fixed <= 60:
        assert max(cell_len(line) for line in shown.splitlines()) <= 80
        kept = re.sub(r"\s", "", shown)
        assert all(re.sub(r"\s", "", plain(first)) in kept for first, _ in rows)


def test_groups_of_one_table_have_columns_of_the_same_width() -> None:
    columns = [Column("NAME"), Column("NUMBER", is_number=True)]
    groups = [Group("one", [("a", 1)]), Group("two", [("a-longer-name", 1000)])]
    lines = printed(columns, groups, 80).splitlines()
    assert lines == [
        "one",
        "NAME           NUMBER",
        "a                   1",
        "",
        "two",
        "NAME           NUMBER",
        "a-longer-name    1000",
    ]


def test_markup_in_a_name_is_not_followed() -> None:
    shown = printed([Column("NAME")], [Group("", [("[red]x[/red] :smile:",)])], 80)
    assert "[red]x[/red] :smile:" in shown


@given(_TEXTS)
def test_json_is_ascii_and_holds_the_same(text: str) -> None:
    @click.command()
    def show() -> None:
        print_json([text])

    shown = CliRunner().invoke(show, catch_exceptions=False).stdout
    assert shown.isascii()
    assert _UNSAFE.search(shown.replace("\n", "")) is None
    assert json.loads(shown) == [text]


def test_an_error_with_a_hostile_name_is_two_plain_lines() -> None:
    @click.command()
    def fail() -> None:
        tell(Conflict("host \x1b]0;owned\x07\n exists", hint="rename it\r"), is_json=False)

    said = CliRunner().invoke(fail, catch_exceptions=False).stderr
    assert said == "mooring: host \\x1b]0;owned\\x07\\n exists\nhint: rename it\\r\n"
