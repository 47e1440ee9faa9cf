"""A right password that is known from a leak: kept, told, and the login owes another one from then on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from starlette.requests import Request

from audit.trail import Kind
from config.connections import Transaction
from idp.authorization.login import Login
from idp.credentials.breached import BreachedPasswords
from idp.directory.account import Account
from idp.endpoints.login.login_page import record_attempt
from idp.endpoints.sign_in.guess import Guess
from idp.endpoints.sign_in.way_in_notices import WayInNotices
from notifications.notice import NoticeKind


class LeakedPasswords(Protocol):
    """Where it is kept since when a person's password is known to have leaked."""

    async def breached_since(self, tx: Transaction, user_id: UUID, now: datetime) -> datetime:
        """Keep it, and give when it was first found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """Looks right passwords up. Of wrong ones nothing is looked up: there is nobody to lead."""

    breached: BreachedPasswords
    passwords: LeakedPasswords
    notices: WayInNotices
    grace: timedelta

    async def has(self, guess: Guess) -> bool:
        """Whether the password of a guess was right and has leaked."""
        right = guess.correct or guess.vouched is not None
        return right and await self.breached.is_known_of(guess.password)

    async def noted(
        self, tx: Transaction, request: Request, login: Login, account: Account, now: datetime, *, leaked: bool
    ) -> Login:
        """The login, which owes another password if this one leaked. Its person is told the first time."""
        if not leaked:
            return login
        since = await self.passwords.breached_since(tx, account.id, now)
        if since == now:
            await record_attempt(tx, request, Kind.PASSWORD_BREACHED, subject=str(account.id))
            await self.notices.happened(tx, request, account, NoticeKind.PASSWORD_BREACHED, now)
        return login.owes_password(since + self.grace)

    async def poke(self) -> None:
        """Wake whoever carries what was written; call it after the commit."""
        await self.notices.poke()
