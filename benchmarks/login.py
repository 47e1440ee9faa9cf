"""Logins a second through the real HTTP flow, against bare argon2id: same parameters, threads and run.

A login is all of it: authorization request, sign-in page, password, session, code, token request. Everybody is another
person, since a person has one session.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import uvloop
from argon2 import PasswordHasher

from benchmarks.house import House, add_people, running_house
from benchmarks.result import Result, tell
from benchmarks.visitor import sign_in
from config.connections import open_database
from idp.credentials.password import MEMORY_COST, TIME_COST

COMMAND = "python -m benchmarks login"
ROUNDS = 3
PEOPLE = 120
"""Logins in one round."""
AT_ONCE = 16


def run() -> list[Result]:
    """Rounds of both, one after the other, and their medians."""
    with running_house() as house:
        return uvloop.run(_measure(house))


async def _measure(house: House) -> list[Result]:
    database = open_database(house.settings, "idp")
    try:
        names = await add_people(database, (ROUNDS + 1) * PEOPLE)
    finally:
        await database.dispose()
    await _logins(house, names[:PEOPLE])  # what is loaded lazily is loaded then
    ours, theirs = [], []
    for number in range(1, ROUNDS + 1):
        theirs.append(await asyncio.to_thread(_bare, house.settings.idp.password_threads))
        ours.append(await _logins(house, names[number * PEOPLE : (number + 1) * PEOPLE]))
        tell(f"  {ours[-1]:.1f} logins/s, bare argon2id {theirs[-1]:.1f}/s")
    middle = ROUNDS // 2
    return [Result.against("login.rate", sorted(ours)[middle], "1/s", "bare argon2id", sorted(theirs)[middle], COMMAND)]


async def _logins(house: House, names: list[str]) -> float:
    waiting: Iterator[str] = iter(names)

    async def visitor() -> None:
        for name in waiting:
            await sign_in(house, name)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as visitors:
        for _ in range(AT_ONCE):
            visitors.create_task(visitor())
    return len(names) / (time.perf_counter() - begun)


def _bare(threads: int) -> float:
    hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_COST, parallelism=1)
    hashed = hasher.hash("a password")
    with ThreadPoolExecutor(threads) as pool:
        begun = time.perf_counter()
        for done in [pool.submit(hasher.verify, hashed, "a password") for _ in range(PEOPLE)]:
            done.result()
        return PEOPLE / (time.perf_counter() - begun)
