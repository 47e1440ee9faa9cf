"""The signing keys in PostgreSQL. A service's role sees its own purpose's private keys alone (row level security)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from config.envelope import Envelope
from jose.keys import KeyRing, PublicKey, PublicKeys, Purpose, SigningKey
from jose.storage.tables import public_key, signing_key


class NoActiveKey(Exception):
    """Nothing can be signed: `ensure_active` was never called for this purpose, or this role may not see its keys."""


class SigningKeys:
    """Loads and makes signing keys; private ones are sealed at rest."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope

    async def load_ring(self, tx: Transaction, purpose: Purpose) -> KeyRing:
        """The active key and every key that verifies. Raises `NoActiveKey`."""
        query = select(signing_key.c.kid, signing_key.c.sealed).where(
            signing_key.c.purpose == purpose, signing_key.c.state == "active"
        )
        row = (await tx.execute(query)).one_or_none()
        if row is None:
            raise NoActiveKey(purpose)
        active = SigningKey.from_private_bytes(self._envelope.open(row.sealed, _context(purpose, row.kid)))
        return KeyRing(active, await self.public_keys(tx, purpose))

    async def ensure_active(self, tx: Transaction, purpose: Purpose, now: datetime) -> KeyRing:
        """The ring, with a new active key where there was none. Of many processes at once exactly one makes it."""
        try:
            return await self.load_ring(tx, purpose)
        except NoActiveKey:
            key = SigningKey.generate()
        statement = insert(signing_key).values(
            kid=key.kid,
            purpose=purpose,
            sealed=self._envelope.seal(key.private_bytes(), _context(purpose, key.kid)),
            public_jwk=key.public.jwk(),
            state="active",
            created_at=now,
            activated_at=now,
        )
        # waits for whoever inserts at the same time, then yields to them: `signing_key_one_active`
        await tx.execute(
            statement.on_conflict_do_nothing(
                index_elements=[signing_key.c.purpose], index_where=signing_key.c.state == "active"
            )
        )
        return await self.load_ring(tx, purpose)

    async def public_keys(self, tx: Transaction, purpose: Purpose) -> PublicKeys:
        """Every key of a purpose that verifies (next, active, retiring); any role may ask."""
        rows = await tx.execute(select(public_key.c.public_jwk).where(public_key.c.purpose == purpose))
        keys = [PublicKey(jwk) for (jwk,) in rows]
        return {key.kid: key for key in keys}

    async def assertion_keys(self, tx: Transaction) -> PublicKeys:
        """The gateway's public keys, as a service behind it needs them."""
        return await self.public_keys(tx, "assertion")


def _context(purpose: Purpose, kid: str) -> str:
    return f"jose.signing_key:{purpose}:{kid}"
