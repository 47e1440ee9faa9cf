"""The one-time link of "this wasn't me": whoever gets one by mail can lock their account with it, once, for a week.

The cookie of a session says it once, too: whoever holds it could otherwise lock its person out again and again.

The address itself changes nothing: it leads to a page that says what will happen, and whose form does it. So a mail
scanner that opens every address locks nobody out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy

PATH = "/not-me"
TOKEN_SIZE = 32
"""Random bytes of a link."""
LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMeLink:
    """What a link stands for; what it is called by is only kept as its hash."""

    user_id: UUID
    sid: str | None
    """The session that it is about, live or ended."""
    told: Mapping[str, str] | None
    """`device`, `browser`, `place`, `at` of what the person was told; None: as the session of `sid` says."""
    expires_at: datetime


class NotMeLinks(Protocol):
    """Where links are kept."""

    async def add(self, tx: Transaction, digest: bytes, link: NotMeLink, now: datetime) -> None:
        """Keep a new link."""

    async def find(self, tx: Transaction, digest: bytes, now: datetime) -> NotMeLink | None:
        """A link that may still be used, to look at."""

    async def consume(self, tx: Transaction, digest: bytes, now: datetime) -> NotMeLink | None:
        """Use a link: of many at once exactly one gets it. None: used, over, or never made."""

    async def spend(self, tx: Transaction, digest: bytes, link: NotMeLink, now: datetime) -> bool:
        """Keep what was used without a link as a used one: of many at once exactly one. False: it was used before."""

    async def spent(self, tx: Transaction, digest: bytes) -> bool:
        """Whether it was used."""


class NotMe:
    """Makes and reads links, for one issuer."""

    def __init__(self, links: NotMeLinks, entropy: Entropy, issuer: str) -> None:
        self._links = links
        self._entropy = entropy
        self._issuer = issuer

    async def link(
        self,
        tx: Transaction,
        user_id: UUID,
        sid: str | None,
        now: datetime,
        *,
        told: Mapping[str, str] | None = None,
    ) -> str:
        """The address for a notice to this person. Put it nowhere else: whoever has it can lock the account.

        `sid` is the session that the notice is about. Where it is about an attempt that began none, `told` says who,
        when and where: `device`, `browser`, `place` (a code), `at` (ISO 8601 with offset).
        """
        token = self._entropy.token(TOKEN_SIZE)
        made = NotMeLink(user_id=user_id, sid=sid, told=told, expires_at=now + LIFETIME)
        await self._links.add(tx, token_hash(token), made, now)
        return f"{self._issuer}{PATH}?{urlencode({'token': token})}"

    async def find(self, tx: Transaction, token: str, now: datetime) -> NotMeLink | None:
        """What a link stands for, while it may be used."""
        return await self._links.find(tx, token_hash(token), now)

    async def consume(self, tx: Transaction, token: str, now: datetime) -> NotMeLink | None:
        """Use a link; None where it cannot be used (any more)."""
        return await self._links.consume(tx, token_hash(token), now)

    async def say(self, tx: Transaction, user_id: UUID, sid: str, now: datetime) -> bool:
        """It is said of a session without a link, and kept as long as a link. False where it was said of it before."""
        said = NotMeLink(user_id=user_id, sid=sid, told=None, expires_at=now + LIFETIME)
        return await self._links.spend(tx, session_hash(sid), said, now)

    async def was_said(self, tx: Transaction, sid: str) -> bool:
        """Whether it was said of a session."""
        return await self._links.spent(tx, session_hash(sid))


def token_hash(token: str) -> bytes:
    """What is kept of a link."""
    return hashlib.sha256(b"munjigi-not-me\0" + token.encode("utf-8", "surrogatepass")).digest()


def session_hash(sid: str) -> bytes:
    """By what it is kept that it was said of a session; no link is ever called so."""
    return hashlib.sha256(b"munjigi-not-me-session\0" + sid.encode()).digest()
