"""A new password at the rim: what is asked of it, and what ends with the old one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from starlette.requests import Request

from audit.trail import Kind
from config.connections import Transaction
from config.web import correlation_id
from idp.credentials.breached import BreachedPasswords
from idp.credentials.password import PasswordFault, fault_of_new
from idp.directory.account import Account
from idp.endpoints.login.arrivals import visitor
from idp.endpoints.login.login_page import record_attempt
from idp.sessions.one_session import OneSession
from idp.sessions.signals.changes import ChangeSignals, CredentialChange

Refused = PasswordFault | Literal["breached"]


class PasswordKeeping(Protocol):
    """Where passwords are kept."""

    async def put_password(self, tx: Transaction, user_id: UUID, new: str, now: datetime) -> None:
        """Keep the hash of a new password."""


class RememberedForgotten(Protocol):
    """Where remembered browsers are kept."""

    async def forget_person(self, tx: Transaction, user_id: UUID) -> int:
        """Forget all of a person's."""


@dataclass(frozen=True, slots=True)
class NewPasswords:
    """What a new password is held against: the rules, and the list of those that leaked."""

    breached: BreachedPasswords

    async def fault(self, password: str, account: Account, *, alone: bool) -> Refused | None:
        """What is wrong with it; `alone`: no second factor follows. Raises `UNREADABLE` where the list is away."""
        names = (account.display_name, *((account.email.partition("@")[0],) if account.email else ()))
        fault = fault_of_new(password, login_name=account.login_name, names=names, alone=alone)
        if fault is None and await self.breached.is_known(password):
            return "breached"
        return fault


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChange:
    """Puts a new password in place of the old one, with which everything ends that stood on it."""

    passwords: PasswordKeeping
    remembered: RememberedForgotten
    one_session: OneSession
    signals: ChangeSignals

    async def keep(
        self,
        tx: Transaction,
        request: Request,
        user_id: UUID,
        hashed: str,
        now: datetime,
        *,
        during: str,
        signal: Literal["password_recovered", "password_changed"],
    ) -> None:
        """End the session (and its refresh families with it), forget remembered browsers, keep the hash.

        The logins that proved the old password are forgotten by the caller, before. The caller tells the person, too.
        """
        await self.one_session.end_person(
            tx,
            user_id,
            "password_change",
            correlation_id=correlation_id(request),
            ended_by=visitor(request, None),
        )
        await self.passwords.put_password(tx, user_id, hashed, now)
        await self.remembered.forget_person(tx, user_id)
        await record_attempt(tx, request, Kind.PASSWORD_CHANGED, subject=str(user_id), details={"during": during})
        change = CredentialChange("password", "update", signal)
        await self.signals.credential_changed(tx, user_id, change, correlation_id(request))
