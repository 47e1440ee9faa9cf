"""What tokens and userinfo say of a person, gathered from the directory and their session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from config.connections import Transaction
from idp.devices.device import Trust
from idp.sessions.session import Session
from idp.tokens.issue import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonNow:
    """A person as they are now, in one organisation and at one device."""

    name: str
    login_name: str
    locale: str
    zone: str | None
    """The time zone that they chose."""
    email: str | None
    email_verified: bool
    """Whether they have proven to this house that the address is theirs."""
    updated_at: datetime
    """When any of these last changed."""
    roles: tuple[str, ...]
    """None of them where they left the organisation."""
    device_id: UUID | None
    """None where the device was removed."""
    device_trust: Trust | None


class PeopleNow(Protocol):
    """Where they are looked up."""

    async def person_now(
        self, tx: Transaction, user_id: UUID, organisation_id: UUID, device_id: UUID | None
    ) -> PersonNow | None:
        """The person; None: there is none, or they may not sign in."""


class Subjects:
    """Gathers `Subject`s."""

    def __init__(self, people: PeopleNow) -> None:
        self._people = people

    async def of(self, tx: Transaction, session: Session) -> Subject | None:
        """The person of a session as they are now; None where the account may not sign in any more."""
        person = await self._people.person_now(tx, session.user_id, session.organisation_id, session.visitor.device_id)
        if person is None:
            return None
        return Subject(
            sub=str(session.user_id),
            sid=session.sid,
            org=str(session.organisation_id),
            roles=person.roles,
            amr=session.amr,
            acr=session.acr,
            authenticated_at=session.authenticated_at,
            device_id=str(person.device_id or ""),
            device_trust=person.device_trust or "unknown",
            claims={
                "name": person.name,
                "preferred_username": person.login_name,
                "locale": person.locale,
                "zoneinfo": person.zone,
                "updated_at": int(person.updated_at.timestamp()),
                "email": person.email,
                "email_verified": person.email_verified if person.email else None,
            },
        )
