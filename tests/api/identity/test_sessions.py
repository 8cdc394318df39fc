"""What is remembered of tokens, and when it is forgotten."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from mooring.errors import Unauthenticated
from mooring.model.outside import NoSteps
from mooring.service.sessions import Sessions
from mooring.store.identity import revoke
from mooring.store.sqlite import Store, Story
from mooring.store.tx import Event, Tx
from mooring.testing.controller import make_controller, token_for
from mooring.testing.outside import SteppedClock

T = TypeVar("T")


class WatchedStore(Store):
    """Counts its reads. ``before_answer`` runs when a read has its result and the reader does not have it yet."""

    reads = 0
    before_answer: Callable[[], object] | None = None

    async def read(self, story: Story[T]) -> T:
        self.reads += 1
        found = await super().read(story)
        if self.before_answer is not None:
            self.before_answer()
        return found


CLOCK = SteppedClock()


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A database, and the secrets of three tokens in it."""
    folder = tmp_path_factory.mktemp("tokens")
    controller = make_controller(folder, clock=CLOCK)
    found = [token_for(controller, name) for name in "abc"]
    controller.store.close()
    return folder / "mooring.db", found


@pytest.fixture
def store(secrets: tuple[Path, list[str]]) -> Iterator[WatchedStore]:
    opened = WatchedStore(secrets[0], CLOCK, NoSteps())
    yield opened
    opened.close()


@pytest.fixture
def tokens(secrets: tuple[Path, list[str]]) -> list[str]:
    return secrets[1]


def ask(sessions: Sessions, *secrets: str) -> list[str]:
    async def each() -> list[str]:
        return [(await sessions.caller(secret, f"req-{n}")).request_id for n, secret in enumerate(secrets)]

    return asyncio.run(each())


def test_a_token_is_looked_up_once_and_each_caller_has_its_own_request_id(
    store: WatchedStore, tokens: list[str]
) -> None:
    assert ask(Sessions(store, CLOCK), tokens[0], tokens[0], tokens[0]) == ["req-0", "req-1", "req-2"]
    assert store.reads == 1


@pytest.mark.parametrize(
    ("kind", "reads"),
    [
        ("network.created", 1),
        ("server.deleted", 1),
        ("token.created", 1),
        ("user.created", 1),
        ("project.created", 1),
        ("token.revoked", 2),
        ("user.updated", 2),
        ("user.deleted", 2),
        ("project.updated", 2),
        ("project.deleted", 2),
        ("assignment.created", 2),
        ("assignment.deleted", 2),
        ("user.unheard-of", 2),
    ],
)
def test_changes_of_identity_make_it_ask_again(store: WatchedStore, tokens: list[str], kind: str, reads: int) -> None:
    sessions = Sessions(store, CLOCK)
    ask(sessions, tokens[0])
    sessions.committed([Event("port.updated", "x"), Event(kind, "x")])
    ask(sessions, tokens[0], tokens[0])
    assert store.reads == reads


def test_a_revocation_between_the_read_and_its_answer_is_not_missed(store: WatchedStore, tokens: list[str]) -> None:
    sessions = Sessions(store, CLOCK)
    store.before_answer = lambda: sessions.committed([Event("token.revoked", "x")])
    ask(sessions, tokens[0])
    store.before_answer = None
    ask(sessions, tokens[0], tokens[0])
    assert store.reads == 2


def test_no_more_tokens_are_remembered_than_fit(store: WatchedStore, tokens: list[str]) -> None:
    sessions = Sessions(store, CLOCK, remembered_max=2)
    ask(sessions, *tokens, tokens[2], tokens[1], tokens[0])
    assert store.reads == 4


def test_unknown_tokens_are_not_remembered(store: WatchedStore) -> None:
    sessions = Sessions(store, CLOCK, remembered_max=1)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            ask(sessions, "unknown")
    assert store.reads == 2


def test_a_remembered_token_ends_when_its_time_is_up(tmp_path: Path) -> None:
    clock = SteppedClock()
    controller = make_controller(tmp_path, clock=clock)
    secret = token_for(controller, "a")
    ask(controller.sessions, secret)
    clock.advance(3599)
    ask(controller.sessions, secret)
    clock.advance(1)
    with pytest.raises(Unauthenticated):
        ask(controller.sessions, secret)
    controller.store.close()


def test_a_token_whose_row_is_gone_is_refused_at_the_next_request(tmp_path: Path) -> None:
    controller = make_controller(tmp_path)
    secret = token_for(controller, "a")
    ask(controller.sessions, secret)

    def forget_all(tx: Tx) -> None:
        revoke(tx)
        tx.tell(Event("token.revoked", "all"))

    controller.store.write_now(forget_all)
    with pytest.raises(Unauthenticated):
        ask(controller.sessions, secret)
    controller.store.close()
