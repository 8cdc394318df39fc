"""Statements: written with SQLAlchemy Core, compiled once to text, run on the bare driver.

Building a statement for each call costs ten times as much as running it (``docs/decisions/0004``).
"""

from functools import cached_property

from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler


class Sql:
    """A statement and its text, compiled at first use. Parameters are named; literals in it are kept with it."""

    def __init__(self, clause: ClauseElement):
        self._clause = clause

    @cached_property
    def _compiled(self) -> SQLCompiler:
        compiled = self._clause.compile(dialect=sqlite.dialect(paramstyle="named"))
        if not isinstance(compiled, SQLCompiler):
            raise TypeError(f"{self._clause!r} is not a statement with parameters")
        return compiled

    @cached_property
    def text(self) -> str:
        return str(self._compiled)

    @cached_property
    def literals(self) -> dict[str, object]:
        """The values that the statement itself fixes, by generated name."""
        return {name: value for name, value in self._compiled.params.items() if value is not None}
