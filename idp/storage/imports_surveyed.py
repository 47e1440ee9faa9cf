"""Whom a survey of a file saw: in a table of its connection alone, which PostgreSQL keeps on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import text

from config.connections import Transaction
from idp.importing.person import Candidate

_BEGIN = text("CREATE TEMPORARY TABLE surveyed (user_id uuid PRIMARY KEY, checksum bytea NOT NULL)")
_EARLIER = text("SELECT user_id, checksum FROM pg_temp.surveyed WHERE user_id = ANY(CAST(:ids AS uuid[]))")
_REMEMBER = text("INSERT INTO pg_temp.surveyed SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:checksums AS bytea[]))")


async def begin(tx: Transaction) -> None:
    """Remember nobody yet, for as long as this connection lives."""
    await tx.execute(_BEGIN)


async def earlier(tx: Transaction, people: Sequence[Candidate]) -> Mapping[str, bytes]:
    """Who of these was seen: by their name, the checksum."""
    names = {one.user_id: one.login_name for one in people}
    return {names[row.user_id]: row.checksum for row in await tx.execute(_EARLIER, {"ids": list(names)})}


async def remember(tx: Transaction, people: Sequence[Candidate]) -> None:
    """They were seen."""
    ids, checksums = [one.user_id for one in people], [one.checksum for one in people]
    await tx.execute(_REMEMBER, {"ids": ids, "checksums": checksums})
