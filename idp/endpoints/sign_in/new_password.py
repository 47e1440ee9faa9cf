"""`/recover/password`: the page of a link of recovery, and the new password that it takes.

Looking at the page uses nothing up. A second factor is asked for where the person has one: whoever reads a mailbox is
not the person by that alone. With the new password everything that stood on the old one ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from audit.trail import Kind
from config.connections import Transaction
from config.web import correlation_id
from idp.authorization.attempts import Recipient
from idp.credentials.factor_guesses import RECOVERY_FACTOR
from idp.credentials.password import PasswordPool
from idp.credentials.recovery import Recovery, RecoveryLink, token_hash
from idp.credentials.throttle import Throttle, TooMany
from idp.devices.identification import DEVICE_COOKIE, DEVICE_COOKIE_AGE, cookie_hash
from idp.directory.account import Account, Directory, LockReason
from idp.endpoints.login.arrivals import COOKIE_SIZE, Enrolments
from idp.endpoints.login.failure_codes import LINK_OVER, failure_code
from idp.endpoints.login.login_page import LoginPages, read_fields, record_attempt
from idp.endpoints.login.mail_codes import ProvenAddresses
from idp.endpoints.login.password_change import NewPasswords, PasswordChange
from idp.endpoints.sign_in.recover import may_recover, show
from idp.endpoints.sign_in.remembering import REMEMBERED_COOKIE, Keep
from idp.endpoints.sign_in.restart import home_of
from idp.endpoints.sign_in.second_proof import SecondProof
from idp.endpoints.sign_in.way_in_notices import WayInNotices
from idp.endpoints.sign_in.ways_back import WaysBack
from idp.factors.one_time_code import LIFETIME
from idp.factors.requirement import FactorKind
from idp.sessions.signals.changes import ChangeSignals, CredentialChange
from notifications.notice import NoticeKind


class Unlocking(Protocol):
    """Where locks are lifted."""

    async def unlock(self, tx: Transaction, user_id: UUID, *, only: LockReason | None = None) -> bool:
        """Let a locked account sign in again; with `only`, one that was locked for this reason."""


class LostFactors(Protocol):
    """Where second factors are kept."""

    async def revoked(self, tx: Transaction, user_id: UUID) -> Sequence[CredentialChange]:
        """What a reset takes away, as subscribers of shared signals are told of it; ask before it."""

    async def reset(self, tx: Transaction, user_id: UUID) -> Sequence[str]:
        """Take away all of them, and what stood in for them; returns the kinds that there were."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """The link as it is looked at."""

    link: RecoveryLink
    account: Account
    enrolled: tuple[FactorKind, ...]
    """The factors that are asked for beside it; none, where it stands in for all of them."""


class NewPasswordPage:
    """Shows the page of a link, and takes the new password."""

    def __init__(
        self,
        shared: LoginPages,
        *,
        directory: Directory,
        locks: Unlocking,
        rules: NewPasswords,
        change: PasswordChange,
        enrolments: Enrolments,
        addresses: ProvenAddresses,
        proof: SecondProof,
        recovery: Recovery,
        notices: WayInNotices,
        ways_back: WaysBack,
        factors: LostFactors,
        signals: ChangeSignals,
        pool: PasswordPool,
        throttle: Throttle,
    ) -> None:
        self._shared = shared
        self._directory = directory
        self._locks = locks
        self._rules = rules
        self._new_password = change
        self._enrolments = enrolments
        self._addresses = addresses
        self._proof = proof
        self._recovery = recovery
        self._notices = notices
        self._ways_back = ways_back
        self._factors = factors
        self._signals = signals
        self._pool = pool
        self._throttle = throttle

    async def __call__(self, request: Request) -> Response:
        """`GET` shows; `POST` takes the new password."""
        if request.method != "POST":
            return await self._show(request, request.query_params.get("token", ""))
        self._shared.hops.refuse_foreign(request)
        form = await read_fields(request)
        token, new = form.get("token", ""), form.get("new", "")
        async with self._shared.database.connect() as tx:
            opened = await self._open(tx, token)
        if opened is None:
            return await self._gone(request)
        if form.get("act") == "text" and "sms" in opened.enrolled:
            return await self._text(request, token, opened)
        if faults := await self._faults(opened, form):
            return await self._show(request, token, faults)
        guessed = opened.enrolled and form.get("code")  # nobody guesses a passkey
        if guessed:
            try:
                await self._throttle.attempt(RECOVERY_FACTOR, str(opened.account.id))
            except TooMany as problem:
                response = await self._show(request, token, [("", "too_many")], HTTPStatus.TOO_MANY_REQUESTS)
                response.headers.update(problem.headers)
                return response
        hashed = await self._pool.hash(new)
        async with self._shared.database.begin() as tx:
            outcome = await self._change(tx, request, token, form, hashed)
        await self._notices.poke()
        if outcome is None:
            return await self._gone(request)
        if isinstance(outcome, str):
            return await self._show(request, token, [("code" if form.get("code") else "", outcome)])
        async with self._shared.database.begin() as tx:  # those that proved it while it was changed
            await self._shared.logins.forget_person(tx, outcome.account.id)
        if guessed:
            await self._throttle.was_right(RECOVERY_FACTOR, str(outcome.account.id))
            if "sms" in outcome.enrolled:
                await self._proof.was_typed(self._shared.database, outcome.account.id)
        return await self._changed(request, outcome)

    async def _text(self, request: Request, token: str, opened: _Opened) -> Response:
        """Send a code to the person's number, for the form that they fill in next."""
        account = opened.account
        person = Recipient.of(account)
        async with self._shared.database.connect() as tx:
            reach = await self._proof.reach(tx, account.id)
        if reach is None:
            return await self._show(request, token)
        permit = await self._proof.may_text(request, account.id, reach)
        async with self._shared.database.begin() as tx:
            texted = await self._proof.text(
                tx, request, person, reach, permit, _bound_to(token), opened.link.expires_at
            )
        await self._notices.poke()
        if texted in ("sent", "already"):
            return await self._show(request, token, sent_to=reach.number.masked)
        fault = f"mail_{texted}" if texted in ("too_soon", "too_many") else f"text_{texted}"
        return await self._show(request, token, [("", fault)], HTTPStatus.TOO_MANY_REQUESTS)

    async def _open(self, tx: Transaction, token: str, *, claim: bool = False) -> _Opened | None:
        now = self._shared.clock.now()
        link = await (self._recovery.claim if claim else self._recovery.find)(tx, token, now)
        account = await self._directory.account(tx, link.user_id) if link is not None else None
        if link is None or account is None or not may_recover(account):
            return None
        asked = () if link.anew else tuple(await self._enrolments.enrolled(tx, account.id))
        return _Opened(link, account, asked)

    async def _change(
        self, tx: Transaction, request: Request, token: str, form: dict[str, str], hashed: str
    ) -> _Opened | str | None:
        """What was opened, if the password is changed now; a fault; None where the link is gone."""
        opened = await self._open(tx, token, claim=True)
        if opened is None:
            return None
        person = opened.account.id
        proof = await self._proof.proves(tx, request, person, form, _bound_to(token)) if opened.enrolled else None
        if opened.enrolled and proof is None:
            details = {"method": "totp" if form.get("code") else "passkey", "during": "recovery"}
            await record_attempt(tx, request, Kind.FACTOR_FAILED, subject=str(person), details=details)
            return "wrong_code" if form.get("code") else "passkey_refused"
        now = self._shared.clock.now()
        if proof == "saved":
            left = str(await self._proof.saved_left(tx, person))
            await self._notices.happened(tx, request, opened.account, NoticeKind.RECOVERY_CODE_USED, now, left=left)
        await self._shared.logins.forget_person(tx, person)  # one that proved the old password begins nothing with it
        await self._new_password.keep(tx, request, person, hashed, now, during="recovery", signal="password_recovered")
        await self._recovery.finish(tx, person)
        if opened.link.anew:
            await self._forget_factors(tx, request, opened.account, now)
        await self._ways_back.finished(tx, request, person, now, anew=opened.link.anew)
        if opened.link.sent_to is not None:  # who has the link read the mail
            await self._addresses.prove(tx, person, opened.link.sent_to, now)
        if await self._locks.unlock(tx, person, only="not_me"):
            await record_attempt(tx, request, Kind.ACCOUNT_UNLOCKED, subject=str(person))
        await self._notices.happened(tx, request, opened.account, NoticeKind.PASSWORD_CHANGED, now)
        return opened

    async def _forget_factors(self, tx: Transaction, request: Request, account: Account, now: datetime) -> None:
        """They are lost, or in other hands: none of them leads in any more."""
        for change in await self._factors.revoked(tx, account.id):
            await self._signals.credential_changed(tx, account.id, change, correlation_id(request))
        for factor in await self._factors.reset(tx, account.id):
            details = {"factor": factor, "during": "recovery"}
            await record_attempt(tx, request, Kind.FACTOR_REMOVED, subject=str(account.id), details=details)
            await self._notices.happened(
                tx, request, account, NoticeKind.FACTOR_CHANGED, now, change="removed", factor=factor
            )

    async def _faults(self, opened: _Opened, form: dict[str, str]) -> list[tuple[str, str]]:
        fault = await self._rules.fault(form.get("new", ""), opened.account, alone=not opened.enrolled)
        if fault is not None:
            return [("new-by-passkey" if "answer" in form else "new", fault)]
        if opened.enrolled and not (form.get("code") or form.get("answer")):
            by_code = bool({"totp", "sms"} & set(opened.enrolled)) or "code" in form
            return [("code", "missing_code")] if by_code else [("", "passkey_refused")]
        return []

    async def _show(
        self,
        request: Request,
        token: str,
        faults: Sequence[tuple[str, str]] = (),
        status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY,
        *,
        sent_to: str | None = None,
    ) -> Response:
        options: dict[str, Any] | None = None
        saved_codes = 0
        taken: Sequence[FactorKind] = ()
        async with self._shared.database.begin() as tx:
            opened = await self._open(tx, token)
            if opened is not None and opened.enrolled:
                saved_codes = await self._proof.saved_left(tx, opened.account.id)
                taken = await self._proof.taken(tx, opened.account.id, opened.enrolled)
            if opened is not None and "passkey" in taken:
                options = await self._proof.ask_passkey(tx, opened.account.id, _bound_to(token))
        if opened is None:
            return await self._gone(request)
        return await show(
            self._shared,
            request,
            opened.link.client_id,
            "recover_password.html",
            status=status if faults else HTTPStatus.OK,
            token=token,
            person=opened.account,
            enrolled=taken,
            alone=not opened.enrolled,
            anew=opened.link.anew,
            saved_codes=saved_codes > 0,
            sent_to=sent_to,
            minutes=int(LIFETIME.total_seconds()) // 60,
            passkey_options=options,
            faults=faults,
            code=failure_code(what for _, what in faults),
        )

    async def _gone(self, request: Request) -> Response:
        return await show(self._shared, request, None, "recover_gone.html", status=HTTPStatus.GONE, code=LINK_OVER)

    async def _changed(self, request: Request, opened: _Opened) -> Response:
        """The way back to the app. This browser is a known one to the throttle from now on, for a while."""
        async with self._shared.database.connect() as tx:
            left = await self._proof.saved_left(tx, opened.account.id) if opened.enrolled else None
        client_id = opened.link.client_id
        client = await self._shared.clients.find(client_id) if client_id is not None else None
        start = await self._shared.presence.start_of(client, None) if client is not None else None
        response = await show(
            self._shared,
            request,
            client_id,
            "recover_done.html",
            status=HTTPStatus.OK,
            start=start or (home_of(client) if client is not None else ""),
            anew=opened.link.anew,
            left=left,
        )
        digest = cookie_hash(request.cookies.get(DEVICE_COOKIE))
        keep = [(REMEMBERED_COOKIE, "", 0)] if REMEMBERED_COOKIE in request.cookies else []
        if digest is None:
            cookie = self._shared.entropy.token(COOKIE_SIZE)
            digest = cookie_hash(cookie)
            keep.append((DEVICE_COOKIE, cookie, DEVICE_COOKIE_AGE))
        assert digest is not None
        await self._throttle.vouch(str(opened.account.id), digest)
        Keep(tuple(keep)).put_on(response)
        return response


def _bound_to(token: str) -> str:
    return f"recovery:{token_hash(token).hex()}"
