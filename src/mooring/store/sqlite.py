"""SQLite as the store: one writer thread, group commit, WAL, synchronous=FULL.

One thread owns the only connection that writes or checkpoints. It drains a queue: BEGIN IMMEDIATE, each story in
its own SAVEPOINT, one COMMIT for all of them, then the answers. What was answered 2xx survives a power cut, and
one fsync serves everybody who waited for it. Reads use read-only connections in a small pool.

A story may leave something to be done after its commit (``Tx.after_commit``). That runs in a pool of its own, so that
the writer goes on, and its caller waits for it.

SQLite before 3.51.3 can corrupt a WAL that two connections write or checkpoint at once (sqlite.org/wal.html); with
one such connection it cannot happen.
"""

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from mooring.errors import Conflict, Unreachable
from mooring.model.outside import Clock, ControllerStep, Steps
from mooring.store.migrate import check_schema
from mooring.store.tx import Event, Tx, Write

T = TypeVar("T")
Story = Callable[[Tx], T]
Listener = Callable[[list[Event]], None]

_GROUP_MAX = 256
_WAITING_MAX = 10_000
_READERS = 2
_FOLLOWERS = 4
_BUSY_TIMEOUT_S = 5.0
_STOP_WAIT_S = 10.0
_CACHE_KIB = 16_384


@dataclass(slots=True)
class _Job:
    story: Callable[[Tx], Any]
    future: "Future[Any]" = field(default_factory=Future)
    tx: Tx | None = None
    result: Any = None
    error: BaseException | None = None
    is_inner: bool = False
    """Written by what follows another commit, on a thread that runs its ``afterwards`` itself."""

    @property
    def afterwards(self) -> "list[Callable[[Write], None]]":
        return [] if self.tx is None or self.error is not None else self.tx.afterwards


