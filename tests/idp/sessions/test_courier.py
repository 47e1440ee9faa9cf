"""Every end reaches every relying party, over real HTTP: what they are sent, what becomes of a dead one (S8)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, get_args
from uuid import uuid4

import httpx2
import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text, update
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from config.connections import Database
from config.entropy import SystemEntropy
from config.envelope import Envelope
from config.outbound import Outbound
from config.sections.engines import Role
from config.settings import Settings
from idp.clients.client import Client
from idp.protocol.pairwise import PairwiseSubjects
from idp.sessions import courier as courier_module
from idp.sessions import logout_token
from idp.sessions.courier import LEASE, Courier
from idp.sessions.delivery import MOST_ATTEMPTS, Delivery, Recipient
from idp.sessions.logout_worker import serve
from idp.sessions.one_session import Began
from idp.sessions.session import ON_ITS_WAY, EndReason, Session
from idp.storage import clients, deliveries, session_clients, sessions
from idp.storage.protocol_tables import client
from jose.jws import verify
from jose.keys import KeyRing, SigningKey
from jose.storage.keys import SigningKeys
from tests.clock import FakeClock
from tests.events.listening import until
from tests.idp.people import HOUSE, TIMES, add_person, beginning, one_session
from tests.idp.sessions.receiver import receiving, saying

OpenDatabase = Callable[[Role], Database]
ISSUER = "http://localhost:9000"


def app(client_id: str, logout_uri: str | None) -> Client:
    return Client(
        client_id=client_id,
        name={"en": client_id},
        auth_method="none",
        secret_hash=None,
        redirect_uris=("https://app.example/callback",),
        post_logout_redirect_uris=(),
        grant_types=("authorization_code",),
        scopes=("openid",),
        backchannel_logout_uri=logout_uri,
    )


@dataclass
class Telling:
    """A courier, and sessions to end."""

    idp: Database
    clock: FakeClock
    courier: Courier
    ring: KeyRing

    async def session(self, *apps: Client, name: str | None = None) -> Session:
        """A live session that these apps have tokens of."""
        async with self.idp.begin() as tx:
            user = (await add_person(tx, name or f"person-{uuid4().hex[:8]}")).id
            begun = await one_session(self.clock).begin(tx, beginning(user, self.clock))
            assert isinstance(begun, Began)
            for one in apps:
                await clients.put(tx, one, self.clock.now())
                await session_clients.joined(tx, begun.session.sid, one.client_id, self.clock.now())
        return begun.session

    async def end(self, session: Session, reason: EndReason = "administrator") -> None:
        async with self.idp.begin() as tx:
            assert await one_session(self.clock).end(tx, session.sid, reason, correlation_id="test")

    async def carry(self) -> int:
        begun = await self.courier.step()
        await self.courier.drain()
        return begun

    async def rows(self) -> list[Any]:
        async with self.idp.connect() as tx:
            return list((await tx.execute(text("SELECT * FROM idp.delivery ORDER BY client_id, happened_at"))).all())

    def claims(self, token: str, client_id: str) -> dict[str, object]:
        return verify(
            token,
            self.ring,
            expected_typ="logout+jwt",
            expected_issuer=ISSUER,
            expected_audience=client_id,
            now=self.clock.timestamp(),
        )


@pytest.fixture
async def telling(settings: Settings, database: OpenDatabase, clock: FakeClock) -> AsyncIterator[Telling]:
    ring = KeyRing.of(SigningKey.generate())
    async with httpx2.AsyncClient(timeout=courier_module.TIMEOUTS, trust_env=False) as client:
        courier = Courier(
            deliveries=deliveries,
            database=database("idp"),
            ring=lambda: ring,
            pairwise=lambda: PairwiseSubjects(b"k"),
            envelope=Envelope.load(settings),
            client=client,
            outbound=Outbound(),
            issuer=ISSUER,
            clock=clock,
            entropy=SystemEntropy(),
        )
        yield Telling(database("idp"), clock, courier, ring)
        await courier.drain()


async def test_each_relying_party_gets_a_logout_token(telling: Telling) -> None:
    async with receiving() as one, receiving() as two:
        session = await telling.session(app("one", one.address), app("two", two.address), app("quiet", None))
        stranger = await telling.session()
        await telling.end(session)
        await telling.end(stranger)
        assert await telling.carry() == 2
        for client_id, receiver in (("one", one), ("two", two)):
            (token,) = receiver.tokens()
            claims = telling.claims(token, client_id)
            assert claims["sid"] == session.sid
            assert claims["sub"] == str(session.user_id)
            assert claims["events"] == {logout_token.EVENT: {}}
            assert claims["exp"] == int(telling.clock.timestamp()) + 120
            assert set(claims) == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "events"}
            assert receiver.headers[0]["content-type"] == "application/x-www-form-urlencoded"
        assert await telling.carry() == 0
        assert [row.outcome for row in await telling.rows()] == ["delivered", "delivered"]


@pytest.mark.parametrize("reason", [reason for reason in get_args(EndReason) if reason not in ("idle", "absolute")])
async def test_every_cause_is_told(telling: Telling, reason: EndReason) -> None:
    session = await telling.session(app("one", "https://app.example/bye"))
    await telling.end(session, reason)
    (row,) = await telling.rows()
    assert row.facts["reason"] == reason


async def test_what_the_sweeper_ends_is_told_too(telling: Telling, database: OpenDatabase) -> None:
    session = await telling.session(app("one", "https://app.example/bye"))
    telling.clock.advance((TIMES.idle_timeout + ON_ITS_WAY).total_seconds())
    async with database("worker").begin() as tx:
        assert await one_session(telling.clock).sweep(tx, sessions, limit=10) == 1
    (row,) = await telling.rows()
    assert (row.facts["reason"], row.happened_at) == ("idle", session.idle_expires_at)


async def test_what_is_rolled_back_is_told_to_nobody(telling: Telling) -> None:
    session = await telling.session(app("one", "https://app.example/bye"))
    async with telling.idp.connect() as tx:
        assert await one_session(telling.clock).end(tx, session.sid, "administrator", correlation_id="test")
        await tx.rollback()
    assert await telling.rows() == []


async def test_a_refusal_is_dead_at_once(telling: Telling) -> None:
    async with receiving(saying(400)) as one:
        await telling.end(await telling.session(app("one", one.address)))
        await telling.carry()
    (row,) = await telling.rows()
    assert (row.outcome, row.attempts) == ("dead", 1)
    assert row.problem.startswith("400")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"err": "invalid_key", "description": "eyJhbGciOiJFUzI1NiJ9.e30.sig"}', "400 invalid_key"),
        (b'{"err": "eyJhbGciOiJFUzI1NiJ9.e30.sig"}', "400"),
        (b'{"err": {"logout_token": "eyJhbGciOiJFUzI1NiJ9.e30.sig"}}', "400"),
        (b"logout_token=eyJhbGciOiJFUzI1NiJ9.e30.sig", "400"),
        (b"\xff", "400"),
        (b"", "400"),
    ],
)
async def test_of_a_refusal_only_its_status_and_its_code_are_kept(telling: Telling, body: bytes, problem: str) -> None:
    """It may say back what was sent: a token has no business in a table or a log."""

    async def echo(_request: Request, _body: bytes) -> Response:
        return Response(body, 400)

    async with receiving(echo) as one:
        await telling.end(await telling.session(app("one", one.address)))
        await telling.carry()
    (row,) = await telling.rows()
    assert (row.outcome, row.problem) == ("dead", problem)


async def test_what_can_never_be_sent_is_dead_at_once(telling: Telling) -> None:
    """Damaged facts, or an address that is none: it comes back no more, and whoever is next is told."""

    def dead() -> float:
        labels = {"channel": "logout", "outcome": "dead"}
        return REGISTRY.get_sample_value("munjigi_end_deliveries_total", labels) or 0.0

    before = dead()
    async with receiving() as one:
        session = await telling.session(app("one", one.address), app("two", "https://two.example/bye"))
        async with telling.idp.begin() as tx:
            await tx.execute(
                text("UPDATE idp.client SET backchannel_logout_uri = 'http://[/bye' WHERE client_id = 'two'")
            )
            poison = Delivery(id=uuid4(), recipient=Recipient("one", None), facts={}, happened_at=telling.clock.now())
            await deliveries.add(tx, [poison])
        await telling.end(session)
        assert await telling.carry() == 3
        assert len(one.bodies) == 1
        telling.clock.advance(3600)
        assert await telling.carry() == 0
    rows = {(row.client_id, row.outcome, row.problem) for row in await telling.rows()}
    assert rows == {
        ("one", "delivered", ""),
        ("one", "dead", "it cannot be sent: KeyError"),
        ("two", "dead", "it cannot be sent: ValueError"),
    }
    assert dead() - before == 2


@pytest.mark.parametrize("whose", ["an organisation's", "its own"])
async def test_who_is_not_the_houses_own_is_told_at_public_places_alone(telling: Telling, whose: str) -> None:
    async with receiving() as inside, receiving() as ours:
        session = await telling.session(app("theirs", inside.address), app("ours", ours.address))
        async with telling.idp.begin() as tx:
            theirs = (
                {"organisation_id": HOUSE} if whose == "an organisation's" else {"registration_token_hash": bytes(32)}
            )
            await tx.execute(update(client).where(client.c.client_id == "theirs").values(**theirs))
        await telling.end(session)
        assert await telling.carry() == 2
        assert inside.tokens() == []
        assert len(ours.tokens()) == 1
        rows = {row.client_id: row for row in await telling.rows()}
        assert (rows["theirs"].outcome, rows["theirs"].problem) == (None, "its address is not public")
        assert rows["ours"].outcome == "delivered"


async def test_who_is_not_the_houses_own_is_told_like_everybody(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling.courier, "_outbound", Outbound(this_machine=True))
    async with receiving() as receiver, receiving(saying(400)) as refusing:
        session = await telling.session(app("theirs", receiver.address), app("refusing", refusing.address))
        async with telling.idp.begin() as tx:
            await tx.execute(update(client).values(organisation_id=HOUSE))
        await telling.end(session)
        assert await telling.carry() == 2
        (token,) = receiver.tokens()
        assert telling.claims(token, "theirs")["sid"] == session.sid
        assert receiver.headers[0]["content-type"] == "application/x-www-form-urlencoded"
        refused, delivered = await telling.rows()
        assert (delivered.outcome, refused.outcome, refused.problem) == ("delivered", "dead", "400")


async def test_no_redirect_is_followed(telling: Telling) -> None:
    async with receiving() as elsewhere, receiving(saying(307, location=elsewhere.address)) as one:
        await telling.end(await telling.session(app("one", one.address)))
        await telling.carry()
        assert elsewhere.bodies == []
    assert [row.outcome for row in await telling.rows()] == ["dead"]


async def test_an_app_that_is_away_is_told_when_it_is_back_with_a_fresh_token(telling: Telling) -> None:
    async with receiving(saying(503)) as one:
        await telling.end(await telling.session(app("one", one.address)))
        await telling.carry()
        assert await telling.carry() == 0
        one.answer = saying(200)
        telling.clock.advance(300)
        assert await telling.carry() == 1
        first, second = one.tokens()
        claims = telling.claims(second, "one")
        assert claims["iat"] == int(telling.clock.timestamp())
        assert first != second
    (row,) = await telling.rows()
    assert (row.outcome, row.attempts) == ("delivered", 2)


async def test_nobody_listening_ends_as_a_dead_letter_after_so_many_tries(telling: Telling) -> None:
    await telling.end(await telling.session(app("one", "http://127.0.0.1:9/bye")))
    for _ in range(MOST_ATTEMPTS):
        assert await telling.carry() == 1
        telling.clock.advance(3600)
    assert await telling.carry() == 0
    (row,) = await telling.rows()
    assert (row.outcome, row.attempts, row.problem) == ("dead", MOST_ATTEMPTS, "ConnectError")


async def test_a_dead_app_delays_nobody(telling: Telling) -> None:
    """One app takes every connection and never answers; another one's logouts go through at once."""
    over = asyncio.Event()

    async def never(_request: Request, _body: bytes) -> Response:
        await over.wait()
        return Response()

    async with receiving(never) as dead, receiving() as well:
        for _ in range(20):
            await telling.end(await telling.session(app("dead", dead.address), app("well", well.address)))
        before = time.monotonic()
        while len(well.bodies) < 20:
            await telling.courier.step()
            await asyncio.sleep(0.01)
        assert time.monotonic() - before < 3
        await until(lambda: len(dead.bodies) == courier_module.EACH)
        over.set()
        await telling.courier.drain()


