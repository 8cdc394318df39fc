"""One transaction, as a story sees it."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import insert

from mooring.errors import Conflict
from mooring.model.outside import AgentStep, ControllerStep, Steps
from mooring.model.port import Port
from mooring.store import tables
from mooring.store.sql import Sql

Row = tuple[object, ...]
Write = Callable[[Callable[["Tx"], Any]], Any]
"""Runs a story in a transaction of its own, and gives back its result once it is on disk."""


class Taken(Conflict):
    """A constraint of the schema said no: somebody has what was wanted, or something still hangs on it."""

    code = "Taken"


@dataclass(frozen=True, slots=True)
class Event:
    """One change, told in the transaction that makes it."""

    kind: str
    """``noun.verb-ed``, as in ``server.created``."""
    ident: str
    project_id: str | None = None
    host: str | None = None
    """Set when the desired state of that host changed: its stream wakes."""
    actor: str = ""
    request_id: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)


_EVENT_COLUMNS = ("at", "kind", "ident", "project_id", "host", "actor", "request_id", "detail")
_INSERT_EVENT = Sql(insert(tables.events).values(dict.fromkeys(_EVENT_COLUMNS)))


class Tx:
    """Reads and writes of one story, and the one moment at which it happens."""

    def __init__(self, connection: sqlite3.Connection, now: datetime, steps: Steps, *, is_writing: bool = True):
        self._connection = connection
        self._steps = steps
        self.now = now
        self.is_writing = is_writing
        """False on a snapshot, where every change is refused."""
        self.events: list[Event] = []
        self.afterwards: list[Callable[[Write], None]] = []
        """What ``after_commit`` was given, in order."""
        self.followed: list[tuple[Port, Port]] = []
        """Ports that changed with something else, as their host's word: before and after. For ``Store.on_end``."""
        self._undo: list[Callable[[], None]] = []
        self._last: list[Callable[[], None]] = []

    def all(self, sql: Sql, **params: object) -> list[Row]:
        return self._connection.execute(sql.text, {**sql.literals, **params}).fetchall()

    def each(self, sql: Sql, **params: object) -> Iterator[Row]:
        return iter(self._connection.execute(sql.text, {**sql.literals, **params}))

    def one(self, sql: Sql, **params: object) -> Row | None:
        row: Row | None = self._connection.execute(sql.text, {**sql.literals, **params}).fetchone()
        return row

    def run(self, sql: Sql, **params: object) -> int:
        """Run a change; returns how many rows it touched. Raises Taken when a constraint says no."""
        try:
            return self._connection.execute(sql.text, {**sql.literals, **params}).rowcount
        except sqlite3.IntegrityError as broken:
            raise Taken(str(broken)) from broken

    def tell(self, event: Event) -> None:
        """Write the event row, and remember it for those who wake after the commit."""
        self._connection.execute(
            _INSERT_EVENT.text,
            {
                "at": int(self.now.timestamp() * 1_000_000),
                "kind": event.kind,
                "ident": event.ident,
                "project_id": event.project_id,
                "host": event.host,
                "actor": event.actor,
                "request_id": event.request_id,
                "detail": msgspec.json.encode(event.detail).decode(),
            },
        )
        self.events.append(event)

    def reach(self, step: AgentStep | ControllerStep) -> None:
        self._steps.reach(step)

    def on_undo(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` in the writer thread if what this story did until now is rolled back after all.

        For what is kept in memory beside the database. The newest is called first, after the rollback; it must not
        raise. A story that only reads undoes nothing.
        """
        self._undo.append(callback)

    def at_end(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the story is told, still inside its transaction: it may read, change and raise."""
        self._last.append(callback)

    def end(self) -> None:
        """For whoever runs the story: call what ``at_end`` was given, and what that gave it in turn."""
        while self._last:
            self._last.pop(0)()

    def after_commit(self, callback: Callable[[Write], None]) -> None:
        """Call ``callback`` once the story is on disk, off the writer's thread, before the story's caller is answered.

        The callbacks of one story run one after the other; the first one that raises ends that, and its error is what
        the caller gets instead of the result. A story that they write through ``Write`` runs its own ones before that
        returns.
        """
        self.afterwards.append(callback)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part of the story that can fail alone: an exception that leaves it takes its changes and events along.

        Attempts nest. The exception goes on, for the story to catch; after one from SQLite that ended the whole
        transaction there is no story to go on with.
        """
        marks = len(self.events), len(self._undo), len(self._last), len(self.afterwards), len(self.followed)
        self._connection.execute("SAVEPOINT attempt")
        is_done = False
        try:
            yield
            is_done = True
        finally:
            if not is_done and self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO attempt")
            if self._connection.in_transaction:
                self._connection.execute("RELEASE attempt")
            if not is_done:
                self.undo(*marks)

    def undo(self, events: int = 0, callbacks: int = 0, last: int = 0, afterwards: int = 0, followed: int = 0) -> None:
        """What the database rolled back is forgotten here too: all but the first so many of each kind."""
        del self.events[events:]
        del self._last[last:]
        del self.afterwards[afterwards:]
        del self.followed[followed:]
        while len(self._undo) > callbacks:
            self._undo.pop()()
