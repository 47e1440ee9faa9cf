"""Our own gateway, whole: provider, relay and gateway, a policy that closes a path, people and programs."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import patch

import httpx2
import msgspec

from config.clock import SystemClock
from config.connections import open_database
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.settings import Settings
from gateway.callers.token_check import AUDIENCE
from gateway.proxy.limits import Limits
from gateway.proxy.watch import Watch
from idp.clients.client import Client, hash_secret
from idp.clients.metadata import ClientMetadata
from idp.storage import clients
from jose import jws
from jose.storage.keys import SigningKeys
from policy import versions
from policy.artefact import Rule, RuleEffect
from policy.demo import shipped_policy
from policy.storage.versions import PolicyVersions
from tests.gateway.house import GATEWAY, PROVIDER, RELAY, USER_AGENT, Browser, on_free_ports, people, running
from tests.house import free_port
from tests.proxy_suite.origin import Origin
from tests.proxy_suite.target import Hurry, Target, Times, shipped

OURS = "Munjigi"
SECRET = "a secret of 256 bits, let us say"
ROUTES = """
[networks]
loopback = ["127.0.0.0/8", "::1/128"]
[zones.shop]
store_away = "grace 60"
[upstreams.origin]
address = "127.0.0.1:{origin}"
[[routes]]
address = "shop.localhost:8080"
path = "/"
zone = "shop"
upstream = "origin"
mode = "both"
[[routes]]
address = "shop.localhost:8080"
path = "/live"
zone = "shop"
upstream = "origin"
mode = "both"
websocket = true
[[routes]]
address = "other.localhost:8080"
path = "/"
zone = "shop"
upstream = "origin"
mode = "both"
"""
RULES = (
    Rule("proxied.closed", 1, "customer", "shop", "/closed/**", RuleEffect.DENY),
    Rule("proxied.open", 2, "customer", "shop", "/**", RuleEffect.ALLOW),
    Rule("program.closed", 1, "client:reporter", "shop", "/closed/**", RuleEffect.DENY),
    Rule("program.open", 2, "client:reporter", "shop", "/**", RuleEffect.ALLOW),
)
SHOP, OTHER = "http://shop.localhost:8080", "http://other.localhost:8080"


class Clockwork:
    """The gateway's clock, which can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def hurry(self, seconds: float) -> None:
        self.ahead += seconds

    def sweep(self, watch: Watch, loop: object) -> None:
        """In place of `Watch._sweep`."""
        watch.now = now = loop.time() + self.ahead  # type: ignore[attr-defined] # a loop
        watch._timer = loop.call_later(watch._tick, watch._sweep, loop)  # type: ignore[attr-defined] # a loop
        for watched in tuple(watch.watched):
            watched.check(now)


@asynccontextmanager
async def ours(settings: Settings, origin: Origin) -> AsyncIterator[tuple[Target, Hurry]]:
    """A running gateway before an origin, what the suite must know of it, and how its time is made to pass."""
    there = on_free_ports(settings)
    await people(there)  # whose gateway is where browsers come, at port 8080
    port = free_port()
    file = there.var / "routes.toml"
    file.write_text(ROUTES.replace("{origin}", str(origin.port)))
    there = there.model_copy(
        update={
            "gateway": there.gateway.model_copy(
                update={"listen": f"127.0.0.1:{port}", "routes": file, "trusted_proxies": ("127.0.0.9/32",)}
            )
        }
    )
    await _programs(there)
    await _policy(there)
    clockwork = Clockwork()
    with patch.object(Watch, "_sweep", lambda watch, loop: clockwork.sweep(watch, loop)):
        async with running(there, RELAY, PROVIDER, GATEWAY):
            yield await _described(there, port), clockwork.hurry


async def _programs(settings: Settings) -> None:
    database = open_database(settings, "idp")
    async with database.begin() as tx:
        client = Client(
            client_id="reporter",
            name={"ko": "보고서", "en": "Reports"},
            auth_method="client_secret_basic",
            secret_hash=hash_secret(SECRET),
            redirect_uris=(),
            post_logout_redirect_uris=(),
            grant_types=("client_credentials",),
            scopes=("reports",),
            metadata=ClientMetadata(resources=(SHOP, OTHER)),
        )
        await clients.put(tx, client, SystemClock().now())
    await database.dispose()


