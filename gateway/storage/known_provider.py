"""The identity provider as last known, so that a gateway that starts while it is away still knows its keys (S9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from config.connections import Transaction
from gateway.storage.tables import known_provider


class KnownProviders:
    """Table `gateway.known_provider`."""

    async def remember(
        self,
        tx: Transaction,
        issuer: str,
        *,
        metadata: Mapping[str, Any],
        jwks: Mapping[str, Any],
        now: datetime,
    ) -> None:
        """Keep what discovery and the key set said just now."""
        values = {"metadata": dict(metadata), "jwks": dict(jwks), "fetched_at": now}
        await tx.execute(
            insert(known_provider)
            .values(issuer=issuer, **values)
            .on_conflict_do_update(index_elements=[known_provider.c.issuer], set_=values)
        )

    async def find(self, tx: Transaction, issuer: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
        """Metadata and key set as last known; None: never."""
        row = (
            await tx.execute(
                select(known_provider.c.metadata, known_provider.c.jwks).where(known_provider.c.issuer == issuer)
            )
        ).one_or_none()
        return None if row is None else (row.metadata, row.jwks)
