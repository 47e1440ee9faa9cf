"""Logins through the real HTTP flow, against the argon2id of which each of them must do one.

A login is all of it: authorization request, sign-in page, password, session, code, token request; six requests.
Everybody is another person, since a person has one session. The provider has one core to itself, for its hashing and
all else that it does; the engines and the visitors, who are the browser and the relying app, have the other. Bare
argon2id has the same core, by as many threads and the same parameters. `login.cpu` is the processor time of the
provider that a login takes, beside that of a bare hash: what the other core does, and waiting, is not in it.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import uvloop
from argon2 import PasswordHasher

from benchmarks.house import House, add_people
from benchmarks.provider import opened, running_provider
from benchmarks.result import Result, tell
from benchmarks.visitor import sign_in
from benchmarks.wrk import cpu_seconds, two_cores
from config.settings import Settings
from idp.credentials.password import LANES, MEMORY_COST, TIME_COST
from idp.demo import load

COMMAND = "python -m benchmarks login"
ROUNDS = 3
PEOPLE = 40
"""Logins in one round, and hashes."""
AT_ONCE = 16


def run() -> list[Result]:
    """Rounds of both, one after the other, and their medians. Raises `CannotMeasure` without a second core."""
    core, others = two_cores()
    with running_provider(core, others, 1) as provider:
        house = House(provider.settings, provider.port, 0, {})
        names = uvloop.run(_people(provider.settings))
        uvloop.run(_logins(house, names[:PEOPLE]))  # what is loaded lazily is loaded then
        rounds: list[tuple[tuple[float, float], tuple[float, float]]] = []
        for number in range(1, ROUNDS + 1):
            before = cpu_seconds(provider.process.pid)
            rate = uvloop.run(_logins(house, names[number * PEOPLE : (number + 1) * PEOPLE]))
            ours = rate, (cpu_seconds(provider.process.pid) - before) / PEOPLE * 1e6
            rounds.append((ours, _bare(core, provider.settings.idp.password_threads)))
            told = [f"{rate:.1f}/s ({cpu / 1000:.1f} ms)" for rate, cpu in rounds[-1]]
            tell(f"  logins {told[0]}, bare argon2id {told[1]}")
    return [_result(name, unit, at, rounds) for at, (name, unit) in enumerate((("rate", "1/s"), ("cpu", "us")))]


def _result(name: str, unit: str, at: int, rounds: list[tuple[tuple[float, float], tuple[float, float]]]) -> Result:
    ours, bare = (statistics.median(side[at] for side in sides) for sides in zip(*rounds, strict=True))
    return Result.against(f"login.{name}", ours, unit, "bare argon2id", bare, COMMAND)


async def _people(settings: Settings) -> list[str]:
    await load(settings)
    async with opened(settings) as database:
        return await add_people(database, (ROUNDS + 1) * PEOPLE)


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


def _bare(core: int, threads: int) -> tuple[float, float]:
    """Hashes a second, and microseconds of processor time for one, of a process of their own on this core."""
    command = ["taskset", "-c", str(core), sys.executable, "-m", "benchmarks.login", str(threads)]
    told = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    return float(told[0]), float(told[1])


def _hashes(threads: int) -> None:
    hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_COST, parallelism=LANES)
    hashed = hasher.hash("a password")
    with ThreadPoolExecutor(threads) as pool:
        begun, used = time.perf_counter(), time.process_time()
        for done in [pool.submit(hasher.verify, hashed, "a password") for _ in range(PEOPLE)]:
            done.result()
        rate, used = PEOPLE / (time.perf_counter() - begun), time.process_time() - used
    sys.stdout.write(f"{rate} {used / PEOPLE * 1e6}\n")


if __name__ == "__main__":
    _hashes(int(sys.argv[1]))
