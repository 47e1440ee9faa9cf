"""The public keys of clients: registered by value, or fetched from where they registered them (RFC 7591, section 2)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from config.clock import Clock
from config.outbound import Fetch, NotFetched
from idp.clients.client import Client
from jose.foreign import MOST_KEYS, ForeignKey, read_jwks, usable

FRESH_FOR: Final = 300.0
"""Seconds for which fetched keys are used; then they are fetched anew, and where that fails used on."""
STALE_FOR: Final = 3600.0
"""Seconds after which fetched keys count no more, whatever cannot be reached: the client may have withdrawn them."""
AGAIN_AFTER: Final = 30.0
"""Seconds between two fetches of one client's keys, whoever asks for a key that is not among them."""
LARGEST: Final = 262_144
"""Bytes of a set."""
MOST_CLIENTS: Final = 2048

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Fetched:
    uri: str
    jwks: tuple[Mapping[str, object], ...] = ()
    keys: tuple[ForeignKey, ...] = ()
    at: float = float("-inf")
    """Monotonic seconds of the last fetch that brought keys."""
    tried_at: float = float("-inf")
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Whoever comes while they are fetched waits for them, where there are none to go on with."""


class ClientKeys:
    """Of one process: what was fetched is kept, within bounds."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._fetched: OrderedDict[str, _Fetched] = OrderedDict()

    async def of(self, client: Client, *, anew: bool = False) -> tuple[ForeignKey, ...]:
        """A client's keys; none where they cannot be had. `anew`: what is known lacks one."""
        if client.metadata.jwks is not None:
            return usable(_registered(client.metadata.jwks))
        found = await self._of_uri(client, anew=anew)
        return found.keys if found is not None else ()

    async def jwks(self, client: Client, *, anew: bool = False) -> tuple[Mapping[str, object], ...]:
        """Its JWKs as they are, with the certificates that they bear (`x5c`)."""
        if client.metadata.jwks is not None:
            return _objects(_registered(client.metadata.jwks))
        found = await self._of_uri(client, anew=anew)
        return found.jwks if found is not None else ()

    async def _of_uri(self, client: Client, *, anew: bool) -> _Fetched | None:
        uri = client.metadata.jwks_uri
        if uri is None:
            return None
        now = self._clock.monotonic()
        known = self._fetched.get(client.client_id)
        if known is None or known.uri != uri:
            known = self._fetched[client.client_id] = _Fetched(uri)
            while len(self._fetched) > MOST_CLIENTS:
                self._fetched.popitem(last=False)
        usable = now - known.at < STALE_FOR
        if (anew or now - known.at >= FRESH_FOR) and not (usable and not anew and known.turn.locked()):
            async with known.turn:
                if self._clock.monotonic() - known.tried_at >= AGAIN_AFTER:
                    known.tried_at = self._clock.monotonic()
                    await self._renew(client, known)
        return known if self._clock.monotonic() - known.at < STALE_FOR else None

    async def _renew(self, client: Client, known: _Fetched) -> None:
        try:
            jwks = read_jwks(await self._fetch(known.uri, most=LARGEST))
        except (NotFetched, ValueError) as error:
            _log.warning("client_keys_not_fetched", client_id=client.client_id, error=str(error))
            return
        known.jwks = _objects(jwks)
        known.keys = usable(jwks)
        known.at = self._clock.monotonic()


def _registered(jwks: Mapping[str, object]) -> list[object]:
    """The keys of a set that was registered by value."""
    listed = jwks.get("keys")
    return listed[:MOST_KEYS] if isinstance(listed, list) else []


def _objects(listed: Iterable[object]) -> tuple[Mapping[str, object], ...]:
    return tuple(jwk for jwk in listed if isinstance(jwk, Mapping))