async def _policy(settings: Settings) -> None:
    database, stored, clock = open_database(settings, "policy"), PolicyVersions(), SystemClock()
    shown = shipped_policy()
    policy = msgspec.structs.replace(shown, rules=(*RULES, *shown.rules), roles=(*shown.roles, "client:reporter"))
    async with database.begin() as tx:
        await stored.hold(tx)
        act = versions.Act("test", "the suite of proxies", clock.now(), "test")
        ring = await SigningKeys(Envelope.load(settings)).ensure_active(tx, "policy", act.at)
        made, _ = await versions.draft(stored, tx, policy, act)
        await versions.publish(stored, tx, made.number, ring.active, act)
    await database.dispose()


async def _described(settings: Settings, port: int) -> Target:
    async with httpx2.AsyncClient(trust_env=False, base_url=settings.idp.issuer) as provider:

        async def token(**form: str) -> str:
            answer = await provider.post(
                "/token", data={"grant_type": "client_credentials", **form}, auth=httpx2.BasicAuth("reporter", SECRET)
            )
            assert answer.status_code == 200, answer.text
            return str(answer.json()["access_token"])

        good, other = await token(), await token(resource=OTHER)
    limits = Limits()
    return shipped(
        "munjigi",
        url=f"http://127.0.0.1:{port}",
        through=[f"Authorization: Bearer {good}"],
        browser=[f"Cookie: {await _cookie(settings, port)}", f"User-Agent: {USER_AGENT}"],
        other_through=[f"Authorization: Bearer {other}"],
        refused_tokens=await _refused(settings, good),
        body=limits.body,
        frame=limits.frame,
        times=Times(
            head=limits.head_time,
            body=limits.body_idle,
            first_byte=limits.first_byte,
            stream=limits.stream_idle,
            reader=limits.slow_reader,
        ),
    )


async def _cookie(settings: Settings, port: int) -> str:
    """Of a person who is signed in."""
    browser = Browser(settings)
    await browser._shop.aclose()
    browser._shop = httpx2.AsyncClient(transport=_Through(port), timeout=15)
    try:
        page = await browser.sign_in(await browser.go(f"{SHOP}/page"), "alice")
        assert page.status_code == 200, page.text
        return browser.cookie(SHOP)
    finally:
        await browser.close()


class _Through(httpx2.AsyncHTTPTransport):
    """The gateway at its port, whatever the address names."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(host="127.0.0.1", port=self._port)
        return await super().handle_async_request(request)


async def _refused(settings: Settings, good: str) -> dict[str, str]:
    """Well signed by the provider's own key, and each with one fault."""
    database = open_database(settings, "idp")
    now = SystemClock().timestamp()
    async with database.begin() as tx:
        ring = await SigningKeys(Envelope.load(settings)).ensure_active(tx, "token", SystemClock().now())
    await database.dispose()
    claims = msgspec.json.decode(_payload(good))
    fresh = {"jti": SystemEntropy().token(8)}

    def signed(typ: str = "at+jwt", **more: object) -> str:
        said = {name: value for name, value in {**claims, **fresh, **more}.items() if value is not None}
        return jws.sign(ring.active, said, typ=typ)

    return {
        "an ID token": signed(typ="JWT"),
        "a logout token": signed(typ="logout+jwt"),
        "the gateway's own assertion": signed(typ="munjigi-assertion+jwt"),
        "no type": signed(typ=""),
        "another issuer": signed(iss="http://evil.example"),
        "an issuer with a slash more": signed(iss=f"{settings.idp.issuer}/"),
        "another audience": signed(aud="urn:evil:services"),
        "the audience of another host": signed(aud=OTHER),
        "an audience that begins alike": signed(aud=f"{AUDIENCE}.evil"),
        "no audience": signed(aud=None),
        "expired": signed(exp=now - 120),
        "without an end": signed(exp=None),
        "not yet begun": signed(nbf=now + 600),
        "a session that is none": signed(sid="a-session-that-is-none"),
        "without a session": signed(sid=None),
        "bound to a key that nobody proved": signed(cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        "bound to a certificate that nobody showed": signed(
            cnf={"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}
        ),
    }


def _payload(token: str) -> bytes:
    part = token.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
