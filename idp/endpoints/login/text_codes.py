"""Codes by text at the rim: to the number that a person has proven, or is about to; used up when right.

A text costs money, and somebody may earn from it, so `idp.credentials.text_guard` is asked before each one: outside of
any transaction, as with mails.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from starlette.requests import Request

from audit.trail import AuditEvent, Kind, record
from config.connections import Database, Transaction
from config.entropy import Entropy
from config.envelope import Envelope
from config.web import correlation_id
from idp.authorization.attempts import Recipient
from idp.authorization.login_rules import LoginRulesCache
from idp.credentials.text_guard import Destination, Permit, Refusal, TextGuard
from idp.endpoints.login.mail_codes import Sending
from idp.endpoints.whereabouts import client_ip
from idp.factors.one_time_code import LIFETIME, CodeDigests, CodeStorage, SentCode, Verdict, may_send, new_code
from idp.factors.phone_number import NotTaken, Phone, PhoneNumber, PhoneStorage, context, of_e164
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue

Texting = Sending | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a code is for: nothing else accepts it."""

    bound_to: UUID
    """A login, or what is confirmed in an account."""
    faced: str | None
    """The session (sid) that the login faces, or that the account is seen in."""
    until: datetime
    """When that is over."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a person's texts go, and which countries their organisation lets them go to."""

    number: PhoneNumber = field(repr=False)
    countries: Collection[str]

    @property
    def destination(self) -> Destination:
        """For the guard."""
        return Destination(self.number.e164, self.number.block, self.number.country)


class TextCodes:
    """Sends codes by text, and takes them."""

    def __init__(
        self,
        storage: CodeStorage,
        phones: PhoneStorage,
        digests: CodeDigests,
        queue: Queue,
        guard: TextGuard,
        rules: LoginRulesCache,
        database: Database,
        envelope: Envelope,
        entropy: Entropy,
        *,
        host: str,
    ) -> None:
        """`host`: of the pages where codes are typed."""
        self._storage = storage
        self._phones = phones
        self._digests = digests
        self._queue = queue
        self._guard = guard
        self._rules = rules
        self._database = database
        self._envelope = envelope
        self._entropy = entropy
        self._host = host

    @property
    def available(self) -> bool:
        """Whether anybody carries texts."""
        return self._guard.available

    def opened(self, phone: Phone) -> PhoneNumber:
        """The number of a row."""
        return of_e164(self._envelope.open(phone.sealed_number, context(phone.id)).decode())

    async def reach(self, tx: Transaction, user_id: UUID, organisation_id: UUID) -> Reach | None:
        """Where the person has proven that texts reach them."""
        phone = await self._phones.phone(tx, user_id)
        return await self.reach_of(tx, phone, organisation_id) if phone is not None else None

    async def reach_of(self, tx: Transaction, phone: Phone, organisation_id: UUID) -> Reach | None:
        """The same of a number that is yet to be proven. None for one that the plan of numbers no longer knows."""
        try:
            number = self.opened(phone)
        except NotTaken:
            return None
        return Reach(number, (await self.rules_of(tx, organisation_id)))

    async def rules_of(self, tx: Transaction, organisation_id: UUID) -> Collection[str]:
        """Countries that an organisation lets texts go to."""
        return (await self._rules.of(tx, organisation_id)).text_countries or ()

    async def may_send(self, request: Request, user_id: UUID, reach: Reach) -> Permit:
        """Count a text that is about to be sent, or say why none goes. Call it while no transaction is open.

        What somebody should look at goes into the trail.
        """
        permit = await self._guard.may_send(
            reach.destination, person=user_id, address=client_ip(request), countries=reach.countries
        )
        if permit.alarm is not None:
            details = {"alarm": permit.alarm, "country": reach.number.country, "block": reach.number.block}
            event = AuditEvent(
                kind=Kind.TEXTS_ALARM,
                correlation_id=correlation_id(request),
                actor=str(user_id),
                subject=reach.number.country,
                ip=client_ip(request),
                details=details,
            )
            async with self._database.begin() as tx:
                await record(tx, event)
        return permit

    async def send(
        self,
        tx: Transaction,
        request: Request,
        asked: Asked,
        person: Recipient,
        reach: Reach,
        now: datetime,
        *,
        again: bool,
        permit: Permit | None,
    ) -> Texting:
        """Send a code, as `MailCodes.send` does; `permit` is what `may_send` said, None: it was not asked."""
        last = await self._storage.sent_code(tx, asked.bound_to)
        number = reach.number.e164
        if last is not None and not again and last.faced == asked.faced and last.user_id == person.user_id:
            return "already"
        if refusal := may_send(last, asked.faced, now):
            return refusal
        if permit is None:
            return "uncounted"
        if permit.refusal is not None:
            return permit.refusal
        code = new_code(self._entropy)
        kept = SentCode(
            login_id=asked.bound_to,
            user_id=person.user_id,
            faced=asked.faced,
            digest=self._digests.digest(code, asked.bound_to, person.user_id, number, asked.faced),
            wrong=0,
            sends=last.sends + 1 if last is not None else 1,
            sent_at=now,
            expires_at=min(now + LIFETIME, asked.until),
        )
        if not await self._storage.put_code(tx, kept):
            return "already"  # another tab was first
        minutes = max(1, int((kept.expires_at - now).total_seconds()) // 60)
        notice = Notice(
            kind=NoticeKind.SIGN_IN_CODE,
            user_id=person.user_id,
            to=number,
            locale=person.locale,
            name=person.name,
            facts={"code": code, "minutes": str(minutes), "host": self._host},
            correlation_id=correlation_id(request),
            channel="text",
        )
        await self._queue.put(tx, notice)
        return "sent"

    async def take(
        self, tx: Transaction, asked: Asked, user_id: UUID, reach: Reach, given: str, now: datetime
    ) -> Verdict:
        """What a given code is worth. A right one is used up; a wrong one is counted."""
        kept = await self._storage.sent_code(tx, asked.bound_to)
        verdict = self._digests.judge(kept, given, user_id, reach.number.e164, asked.faced, now)
        if verdict == "wrong":
            await self._storage.count_wrong(tx, asked.bound_to)
        if verdict == "right" and (kept is None or not await self._storage.consume_code(tx, kept)):
            return "spent"
        return verdict

    async def was_used(self, reach: Reach) -> None:
        """A code that went there was right; after the commit. It never fails."""
        await self._guard.was_used(reach.destination)
