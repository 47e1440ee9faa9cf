"""Logins that nobody finished: recorded, and told to the person whose live session they faced. Run by the sweeper."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from audit import trail
from audit.trail import AuditEvent, Kind
from config.connections import Transaction
from idp.authorization.attempts import Attempt, Attempts, Outcome, Recipient
from idp.authorization.login import Login

SWEEPER = "sweeper"
"""What stands for a correlation id where no exchange asked."""


@dataclass(frozen=True, slots=True)
class AbandonedLogin:
    """A login past its time whose person had been authenticated, at least by a first factor."""

    login: Login
    recipient: Recipient | None
    """Its person; None: they are gone."""
    faced_lives: bool
    """The session that it faced has not ended."""


class AbandonedLogins(Protocol):
    """What the sweep asks of the storage."""

    async def take_abandoned(self, tx: Transaction, now: datetime, limit: int) -> list[AbandonedLogin]:
        """Some logins past their time whose person was authenticated and that nobody else holds; they are forgotten."""


class History(Protocol):
    """Where a person sees what came of their logins."""

    async def note_left(
        self,
        tx: Transaction,
        user_id: UUID,
        outcome: Outcome,
        came_from: Mapping[str, str],
        *,
        amr: Collection[str],
        client_id: str,
    ) -> None:
        """Keep what came of a login of somebody who has left; `came_from` is what it kept of them."""


class Abandoned:
    """The sweep."""

    def __init__(self, logins: AbandonedLogins, attempts: Attempts, history: History) -> None:
        self._logins = logins
        self._attempts = attempts
        self._history = history

    async def sweep(self, tx: Transaction, now: datetime, limit: int) -> int:
        """Forget up to `limit` abandoned logins. Returns how many; the caller pokes both queues after the commit."""
        found = await self._logins.take_abandoned(tx, now, limit)
        for abandoned in found:
            login = abandoned.login
            outcome: Outcome = "refused" if login.wrong_factors else "abandoned"
            await trail.record(tx, _record(login, outcome))
            if abandoned.recipient is not None:
                await self._history.note_left(
                    tx,
                    abandoned.recipient.user_id,
                    outcome,
                    login.came_from or {},
                    amr=login.amr,
                    client_id=login.client_id,
                )
            if (
                abandoned.recipient is not None
                and abandoned.faced_lives
                and login.takeover_of is not None
                and not login.told
            ):
                await self._attempts.tell(
                    tx,
                    Attempt(
                        faced=login.takeover_of,
                        outcome=outcome,
                        came_from=login.came_from or {},
                        recipient=abandoned.recipient,
                        at=now,
                        correlation_id=SWEEPER,
                    ),
                )
        return len(found)


def _record(login: Login, outcome: Outcome) -> AuditEvent:
    return AuditEvent(
        kind=Kind.SIGN_IN_ABANDONED,
        correlation_id=SWEEPER,
        actor=login.client_id,
        subject=str(login.user_id),
        sid=login.takeover_of or "",
        ip=(login.came_from or {}).get("ip"),
        details={"outcome": outcome, "wrong_factors": login.wrong_factors},
    )
