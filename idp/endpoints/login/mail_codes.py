"""Codes by mail at the rim: sent when the page that asks for one is shown, and again on request; used up when right."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from starlette.requests import Request

from config.connections import Transaction
from config.entropy import Entropy
from config.web import correlation_id
from idp.authorization.attempts import Recipient
from idp.authorization.login import Login
from idp.credentials.throttle import Allowance, Throttle, TooMany, address_subject
from idp.endpoints.whereabouts import client_ip
from idp.factors.one_time_code import (
    AMR,
    LIFETIME,
    CodeDigests,
    CodeStorage,
    SentCode,
    Verdict,
    masked,
    may_send,
    new_code,
)
from notifications.notice import Notice, NoticeKind
from notifications.queue import Queue

CODES_OF_ACCOUNT: Final = Allowance("mail-code-account", 10, 3600)
CODES_OF_ADDRESS: Final = Allowance("mail-code-address", 100, 3600)
Sending = Literal["sent", "already", "too_soon", "too_many", "uncounted"]

__all__ = ["AMR", "CODES_OF_ACCOUNT", "CODES_OF_ADDRESS", "MailCodes", "Sending", "masked"]


class ProvenAddresses(Protocol):
    """Where it is kept which addresses people have proven to be theirs."""

    async def prove(self, tx: Transaction, user_id: UUID, address: str, now: datetime) -> bool:
        """Keep that a person read a secret that was sent to this address. False where that is nothing new."""


class MailCodes:
    """Sends codes for logins, and takes them."""

    def __init__(
        self,
        storage: CodeStorage,
        addresses: ProvenAddresses,
        digests: CodeDigests,
        queue: Queue,
        throttle: Throttle,
        entropy: Entropy,
    ) -> None:
        self._storage = storage
        self._addresses = addresses
        self._digests = digests
        self._queue = queue
        self._throttle = throttle
        self._entropy = entropy

    async def may_send(self, request: Request, person: Recipient, known_device: UUID | None) -> bool:
        """Count a code that is about to be sent to a person, and for an address. False: those are too many.

        A device where the person got a session before has a limit of its own, which nobody else uses up.
        Call it while no transaction is open: a store that stalls would hold the login, and whoever waits for it.
        """
        try:
            await self._throttle.attempt(CODES_OF_ADDRESS, address_subject(client_ip(request)))
            whose = f"{person.user_id}\0{known_device}" if known_device is not None else str(person.user_id)
            await self._throttle.attempt(CODES_OF_ACCOUNT, whose)
        except TooMany:
            return False
        return True

    async def send(
        self,
        tx: Transaction,
        request: Request,
        login: Login,
        person: Recipient,
        now: datetime,
        *,
        again: bool,
        counted: bool | None,
    ) -> Sending:
        """Send a code for what this login faces now; `again` where the person asks for another one.

        Resending is limited for the login, the account and the address. `counted` is what `may_send` said; where it was
        not asked (None) and a code is due, nothing is sent: `uncounted`. The caller pokes the queue after the commit.
        """
        assert person.email is not None
        last = await self._storage.sent_code(tx, login.id)
        faced = login.takeover_of
        if last is not None and not again and last.faced == faced and last.user_id == person.user_id:
            return "already"  # a page that is shown once more sends nothing: the person asks, if it does not come
        if refusal := may_send(last, faced, now):
            return refusal
        if not counted:
            return "uncounted" if counted is None else "too_many"
        code = new_code(self._entropy)
        kept = SentCode(
            login_id=login.id,
            user_id=person.user_id,
            faced=faced,
            digest=self._digests.digest(code, login.id, person.user_id, person.email, faced),
            wrong=0,
            sends=last.sends + 1 if last is not None else 1,
            sent_at=now,
            expires_at=min(now + LIFETIME, login.expires_at),
        )
        if not await self._storage.put_code(tx, kept):
            return "already"  # another tab of this login was first
        await self._queue.put(tx, _notice(request, person, code, kept))
        return "sent"

    async def take(self, tx: Transaction, login: Login, person: Recipient, given: str, now: datetime) -> Verdict:
        """What a given code is worth. A right one is used up, and proves the address; a wrong one is counted."""
        address = person.email or ""
        kept = await self._storage.sent_code(tx, login.id)
        verdict = self._digests.judge(kept, given, person.user_id, address, login.takeover_of, now)
        if verdict == "wrong":
            await self._storage.count_wrong(tx, login.id)
        if verdict == "right" and (kept is None or not await self._storage.consume_code(tx, kept)):
            return "spent"
        if verdict == "right":
            await self._addresses.prove(tx, person.user_id, address, now)
        return verdict


def _notice(request: Request, person: Recipient, code: str, kept: SentCode) -> Notice:
    assert person.email is not None
    minutes = max(1, int((kept.expires_at - kept.sent_at).total_seconds()) // 60)
    return Notice(
        kind=NoticeKind.SIGN_IN_CODE,
        user_id=person.user_id,
        to=person.email,
        locale=person.locale,
        name=person.name,
        facts={"code": code, "minutes": str(minutes)},
        correlation_id=correlation_id(request),
    )
