"""The way back in for somebody who cannot sign in: a link by mail, good once and for half an hour.

The address itself changes nothing: it leads to a page whose form does it. So a mail scanner that opens every address
uses nothing up. Whoever asks is told the same whether or not there is such a person, and as quickly.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode
from uuid import UUID

from config.connections import Transaction
from config.entropy import Entropy

PATH = "/recover/password"
TOKEN_SIZE = 32
"""Random bytes of a link."""
LIFETIME = timedelta(minutes=30)
MOST_ATTEMPTS = 20
"""Forms that one link may send, so that nobody who reads the mail tries second factors for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryLink:
    """What a link stands for; what it is called by is only kept as its hash."""

    user_id: UUID
    client_id: str | None
    """Where the person wanted to go."""
    sent_to: str | None = None
    """The mail address that it was sent to, and nowhere else; None: it was shown, or kept before this was known."""
    expires_at: datetime
    attempts: int = 0
    anew: bool = False
    """No second factor is asked for beside it: they are lost, and go with the old password."""

    @property
    def worn_out(self) -> bool:
        return self.attempts > MOST_ATTEMPTS


class RecoveryLinks(Protocol):
    """Where links are kept."""

    async def add(self, tx: Transaction, digest: bytes, link: RecoveryLink, now: datetime) -> None:
        """Keep a new link."""

    async def find(self, tx: Transaction, digest: bytes, now: datetime) -> RecoveryLink | None:
        """A link that may still be used, to look at."""

    async def claim(self, tx: Transaction, digest: bytes, now: datetime) -> RecoveryLink | None:
        """A link that may still be used, locked; its attempt is counted."""

    async def forget_person(self, tx: Transaction, user_id: UUID) -> int:
        """A person is back in: none of their links works any more. Returns how many there were."""


class Recovery:
    """Makes and reads links, for one issuer."""

    def __init__(self, links: RecoveryLinks, entropy: Entropy, issuer: str) -> None:
        self._links = links
        self._entropy = entropy
        self._issuer = issuer

    async def link(
        self, tx: Transaction, user_id: UUID, client_id: str | None, now: datetime, *, sent_to: str | None
    ) -> str:
        """The address for a mail to this person. Put it nowhere else: whoever has it can set the password.

        `sent_to`: the address of that mail; None where it is not mailed.
        """
        token = self._entropy.token(TOKEN_SIZE)
        made = RecoveryLink(user_id=user_id, client_id=client_id, sent_to=sent_to, expires_at=now + LIFETIME)
        await self._links.add(tx, token_hash(token), made, now)
        return f"{self._issuer}{PATH}?{urlencode({'token': token})}"

    async def anew(
        self,
        tx: Transaction,
        user_id: UUID,
        client_id: str | None,
        now: datetime,
        *,
        sent_to: str | None,
        expires_at: datetime,
    ) -> str:
        """The address for somebody whose factors are lost, and who has waited or been vouched for: they begin anew.

        It stands in for every factor, so it is made after all else that could lead in is forgotten.
        """
        await self._links.forget_person(tx, user_id)
        token = self._entropy.token(TOKEN_SIZE)
        made = RecoveryLink(user_id=user_id, client_id=client_id, sent_to=sent_to, expires_at=expires_at, anew=True)
        await self._links.add(tx, token_hash(token), made, now)
        return f"{self._issuer}{PATH}?{urlencode({'token': token})}"

    async def find(self, tx: Transaction, token: str, now: datetime) -> RecoveryLink | None:
        """What a link stands for, while it may be used."""
        return _fresh(await self._links.find(tx, token_hash(token), now))

    async def claim(self, tx: Transaction, token: str, now: datetime) -> RecoveryLink | None:
        """What a link stands for, its attempt counted, nobody else using it before the transaction is over."""
        return _fresh(await self._links.claim(tx, token_hash(token), now))

    async def finish(self, tx: Transaction, user_id: UUID) -> None:
        """The person is back in: all links of theirs are used up."""
        await self._links.forget_person(tx, user_id)


def token_hash(token: str) -> bytes:
    """What is kept of a link."""
    return hashlib.sha256(b"munjigi-recovery\0" + token.encode("utf-8", "surrogatepass")).digest()


def _fresh(link: RecoveryLink | None) -> RecoveryLink | None:
    return link if link is not None and not link.worn_out else None
