"""Passwords are kept so that nobody can read them, and checked so that nobody learns who exists."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mooring.errors import Invalid, Unreachable
from mooring.service.passwords import PASSWORD_MAX_BYTES, Passwords, check_password, hash_password, is_password

SALT = "00112233445566778899aabbccddeeff"


def test_stored_form_names_its_cost_and_hides_the_password() -> None:
    stored = hash_password("tiger", SALT)
    assert stored.split("$")[:5] == ["scrypt", "16384", "8", "1", SALT]
    assert "tiger" not in stored
    assert stored != hash_password("tiger", SALT[::-1])


@settings(max_examples=10)
@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_a_password_fits_its_own_hash_and_no_other(one: str, other: str) -> None:
    assert is_password(one, hash_password(one, SALT))
    assert is_password(other, hash_password(one, SALT)) == (one == other)


def test_the_cost_is_read_from_what_is_stored() -> None:
    cheaper = "scrypt$1024$8$1$" + hash_password("tiger", SALT).split("$", 4)[4]
    assert not is_password("tiger", cheaper)


@pytest.mark.parametrize("stored", ["", "tiger", "scrypt$1$2$3", "md5$1$1$1$00$00"])
def test_a_form_that_is_not_known_fits_nothing(stored: str) -> None:
    assert not is_password("tiger", stored)


@pytest.mark.parametrize("text", ["", "a" * (PASSWORD_MAX_BYTES + 1), "é" * (PASSWORD_MAX_BYTES // 2 + 1)])
def test_a_length_that_is_not_worth_hashing_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        check_password(text)
    with pytest.raises(Invalid):
        asyncio.run(Passwords().hash(text, SALT))
    with pytest.raises(Invalid):
        asyncio.run(Passwords().is_right(text, None))


def test_the_longest_password_is_hashed_whole() -> None:
    longest = "a" * PASSWORD_MAX_BYTES
    assert not is_password(longest[:-1] + "b", hash_password(longest, SALT))


@pytest.mark.parametrize("stored", [None, ""])
def test_nobody_has_no_password_at_all(stored: str | None) -> None:
    assert not asyncio.run(Passwords().is_right("tiger", stored))


class Counted:
    """The real comparison, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, text: str, stored: str) -> bool:
        self.asked.append((text, stored))
        return is_password(text, stored)


def cost(stored: str) -> tuple[list[str], list[int]]:
    """What the work of a comparison depends on: scrypt's parameters, and how long salt and hash are."""
    parts = stored.split("$")
    return parts[:4], [len(part) for part in parts[4:]]


@pytest.mark.parametrize("stored", [None, ""])
def test_an_unknown_user_costs_as_much_as_a_wrong_password(stored: str | None) -> None:
    counted = Counted()
    assert not asyncio.run(Passwords(counted).is_right("lion", stored))
    ((text, compared),) = counted.asked
    assert (text, cost(compared)) == ("lion", cost(hash_password("tiger", SALT)))
    assert not asyncio.run(Passwords(counted).is_right("lion", hash_password("tiger", SALT)))
    assert len(counted.asked) == 2


def test_a_flood_of_logins_is_refused_before_it_fills_the_memory() -> None:
    async def flood() -> list[object]:
        passwords = Passwords()
        tasks = [asyncio.create_task(passwords.is_right("tiger", None)) for _ in range(100)]
        await asyncio.sleep(0)
        early = [task.exception() for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not await passwords.is_right("tiger", None)
        return list(early)

    early = asyncio.run(flood())
    assert len(early) == 34  # of 100: two are hashed, 64 wait
    assert all(isinstance(error, Unreachable) for error in early)
