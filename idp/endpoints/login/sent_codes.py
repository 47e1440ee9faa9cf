"""The codes that a login is sent: by mail to whoever has nothing better, by text to whoever proved a number.

Where no text goes out (too many of them, a range that is paused, a day's budget), whoever has nothing but their number
gets a code by mail in its place: that is what somebody without a number gets, and nobody is locked out by what others
did to the budget (decision 0057).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from starlette.requests import Request

from config.connections import Transaction
from idp.authorization.login import Login
from idp.credentials.text_guard import Permit, Refusal
from idp.endpoints.login.known_person import Arrived
from idp.endpoints.login.mail_codes import MailCodes, masked
from idp.endpoints.login.text_codes import Asked, Reach, TextCodes, Texting
from idp.factors import one_time_code, phone_number
from idp.factors.one_time_code import Verdict
from idp.factors.requirement import BEST_FIRST, FactorKind

Way = Literal["sms", "email"]
AMR: Final = {"sms": phone_number.AMR, "email": one_time_code.AMR}
_NO_TEXT: Final[tuple[Refusal, ...]] = ("unavailable", "country", "limits", "paused", "budget")


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted before a code is sent."""

    text: Permit | None = None
    mail: bool | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of sending one."""

    way: Way
    outcome: Texting
    to: str
    """The address or the number, as it is shown."""
    instead: bool = False
    """By mail, since no text goes out."""

    @property
    def is_there(self) -> bool:
        """Whether there is a code to type."""
        return self.outcome in ("sent", "already", "too_soon", "too_many")

    @property
    def fault(self) -> str | None:
        """What is wrong, as the words of the page name it."""
        if self.outcome in _NO_TEXT:
            return f"text_{self.outcome}"
        return f"mail_{self.outcome}" if self.outcome in ("too_soon", "too_many") else None


class SentCodes:
    """Sends them, and takes them."""

    def __init__(self, mails: MailCodes, texts: TextCodes, *, mail_counts: bool) -> None:
        """`mail_counts`: whether a code by mail raises the assurance, so that it can stand in for a text."""
        self._mails = mails
        self._texts = texts
        self._mail_counts = mail_counts

    @staticmethod
    def way(arrived: Arrived, kinds: Sequence[FactorKind], *, asked: bool) -> Way | None:
        """By what of the factors that are offered a code is sent now; `asked`: the person asks for a text, though there
        is something better."""
        if arrived.account.by_mail:
            return "email"
        return "sms" if "sms" in kinds and (asked or _best(kinds) == "sms") else None

    async def count(self, request: Request, login: Login, arrived: Arrived, way: Way, reach: Reach | None) -> Counted:
        """Count what is about to be sent; while no transaction is open. Raises `CANNOT_COUNT`."""
        permit = None
        if way == "sms":
            assert reach is not None
            permit = await self._texts.may_send(request, arrived.known.user_id, reach)
            if permit.refusal is None or not self._mail_stands_in(login, arrived):
                return Counted(permit)
        here = arrived.known.device_id if arrived.known.was_here else None
        return Counted(permit, await self._mails.may_send(request, arrived.recipient, here))

    async def reach(self, tx: Transaction, arrived: Arrived) -> Reach | None:
        """Where texts reach the person."""
        return await self._texts.reach(tx, arrived.known.user_id, arrived.known.organisation_id)

    async def send(
        self,
        tx: Transaction,
        request: Request,
        login: Login,
        arrived: Arrived,
        now: datetime,
        *,
        way: Way,
        reach: Reach | None,
        again: bool,
        counted: Counted | None,
    ) -> Sent:
        """Send a code for what this login faces now. The caller counts and asks once more where it is `uncounted`."""
        counted = counted or Counted()
        no_text = counted.text is not None and counted.text.refusal is not None
        if way == "email" or (no_text and counted.mail is not None) or reach is None:
            outcome = await self._mails.send(
                tx, request, login, arrived.recipient, now, again=again, counted=counted.mail
            )
            return Sent("email", outcome, masked(arrived.known.email or ""), instead=way == "sms")
        texted = await self._texts.send(
            tx, request, _asked(login), arrived.recipient, reach, now, again=again, permit=counted.text
        )
        return Sent("sms", texted, reach.number.masked)

    async def take(
        self, tx: Transaction, login: Login, arrived: Arrived, way: Way, given: str, now: datetime
    ) -> Verdict:
        """What a given code is worth; by mail only of whoever is sent one there."""
        if way == "sms":
            reach = await self.reach(tx, arrived)
            if reach is None:
                return "spent"
            return await self._texts.take(tx, _asked(login), arrived.known.user_id, reach, given, now)
        if not arrived.account.by_mail and not self._mail_stands_in(login, arrived):
            return "spent"
        return await self._mails.take(tx, login, arrived.recipient, given, now)

    def _mail_stands_in(self, login: Login, arrived: Arrived) -> bool:
        """Whether a code by mail is worth what a text is, of somebody who has nothing but their number."""
        has_nothing_else = set(arrived.known.enrolled) == {"sms"} and arrived.known.email is not None
        has_nothing_else = has_nothing_else and "email" not in arrived.forbidden
        return has_nothing_else and self._mail_counts and not set(AMR["email"]) & set(login.amr)

    async def was_used(self, reach: Reach | None) -> None:
        """A code by text was right; after the commit. It never fails."""
        if reach is not None:
            await self._texts.was_used(reach)


def _asked(login: Login) -> Asked:
    return Asked(bound_to=login.id, faced=login.takeover_of, until=login.expires_at)


def _best(kinds: Sequence[FactorKind]) -> FactorKind | None:
    return next((kind for kind in BEST_FIRST if kind in kinds), None)
