"""The writer: one group, one commit, each story for itself; and what it does when the disk does not."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert, select, text

from mooring.errors import Conflict, Unreachable
from mooring.model.outside import NoSteps
from mooring.store import tables
from mooring.store.migrate import migrations, upgrade
from mooring.store.sql import Sql
from mooring.store.sqlite import Store, create_file
from mooring.store.tx import Event, Taken, Tx
from mooring.testing.outside import SteppedClock

SET = Sql(insert(tables.settings).values(name=None, value=None))
ALL = Sql(select(tables.settings.c.name, tables.settings.c.value).order_by(tables.settings.c.name))


def pragma(words: str) -> Sql:
    return Sql(text(f"PRAGMA {words}"))


def put(name: str, value: str = "x") -> Callable[[Tx], int]:
    return lambda tx: tx.run(SET, name=name, value=value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_file(tmp_path / "mooring.db")
    return tmp_path / "mooring.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    made = Store(path, SteppedClock(), NoSteps())
    yield made
    made.close()


def names(store: Store) -> list[object]:
    return [row[0] for row in store.read_now(lambda tx: tx.all(ALL))]


def test_a_story_that_fails_undoes_itself_and_nobody_else(store: Store) -> None:
    def fail(tx: Tx) -> None:
        tx.run(SET, name="half", value="x")
        raise Conflict("no")

    blocked, gate = threading.Event(), threading.Event()
    first = store.submit(lambda _: (blocked.set(), gate.wait(10)))
    blocked.wait(10)
    jobs = [store.submit(put("before")), store.submit(fail), store.submit(put("after"))]
    gate.set()
    first.result(10)
    assert jobs[0].result(10) == 1
    assert isinstance(jobs[1].exception(10), Conflict)
    assert jobs[2].result(10) == 1
    assert names(store) == ["after", "before"]


def test_stories_that_wait_together_share_one_commit_and_one_wake_up(store: Store) -> None:
    heard: list[list[str]] = []
    store.on_commit(lambda events: heard.append([event.ident for event in events]))
    blocked, gate = threading.Event(), threading.Event()
    first = store.submit(lambda _: (blocked.set(), gate.wait(10)))
    blocked.wait(10)
    jobs = [store.submit(lambda tx, n=n: tx.tell(Event("x.y", str(n)))) for n in range(5)]  # type: ignore[misc]  # a default binds the number
    gate.set()
    for job in (first, *jobs):
        job.result(10)
    assert heard == [["0", "1", "2", "3", "4"]]


def test_the_events_of_a_failed_story_are_neither_kept_nor_told(store: Store) -> None:
    heard: list[Event] = []
    store.on_commit(heard.extend)

    def fail(tx: Tx) -> None:
        tx.tell(Event("x.y", "never"))
        raise Conflict("no")

    with pytest.raises(Conflict):
        store.write_now(fail)
    assert heard == []
    assert store.read_now(lambda tx: tx.all(Sql(select(tables.events.c.ident)))) == []


def attempt(tx: Tx, name: str, error: Exception | None) -> None:
    """Write, tell, and register an undo inside an attempt, and fail with ``error``."""
    with tx.attempt():
        tx.run(SET, name=name, value="x")
        tx.tell(Event("x.y", name))
        if error is not None:
            raise error


def test_a_failed_attempt_takes_its_changes_and_events_along_and_the_story_goes_on(store: Store) -> None:
    heard: list[str] = []
    store.on_commit(lambda events: heard.extend(event.ident for event in events))

    def story(tx: Tx) -> None:
        attempt(tx, "before", None)
        with pytest.raises(Conflict, match="no"):
            attempt(tx, "dropped", Conflict("no"))
        attempt(tx, "after", None)

    store.write_now(story)
    assert names(store) == ["after", "before"]
    assert heard == ["before", "after"]


def test_an_attempt_that_fails_undoes_the_attempts_that_went_well_inside_it(store: Store) -> None:
    undone: list[str] = []

    def outer(tx: Tx) -> None:
        with tx.attempt():
            tx.on_undo(lambda: undone.append("outer"))
            attempt(tx, "inner", None)
            tx.on_undo(lambda: undone.append("later"))
            raise Conflict("no")

    def story(tx: Tx) -> None:
        tx.on_undo(lambda: undone.append("story"))
        with pytest.raises(Conflict, match="no"):
            outer(tx)
        put("kept")(tx)

    store.write_now(story)
    assert names(store) == ["kept"]
    assert undone == ["later", "outer"]


def test_a_story_that_fails_calls_what_was_registered_newest_first_and_once(store: Store) -> None:
    undone: list[int] = []

    def fail(tx: Tx) -> None:
        for number in range(3):
            tx.on_undo(lambda number=number: undone.append(number))  # type: ignore[misc]  # a default binds the number
        raise Conflict("no")

    with pytest.raises(Conflict, match="no"):
        store.write_now(fail)
    store.write_now(put("next"))
    assert undone == [2, 1, 0]


def test_a_story_that_is_committed_undoes_nothing(store: Store) -> None:
    undone: list[str] = []

    def story(tx: Tx) -> None:
        tx.on_undo(lambda: undone.append("story"))
        attempt(tx, "kept", None)

    store.write_now(story)
    store.write_now(put("next"))
    assert undone == []


def test_a_disk_that_does_not_commit_undoes_every_story_of_the_group_the_last_first(store: Store) -> None:
    """The failing write is inside an attempt of the last story: SQLite has ended the transaction under it."""
    store.write_now(lambda tx: tx.one(pragma("max_page_count = 1")))
    undone: list[str] = []

    def fill(tx: Tx) -> None:
        tx.on_undo(lambda: undone.append("second"))
        with tx.attempt():
            tx.on_undo(lambda: undone.append("attempt"))
            for number in range(200):
                tx.run(SET, name=f"{number}", value="x" * 4000)

    blocked, gate = threading.Event(), threading.Event()
    ahead = store.submit(lambda _: (blocked.set(), gate.wait(10)))
    blocked.wait(10)
    jobs = [store.submit(lambda tx: tx.on_undo(lambda: undone.append("first"))), store.submit(fill)]
    gate.set()
    ahead.result(10)
    assert [type(job.exception(10)) for job in jobs] == [Unreachable, Unreachable]
    assert undone == ["attempt", "second", "first"]


def test_what_was_answered_is_there_after_a_reopen(path: Path) -> None:
    store = Store(path, SteppedClock(), NoSteps())
    store.write_now(put("kept"))
    store.close()
    again = Store(path, SteppedClock(), NoSteps())
    assert names(again) == ["kept"]
    again.close()


def test_every_commit_is_synced_to_the_disk(store: Store) -> None:
    assert store.write_now(lambda tx: tx.one(pragma("synchronous"))) == (2,)
    assert store.write_now(lambda tx: tx.one(pragma("journal_mode"))) == ("wal",)


def test_a_broken_constraint_is_a_conflict_for_its_own_story(store: Store) -> None:
    store.write_now(put("once"))
    with pytest.raises(Taken, match=r"settings\.name"):
        store.write_now(put("once"))


def test_a_story_that_only_reads_cannot_write(store: Store) -> None:
    with pytest.raises(Unreachable, match="readonly"):
        store.read_now(put("sneaked"))


@pytest.mark.usefixtures("store")
def test_a_second_controller_on_the_same_file_is_refused_with_the_way_out(path: Path) -> None:
    with pytest.raises(Conflict, match="another controller") as refused:
        Store(path, SteppedClock(), NoSteps())
    assert "--state" in refused.value.hint


def test_a_disk_that_does_not_commit_is_unreachable_for_everybody_who_waited(store: Store) -> None:
    store.write_now(lambda tx: tx.one(pragma("max_page_count = 1")))
    with pytest.raises(Unreachable, match="full"):
        store.write_now(lambda tx: [tx.run(SET, name=f"{n}", value="x" * 4000) for n in range(200)])
    assert names(store) == []


def test_only_the_owner_can_read_the_database(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def columns(connection: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in found.fetchall()}


def test_the_migrations_make_exactly_the_schema_that_the_statements_are_written_for() -> None:
    migrated, wanted = sqlite3.connect(":memory:", isolation_level=None), sqlite3.connect(":memory:")
    upgrade(migrated)
    engine = create_engine("sqlite://", creator=lambda: wanted)
    tables.METADATA.create_all(engine)
    assert columns(migrated) == columns(wanted)
    triggers = migrated.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    assert {sql for (sql,) in triggers} == set(tables.TRIGGERS)


def test_a_database_from_the_future_is_refused(path: Path) -> None:
    Store(path, SteppedClock(), NoSteps()).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {migrations()[-1].version + 1}")
    connection.close()
    with pytest.raises(Conflict, match="newer"):
        Store(path, SteppedClock(), NoSteps())