async def test_an_endless_answer_is_not_read(telling: Telling) -> None:
    async def endless(_request: Request, _body: bytes) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 1024
                await asyncio.sleep(0)

        return StreamingResponse(chunks())

    async with receiving(endless) as one:
        await telling.end(await telling.session(app("one", one.address)))
        before = time.monotonic()
        await telling.carry()
        assert time.monotonic() - before < courier_module.PATIENCE
    assert [row.outcome for row in await telling.rows()] == ["delivered"]


async def test_an_app_that_takes_no_logouts_any_more(telling: Telling) -> None:
    await telling.end(await telling.session(app("one", "https://app.example/bye")))
    async with telling.idp.begin() as tx:
        await clients.put(tx, app("one", None), telling.clock.now())
    await telling.carry()
    assert [row.outcome for row in await telling.rows()] == ["dead"]


async def test_two_workers_share_and_a_dead_one_s_work_is_taken_up_after_its_lease(telling: Telling) -> None:
    for _ in range(6):
        await telling.end(await telling.session(app("one", "https://app.example/bye")))
    now = telling.clock.now()
    async with telling.idp.begin() as first, telling.idp.begin() as second:
        one = await deliveries.claim_logouts(first, now, now + LEASE, [], each=4, limit=10)
        two = await deliveries.claim_logouts(second, now, now + LEASE, [], each=4, limit=10)
    assert (len(one), len(two)) == (4, 2)
    assert not {claimed.delivery.id for claimed in one} & {claimed.delivery.id for claimed in two}
    async with telling.idp.begin() as tx:
        before = now + LEASE - timedelta(microseconds=1)
        assert await deliveries.claim_logouts(tx, before, before + LEASE, [], each=9, limit=9) == []
        again = await deliveries.claim_logouts(tx, now + LEASE, now + 2 * LEASE, [], each=9, limit=9)
        assert len(again) == 6
        assert {claimed.delivery.attempts for claimed in again} == {2}
        # whoever lost the lease settles nothing
        assert not await deliveries.settle(tx, one[0].delivery, "delivered", "", now)
        assert await deliveries.settle(tx, again[0].delivery, "delivered", "", now)
        assert not await deliveries.put_off(tx, again[0].delivery, now, "")


