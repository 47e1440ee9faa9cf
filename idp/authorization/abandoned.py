"""Logins that nobody finished: recorded, and told to the person whose live session they met. Run by the sweeper."""

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
class LiveSession:
    """The one session of the login's person, where it lives."""

    sid: str
    device_id: UUID | None
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class AbandonedLogin:
    """A login past its time whose person had been authenticated, at least by a first factor."""

    login: Login
    recipient: Recipient | None
    """Its person; None: they are gone."""
    live: LiveSession | None

    def met(self) -> str | None:
        """The live session (sid) whose person is to be told of it; None: it met none, or they know of it.

        A login that never came back to the dispatcher faces nothing; it met the session all the same if that one had
        begun before. What the person left unfinished in that session itself, or beside it in the same browser, is none.
        """
        login, live = self.login, self.live
        if live is None or login.told or login.recognised_in == live.sid:
            return None
        if login.takeover_of == live.sid:
            return live.sid
        device = (login.came_from or {}).get("device_id")
        beside = live.device_id is not None and device == str(live.device_id)
        began_later = login.authenticated_at is None or live.begun_at > login.authenticated_at
        return None if beside or began_later else live.sid


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
            faced = abandoned.met()
            await trail.record(tx, _record(login, outcome, faced))
            if abandoned.recipient is not None:
                await self._history.note_left(
                    tx,
                    abandoned.recipient.user_id,
                    outcome,
                    login.came_from or {},
                    amr=login.amr,
                    client_id=login.client_id,
                )
            if abandoned.recipient is not None and faced is not None:
                await self._attempts.tell(
                    tx,
                    Attempt(
                        faced=faced,
                        outcome=outcome,
                        came_from=login.came_from or {},
                        recipient=abandoned.recipient,
                        at=login.authenticated_at or now,  # when somebody was there, not when it was swept
                        correlation_id=SWEEPER,
                    ),
                    now,
                )
        return len(found)


def _record(login: Login, outcome: Outcome, faced: str | None) -> AuditEvent:
    return AuditEvent(
        kind=Kind.SIGN_IN_ABANDONED,
        correlation_id=SWEEPER,
        actor=login.client_id,
        subject=str(login.user_id),
        sid=faced or login.takeover_of or "",
        ip=(login.came_from or {}).get("ip"),
        details={"outcome": outcome, "wrong_factors": login.wrong_factors},
    )
