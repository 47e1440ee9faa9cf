"""The authorization code grant at the token endpoint: once, by its own client, with its verifier."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from tests.clock import FakeClock
from tests.idp.login_pages.test_sign_in import kinds
from tests.idp.provider import SECRET, Provider
from tests.idp.waiting import OpenDatabase


async def test_a_code_replayed_ends_the_family_and_the_session(provider: Provider) -> None:
    app, user, browser = await provider.register(), await provider.person(), provider.browser()
    code = await provider.sign_in(browser, app, user)
    tokens = (await provider.redeem(app, code)).json()
    replay = await provider.redeem(app, code)
    assert replay.status_code == 400
    assert replay.json()["error"] == "invalid_grant"
    assert (await provider.refresh(app, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    async with provider.parts.database.connect() as tx:
        assert await provider.parts.arrivals.live(tx, user, provider.parts.clock.now()) is None


async def test_of_two_redemptions_at_once_none_keeps_its_session(provider: Provider) -> None:
    app, user, browser = await provider.register(), await provider.person(), provider.browser()
    code = await provider.sign_in(browser, app, user)
    answers = await asyncio.gather(*(provider.redeem(app, code) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    async with provider.parts.database.connect() as tx:
        assert await provider.parts.arrivals.live(tx, user, provider.parts.clock.now()) is None


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code": "made up"}, "invalid_grant"),
        ({"code": ""}, "invalid_request"),
        ({"redirect_uri": "https://app.example/callback/"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
    ],
)
async def test_what_does_not_fit_is_refused_and_burns_nothing(
    provider: Provider, changed: dict[str, str], error: str
) -> None:
    app, user, browser = await provider.register(), await provider.person(), provider.browser()
    code = await provider.sign_in(browser, app, user)
    refused = await provider.redeem(app, changed.get("code", code), **{k: v for k, v in changed.items() if k != "code"})
    assert refused.status_code == 400
    assert refused.json()["error"] == error
    assert refused.json()["correlation_id"] == refused.headers["munjigi-correlation-id"]
    assert refused.headers["cache-control"] == "no-store"
    assert (await provider.redeem(app, code)).status_code == 200


async def test_the_challenge_itself_is_no_verifier(provider: Provider) -> None:
    """A downgrade to `plain` at the token endpoint (RFC 9700, section 2.1.1)."""
    app, user, browser = await provider.register(), await provider.person(), provider.browser()
    code = await provider.sign_in(browser, app, user)
    refused = await provider.redeem(app, code, code_verifier=app.challenge, code_challenge_method="plain")
    assert refused.json()["error"] == "invalid_grant"


async def test_another_client_cannot_redeem_nor_burn_it(provider: Provider) -> None:
    app, thief, user = await provider.register(), await provider.register("thief"), await provider.person()
    code = await provider.sign_in(provider.browser(), app, user)
    thief.verifier = app.verifier
    assert (await provider.redeem(thief, code)).json()["error"] == "invalid_grant"
    assert (await provider.redeem(app, code)).status_code == 200
    assert (await provider.redeem(thief, code)).json()["error"] == "invalid_grant"
    async with provider.parts.database.connect() as tx:
        assert await provider.parts.arrivals.live(tx, user, provider.parts.clock.now()) is not None


async def test_a_code_is_over_exactly_at_its_time(provider: Provider, clock: FakeClock) -> None:
    app, user = await provider.register(), await provider.person()
    code = await provider.sign_in(provider.browser(), app, user)
    clock.advance(60)
    assert (await provider.redeem(app, code)).json()["error"] == "invalid_grant"


async def test_a_code_of_a_session_that_ended_is_worth_nothing(provider: Provider) -> None:
    app, user = await provider.register(), await provider.person()
    code = await provider.sign_in(provider.browser(), app, user)
    parts = provider.parts
    async with parts.database.begin() as tx:
        live = await parts.arrivals.live(tx, user, parts.clock.now())
        assert live is not None
        await parts.one_session.end(tx, live.sid, "administrator", correlation_id="test")
    assert (await provider.redeem(app, code)).json()["error"] == "invalid_grant"


async def test_a_public_client_needs_its_verifier_and_nothing_else(provider: Provider) -> None:
    app, user = await provider.register("spa", auth_method="none"), await provider.person()
    code = await provider.sign_in(provider.browser(), app, user)
    assert (await provider.redeem(app, code, code_verifier="")).status_code == 400
    assert (await provider.redeem(app, code)).status_code == 200


async def test_nothing_is_kept_in_the_clear(provider: Provider) -> None:
    app, user = await provider.register(), await provider.person()
    browser = provider.browser()
    code = await provider.sign_in(browser, app, user)
    tokens = (await provider.redeem(app, code)).json()
    held = [SECRET, code, tokens["refresh_token"], tokens["access_token"], *browser.cookies.values()]
    async with provider.parts.database.connect() as tx:
        for table in ("client", "login", "authorization_code", "refresh_token", "refresh_family", "session", "device"):
            rows = await tx.execute(text(f"SELECT row_to_json(t)::text FROM idp.{table} t"))
            for (row,) in rows:
                for secret in held:
                    assert secret not in row
                    assert secret.encode().hex() not in row


async def test_a_code_replayed_again_and_again_is_recorded_as_a_replay_once(
    provider: Provider, database: OpenDatabase
) -> None:
    """There is nothing left to end: what follows is refused like anything else, and bounded like anything else."""
    app, user, browser = await provider.register(), await provider.person(), provider.browser()
    code = await provider.sign_in(browser, app, user)
    assert (await provider.redeem(app, code)).status_code == 200
    for _ in range(4):
        assert (await provider.redeem(app, code)).json()["error"] == "invalid_grant"
    assert (await kinds(provider, database))[-5:] == ["session_ended", "code_replayed", *["token_refused"] * 3]
