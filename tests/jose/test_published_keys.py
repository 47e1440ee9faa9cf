"""Keys that others publish: fetched once for all who ask, looked for anew when one is unknown, and not too often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from config.outbound import NotFetched
from jose import published_keys
from jose.foreign import MOST_KEYS, UnknownKey
from jose.published_keys import AGAIN_AFTER, FRESH, RETRY, STALE, KeysAway, KeySet, PublishedKeys
from tests.clock import FakeClock
from tests.idp.keys import Key

URI = "https://app.example/jwks"
ONE, TWO = Key(kid="one"), Key(kid="two")


class Site:
    """What stands at every address."""

    def __init__(self, *keys: Key) -> None:
        self.document: Any = {}
        self.publish(*keys)
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    def publish(self, *keys: Key) -> None:
        self.document = {"keys": [key.registered for key in keys]}

    async def __call__(self, uri: str, *, most: int) -> bytes:
        self.asked.append(uri)
        await self.open.wait()
        if self.document is None:
            raise NotFetched("away")
        return msgspec.json.encode(self.document)


def names(kid: str) -> Callable[[KeySet], list[str | None]]:
    """A check that needs the key of this name; it says which keys there were."""

    def check(published: KeySet) -> list[str | None]:
        found = [key.kid for key in published.keys]
        if kid not in found:
            raise UnknownKey
        return found

    return check


async def test_a_set_is_kept_for_a_while(clock: FakeClock) -> None:
    site = Site(ONE)
    keys = PublishedKeys(site, clock)
    for _ in range(3):
        assert await keys.check(URI, names("one")) == ["one"]
    assert site.asked == [URI]
    clock.advance(FRESH - 0.1)
    site.publish(TWO)
    assert await keys.check(URI, names("one")) == ["one"]
    clock.advance(0.1)
    with pytest.raises(UnknownKey):
        await keys.check(URI, names("one"))
    assert site.asked == [URI] * 2


async def test_what_the_check_says_of_known_keys_is_the_answer(clock: FakeClock) -> None:
    site, asked = Site(ONE), []

    def check(published: KeySet) -> None:
        asked.append(published)
        raise ValueError

    keys = PublishedKeys(site, clock)
    for _ in range(2):
        with pytest.raises(ValueError):
            await keys.check(URI, check)
    assert (len(asked), site.asked) == (2, [URI])


async def test_an_unknown_key_is_looked_for_and_not_too_often(clock: FakeClock) -> None:
    site = Site(ONE)
    keys = PublishedKeys(site, clock)
    with pytest.raises(UnknownKey):  # of what was fetched for it
        await keys.check(URI, names("two"))
    site.publish(ONE, TWO)
    clock.advance(AGAIN_AFTER - 0.1)
    for _ in range(3):
        with pytest.raises(KeysAway) as away:
            await keys.check(URI, names("two"))
        assert away.value.answered
    assert await keys.check(URI, names("one")) == ["one"]
    assert site.asked == [URI]
    clock.advance(0.1)
    assert await keys.check(URI, names("two")) == ["one", "two"]
    clock.advance(AGAIN_AFTER)
    with pytest.raises(UnknownKey):
        await keys.check(URI, names("nobody's"))
    for _ in range(3):
        with pytest.raises(KeysAway):
            await keys.check(URI, names("nobody's"))
    assert site.asked == [URI] * 3


@pytest.mark.parametrize(
    ("document", "answered"),
    [(None, False), ({"keys": 5}, True), ([], True), ({"keys": ["x"] * (MOST_KEYS + 1)}, True)],
    ids=str,
)
async def test_while_its_address_is_away_what_it_said_counts_for_an_hour(
    document: object, answered: bool, clock: FakeClock
) -> None:
    site = Site(ONE)
    keys = PublishedKeys(site, clock)
    await keys.check(URI, names("one"))
    site.document = document
    clock.advance(FRESH)
    for _ in range(3):
        assert await keys.check(URI, names("one")) == ["one"]
    assert len(site.asked) == 2, "one that is away is not asked for every token"
    clock.advance(AGAIN_AFTER)
    with pytest.raises(KeysAway) as away:
        await keys.check(URI, names("two"))
    assert away.value.answered is answered
    assert len(site.asked) == 3, "once for one check"
    clock.advance(STALE - FRESH - AGAIN_AFTER)
    with pytest.raises(KeysAway):
        await keys.check(URI, names("one"))
    site.publish(ONE)
    clock.advance(RETRY)
    assert await keys.check(URI, names("one")) == ["one"]


async def test_one_that_was_never_known_is_asked_again_soon(clock: FakeClock) -> None:
    site = Site(ONE)
    site.document = None
    keys = PublishedKeys(site, clock)
    with capture_logs() as told:
        for _ in range(3):
            with pytest.raises(KeysAway, match="away"):
                await keys.check(URI + "?token=x", names("one"))
    assert [(line["event"], line["uri"]) for line in told] == [("keys_not_fetched", URI)]
    clock.advance(RETRY)
    site.publish(ONE)
    assert await keys.check(URI + "?token=x", names("one")) == ["one"]


async def _waiting(keys: PublishedKeys, kid: str, several: int = 5) -> list[asyncio.Task[list[str | None]]]:
    tasks = [asyncio.create_task(keys.check(URI, names(kid))) for _ in range(several)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_whoever_comes_meanwhile_waits_for_one_fetch(clock: FakeClock) -> None:
    site = Site(ONE)
    keys = PublishedKeys(site, clock)
    site.open.clear()
    waiting = await _waiting(keys, "one")
    site.open.set()
    assert await asyncio.gather(*waiting) == [["one"]] * 5
    site.publish(ONE, TWO)
    clock.advance(AGAIN_AFTER)
    site.open.clear()
    waiting = await _waiting(keys, "two")
    assert await keys.check(URI, names("one")) == ["one"], "a key that is known waits for nobody"
    site.open.set()
    assert await asyncio.gather(*waiting) == [["one", "two"]] * 5
    assert site.asked == [URI] * 2


async def test_while_an_old_set_is_fetched_anew_the_old_one_serves(clock: FakeClock) -> None:
    site = Site(ONE)
    keys = PublishedKeys(site, clock)
    await keys.check(URI, names("one"))
    clock.advance(FRESH)
    site.open.clear()
    first = await _waiting(keys, "one", 1)
    assert await keys.check(URI, names("one")) == ["one"]
    clock.advance(STALE - FRESH)
    stale = await _waiting(keys, "one", 1)
    assert not stale[0].done(), "what is stale serves nobody"
    site.publish(TWO)
    site.open.set()
    for task in (*first, *stale):
        with pytest.raises(UnknownKey):
            await task


async def test_who_is_cancelled_does_not_shut_out_the_others(clock: FakeClock) -> None:
    site = Site(ONE)
    keys = PublishedKeys(site, clock)
    site.open.clear()
    first, *others = await _waiting(keys, "one")
    first.cancel()
    site.open.set()
    assert await asyncio.gather(*others) == [["one"]] * 4


async def test_memory_is_bounded_by_sets_and_by_bytes(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(ONE)
    keys = PublishedKeys(site, clock)
    monkeypatch.setattr(published_keys, "MOST", 2)
    for uri in ("a", "b", "a", "c", "a", "b"):
        assert await keys.check(uri, names("one")) == ["one"]
    assert site.asked == ["a", "b", "c", "b"], "the one that was asked for longest ago went"
    site.asked.clear()
    monkeypatch.setattr(published_keys, "MOST_BYTES", len(msgspec.json.encode(site.document)))
    for uri in ("d", "d", "e", "e", "d"):
        await keys.check(uri, names("one"))
    assert site.asked == ["d", "e", "d"]
