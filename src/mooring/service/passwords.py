"""Passwords: kept as scrypt, compared in constant time, hashed away from the event loop.

A stored password is ``scrypt$N$r$p$salt$hash``, salt and hash in hex, so that the cost can grow without a migration.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable

from mooring.errors import Invalid, Unreachable

PASSWORD_MAX_BYTES = 1024
_N, _R, _P = 2**14, 8, 1
_HASH_BYTES = 32
_MEMORY_MAX_BYTES = 64 * 1024 * 1024
_AT_ONCE = 2
"""Each takes 16 MiB and a core."""
_WAITING_MAX = 64
#: What an unknown user's password is compared with, so that the answer takes as long as anybody's.
_NOBODYS = f"scrypt${_N}${_R}${_P}${'0' * 32}${'0' * 2 * _HASH_BYTES}"


def check_password(text: str) -> None:
    """Raise Invalid for an empty password, or one that is too long to be worth hashing."""
    if not text:
        raise Invalid("password is empty", hint=f"1 to {PASSWORD_MAX_BYTES} bytes")
    if len(text.encode("utf-8", "surrogatepass")) > PASSWORD_MAX_BYTES:
        raise Invalid(f"password is over {PASSWORD_MAX_BYTES} bytes")


def hash_password(text: str, salt: str) -> str:
    """The password as it is stored. ``salt`` is hex, fresh for each password. Takes about 50 ms."""
    return f"scrypt${_N}${_R}${_P}${salt}${_scrypt(text, salt, _N, _R, _P).hex()}"


def is_password(text: str, stored: str) -> bool:
    """Whether ``text`` is the stored password. One that is stored in a form not known here fits nothing."""
    kind, _, rest = stored.partition("$")
    parts = rest.split("$")
    if kind != "scrypt" or len(parts) != 5:  # noqa: PLR2004 - N, r, p, salt, hash
        return False
    n, r, p, salt, kept = parts
    return hmac.compare_digest(_scrypt(text, salt, int(n), int(r), int(p)).hex(), kept)


def _scrypt(text: str, salt: str, n: int, r: int, p: int) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(raw, salt=bytes.fromhex(salt), n=n, r=r, p=p, maxmem=_MEMORY_MAX_BYTES, dklen=_HASH_BYTES)


class Passwords:
    """The same for handlers: in threads, two at once, and no longer a queue than the event loop can hold."""

    def __init__(self, fits: Callable[[str, str], bool] = is_password) -> None:
        """``fits`` is what is run once for each answer, whoever asks."""
        self._fits = fits
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def hash(self, text: str, salt: str) -> str:
        """As ``hash_password``. Raises Invalid for a length that ``check_password`` refuses."""
        check_password(text)
        await self._enter()
        try:
            return await asyncio.to_thread(hash_password, text, salt)
        finally:
            self._free.release()

    async def is_right(self, text: str, stored: str | None) -> bool:
        """Whether ``text`` is right; ``None`` or ``""`` (nobody's password) takes as long as a wrong one."""
        check_password(text)
        await self._enter()
        try:
            return await asyncio.to_thread(self._fits, text, stored or _NOBODYS) and bool(stored)
        finally:
            self._free.release()

    async def _enter(self) -> None:
        if self._waiting >= _WAITING_MAX:
            raise Unreachable(f"{_WAITING_MAX} logins are waiting", hint="try again shortly")
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