def _connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"file:{path}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_TIMEOUT_S
    )
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA foreign_keys = ON")
    if not read_only:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def create_file(path: Path) -> None:
    """Make an empty database file that only its owner can read; an existing one is left alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


class Store:
    """The database of one controller. Stories are plain functions of a ``Tx``; they never wait and never nest."""

    def __init__(self, path: Path, clock: Clock, steps: Steps):
        """Open an up-to-date database and start the writer.

        Raises Conflict when another controller has it open, or when its schema is not this version's.
        """
        self._lock_fd = hold(path)
        self._path = path
        self._clock = clock
        self._steps = steps
        self._listeners: list[Listener] = []
        self._enders: list[Callable[[Tx], None]] = []
        self._jobs: queue.Queue[_Job | None] = queue.Queue(maxsize=_WAITING_MAX)
        self._connection = _connect(path, read_only=False)
        check_schema(self._connection)
        self._is_closed = False
        self._local = threading.local()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="mooring-read")
        self._followers = ThreadPoolExecutor(_FOLLOWERS, thread_name_prefix="mooring-after")
        self._writer = threading.Thread(target=self._write_until_closed, name="mooring-write", daemon=True)
        self._writer.start()

    def on_commit(self, listener: Listener) -> None:
        """Call ``listener`` in the writer thread, after each commit that told events."""
        self._listeners.append(listener)

    def on_end(self, listener: Callable[[Tx], None]) -> None:
        """Call ``listener`` at the end of each story that writes, inside its transaction."""
        self._enders.append(listener)

    async def write(self, story: Story[T]) -> T:
        """Run ``story`` in the next group; returns after its commit is on disk."""
        return await asyncio.wrap_future(self.submit(story))

    def write_now(self, story: Story[T]) -> T:
        """The same for callers that have no event loop."""
        return self.submit(story).result()

    async def read(self, story: Story[T]) -> T:
        """Run a story that only reads, on a snapshot of what is committed."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, story)

    def read_now(self, story: Story[T]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self._path, read_only=True)
        try:
            connection.execute("BEGIN")
            return story(Tx(connection, self._clock.now(), self._steps, is_writing=False))
        except sqlite3.Error as broken:
            raise _unreachable(broken) from broken
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def close(self) -> None:
        """Finish what is queued, stop the writer, let go of the file."""
        self._is_closed = True
        self._jobs.put(None)
        self._writer.join(_STOP_WAIT_S)
        self._refuse_waiting()
        self._followers.shutdown()
        self._readers.shutdown()
        self._connection.close()
        os.close(self._lock_fd)

    def submit(self, story: Story[T]) -> "Future[T]":
        return self._queued(_Job(story)).future

    def _queued(self, job: _Job) -> _Job:
        if self._is_closed:
            raise Unreachable("the database is being closed", hint="the controller stops; try again once it is back")
        try:
            self._jobs.put_nowait(job)
        except queue.Full as full:
            raise Unreachable(f"{_WAITING_MAX} changes are waiting for the disk", hint="try again shortly") from full
        return job

    def _refuse_waiting(self) -> None:
        """Answer those that were queued behind the last commit: nobody comes for them."""
        while not self._jobs.empty():
            job = self._jobs.get_nowait()
            if job is not None:
                job.error = Unreachable("the database was closed")
                _answer(job)

    def _write_until_closed(self) -> None:
        while (group := self._next_group()) is not None:
            self._commit(group)

    def _next_group(self) -> list[_Job] | None:
        first = self._jobs.get()
        if first is None:
            return None
        group = [first]
        while len(group) < _GROUP_MAX:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._jobs.put(None)
                break
            group.append(job)
        return group

    def _commit(self, group: list[_Job]) -> None:
        events: list[Event] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in group:
                events += self._run(job)
            self._steps.reach(ControllerStep.BEFORE_COMMIT)
            self._connection.execute("COMMIT")
            self._steps.reach(ControllerStep.COMMITTED)
        except sqlite3.Error as broken:
            self._give_up(group, broken)
            return
        if events:
            for listener in self._listeners:
                listener(events)
        for job in group:
            if job.afterwards and not job.is_inner:
                self._followers.submit(self._follow, job).add_done_callback(partial(_followed, job))
            else:
                _answer(job)

    def _follow(self, job: _Job) -> None:
        """What a story left for after its commit; raises the first error that comes of it."""
        for callback in job.afterwards:
            callback(self._write_inside)

    def _write_inside(self, story: Story[T]) -> T:
        """Run a story for what follows a commit. Its own followers run here: another thread might never be free."""
        job = self._queued(_Job(story, is_inner=True))
        result: T = job.future.result()
        self._follow(job)
        return result

    def _run(self, job: _Job) -> list[Event]:
        """One story in its savepoint: its failure undoes nobody else's work and reaches its own caller whole."""
        tx = job.tx = Tx(self._connection, self._clock.now(), self._steps)
        self._connection.execute("SAVEPOINT story")
        try:
            job.result = job.story(tx)
            for ender in self._enders:
                ender(tx)
            tx.end()
        except BaseException as error:
            if isinstance(error, sqlite3.Error) and not self._connection.in_transaction:
                raise  # a full disk or the like: SQLite has given up the whole group
            job.error = _unreachable(error) if isinstance(error, sqlite3.Error) else error
            self._connection.execute("ROLLBACK TO story")
            tx.undo()
        self._connection.execute("RELEASE story")
        return tx.events

    def _give_up(self, group: list[_Job], broken: sqlite3.Error) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        for job in reversed(group):
            if job.tx is not None:
                job.tx.undo()
            job.error = _unreachable(broken)
            _answer(job)


def _unreachable(broken: sqlite3.Error) -> Unreachable:
    return Unreachable(f"the database did not do it: {broken}", hint="check the disk of the controller")


def _answer(job: _Job) -> None:
    if not job.future.set_running_or_notify_cancel():
        return
    if job.error is None:
        job.future.set_result(job.result)
    else:
        job.future.set_exception(job.error)


def _followed(job: _Job, following: "Future[None]") -> None:
    job.error = following.exception()
    _answer(job)


def hold(path: Path) -> int:
    """Hold the database for this process: a second controller on the same file would race with us."""
    fd = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as busy:
        os.close(fd)
        raise Conflict(
            f"another controller has {path} open", hint="stop it first, or give this one another --state folder"
        ) from busy
    return fd
