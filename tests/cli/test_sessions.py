"""`munjigi sessions end-all`: everybody signs in again, and everybody concerned is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from cli.main import app
from config.connections import Database
from config.entropy import SystemEntropy
from config.sections.engines import Role
from config.settings import Settings
from idp import every_session
from idp.sessions.machine_sessions import MachineSessions
from idp.sessions.one_session import Began
from idp.sessions.session import Session
from idp.storage import clients, machine_sessions
from tests.clock import FakeClock
from tests.idp.people import add_person, beginning, one_session

Databases = Callable[[Role], Database]
WHY = "restored a backup"


def environment(settings: Settings) -> dict[str, str]:
    """What points a command at the engines of a test."""
    return {
        "MUNJIGI_VAR": str(settings.var),
        "MUNJIGI_DATABASE__URL": str(settings.database.url),
        "MUNJIGI_VALKEY__URL": settings.valkey_url(),
    }


async def began(database: Databases, clock: FakeClock, *names: str) -> list[Session]:
    found = []
    for name in names:
        async with database("idp").begin() as tx:
            person = await add_person(tx, name)
            outcome = await one_session(clock).begin(tx, beginning(person.id, clock))
            assert isinstance(outcome, Began)
            found.append(outcome.session)
    return found


async def rows(database: Databases, statement: str) -> list[tuple[object, ...]]:
    async with database("owner").connect() as tx:
        return [tuple(row) for row in await tx.execute(text(statement))]


async def test_each_ends_with_its_event_its_record_and_its_deliveries(
    settings: Settings, database: Databases, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(every_session, "BATCH", 2)
    live = await began(database, clock, "mina", "jun", "sora", "dan", "eun")
    [one, *_] = live
    async with database("owner").begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO idp.client (client_id, name, auth_method, redirect_uris, post_logout_redirect_uris,"
                " grant_types, scopes, updated_at, backchannel_logout_uri)"
                " VALUES ('shop', '{}', 'none', '{https://shop.example/}', '{}', '{}', '{}', now(),"
                " 'https://shop.example/logout')"
            )
        )
        await tx.execute(
            text("INSERT INTO idp.session_client (sid, client_id, first_at) VALUES (:sid, 'shop', now())"),
            {"sid": one.sid},
        )
    async with every_session.every_session(settings, clock) as every:
        assert await every.count() == 5
        assert [ended async for ended in every.end(WHY)] == [2, 2, 1]
        assert await every.count() == 0
        assert [ended async for ended in every.end(WHY)] == []
    ended = await rows(
        database, "SELECT key FROM events.outbox WHERE topic = 'session' AND payload ->> 'state' = 'ended'"
    )
    assert sorted(ended) == sorted((session.sid,) for session in live)
    reasons = await rows(database, "SELECT DISTINCT end_reason FROM idp.session")
    assert reasons == [("administrator",)]
    assert await rows(database, "SELECT client_id, facts ->> 'sid' FROM idp.delivery") == [("shop", one.sid)]
    audited = await rows(database, "SELECT sid FROM audit.record WHERE kind = 'session_ended'")
    assert len(audited) == 5
    ordered = await rows(
        database, "SELECT actor, subject, details ->> 'why' FROM audit.record WHERE kind = 'session_end_ordered'"
    )
    assert ordered == [("operator", "every session", WHY)] * 2
    assert await rows(database, "SELECT count(*) FROM notifications.message") == [(0,)]


async def test_those_of_programs_end_too(settings: Settings, database: Databases, clock: FakeClock) -> None:
    machines = MachineSessions(machine_sessions, clock, SystemEntropy(), absolute_lifetime=timedelta(hours=12))
    async with database("owner").begin() as tx:
        for name in ("nightly", "hourly"):
            statement = (
                "INSERT INTO idp.client (client_id, name, auth_method, secret_hash, redirect_uris,"
                " post_logout_redirect_uris, grant_types, scopes, updated_at)"
                " VALUES (:name, '{}', 'client_secret_basic', :hash, '{}', '{}', '{}', '{}', now())"
            )
            await tx.execute(text(statement), {"name": name, "hash": bytes(32)})
    async with database("idp").begin() as tx:
        for name in ("nightly", "hourly"):
            known = await clients.find(tx, name)
            assert known is not None
            assert await machines.join(tx, name, known.proof) is not None
            other = replace(known, secret_hash=bytes(31) + b"1")
            assert (
                await machines.join(tx, name, other.proof) is None
            )  # it lives, for who proves itself as is registered
    async with every_session.every_session(settings, clock) as every:
        assert await every.count() == 2
        assert [ended async for ended in every.end(WHY)] == [2]
        assert await every.count() == 0
    assert await rows(database, "SELECT DISTINCT end_reason FROM idp.machine_session") == [("administrator",)]
    async with database("idp").begin() as tx:
        known = await clients.find(tx, "nightly")
        assert known is not None
        assert await machines.join(tx, "nightly", replace(known, secret_hash=bytes(31) + b"1").proof) is None


async def test_interrupted_it_is_begun_again(
    settings: Settings, database: Databases, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(every_session, "BATCH", 1)
    await began(database, clock, "mina", "jun", "sora")
    async with every_session.every_session(settings, clock) as every:
        ending = every.end(WHY)
        assert await anext(ending) == 1
        await ending.aclose()
    async with every_session.every_session(settings, clock) as every:
        assert [ended async for ended in every.end(WHY)] == [1, 1]


def test_it_asks_first_and_wants_a_reason(settings: Settings) -> None:
    runner = CliRunner()
    variables = environment(settings)
    refused = runner.invoke(app, ["sessions", "end-all", "--why", WHY], input="n\n", env=variables)
    assert refused.exit_code == 1
    assert "0 sessions end, and everybody signs in again" in refused.output
    assert runner.invoke(app, ["sessions", "end-all"], env=variables).exit_code == 2
    assert runner.invoke(app, ["sessions", "end-all", "--why", " ", "--yes"], env=variables).exit_code == 2
    agreed = runner.invoke(app, ["sessions", "end-all", "--why", WHY], input="y\n", env=variables)
    assert (agreed.exit_code, agreed.output.splitlines()[-1]) == (0, "0 sessions have ended")
