"""Who is calling: from the secret in ``X-Auth-Token`` to a Caller, most times without asking the database.

Answers are remembered until any change of identity commits. Such changes are rare and one lost memory costs four
lookups, so nothing here has to work out which of them a change concerns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mooring.errors import Unauthenticated
from mooring.model.identity import Caller, User
from mooring.model.outside import Clock
from mooring.service.passwords import Passwords
from mooring.service.tokens import SECRET_MAX_CHARS, UNAUTHENTICATED, Login, Proof, find_login, secret_hash
from mooring.store.identity import USERS
from mooring.store.sqlite import Store
from mooring.store.tx import Event, Tx

_REMEMBERED_MAX = 10_000
_NOUNS = frozenset({"assignment", "project", "role", "token", "user"})
#: These change nothing of a login that exists.
_HARMLESS = frozenset({"project.created", "token.created", "user.created"})


@dataclass(frozen=True, slots=True)
class _Remembered:
    caller: Caller
    expires_at: datetime
    epoch: int


class Sessions:
    """The logins of one controller. Its methods run in the event loop, except ``committed``."""

    def __init__(self, store: Store, clock: Clock, remembered_max: int = _REMEMBERED_MAX):
        self.passwords = Passwords()
        self._store = store
        self._clock = clock
        self._epoch = 0
        self._known: dict[str, _Remembered] = {}
        self._remembered_max = remembered_max

    def committed(self, events: Sequence[Event]) -> None:
        """Forget everything when identity changed. Runs in the writer thread, before the change is answered.

        Counting an epoch needs no lock: one thread counts, and what the loop remembers from a read that began
        before the change carries the epoch of before.
        """
        if any(event.kind.partition(".")[0] in _NOUNS and event.kind not in _HARMLESS for event in events):
            self._epoch += 1

    async def caller(self, secret: str, request_id: str) -> Caller:
        """Whose secret this is. Raises Unauthenticated for an unknown, expired or revoked one."""
        hashed = _hashed(secret)
        known = self._known.get(hashed)
        if known is None or known.epoch != self._epoch or known.expires_at <= self._clock.now():
            known = await self._ask(hashed)
        return replace(known.caller, request_id=request_id)

    async def login(self, secret: str) -> Login | None:
        """The login behind a secret, read from the database."""
        if len(secret) > SECRET_MAX_CHARS:
            return None
        return await self._store.read(lambda tx: find_login(tx, secret_hash(secret)))

    async def prove_by_token(self, secret: str) -> Proof:
        """What a valid token proves. Raises Unauthenticated for any other."""
        login = await self.login(secret)
        if login is None:
            raise Unauthenticated(UNAUTHENTICATED)
        token = login.token
        methods = ("token", *(method for method in token.methods if method != "token"))
        return Proof(login.user, methods, token.expires_at, token.secret_hash)

    async def prove_by_password(self, password: str, *, user_id: str | None, user_name: str | None) -> Proof:
        """What the user's password proves; the user goes by id, or by name in the only domain.

        Raises Unauthenticated, in the same time and words, for an unknown user, a wrong password and a disabled user.
        """
        by = {"id": user_id} if user_id is not None else {"name": user_name}

        def find(tx: Tx) -> User | None:
            return USERS.first(tx, **by)

        user = await self._store.read(find)
        is_right = await self.passwords.is_right(password, user.password_hash if user else None)
        if user is None or not user.is_enabled or not is_right:
            raise Unauthenticated(UNAUTHENTICATED)
        return Proof(user, ("password",))

    async def _ask(self, hashed: str) -> _Remembered:
        epoch = self._epoch
        login = await self._store.read(lambda tx: find_login(tx, hashed))
        if login is None:
            self._known.pop(hashed, None)
            raise Unauthenticated(UNAUTHENTICATED)
        found = _Remembered(login.caller(""), login.token.expires_at, epoch)
        while len(self._known) >= self._remembered_max:
            del self._known[next(iter(self._known))]
        self._known[hashed] = found
        return found


def _hashed(secret: str) -> str:
    if len(secret) > SECRET_MAX_CHARS:
        raise Unauthenticated(UNAUTHENTICATED)
    return secret_hash(secret)
