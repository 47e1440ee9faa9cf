"""New access tokens before the old ones expire: once per session across all processes, beside the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any, Protocol

import structlog
from msgspec.structs import replace
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock
from config.connections import Database, Transaction
from config.envelope import Envelope, EnvelopeError
from gateway.callers.caller import Caller
from gateway.callers.identity import UnusableToken
from gateway.callers.token_check import TokenCheck
from gateway.relying_party.cookie_session import Contents, CookieSession, seal, unseal
from gateway.relying_party.provider import GrantRefused, Provider, ProviderUnreachable, Tokens
from jose.jws import InvalidToken, Refusal

_log = structlog.get_logger(__name__)

AHEAD = 60.0
"""Seconds before its expiry from which a token that is in use is refreshed."""
CLAIM = timedelta(seconds=8)
"""How long one process may take; less than the identity provider's window for an identical retry."""
PAUSE_WHEN_AWAY = 5.0
"""Seconds before the identity provider is asked again for a session whose refresh failed: half as long to half as much
again, another time for each, so that not all of them come back in the same moment."""
AWAY_FOR = 1.0
"""Seconds after an answer that did not come in which nobody else is made to wait for one."""
AT_ONCE = 8
"""Questions to the identity provider under way at a time, however many wait for its return."""
WAIT_FOR_ANOTHER = 0.1
"""Seconds between looks at what another process is about to bring, up to `CLAIM`."""


class Refreshed(Enum):
    """How it went."""

    YES = auto()
    """The caller has a token that lives."""
    ENDED = auto()
    """The identity provider refused: the cookie session has ended."""
    AWAY = auto()
    """Nobody could be asked; the old token is all there is."""


class RefreshStorage(Protocol):
    """What a refresh needs of the store of cookie sessions."""

    async def claim_refresh(
        self, tx: Transaction, cookie_sha256: bytes, *, expiring_by: datetime, now: datetime, until: datetime
    ) -> CookieSession | None:
        """Take the right to refresh; one process of all gets it."""

    async def refreshed(
        self, tx: Transaction, cookie_sha256: bytes, *, contents_sealed: bytes, access_expires_at: datetime
    ) -> bool:
        """Keep what came of it."""

    async def release_refresh(self, tx: Transaction, cookie_sha256: bytes) -> None:
        """Give the right back."""

    async def find(self, tx: Transaction, cookie_sha256: bytes) -> CookieSession | None:
        """Read one."""

    async def end(self, tx: Transaction, cookie_sha256: bytes, *, reason: str, now: datetime) -> bool:
        """End one."""


