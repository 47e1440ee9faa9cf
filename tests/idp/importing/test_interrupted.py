"""A real import is killed in the middle, and given again: nobody is doubled or lost. In the long form of 100,000."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from config.connections import Database
from config.sections.engines import Role
from config.settings import Settings
from tests.cli.test_sessions import environment
from tests.idp.people import HOUSE, add_person

KEPT = "$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
Databases = Callable[[Role], Database]


def command(settings: Settings, *arguments: str) -> subprocess.Popen[bytes]:
    """A process of its own, which gets the whole of a real start."""
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "users", *arguments],
        env={**os.environ, **environment(settings)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finished(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    out, err = process.communicate(timeout=500)
    assert process.returncode == 0, err.decode()
    said: dict[str, Any] = json.loads(out)
    return said


def high_water(process: int) -> float:
    """MiB that a process had at most; 0 once it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    said = status.partition("VmHWM:")[2].split()
    return int(said[0]) / 1024 if said else 0.0


async def one(database: Databases, statement: str) -> Any:
    async with database("owner").connect() as tx:
        return (await tx.execute(text(statement))).one()


async def interrupted(settings: Settings, database: Databases, file: Path, people: int) -> None:
    """Import, kill as soon as some are there and not all, import again."""
    async with database("idp").begin() as tx:
        await add_person(tx, "boss")
    with file.open("w", encoding="utf-8") as lines:
        for number in range(people):
            lines.write(json.dumps({"login_name": f"p{number}", "password_hash": KEPT}) + "\n")
    asked = ("import", str(file), "--organisation", str(HOUSE), "--json")
    first = command(settings, *asked)
    async with asyncio.timeout(300):
        while (await one(database, "SELECT coalesce(max(created), 0) AS there FROM idp.import_batch")).there == 0:
            assert first.poll() is None, first.communicate()[1]
            await asyncio.sleep(0.005)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    batch = await one(database, "SELECT id, state, read, created FROM idp.import_batch")
    assert batch.state == "running"
    assert 0 < batch.created < people, "it was at its end before it could be killed"
    there = await one(database, "SELECT count(*) AS people FROM idp.imported_person")
    assert there.people == batch.created, "what is told is what is there"

    begun = time.monotonic()
    said = await asyncio.to_thread(finished, command(settings, *asked))
    assert (said["batch"], said["read"], said["created"]) == (str(batch.id), people, people)
    assert (said["unchanged"], said["refused"], said["passwords"]) == (0, 0, {"bcrypt": {"kept": people}})
    counted = await one(
        database,
        "SELECT (SELECT count(*) FROM idp.login_name WHERE name LIKE 'p%') AS names,"
        " (SELECT count(*) FROM idp.password) AS passwords, (SELECT count(*) FROM idp.membership) AS members",
    )
    assert tuple(counted) == (people, people, people + 1)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"{people - batch.created} people in {time.monotonic() - begun:.1f} s, {largest / 1024:.0f} MiB")  # noqa: T201


async def test_what_is_killed_goes_on(settings: Settings, database: Databases, tmp_path: Path) -> None:
    await interrupted(settings, database, tmp_path / "people.jsonl", 5000)


@pytest.mark.proof
async def test_a_hundred_thousand_people(settings: Settings, database: Databases, tmp_path: Path) -> None:
    file = tmp_path / "people.jsonl"
    await interrupted(settings, database, file, 100_000)
    verified = await asyncio.to_thread(finished, command(settings, "verify", str(file), "--json"))
    assert (verified["sound"], verified["same"]) == (True, 100_000)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    assert largest < 256, f"{largest} MiB"


@pytest.mark.proof
async def test_a_survey_takes_no_more_memory_for_a_larger_file(
    settings: Settings, database: Databases, tmp_path: Path
) -> None:
    """A million lines, and every tenth of them comes twice."""
    async with database("idp").begin() as tx:
        await add_person(tx, "boss")

    async def surveyed(lines: int) -> float:
        """MiB of the process at most."""
        file = tmp_path / "people.jsonl"
        with file.open("w", encoding="utf-8") as written:
            for number in range(lines):
                person = number - number % 10 if number % 10 == 9 else number
                written.write(json.dumps({"login_name": f"p{person}", "password_hash": KEPT}) + "\n")
        begun = time.monotonic()
        process = command(settings, "import", str(file), "--organisation", str(HOUSE), "--json", "--dry-run")
        largest = 0.0
        while process.poll() is None:
            await asyncio.sleep(0.1)
            largest = max(largest, high_water(process.pid))
        said = await asyncio.to_thread(finished, process)
        assert (said["created"], said["unchanged"]) == (lines - lines // 10, lines // 10)
        print(f"{lines} lines in {time.monotonic() - begun:.0f} s, {largest:.0f} MiB")  # noqa: T201
        return largest

    few = await surveyed(20_000)
    assert await surveyed(1_000_000) < few + 16
