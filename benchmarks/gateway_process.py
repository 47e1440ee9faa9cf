"""The gateway as the benchmark runs it: the real pipeline on the real data path, warm, one process.

Real: parsing, route table, token check, near cache and lease, facts, the shipped policy compiled, decision log into
segment files, signed assertion, forwarding. Not run: PostgreSQL, Valkey and the identity provider, which a warm request
never asks; the token is signed, the session learned and the lease renewed here instead.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path
from typing import Any

import httpx2
import uvloop

from audit.segments import SegmentWriter
from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.places import Places
from config.replays import Replays
from config.settings import Settings
from gateway.callers.cookie_check import CookieCheck
from gateway.callers.key_check import KeyCheck, nonces_of
from gateway.callers.token_check import AUDIENCE, TYPE, TokenCheck
from gateway.decision.decision_log import DecisionLog
from gateway.decision.judge import Judge
from gateway.decision.live_check import LiveCheck
from gateway.decision.live_connections import LiveConnections
from gateway.pipeline import Pipeline
from gateway.proxy.door import Door
from gateway.proxy.limits import Limits
from gateway.proxy.pool import Pools
from gateway.proxy.server import serve
from gateway.proxy.watch import Watch
from gateway.relying_party.provider import Provider
from gateway.relying_party.refresh import TokenRefresh
from gateway.resource_metadata import ResourceMetadata
from gateway.routes.route_file import SHIPPED, load_route_table
from gateway.routes.upstream import Upstream
from gateway.sessions.activity import Activity
from gateway.sessions.session_check import SessionCheck
from gateway.storage.cookie_sessions import CookieSessions
from gateway.storage.described_hosts import DescribedHosts
from gateway.upstream_assertion import UpstreamAssertion
from jose import jws
from jose.assertion import AssertionSigner
from jose.keys import KeyRing, SigningKey
from policy.demo import shipped_policy
from policy.snapshot import compile_policy

SID = "benchmark-session-1234"
HEARTBEAT = 0.1


async def run(folder: Path, listen: str, origin: str) -> None:
    """Serve until SIGTERM; the access token to ask with is written to `folder / "token"` once connections are taken."""
    clock, entropy = SystemClock(), SystemEntropy()
    settings = Settings(var=folder / "var")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    table = load_route_table(SHIPPED, runtime=settings.runtime, port=8080)
    key, assertion_key = SigningKey.generate(), SigningKey.generate()
    database, valkey = open_database(settings, "gateway"), open_valkey(settings)
    segments = SegmentWriter(settings, "gateway", clock)
    envelope = Envelope.create(settings)
    storage = CookieSessions()
    ring = KeyRing.of(key)

    async def remember(*_: Any) -> None:
        """Nothing is fetched."""

    async with httpx2.AsyncClient(trust_env=False) as http:
        provider = Provider(
            issuer=settings.idp.issuer,
            client_id=settings.gateway.client_id,
            client_secret="",
            http=http,
            clock=clock,
            remember=remember,
        )
        tokens = TokenCheck(issuer=settings.idp.issuer, keys=lambda: ring.public, scheme="http")
        cookies = CookieCheck(
            database=database,
            storage=storage,
            envelope=envelope,
            clock=clock,
            tokens=tokens,
            fetch_keys=provider.fetch,
        )
        sessions = SessionCheck(valkey=valkey, clock=clock, lease=settings.gateway.lease)
        judge = Judge(table.networks, Places.load(settings))
        judge.snapshot = compile_policy(shipped_policy(), 1)
        live = LiveCheck(live=LiveConnections(), sessions=sessions, judge=judge, clock=clock)
        pipeline = Pipeline(
            clock=clock,
            table=table,
            scheme="http",
            tokens=tokens,
            cookies=cookies,
            refresh=TokenRefresh(
                provider=provider,
                tokens=tokens,
                database=database,
                storage=storage,
                envelope=envelope,
                clock=clock,
                on_ended=cookies.forget,
                on_changed=live.session_changed,
            ),
            provider=provider,
            sessions=sessions,
            assertion=UpstreamAssertion(AssertionSigner(KeyRing.of(assertion_key))),
            live=live,
            activity=Activity(valkey=valkey, clock=clock),
            log=DecisionLog(segments.append),
            judge=judge,
            idle_timeout=settings.session.idle_timeout,
            keys=KeyCheck(
                replays=Replays(valkey, "gateway-dpop"), nonces=nonces_of("a secret"), clock=clock, scheme="http"
            ),
            metadata=ResourceMetadata(
                hosts=DescribedHosts(), database=database, clock=clock, scheme="http", issuer=settings.idp.issuer
            ),
        )
        now = clock.timestamp()
        sessions.cache.learn_live(SID, 1, idle_expires_at=now + 1800, absolute_expires_at=now + 43200)

        async def beat() -> None:
            while True:
                sessions.heartbeat(clock.timestamp())
                await asyncio.sleep(HEARTBEAT)

        limits, watch = Limits(), Watch()
        pools = Pools([Upstream(name, origin) for name in table.upstreams], limits=limits, watch=watch)
        door = Door(pipeline, None, pools, entropy, watch, limits)
        beating = asyncio.create_task(beat())
        try:
            await serve(door, listen, lambda: _tell(folder, settings, key, now), stop)
        finally:
            beating.cancel()
            await segments.close()
            await valkey.aclose()
            await database.dispose()


def _tell(folder: Path, settings: Settings, key: SigningKey, now: float) -> None:
    claims = {
        "iss": settings.idp.issuer,
        "sub": "benchmark",
        "aud": AUDIENCE,
        "exp": now + 3600,
        "iat": now,
        "jti": "benchmark",
        "client_id": "benchmark",
        "sid": SID,
        "org": "benchmark",
        "roles": ["customer"],
        "acr": "urn:munjigi:acr:2",
        "auth_time": now,
        "device": {"id": "benchmark", "trust": "registered"},
    }
    unready = folder / "token.unready"
    unready.write_text(jws.sign(key, claims, typ=TYPE))
    unready.rename(folder / "token")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("listen")
    arguments.add_argument("origin")
    given = arguments.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(given.folder, given.listen, given.origin))
