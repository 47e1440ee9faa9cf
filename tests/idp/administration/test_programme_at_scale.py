"""A programme of 100,000 people: what each page of it takes, what a look of the worker takes, and who waits for it."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Awaitable, Iterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.processor import of_postgresql
from config.connections import Valkey, database_url
from config.settings import Settings
from idp.programme_worker import build_worker
from tests.engines import TestEngines
from tests.idp.administration.conftest import HOUSE, House

PEOPLE = 100_000
_MADE = (
    "INSERT INTO idp.user_account (id, display_name, email, proven_email, locale, state, version, created_at,"
    " updated_at) SELECT gen_random_uuid(), 'Person ' || n, 'p' || n || '@mail.example',"
    " CASE WHEN n % 3 = 0 THEN 'p' || n || '@mail.example' END, CASE WHEN n % 2 = 0 THEN 'ko' ELSE 'en' END, 'active',"
    " 1, :now, :now FROM generate_series(1, :people) AS n",
    "CREATE TEMPORARY TABLE made ON COMMIT DROP AS"
    " SELECT id, row_number() OVER () AS n FROM idp.user_account WHERE display_name LIKE 'Person %'",
    "INSERT INTO idp.login_name SELECT 'p' || n || '@mail.example', id FROM made",
    "INSERT INTO idp.membership SELECT id, :house,"
    " CASE WHEN n % 50 = 0 THEN ARRAY['finance'] ELSE ARRAY['customer'] END, :now FROM made",
    "INSERT INTO idp.password SELECT id, CASE n % 5 WHEN 0 THEN 'kept bcrypt $2b$12$salt digest'"
    " WHEN 1 THEN 'wrapped ldap - $argon2id$v=19$m=65536,t=3,p=1$c2FsdA$dGFn'"
    " ELSE '$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$dGFn' END, :now FROM made",
    "INSERT INTO idp.totp SELECT gen_random_uuid(), id, '', 'app', 0, :now, :now FROM made WHERE n % 4 = 0",
    "INSERT INTO idp.passkey SELECT decode(md5(n::text), 'hex'), id, '', 0, '{}', '', 'key', true, false, false, :now"
    " FROM made WHERE n % 7 = 0",
    "INSERT INTO idp.device SELECT gen_random_uuid(), id, decode(md5(n::text), 'hex'), 'known', 'Chrome', 3, :now, :now"
    " FROM made",
    "INSERT INTO idp.sign_in_history (id, user_id, at, outcome, amr, device_label, browser, place, network, ip,"
    " client_id, seconds) SELECT gen_random_uuid(), id, CAST(:now AS timestamptz) - (n * 7 + t * 13) % 90 *"
    " interval '1 day',"
    " CASE WHEN (n + t) % 11 = 0 THEN 'failed' ELSE 'signed_in' END,"
    " CASE WHEN n % 7 = 0 THEN ARRAY['hwk', 'user', 'mfa'] ELSE ARRAY['pwd'] END,"
    " CASE WHEN n % 3 = 0 THEN 'Safari · iOS' ELSE 'Chrome · Windows' END, '', '', '', '127.0.0.1', 'shop', 4 + n % 30"
    " FROM made CROSS JOIN generate_series(1, 5) AS t",
    "INSERT INTO idp.feedback SELECT gen_random_uuid(), id, :house, 'passkey', :now, 1 + n % 5 FROM made"
    " WHERE n % 10 = 0",
    "INSERT INTO idp.sign_in_day SELECT CAST(:now AS date) - d, :house, m, 'got_in', 'desktop', 5, 1000"
    " FROM generate_series(0, 180) AS d CROSS JOIN unnest(ARRAY['password', 'passkey']) AS m",
)


@pytest.fixture
def settings(engines: TestEngines) -> Iterator[Settings]:
    """What is counted is told however long it takes, on a machine that does other work, too."""
    with engines.private() as own:
        yield own.model_copy(update={"database": own.database.model_copy(update={"statement_timeout": 120.0})})


async def populate(house: House, settings: Settings) -> None:
    patient = create_async_engine(database_url(settings, "owner"))  # what a service opens gives up after some seconds
    named = {"now": house.clock.now(), "people": PEOPLE, "house": HOUSE}
    async with patient.begin() as tx:
        await tx.execute(text("SET LOCAL session_replication_role = replica"))  # nothing here refers to nothing
        for statement in _MADE:
            await tx.execute(text(statement), {name: value for name, value in named.items() if f":{name}" in statement})
    async with patient.execution_options(isolation_level="AUTOCOMMIT").connect() as tx:
        await tx.execute(text("VACUUM ANALYZE"))
    await patient.dispose()


async def timed(settings: Settings, what: str, done: Awaitable[Any]) -> Any:
    """Tell what it took by the clock, and of the processors: of Python and of PostgreSQL."""
    begun, python, postgresql = time.perf_counter(), time.process_time(), of_postgresql(settings.var.parent)
    found = await done
    clock, ours, theirs = time.perf_counter() - begun, time.process_time(), of_postgresql(settings.var.parent)
    took = f"{clock * 1e3:9,.0f} ms, {(ours - python) * 1e3:6,.0f} + {(theirs - postgresql) * 1e3:6,.0f} ms"
    print(f"{took}: {what}")  # noqa: T201
    return found


async def longest_wait(house: House, stop: asyncio.Event) -> float:
    """What a sign-in does to a person, again and again: the longest that it took."""
    longest = 0.0
    [one] = await house.rows("SELECT id FROM idp.user_account WHERE display_name = 'Person 77'")
    while not stop.is_set():
        begun = time.perf_counter()
        async with house.database("idp").begin() as tx:
            held = text("SELECT FROM idp.user_account WHERE id = :id FOR UPDATE")
            await tx.execute(held, {"id": one.id})
            await tx.execute(text("UPDATE idp.phase_person SET asked_at = now() WHERE user_id = :id"), {"id": one.id})
        longest = max(longest, time.perf_counter() - begun)
        await asyncio.sleep(0.01)
    return longest


@pytest.mark.proof
async def test_a_hundred_thousand_people(house: House, settings: Settings, valkey: Valkey) -> None:
    await timed(settings, "made", populate(house, settings))
    worker = build_worker(settings, house.database("idp"), valkey, house.clock)

    async def tick(what: str) -> None:
        stop = asyncio.Event()
        waiting = asyncio.create_task(longest_wait(house, stop))
        told = await timed(settings, f"worker, {what}", worker.step())
        stop.set()
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  {told} told, a sign-in waited {await waiting:.3f} s at most; {grown:.0f} MiB")  # noqa: T201

    asked = {"why": "scale", "organisation_id": str(HOUSE), "start": house.clock.now().isoformat(), "locale": "en"}
    programme = (await timed(settings, "make a programme", house("POST", "/programmes", asked))).json()
    path = f"/programmes/{programme['id']}"
    await house("POST", f"{path}/start", {"why": "scale", "version": programme["version"]})
    await tick("day 0")
    phases = programme["phases"]
    house.clock.advance(7 * 86400)
    await tick("the first begins")
    house.clock.advance(60)
    pages = [
        "/analysis", "/analysis.pdf", "/sign-in-days", "/feedback", "/feedback/marks", "/programmes", path,
        f"{path}/progress", f"{path}/report", f"{path}/report.pdf", f"{path}/exceptions",
        f"/organisations/{HOUSE}/legacy-hashes", "/people",
    ]  # fmt: skip
    for phase in phases:
        pages += [f"{path}/phases/{phase['id']}/{what}" for what in ("preview", "stuck", "comparison", "events")]
    for page in pages:
        shown = page.replace(path, "…").replace(str(HOUSE), "…")
        answer = await timed(settings, f"GET {shown}", house("GET", page))
        assert answer.status_code in (200, 409), answer.text
    for days, what in ((14, "it is enforced"), (7, "everybody"), (0, "nothing new")):
        house.clock.advance(days * 86400)
        await tick(what)
