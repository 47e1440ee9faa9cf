"""The number of a person's phone, as their account shows it, and what is confirmed by a code that goes there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from starlette.requests import Request

from config.connections import Transaction
from idp.authorization.attempts import Recipient
from idp.credentials.text_guard import Permit
from idp.endpoints.account.door import Person
from idp.endpoints.login.text_codes import Asked, Reach, TextCodes, Texting
from idp.factors.phone_number import NotTaken, PhoneStorage


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """A number that its person has proven."""

    id: UUID
    written: str = field(repr=False)
    created_at: datetime


class OwnNumbers:
    """Looks numbers up and forgets them, and sends codes by which somebody who is signed in confirms who they are."""

    def __init__(self, phones: PhoneStorage, codes: TextCodes) -> None:
        self._phones = phones
        self._codes = codes

    @property
    def available(self) -> bool:
        """Whether anybody carries texts."""
        return self._codes.available

    async def own(self, tx: Transaction, user_id: UUID) -> OwnNumber | None:
        """The one that a person has proven."""
        phone = await self._phones.phone(tx, user_id)
        if phone is None:
            return None
        try:
            return OwnNumber(phone.id, self._codes.opened(phone).written, phone.created_at)
        except NotTaken:  # the plan of numbers knows it no longer; it can be taken away all the same
            return OwnNumber(phone.id, "", phone.created_at)

    async def remove(self, tx: Transaction, user_id: UUID, phone_id: UUID) -> bool:
        """Forget a person's number. False where there is none."""
        return await self._phones.remove_phone(tx, user_id, phone_id)

    async def reach(self, tx: Transaction, person: Person) -> Reach | None:
        """Where texts reach the person."""
        return await self._codes.reach(tx, person.account.id, person.session.organisation_id)

    async def may_send(self, request: Request, person: Person, reach: Reach) -> Permit:
        """`TextCodes.may_send`; while no transaction is open."""
        return await self._codes.may_send(request, person.account.id, reach)

    async def confirm_by(
        self, tx: Transaction, request: Request, person: Person, reach: Reach, permit: Permit, now: datetime
    ) -> Texting:
        """Send a code by which the person confirms who they are."""
        return await self._codes.send(
            tx, request, _confirming(person), recipient(person), reach, now, again=True, permit=permit
        )

    async def confirmed(self, tx: Transaction, person: Person, reach: Reach, given: str, now: datetime) -> bool:
        """Whether this is that code; it is used up then."""
        asked = _confirming(person)
        return await self._codes.take(tx, asked, person.account.id, reach, given, now) == "right"

    async def was_used(self, reach: Reach) -> None:
        """A code was right; after the commit. It never fails."""
        await self._codes.was_used(reach)


def recipient(person: Person) -> Recipient:
    """Whom a code is for."""
    return Recipient.of(person.account)


def _confirming(person: Person) -> Asked:
    session = person.session
    digest = hashlib.sha256(b"munjigi-confirm\0" + session.sid.encode()).digest()
    return Asked(bound_to=UUID(bytes=digest[:16]), faced=session.sid, until=session.absolute_expires_at)
