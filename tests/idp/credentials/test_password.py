"""Passwords: the hash, the bound of the pool, the rules for a new one."""

from __future__ import annotations

import asyncio
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from argon2 import PasswordHasher, Type

from config.connections import Database
from config.problem import Problem
from config.sections.engines import Role
from idp.credentials.password import LONGEST, OVERLOADED, PasswordPool, fault_of_new
from idp.storage import passwords
from tests.clock import FakeClock
from tests.idp.people import add_person

RIGHT = "a horse, a staple and some mist"


@pytest.fixture
def pool() -> Iterator[PasswordPool]:
    opened = PasswordPool(2, memory_cost=64, time_cost=1)
    yield opened
    opened.close()


async def test_a_password_verifies_and_another_does_not(pool: PasswordPool) -> None:
    stored = await pool.hash(RIGHT)
    assert stored.startswith("$argon2id$")
    assert (await pool.verify(RIGHT, stored)).correct
    assert not (await pool.verify(RIGHT + "!", stored)).correct
    assert not (await pool.verify("", stored)).correct


async def test_nobody_s_password_is_never_right(pool: PasswordPool) -> None:
    assert not (await pool.verify("the password of nobody", None)).correct
    assert not (await pool.verify(RIGHT, None)).correct


async def test_every_keyboard_gives_the_same_password(pool: PasswordPool) -> None:
    stored = await pool.hash("비밀번호를 길게 적어요")
    decomposed = unicodedata.normalize("NFD", "비밀번호를 길게 적어요")
    assert decomposed != "비밀번호를 길게 적어요"
    assert (await pool.verify(decomposed, stored)).correct


async def test_what_is_longer_than_the_limit_is_wrong(pool: PasswordPool) -> None:
    stored = await pool.hash("x" * LONGEST)
    assert (await pool.verify("x" * LONGEST, stored)).correct
    assert not (await pool.verify("x" * (LONGEST + 1), stored)).correct


async def test_a_weak_hash_is_made_stronger(
    pool: PasswordPool, database: Callable[[Role], Database], clock: FakeClock
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1).hash(RIGHT)
    verified = await pool.verify(RIGHT, weak)
    assert verified.correct
    assert verified.stronger_hash is not None
    assert (await pool.verify(RIGHT, verified.stronger_hash)).stronger_hash is None
    assert verified.stronger_hash not in repr(verified)
    async with database("idp").begin() as tx:
        user = (await add_person(tx)).id
        assert await passwords.password_hash(tx, user) is None
        await passwords.put_password(tx, user, weak, clock.now())
        assert await passwords.replace_hash(tx, user, weak, verified.stronger_hash)
        assert not await passwords.replace_hash(tx, user, weak, "$argon2id$another")
        assert await passwords.password_hash(tx, user) == verified.stronger_hash


@pytest.mark.parametrize(
    ("parameters", "stale"),
    [
        ({}, False),
        ({"time_cost": 2}, True),
        ({"memory_cost": 32}, True),
        ({"parallelism": 2}, True),
        ({"hash_len": 16}, True),
        ({"salt_len": 8}, True),
        ({"type": Type.I}, True),
    ],
)
async def test_any_other_parameter_than_todays_is_stale(
    pool: PasswordPool, parameters: dict[str, Any], stale: bool
) -> None:
    """Whatever is not as it would be made today is replaced: the scheme, and each of its parameters."""
    stored = PasswordHasher(**{"time_cost": 1, "memory_cost": 64, "parallelism": 1, **parameters}).hash(RIGHT)
    verified = await pool.verify(RIGHT, stored)
    assert verified.correct
    assert (verified.stronger_hash is not None) is stale
    if verified.stronger_hash is not None:
        assert (await pool.verify(RIGHT, verified.stronger_hash)).stronger_hash is None


async def test_the_pool_refuses_what_it_could_not_do_soon() -> None:
    pool = PasswordPool(1, waiting_per_thread=2)
    try:
        stored = await pool.hash(RIGHT)

        async def verify() -> str:
            try:
                return str((await pool.verify(RIGHT, stored)).correct)
            except Problem as problem:
                return f"{problem.kind.code}, again in {problem.headers['Retry-After']} s"

        refused = f"{OVERLOADED.code}, again in 3 s"
        assert Counter(await asyncio.gather(*(verify() for _ in range(5)))) == {"True": 3, refused: 2}
        assert await verify() == "True"
    finally:
        pool.close()


@pytest.mark.parametrize(
    ("password", "alone", "fault"),
    [
        ("x7" * 7, True, "too_short"),
        ("x7" * 7 + "y", True, None),  # fifteen characters, and nothing else is asked for
        ("x7x7x7x", False, "too_short"),
        ("x7x7x7x9", False, None),
        ("x7x7x7x7", False, "repeats"),
        ("abcdefghijklmno", True, "repeats"),
        ("sunshine", False, "common"),
        ("1QAZ2wsx3edc4RFV", True, "common"),
        ("the gate of 문지기", True, None),
        ("long live KIM Mina", False, None),
        ("문지기-2026-!!!", False, "made_of_names"),
        ("Mina.Munjigi.123", True, "made_of_names"),
        ("x" * 20, True, "one_character"),
        ("my name is MINA, hello", True, None),
        ("MINA MINA, 1990-01-01", True, "made_of_names"),
        ("1934567890123459", True, None),
        ("x7" * LONGEST, True, "too_long"),
        ("열다섯 글자가 넘는 비밀번호예요", True, None),
    ],
)
def test_the_rules_for_a_new_password(password: str, alone: bool, fault: str | None) -> None:
    assert fault_of_new(password, login_name="mina", alone=alone) == fault


@pytest.mark.parametrize(
    "password",
    [
        "onlyloweranda few",
        "ONLYUPPERANDAFEW",
        "3141592653589793238",
        "!@#$%^&*()_+{}|:<>?",
        "               a               ",
        "🐴 🔋 🪝 ✅ 🐴 🔋 🪝 ✅ x",
        "z" * 500 + "a",
    ],
)
def test_nothing_else_is_asked_of_a_password(password: str) -> None:
    """No mixture of kinds of characters, no kind that is refused, at any length up to a thousand."""
    assert fault_of_new(password, login_name="mina", alone=True) is None
