"""Key sets that others publish (RFC 7517, section 5): one of each address, whoever asks for it.

A key that is not known may be a new one, so the set is fetched once more; though not soon again, for any stranger can
make up the name of a key. While an address is away what it said last is believed, within a bound.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeVar

import structlog

from config.clock import Clock
from config.outbound import Fetch, NotFetched
from jose.foreign import ForeignKey, UnknownKey, read_jwks, usable

FRESH: Final = 300.0
"""Seconds for which a set is believed without a look: so long a key that was withdrawn still verifies."""
STALE: Final = 3600.0
"""Seconds after which a set counts no more, although its address is away: its keys may have been withdrawn."""
AGAIN_AFTER: Final = 30.0
"""Seconds between two fetches of a set that is known, whoever asks for a key that it lacks."""
RETRY: Final = 5.0
"""Seconds between two fetches of a set that is not known, or is stale."""
LARGEST: Final = 262_144
"""Bytes of a set."""
MOST: Final = 2048
MOST_BYTES: Final = 33_554_432
"""Sets, and bytes of all of them, that are kept; beyond either, those that were asked for longest ago go."""

T = TypeVar("T")
_log = structlog.get_logger(__name__)


class KeysAway(Exception):
    """Nobody can say now: the keys cannot be had, or were fetched too short a while ago to look for another one."""

    def __init__(self, why: str, *, answered: bool) -> None:
        """`answered`: the address did, with something else, or without the key that is looked for."""
        super().__init__(why)
        self.answered = answered


class KeySet:
    """Of somebody else."""

    def __init__(self, jwks: Iterable[object]) -> None:
        self.jwks = tuple(jwk for jwk in jwks if isinstance(jwk, Mapping))
        """As they are, with the certificates that they bear (`x5c`)."""

    @cached_property
    def keys(self) -> tuple[ForeignKey, ...]:
        """Those that verify here."""
        return usable(self.jwks)


@dataclass(slots=True)
class _Kept:
    uri: str
    keys: KeySet | None = None
    size: int = 0
    at: float = float("-inf")
    """Monotonic seconds when it was fetched."""
    tried_at: float = float("-inf")
    problem: KeysAway | None = None
    """Of the last fetch."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class PublishedKeys:
    """The sets of one process, by their addresses."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._sets: OrderedDict[str, _Kept] = OrderedDict()

    async def check(self, uri: str, check: Callable[[KeySet], T]) -> T:
        """What `check` says of the keys that are known; where it raises `UnknownKey`, of those that stand there now.

        Raises what `check` does, and `KeysAway`; `UnknownKey` only of keys that were fetched for it.
        """
        kept = self._of(uri)
        before = kept.keys
        keys = await self._known(kept)
        try:
            return check(keys)
        except UnknownKey:
            if keys is not before:
                raise
        return check(await self._newer(kept, keys, AGAIN_AFTER))

    async def _known(self, kept: _Kept) -> KeySet:
        keys, age = kept.keys, self._clock.monotonic() - kept.at
        if keys is not None and (age < FRESH or (age < STALE and kept.turn.locked())):
            return keys  # while somebody fetches newer ones, nobody else waits
        try:
            return await self._newer(kept, keys, AGAIN_AFTER if age < STALE else RETRY)
        except KeysAway:
            if keys is None or self._clock.monotonic() - kept.at >= STALE:
                raise
            return keys

    async def _newer(self, kept: _Kept, than: KeySet | None, pause: float) -> KeySet:
        """Fetch a set; whoever asks meanwhile waits, and gets the same."""
        async with kept.turn:
            if kept.keys is not None and kept.keys is not than:
                return kept.keys
            if self._clock.monotonic() - kept.tried_at < pause:
                raise _again(kept.problem)
            try:
                document = await self._fetch(kept.uri, most=LARGEST)
                kept.keys = KeySet(read_jwks(document))
            except (NotFetched, ValueError) as error:
                _log.warning("keys_not_fetched", uri=kept.uri.partition("?")[0], error=str(error))
                kept.tried_at = self._clock.monotonic()
                kept.problem = KeysAway(str(error), answered=not isinstance(error, NotFetched))
                raise _again(kept.problem) from error
            kept.at = kept.tried_at = self._clock.monotonic()
            kept.problem, kept.size = None, len(document)
            while sum(each.size for each in self._sets.values()) > MOST_BYTES:
                self._sets.popitem(last=False)
            return kept.keys

    def _of(self, uri: str) -> _Kept:
        kept = self._sets.setdefault(uri, _Kept(uri))
        self._sets.move_to_end(uri)
        if len(self._sets) > MOST:
            self._sets.popitem(last=False)
        return kept


def _again(problem: KeysAway | None) -> KeysAway:
    """A problem that is met again, as a new exception: one that is raised twice grows its traceback."""
    if problem is None:
        return KeysAway("the keys were asked for a moment ago", answered=True)
    return KeysAway(str(problem), answered=problem.answered)
