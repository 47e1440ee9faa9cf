"""No token fails because keys rotate: two nodes of the identity provider, a gateway and a service behind it, with their
caches as they are, while tokens are issued and verified without a pause."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count, cycle
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from audit import key_trail
from config.connections import Database, Valkey
from config.envelope import Envelope
from config.sections.engines import Role
from config.settings import Settings
from events import outbox
from events.subscription import Subscription
from gateway.assertion_keys import AssertionKeys
from gateway.callers.token_check import TokenCheck
from gateway.key_news import PROVIDER_AGAIN, KeyNews
from gateway.news import News
from gateway.relying_party.provider import Provider as KnownProvider
from gateway.rounds import every
from gateway.sessions.session_check import SessionCheck
from idp.app import running_caches
from idp.endpoints.id_token_hints import IdTokenHints
from idp.protocol import access_token
from idp.tokens.issue import Audience, Mint, Subject
from jose import jws
from jose.assertion import HEADER, AssertionSigner
from jose.assertion import Subject as Asserted
from jose.assertion_middleware import assertion_of
from jose.entrance import Entrance
from jose.key_keeper import KeyKeeper, Order
from jose.keys import ALGORITHMS, ES256, PURPOSES, RS256, KeyRing, PublicKey, Purpose
from jose.rotation import SPARE, Schedule
from jose.storage.keys import SigningKeys
from tests.clock import FakeClock
from tests.events.listening import running_relay, until
from tests.idp.provider import SECRET, App, Provider, running_provider

LIFETIME = 300
MAX_AGE = 60
"""Of /jwks, which somebody's cache obeys to the letter."""
SCHEDULE = Schedule(
    rotate_every=timedelta(minutes=35),
    publish_ahead=timedelta(minutes=15),
    keep=timedelta(seconds=LIFETIME) + SPARE,
)
STEP = 140.0
SUBJECT = Subject(
    sub="u", sid="s" * 22, org="o", roles=("customer",), amr=("pwd",), acr="urn:munjigi:acr:1",
    authenticated_at=FakeClock().now(), device_id="d", device_trust="known", claims={},
)  # fmt: skip


def hints(node: Provider) -> IdTokenHints:
    return IdTokenHints(node.parts.issuer, node.parts.keys.ring, node.parts.subject_identifiers)


@dataclass
class Cached:
    """Somebody who keeps /jwks for exactly as long as its `Cache-Control` allows, and never asks sooner."""

    house: House
    keys: dict[str, PublicKey] = field(default_factory=dict)
    stale_at: float = 0.0

    async def known(self) -> dict[str, PublicKey]:
        now = self.house.clock.timestamp()
        if now >= self.stale_at:
            async with self.house.anyone() as client:
                answer = await client.get("/jwks")
            assert answer.headers["cache-control"] == f"public, max-age={MAX_AGE}"
            self.keys = {key.kid: key for key in map(PublicKey, answer.json()["keys"])}
            self.stale_at = now + MAX_AGE
        return self.keys


