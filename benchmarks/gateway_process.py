"""The gateway as the benchmark runs it: the real pipeline on the real data path, warm, one process.

Real: parsing, route table, token check, near cache and lease, facts, the shipped policy compiled, decision log into
segment files, signed assertion, forwarding. Not run: PostgreSQL, Valkey and the identity provider, which a warm request
never asks; tokens are signed, sessions learned and the lease renewed here instead. So many rules and live sessions are
loaded as are asked for. It answers at a decision door, too, where `MUNJIGI_GATEWAY__DECISION_LISTEN` says.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx2
import msgspec
import uvloop

from audit.segments import SegmentWriter
from benchmarks.policies import policy_of
from config.clock import SystemClock
from config.connections import open_database, open_valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.places import Places
from config.replays import Replays
from config.settings import Settings
from gateway.assertion_keys import AssertionKeys
from gateway.callers.cookie_check import CookieCheck
from gateway.callers.key_check import KeyCheck, nonces_of
from gateway.callers.token_check import AUDIENCE, TYPE, TokenCheck
from gateway.decision.decision_log import DecisionLog
from gateway.decision.judge import Judge
from gateway.decision.live_check import LiveCheck
from gateway.decision.live_connections import LiveConnections
from gateway.doors.server import open_doors
from gateway.limits.connections import PerAddress
from gateway.limits.limiting import Limiting
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
from gateway.vouching.upstream_tokens import UpstreamTokens
from jose import jws
from jose.assertion import AssertionSigner
from jose.keys import KeyRing, SigningKey
from policy.artefact import Policy
from policy.demo import shipped_policy
from policy.snapshot import compile_policy

HEARTBEAT = 0.1
PEOPLE = 1000
"""Sessions that there are tokens of, at most."""


async def run(
    folder: Path,
    listen: str,
    origin: str,
    *,
    rules: int,
    sessions: int,
    cold: int,
    sheds: bool = False,
    signs_by: bytes | None = None,
) -> None:
    """Serve until SIGTERM. Once connections are taken, access tokens stand in `folder / "tokens"`, a line each: the
    first `PEOPLE` of a session of its own each, then `cold` more of the first session. `signs_by`: the private key of
    its assertions, where a real service stands behind it."""
    clock, entropy = SystemClock(), SystemEntropy()
    settings = Settings(var=folder / "var")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    table = load_route_table(SHIPPED, runtime=settings.runtime, port=8080)
    key = SigningKey.generate()
    assertion_key = SigningKey.from_private_bytes(signs_by) if signs_by else SigningKey.generate()
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
        check = SessionCheck(valkey=valkey, clock=clock, lease=settings.gateway.lease)
        judge = Judge(table.networks, Places.load(settings))
        judge.snapshot = compile_policy(_policy(rules), 1)
        limiting = Limiting(valkey=valkey, clock=clock, sheds=sheds)
        limiting.use_table(table)
        live = LiveCheck(live=LiveConnections(), sessions=check, judge=judge, clock=clock)
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
            sessions=check,
            assertion=UpstreamAssertion(AssertionSigner(KeyRing.of(assertion_key))),
            upstream_tokens=UpstreamTokens(provider=provider, clock=clock, own_token=cookies.access_token),
            live=live,
            activity=Activity(valkey=valkey, clock=clock),
            log=DecisionLog(segments.append),
            judge=judge,
            idle_timeout=settings.session.idle_timeout,
            keys=KeyCheck(
                replays=Replays(valkey, "gateway-dpop"), nonces=nonces_of("a secret"), clock=clock, scheme="http"
            ),
            metadata=ResourceMetadata(
                hosts=DescribedHosts(),
                database=database,
                clock=clock,
                scheme="http",
                issuer=settings.idp.issuer,
                lease=check.lease,
            ),
            limiting=limiting,
            assertion_keys=AssertionKeys(KeyRing.of(assertion_key)),
        )
        now = clock.timestamp()
        for number in reversed(range(sessions)):  # the near cache is bounded, and forgets the oldest
            check.cache.learn_live(_sid(number), 1, idle_expires_at=now + 1800, absolute_expires_at=now + 43200)

        async def beat() -> None:
            while True:
                check.heartbeat(clock.timestamp())
                await asyncio.sleep(HEARTBEAT)

        limits, watch = Limits(), Watch()
        pools = Pools([Upstream(name, origin) for name in table.upstreams], limits=limits, watch=watch)
        door = Door(
            pipeline, None, pools, entropy, watch, limits, limiting=limiting, per_address=PerAddress(limits.clients)
        )
        beside = [asyncio.create_task(beat()), asyncio.create_task(limiting.run(stop))]
        try:
            async with open_doors(door, settings.gateway, lambda host: table.authorities.get(host)):
                await serve(door, listen, lambda: _tell(folder, settings, key, now, min(sessions, PEOPLE), cold), stop)
        finally:
            for task in beside:
                task.cancel()
            await segments.close()
            await valkey.aclose()
            await database.dispose()


def _sid(number: int) -> str:
    return f"benchmark-{number:012d}"


def _policy(rules: int) -> Policy:
    """The shipped policy, and so many rules before its own that cannot match."""
    shipped, more = shipped_policy(), policy_of(rules)
    return msgspec.structs.replace(
        shipped, roles=tuple(sorted({*shipped.roles, *more.roles})), rules=more.rules + shipped.rules
    )


def _tell(folder: Path, settings: Settings, key: SigningKey, now: float, people: int, cold: int) -> None:
    unready = folder / "tokens.unready"
    with unready.open("w") as file:
        for number in range(people):
            file.write(_token(settings, key, now, number, f"benchmark-{number}") + "\n")
        for number in range(cold):
            file.write(_token(settings, key, now, 0, f"benchmark-cold-{number}") + "\n")
    unready.rename(folder / "tokens")


def _token(settings: Settings, key: SigningKey, now: float, number: int, jti: str) -> str:
    claims = {
        "iss": settings.idp.issuer,
        "sub": str(uuid5(NAMESPACE_URL, f"benchmark-{number}")),
        "aud": AUDIENCE,
        "exp": now + 3600,
        "iat": now,
        "jti": jti,
        "client_id": "benchmark",
        "sid": _sid(number),
        "org": str(uuid5(NAMESPACE_URL, "benchmark")),
        "roles": ["customer"],
        "acr": "urn:munjigi:acr:2",
        "auth_time": now,
        "device": {"id": "benchmark", "trust": "registered"},
    }
    return jws.sign(key, claims, typ=TYPE)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("listen")
    arguments.add_argument("origin")
    arguments.add_argument("--rules", type=int, default=0)
    arguments.add_argument("--sessions", type=int, default=1)
    arguments.add_argument("--cold", type=int, default=0)
    arguments.add_argument("--sheds", action="store_true")
    arguments.add_argument("--signs-by", type=Path)
    given = arguments.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(
            run(
                given.folder,
                given.listen,
                given.origin,
                rules=given.rules,
                sessions=given.sessions,
                cold=given.cold,
                sheds=given.sheds,
                signs_by=given.signs_by and given.signs_by.read_bytes(),
            )
        )
