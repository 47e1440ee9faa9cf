"""The public keys that a client registered: by value, or where it publishes them (RFC 7591, section 2)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
import structlog

from config.clock import Clock
from idp.clients.client import Client
from idp.clients.outbound import Fetch, Unreachable
from idp.protocol.client_jwt import Key, fitting

LARGEST = 65_536
"""Bytes of a published JWK Set."""
FRESH_FOR = 300.0
"""Seconds for which published keys are believed without asking again."""
AT_MOST_EVERY = 10.0
"""Seconds between two fetches of one address, whatever keys its tokens name and whether it answered."""
KEPT_FOR = 3600.0
"""Seconds for which the last published keys serve while their address does not answer."""
MOST = 1000
"""Addresses that are remembered."""

_log = structlog.get_logger(__name__)


class ClientKeys(Protocol):
    """Where keys of clients are found."""

    async def find(self, client: Client, kid: str | None, alg: str) -> Sequence[Key]:
        """The keys of a client that may have signed by `alg`, of this `kid` where one is named; none: there are none,
        or they cannot be had at the moment."""


@dataclass(slots=True)
class _Published:
    jwks: Mapping[str, object]
    fetched_at: float
    """Monotonic seconds; of the last answer that could be read."""
    tried_at: float


class RegisteredKeys:
    """`ClientKeys` by value, or fetched and remembered; a `kid` that is not known asks again, though not too often."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._published: OrderedDict[str, _Published] = OrderedDict()
        self._fetching: dict[str, asyncio.Lock] = {}

    async def find(self, client: Client, kid: str | None, alg: str) -> Sequence[Key]:
        """The keys that may have signed."""
        if client.metadata.jwks is not None:
            return fitting(client.metadata.jwks, kid, alg)
        if client.metadata.jwks_uri is None:
            return ()
        return await self._find_published(client.metadata.jwks_uri, kid, alg)

    async def _find_published(self, uri: str, kid: str | None, alg: str) -> Sequence[Key]:
        known = self._published.get(uri)
        if known is not None and self._clock.monotonic() - known.fetched_at < FRESH_FOR:
            keys = fitting(known.jwks, kid, alg)
            if keys:
                return keys
        lock = self._fetching.setdefault(uri, asyncio.Lock())
        try:
            async with lock:  # whoever waited finds what the first one fetched
                known = await self._renewed(uri)
        finally:
            if not lock.locked():
                self._fetching.pop(uri, None)
        if self._clock.monotonic() - known.fetched_at >= KEPT_FOR:
            return ()
        return fitting(known.jwks, kid, alg)

    async def _renewed(self, uri: str) -> _Published:
        now = self._clock.monotonic()
        known = self._published.get(uri)
        if known is not None and now - known.tried_at < AT_MOST_EVERY:
            return known
        try:
            jwks = msgspec.json.decode(await self._fetch.get(uri, largest=LARGEST), type=dict[str, object])
            known = _Published(jwks, now, now)
        except (Unreachable, msgspec.MsgspecError, RecursionError) as error:
            _log.warning("client_keys_not_fetched", jwks_uri=uri, error=str(error))
            known = _Published(known.jwks if known else {}, known.fetched_at if known else now, now)
        self._published[uri] = known
        self._published.move_to_end(uri)
        while len(self._published) > MOST:
            self._published.popitem(last=False)
        return known
