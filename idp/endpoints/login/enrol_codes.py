"""What a code proves while a login sets something up: that texts reach a number, or mails an address.

The number becomes a second factor, and counts for this very login. The address becomes the way of links by mail, which
needs nothing else; it is no second factor of somebody who has none, so the login stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.web import correlation_id
from idp.authorization.login import Login
from idp.credentials.factor_guesses import factor_guesses
from idp.credentials.throttle import Limit, Throttle, TooMany
from idp.endpoints.login.enrolling import Enrollee, EnrolStep
from idp.endpoints.login.mail_codes import MailCodes, masked
from idp.endpoints.login.new_phones import NewPhones
from idp.endpoints.login.text_codes import Asked, Reach, TextCodes
from idp.endpoints.whereabouts import client_ip
from idp.factors.phone_number import AMR, Phone
from idp.sessions.signals.changes import ChangeSignals, CredentialChange


@dataclass(frozen=True, slots=True)
class NotRight:
    """What was wrong."""

    what: str
    typed: str = field(default="", repr=False)
    """A number that is not taken, to be shown again."""
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the page shows of codes that were sent, or could be."""

    texted_to: str | None
    """The number, as it is shown; None: none was typed yet."""
    mailed_to: str | None
    """The address, as it is shown; None: nothing was sent."""


