"""The public keys of clients: registered by value, or fetched from where they registered them (RFC 7591, section 2)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
import structlog

from config.clock import Clock
from config.public_fetch import Fetch, NotFetched
from idp.clients.client import Client
from jose.foreign import ForeignKey

FRESH_FOR: Final = 300.0
"""Seconds for which fetched keys are used; then they are fetched anew, and where that fails used on."""
STALE_FOR: Final = 3600.0
"""Seconds after which fetched keys count no more, whatever cannot be reached: the client may have withdrawn them."""
AGAIN_AFTER: Final = 30.0
"""Seconds between two fetches of one client's keys, whoever asks for a key that is not among them."""
MOST_KEYS: Final = 32
MOST_CLIENTS: Final = 2048

_log = structlog.get_logger(__name__)


class _KeySet(msgspec.Struct):
    keys: list[dict[str, object]]


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
            return keys_of(client.metadata.jwks.get("keys", []))
        found = await self._of_uri(client, anew=anew)
        return found.keys if found is not None else ()

    async def jwks(self, client: Client, *, anew: bool = False) -> tuple[Mapping[str, object], ...]:
        """Its JWKs as they are, with the certificates that they bear (`x5c`)."""
        if client.metadata.jwks is not None:
            return tuple(client.metadata.jwks.get("keys", []))
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
            jwks = msgspec.json.decode(await self._fetch(known.uri), type=_KeySet).keys
        except (NotFetched, msgspec.MsgspecError) as error:
            _log.warning("client_keys_not_fetched", client_id=client.client_id, error=str(error))
            return
        known.jwks = tuple(jwks[:MOST_KEYS])
        known.keys = keys_of(known.jwks)
        known.at = self._clock.monotonic()


def keys_of(jwks: object) -> tuple[ForeignKey, ...]:
    """Those of a key set that can be used here; others may be for other things (RFC 7517, section 5)."""
    found = []
    for jwk in jwks[:MOST_KEYS] if isinstance(jwks, list | tuple) else ():
        if isinstance(jwk, Mapping):
            try:
                found.append(ForeignKey(jwk))
            except ValueError:
                continue
    return tuple(found)
