"""The least that a refresh can cost: its own SQL, without anything around it.

Each of the statements that our token endpoint sends for a refresh is noted down once, and then sent again and again by
asyncpg alone, with new tokens: the same transaction, by one process on one core, over as many connections.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import msgspec
import uvloop
from sqlalchemy import event

from benchmarks.provider import CLIENT_ID, opened
from config.clock import SystemClock
from config.connections import open_valkey
from config.entropy import SystemEntropy
from config.settings import Settings
from idp.app import build_application
from idp.parts import build_parts
from idp.tokens.refresh_family import token_hash

Statement = tuple[str, tuple[object, ...]]
SECONDS = 2
_AROUND = ("BEGIN;", "COMMIT;")


class Chain:
    """One family, whose current token only we know."""

    def __init__(self, statements: Sequence[Statement], used: bytes, current: bytes) -> None:
        self._statements = statements
        self._used = used
        self._first = current
        self.current = current

    def next(self) -> list[Statement]:
        """The statements of the next refresh."""
        successor = secrets.token_bytes(32)
        instead = {self._used: self.current, self._first: successor}
        self.current = successor
        return [(sql, tuple(_with(instead, value) for value in values)) for sql, values in self._statements]


def _with(instead: Mapping[bytes, bytes], value: Any) -> Any:
    """A value with other tokens, and so a list of them."""
    if isinstance(value, list | tuple):
        return [_with(instead, one) for one in value]
    return instead.get(value, value) if isinstance(value, bytes) else value


async def measure(settings: Settings, secret: str, tokens: Sequence[str]) -> float:
    """Transactions a second, over one connection for each token."""
    chains = await _noted(settings, secret, tokens)
    until = time.perf_counter() + SECONDS

    async def work(chain: Chain) -> int:
        connection = await asyncpg.connect(host=str(settings.runtime), user="munjigi_idp", database="munjigi")
        done = 0
        try:
            while time.perf_counter() < until:
                async with connection.transaction():
                    for sql, values in chain.next():
                        await connection.fetch(sql, *values)
                done += 1
        finally:
            await connection.close()
        return done

    begun = time.perf_counter()
    done = sum(await asyncio.gather(*map(work, chains)))
    return done / (time.perf_counter() - begun)


async def _noted(settings: Settings, secret: str, tokens: Sequence[str]) -> list[Chain]:
    noted: list[Statement] = []

    def note(sent: Any) -> None:
        if sent.query not in _AROUND:
            noted.append((sent.query, tuple(sent.args)))

    chains = []
    async with _client(settings, secret, note) as client:
        for token in tokens:
            form = {"grant_type": "refresh_token", "refresh_token": token}
            answer = await client.post("/token", data=form)  # once for what is read only at first
            noted.clear()
            used = answer.raise_for_status().json()["refresh_token"]
            answer = await client.post("/token", data={**form, "refresh_token": used})
            current = answer.raise_for_status().json()["refresh_token"]
            chains.append(Chain(tuple(noted), token_hash(used), token_hash(current)))
    return chains


@asynccontextmanager
async def _client(settings: Settings, secret: str, note: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """Of a provider in this process, whose statements are noted."""
    valkey = open_valkey(settings)
    async with opened(settings) as database:

        def connected(connection: Any, _record: Any) -> None:
            connection.driver_connection.add_query_logger(note)

        event.listen(database.sync_engine, "connect", connected)
        parts = await build_parts(settings, database, valkey, SystemClock(), SystemEntropy())
        transport = httpx2.ASGITransport(build_application(parts))
        basic = base64.b64encode(f"{CLIENT_ID}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        try:
            async with httpx2.AsyncClient(transport=transport, base_url=parts.issuer, headers=headers) as client:
                yield client
        finally:
            parts.passwords.close()
            await valkey.aclose()


if __name__ == "__main__":
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=dict[str, Any])
    rate = uvloop.run(measure(Settings(var=Path(asked["var"])), asked["secret"], asked["tokens"]))
    sys.stdout.write(f"{rate}\n")
