"""What the gateway's storages promise when many come at once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from gateway.relying_party.cookie_session import CookieSession
from gateway.relying_party.pending_sign_in import PendingSignIn
from gateway.storage.known_provider import KnownProviders
from tests.gateway.rig import Rig

MANY = 8


def pending(now: datetime, state: bytes = b"s" * 32) -> PendingSignIn:
    return PendingSignIn(state, b"b" * 32, "shop.localhost:8080", b"n" * 32, b"sealed", "/", None, None, now)


def cookie_session(now: datetime, cookie: bytes = b"c" * 32, sid: str = "session-1") -> CookieSession:
    return CookieSession(cookie, sid, b"sealed", now, now, now + timedelta(hours=12))


async def test_of_many_exactly_one_consumes_a_sign_in(rig: Rig) -> None:
    now = rig.clock.now()
    async with rig.database.begin() as tx:
        await rig.sign_ins.remember(tx, pending(now + timedelta(minutes=1)))

    async def consume() -> PendingSignIn | None:
        async with rig.database.begin() as tx:
            return await rig.sign_ins.consume(tx, b"s" * 32, now=now)

    found = await asyncio.gather(*(consume() for _ in range(MANY)))
    assert sum(one is not None for one in found) == 1


async def test_a_sign_in_is_over_exactly_at_its_expiry(rig: Rig) -> None:
    now = rig.clock.now()
    async with rig.database.begin() as tx:
        await rig.sign_ins.remember(tx, pending(now))
        assert await rig.sign_ins.consume(tx, b"s" * 32, now=now) is None
        await rig.sign_ins.remember(tx, pending(now))
        await rig.sign_ins.remember(tx, pending(now + timedelta(seconds=1), b"t" * 32))
        assert await rig.sign_ins.forget_over(tx, now=now) == 1


async def test_of_many_exactly_one_may_refresh(rig: Rig) -> None:
    now = rig.clock.now()
    async with rig.database.begin() as tx:
        await rig.storage.begin(tx, cookie_session(now))

    async def claim() -> CookieSession | None:
        async with rig.database.begin() as tx:
            return await rig.storage.claim_refresh(
                tx, b"c" * 32, expiring_by=now, now=now, until=now + timedelta(seconds=8)
            )

    found = await asyncio.gather(*(claim() for _ in range(MANY)))
    assert sum(one is not None for one in found) == 1
    async with rig.database.begin() as tx:
        await rig.storage.release_refresh(tx, b"c" * 32)
    assert await claim() is not None


async def test_nothing_is_refreshed_that_has_ended_or_has_time(rig: Rig) -> None:
    now = rig.clock.now()
    until = now + timedelta(seconds=8)
    async with rig.database.begin() as tx:
        await rig.storage.begin(tx, cookie_session(now))
        early = now - timedelta(microseconds=1)
        assert await rig.storage.claim_refresh(tx, b"c" * 32, expiring_by=early, now=now, until=until) is None
        assert await rig.storage.end(tx, b"c" * 32, reason="sign_out", now=now)
        assert not await rig.storage.end(tx, b"c" * 32, reason="sign_out", now=now)
        assert await rig.storage.claim_refresh(tx, b"c" * 32, expiring_by=now, now=now, until=until) is None
        assert not await rig.storage.refreshed(tx, b"c" * 32, contents_sealed=b"new", access_expires_at=until)


async def test_a_session_ends_all_that_stood_for_it_once(rig: Rig) -> None:
    now = rig.clock.now()
    by = {"device": "Galaxy"}
    async with rig.database.begin() as tx:
        for cookie in (b"1" * 32, b"2" * 32):
            await rig.storage.begin(tx, cookie_session(now, cookie))
        await rig.storage.begin(tx, cookie_session(now, b"3" * 32, "session-2"))
        ended = {"reason": "takeover", "ended_by": by, "now": now}
        assert await rig.storage.end_of_session(tx, "session-1", **ended) == 2  # type: ignore[arg-type] # as named
        assert await rig.storage.end_of_session(tx, "session-1", **ended) == 0  # type: ignore[arg-type] # as named
        stored = await rig.storage.find(tx, b"1" * 32)
        assert stored is not None
        assert (stored.ended_reason, stored.ended_by, stored.ended_at) == ("takeover", by, now)
        assert sorted(await rig.storage.ended_since(tx, now)) == [b"1" * 32, b"2" * 32]
        assert await rig.storage.ended_since(tx, now + timedelta(microseconds=1)) == []
        assert await rig.storage.forget_over(tx, before=now + timedelta(hours=12)) == 0
        assert await rig.storage.forget_over(tx, before=now + timedelta(hours=13)) == 3


async def test_the_provider_is_remembered_as_last_known(rig: Rig) -> None:
    known = KnownProviders()
    async with rig.database.begin() as tx:
        assert await known.find(tx, "issuer") is None
        for turn in (1, 2):
            await known.remember(tx, "issuer", metadata={"turn": turn}, jwks={"keys": [turn]}, now=rig.clock.now())
        assert await known.find(tx, "issuer") == ({"turn": 2}, {"keys": [2]})
