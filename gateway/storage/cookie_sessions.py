"""Cookie sessions: which browser stands for which session, with its tokens sealed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, or_, select, update

from config.connections import Transaction
from gateway.relying_party.cookie_session import CookieSession
from gateway.storage.tables import cookie_session


class CookieSessions:
    """Table `gateway.cookie_session`."""

    async def begin(self, tx: Transaction, session: CookieSession) -> None:
        """Keep a new one."""
        await tx.execute(
            insert(cookie_session).values({name: getattr(session, name) for name in CookieSession.__dataclass_fields__})
        )

    async def find(self, tx: Transaction, cookie_sha256: bytes) -> CookieSession | None:
        """Read one, ended or not."""
        row = (
            await tx.execute(select(cookie_session).where(cookie_session.c.cookie_sha256 == cookie_sha256))
        ).one_or_none()
        return _read(row)

    async def claim_refresh(
        self, tx: Transaction, cookie_sha256: bytes, *, expiring_by: datetime, now: datetime, until: datetime
    ) -> CookieSession | None:
        """Take the right to refresh its tokens until `until`: one process of all gets it (the row's lock decides).

        None where another has it, where the tokens live beyond `expiring_by`, or where it has ended.
        """
        row = (
            await tx.execute(
                update(cookie_session)
                .where(
                    cookie_session.c.cookie_sha256 == cookie_sha256,
                    cookie_session.c.ended_at.is_(None),
                    cookie_session.c.access_expires_at <= expiring_by,
                    or_(
                        cookie_session.c.refresh_claimed_until.is_(None),
                        cookie_session.c.refresh_claimed_until <= now,
                    ),
                )
                .values(refresh_claimed_until=until)
                .returning(cookie_session)
            )
        ).one_or_none()
        return _read(row)

    async def refreshed(
        self, tx: Transaction, cookie_sha256: bytes, *, contents_sealed: bytes, access_expires_at: datetime
    ) -> bool:
        """Keep the new tokens and give the claim back; False where the session ended meanwhile."""
        result = await tx.execute(
            update(cookie_session)
            .where(cookie_session.c.cookie_sha256 == cookie_sha256, cookie_session.c.ended_at.is_(None))
            .values(
                contents_sealed=contents_sealed,
                access_expires_at=access_expires_at,
                refresh_claimed_until=None,
            )
        )
        return result.rowcount == 1

    async def release_refresh(self, tx: Transaction, cookie_sha256: bytes) -> None:
        """Give the claim back with nothing done."""
        await tx.execute(
            update(cookie_session)
            .where(cookie_session.c.cookie_sha256 == cookie_sha256)
            .values(refresh_claimed_until=None)
        )

    async def end(self, tx: Transaction, cookie_sha256: bytes, *, reason: str, now: datetime) -> bool:
        """End one; False where it had ended already."""
        result = await tx.execute(
            update(cookie_session)
            .where(cookie_session.c.cookie_sha256 == cookie_sha256, cookie_session.c.ended_at.is_(None))
            .values(ended_at=now, ended_reason=reason)
        )
        return result.rowcount == 1

    async def end_of_session(
        self, tx: Transaction, sid: str, *, reason: str, ended_by: Mapping[str, Any] | None, now: datetime
    ) -> int:
        """End all that stood for a session which ended, with what their person is to be told; says how many."""
        result = await tx.execute(
            update(cookie_session)
            .where(cookie_session.c.sid == sid, cookie_session.c.ended_at.is_(None))
            .values(ended_at=now, ended_reason=reason, ended_by=dict(ended_by) if ended_by else None)
        )
        return result.rowcount

    async def ended_since(self, tx: Transaction, since: datetime) -> list[bytes]:
        """The cookies whose sessions any process ended since a moment."""
        rows = await tx.execute(select(cookie_session.c.cookie_sha256).where(cookie_session.c.ended_at >= since))
        return [row.cookie_sha256 for row in rows]

    async def forget_over(self, tx: Transaction, *, before: datetime) -> int:
        """Drop those that were over before a moment; says how many."""
        return (await tx.execute(delete(cookie_session).where(cookie_session.c.expires_at < before))).rowcount


def _read(row: Row[Any] | None) -> CookieSession | None:
    if row is None:
        return None
    return CookieSession(**{name: getattr(row, name) for name in CookieSession.__dataclass_fields__})
