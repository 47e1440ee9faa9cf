"""A gateway's brain on real engines: tokens of a real key, a compiled policy, a session projected by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from config import key_space
from config.connections import Database, Valkey
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.places import Places
from config.replays import Replays
from config.settings import Settings
from gateway.assertion_keys import AssertionKeys
from gateway.callers.cookie_check import CookieCheck
from gateway.callers.key_check import KeyCheck, nonces_of
from gateway.callers.token_check import AUDIENCE, TokenCheck
from gateway.decision.decision_log import DecisionLog
from gateway.decision.judge import Judge
from gateway.decision.live_check import LiveCheck
from gateway.decision.live_connections import LiveConnections
from gateway.exchange import RequestHead, Verdict
from gateway.header import Header
from gateway.limits.limiting import Limiting
from gateway.pipeline import Pipeline
from gateway.relying_party.beginnings import Beginnings
from gateway.relying_party.cookie_session import Contents, CookieSession, seal
from gateway.relying_party.provider import Provider
from gateway.relying_party.refresh import TokenRefresh
from gateway.relying_party.sign_in import SignInFlow
from gateway.relying_party.sign_out import SignOut
from gateway.resource_metadata import ResourceMetadata
from gateway.routes.route_file import load_route_table
from gateway.routes.route_table import RouteTable
from gateway.session_pages.app import SessionPages
from gateway.session_pages.status import SessionStatus
from gateway.session_pages.visitor import Visitors
from gateway.session_pages.watch import SessionWatch
from gateway.sessions.activity import Activity
from gateway.sessions.session_check import SessionCheck
from gateway.storage.cookie_sessions import CookieSessions
from gateway.storage.described_hosts import DescribedHosts
from gateway.storage.sign_ins import SignIns
from gateway.upstream_assertion import UpstreamAssertion
from gateway.vouching.upstream_tokens import UpstreamTokens
from jose import jws
from jose.assertion import AssertionSigner
from jose.keys import KeyRing, SigningKey
from policy.artefact import Policy, Rule, RuleEffect, Zone
from policy.snapshot import compile_policy
from tests.clock import FakeClock

ISSUER = "http://localhost:9000"
ROUTES = """
[networks]
loopback = ["127.0.0.0/8", "::1/128"]
[zones.shop]
store_away = "grace 60"
expired_tokens = 900
[zones.reservation]
store_away = "read_only"
[zones.admin]
store_away = "strict"
[upstreams.commerce]
service = "commerce"
[upstreams.reservation]
service = "reservation"
[upstreams.policy]
service = "policy"
[[routes]]
address = "shop.localhost:8080"
path = "/"
zone = "shop"
upstream = "commerce"
[[routes]]
address = "shop.localhost:8080"
path = "/assets"
zone = "shop"
upstream = "commerce"
public = true
[[routes]]
address = "shop.localhost:8080"
path = "/reservations"
zone = "reservation"
upstream = "reservation"
websocket = true
[[routes]]
address = "shop.localhost:8080"
path = "/acts"
zone = "shop"
upstream = "commerce"
act = true
[[routes]]
address = "console.localhost:8080"
path = "/api/policy"
zone = "admin"
upstream = "policy"
mode = "api"
"""
POLICY = Policy(
    roles=("customer", "administrator"),
    zones=(
        Zone("shop"),
        Zone("reservation"),
        Zone("admin", assurance=2, max_age=900),
    ),
    rules=(
        Rule("assets", 10, "anonymous", "shop", "/assets/**", RuleEffect.ALLOW),
        Rule("closed", 15, "customer", "shop", "/closed", RuleEffect.DENY),
        Rule("shop", 20, "customer", "shop", "/**", RuleEffect.ALLOW),
        Rule("reserve", 30, "customer", "reservation", "/**", RuleEffect.ALLOW),
        Rule("policy", 40, "administrator", "admin", "/**", RuleEffect.ALLOW),
    ),
)


def routes_file(folder: Path) -> Path:
    """The table of the tests."""
    path = folder / "routes.toml"
    path.write_text(ROUTES)
    return path


@dataclass
class Heard:
    """What the decision log was given."""

    records: list[Mapping[str, object]] = field(default_factory=list)


class Rig:
    """Builds a pipeline and what it stands on."""

    def __init__(self, settings: Settings, database: Database, valkey: Valkey, clock: FakeClock, folder: Path) -> None:
        self.clock = clock
        self.valkey = valkey
        self.database = database
        self.envelope = Envelope.load(settings)
        self.entropy = SystemEntropy()
        self.key = SigningKey.generate()
        self.assertion_key = SigningKey.generate()
        self.asked: list[httpx2.Request] = []
        self.answers: list[httpx2.Response | Exception] = []
        self.provider_is_there = True
        """Whether the identity provider says that it is there, and ends sessions when it is asked to."""
        self.http = httpx2.AsyncClient(transport=httpx2.MockTransport(self._answer))
        self.provider = Provider(
            issuer=ISSUER,
            client_id="munjigi-gateway",
            client_secret="secret of the tests",
            http=self.http,
            clock=clock,
            remember=self._remember,
        )
        self.provider.learn(METADATA, KeyRing.of(self.key).jwks())
        self.table: RouteTable = load_route_table(routes_file(folder), runtime=settings.runtime, port=8080)
        self.tokens = TokenCheck(issuer=ISSUER, keys=lambda: self.provider.keys, scheme="http")
        self.provider.on_keys.append(self.tokens.forget_all)
        self.storage = CookieSessions()
        self.cookies = self.cookie_check()
        self.provider.on_keys.append(lambda: self.cookies.keys_changed(self.provider.keys))
        self.sessions = SessionCheck(valkey=valkey, clock=clock, lease=settings.gateway.lease)
        self.judge = Judge(self.table.networks, Places.load(settings))
        self.judge.snapshot = compile_policy(POLICY, 1)
        self.live = LiveConnections()
        self.live_check = LiveCheck(live=self.live, sessions=self.sessions, judge=self.judge, clock=clock)
        self.sessions.on_ended.append(self.live_check.session_ended)
        self.sessions.on_changed.append(self.live_check.session_changed)
        self.cookies.on_forgotten.append(self.live_check.session_changed)
        self.activity = Activity(valkey=valkey, clock=clock)
        self.heard = Heard()
        self.refresh = TokenRefresh(
            provider=self.provider,
            tokens=self.tokens,
            database=database,
            storage=self.storage,
            envelope=self.envelope,
            clock=clock,
            on_ended=self.cookies.forget,
            on_changed=self.live_check.session_changed,
        )
        self.metadata = ResourceMetadata(
            hosts=DescribedHosts(),
            database=database,
            clock=clock,
            scheme="http",
            issuer=ISSUER,
            lease=self.sessions.lease,
        )
        self.limiting = Limiting(valkey=valkey, clock=clock, busy=lambda _: 1.0)
        self.pipeline = Pipeline(
            clock=clock,
            table=self.table,
            scheme="http",
            tokens=self.tokens,
            cookies=self.cookies,
            refresh=self.refresh,
            provider=self.provider,
            sessions=self.sessions,
            assertion=UpstreamAssertion(AssertionSigner(KeyRing.of(self.assertion_key))),
            upstream_tokens=UpstreamTokens(provider=self.provider, clock=clock, own_token=self.cookies.access_token),
            live=self.live_check,
            activity=self.activity,
            log=DecisionLog(lambda body: self.heard.records.append(msgspec.json.decode(body))),
            judge=self.judge,
            idle_timeout=1800,
            keys=KeyCheck(
                replays=Replays(valkey, "gateway-dpop"), nonces=nonces_of("a secret"), clock=clock, scheme="http"
            ),
            metadata=self.metadata,
            limiting=self.limiting,
            assertion_keys=AssertionKeys(KeyRing.of(self.assertion_key)),
        )
        self.watch = SessionWatch()
        self.sessions.on_ended.append(self.watch.ended)
        self.sessions.on_changed.append(self.watch.changed)
        self.visitors = Visitors(cookies=self.cookies, sessions=self.sessions, clock=clock, scheme="http")
        self.sign_ins = SignIns()
        self.beginnings = Beginnings(valkey)
        self.flow = SignInFlow(
            provider=self.provider,
            tokens=self.tokens,
            beginnings=self.beginnings,
            database=database,
            sign_ins=self.sign_ins,
            cookie_sessions=self.storage,
            envelope=self.envelope,
            clock=clock,
            entropy=self.entropy,
            scheme="http",
            lifetime=timedelta(hours=12),
            on_replaced=self.cookies.moved,
            wants_email=lambda: self.pipeline.table.wants_email,
        )
        self.status = SessionStatus(
            visitors=self.visitors,
            sessions=self.sessions,
            watch=self.watch,
            activity=self.activity,
            clock=clock,
            settings=settings.session,
            table=lambda: self.pipeline.table,
        )
        self.sign_out = SignOut(
            provider=self.provider,
            cookies=self.cookies,
            database=database,
            storage=self.storage,
            envelope=self.envelope,
            clock=clock,
        )
        self.pages = SessionPages(
            visitors=self.visitors,
            status=self.status,
            flow=self.flow,
            sign_out=self.sign_out,
            issuer=ISSUER,
            support=settings.support,
        ).app()
        self.beat()

    def cookie_check(self) -> CookieCheck:
        """One more process's, or this one's."""
        return CookieCheck(
            database=self.database,
            storage=self.storage,
            envelope=self.envelope,
            clock=self.clock,
            tokens=self.tokens,
            fetch_keys=self.provider.fetch,
        )

    def browser(self) -> httpx2.AsyncClient:
        """A client of the own pages; cookies are sent by hand, since `Secure` ones are not kept over plain HTTP."""
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self._own_page), base_url="http://shop.localhost:8080"
        )

    async def _own_page(self, scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {"correlation_id": "corr-1", "authority": "shop.localhost:8080"}
        await self.pages(scope, receive, send)

    async def _remember(self, metadata: Mapping[str, Any], jwks: Mapping[str, Any]) -> None:
        return None

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.provider_is_there and request.url.path.startswith("/.well-known/") and not self.answers:
            return httpx2.Response(200, json=METADATA)  # a browser may be led there
        self.asked.append(request)
        if self.provider_is_there and request.url.path == "/end-session":
            return httpx2.Response(200)
        answer = self.answers.pop(0) if self.answers else httpx2.Response(503)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def beat(self) -> None:
        """A heartbeat of now."""
        self.sessions.heartbeat(self.clock.timestamp())

    def token(
        self, *, sid: str = "session-1", lifetime: float = 300, key: SigningKey | None = None, **more: Any
    ) -> str:
        """An access token."""
        now = self.clock.timestamp()
        claims = {
            "iss": ISSUER,
            "sub": "kim",
            "aud": AUDIENCE,
            "exp": now + lifetime,
            "iat": now,
            "jti": self.entropy.token(8),
            "client_id": "munjigi-gateway",
            "scope": "openid",
            "sid": sid,
            "org": "",
            "roles": ["customer"],
            "acr": "urn:munjigi:acr:1",
            "auth_time": now,
            "device": {"id": "d-1", "trust": "known"},
            **more,
        }
        return jws.sign(key or self.key, claims, typ="at+jwt")

    async def project(
        self,
        sid: str = "session-1",
        *,
        state: str = "live",
        version: int = 1,
        idle: float = 1800,
        absolute: float = 43200,
    ) -> None:
        """What the relay writes."""
        now = self.clock.timestamp()
        await self.valkey.hset(
            key_space.session(sid),
            mapping={
                "v": str(version),
                "state": state,
                "sub": "kim",
                "idle": str(now + idle),
                "abs": str(now + absolute),
                "reason": "" if state == "live" else "takeover",
            },
        )

    def session_event(self, sid: str = "session-1", *, state: str = "live", version: int = 2, **more: Any) -> None:
        """A pushed event."""
        now = self.clock.timestamp()
        self.sessions.event(
            {
                "sid": sid,
                "sub": "kim",
                "version": version,
                "state": state,
                "idle_expires_at": now + 1800,
                "absolute_expires_at": now + 43200,
                "reason": None if state == "live" else "takeover",
                "ended_by": None,
                "at": now,
                **more,
            }
        )

    async def cookie(self, *, secret: str = "c" * 43, refresh: str = "r-1", browser: str = "", **token: Any) -> bytes:
        """A cookie session in PostgreSQL; gives the Cookie header."""
        access = self.token(**token)
        claims = jws.verify(
            access,
            KeyRing.of(token.get("key") or self.key),
            expected_typ="at+jwt",
            expected_issuer=ISSUER,
            expected_audience=AUDIENCE,
            now=self.clock.timestamp(),
        )
        digest = hashlib.sha256(secret.encode()).digest()
        contents = Contents(access, refresh, "id-token", claims, "김문지", "ko", "127.0.0.1", browser)
        async with self.database.begin() as tx:
            await self.storage.begin(
                tx,
                CookieSession(
                    cookie_sha256=digest,
                    sid=str(claims["sid"]),
                    contents_sealed=seal(contents, self.envelope, digest),
                    access_expires_at=datetime.fromtimestamp(float(claims["exp"]), UTC),  # type: ignore[arg-type] # a number
                    begun_at=self.clock.now(),
                    expires_at=self.clock.now() + timedelta(hours=12),
                ),
            )
        return b"__Host-munjigi=" + secret.encode()

    async def carried(self) -> list[dict[Any, Any]]:
        """What stands in the stream of activity."""
        entries = await self.valkey.xrange(key_space.ACTIVITY_STREAM) or []
        return [dict(fields) for _, fields in entries if fields is not None]

    def id_token(self, nonce: str, /, *, sid: str = "session-1", **more: Any) -> str:
        """An ID token."""
        now = self.clock.timestamp()
        claims = {
            "iss": ISSUER,
            "sub": "kim",
            "aud": "munjigi-gateway",
            "azp": "munjigi-gateway",
            "exp": now + 300,
            "iat": now,
            "auth_time": now,
            "acr": "urn:munjigi:acr:1",
            "sid": sid,
            "nonce": nonce,
            "name": "김문지",
            "locale": "ko",
            **more,
        }
        return jws.sign(self.key, claims, typ="JWT")

    def will_answer(self, access_token: str, *, id_token: str = "", refresh_token: str = "r-2") -> None:
        """The token endpoint's next answer."""
        self.answers.append(
            httpx2.Response(
                200,
                json={
                    "access_token": access_token,
                    "token_type": "Bearer",
                    "refresh_token": refresh_token,
                    "id_token": id_token,
                },
            )
        )

    async def ask(self, head: RequestHead) -> Verdict:
        """The verdict, waited for where need be."""
        verdict = self.pipeline(head)
        return await verdict if isinstance(verdict, Awaitable) else verdict


METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
    "end_session_endpoint": f"{ISSUER}/end-session",
}


def head(
    path: str = "/",
    *,
    method: str = "GET",
    host: str = "shop.localhost",
    headers: Sequence[Header] = (),
    query: str = "",
    upgrade: bool = False,
    client: str = "127.0.0.1",
) -> RequestHead:
    """A request as the data path hands it on."""
    return RequestHead(
        method=method.encode(),
        host=host.encode(),
        path=path.encode(),
        query=query.encode(),
        headers=list(headers),
        client=client,
        scheme="http",
        upgrade=upgrade,
        correlation_id="corr-1",
    )


NAVIGATION: tuple[Header, ...] = (
    (b"sec-fetch-mode", b"navigate"),
    (b"sec-fetch-dest", b"document"),
    (b"accept", b"text/html"),
)


def bearer(token: str) -> Header:
    """An Authorization header."""
    return b"authorization", b"Bearer " + token.encode()
