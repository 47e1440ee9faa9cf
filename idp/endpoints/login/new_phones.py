"""A number that somebody is about to prove: taken, kept, found again. The account and the login both do it by this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from config.blind_index import BlindIndex
from config.clock import Clock
from config.connections import Transaction
from config.entropy import Entropy
from config.envelope import Envelope
from idp.endpoints.login.text_codes import Reach, TextCodes
from idp.factors.phone_number import (
    MOST_PEOPLE,
    NotTaken,
    Phone,
    PhoneNumber,
    PhoneStorage,
    Reason,
    context,
    phone_number,
)

Untaken = Reason | Literal["shared"]
"""Why codes go to no such number; `shared`: too many people have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPhones:
    """Within the caller's transaction; the caller sends the code, records it and tells the person."""

    phones: PhoneStorage
    codes: TextCodes
    index: BlindIndex
    envelope: Envelope
    entropy: Entropy
    clock: Clock

    async def taken(self, tx: Transaction, user_id: UUID, organisation_id: UUID, typed: str) -> Reach | Untaken:
        """The number that was typed, if codes may go there."""
        countries = await self.codes.rules_of(tx, organisation_id)
        try:
            number = phone_number(typed, next(iter(countries), "KR"))
        except NotTaken as refused:
            return refused.reason
        if await self.phones.others_with(tx, user_id, self.index.of(number.e164)) >= MOST_PEOPLE:
            return "shared"
        return Reach(number, countries)

    async def begin(self, tx: Transaction, user_id: UUID, number: PhoneNumber) -> Phone:
        """Keep it, unproven, in place of an earlier unproven one."""
        ident = self.entropy.uuid()
        phone = Phone(
            id=ident,
            user_id=user_id,
            sealed_number=self.envelope.seal(number.e164.encode(), context(ident)),
            number_index=self.index.of(number.e164),
            created_at=self.clock.now(),
            confirmed_at=None,
        )
        await self.phones.begin_phone(tx, phone)
        return phone

    async def begun(self, tx: Transaction, user_id: UUID, organisation_id: UUID) -> tuple[Phone, Reach] | None:
        """The one that is to be proven, and where its code goes."""
        phone = await self.phones.pending_phone(tx, user_id)
        reach = await self.codes.reach_of(tx, phone, organisation_id) if phone is not None else None
        return (phone, reach) if phone is not None and reach is not None else None

    async def confirm(self, tx: Transaction, phone: Phone) -> None:
        """It is proven, and takes the place of the one that the person had."""
        await self.phones.confirm_phone(tx, phone, self.clock.now())