class EnrolCodes:
    """Sends them, and takes them."""

    def __init__(
        self,
        step: EnrolStep,
        *,
        phones: NewPhones,
        texts: TextCodes,
        mails: MailCodes,
        signals: ChangeSignals,
        throttle: Throttle,
    ) -> None:
        self._step = step
        self._shared = step.shared
        self._phones = phones
        self._texts = texts
        self._mails = mails
        self._signals = signals
        self._throttle = throttle

    async def waiting(self, tx: Transaction, request: Request, at: Enrollee, *, other: bool) -> Waiting:
        """How it stands; `other`: they want to type another number."""
        found = await self._begun(tx, at) if "sms" in at.enrolment.methods and not other else None
        mailed = None
        if "link" in at.enrolment.methods:
            now = self._shared.clock.now()
            said = await self._mails.send(
                tx, request, at.login, at.arrived.recipient, now, again=False, counted=None
            )  # not counted: nothing is sent
            mailed = masked(at.account.email or "") if said == "already" else None
        return Waiting(found[1].number.written if found is not None else None, mailed)

    async def text(
        self, request: Request, login_id: UUID, typed: str = "", *, again: bool = False
    ) -> Response | NotRight:
        """Text digits to a number that was typed, or once more to the one before."""
        async with self._shared.database.begin() as tx:
            at = await self._step.at(tx, request, login_id, "sms")
            if isinstance(at, Response):
                return at
            reach = await self._reach(tx, at, typed, again=again)
        if not isinstance(reach, Reach):
            return NotRight(reach or "unreadable", typed)
        permit = await self._texts.may_send(request, at.account.id, reach)
        if permit.refusal is not None:
            return NotRight(f"text_{permit.refusal}", typed)
        async with self._shared.database.begin() as tx:
            at = await self._step.at(tx, request, login_id, "sms")
            if isinstance(at, Response):
                return at
            found = await self._begun(tx, at) if again else None
            phone = found[0] if found is not None else await self._phones.begin(tx, at.account.id, reach.number)
            now = self._shared.clock.now()
            sent = await self._texts.send(
                tx, request, _asked(phone, at.login), at.arrived.recipient, reach, now, again=again, permit=permit
            )
        if sent not in ("sent", "already"):
            return NotRight(f"mail_{sent}")
        return await self._went_on(at.login)

    async def by_text(self, request: Request, login_id: UUID, code: str) -> Response | NotRight:
        """Take the digits that were texted: the number counts from now on."""
        counted = await self._counted(request, login_id)
        if isinstance(counted, Response | NotRight):
            return counted
        codes = None
        async with self._shared.database.begin() as tx:
            at = await self._step.at(tx, request, login_id, "sms")
            if isinstance(at, Response):
                return at
            login, found = at.login, await self._begun(tx, at)
            if found is None:
                return self._shared.hops.to_dispatcher(login)
            phone, reach = found
            now = self._shared.clock.now()
            verdict = await self._texts.take(tx, _asked(phone, login), at.account.id, reach, code, now)
            if verdict == "right":
                await self._phones.confirm(tx, phone)
                change = CredentialChange("phone-sms", "create", "added")
                await self._signals.credential_changed(tx, at.account.id, change, correlation_id(request))
                login, codes = await self._step.added(tx, request, at, "sms", AMR)
            else:
                await self._step.record(tx, request, Kind.FACTOR_FAILED, at, "sms")
        if verdict != "right":
            return NotRight("spent_code" if verdict == "spent" else "wrong_text_code")
        await self._throttle.all_right(counted)
        await self._texts.was_used(reach)
        return await self._step.went_on(request, login, codes)

    async def mail(self, request: Request, login_id: UUID) -> Response | NotRight:
        """Mail digits to the address that the account has."""
        async with self._shared.database.begin() as tx:
            at = await self._step.at(tx, request, login_id, "link")
            if isinstance(at, Response):
                return at
        here = at.arrived.known.device_id if at.arrived.known.was_here else None
        counted = await self._mails.may_send(request, at.arrived.recipient, here)
        async with self._shared.database.begin() as tx:
            at = await self._step.at(tx, request, login_id, "link")
            if isinstance(at, Response):
                return at
            now = self._shared.clock.now()
            sent = await self._mails.send(tx, request, at.login, at.arrived.recipient, now, again=True, counted=counted)
        return await self._went_on(at.login) if sent in ("sent", "already") else NotRight(f"mail_{sent}")

    async def by_mail(self, request: Request, login_id: UUID, code: str) -> Response | NotRight:
        """Take the digits that were mailed: the address is theirs, and links reach them."""
        counted = await self._counted(request, login_id)
        if isinstance(counted, Response | NotRight):
            return counted
        async with self._shared.database.begin() as tx:
            at = await self._step.at(tx, request, login_id, "link")
            if isinstance(at, Response):
                return at
            verdict = await self._mails.take(tx, at.login, at.arrived.recipient, code, self._shared.clock.now())
            if verdict == "right":
                await self._step.noted(tx, request, at, "link")
            else:
                await self._step.record(tx, request, Kind.FACTOR_FAILED, at, "link")
        if verdict != "right":
            return NotRight("spent_code" if verdict == "spent" else "wrong_mail_code")
        await self._throttle.all_right(counted)
        return await self._went_on(at.login)

    async def _reach(self, tx: Transaction, at: Enrollee, typed: str, *, again: bool) -> Reach | str | None:
        if again:
            found = await self._begun(tx, at)
            return found[1] if found is not None else None
        return await self._phones.taken(tx, at.account.id, at.arrived.known.organisation_id, typed.strip())

    async def _begun(self, tx: Transaction, at: Enrollee) -> tuple[Phone, Reach] | None:
        return await self._phones.begun(tx, at.account.id, at.arrived.known.organisation_id)

    async def _counted(self, request: Request, login_id: UUID) -> Sequence[tuple[Limit, str]] | Response | NotRight:
        """Count a guess; while no transaction is open."""
        async with self._shared.database.connect() as tx:
            login = await self._shared.find(tx, login_id, self._shared.clock.now())
        if login.user_id is None:
            return self._shared.hops.to_dispatcher(login)
        counted = factor_guesses(login.user_id, client_ip(request), None)
        try:
            await self._throttle.attempt_all(counted)
        except TooMany as problem:
            return NotRight("too_many", headers=problem.headers)
        return counted

    async def _went_on(self, login: Login) -> Response:
        await self._shared.telling.poke()
        return self._shared.hops.to_dispatcher(login)


def _asked(phone: Phone, login: Login) -> Asked:
    return Asked(bound_to=phone.id, faced=login.takeover_of, until=login.expires_at)
