"""An app is disconnected while it refreshes, or redeems a code: nobody waits in a circle."""

from __future__ import annotations

import asyncio

from sqlalchemy import text

from idp.authorization.code import Redeemed, code_hash
from idp.storage import codes, refresh_families, sessions
from idp.tokens.refresh_family import token_hash
from tests.idp.account.conftest import Arrive, Resident
from tests.idp.conftest import OpenDatabase
from tests.idp.provider import Provider
from tests.idp.waiting import waiting


async def _code(mina: Resident) -> str:
    await mina.browser.follow(await mina.browser.get(mina.app.request()))
    code: str = mina.browser.query()["code"]
    return code


async def test_a_refresh_on_its_way_goes_through_and_the_app_is_disconnected_after_it(
    arrive: Arrive, provider: Provider, database: OpenDatabase
) -> None:
    mina, owner = await arrive(), database("owner")
    refresh = (await provider.redeem(mina.app, await _code(mina))).json()["refresh_token"]
    live = await mina.session()
    assert live is not None
    hop = await mina.hop()
    async with provider.parts.database.begin() as refreshing:
        assert await refresh_families.present(refreshing, token_hash(refresh)) is not None
        disconnecting = asyncio.create_task(mina.post("/account/apps/disconnect", id="app", hop=hop))
        await waiting(owner, 1, or_done=disconnecting)
        assert not disconnecting.done()
        async with asyncio.timeout(0.9):  # before PostgreSQL would look for a circle
            assert await sessions.lock(refreshing, live.sid) is not None
    assert "The app is disconnected." in (await disconnecting).text
    assert (await provider.refresh(mina.app, refresh)).json()["error"] == "invalid_grant"


async def test_a_redemption_on_its_way_goes_through_and_what_comes_of_it_is_revoked(
    arrive: Arrive, provider: Provider, database: OpenDatabase
) -> None:
    mina, owner = await arrive(), database("owner")
    await provider.redeem(mina.app, await _code(mina))
    code = await _code(mina)
    live = await mina.session()
    assert live is not None
    hop = await mina.hop()
    async with provider.parts.database.begin() as redeeming:
        now = provider.parts.clock.now()
        assert isinstance(await codes.consume(redeeming, code_hash(code), now), Redeemed)
        disconnecting = asyncio.create_task(mina.post("/account/apps/disconnect", id="app", hop=hop))
        await waiting(owner, 1, or_done=disconnecting)
        assert not disconnecting.done()
        async with asyncio.timeout(0.9):
            assert await sessions.lock(redeeming, live.sid) is not None
        await redeeming.execute(
            text(
                "INSERT INTO idp.refresh_family (id, client_id, user_id, sid, scope, expires_at) "
                "VALUES (gen_random_uuid(), 'app', :user, :sid, '{openid}', :end)"
            ),
            {"user": mina.id, "sid": live.sid, "end": live.absolute_expires_at},
        )
    assert "The app is disconnected." in (await disconnecting).text
    async with owner.connect() as tx:
        left = await tx.execute(text("SELECT count(*) FROM idp.refresh_family WHERE revoked_at IS NULL"))
        assert left.scalar_one() == 0


async def test_refreshes_and_a_disconnection_fired_together(arrive: Arrive, provider: Provider) -> None:
    mina = await arrive()
    for _ in range(5):
        tokens = (await provider.redeem(mina.app, await _code(mina))).json()
        codes_in_flight = [await _code(mina) for _ in range(3)]
        hop = await mina.hop()
        answers = await asyncio.gather(
            provider.refresh(mina.app, tokens["refresh_token"]),
            *(provider.redeem(mina.app, code) for code in codes_in_flight),
            mina.post("/account/apps/disconnect", id="app", hop=hop),
        )
        assert {answer.status_code for answer in answers} <= {200, 400}
        assert answers[-1].status_code == 200
        assert await mina.session() is not None
