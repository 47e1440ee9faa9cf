"""Keys of clients: by value, or fetched; an unknown one is looked for anew, and not too often."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from config.outbound import NotFetched
from idp.clients.client_keys import AGAIN_AFTER, FRESH_FOR, MOST_KEYS, STALE_FOR, ClientKeys
from tests.clock import FakeClock
from tests.idp.clients.test_private_key_jwt import client
from tests.idp.keys import Key

URI = "https://app.example/jwks"


class Site:
    """What stands at the client's address."""

    def __init__(self) -> None:
        self.document: Any = {"keys": []}
        self.asked: list[str] = []

    async def __call__(self, uri: str, *, most: int) -> bytes:
        self.asked.append(uri)
        if self.document is None:
            raise NotFetched("away")
        return msgspec.json.encode(self.document)


@pytest.fixture
def site() -> Site:
    return Site()


async def test_keys_by_value_are_never_fetched(site: Site, clock: FakeClock) -> None:
    key = Key(kid="one")
    weak = {"kty": "oct", "k": "AAAA"}
    keys = await ClientKeys(site, clock).of(client(jwks={"keys": [weak, key.registered]}), anew=True)
    assert ([found.kid for found in keys], site.asked) == (["one"], [])
    assert await ClientKeys(site, clock).of(client()) == ()


async def test_fetched_keys_are_kept_for_a_while(site: Site, clock: FakeClock) -> None:
    keys, app = ClientKeys(site, clock), client(jwks_uri=URI)
    site.document = {"keys": [Key(kid="one").registered]}
    for _ in range(3):
        assert [key.kid for key in await keys.of(app)] == ["one"]
    assert site.asked == [URI]
    clock.advance(FRESH_FOR)
    site.document = {"keys": [Key(kid="two").registered]}
    assert [key.kid for key in await keys.of(app)] == ["two"]


async def test_an_unknown_key_is_looked_for_and_not_too_often(site: Site, clock: FakeClock) -> None:
    keys, app = ClientKeys(site, clock), client(jwks_uri=URI)
    await keys.of(app)
    for _ in range(5):
        await keys.of(app, anew=True)
    assert len(site.asked) == 1
    clock.advance(AGAIN_AFTER)
    site.document = {"keys": [Key(kid="new").registered]}
    assert [key.kid for key in await keys.of(app, anew=True)] == ["new"]
    await keys.of(app, anew=True)
    assert len(site.asked) == 2


async def test_while_its_site_is_away_the_last_keys_serve_for_an_hour(site: Site, clock: FakeClock) -> None:
    keys, app = ClientKeys(site, clock), client(jwks_uri=URI)
    site.document = {"keys": [Key(kid="one").registered]}
    await keys.of(app)
    for broken in (None, {"keys": 5}, [], {"keys": ["x"] * (MOST_KEYS + 1)}):
        site.document = broken
        clock.advance(FRESH_FOR)
        assert [key.kid for key in await keys.of(app)] == ["one"], broken
    clock.advance(STALE_FOR)
    assert await keys.of(app) == ()


async def test_whoever_comes_first_with_others_waits_for_one_fetch(site: Site, clock: FakeClock) -> None:
    arrived = asyncio.Event()

    async def slow(uri: str, *, most: int) -> bytes:
        await arrived.wait()
        return await site(uri, most=most)

    keys, app = ClientKeys(slow, clock), client(jwks_uri=URI)
    site.document = {"keys": [Key(kid="one").registered]}
    waiting = [asyncio.create_task(keys.of(app)) for _ in range(5)]
    await asyncio.sleep(0)
    arrived.set()
    assert [[key.kid for key in found] for found in await asyncio.gather(*waiting)] == [["one"]] * 5
    assert site.asked == [URI]


async def test_another_address_is_another_set(site: Site, clock: FakeClock) -> None:
    keys = ClientKeys(site, clock)
    site.document = {"keys": [Key(kid="one").registered] * MOST_KEYS}
    assert len(await keys.of(client(jwks_uri=URI))) == MOST_KEYS
    await keys.of(client(jwks_uri=URI + "2"))
    assert site.asked == [URI, URI + "2"]
