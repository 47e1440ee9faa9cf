"""What a person allows an app (OpenID Connect Core 1.0, sections 3.1.2.4 and 11): asked once, until more is wanted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from config.connections import Transaction
from idp.authorization.request import AuthorizationRequest

Standing = Literal["unasked", "due", "given", "refused"]
"""Of one login: `due` until the person has answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What one person allows one client."""

    user_id: UUID
    client_id: str
    scopes: tuple[str, ...]
    given_at: datetime


def standing(asked: AuthorizationRequest, consent: Consent | None, *, required: bool) -> Standing:
    """Whether a person must be asked. `required`: the client asks everybody; `prompt=consent` asks of any client."""
    if "consent" in asked.prompt:
        return "due"
    if not required:
        return "given"
    return "given" if consent is not None and set(asked.wanted) <= set(consent.scopes) else "due"


class Consents(Protocol):
    """Where they are kept."""

    async def find(self, tx: Transaction, user_id: UUID, client_id: str) -> Consent | None:
        """What this person allows this client."""

    async def belongs(self, tx: Transaction, user_id: UUID, organisation_id: UUID) -> bool:
        """Whether this person is a member of the organisation whose app asks."""

    async def give(self, tx: Transaction, consent: Consent) -> None:
        """Keep it; what was allowed before stays allowed."""

    async def withdraw(self, tx: Transaction, user_id: UUID, client_id: str) -> bool:
        """Forget it. False: there was none."""
