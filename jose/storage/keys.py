"""The signing keys in PostgreSQL. A service's role sees its own purpose's private keys alone (row level security)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from config.envelope import Envelope
from jose.key_keeper import Change
from jose.keys import (
    ALGORITHMS,
    ALGORITHMS_OF,
    ES256,
    PURPOSES,
    Algorithm,
    KeyRing,
    PublicKey,
    PublicKeys,
    Purpose,
    SigningKey,
)
from jose.rotation import Hasten, KeyRecord, Make, Move, State, Switch
from jose.storage.tables import public_key, signing_key

_MOVING = 0x6D_6B_65_79
"""The advisory lock of whoever moves keys ("mkey"); its second half is the purpose's place."""
_HOLD = text("SELECT pg_advisory_xact_lock(:lock, :place)")
_RECORD = (
    signing_key.c.kid,
    signing_key.c.algorithm,
    signing_key.c.state,
    signing_key.c.created_at,
    signing_key.c.activates_at,
    signing_key.c.activated_at,
    signing_key.c.retires_at,
)


class NoActiveKey(Exception):
    """Nothing can be signed: `ensure_active` was never called for this purpose, or this role may not see its keys."""


class SigningKeys:
    """Loads, makes and moves signing keys; private ones are sealed at rest, and gone once they need sign no more."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._opened: dict[Purpose, dict[tuple[str, bytes], SigningKey]] = {}
        """What was opened at the last look: to check an RSA key takes longer than everything else about a ring."""

    async def load_ring(
        self, tx: Transaction, purpose: Purpose, algorithms: Collection[Algorithm] = ALGORITHMS
    ) -> KeyRing:
        """The keys that sign, by `algorithms`, and every key that verifies. Raises `NoActiveKey`."""
        query = select(signing_key.c.kid, signing_key.c.sealed).where(
            signing_key.c.purpose == purpose,
            signing_key.c.state == "active",
            signing_key.c.algorithm.in_(algorithms),
        )
        before = self._opened.get(purpose, {})
        found = {
            (kid, sealed): before.get((kid, sealed)) or self._open(purpose, kid, sealed)
            for kid, sealed in await tx.execute(query)
        }
        self._opened[purpose] = found
        signers = {key.algorithm: key for key in found.values()}
        if ES256 not in signers:
            raise NoActiveKey(purpose)
        return KeyRing(signers, await self.public_keys(tx, purpose))

    async def ensure_active(self, tx: Transaction, purpose: Purpose, now: datetime) -> KeyRing:
        """The ring, with new active keys where there were none. Of many processes at once exactly one makes each."""
        states = select(signing_key.c.algorithm).where(
            signing_key.c.purpose == purpose, signing_key.c.state == "active"
        )
        there = set((await tx.execute(states)).scalars())
        for algorithm in ALGORITHMS_OF[purpose]:
            if algorithm not in there:
                key = await asyncio.to_thread(SigningKey.generate, algorithm)
                # waits for whoever inserts at the same time, then yields to them: `signing_key_one_active`
                await tx.execute(
                    insert(signing_key)
                    .values(**self._row(purpose, key, now), state="active", activated_at=now)
                    .on_conflict_do_nothing(
                        index_elements=[signing_key.c.purpose, signing_key.c.algorithm],
                        index_where=signing_key.c.state == "active",
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

    async def hold(self, tx: Transaction, purpose: Purpose) -> None:
        """`jose.key_keeper.RotatingKeys`."""
        await tx.execute(_HOLD, {"lock": _MOVING, "place": PURPOSES.index(purpose)})

    async def records(self, tx: Transaction, purpose: Purpose) -> Sequence[KeyRecord]:
        """`jose.key_keeper.RotatingKeys`."""
        query = (
            select(*_RECORD)
            .where(signing_key.c.purpose == purpose)
            .order_by(signing_key.c.created_at, signing_key.c.kid)
        )
        return [KeyRecord(**row._mapping) for row in await tx.execute(query)]

    async def move(
        self, tx: Transaction, purpose: Purpose, move: Move, made: SigningKey | None, now: datetime
    ) -> Sequence[Change]:
        """`jose.key_keeper.RotatingKeys`."""
        if isinstance(move, Make):
            assert made is not None
            row = self._row(purpose, made, now)
            if move.activates_at is None:
                await tx.execute(insert(signing_key).values(**row, state="active", activated_at=now))
                return [Change(kid=made.kid, algorithm=made.algorithm, state="active")]
            await tx.execute(insert(signing_key).values(**row, state="next", activates_at=move.activates_at))
            return [Change(kid=made.kid, algorithm=made.algorithm, state="next", until=move.activates_at)]
        if isinstance(move, Hasten):
            return [await _set(tx, move.key, "next", until=move.activates_at, activates_at=move.activates_at)]
        if isinstance(move, Switch):
            return [
                await _set(tx, move.active, "retiring", until=move.retires_at, retires_at=move.retires_at, sealed=None),
                await _set(tx, move.following, "active", activates_at=None, activated_at=now),
            ]
        return [await _set(tx, move.key, "retired", retires_at=now, activates_at=None, sealed=None)]

    def _open(self, purpose: Purpose, kid: str, sealed: bytes) -> SigningKey:
        return SigningKey.from_private_bytes(self._envelope.open(sealed, _context(purpose, kid)))

    def _row(self, purpose: Purpose, key: SigningKey, now: datetime) -> dict[str, object]:
        return {
            "kid": key.kid,
            "purpose": purpose,
            "algorithm": key.algorithm,
            "sealed": self._envelope.seal(key.private_bytes(), _context(purpose, key.kid)),
            "public_jwk": key.public.jwk(),
            "created_at": now,
        }


async def _set(
    tx: Transaction, key: KeyRecord, state: State, *, until: datetime | None = None, **columns: Any
) -> Change:
    await tx.execute(update(signing_key).where(signing_key.c.kid == key.kid).values(state=state, **columns))
    return Change(kid=key.kid, algorithm=key.algorithm, state=state, until=until)


def _context(purpose: Purpose, kid: str) -> str:
    return f"jose.signing_key:{purpose}:{kid}"
