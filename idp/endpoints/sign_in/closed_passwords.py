"""Whether the password of a person still signs them in, or a phase of their organisation's programme has closed it."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from idp.directory.account import Account, Membership
from idp.endpoints.login.arrivals import Enrolments
from idp.endpoints.login.demanding import Demanding


class Homes(Protocol):
    """Where it is known for whom people act."""

    async def home(self, tx: Transaction, user_id: UUID) -> Membership | None:
        """The organisation that a person acts for when they name none."""


class ClosedPasswords:
    """It closes for those alone who have one of the ways that the phase brings: nobody is locked out by it."""

    def __init__(self, demanding: Demanding, homes: Homes, enrolments: Enrolments) -> None:
        self._demanding = demanding
        self._homes = homes
        self._enrolments = enrolments

    async def is_closed(self, tx: Transaction, account: Account, now: datetime) -> bool:
        """Asked of whoever has typed the right password."""
        if not await self._demanding.closes_passwords(tx):
            return False
        home = await self._homes.home(tx, account.id)
        if home is None:
            return False
        demanded = await self._demanding.of(
            tx,
            account.id,
            home.organisation.id,
            enrolled=await self._enrolments.enrolled(tx, account.id),
            has_mail=account.email is not None,
            now=now,
        )
        return demanded.password_closed
