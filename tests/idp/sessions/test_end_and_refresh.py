"""End and refresh fired together, from two processes (S3): whoever refreshes after an acknowledged end is refused."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from config.clock import SystemClock
from config.connections import Database
from config.sections.engines import Role
from config.settings import Settings
from idp.clients.client import Client, hash_secret
from idp.sessions.one_session import Began
from idp.storage import clients, refresh_families
from idp.tokens.refresh_family import Family, token_hash
from tests.idp.people import add_person, beginning, one_session
from tests.idp.provider import CALLBACK, SECRET

OpenDatabase = Callable[[Role], Database]
PEOPLE = 50
GAP = 0.03
"""Seconds between the pairs of one round; a client refreshes on until its session has ended."""
HEAD_START = 0.1


async def test_a_hundred_ends_and_refreshes_together(settings: Settings, database: OpenDatabase) -> None:
    await _race(settings, database, pairs=100)


@pytest.mark.proof
async def test_ten_thousand_ends_and_refreshes_together(settings: Settings, database: OpenDatabase) -> None:
    await _race(settings, database, pairs=10_000)


@asynccontextmanager
async def _other_process(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.idp.sessions.refreshing",
        cwd=Path(__file__).parents[3],
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("MUNJIGI_")},
            "MUNJIGI_VAR": str(settings.var),
            "MUNJIGI_DATABASE__URL": str(settings.database.url),
            "MUNJIGI_VALKEY__URL": settings.valkey_url(),
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )
    assert process.stdin is not None
    try:
        yield process
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 30)


async def _race(settings: Settings, database: OpenDatabase, *, pairs: int) -> None:
    idp, clock = database("idp"), SystemClock()
    chance = random.Random(20)
    sessions = one_session(clock)
    async with idp.begin() as tx:
        await clients.put(tx, _app(), clock.now())
        people = [(await add_person(tx, f"person{n}")).id for n in range(PEOPLE)]
    overlapped = refreshed = 0
    async with _other_process(settings) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert (await process.stdout.readline()).strip() == b"ready"
        for first in range(0, pairs, PEOPLE):
            begun = [await _begin(idp, user) for user in people[: pairs - first]]
            at = time.monotonic() + HEAD_START
            asked = [[n, n * GAP, token] for n, (_, token) in enumerate(begun)]
            process.stdin.write(json.dumps({"at": at, "pairs": asked}).encode() + b"\n")

            async def end(n: int, sid: str, start: float = at) -> float:
                when = start + n * GAP + chance.uniform(0, GAP)
                await asyncio.sleep(max(0.0, when - time.monotonic()))
                async with idp.begin() as tx:
                    assert await sessions.end(tx, sid, "administrator", correlation_id="race") is not None
                return time.monotonic()

            acknowledged = await asyncio.gather(*(end(n, sid) for n, (sid, _) in enumerate(begun)))
            for n, seen, active in json.loads(await process.stdout.readline()):
                assert not active, "a token was alive after the end"
                assert [status for _, status in seen][-2:] == [400, 400]
                for moment, status in seen:
                    assert status in (200, 400)
                    assert status == 400 or moment < acknowledged[n], "refreshed after an acknowledged end"
                refreshed += len(seen) - 2
                overlapped += sum(status == 200 for _, status in seen) > 0
    async with database("owner").connect() as tx:
        alive = await tx.execute(text("SELECT count(*) FROM idp.session WHERE ended_at IS NULL"))
        assert alive.scalar_one() == 0
        reasons = await tx.execute(text("SELECT end_reason, count(*) FROM idp.session GROUP BY 1"))
        assert {row.end_reason: row.count for row in reasons} == {"administrator": pairs}
    # both orders were met: some were refreshed before their end, and none after it
    assert 0 < overlapped <= pairs
    assert refreshed >= overlapped


async def _begin(idp: Database, user: UUID) -> tuple[str, str]:
    """A session with a refresh family. Returns its sid, and the refresh token."""
    clock = SystemClock()
    token = f"token-{uuid4()}"
    async with idp.begin() as tx:
        outcome = await one_session(clock).begin(tx, beginning(user, clock))
        assert isinstance(outcome, Began)
        family = Family(
            id=uuid4(),
            client_id="app",
            user_id=user,
            sid=outcome.session.sid,
            scope=("openid",),
            expires_at=clock.now() + timedelta(hours=1),
        )
        await refresh_families.begin(tx, family, token_hash(token), clock.now())
    return outcome.session.sid, token


def _app() -> Client:
    return Client(
        client_id="app",
        name={"en": "the app"},
        auth_method="client_secret_basic",
        secret_hash=hash_secret(SECRET),
        redirect_uris=(CALLBACK,),
        post_logout_redirect_uris=(),
        grant_types=("authorization_code", "refresh_token"),
        scopes=("openid",),
    )
