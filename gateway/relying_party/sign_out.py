"""Signing out: the cookie session ends here, the session itself at the identity provider (RP-Initiated Logout 1.0).

The gateway asks for that end itself before it leads the browser there: a window may be closed on the way. While the
identity provider is away the session lives on; its person is told, and the gateway goes on asking as long as it runs.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Protocol
from urllib.parse import urlencode

import structlog

from config.clock import Clock
from config.connections import Database, Transaction
from config.envelope import Envelope, EnvelopeError
from gateway.callers.cookie_check import CookieCheck
from gateway.relying_party.cookie_session import CookieSession, unseal
from gateway.relying_party.provider import Provider, ProviderUnreachable

_log = structlog.get_logger(__name__)

SIGNED_OUT = "/.munjigi/signed-out"
STILL_OPEN = f"{SIGNED_OUT}?session=open"
"""Signed out here, while the session itself lives: nobody could be asked to end it."""
PATIENCE = 2.0
"""Seconds that the identity provider may take while somebody waits."""
WAITING = 10_000
"""Ends that wait for the identity provider; the ones that waited longest go first."""


class SignOutStorage(Protocol):
    """What a sign-out needs of the store of cookie sessions."""

    async def find(self, tx: Transaction, cookie_sha256: bytes) -> CookieSession | None:
        """Read one."""

    async def end(self, tx: Transaction, cookie_sha256: bytes, *, reason: str, now: datetime) -> bool:
        """End one."""


class SignOut:
    """Ends cookie sessions at their person's wish."""

    def __init__(
        self,
        *,
        provider: Provider,
        cookies: CookieCheck,
        database: Database,
        storage: SignOutStorage,
        envelope: Envelope,
        clock: Clock,
    ) -> None:
        self._provider = provider
        self._cookies = cookies
        self._database = database
        self._storage = storage
        self._envelope = envelope
        self._clock = clock
        self._waiting: dict[str, str] = {}
        """ID tokens of sessions that still live though their person signed out, by session."""

    async def end(self, cookie: bytes, origin: str) -> str:
        """End one, and say where the browser goes to leave the identity provider too: a page here, if that is away."""
        async with self._database.begin() as tx:
            stored = await self._storage.find(tx, cookie)
            await self._storage.end(tx, cookie, reason="sign_out", now=self._clock.now())
        self._cookies.forget(cookie)
        if stored is None or stored.ended_at is not None:
            return SIGNED_OUT
        _log.info("signed_out", sid=stored.sid)
        try:
            hint = unseal(stored.contents_sealed, self._envelope, cookie).id_token
        except EnvelopeError as error:
            _log.error("sign_out_stays_here", sid=stored.sid, private=str(error))
            return STILL_OPEN
        if not await self._end_there(stored.sid, hint):
            self._waiting[stored.sid] = hint
            while len(self._waiting) > WAITING:
                del self._waiting[next(iter(self._waiting))]
            return STILL_OPEN
        endpoint = (await self._provider.metadata()).end_session_endpoint
        if not endpoint:
            return SIGNED_OUT
        parameters = {
            "id_token_hint": hint,
            "client_id": self._provider.client_id,
            "post_logout_redirect_uri": f"{origin}{SIGNED_OUT}",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"

    async def end_waiting(self) -> None:
        """Ask again for the ends that could not be asked for, until one fails."""
        for sid, hint in tuple(self._waiting.items()):
            if not await self._end_there(sid, hint):
                return
            self._waiting.pop(sid, None)

    async def _end_there(self, sid: str, hint: str) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._provider.end_session(hint)
        except (ProviderUnreachable, TimeoutError) as error:
            _log.warning("sign_out_waits", sid=sid, private=str(error))
            return False
        return True
