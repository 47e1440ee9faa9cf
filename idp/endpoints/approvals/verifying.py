"""Whether whoever approves on a device is its person: where their organisation asks for it, a passkey verifies that.

What a browser cannot say by itself, that its person unlocked it just now, an authenticator says in its answer (Web
Authentication, Level 3, section 6.1: the UV flag). The key that approves stays something that one has.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from starlette.requests import Request

from config.connections import Transaction
from idp.authorization.login_rules import LoginRulesCache
from idp.directory.account import Membership
from idp.endpoints.login.passkey_ceremony import PasskeyCeremonies
from idp.factors.passkey import PasskeyRefused
from idp.factors.push_approval import ApprovalRequest


class Homes(Protocol):
    """Where it is known which organisation a person belongs to."""

    async def home(self, tx: Transaction, user_id: UUID) -> Membership | None:
        """The one that they joined first."""


@dataclass(frozen=True, slots=True)
class Verifying:
    """Asks for a passkey beside an approval, and takes its answer."""

    rules: LoginRulesCache
    homes: Homes
    passkeys: PasskeyCeremonies

    async def asked(self, tx: Transaction, request: ApprovalRequest, now: datetime) -> dict[str, Any] | None:
        """Options for the browser; None where the approval alone is enough."""
        if not await self._demanded(tx, request.user_id):
            return None
        return await self.passkeys.ask(tx, bound_to=_bound_to(request), now=now, person=request.user_id)

    async def verified(
        self, tx: Transaction, http: Request, request: ApprovalRequest, answer: str, now: datetime
    ) -> bool:
        """Whether the person was verified as far as their organisation asks; what is answered is used up."""
        if not await self._demanded(tx, request.user_id):
            return True
        try:
            await self.passkeys.answer(
                tx, answer, bound_to=_bound_to(request), now=now, person=request.user_id, request=http
            )
        except PasskeyRefused:
            return False
        return True

    async def _demanded(self, tx: Transaction, person: UUID) -> bool:
        home = await self.homes.home(tx, person)
        return home is not None and (await self.rules.of(tx, home.organisation.id)).verified_approvals


def _bound_to(request: ApprovalRequest) -> str:
    return f"approval:{request.id}"
