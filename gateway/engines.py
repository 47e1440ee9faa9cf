"""What the gateway stands on: engines, clock and chance, opened for one process and closed with it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2

from audit.segments import SegmentWriter
from config.clock import SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from gateway.storage.cookie_sessions import CookieSessions
from gateway.storage.sign_ins import SignIns
from jose.storage.keys import SigningKeys


@dataclass(frozen=True, slots=True)
class Engines:
    """Of one process."""

    settings: Settings
    clock: SystemClock
    entropy: SystemEntropy
    envelope: Envelope
    database: Database
    valkey: Valkey
    http: httpx2.AsyncClient
    segments: SegmentWriter
    cookie_sessions: CookieSessions
    sign_ins: SignIns
    signing_keys: SigningKeys


@contextlib.asynccontextmanager
async def open_engines(settings: Settings) -> AsyncIterator[Engines]:
    """Open them. Raises what they raise where they cannot be used."""
    async with contextlib.AsyncExitStack() as opened:
        clock, envelope = SystemClock(), Envelope.load(settings)
        database = open_database(settings, "gateway")
        opened.push_async_callback(database.dispose)
        valkey = open_valkey(settings)
        opened.push_async_callback(valkey.aclose)
        http = await opened.enter_async_context(httpx2.AsyncClient(timeout=5, trust_env=False))
        segments = SegmentWriter(settings, "gateway", clock)
        opened.push_async_callback(segments.close)
        yield Engines(
            settings=settings,
            clock=clock,
            entropy=SystemEntropy(),
            envelope=envelope,
            database=database,
            valkey=valkey,
            http=http,
            segments=segments,
            cookie_sessions=CookieSessions(),
            sign_ins=SignIns(),
            signing_keys=SigningKeys(envelope),
        )
