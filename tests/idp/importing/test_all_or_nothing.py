"""All or nothing: nobody counts before it is sure of everybody, whatever interrupts it, and then everybody comes in."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from config.settings import Settings
from idp.every_import import EveryImport, every_import, land_left
from idp.importing import importer, landing
from idp.importing.asked import Asked
from idp.importing.batch import Counts
from idp.importing.landing import Landing
from tests.idp.importing.test_interrupted import KEPT, Databases, command, finished, one
from tests.idp.people import HOUSE, add_person

WRAPPED = "{SSHA}0H+zTv8o4MR4H43n03eCsvw1luG8LdB7"


class KilledError(Exception):
    """As if the process was gone: what is committed stays."""


@pytest.fixture
async def every(settings: Settings, database: Databases, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EveryImport]:
    async with database("idp").begin() as tx:
        await add_person(tx, "boss")
    monkeypatch.setattr(importer, "CHUNK", 3)
    monkeypatch.setattr(landing, "CHUNK", 3)
    async with every_import(settings) as made:
        yield made


def asked(folder: Path, people: int = 8) -> Asked:
    path = folder / "people.jsonl"
    lines = [
        {"login_name": f"p{number}", "password_hash": WRAPPED if number == 5 else KEPT} for number in range(people)
    ]
    lines[1] |= {"email": "p1@example.com", "email_verified": True, "roles": ["a", "b"], "state": "locked"}
    lines.append(lines[0])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return Asked(path=path, format="jsonl", organisation_id=HOUSE, all_or_nothing=True)


async def bring(every: EveryImport, file: Asked, *, dies_at: int = 0) -> tuple[Counts, list[tuple[int, str]]]:
    faults: list[tuple[int, str]] = []
    chunks = 0

    def told(_at: int, _counts: Counts) -> None:
        nonlocal chunks
        chunks += 1
        if chunks == dies_at:
            raise KilledError

    done = await every.bring(file, "", told, lambda line, what: faults.append((line, what)))
    return done.counts, faults


async def there(database: Databases) -> tuple[int, ...]:
    return tuple(
        await one(
            database,
            "SELECT (SELECT count(*) FROM idp.login_name WHERE name LIKE 'p_'),"
            " (SELECT count(*) FROM idp.membership) - 1, (SELECT count(*) FROM idp.imported_person),"
            " (SELECT count(*) FROM idp.import_staged)",
        )
    )


async def test_killed_before_it_is_sure_nobody_is_there(
    every: EveryImport, database: Databases, tmp_path: Path
) -> None:
    file = asked(tmp_path)
    with pytest.raises(KilledError):
        await bring(every, file, dies_at=5)  # three chunks are surveyed, and two wait
    assert await there(database) == (0, 0, 0, 6)
    assert await land_left(every) == 0, "nobody is sure of it"
    counts, faults = await bring(every, file)
    assert (counts.created, counts.unchanged, faults) == (8, 1, [])
    assert await there(database) == (8, 8, 8, 0)
    first = await one(
        database,
        "SELECT proven_email, roles, state, lock_reason FROM idp.user_account AS account"
        " JOIN idp.membership ON membership.user_id = account.id WHERE email = 'p1@example.com'",
    )
    assert tuple(first) == ("p1@example.com", ["a", "b"], "locked", "administrator")
    [batch] = await every.all()
    found = await every.verify(batch, file.path, None, lambda *_: None, lambda *_: None)
    assert (found.sound, found.same) == (True, 9), "the last line is the first again"


async def test_killed_while_they_come_in_a_worker_brings_the_rest(
    every: EveryImport, database: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, move, moves = asked(tmp_path), Landing._move, 0

    async def dying(self: Landing, *arguments: object) -> int:
        nonlocal moves
        moves += 1
        if moves == 2:
            raise KilledError
        return await move(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Landing, "_move", dying)
    with pytest.raises(KilledError):
        await bring(every, file)
    assert await there(database) == (3, 3, 3, 5)
    assert await land_left(every) == 1
    assert await there(database) == (8, 8, 8, 0)
    assert await land_left(every) == 0
    [batch] = await every.all()
    assert (batch.state, batch.counts.created) == ("finished", 8)


@pytest.mark.parametrize("late", [False, True], ids=["before it is sure", "while they come in"])
async def test_whose_name_is_taken_meanwhile_keeps_everybody_out(
    every: EveryImport, database: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    file, sure = asked(tmp_path), Landing.sure

    async def taking(self: Landing, batch: object) -> object:
        if late:
            found = await sure(self, batch)  # type: ignore[arg-type]
        async with database("idp").begin() as tx:
            await add_person(tx, "p7")
        return found if late else await sure(self, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Landing, "sure", taking)
    counts, faults = await bring(every, file)
    assert (counts.created, counts.refused) == (0, 1)
    assert faults == [(8, landing.TAKEN)]
    assert await there(database) == (1, 1, 0, 0), "none but whoever took the name"
    assert [one.state for one in await every.all()] == ["undone"]


async def test_taken_out_before_it_is_sure_nobody_waits(
    every: EveryImport, database: Databases, tmp_path: Path
) -> None:
    with pytest.raises(KilledError):
        await bring(every, asked(tmp_path), dies_at=5)
    [batch] = await every.all()
    await every.undo(batch.id, "not yet", lambda *_: None)
    assert await there(database) == (0, 0, 0, 0)


@pytest.mark.proof
async def test_a_real_process_is_killed_in_both_halves(settings: Settings, database: Databases, tmp_path: Path) -> None:
    """kill -9 while 50,000 wait, and while they come in; then a worker brings the rest."""
    people = 50_000
    async with database("idp").begin() as tx:
        await add_person(tx, "boss")
    file = tmp_path / "people.jsonl"
    with file.open("w", encoding="utf-8") as lines:
        for number in range(people):
            lines.write(json.dumps({"login_name": f"p{number}", "password_hash": KEPT}) + "\n")
    given = ("import", str(file), "--organisation", str(HOUSE), "--all-or-nothing", "--json")
    counted = "SELECT (SELECT count(*) FROM idp.import_staged) AS waiting, count(*) AS there FROM idp.imported_person"

    async def killed_when(column: str) -> tuple[int, int]:
        process = command(settings, *given)
        async with asyncio.timeout(300):
            while not getattr(await one(database, counted), column):
                assert process.poll() is None, process.communicate()[1]
                await asyncio.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = await one(database, counted)
        return found.waiting, found.there

    waiting, came = await killed_when("waiting")
    assert 0 < waiting < people
    assert came == 0
    names = await one(database, "SELECT count(*) AS names FROM idp.login_name WHERE name LIKE 'p%'")
    assert names.names == 0, "nobody is there who counts"
    waiting, came = await killed_when("there")
    assert (waiting + came, waiting > 0) == (people, True)
    async with every_import(settings) as every:
        assert await land_left(every) == 1
    verified = await asyncio.to_thread(finished, command(settings, "verify", str(file), "--json"))
    assert (verified["sound"], verified["same"]) == (True, people)
    async with database("owner").connect() as tx:
        orphans = await tx.scalar(
            text("SELECT count(*) FROM idp.login_name LEFT JOIN idp.user_account ON id = user_id WHERE id IS NULL")
        )
    assert orphans == 0
