"""People a second that `munjigi users import` brings in, hashes kept as they are, against bare COPY of the same rows.

The peer does nothing but COPY: rows that are ready in memory, into the same tables with the same keys, in transactions
of the same size. The import reads the file, checks it, keeps count of it and of who is there already.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import uvloop

from benchmarks.result import Result, tell
from config.clock import SystemClock
from config.connections import Database, open_database
from config.engines.embedded import running_engines
from config.engines.folders import make_var
from config.envelope import Envelope
from config.settings import Settings
from idp.directory.account import Organisation
from idp.every_import import Asked, every_import
from idp.importing.batch import Counts, Ready, Source
from idp.importing.importer import CHUNK
from idp.importing.person import Checker, Entry, Rules
from idp.importing.reading import read
from idp.storage import directory, imports
from migrations.runner import migrate

COMMAND = "python -m benchmarks imports"
ROUNDS = 3
PEOPLE = 40_000
"""In one round."""
HASH = "$2b$12$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"


def run() -> list[Result]:
    """Rounds of both, one after the other, and their medians."""
    with tempfile.TemporaryDirectory(prefix="munjigi-") as folder:
        Path(folder).chmod(0o755)  # started by root, the engines' account must be able to come in
        settings = Settings(var=Path(folder) / "v")
        make_var(settings)
        Envelope.create(settings)
        with running_engines(settings):
            uvloop.run(migrate(settings))
            return uvloop.run(_measure(settings, Path(folder) / "people.jsonl"))


async def _measure(settings: Settings, file: Path) -> list[Result]:
    database, ours, theirs = open_database(settings, "idp"), list[float](), list[float]()
    try:
        for number in range(ROUNDS + 1):  # what is loaded lazily is loaded in the first one
            _write(file, f"bare{number}")
            copied = await _bare(database, file)
            _write(file, f"brought{number}")
            brought = await _brought(settings, database, file)
            if number:
                theirs.append(copied)
                ours.append(brought)
                tell(f"  {brought:,.0f} people/s, bare COPY {copied:,.0f}/s")
    finally:
        await database.dispose()
    middle = ROUNDS // 2
    rate = sorted(ours)[middle]
    return [Result.against("imports.rate", rate, "1/s", "bare COPY of the same rows", sorted(theirs)[middle], COMMAND)]


async def _brought(settings: Settings, database: Database, file: Path) -> float:
    asked = Asked(path=file, format="jsonl", organisation_id=await _organisation(database))
    async with every_import(settings) as every:
        begun = time.perf_counter()
        done = await every.bring(asked, "a measurement", lambda _at, _counts: None, _fail)
        taken = time.perf_counter() - begun
    assert done.counts.created == PEOPLE
    return PEOPLE / taken


async def _bare(database: Database, file: Path) -> float:
    """The rows that the import would write, made before the clock runs."""
    organisation = await _organisation(database)
    checker = Checker(Rules(organisation_id=organisation, checksum_key=b"a key"))
    with file.open("rb") as opened:
        lines = [(line.number, line.read) for line in read(opened, "jsonl") if isinstance(line.read, Entry)]
    people = [checker.check(number, entry) for number, entry in lines]
    now = SystemClock().now()
    async with database.begin() as tx:
        source = Source(
            organisation_id=organisation, file_name="", file_size=0, file_digest=bytes(32), format="", options={}
        )
        batch = await imports.begin(tx, uuid4(), source, "nobody", "", now)
    shares = [people[at : at + CHUNK] for at in range(0, PEOPLE, CHUNK)]
    ready = [[Ready(one, one.secret.stored if one.secret else None) for one in share] for share in shares]
    begun = time.perf_counter()
    for share in ready:
        async with database.begin() as tx:
            await imports.keep(tx, batch, share, Counts(), now)
    return PEOPLE / (time.perf_counter() - begun)


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
