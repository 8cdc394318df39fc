"""What follows a commit: off the writer's thread, before the caller is answered, and with stories of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from mooring.errors import Conflict, Unreachable
from mooring.model.outside import NoSteps
from mooring.store import tables
from mooring.store.sql import Sql
from mooring.store.sqlite import Store, create_file
from mooring.store.tx import Tx, Write
from mooring.testing.outside import SteppedClock

SET = Sql(insert(tables.settings).values(name=None, value=None))
ALL = Sql(select(tables.settings.c.name).order_by(tables.settings.c.name))
LONG_S = 10.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    create_file(tmp_path / "mooring.db")
    made = Store(tmp_path / "mooring.db", SteppedClock(), NoSteps())
    yield made
    made.close()


def names(store: Store) -> list[object]:
    return [row[0] for row in store.read_now(lambda tx: tx.all(ALL))]


def put(name: str, *followers: Callable[[Write], None]) -> Callable[[Tx], str]:
    def story(tx: Tx) -> str:
        tx.run(SET, name=name, value="x")
        for follower in followers:
            tx.after_commit(follower)
        return name

    return story


def test_it_runs_once_the_story_is_on_disk_and_the_caller_waits_for_it(store: Store) -> None:
    seen: list[object] = []
    answer = store.write_now(put("a", lambda _: seen.append((names(store), threading.current_thread().name[:13]))))
    assert answer == "a"
    assert seen == [(["a"], "mooring-after")]


def test_the_writer_goes_on_meanwhile(store: Store) -> None:
    gate = threading.Event()
    slow = store.submit(put("slow", lambda _: gate.wait(LONG_S) and None))
    assert store.write_now(put("quick")) == "quick"
    assert not slow.done()
    gate.set()
    assert slow.result(LONG_S) == "slow"


def test_its_error_is_the_callers_and_ends_what_follows(store: Store) -> None:
    seen: list[str] = []

    def refuse(_: Write) -> None:
        raise Conflict("the switch says no")

    with pytest.raises(Conflict, match="the switch says no"):
        store.write_now(put("a", refuse, lambda _: seen.append("second")))
    assert names(store) == ["a"]
    assert seen == []


def test_stories_that_it_writes_run_their_own_followers_before_it_goes_on(store: Store) -> None:
    seen: list[str] = []

    def first(write: Write) -> None:
        seen.append(str(write(put("inner", lambda _: seen.append("inner follower")))))

    store.write_now(put("outer", first))
    assert seen == ["inner follower", "inner"]
    assert names(store) == ["inner", "outer"]


def test_more_stories_with_followers_that_write_than_there_are_threads_all_end(store: Store) -> None:
    def follow(write: Write) -> None:
        write(put(f"of {threading.get_ident()} {next(numbers)}", lambda _: None))

    numbers = iter(range(1000))
    jobs = [store.submit(put(f"outer {number}", follow)) for number in range(40)]
    assert [job.result(LONG_S) for job in jobs] == [f"outer {number}" for number in range(40)]
    assert len(names(store)) == 80


def test_nothing_follows_a_story_or_an_attempt_that_failed(store: Store) -> None:
    seen: list[str] = []

    def story(tx: Tx) -> None:
        with suppress(Conflict), tx.attempt():
            tx.after_commit(lambda _: seen.append("attempt"))
            tx.at_end(lambda: seen.append("end of the attempt"))
            raise Conflict("no")
        tx.after_commit(lambda _: seen.append("story"))

    store.write_now(story)
    assert seen == ["story"]

    def fails(tx: Tx) -> None:
        tx.after_commit(lambda _: seen.append("failed"))
        raise Conflict("no")

    with pytest.raises(Conflict):
        store.write_now(fails)
    assert seen == ["story"]


def test_the_end_of_a_story_may_still_change_and_undo_it(store: Store) -> None:
    def changes(tx: Tx) -> None:
        tx.at_end(lambda: tx.at_end(lambda: put("late")(tx) and None))

    store.write_now(changes)
    assert names(store) == ["late"]

    def fails(tx: Tx) -> None:
        def refuse() -> None:
            raise Conflict("not so")

        tx.run(SET, name="gone", value="x")
        tx.at_end(refuse)

    with pytest.raises(Conflict, match="not so"):
        store.write_now(fails)
    assert names(store) == ["late"]


def test_a_store_that_closes_waits_for_what_follows_and_takes_nothing_new(tmp_path: Path) -> None:
    create_file(tmp_path / "mooring.db")
    store = Store(tmp_path / "mooring.db", SteppedClock(), NoSteps())
    entered, gate = threading.Event(), threading.Event()
    refused: list[str] = []

    def follow(write: Write) -> None:
        entered.set()
        gate.wait(LONG_S)
        try:
            write(put("too late"))
        except Unreachable as closing:
            refused.append(closing.message)

    job = store.submit(put("a", follow))
    assert entered.wait(LONG_S)
    closing = threading.Thread(target=store.close)
    closing.start()
    # The writer's thread ends only once the store takes nothing new.
    store._writer.join(LONG_S)  # noqa: SLF001 - nothing else shows that it ended
    gate.set()
    closing.join(LONG_S)
    assert job.result(LONG_S) == "a"
    assert refused == ["the database is being closed"]


def test_a_snapshot_says_that_it_does_not_write(store: Store) -> None:
    assert store.read_now(lambda tx: tx.is_writing) is False
    assert store.write_now(lambda tx: tx.is_writing) is True
