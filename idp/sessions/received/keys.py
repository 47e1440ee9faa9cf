"""The keys of transmitters: fetched from where they publish them, kept for a while, and asked for anew once in a while.

A key that is not known may be a new one: the set is fetched again, though not more often than so; within that time the
token is neither taken nor refused, since its transmitter comes again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from config.clock import Clock
from config.outbound import Fetch, NotFetched
from jose.foreign import ForeignKey, ForeignToken, read_keys
from jose.jws import InvalidToken, Refusal

FRESH = 300.0
"""Seconds for which a set is believed: so long a key that was withdrawn still verifies."""
AGAIN_AFTER = 30.0
"""Seconds between two fetches of one set, whatever asks for them."""
LARGEST = 262_144
"""Bytes of a set."""
MOST_SETS = 4096


class KeysAway(Exception):
    """The keys cannot be had now: ask again later. The message says why."""


class NoSuchKey(Exception):
    """The transmitter publishes no such key."""


@dataclass(slots=True)
class _Kept:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    keys: tuple[ForeignKey, ...] | None = None
    got_at: float = 0.0
    asked_at: float | None = None
    problem: str = ""


class TransmitterKeys:
    """The sets of one process, by their addresses."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._sets: dict[str, _Kept] = {}

    async def verify(self, uri: str, token: ForeignToken) -> None:
        """Whether the key that a token names signed it. Raises `InvalidToken`, `NoSuchKey`, `KeysAway`."""
        if uri not in self._sets and len(self._sets) >= MOST_SETS:
            self._sets.clear()
        kept = self._sets.setdefault(uri, _Kept())
        async with kept.lock:  # many tokens at once cost one fetch
            keys, renewed = kept.keys, False
            if keys is None or self._clock.monotonic() - kept.got_at >= FRESH:
                keys, renewed = await self._renew(uri, kept), True
            if not renewed and not _knows(keys, token):
                keys = await self._renew(uri, kept)
        try:
            token.check_signature(keys)
        except InvalidToken as error:
            raise NoSuchKey if error.refusal is Refusal.UNKNOWN_KEY else error from None

    async def _renew(self, uri: str, kept: _Kept) -> tuple[ForeignKey, ...]:
        now = self._clock.monotonic()
        if kept.asked_at is not None and now - kept.asked_at < AGAIN_AFTER:
            raise KeysAway(kept.problem or "the keys were asked for a moment ago")
        kept.asked_at = now
        try:
            kept.keys = read_keys(await self._fetch(uri, most=LARGEST))
        except (NotFetched, ValueError) as error:
            kept.problem = str(error)
            raise KeysAway(kept.problem) from error
        kept.got_at, kept.problem = now, ""
        return kept.keys


def _knows(keys: Iterable[ForeignKey], token: ForeignToken) -> bool:
    """Whether a key of the set may be the one that a token names."""
    kid = token.header.get("kid")
    return any(key.kid == kid and key.fits(token.algorithm) for key in keys)
