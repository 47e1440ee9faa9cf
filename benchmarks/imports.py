"""People a second that `munjigi users import` brings in, hashes kept as they are, against bare COPY of the same rows.

The peer does nothing but COPY: rows that are ready in memory, into the same tables with the same keys, in transactions
of the same size; once as any role would, and once as the superuser, without the look-up of what a row refers to. The
import reads the file, checks it, keeps count of it and of who is there already. Beside each rate stands what it took of
the processors, which other work on the machine hardly changes: of Python, and of PostgreSQL with all its processes.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import uvloop
from sqlalchemy import text

from benchmarks.own_folder import own_folder
from benchmarks.processor import of_postgresql
from benchmarks.result import Result, tell
from config.clock import SystemClock
from config.connections import Database, Transaction, open_database
from config.engines.embedded import running_engines
from config.engines.folders import make_var
from config.envelope import Envelope
from config.settings import Settings
from idp.directory.account import Organisation
from idp.every_import import every_import
from idp.importing.asked import Asked
from idp.importing.importer import CHUNK
from idp.importing.person import Candidate, Checker, Entry, Rules
from idp.importing.reading import read
from idp.storage import directory
from migrations.runner import migrate

COMMAND = "python -m benchmarks imports"
ROUNDS = 5
PEOPLE = 40_000
"""In one round."""
HASH = "$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
KINDS = ("brought", "bare", "unreferenced")


def run() -> list[Result]:
    """Rounds of all three, one after the other, and their medians."""
    with own_folder() as folder:
        settings = Settings(var=folder / "v")
        make_var(settings)
        Envelope.create(settings)
        with running_engines(settings):
            uvloop.run(migrate(settings))
            return uvloop.run(_measure(settings, folder / "people.jsonl"))


class _Measured:
    """Rates and microseconds a person, of Python and of PostgreSQL, round by round."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._seen: list[tuple[float, float, float]] = []

    async def add(self, act: Callable[[], Awaitable[None]]) -> None:
        begun, ours, theirs = time.perf_counter(), time.process_time(), of_postgresql(self._settings.var)
        await act()
        taken = time.perf_counter() - begun
        ours, theirs = time.process_time() - ours, of_postgresql(self._settings.var) - theirs
        self._seen.append((PEOPLE / taken, ours / PEOPLE * 1e6, theirs / PEOPLE * 1e6))

    def median(self, column: int) -> float:
        found = sorted(one[column] for one in self._seen)
        return found[len(found) // 2]

    def __str__(self) -> str:
        rate, ours, theirs = self._seen[-1]
        return f"{rate:,.0f}/s ({ours:.0f} + {theirs:.0f} us)"


async def _measure(settings: Settings, file: Path) -> list[Result]:
    database, owner = open_database(settings, "idp"), open_database(settings, "owner")
    measured = {kind: _Measured(settings) for kind in KINDS}
    try:
        for number in range(ROUNDS + 1):
            if number == 1:  # what is loaded lazily is loaded in the first one
                measured = {kind: _Measured(settings) for kind in KINDS}
            for kind in KINDS:
                _write(file, f"{kind}{number}")
                if kind == "brought":
                    await _bring(settings, database, file, measured[kind])
                else:
                    await _copy_all(owner, file, measured[kind], unreferenced=kind == "unreferenced")
            if number:
                tell("  " + ", ".join(f"{kind} {measured[kind]}" for kind in KINDS))
    finally:
        await database.dispose()
        await owner.dispose()
    ours, copied, unreferenced = (measured[kind] for kind in KINDS)
    return [
        Result.against("imports.rate", ours.median(0), "1/s", "bare COPY of the same rows", copied.median(0), COMMAND),
        Result.against(
            "imports.rate.unreferenced", ours.median(0), "1/s", "bare COPY that looks up no reference",
            unreferenced.median(0), COMMAND,
        ),
        Result.against(
            "imports.processor", ours.median(1) + ours.median(2), "us a person", "bare COPY of the same rows",
            copied.median(1) + copied.median(2), COMMAND,
        ),
        Result.against(
            "imports.processor.postgresql", ours.median(2), "us a person", "bare COPY that looks up no reference",
            unreferenced.median(2), COMMAND,
        ),
    ]  # fmt: skip


async def _bring(settings: Settings, database: Database, file: Path, measured: _Measured) -> None:
    asked = Asked(path=file, format="jsonl", organisation_id=await _organisation(database))
    async with every_import(settings) as every:

        async def bring() -> None:
            done = await every.bring(asked, "a measurement", lambda _at, _counts: None, _fail)
            assert done.counts.created == PEOPLE

        await measured.add(bring)


async def _copy_all(database: Database, file: Path, measured: _Measured, *, unreferenced: bool) -> None:
    """The rows that the import would write, made before the clock runs."""
    organisation, now = await _organisation(database), SystemClock().now()
    checker = Checker(Rules(organisation_id=organisation, checksum_key=b"a key"))
    with file.open("rb") as opened:
        lines = [(line.number, line.read) for line in read(opened, "jsonl") if isinstance(line.read, Entry)]
    people = [checker.check(number, entry) for number, entry in lines]
    shares = [people[at : at + CHUNK] for at in range(0, PEOPLE, CHUNK)]

    async def copy() -> None:
        for share in shares:
            async with database.begin() as tx:
                if unreferenced:
                    await tx.execute(text("SET LOCAL session_replication_role = replica"))
                await _copy(tx, organisation, share, now)

    await measured.add(copy)


async def _copy(tx: Transaction, organisation: UUID, people: list[Candidate], now: datetime) -> None:
    await tx.execute(text("SELECT 1"))  # the transaction begins with its first statement
    driver: Any = (await tx.get_raw_connection()).driver_connection

    async def put(table: str, columns: str, rows: Iterable[tuple[object, ...]]) -> None:
        await driver.copy_records_to_table(table, schema_name="idp", columns=columns.split(), records=rows)

    await put(
        "user_account",
        "id display_name email locale state version created_at updated_at",
        ((one.user_id, one.display_name, one.email, one.locale, one.state, 1, now, now) for one in people),
    )
    await put("login_name", "name user_id", ((one.login_name, one.user_id) for one in people))
    await put(
        "membership",
        "user_id organisation_id roles joined_at",
        ((one.user_id, organisation, list(one.roles), now) for one in people),
    )
    await put(
        "password",
        "user_id hash changed_at",
        ((one.user_id, one.secret.stored, now) for one in people if one.secret is not None),
    )
    await put(
        "imported_person",
        "user_id batch_id line checksum",
        ((one.user_id, organisation, one.line, one.checksum) for one in people),
    )


async def _organisation(database: Database) -> UUID:
    made = Organisation(id=uuid4(), name=str(uuid4()), time_zone="Asia/Seoul", duplicate_login=None)
    async with database.begin() as tx:
        await directory.put_organisation(tx, made, SystemClock().now())
    return made.id


def _write(file: Path, prefix: str) -> None:
    file.write_bytes(b"".join(_lines(prefix)))


def _lines(prefix: str) -> Iterator[bytes]:
    for number in range(PEOPLE):
        name = f"{prefix}-{number}@example.com"
        one = {"login_name": name, "display_name": f"Person {number}", "email": name, "password_hash": HASH}
        yield msgspec.json.encode(one) + b"\n"


def _fail(line: int, what: str) -> None:
    raise AssertionError(f"line {line}: {what}")
