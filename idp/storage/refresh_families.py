"""Refresh families in PostgreSQL, which itself holds that a family has one current token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import Text, any_, bindparam, cast, delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from config.connections import Transaction
from config.direct import Statement
from config.together import ask, keep
from idp.protocol.claims_request import RequestedClaims
from idp.storage.protocol_tables import refresh_family, refresh_token
from idp.tokens.refresh_family import Family, Presented

_BEGIN = insert(refresh_family)
_FIRST = insert(refresh_token)
_JSON: Final = ("claims", "confirmation")
_DIGESTS = any_(bindparam("digests", type_=ARRAY(BYTEA)))
_LOOK = (
    select(
        *(
            cast(column, Text).label(column.name) if column.name in _JSON else column
            for column in refresh_family.c
            if column.name in Family.__slots__
        ),
        refresh_token.c.token_hash,
        refresh_token.c.rotated_at,
    )
    .join(refresh_token, refresh_token.c.family_id == refresh_family.c.id)
    .where(refresh_token.c.token_hash == _DIGESTS)
)
_LOOKED = Statement(_LOOK)
# the token as well: another refresh may have rotated it while its family was waited for
_PRESENT = Statement(_LOOK.order_by(refresh_family.c.id).with_for_update(of=(refresh_family, refresh_token)))
_CURRENT = Statement(
    select(refresh_token.c.token_hash).where(
        refresh_token.c.token_hash == _DIGESTS, refresh_token.c.rotated_at.is_(None)
    )
)
_ROTATE = Statement(
    text(  # a successor is written after its predecessor, since a family has one current token at each moment
        """
        WITH rotated AS (
            UPDATE idp.refresh_token AS token SET rotated_at = rotation.moment
            FROM unnest(
                CAST(:used AS bytea[]), CAST(:successors AS bytea[]), CAST(:families AS uuid[]),
                CAST(:moments AS timestamptz[])
            ) AS rotation (used, successor, family_id, moment)
            WHERE token.token_hash = rotation.used
            RETURNING rotation.successor, rotation.family_id, rotation.moment
        )
        INSERT INTO idp.refresh_token (token_hash, family_id, issued_at) SELECT * FROM rotated
        """
    )
)


class _Rotation(NamedTuple):
    used: bytes
    successor: bytes
    family_id: UUID
    moment: datetime


async def begin(tx: Transaction, family: Family, digest: bytes, now: datetime) -> None:
    """Keep a new family with its first token."""
    values = {name: getattr(family, name) for name in Family.__slots__}
    values |= {"scope": list(family.scope), "resources": list(family.resources)}
    values |= {"claims": msgspec.to_builtins(family.claims), "confirmation": dict(family.confirmation)}
    await tx.execute(_BEGIN, values)
    await tx.execute(_FIRST, {"token_hash": digest, "family_id": family.id, "issued_at": now})


async def present(tx: Transaction, digest: bytes) -> Presented | None:
    """A token and its family, which nobody else can change before this transaction is over."""
    return await ask(tx, _present, digest, alone=True)


async def look(tx: Transaction, digest: bytes) -> Presented | None:
    """A token and its family as they are, to say something about them alone."""
    return await ask(tx, _look, digest)


async def is_current(tx: Transaction, digest: bytes) -> bool:
    """Whether this is a token that has not been used."""
    return await ask(tx, _current, digest) or False


async def rotate(tx: Transaction, used: bytes, successor: bytes, family_id: UUID, now: datetime) -> None:
    """A token was used; its successor is the current one now."""
    await keep(tx, _rotate, _Rotation(used, successor, family_id, now))


async def _present(tx: Transaction, digests: Sequence[bytes]) -> Mapping[bytes, Presented]:
    return await _by_digest(tx, _PRESENT, digests)


async def _look(tx: Transaction, digests: Sequence[bytes]) -> Mapping[bytes, Presented]:
    return await _by_digest(tx, _LOOKED, digests)


async def _by_digest(tx: Transaction, query: Statement, digests: Sequence[bytes]) -> Mapping[bytes, Presented]:
    return {row["token_hash"]: _presented(row) for row in await query.rows(tx, digests=digests)}


async def _current(tx: Transaction, digests: Sequence[bytes]) -> Mapping[bytes, bool]:
    return {row["token_hash"]: True for row in await _CURRENT.rows(tx, digests=digests)}


async def _rotate(tx: Transaction, rotations: Sequence[_Rotation]) -> None:
    used, successors, families, moments = zip(*rotations, strict=True)
    await _ROTATE.rows(tx, used=used, successors=successors, families=families, moments=moments)


async def revoke(tx: Transaction, family_id: UUID, now: datetime) -> bool:
    """End a family for good. False where it had ended before."""
    result = await tx.execute(
        update(refresh_family)
        .where(refresh_family.c.id == family_id, refresh_family.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return result.rowcount > 0


async def sweep(tx: Transaction, before: datetime) -> int:
    """Forget families that expired before a moment, with their tokens. Returns how many."""
    return (await tx.execute(delete(refresh_family).where(refresh_family.c.expires_at < before))).rowcount


def _presented(row: Mapping[str, Any]) -> Presented:
    family = Family(
        id=row["id"],
        client_id=row["client_id"],
        user_id=row["user_id"],
        sid=row["sid"],
        scope=tuple(row["scope"]),
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        claims=_claims(row["claims"]),
        resources=tuple(row["resources"]),
        confirmation=_confirmation(row["confirmation"]),
    )
    return Presented(family=family, rotated_at=row["rotated_at"])


_claims = msgspec.json.Decoder(RequestedClaims).decode
_confirmation = msgspec.json.Decoder(dict[str, str]).decode
