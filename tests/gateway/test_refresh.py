"""Refreshing tokens: once for all who ask, in one process or in many; what a refusal and an absence come to."""

from __future__ import annotations

import asyncio
import hashlib

import httpx2

from gateway.exchange import Answer, Forward
from gateway.relying_party.refresh import TokenRefresh
from gateway.sessions.near_cache import EndedSession
from tests.gateway.rig import NAVIGATION, Rig, head

COOKIE = hashlib.sha256(b"c" * 43).digest()


async def signed_in(rig: Rig) -> tuple[bytes, bytes]:
    await rig.project()
    header = (b"cookie", await rig.cookie())
    assert isinstance(await rig.ask(head(headers=[header])), Forward)
    return header


def refused() -> httpx2.Response:
    return httpx2.Response(400, json={"error": "invalid_grant"})


async def test_an_expired_token_is_refreshed_on_the_way_once_for_all(rig: Rig) -> None:
    cookie = await signed_in(rig)
    rig.clock.advance(300)
    rig.beat()
    rig.will_answer(rig.token(roles=["customer", "vendor"]))
    verdicts = await asyncio.gather(*(rig.ask(head(headers=[cookie])) for _ in range(20)))
    assert all(isinstance(verdict, Forward) for verdict in verdicts)
    assert len(rig.asked) == 1
    caller = rig.cookies.find(COOKIE, rig.clock.timestamp())
    assert caller is not None
    assert caller.identity.roles == ("customer", "vendor")


async def test_a_token_in_use_is_refreshed_before_it_expires(rig: Rig) -> None:
    cookie = await signed_in(rig)
    rig.clock.advance(239)
    rig.beat()
    rig.pipeline(head(headers=[cookie]))
    await rig.refresh.refresh_expiring(rig.cookies.known())
    assert rig.asked == []
    rig.clock.advance(2)
    rig.will_answer(rig.token())
    await rig.refresh.refresh_expiring(rig.cookies.known())
    assert len(rig.asked) == 1


async def test_two_processes_refresh_once(rig: Rig) -> None:
    await signed_in(rig)
    other = rig.cookie_check()
    theirs = await other.load(COOKIE)
    ours = rig.cookies.find(COOKIE, rig.clock.timestamp())
    assert theirs is not None
    assert ours is not None
    assert not isinstance(theirs, EndedSession)
    elsewhere = TokenRefresh(
        provider=rig.provider,
        tokens=rig.tokens,
        database=rig.database,
        storage=rig.storage,
        envelope=rig.envelope,
        clock=rig.clock,
        on_ended=other.forget,
        on_changed=lambda _sid: None,
    )
    rig.clock.advance(300)
    token = rig.token()
    rig.will_answer(token)
    await asyncio.gather(rig.refresh.refresh(ours), elsewhere.refresh(theirs))
    assert len(rig.asked) == 1
    assert ours.identity == theirs.identity
    assert ours.identity.expires_at == rig.clock.timestamp() + 300


async def test_the_rotated_token_is_the_next_one(rig: Rig) -> None:
    cookie = await signed_in(rig)
    for turn in ("r-1", "r-2"):
        rig.clock.advance(300)
        rig.beat()
        rig.will_answer(rig.token(), refresh_token="r-2")
        await rig.ask(head(headers=[cookie]))
        assert f"refresh_token={turn}" in rig.asked[-1].content.decode()


async def test_a_refused_refresh_ends_the_cookie_session(rig: Rig) -> None:
    cookie = await signed_in(rig)
    rig.clock.advance(300)
    rig.beat()
    rig.answers.append(refused())
    verdict = await rig.ask(head(headers=[cookie, *NAVIGATION]))
    assert isinstance(verdict, Answer)
    assert dict(verdict.headers)[b"location"].startswith(b"/.munjigi/ended")
    assert not isinstance(await rig.ask(head(headers=[cookie])), Forward)
    assert len(rig.asked) == 1


async def test_a_token_of_another_session_is_not_taken(rig: Rig) -> None:
    cookie = await signed_in(rig)
    rig.clock.advance(300 + 900)
    rig.beat()
    rig.will_answer(rig.token(sid="session-2"))
    assert not isinstance(await rig.ask(head(headers=[cookie])), Forward)


async def test_whoever_is_signed_in_works_on_while_the_provider_is_away(rig: Rig) -> None:
    cookie = await signed_in(rig)
    rig.clock.advance(300)
    rig.beat()
    rig.answers.append(httpx2.ConnectError("away"))
    assert isinstance(await rig.ask(head(headers=[cookie])), Forward)
    assert isinstance(rig.pipeline(head(headers=[cookie])), Forward)  # nobody is asked again at once
    rig.clock.advance(5)
    rig.beat()
    rig.answers.append(httpx2.Response(503))
    assert isinstance(await rig.ask(head(headers=[cookie])), Forward)
    assert len(rig.asked) == 2
    strict = await rig.ask(head("/reservations", headers=[cookie]))
    assert isinstance(strict, Answer)
    assert strict.status == 503
    rig.clock.advance(895)  # exactly what the zone allows
    rig.beat()
    late = await rig.ask(head(headers=[cookie]))
    assert isinstance(late, Answer)
    assert late.status == 503
    rig.clock.advance(5)
    rig.beat()
    rig.will_answer(rig.token())
    assert isinstance(await rig.ask(head(headers=[cookie])), Forward)


async def test_a_claim_that_its_process_lost_is_free_again(rig: Rig) -> None:
    cookie = await signed_in(rig)
    rig.clock.advance(300)
    now = rig.clock.now()
    async with rig.database.begin() as tx:
        from datetime import timedelta

        taken = await rig.storage.claim_refresh(tx, COOKIE, expiring_by=now, now=now, until=now + timedelta(seconds=8))
    assert taken is not None
    rig.clock.advance(8)
    rig.beat()
    rig.will_answer(rig.token())
    assert isinstance(await rig.ask(head(headers=[cookie])), Forward)
