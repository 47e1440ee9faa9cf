"""Passkeys (Web Authentication Level 3): registration and authentication, always with user verification.

A challenge is consumed once, in PostgreSQL, before the answer to it is verified. The relying party is the issuer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol
from urllib.parse import urlsplit
from uuid import UUID

from config.connections import Transaction
from idp.factors.attestation import Evidence, Refusal
from idp.protocol.assurance import ATTESTED, Method, methods_of

CHALLENGE_LIFETIME = timedelta(minutes=10)
CHALLENGE_SIZE = 32
"""Bytes (Level 3, section 13.4.3, asks for 16 at least)."""
Ceremony = Literal["registration", "authentication"]


class PasskeyRefused(Exception):
    """An answer of an authenticator that does not count; the message is for the log."""


class CloneSuspected(PasskeyRefused):
    """The signature counter did not rise: there may be two copies of this key (Level 3, section 6.1.1)."""

    def __init__(self, message: str, passkey: Passkey, *, anew: bool) -> None:
        """`anew`: it was not suspected before."""
        super().__init__(message)
        self.passkey = passkey
        self.anew = anew


class KeyNotTaken(PasskeyRefused):
    """A sound answer of a key that the person's organisation does not take."""

    def __init__(self, why: Refusal, evidence: Evidence) -> None:
        super().__init__(f"{why}: {evidence.format} of {evidence.aaguid}, {evidence.why_not or 'attested'}")
        self.why = why
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks for passkeys: the issuer's origin, and its host as the RP ID."""

    id: str
    origin: str
    name: str

    @classmethod
    def of_issuer(cls, issuer: str, name: str) -> RelyingParty:
        parts = urlsplit(issuer)
        return cls(parts.hostname or "", f"{parts.scheme}://{parts.netloc}", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """One passkey of a person."""

    credential_id: bytes
    user_id: UUID
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: tuple[str, ...]
    aaguid: str
    label: str
    user_verified: bool
    backup_eligible: bool
    """It may be on several devices of the person (a synced passkey)."""
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None = None
    clone_suspected_at: datetime | None = None
    """Since then it is refused, whatever its counter says: a copy may have signed often enough to be ahead."""
    attestation_format: str = "none"
    attested: bool = False
    """When it was registered, its maker vouched for its model."""

    @property
    def amr(self) -> tuple[str, ...]:
        """How an authentication by it is named (RFC 8176): a key in software that is synced, or in one device."""
        return self.named_by()

    def named_by(self, *, broken: bool = False) -> tuple[str, ...]:
        """`amr`; of a `broken` model, whose keys can be copied, it is a key in software, for which nobody vouches."""
        if self.backup_eligible or broken:
            return ("swk", "user")
        return ("hwk", "user", ATTESTED) if self.attested else ("hwk", "user")

    def methods(self, *, broken: bool = False) -> frozenset[Method]:
        """What it is to the mapping of assurance."""
        return methods_of(self.named_by(broken=broken))


class PasskeyStorage(Protocol):
    """What a storage of passkeys must do."""

    async def passkeys(self, tx: Transaction, user_id: UUID) -> list[Passkey]:
        """The person's passkeys, the oldest first."""

    async def passkey(self, tx: Transaction, credential_id: bytes) -> Passkey | None:
        """One passkey, locked: its counter is compared and raised by one login at a time."""

    async def add_passkey(self, tx: Transaction, passkey: Passkey) -> bool:
        """Keep a new passkey. False where its credential id is known already."""

    async def used(self, tx: Transaction, passkey: Passkey) -> None:
        """Keep what changed by a use: counter, backup state, moment, suspicion."""

    async def rename_passkey(self, tx: Transaction, user_id: UUID, credential_id: bytes, label: str) -> bool:
        """Call one of the person's passkeys otherwise. False where there is none."""

    async def remove_passkey(self, tx: Transaction, user_id: UUID, credential_id: bytes) -> bool:
        """Forget one of the person's passkeys. False where there is none."""


class ChallengeStorage(Protocol):
    """What a storage of challenges must do."""

    async def add_challenge(
        self, tx: Transaction, digest: bytes, ceremony: Ceremony, bound_to: str, expires_at: datetime
    ) -> None:
        """Keep the digest of a challenge for one ceremony of one login or session."""

    async def consume_challenge(
        self, tx: Transaction, digest: bytes, ceremony: Ceremony, bound_to: str, now: datetime
    ) -> bool:
        """Use a challenge up. True once, for exactly one of many at once, and never after its time."""