async def test_the_sweeper_s_role_may_write_whom_an_end_concerns_and_sees_no_secret(
    telling: Telling, database: OpenDatabase
) -> None:
    session = await telling.session(app("one", "https://app.example/bye"))
    async with database("worker").begin() as tx:
        found = await deliveries.recipients(tx, session.sid, session.user_id, "event")
        assert found == [Recipient("one", None)]
        seen = text(
            "SELECT has_column_privilege('munjigi_worker', 'idp.client', 'secret_hash', 'SELECT') OR "
            "has_column_privilege('munjigi_worker', 'idp.signal_stream', 'sealed_authorization', 'UPDATE')"
        )
        assert (await tx.execute(seen)).scalar_one() is False


async def test_the_worker_serves_and_stops(settings: Settings, database: OpenDatabase, telling: Telling) -> None:
    async with database("idp").begin() as tx:
        await SigningKeys(Envelope.load(settings)).ensure_active(tx, "token", telling.clock.now())
    ready, stop = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(serve(settings, ready.set, stop))
    try:
        await asyncio.wait_for(ready.wait(), 10)
        async with receiving() as one:
            await telling.end(await telling.session(app("one", one.address)))
            await until(lambda: bool(one.bodies), 10)
    finally:
        stop.set()
        await asyncio.wait_for(serving, 10)
