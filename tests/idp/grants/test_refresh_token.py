"""Rotation, the retry of a lost answer, reuse, and the race of a refresh with the end of its session (S3)."""

from __future__ import annotations

import asyncio
from typing import Any

from httpx2 import BasicAuth
from joserfc import jwt
from joserfc.jwk import KeySet

from idp.storage import sessions
from tests.clock import FakeClock
from tests.idp.provider import App, Provider


async def _signed_in(provider: Provider) -> tuple[App, dict[str, Any], str]:
    app, user = await provider.register(), await provider.person()
    tokens = (await provider.redeem(app, await provider.sign_in(provider.browser(), app, user))).json()
    async with provider.parts.database.connect() as tx:
        live = await provider.parts.arrivals.live(tx, user, provider.parts.clock.now())
    assert live is not None
    return app, tokens, live.sid


async def _lives(provider: Provider, app: App, tokens: dict[str, Any]) -> bool:
    auth = BasicAuth(app.client_id, app.secret or "")
    return bool((await provider.post("/introspect", {"token": tokens["access_token"]}, auth)).json()["active"])


async def test_each_token_is_used_once_and_followed_by_another(provider: Provider, clock: FakeClock) -> None:
    app, tokens, _sid = await _signed_in(provider)
    seen = {tokens["refresh_token"]}
    for _ in range(4):
        clock.advance(290)
        tokens = (await provider.refresh(app, tokens["refresh_token"])).json()
        seen.add(tokens["refresh_token"])
    assert len(seen) == 5


async def test_reuse_ends_the_family_and_the_session(provider: Provider, clock: FakeClock) -> None:
    app, tokens, _sid = await _signed_in(provider)
    second = (await provider.refresh(app, tokens["refresh_token"])).json()
    clock.advance(10)  # exactly when the window is over
    reused = await provider.refresh(app, tokens["refresh_token"])
    assert reused.json()["error"] == "invalid_grant"
    assert (await provider.refresh(app, second["refresh_token"])).json()["error"] == "invalid_grant"
    assert not await _lives(provider, app, second)


async def test_a_lost_answer_may_be_asked_for_again(provider: Provider, clock: FakeClock) -> None:
    app, tokens, _sid = await _signed_in(provider)
    lost = (await provider.refresh(app, tokens["refresh_token"])).json()
    clock.advance(9.9)
    again = (await provider.refresh(app, tokens["refresh_token"])).json()
    assert again["refresh_token"] == lost["refresh_token"]
    assert (await provider.refresh(app, again["refresh_token"])).status_code == 200
    # the successor has been used: now the first token is in other hands
    assert (await provider.refresh(app, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert not await _lives(provider, app, again)


async def test_many_refreshes_at_once_agree_on_one_successor(provider: Provider) -> None:
    app, tokens, _sid = await _signed_in(provider)
    answers = await asyncio.gather(*(provider.refresh(app, tokens["refresh_token"]) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


async def test_another_client_learns_nothing_and_ends_nothing(provider: Provider) -> None:
    app, tokens, _sid = await _signed_in(provider)
    thief = await provider.register("thief")
    assert (await provider.refresh(thief, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await provider.refresh(app, tokens["refresh_token"])).status_code == 200


async def test_scope_may_shrink_and_never_grow(provider: Provider) -> None:
    app, tokens, _sid = await _signed_in(provider)
    fewer = (await provider.refresh(app, tokens["refresh_token"], scope="openid")).json()
    assert fewer["scope"] == "openid"
    more = await provider.refresh(app, fewer["refresh_token"], scope="openid profile email")
    assert more.json()["error"] == "invalid_scope"
    assert (await provider.refresh(app, fewer["refresh_token"])).json()["scope"] == "openid profile"


async def test_a_refresh_carries_the_person_as_they_are_now(provider: Provider) -> None:
    app, tokens, sid = await _signed_in(provider)
    parts = provider.parts
    async with parts.database.begin() as tx:
        session = await sessions.find(tx, sid)
        assert session is not None
        await parts.one_session.authenticated_again(
            tx,
            session.user_id,
            sid,
            cookie_hash=session.cookie_hash,
            amr=("pwd", "otp", "mfa"),
            acr="urn:munjigi:acr:2",
            authenticated_at=parts.clock.now(),
        )
    token = (await provider.refresh(app, tokens["refresh_token"])).json()["access_token"]
    keys = KeySet.import_key_set(parts.keys.ring().jwks())
    assert jwt.decode(token, keys, algorithms=["ES256"]).claims["acr"] == "urn:munjigi:acr:2"


async def test_a_family_does_not_outlive_the_session(provider: Provider, clock: FakeClock) -> None:
    app, tokens, _sid = await _signed_in(provider)
    clock.advance(30 * 60)  # idle
    assert (await provider.refresh(app, tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_refresh_and_end_fired_together(provider: Provider) -> None:
    """Whoever comes first: once the end is acknowledged no refresh succeeds, and what came of one is dead (S3)."""
    app, tokens, sid = await _signed_in(provider)
    parts = provider.parts
    ended = asyncio.Event()
    late: list[int] = []

    async def end() -> None:
        async with parts.database.begin() as tx:
            await parts.one_session.end(tx, sid, "sign_out", correlation_id="test")
        ended.set()

    async def refresh() -> None:
        token = tokens["refresh_token"]
        for _ in range(6):
            after = ended.is_set()
            answer = await provider.refresh(app, token)
            if after:
                late.append(answer.status_code)
            if answer.status_code == 200:
                token = answer.json()["refresh_token"]

    await asyncio.gather(refresh(), end())
    assert ended.is_set()
    assert set(late) <= {400}
    assert (await provider.refresh(app, tokens["refresh_token"])).status_code == 400
    assert not await _lives(provider, app, tokens)


async def test_a_public_client_proves_nothing_by_asking_again(provider: Provider) -> None:
    """Whoever stole its token within the window would be given the successor too."""
    app, user = await provider.register("public", auth_method="none"), await provider.person()
    tokens = (await provider.redeem(app, await provider.sign_in(provider.browser(), app, user))).json()
    after = (await provider.refresh(app, tokens["refresh_token"])).json()
    assert (await provider.refresh(app, tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await provider.refresh(app, after["refresh_token"])).json()["error"] == "invalid_grant"
    async with provider.parts.database.connect() as tx:
        assert await provider.parts.arrivals.live(tx, user, provider.parts.clock.now()) is None
