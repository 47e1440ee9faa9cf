"""A gateway that is cut off from the stream under load, while sessions end: how long is each still let through? (S4)

The real gateway on real sockets, its way to Valkey alone broken; everything else goes on, and acknowledges ends that
this gateway cannot hear of. Zones `strict` and `read_only` keep the bound of a second; `grace` is not asked.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

import events.relay
import gateway.app
import policy.demo
from config.clock import SystemClock
from config.connections import Database, Valkey
from config.entropy import SystemEntropy
from config.settings import Settings
from events.outbox import append, poke
from gateway.callers.token_check import AUDIENCE
from gateway.storage.known_provider import KnownProviders
from jose import jws
from jose.keys import KeyRing, SigningKey
from tests.gateway.house import on_free_ports, running
from tests.gateway.proxy.rig import OK, Client, Origin, says
from tests.gateway.rig import METADATA, ROUTES
from tests.gateway.wire import Wire, wired

pytestmark = pytest.mark.proof

SESSIONS = 24
ROUNDS = 3
PAUSE = 0.005
"""Seconds between an answer and the next request of one connection."""
BOUND = 1.0
WAYS = (("strict", b"GET", b"/ledger"), ("read_only", b"POST", b"/reservations"))


@dataclass
class Visit:
    """One connection of one session that keeps asking."""

    sid: str
    request: bytes
    let_through: float = 0.0
    """Epoch seconds of the moment at which the last request was sent that was let through."""
    ended: float = float("inf")
    refused: asyncio.Event = field(default_factory=asyncio.Event)
    lives: asyncio.Event = field(default_factory=asyncio.Event)

    async def go_on(self, listen: str) -> None:
        client = Client(*await asyncio.open_unix_connection(listen.removeprefix("unix:")))
        try:
            while True:
                asked = time.time()
                if (await client.ask(self.request)).status == 200:
                    self.let_through = asked
                    self.lives.set()
                elif self.lives.is_set() and time.time() > self.ended:
                    self.refused.set()
                    return
                await asyncio.sleep(PAUSE)
        finally:
            client.writer.close()


class Issuer:
    """Signs tokens as the identity provider would, which is away: the gateway knows its keys from before (S9)."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.key = SigningKey.generate()

    async def is_known(self, database: Database) -> None:
        metadata = {**METADATA, "issuer": self.issuer}
        async with database.begin() as tx:
            await KnownProviders().remember(
                tx, self.issuer, metadata=metadata, jwks=KeyRing.of(self.key).jwks(), now=datetime.now(UTC)
            )

    def token(self, sid: str) -> bytes:
        now = time.time()
        claims = {
            "iss": self.issuer,
            "sub": "kim",
            "aud": AUDIENCE,
            "exp": now + 300,
            "iat": now,
            "jti": sid,
            "client_id": "munjigi-gateway",
            "sid": sid,
            "org": "",
            "roles": ["customer"],
            "acr": "urn:munjigi:acr:2",
            "auth_time": now,
            "device": {"id": "d", "trust": "registered"},
        }
        return jws.sign(self.key, claims, typ="at+jwt").encode()


async def tell(database: Database, valkey: Valkey, sid: str, version: int, state: str) -> float:
    """One event of a session; the moment at which its commit returned."""
    now = SystemClock().timestamp()
    event = {
        "sid": sid,
        "sub": "kim",
        "version": version,
        "state": state,
        "idle_expires_at": now + 1800,
        "absolute_expires_at": now + 43200,
        "reason": None if state == "live" else "administrator",
        "ended_by": None,
        "at": now,
    }
    async with database.begin() as tx:
        await append(tx, "session", sid, event)
    committed = time.time()
    await poke(valkey)
    return committed


@pytest.mark.parametrize("breaks", [Wire.freeze, Wire.cut], ids=["frozen", "cut"])
async def test_no_request_passes_a_second_after_its_session_ended(
    settings: Settings, database, valkey: Valkey, tmp_path: Path, breaks
) -> None:
    await policy.demo.load(settings)
    issuer = Issuer(settings.idp.issuer)
    await issuer.is_known(database("gateway"))
    routes = tmp_path / "routes.toml"
    routes.write_text(_routes(tmp_path))
    origin = Origin(tmp_path / "origin.sock", says(OK))
    await origin.start()
    worst: dict[str, float] = {}
    async with AsyncExitStack() as opened:
        wire, cut_off = await opened.enter_async_context(wired(settings, tmp_path))
        own = on_free_ports(cut_off)
        own = own.model_copy(update={"idp": settings.idp, "gateway": own.gateway.model_copy(update={"routes": routes})})
        await opened.enter_async_context(running(settings, events.relay.serve))
        await opened.enter_async_context(running(own, gateway.app.serve))
        opened.push_async_callback(origin.stop)
        for _ in range(ROUNDS):
            for way, seconds in (await one_round(wire, own, breaks, issuer, database("idp"), valkey)).items():
                worst[way] = max(worst.get(way, 0.0), seconds)
    assert worst.keys() == {"strict", "read_only"}
    assert max(worst.values()) <= BOUND, worst


async def one_round(
    wire: Wire, own: Settings, breaks, issuer: Issuer, database: Database, valkey: Valkey
) -> dict[str, float]:
    """Sessions begin, are used, are cut off and end; the longest that any was still let through, by zone."""
    entropy = SystemEntropy()
    visits: dict[str, list[Visit]] = {way: [] for way, _, _ in WAYS}
    for _ in range(SESSIONS):
        sid = entropy.token(16)
        await tell(database, valkey, sid, 1, "live")
        for way, method, path in WAYS:
            request = (
                b"%b %b HTTP/1.1\r\nHost: shop.localhost\r\nAuthorization: Bearer %b\r\nContent-Length: 0\r\n\r\n"
                % (method, path, issuer.token(sid))
            )
            visits[way].append(Visit(sid, request))
    everybody = [visit for some in visits.values() for visit in some]
    asking = [asyncio.create_task(visit.go_on(own.gateway.listen)) for visit in everybody]
    try:
        async with asyncio.timeout(30):
            await asyncio.gather(*(visit.lives.wait() for visit in everybody))
        breaks(wire)
        for sid in {visit.sid for visit in everybody}:
            ended = await tell(database, valkey, sid, 2, "ended")
            for visit in everybody:
                if visit.sid == sid:
                    visit.ended = ended
        async with asyncio.timeout(30):
            await asyncio.gather(*(visit.refused.wait() for visit in everybody))
        wire.mend()
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    return {way: max(visit.let_through - visit.ended for visit in some) for way, some in visits.items()}


def _routes(folder: Path) -> str:
    """Those of the tests, before one service that answers all; the shop is strict."""
    shared = ROUTES
    for service in ("commerce", "reservation", "policy"):
        shared = shared.replace(f'service = "{service}"', f'socket = "{folder}/origin.sock"')
    return shared.replace('store_away = "grace 60"', 'store_away = "strict"')
