"""The ring in a node's memory: true after an event, after a reset, and after a while without either."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from config.sections.identity import IdentityProviderSettings
from idp.endpoints.discovery import JwksEndpoint, metadata
from idp.tokens.keys import KeyCache
from jose.keys import KeyRing, SigningKey
from tests.events.listening import until
from tests.idp.provider import Provider


class Storage:
    """Rings, one after the other."""

    def __init__(self) -> None:
        self.ring = KeyRing.of(SigningKey.generate())
        self.failures = 0
        self.read = 0

    def rotate(self) -> KeyRing:
        self.ring = KeyRing.of(SigningKey.generate())
        return self.ring

    async def load(self) -> KeyRing:
        self.read += 1
        if self.failures:
            self.failures -= 1
            raise OSError("away")
        return self.ring


@asynccontextmanager
async def following(storage: Storage, read_every: float = 3600) -> AsyncIterator[KeyCache]:
    cache = KeyCache(storage.load)
    await cache.reload()
    task = asyncio.create_task(cache.follow(read_every=read_every))
    try:
        yield cache
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    "tell",
    [
        lambda cache: cache.on_event("key", {"purpose": "token", "published": []}),
        lambda cache: cache.on_reset(),
    ],
)
async def test_what_is_told_is_read(tell: Callable[[KeyCache], None]) -> None:
    storage = Storage()
    async with following(storage) as cache:
        ring = storage.rotate()
        tell(cache)
        await until(lambda: cache.ring() is ring)


async def test_what_is_told_of_others_is_not() -> None:
    storage = Storage()
    async with following(storage) as cache:
        cache.on_event("key", {"purpose": "policy", "published": []})
        cache.on_event("client", {"purpose": "token"})
        await asyncio.sleep(0)
        assert storage.read == 1


async def test_a_node_that_hears_nothing_reads_all_the_same() -> None:
    storage = Storage()
    async with following(storage, read_every=0.01) as cache:
        ring = storage.rotate()
        await until(lambda: cache.ring() is ring)


async def test_while_the_store_is_away_the_last_ring_serves() -> None:
    storage = Storage()
    async with following(storage) as cache:
        before, storage.failures = cache.ring(), 1
        after = storage.rotate()
        cache.on_reset()
        await until(lambda: storage.read == 2)
        assert cache.ring() is before
        await until(lambda: cache.ring() is after)


async def test_jwks_says_what_verifies_now(provider: Provider) -> None:
    storage = Storage()
    endpoint = JwksEndpoint(lambda: storage.ring)
    said = [(await endpoint(None)).body for _ in range(2)]  # type: ignore[arg-type] # it does not look at the request
    assert said[0] is said[1]
    kid = storage.rotate().active.kid
    assert kid.encode() in bytes((await endpoint(None)).body)  # type: ignore[arg-type] # likewise
    async with provider.client() as client:
        published = (await client.get("/jwks")).json()["keys"]
    assert {(key["kty"], key["alg"], key["use"]) for key in published} == {
        ("EC", "ES256", "sig"),
        ("RSA", "RS256", "sig"),
    }


def test_discovery_names_both_algorithms() -> None:
    assert metadata(IdentityProviderSettings())["id_token_signing_alg_values_supported"] == ["ES256", "RS256"]
