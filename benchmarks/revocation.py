"""How long an ended session still gets through: from the acknowledgement of its end to the last request let through.

A real house: the end is a commit in PostgreSQL, the relay carries it, a gateway in its own process drops it. The
service behind the gateway is the benchmark's, so a request counts at the moment at which it arrives there; a few
connections keep asking all the while, about every millisecond, which is how fine the measure is. The acknowledgement is
the return of the commit, the strictest reading: an answer over HTTP would come later. With several gateways all of them
are asked at once, and the last request that any of them let through counts.

The peer is the least that any such way can cost: a commit, and a bare PUBLISH that a subscriber hears.
"""

from __future__ import annotations

import asyncio
import base64
import tempfile
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import cast

import msgspec
import uvloop
from sqlalchemy import text

from benchmarks.house import House, add_people, more_gateways, running_house
from benchmarks.result import Result, percentile, tell
from benchmarks.visitor import Connection, sign_in
from config.clock import SystemClock
from config.connections import Database, Valkey, open_database, open_valkey
from config.entropy import SystemEntropy
from events.outbox import poke
from idp.sessions.one_session import OneSession
from idp.sessions.session import SessionTimes
from idp.storage import sessions

COMMAND = "python -m benchmarks revocation"
ENDS = 200
GATEWAYS = (1, 2, 4)
CONNECTIONS = 4
PAUSE = 0.001
"""Seconds between an answer and the next request of one connection."""
LONGEST = 3.0
"""Seconds after which an end that is not obeyed is a failure, not a measurement."""


class Origin(asyncio.Protocol):
    """The service behind the gateway: notes when a request of which person arrived."""

    def __init__(self, arrivals: dict[bytes, float]) -> None:
        self._arrivals = arrivals
        self._transport: asyncio.Transport | None = None
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._unread += data
        while b"\r\n\r\n" in self._unread:
            head, _, self._unread = self._unread.partition(b"\r\n\r\n")
            self._arrivals[head.split(b" ", 2)[1]] = time.monotonic()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def run() -> list[Result]:
    """End many sessions, one after another, each while it is being used."""
    with tempfile.TemporaryDirectory(prefix="mj-origin-") as folder:
        origin = Path(folder) / "origin.sock"
        with running_house(origin) as house:
            results: list[Result] = []
            for count in GATEWAYS:
                origin.unlink(missing_ok=True)
                with more_gateways(house, count - 1) as others:
                    results += uvloop.run(_measure(house, origin, [house.gateway_port, *others]))
            return results


async def _measure(house: House, origin: Path, ports: list[int]) -> list[Result]:
    arrivals: dict[bytes, float] = {}
    server = await asyncio.get_running_loop().create_unix_server(lambda: Origin(arrivals), str(origin))
    database, valkey = open_database(house.settings, "idp"), open_valkey(house.settings)
    try:
        names = await add_people(database, ENDS)
        theirs = [await _bare(database, valkey) for _ in range(ENDS)]
        ours = [await _end(house, ports, database, valkey, name, arrivals) for name in names]
    finally:
        server.close()
        await valkey.aclose()
        await database.dispose()
    tell(f"  {len(ports)} gateways: longest {max(ours) * 1000:.1f} ms of {len(ours)} ends")
    named = "revocation" if len(ports) == 1 else f"revocation.{len(ports)}_gateways"
    peer = "a commit and a bare PUBLISH, heard"
    return [
        Result.against(
            f"{named}.{name}", percentile(ours, share) * 1000, "ms", peer, percentile(theirs, share) * 1000, COMMAND
        )
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    ]


async def _end(
    house: House, ports: list[int], database: Database, valkey: Valkey, name: str, arrivals: dict[bytes, float]
) -> float:
    """Sign one person in, let them ask and ask, end their session; the seconds that it was still let through."""
    token = (await sign_in(house, name))["access_token"]
    path = f"/{name}".encode()
    refused = {port: asyncio.Event() for port in ports}
    let_in = {port: asyncio.Event() for port in ports}

    async def ask(port: int) -> None:
        connection = Connection(port, "shop.localhost")
        let_through = False
        try:
            while True:
                answer = await connection.ask("GET", path.decode(), Authorization=f"Bearer {token}")
                let_through = let_through or answer.status == 200
                if answer.status == 200:
                    let_in[port].set()
                elif let_through:
                    refused[port].set()
                    return
                await asyncio.sleep(PAUSE)
        finally:
            await connection.close()

    visitors = [asyncio.create_task(ask(port)) for port in ports for _ in range(max(1, CONNECTIONS // len(ports)))]
    try:
        async with asyncio.timeout(LONGEST):
            await asyncio.gather(*(event.wait() for event in let_in.values()))
        await asyncio.sleep(0.03)  # all connections are asking now
        acknowledged = await _end_session(database, valkey, _sid(token))
        async with asyncio.timeout(LONGEST):
            await asyncio.gather(*(event.wait() for event in refused.values()))
            await asyncio.gather(*visitors)
    finally:
        for visitor in visitors:
            visitor.cancel()
            with suppress(asyncio.CancelledError):
                await visitor
    return max(0.0, arrivals[path] - acknowledged)


async def _end_session(database: Database, valkey: Valkey, sid: str) -> float:
    times = SessionTimes(idle_timeout=timedelta(minutes=30), absolute_lifetime=timedelta(hours=12))
    acts = OneSession(sessions, times, SystemClock(), SystemEntropy(), ())
    async with database.begin() as tx:
        if await acts.end(tx, sid, "administrator", correlation_id="benchmark") is None:
            raise RuntimeError("the session had ended before")
    acknowledged = time.monotonic()
    await poke(valkey)
    return acknowledged


def _sid(token: str) -> str:
    payload = token.split(".")[1]
    claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=dict[str, object])
    return str(claims["sid"])


async def _bare(database: Database, valkey: Valkey) -> float:
    """The peer: from the return of a commit to a subscriber's having heard a PUBLISH."""
    async with valkey.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe("benchmark")
        await channel.get_message(timeout=1.0)
        async with database.begin() as tx:
            await tx.execute(text("SELECT pg_current_xact_id()"))
        committed = time.monotonic()
        await valkey.publish("benchmark", "x")
        while await channel.get_message(timeout=1.0) is None:
            pass
        return time.monotonic() - committed
