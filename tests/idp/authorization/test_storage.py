"""What the storages of logins and codes must do, with their races (conformance)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from config.clock import Clock
from config.connections import Database
from idp.authorization.code import CodeGrant, Redeemed, Replayed, code_hash
from idp.authorization.login import Login
from idp.authorization.request import AuthorizationRequest
from idp.clients.client import Client
from idp.storage import clients, codes, logins
from tests.clock import FakeClock
from tests.idp.people import add_person, beginning, one_session

OpenDatabase = Callable[[str], Database]


async def _client(idp: Database, clock: Clock, **changed: object) -> Client:
    client = Client(
        client_id="app",
        name={"ko": "앱", "en": "app"},
        auth_method="none",
        secret_hash=None,
        redirect_uris=("https://app.example/callback",),
        post_logout_redirect_uris=(),
        grant_types=("authorization_code",),
        scopes=("openid",),
    )
    async with idp.begin() as tx:
        await clients.put(tx, client, clock.now())
    return client


def _login(clock: Clock) -> Login:
    return Login(
        id=uuid4(),
        request=AuthorizationRequest(
            client_id="app",
            redirect_uri="https://app.example/callback",
            scope=("openid",),
            code_challenge="c" * 43,
            state="상태",
            max_age=5,
            ui_locales=("ko", "en"),
        ),
        client_id="app",
        locale="ko",
        created_at=clock.now(),
        expires_at=clock.now() + timedelta(seconds=600),
        browser_hash=b"b" * 32,
    )


async def test_a_login_is_kept_as_it_is(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    await _client(idp, clock)
    login = _login(clock)
    async with idp.begin() as tx:
        await logins.add(tx, login)
    changed = (
        login.named("mina")
        .signed_in(UUID(int=1), ("pwd",), clock.now())
        .facing("sid")
        .passed_factor(("otp",), clock.now())
    ).chose_takeover("sid")
    async with idp.begin() as tx:
        assert await logins.claim(tx, login.id, clock.now()) == login
        await logins.save(tx, changed)
    async with idp.connect() as tx:
        assert await logins.find(tx, login.id, clock.now()) == changed


async def test_what_a_login_is_about_never_changes(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    await _client(idp, clock)
    login = _login(clock)
    async with idp.begin() as tx:
        await logins.add(tx, login)
        await logins.save(tx, replace(login, browser_hash=b"x" * 32, created_at=clock.now() + timedelta(days=9)))
        assert await logins.find(tx, login.id, clock.now()) == login


async def test_a_login_is_over_at_its_time(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    await _client(idp, clock)
    login = _login(clock)
    async with idp.begin() as tx:
        await logins.add(tx, login)
    clock.advance(599.9)
    async with idp.begin() as tx:
        assert await logins.find(tx, login.id, clock.now())
        assert await logins.sweep(tx, clock.now()) == 0
    clock.advance(0.1)
    async with idp.begin() as tx:
        assert await logins.find(tx, login.id, clock.now()) is None
        assert await logins.claim(tx, login.id, clock.now()) is None
        assert await logins.sweep(tx, clock.now()) == 1


async def test_of_many_who_claim_a_login_only_one_finishes_it(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    await _client(idp, clock)
    login = _login(clock)
    async with idp.begin() as tx:
        await logins.add(tx, login)

    async def finish() -> bool:
        async with idp.begin() as tx:
            claimed = await logins.claim(tx, login.id, clock.now())
            if claimed is not None:
                await logins.finish(tx, claimed)
            return claimed is not None

    assert sum(await asyncio.gather(*(finish() for _ in range(12)))) == 1


async def test_half_proven_logins_cannot_be_kept(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    await _client(idp, clock)
    with pytest.raises(IntegrityError):
        async with idp.begin() as tx:
            await logins.add(tx, replace(_login(clock), user_id=UUID(int=1)))
    with pytest.raises(IntegrityError):
        async with idp.begin() as tx:
            await logins.add(tx, replace(_login(clock), takeover_factor=True))


async def _grant(idp: Database, clock: FakeClock) -> CodeGrant:
    await _client(idp, clock)
    async with idp.begin() as tx:
        user = (await add_person(tx)).id
        began = await one_session(clock).begin(tx, beginning(user, clock))
    return CodeGrant(
        client_id="app",
        user_id=user,
        sid=began.session.sid,
        redirect_uri="https://app.example/callback",
        code_challenge="c" * 43,
        scope=("openid",),
        nonce=None,
        expires_at=clock.now() + timedelta(seconds=60),
    )


async def test_a_code_is_redeemed_once(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    grant = await _grant(idp, clock)
    digest = code_hash("the code")
    async with idp.begin() as tx:
        await codes.add(tx, digest, grant)
    async with idp.begin() as tx:
        assert await codes.consume(tx, code_hash("another"), clock.now()) is None
        assert await codes.consume(tx, digest, clock.now()) == Redeemed(grant)
    async with idp.begin() as tx:
        assert await codes.consume(tx, digest, clock.now()) == Replayed(grant, None)


async def test_of_many_who_redeem_a_code_one_does(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    grant = await _grant(idp, clock)
    digest = code_hash("the code")
    async with idp.begin() as tx:
        await codes.add(tx, digest, grant)

    async def redeem() -> object:
        async with idp.begin() as tx:
            return await codes.consume(tx, digest, clock.now())

    outcomes = await asyncio.gather(*(redeem() for _ in range(12)))
    assert outcomes.count(Redeemed(grant)) == 1
    assert outcomes.count(Replayed(grant, None)) == 11


async def test_a_rolled_back_redemption_did_not_happen(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    grant = await _grant(idp, clock)
    digest = code_hash("the code")
    async with idp.begin() as tx:
        await codes.add(tx, digest, grant)
    async with idp.connect() as tx:
        await codes.consume(tx, digest, clock.now())
        await tx.rollback()
    async with idp.begin() as tx:
        assert await codes.consume(tx, digest, clock.now()) == Redeemed(grant)


async def test_a_code_is_over_exactly_at_its_time(database: OpenDatabase, clock: FakeClock) -> None:
    idp = database("idp")
    grant = await _grant(idp, clock)
    async with idp.begin() as tx:
        await codes.add(tx, code_hash("the code"), grant)
    clock.advance(60)
    async with idp.begin() as tx:
        assert await codes.consume(tx, code_hash("the code"), clock.now()) is None
        assert await codes.sweep(tx, clock.now()) == 0
        assert await codes.sweep(tx, clock.now() + timedelta(seconds=1)) == 1


async def test_the_worker_may_sweep_and_the_gateway_may_not_look(database: OpenDatabase, clock: FakeClock) -> None:
    await _client(database("idp"), clock)
    async with database("idp").begin() as tx:
        await logins.add(tx, _login(clock))
    async with database("worker").begin() as tx:
        assert await logins.sweep(tx, clock.now() + timedelta(hours=1)) == 1
    with pytest.raises(Exception, match="permission denied"):
        async with database("gateway").begin() as tx:
            await logins.find(tx, uuid4(), clock.now())
