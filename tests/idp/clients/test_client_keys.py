"""Keys of clients: by value, or those that they publish."""

from __future__ import annotations

import pytest

from idp.clients.client_keys import check_by_keys
from jose.foreign import UnknownKey
from jose.published_keys import FRESH, STALE, KeySet, PublishedKeys
from tests.clock import FakeClock
from tests.idp.clients.test_private_key_jwt import client
from tests.idp.keys import Key
from tests.jose.test_published_keys import URI, Site, names


async def test_keys_by_value_are_never_fetched_and_looked_at_once(clock: FakeClock) -> None:
    site, looked = Site(), []

    def lacks(keys: KeySet) -> None:
        looked.append([key.kid for key in keys.keys])
        raise UnknownKey

    weak = {"kty": "oct", "k": "AAAA"}
    published = PublishedKeys(site, clock)
    for app in (client(jwks={"keys": [weak, Key(kid="one").registered]}), client(jwks={"keys": 5}), client()):
        with pytest.raises(UnknownKey):
            await check_by_keys(app, published, lacks)
    assert (looked, site.asked) == ([["one"], [], []], [])


async def test_keys_that_cannot_be_had_are_none(clock: FakeClock) -> None:
    site = Site(Key(kid="one"))
    published, app = PublishedKeys(site, clock), client(jwks_uri=URI)
    assert await check_by_keys(app, published, names("one")) == ["one"]
    site.document = None
    clock.advance(FRESH)
    assert await check_by_keys(app, published, names("one")) == ["one"]
    with pytest.raises(UnknownKey):
        await check_by_keys(app, published, names("two"))
    clock.advance(STALE)
    with pytest.raises(UnknownKey):
        await check_by_keys(app, published, names("one"))