class TokenRefresh:
    """Refreshes the tokens of cookie sessions."""

    def __init__(
        self,
        *,
        provider: Provider,
        tokens: TokenCheck,
        database: Database,
        storage: RefreshStorage,
        envelope: Envelope,
        clock: Clock,
        on_ended: Callable[[bytes], None],
        on_changed: Callable[[str], None],
    ) -> None:
        """`on_ended` hears of the cookie whose session ended, `on_changed` of the session whose token is a new one."""
        self._provider = provider
        self._tokens = tokens
        self._database = database
        self._storage = storage
        self._envelope = envelope
        self._clock = clock
        self._on_ended = on_ended
        self._on_changed = on_changed
        self._running: dict[bytes, asyncio.Task[Refreshed]] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._away_until = float("-inf")

    async def refresh(self, caller: Caller) -> Refreshed:
        """Refresh one session's tokens; whoever asks meanwhile gets the same answer."""
        assert caller.cookie is not None
        cookie = caller.cookie
        task = self._running.get(cookie)
        if task is None:
            task = asyncio.create_task(self._refresh(caller, cookie))
            self._running[cookie] = task
            task.add_done_callback(lambda _: self._running.pop(cookie, None))
        return await asyncio.shield(task)

    async def refresh_expiring(self, callers: Iterable[Caller], connected: Container[str] = ()) -> None:
        """Refresh those that are about to need another token and are in use: asked with since theirs was issued, or
        with a live connection (`connected`: the sessions that have one)."""
        now = self._clock.timestamp()
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                identity = caller.identity
                used = caller.used_at > identity.issued_at or identity.sid in connected
                if used and identity.expires_at - now < AHEAD and now >= caller.refresh_again_at:
                    group.create_task(self.refresh(caller))

    async def _refresh(self, caller: Caller, cookie: bytes) -> Refreshed:
        try:
            outcome = await self._claimed(caller, cookie)
        except (SQLAlchemyError, OSError, EnvelopeError, UnusableToken) as error:
            _log.warning("refresh_failed", sid=caller.identity.sid, error=type(error).__name__)
            outcome = Refreshed.AWAY
        if outcome is Refreshed.AWAY:
            caller.refresh_again_at = self._clock.timestamp() + PAUSE_WHEN_AWAY * (0.5 + cookie[0] / 255)
        elif outcome is Refreshed.ENDED:
            self._on_ended(cookie)
        return outcome

    async def _claimed(self, caller: Caller, cookie: bytes) -> Refreshed:
        due = datetime.min.replace(tzinfo=UTC)
        for _ in range(int(CLAIM.total_seconds() / WAIT_FOR_ANOTHER)):
            now = self._clock.now()
            async with self._turns:
                if self._clock.monotonic() < self._away_until:
                    return Refreshed.AWAY
                async with self._database.begin() as tx:
                    stored = await self._storage.claim_refresh(
                        tx, cookie, expiring_by=max(due, now + timedelta(seconds=AHEAD)), now=now, until=now + CLAIM
                    )
                if stored is not None:
                    return await self._ask(caller, cookie, stored)
            async with self._database.connect() as tx:
                stored = await self._storage.find(tx, cookie)
            if stored is None or stored.ended_at is not None:
                return Refreshed.ENDED
            if stored.access_expires_at > now + timedelta(seconds=AHEAD):
                try:
                    self._adopt(caller, self._brought(unseal(stored.contents_sealed, self._envelope, cookie)))
                except InvalidToken:
                    due = stored.access_expires_at  # its key is believed no more: as if it had expired
                    continue
                return Refreshed.YES
            await asyncio.sleep(WAIT_FOR_ANOTHER)
        return Refreshed.AWAY

    async def _ask(self, caller: Caller, cookie: bytes, stored: CookieSession) -> Refreshed:
        contents = unseal(stored.contents_sealed, self._envelope, cookie)
        try:
            tokens = await self._provider.grant(grant_type="refresh_token", refresh_token=contents.refresh_token)
            renewed = await self._renewed(contents, tokens, stored.sid)
        except GrantRefused as error:
            _log.info("refresh_refused", sid=stored.sid, error=error.error)
            if error.error == "invalid_grant":
                return await self._end(cookie)
            return await self._give_back(cookie)
        except (ProviderUnreachable, InvalidToken) as error:
            _log.warning("refresh_failed", sid=stored.sid, error=str(error))
            if isinstance(error, ProviderUnreachable):
                self._away_until = self._clock.monotonic() + AWAY_FOR
            return await self._give_back(cookie)
        identity = renewed.identity()
        async with self._database.begin() as tx:
            kept = await self._storage.refreshed(
                tx,
                cookie,
                contents_sealed=seal(renewed, self._envelope, cookie),
                access_expires_at=datetime.fromtimestamp(identity.expires_at, UTC),
            )
        if not kept:
            return Refreshed.ENDED
        self._adopt(caller, renewed)
        return Refreshed.YES

    async def _renewed(self, old: Contents, tokens: Tokens, sid: str) -> Contents:
        try:
            claims = self._claims(tokens, sid)
        except InvalidToken as error:
            if error.refusal is not Refusal.UNKNOWN_KEY or not await self._provider.fetch(at_once=True):
                raise
            claims = self._claims(tokens, sid)
        return Contents(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token or old.refresh_token,
            id_token=tokens.id_token or old.id_token,
            claims=dict(claims),
            name=old.name,
            locale=old.locale,
            session_address=old.session_address,
            session_browser=old.session_browser,
            email=old.email,
        )

    def _claims(self, tokens: Tokens, sid: str) -> Mapping[str, Any]:
        claims = self._tokens.claims(tokens.access_token, self._clock.timestamp())
        if claims.get("sid") != sid:
            raise InvalidToken(Refusal.CLAIMS)
        return claims

    def _brought(self, contents: Contents) -> Contents:
        """What another process brought, believed by its token alone."""
        return replace(contents, claims=self._tokens.claims(contents.access_token, self._clock.timestamp()))

    def _adopt(self, caller: Caller, contents: Contents) -> None:
        identity = contents.identity()
        caller.become(identity)
        caller.refresh_again_at = 0.0
        self._on_changed(identity.sid)

    async def _end(self, cookie: bytes) -> Refreshed:
        async with self._database.begin() as tx:
            await self._storage.end(tx, cookie, reason="refresh_refused", now=self._clock.now())
        return Refreshed.ENDED

    async def _give_back(self, cookie: bytes) -> Refreshed:
        async with self._database.begin() as tx:
            await self._storage.release_refresh(tx, cookie)
        return Refreshed.AWAY
