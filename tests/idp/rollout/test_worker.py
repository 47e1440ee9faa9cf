"""The worker goes on by the dates, takes people in, and writes to each of them once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from config.connections import Valkey
from config.entropy import SystemEntropy
from config.settings import Settings
from idp import programme_worker
from idp.programme_worker import ProgrammeWorker, build_worker
from idp.rollout.changes import By
from idp.rollout.exceptions import PhaseException
from idp.rollout.leading import Leading
from idp.rollout.phases import Phase, Reminder, Thresholds
from idp.rollout.programme import Programme
from idp.storage import phase_people, phase_records, programmes
from tests.clock import FakeClock
from tests.idp.conftest import OpenDatabase
from tests.idp.letters import Letter, letters
from tests.idp.people import add_person
from tests.idp.rollout.values import DAY, NOW, programme


@pytest.fixture
def worker(settings: Settings, database: OpenDatabase, valkey: Valkey, clock: FakeClock) -> ProgrammeWorker:
    return build_worker(settings, database("idp"), valkey, clock)


@pytest.fixture
def leading(clock: FakeClock) -> Leading:
    return Leading(programmes, phase_records, phase_people, clock, SystemEntropy())


async def kept(database: OpenDatabase, *names: str, **other: object) -> tuple[Programme, Phase, list[UUID]]:
    """A programme that was started, whose phase begins in a week, and people."""
    made, cohort, one = programme(dates=replace(programme()[2].dates, announce_at=NOW, begin_at=NOW + 7 * DAY,
                                                enforce_at=NOW + 14 * DAY, end_at=NOW + 21 * DAY), **other)  # fmt: skip
    made = replace(made, started_at=NOW)
    async with database("idp").begin() as tx:
        people = [(await add_person(tx, name, locale="ko" if name == "mina" else "en")).id for name in names]
        await programmes.add(tx, made, [cohort], [one], NOW)
    return made, one, people


async def phase_now(database: OpenDatabase, made: Programme) -> Phase:
    async with database("idp").connect() as tx:
        return (await programmes.phases(tx, made.id))[0]


async def mailed(settings: Settings) -> list[Letter]:
    return [one for one in await letters(settings) if one.kind == "programme"]


async def test_dates_lead_on_and_everybody_is_written_once(
    worker: ProgrammeWorker, database: OpenDatabase, settings: Settings, clock: FakeClock
) -> None:
    made, _, _ = await kept(database, "mina", "jun", reminders=(Reminder("enforce", -2),))
    seen = []
    for days in (1, 6, 5, 2, 1, 6, 1):
        await asyncio.gather(worker.step(), worker.step())  # two at once: nobody gets anything twice
        await worker.step()
        seen.append((await phase_now(database, made)).state)
        clock.advance(days * 86400)
    assert seen == ["announced", "announced", "running", "running", "enforced", "enforced", "finished"]
    by_person: dict[str, list[str]] = {}
    for letter in await mailed(settings):
        by_person.setdefault(letter.to, []).append(letter.facts["subject"])
    mina, jun = "mina@mail.example", "jun@mail.example"
    assert by_person[jun] == [
        "Signing in to House becomes safer",
        "From today on, signing in shows you how",
        "2 days left to set up how you sign in",
        "From today on you need it to sign in",
    ]
    assert by_person[mina][2] == "2일 남았어요: 로그인 방법을 하나 더 만들어 주세요"
    text = next(letter.facts["text"] for letter in await mailed(settings) if letter.to == jun)
    assert "From November 29, 2026 on" in text
    assert "a passkey, an authenticator app" in text
    async with database("idp").connect() as tx:
        events = await phase_records.events(tx, (await phase_now(database, made)).id, None, 10)
    assert [event.act for event in reversed(events)] == ["announce", "begin", "enforce", "finish"]
    assert {event.who for event in events} == {"schedule"}


async def test_people_are_told_of_what_somebody_did_by_hand_and_no_date_does_anything(
    worker: ProgrammeWorker, database: OpenDatabase, settings: Settings, clock: FakeClock
) -> None:
    made, one, _ = await kept(database, "mina")
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.programme SET started_at = NULL"))
    assert await worker.step() == 0
    assert (await phase_now(database, made)).state == "draft", "its date has come, and nobody did it"
    async with database("owner").begin() as tx:
        await tx.execute(text("UPDATE idp.phase SET state = 'announced' WHERE id = :one"), {"one": one.id})
    assert await worker.step() == 1
    assert await worker.step() == 0
    assert [letter.facts["subject"] for letter in await mailed(settings)] == ["House 로그인이 더 안전해져요"]
    clock.advance(8 * 86400)
    await worker.step()
    assert (await phase_now(database, made)).state == "announced"


async def test_an_exception_is_not_written_to_and_whoever_has_it_is_not_reminded(
    worker: ProgrammeWorker, database: OpenDatabase, settings: Settings, clock: FakeClock
) -> None:
    _, one, (_, jun) = await kept(database, "mina", "jun", state="announced")
    exception = PhaseException(
        id=uuid4(), phase_id=one.id, user_id=jun, until=NOW + 300 * DAY, why="leave", who="x", granted_at=NOW
    )
    async with database("idp").begin() as tx:
        await phase_records.grant(tx, exception)
    assert await worker.step() == 1
    assert {letter.to for letter in await mailed(settings)} == {"mina@mail.example"}


async def test_what_is_late_is_not_written_and_of_several_only_the_newest(
    worker: ProgrammeWorker, database: OpenDatabase, settings: Settings, clock: FakeClock
) -> None:
    made, _, _ = await kept(
        database, "jun", state="running", begun_at=NOW, reminders=(Reminder("enforce", -5), Reminder("enforce", -4))
    )
    clock.advance(10.5 * 86400)
    assert await worker.step() == 1
    assert [one.facts["subject"] for one in await mailed(settings)] == ["3 days left to set up how you sign in"]
    clock.advance(2.8 * 86400)
    assert await worker.step() == 0, "the older one is not sent afterwards"
    assert (await phase_now(database, made)).state == "running"


async def test_a_phase_that_was_taken_back_is_told_once_to_whoever_was_in_it(
    worker: ProgrammeWorker, leading: Leading, database: OpenDatabase, settings: Settings, clock: FakeClock
) -> None:
    made, one, _ = await kept(database, "jun")
    clock.advance(8 * 86400)
    await worker.step()
    await worker.step()
    async with database("idp").begin() as tx:
        claimed = await programmes.find(tx, made.id, claim=True)
        assert claimed is not None
        await leading.act(tx, claimed, one.id, "roll_back", By("ada", "too many calls", "c"))
    for _ in range(3):
        await worker.step()
    subjects = [letter.facts["subject"] for letter in await mailed(settings)]
    assert subjects.count("You sign in as before") == 1
    assert (await phase_now(database, made)).state == "rolled_back"


async def test_passwordless_is_held_back_by_its_thresholds_and_recorded_once(
    worker: ProgrammeWorker, database: OpenDatabase, clock: FakeClock
) -> None:
    made, one, _ = await kept(
        database, "jun", kind="passwordless", state="running", begun_at=NOW, thresholds=Thresholds(min_sample=5)
    )
    clock.advance(15 * 86400)
    for _ in range(3):
        await worker.step()
    assert (await phase_now(database, made)).state == "running"
    async with database("idp").connect() as tx:
        events = await phase_records.events(tx, one.id, None, 10)
    assert [(event.act, event.details) for event in events] == [("held_back", {"act": "enforce", "because": "sample"})]


async def test_a_look_writes_to_some_and_the_next_goes_on_behind_them(
    worker: ProgrammeWorker,
    database: OpenDatabase,
    settings: Settings,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programme_worker, "BATCH", 2)
    monkeypatch.setattr(programme_worker, "BATCHES", 2)
    names = [f"p{number}" for number in range(9)]
    await kept(database, *names, state="announced")
    assert [await worker.step() for _ in range(4)] == [4, 4, 1, 0]
    assert sorted(letter.to for letter in await mailed(settings)) == sorted(f"{name}@mail.example" for name in names)
    async with database("idp").begin() as tx:
        await add_person(tx, "late")
    assert await worker.step() == 0, "everybody was written a moment ago"
    clock.advance(programme_worker.AGAIN_AFTER.total_seconds())
    assert await worker.step() == 1
