"""The tokens that are presented to the identity provider itself: sound, ours, and of a session that lives."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from config.clock import Clock
from config.connections import Transaction
from idp.clients.subject_identifiers import SubjectIdentifiers
from idp.endpoints.id_token_hints import unverified_claims
from idp.protocol import access_token
from idp.sessions.machine_session import MachineSession
from idp.sessions.revoked_tokens import RevokedTokens
from idp.sessions.session import Session
from jose.jws import InvalidToken, verify
from jose.keys import KeyRing

MOST_KNOWN = 4096
"""Tokens that are remembered as verified."""


class SessionLookup(Protocol):
    """Where sessions are looked at."""

    async def find(self, tx: Transaction, sid: str) -> Session | None:
        """One session, live or ended."""

    async def alive_until(self, tx: Transaction, sid: str) -> tuple[datetime, RevokedTokens] | None:
        """When a session that nobody has ended is over, as it stands, and what of its tokens is revoked; None: it
        ended, or there is none."""


class MachineLookup(Protocol):
    """Where sessions of programs are looked at."""

    async def find(self, tx: Transaction, sid: str) -> MachineSession | None:
        """One of them, live or ended."""


class AccessTokens:
    """Verifies our own access tokens, offline and against the session."""

    def __init__(
        self,
        issuer: str,
        ring: Callable[[], KeyRing],
        sessions: SessionLookup,
        machines: MachineLookup,
        identifiers: SubjectIdentifiers,
        clock: Clock,
    ) -> None:
        self._issuer = issuer
        self._ring = ring
        self._sessions = sessions
        self._machines = machines
        self._identifiers = identifiers
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[KeyRing, Mapping[str, object]]] = OrderedDict()

    def claims(self, token: str) -> Mapping[str, object] | None:
        """The claims of a token that is sound, has not expired, and is good here; None for any other.

        One whose subject is pairwise is good here alone, and at no service of the house.
        """
        found = self.issued(token)
        if found is None or not {access_token.AUDIENCE, self._issuer}.intersection(_audience(found)):
            return None
        return found

    def issued(self, token: str) -> Mapping[str, object] | None:
        """`claims` of a token for whatever resource (RFC 8707): to say something about it, never to let anybody in."""
        # verified once, and remembered until it expires or the keys change
        ring, now = self._ring(), self._clock.timestamp()
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and known[0] is ring:
            expires_at: Any = known[1]["exp"]
            return known[1] if now < expires_at else None
        audience = _audience(unverified_claims(token))
        if not audience:
            return None
        try:
            claims = verify(
                token,
                ring,
                expected_typ=access_token.TYP,
                expected_issuer=self._issuer,
                expected_audience=audience[0],
                now=now,
            )
        except InvalidToken:
            return None
        self._known[digest] = ring, claims
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)
        return claims

    def issued_for(self, token: str, audiences: Collection[str]) -> Mapping[str, object] | None:
        """`issued`, if it is good at one of these resources."""
        found = self.issued(token)
        return found if found is not None and not set(audiences).isdisjoint(_audience(found)) else None

    def session_of(self, claims: Mapping[str, object]) -> str:
        """The session id that these claims name, to whichever client."""
        return self._identifiers.session(str(claims.get("sid")))

    async def live_session(self, tx: Transaction, claims: Mapping[str, object], now: datetime) -> Session | None:
        """The person's session of these claims, while it lives and they are not revoked in it; a program has none."""
        session = await self._sessions.find(tx, self.session_of(claims))
        if session is None or not session.lives(now) or access_token.is_revoked(claims, session.revoked_tokens):
            return None
        return session

    async def lives(self, tx: Transaction, claims: Mapping[str, object], now: datetime) -> bool:
        """Whether the session of these claims lives, a person's or a program's, and it was not revoked alone."""
        if not of_program(claims):
            alive = await self._sessions.alive_until(tx, self.session_of(claims))
            return alive is not None and now < alive[0] and not access_token.is_revoked(claims, alive[1])
        session = await self._machines.find(tx, str(claims.get("sid")))
        if session is None or not session.lives(now):
            return False
        return not access_token.is_revoked(claims, session.revoked_tokens)


def _audience(claims: Mapping[str, object]) -> list[str]:
    """For whom a token says it is."""
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    return [one for one in named if isinstance(one, str)]


def of_program(claims: Mapping[str, object]) -> bool:
    """Whether they are about a program, for itself (RFC 9068, section 2.2) or by who acts for it: nobody signed in."""
    return "auth_time" not in claims