@dataclass
class House:
    """All that signs and verifies."""

    clock: FakeClock
    issuer: str
    nodes: Sequence[Provider]
    keys: SigningKeys
    database: Callable[[Role], Database]
    valkey: Valkey
    provider: KnownProvider
    gateway: TokenCheck
    signer: AssertionSigner
    service: httpx2.AsyncClient
    app: App
    refresh_token: str
    turn: Iterator[int] = field(default_factory=count)
    tokens: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    kids: dict[str, set[str]] = field(default_factory=dict)
    checked: int = 0
    standing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while time stands still; keys may change all the same."""

    def anyone(self) -> httpx2.AsyncClient:
        """A client whose requests go to whichever node is next."""
        return self.nodes[next(self.turn) % len(self.nodes)].client()

    async def advance(self, seconds: float) -> None:
        """Let time go by; not in the middle of a verification, which asks one node after the other."""
        async with self.standing:
            self.clock.advance(seconds)

    async def issue(self) -> None:
        """A refresh at one node or the other; and what another client would get there, whose ID tokens are RS256."""
        node = self.nodes[next(self.turn) % len(self.nodes)]
        answer = await node.refresh(self.app, self.refresh_token)
        assert answer.status_code == 200, answer.text
        self.refresh_token = answer.json()["refresh_token"]
        self._keep(answer.json())
        mint = Mint(self.issuer, node.parts.keys.ring, node.parts.entropy, access_token_lifetime=LIFETIME)
        audience = Audience(client_id="other", scope=("openid",), id_token_signed_response_alg=RS256)
        self._keep({**mint.issue(SUBJECT, audience, self.clock.timestamp()), "access_token": ""})

    def _keep(self, tokens: dict[str, Any]) -> None:
        self.tokens.append((self.clock.timestamp() + LIFETIME, tokens))

    async def verify_all(self, cached: Cached) -> None:
        """Whatever has not expired, by everybody who may be shown it."""
        self.tokens = [kept for kept in self.tokens if kept[0] > self.clock.timestamp()]
        for expires_at, tokens in self.tokens[:2] + self.tokens[2:-3:9] + self.tokens[-3:]:
            async with self.standing:
                if expires_at > self.clock.timestamp():
                    await self.verify(tokens, await cached.known())
        async with self.standing:
            await self.assert_somebody()

    async def verify(self, tokens: dict[str, Any], cached: dict[str, PublicKey]) -> None:
        now = self.clock.timestamp()
        token, id_token = tokens["access_token"], tokens["id_token"]
        for node in self.nodes:
            assert (
                IdTokenHints(self.issuer, node.parts.keys.ring, node.parts.subject_identifiers).read(id_token)
                is not None
            )
            if token:
                async with node.client() as client:
                    shown = await client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
                assert shown.status_code == 200, shown.headers
                told = await node.post("/introspect", {"token": token}, httpx2.BasicAuth("app", SECRET))
                assert told.json()["active"] is True
        client_id = "app" if token else "other"
        expected: dict[str, Any] = {"expected_issuer": self.issuer, "now": now}
        algorithms = (ES256,) if token else (RS256,)
        for keys in (cached, self.provider.keys):
            jws.verify(
                id_token, keys, expected_typ="JWT", expected_audience=client_id, algorithms=algorithms, **expected
            )
            if token:
                jws.verify(
                    token,
                    keys,
                    expected_typ=access_token.TYP,
                    expected_audience=access_token.AUDIENCE,
                    **expected,
                )
        if token:
            assert self.gateway.verify(token.encode(), now, "shop.localhost")
        self._count(id_token)

    def _count(self, token: str) -> None:
        header = jws._parse(token).header
        self.kids.setdefault(str(header["alg"]), set()).add(str(header["kid"]))
        self.checked += 1

    async def assert_somebody(self) -> None:
        """A request that the gateway sends on."""
        token = self.signer.sign("commerce", Asserted(sub="u"), zone="shop", now=self.clock.timestamp())
        answer = await self.service.get("/", headers={HEADER: token})
        assert answer.status_code == 200, answer.text
        self._count(token)
        self.kids.setdefault("assertion", set()).add(str(jws._parse(token).header["kid"]))

    async def settled(self) -> None:
        """Until everybody has heard by themselves: for this the schedule leaves a quarter of an hour, which does not go
        by here."""
        async with self.database("owner").connect() as tx:
            token = await self.keys.load_ring(tx, "token")
            assertion = await self.keys.load_ring(tx, "assertion")

        def heard() -> bool:
            rings = [node.parts.keys.ring() for node in self.nodes]
            return (
                all(ring.public.keys() == token.public.keys() for ring in rings)
                and all(ring.active.kid == token.active.kid for ring in rings)
                and self.provider.keys.keys() == token.public.keys()
                and self.signer._key.kid == assertion.active.kid
            )

        await until(heard, 30)

    async def keep_keys(self, purpose: Purpose, role: Role, *, ordered: bool) -> bool:
        """Both owners of a purpose look at the same moment; whether anything changed, and that one of them did it."""
        keeper = KeyKeeper(purpose, self.keys, SCHEDULE, key_trail.tell)
        turn = keeper.rotate if ordered else keeper.keep

        async def look() -> int:
            async with self.database(role).begin() as tx:
                return len(await turn(tx, Order(who=role, why="a test"), self.clock.now()))

        changed = await asyncio.gather(look(), look())
        assert not all(changed), "one does it, the other finds it done"
        if any(changed):
            await outbox.poke(self.valkey)
        return any(changed)


@asynccontextmanager
async def gateway_of(
    settings: Settings,
    database: Callable[[Role], Database],
    valkey: Valkey,
    clock: FakeClock,
    nodes: Sequence[Provider],
) -> AsyncIterator[tuple[KnownProvider, TokenCheck, AssertionSigner]]:
    """What a gateway keeps its keys by, as `gateway.app` puts it together."""
    keys, stop = SigningKeys(Envelope.load(settings)), asyncio.Event()
    transports = cycle([httpx2.ASGITransport(node.app) for node in nodes])

    class Balanced(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            return await next(transports).handle_async_request(request)

    async def remember(*_known: object) -> None:
        return

    async def assertion_ring() -> KeyRing:
        async with database("gateway").connect() as tx:
            return await keys.load_ring(tx, "assertion")

    async with httpx2.AsyncClient(transport=Balanced()) as http:
        provider = KnownProvider(
            issuer=settings.idp.issuer, client_id="g", client_secret="s", http=http, clock=clock, remember=remember
        )
        tokens = TokenCheck(issuer=settings.idp.issuer, keys=lambda: provider.keys, scheme="http")
        provider.on_keys.append(tokens.forget_all)
        async with database("gateway").begin() as tx:
            ring = await keys.ensure_active(tx, "assertion", clock.now())
        signer, published = AssertionSigner(ring), AssertionKeys(ring)
        key_news = KeyNews(
            provider=provider,
            signer=signer,
            published=published,
            read_ring=assertion_ring,
            policy_changed=lambda: None,
        )
        news = News(
            sessions=SessionCheck(valkey=valkey, clock=clock, lease=1.0),
            policy_changed=lambda: None,
            overlay_changed=lambda: None,
            keys_changed=key_news.told,
            resources_changed=lambda: None,
            attempted=lambda _payload: None,
        )
        subscription = Subscription(
            valkey, clock, on_event=news.event, on_heartbeat=news.heartbeat, on_reset=news.reset
        )
        tasks = [
            asyncio.create_task(subscription.run(stop)),
            asyncio.create_task(every(PROVIDER_AGAIN, key_news.follow, stop, sooner=key_news.asked)),
        ]
        await until(lambda: bool(provider.keys))
        try:
            yield provider, tokens, signer
        finally:
            stop.set()
            await asyncio.gather(*tasks)


async def say(request: Request) -> JSONResponse:
    return JSONResponse({"sub": assertion_of(request).subject.sub})


@pytest.fixture
async def house(
    settings: Settings, database: Callable[[Role], Database], valkey: Valkey, clock: FakeClock
) -> AsyncIterator[House]:
    never = {"idle_timeout": 1e8, "absolute_lifetime": 1e8}
    settings = settings.model_copy(
        update={
            "session": settings.session.model_copy(update=never),
            "idp": settings.idp.model_copy(update={"refresh_token_lifetime": 1e8}),
        }
    )
    keys, stop = SigningKeys(Envelope.load(settings)), asyncio.Event()
    async with AsyncExitStack() as running:
        await running.enter_async_context(running_relay(database("worker"), valkey))
        nodes = []
        for _ in range(2):
            node = await running.enter_async_context(running_provider(settings, database("idp"), valkey, clock))
            await running.enter_async_context(running_caches(node.parts, stop))
            nodes.append(node)
        provider, gateway, signer = await running.enter_async_context(
            gateway_of(settings, database, valkey, clock, nodes)
        )
        entrance = await Entrance.open("commerce", database("commerce"), keys.assertion_keys, clock)
        fresh = asyncio.create_task(entrance.keep_keys_fresh())
        transport = httpx2.ASGITransport(entrance.around(Starlette(routes=[Route("/", say)])))
        service = await running.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://commerce"))
        app, user = await nodes[0].register(), await nodes[0].person()
        code = await nodes[0].sign_in(nodes[0].browser(), app, user)
        tokens = (await nodes[1].redeem(app, code)).json()
        yield House(
            clock=clock,
            issuer=settings.idp.issuer,
            nodes=nodes,
            keys=keys,
            database=database,
            valkey=valkey,
            provider=provider,
            gateway=gateway,
            signer=signer,
            service=service,
            app=app,
            refresh_token=tokens["refresh_token"],
        )
        fresh.cancel()
        await asyncio.gather(fresh, return_exceptions=True)


async def rotate(house: House, rotations: int) -> None:
    """Let time go by until each kind of key was replaced so many times, each third time by command, under traffic."""
    cached, done = Cached(house), asyncio.Event()

    async def traffic() -> None:
        while not done.is_set():
            async with house.standing:
                await house.issue()
            await house.verify_all(cached)

    going = asyncio.create_task(traffic())

    async def beside(work: Awaitable[object]) -> None:
        """Do something while the traffic goes on; what goes wrong there is raised here."""
        working = asyncio.ensure_future(work)
        await asyncio.wait({working, going}, return_when=asyncio.FIRST_COMPLETED)
        if going.done():
            going.result()
        await working

    async def some_traffic() -> None:
        before = house.checked
        await until(lambda: house.checked > before + 5, 60)

    def enough() -> bool:
        return all(len(house.kids.get(name, ())) > rotations for name in (*ALGORITHMS, "assertion"))

    steps = count()
    async with asyncio.timeout(120 * rotations):
        while not enough():
            step = next(steps)
            await house.advance(STEP)
            ordered = step % 63 == 5
            for purpose, role in (("token", "idp"), ("assertion", "gateway")):
                if await house.keep_keys(purpose, role, ordered=ordered):  # type: ignore[arg-type] # both are of theirs
                    await beside(house.settled())
            await beside(some_traffic())
    done.set()
    await going
    async with house.database("owner").connect() as tx:
        states = [key.state for purpose in PURPOSES for key in await house.keys.records(tx, purpose)]
    assert states.count("retired") >= 3 * (rotations - 1), "none was believed for ever"


async def test_nothing_fails(house: House) -> None:
    await rotate(house, 2)


async def test_a_key_that_leaked_is_believed_nowhere(house: House) -> None:
    """Once everybody has heard of it, which is a matter of moments; and what is new is believed by all."""
    await house.issue()
    (_, tokens), _ = house.tokens
    await house.verify_all(Cached(house))
    assertion = house.signer.sign("commerce", Asserted(sub="u"), zone="shop", now=house.clock.timestamp())
    for purpose, role in (("token", "idp"), ("assertion", "gateway")):
        keeper = KeyKeeper(purpose, house.keys, SCHEDULE, key_trail.tell)  # type: ignore[arg-type] # both are purposes
        async with house.database(role).begin() as tx:  # type: ignore[arg-type] # and roles
            await keeper.replace(tx, Order(who="operator", why="a leak"), house.clock.now())
    await outbox.poke(house.valkey)
    await house.settled()

    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    for node in house.nodes:
        async with node.client() as client:
            assert (await client.get("/userinfo", headers=bearer)).status_code == 401
        told = await node.post("/introspect", {"token": tokens["access_token"]}, httpx2.BasicAuth("app", SECRET))
        assert told.json() == {"active": False}
        assert (
            IdTokenHints(house.issuer, node.parts.keys.ring, node.parts.subject_identifiers).read(tokens["id_token"])
            is None
        )
    digest = hashlib.sha256(tokens["access_token"].encode()).digest()
    assert house.gateway.find(digest, house.clock.timestamp(), "shop.localhost") is None
    with pytest.raises(jws.InvalidToken):
        house.gateway.verify(tokens["access_token"].encode(), house.clock.timestamp(), "shop.localhost")

    async with asyncio.timeout(30):  # a service looks every two seconds
        while (await house.service.get("/", headers={HEADER: assertion})).status_code != 401:  # noqa: ASYNC110 - no event says it
            await asyncio.sleep(0.05)

    house.tokens.clear()
    await house.issue()
    await house.verify_all(Cached(house))


@pytest.mark.proof
async def test_nothing_fails_again_and_again(house: House) -> None:
    await rotate(house, 25)
