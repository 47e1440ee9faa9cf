"""Telephone numbers to which codes go by text: which ones are taken, how they are kept and shown. Pure.

Google's numbering plans (`phonenumbers`) say which ranges are allocated and what they are for; kept by hand they would
be wrong within months. A number is refused that is none, that nobody was allocated, that costs whoever calls it, or
that is no mobile one: those are what is sent to by whoever earns from texts ("toll fraud", "SMS pumping"), and what
NIST SP 800-63B-4, section 3.1.3.3, tells verifiers to be wary of.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from config.connections import Transaction

AMR: Final = ("sms",)
"""RFC 8176, section 2."""
LONGEST: Final = 32
"""Characters of a number as somebody types it."""
MOST_PEOPLE: Final = 5
"""People who may have proven one number: a family shares a phone, a farm of accounts shares more."""
_BLOCK: Final = 4
"""Last digits that one block of numbers has in common with nobody."""

Reason = Literal["unreadable", "unallocated", "premium", "not_mobile"]
_COSTLY: Final = frozenset(
    {PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.PERSONAL_NUMBER, PhoneNumberType.UAN}
)
_MOBILE: Final = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


class NotTaken(Exception):
    """What was typed is no number that codes go to; the message does not show it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A mobile number."""

    e164: str = field(repr=False)
    """`+821012345678` (ITU-T E.164)."""
    country: str
    """ISO 3166-1."""

    @property
    def block(self) -> str:
        """The range that it is of: its number without the last four digits."""
        return self.e164[:-_BLOCK]

    @property
    def masked(self) -> str:
        """As it is shown to somebody who has not proven that it is theirs: `+82 ***78`."""
        return f"+{phonenumbers.parse(self.e164).country_code} ***{self.e164[-2:]}"

    @property
    def written(self) -> str:
        """As its person writes it."""
        return str(phonenumbers.format_number(phonenumbers.parse(self.e164), PhoneNumberFormat.INTERNATIONAL))


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A number as it is kept of a person."""

    id: UUID
    user_id: UUID
    sealed_number: bytes = field(repr=False)
    number_index: bytes = field(repr=False)
    created_at: datetime
    confirmed_at: datetime | None
    """When its person typed a code that was sent there; `None`: not yet, and it counts for nothing."""


class PhoneStorage(Protocol):
    """Where numbers are kept."""

    async def phone(self, tx: Transaction, user_id: UUID) -> Phone | None:
        """The number that a person has proven."""

    async def pending_phone(self, tx: Transaction, user_id: UUID) -> Phone | None:
        """The one that they are about to prove."""

    async def begin_phone(self, tx: Transaction, phone: Phone) -> None:
        """Keep a new number, unproven, in place of an earlier unproven one."""

    async def confirm_phone(self, tx: Transaction, phone: Phone, now: datetime) -> None:
        """It is proven, and takes the place of the one that the person had."""

    async def remove_phone(self, tx: Transaction, user_id: UUID, phone_id: UUID) -> bool:
        """Forget a person's number. False where there is none."""

    async def others_with(self, tx: Transaction, user_id: UUID, number_index: bytes) -> int:
        """How many other people have proven this number."""


def context(phone_id: UUID) -> str:
    """The place that a sealed number is bound to."""
    return f"idp.phone:{phone_id}"


def phone_number(typed: str, home: str) -> PhoneNumber:
    """The number that somebody typed; without a country it is one of `home` (ISO 3166-1). Raises `NotTaken`."""
    if len(typed) > LONGEST:
        raise NotTaken("unreadable")
    try:
        parsed = phonenumbers.parse(typed, home)
    except phonenumbers.NumberParseException:
        raise NotTaken("unreadable") from None
    if parsed.extension or not phonenumbers.is_possible_number(parsed):
        raise NotTaken("unreadable")
    country = phonenumbers.region_code_for_number(parsed)
    if country is None or len(country) != 2 or not phonenumbers.is_valid_number(parsed):
        raise NotTaken("unallocated")
    kind = phonenumbers.number_type(parsed)
    if kind in _COSTLY:
        raise NotTaken("premium")
    if kind not in _MOBILE:
        raise NotTaken("not_mobile")
    return PhoneNumber(str(phonenumbers.format_number(parsed, PhoneNumberFormat.E164)), str(country))


def of_e164(number: str) -> PhoneNumber:
    """A number as it was kept. The plan may have changed since, so its kind is not asked again. Raises `NotTaken`."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        raise NotTaken("unreadable") from None
    return PhoneNumber(number, str(phonenumbers.region_code_for_number(parsed) or ""))
