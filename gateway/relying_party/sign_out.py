"""Signing out: the cookie session ends here, the session itself at the identity provider (RP-Initiated Logout 1.0)."""

from __future__ import annotations

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

    async def end(self, cookie: bytes, origin: str) -> str:
        """End one, and say where the browser goes to end the session itself; a page here where nobody can be asked."""
        async with self._database.begin() as tx:
            stored = await self._storage.find(tx, cookie)
            await self._storage.end(tx, cookie, reason="sign_out", now=self._clock.now())
        self._cookies.forget(cookie)
        if stored is None or stored.ended_at is not None:
            return SIGNED_OUT
        _log.info("signed_out", sid=stored.sid)
        try:
            endpoint = (await self._provider.metadata()).end_session_endpoint
            hint = unseal(stored.contents_sealed, self._envelope, cookie).id_token
        except (ProviderUnreachable, EnvelopeError) as error:
            _log.warning("sign_out_stays_here", sid=stored.sid, private=str(error))
            return SIGNED_OUT
        if not endpoint:
            return SIGNED_OUT
        parameters = {
            "id_token_hint": hint,
            "client_id": self._provider.client_id,
            "post_logout_redirect_uri": f"{origin}{SIGNED_OUT}",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"
