"""The gateway's own cookie: found by its SHA-256 in memory, or read once from PostgreSQL.

Behind each stands the access token of its login, which is verified as any other is: whenever it is read, by the keys of
that moment, and no longer believed once its key is not. Whoever's is not believed is as one whose token has expired.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from typing import Protocol

import structlog
from msgspec.structs import replace
from sqlalchemy.exc import SQLAlchemyError

from config.clock import Clock
from config.connections import Database, Transaction
from config.envelope import Envelope, EnvelopeError
from gateway.callers.caller import Caller
from gateway.callers.identity import Identity, UnusableToken
from gateway.callers.strangers import Strangers
from gateway.callers.token_check import TokenCheck
from gateway.relying_party.cookie_session import Contents, CookieSession, unseal
from gateway.sessions.near_cache import EndedSession
from gateway.sessions.session_check import StoreUnreachable
from jose.jws import InvalidToken, Refusal
from jose.keys import PublicKeys

_log = structlog.get_logger(__name__)

READ_TIMEOUT = 3.0
"""Seconds that a cookie session may take to be read; after that nobody can say whether there is one."""


class CookieSessionStorage(Protocol):
    """What keeps cookie sessions."""

    async def find(self, tx: Transaction, cookie_sha256: bytes) -> CookieSession | None:
        """Read one, ended or not."""

    async def ended_since(self, tx: Transaction, since: datetime) -> Iterable[bytes]:
        """Those that any process ended since a moment."""


class CookieCheck:
    """A bounded cache of cookie sessions; the ones read longest ago go first."""

    def __init__(
        self,
        *,
        database: Database,
        storage: CookieSessionStorage,
        envelope: Envelope,
        clock: Clock,
        tokens: TokenCheck,
        fetch_keys: Callable[[], Awaitable[bool]],
        limit: int = 100_000,
    ) -> None:
        """`fetch_keys` asks the identity provider for its keys anew, not too often, and says whether it answered."""
        self.on_forgotten: list[Callable[[str], None]] = []
        """Hear of the session whose cookie counts no more."""
        self._database = database
        self._storage = storage
        self._envelope = envelope
        self._clock = clock
        self._tokens = tokens
        self._fetch_keys = fetch_keys
        self._limit = limit
        self._known: OrderedDict[bytes, Caller] = OrderedDict()
        self._strangers = Strangers(clock)
        self._endings = 0

    def find(self, cookie: bytes, now: float) -> Caller | None:
        """A cookie session in memory; None where it must be read."""
        caller = self._known.get(cookie)
        if caller is not None and now >= caller.over_at:
            del self._known[cookie]
            return None
        return caller

    async def load(self, cookie: bytes, address: str = "") -> Caller | EndedSession | None:
        """Read one; None where there is none. `address`: the client's. Raises `StoreUnreachable`, `Problem`."""
        if self._strangers.is_unknown(cookie):
            return None
        while True:
            endings, identity = self._endings, None
            async with self._strangers.looking_up(address):
                stored = await self._read(cookie)
            if stored is None:
                self._strangers.in_vain(cookie, address)
                return None
            if stored.expires_at <= self._clock.now():
                return None
            if stored.ended_at is not None:
                return EndedSession(
                    stored.sid, 0, stored.ended_reason or "", stored.ended_at.timestamp(), stored.ended_by
                )
            try:
                identity = await self._verified(unseal(stored.contents_sealed, self._envelope, cookie))
            except (EnvelopeError, UnusableToken) as error:
                _log.error("cookie_session_unreadable", sid=stored.sid, private=str(error))
            if endings == self._endings:  # nothing ended while it was read
                break
        if identity is None:
            return None
        caller = self._known.get(cookie)
        if caller is not None:
            if identity.expires_at > caller.identity.expires_at:
                caller.become(identity)
            return caller
        return self._keep(cookie, stored, identity)

    async def access_token(self, caller: Caller) -> str:
        """The access token of a cookie session, from its row: memory holds none.

        Raises `LookupError` where there is none any more, `StoreUnreachable`.
        """
        stored = await self._read(caller.cookie) if caller.cookie is not None else None
        if stored is None or stored.ended_at is not None:
            raise LookupError("the cookie session has ended")
        try:
            return unseal(stored.contents_sealed, self._envelope, stored.cookie_sha256).access_token
        except EnvelopeError as error:
            raise LookupError("the cookie session can't be read") from error

    async def _verified(self, contents: Contents) -> Identity:
        """Who its token speaks for. One that is not believed has expired: another may be had for the refresh token."""
        identity = contents.identity()
        try:
            try:
                claims = self._tokens.claims_of_then(contents.access_token, identity.issued_at)
            except InvalidToken as error:
                if error.refusal is not Refusal.UNKNOWN_KEY or not await self._fetch_keys():
                    raise
                claims = self._tokens.claims_of_then(contents.access_token, identity.issued_at)
        except InvalidToken as error:
            _log.warning("token_of_cookie_not_believed", sid=identity.sid, refusal=error.refusal.value)
            return replace(identity, expires_at=0.0)
        return replace(contents, claims=claims).identity()

    def _keep(self, cookie: bytes, stored: CookieSession, identity: Identity) -> Caller:
        caller = Caller(identity, cookie=cookie, over_at=stored.expires_at.timestamp())
        self._known[cookie] = caller
        while len(self._known) > self._limit:
            self._known.popitem(last=False)
        return caller

    async def _read(self, cookie: bytes) -> CookieSession | None:
        try:
            async with asyncio.timeout(READ_TIMEOUT), self._database.connect() as tx:
                return await self._storage.find(tx, cookie)
        except (SQLAlchemyError, OSError) as error:
            raise StoreUnreachable(type(error).__name__) from error

    def forget(self, cookie: bytes) -> None:
        """It ended: here, or in another process."""
        self._endings += 1
        caller = self._known.pop(cookie, None)
        if caller is not None:
            caller.ended = True
            for tell in self.on_forgotten:
                tell(caller.identity.sid)

    def keys_changed(self, keys: PublicKeys) -> None:
        """Only what these vouch for is believed from now on."""
        for caller in self.known():
            if caller.identity.kid not in keys:
                caller.become(replace(caller.identity, expires_at=0.0))
                for tell in self.on_forgotten:
                    tell(caller.identity.sid)

    def moved(self, former: bytes, cookie: bytes, identity: Identity) -> None:
        """Another cookie took the place of one, here. What lives on of the same session lives on under the new one."""
        caller = self._known.get(former)
        if caller is None or caller.identity.sid != identity.sid:
            self.forget(former)
            return
        self._endings += 1
        del self._known[former]
        caller.cookie = cookie
        caller.become(identity)
        self._known[cookie] = caller

    async def forget_ended_elsewhere(self, since: datetime) -> None:
        """Drop what any process ended since a moment. Raises `StoreUnreachable`."""
        try:
            async with self._database.connect() as tx:
                ended = await self._storage.ended_since(tx, since)
        except (SQLAlchemyError, OSError) as error:
            raise StoreUnreachable(type(error).__name__) from error
        for cookie in ended:
            self.forget(cookie)

    def known(self) -> Iterator[Caller]:
        """Those in memory."""
        yield from tuple(self._known.values())
