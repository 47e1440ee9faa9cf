"""What is in flight when a session ends dies with it: codes, refresh tokens, access tokens (S3)."""

from __future__ import annotations

from typing import get_args

import pytest
from sqlalchemy import text

from idp.sessions.session import EndReason
from tests.idp.provider import Provider

CAUSES = [reason for reason in get_args(EndReason) if reason not in ("idle", "absolute")]


async def _end(provider: Provider, reason: EndReason) -> None:
    async with provider.parts.database.begin() as tx:
        sid = (await tx.execute(text("SELECT sid FROM idp.session WHERE ended_at IS NULL"))).scalar_one()
        assert await provider.parts.one_session.end(tx, sid, reason, correlation_id="t") is not None


@pytest.mark.parametrize("reason", CAUSES)
async def test_a_code_in_flight_dies_with_its_session(provider: Provider, reason: EndReason) -> None:
    app, user = await provider.register(), await provider.person()
    code = await provider.sign_in(provider.browser(), app, user)
    await _end(provider, reason)
    refused = await provider.redeem(app, code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    async with provider.parts.database.connect() as tx:
        assert (await tx.execute(text("SELECT count(*) FROM idp.session_client"))).scalar_one() == 0


@pytest.mark.parametrize("reason", CAUSES)
async def test_tokens_die_with_their_session(provider: Provider, reason: EndReason) -> None:
    app, user = await provider.register(), await provider.person()
    tokens = (await provider.redeem(app, await provider.sign_in(provider.browser(), app, user))).json()
    async with provider.parts.database.connect() as tx:
        joined = (await tx.execute(text("SELECT client_id FROM idp.session_client"))).scalars().all()
        assert joined == ["app"]
    await _end(provider, reason)
    assert (await provider.refresh(app, tokens["refresh_token"])).status_code == 400
    async with provider.client() as http:
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert (await http.get("/userinfo", headers=bearer)).status_code == 401


async def test_each_app_of_a_session_is_remembered_once(provider: Provider) -> None:
    one, two, user = await provider.register("one"), await provider.register("two"), await provider.person()
    browser = provider.browser()
    await provider.redeem(one, await provider.sign_in(browser, one, user))
    for _ in range(2):
        await browser.follow(await browser.get(two.request()))
        await provider.redeem(two, browser.query()["code"])
    async with provider.parts.database.connect() as tx:
        joined = (await tx.execute(text("SELECT client_id FROM idp.session_client ORDER BY 1"))).scalars().all()
    assert joined == ["one", "two"]
